#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use ndarray::array;

use super::*;
use crate::ar_cnn::ArCnnConfig;

fn config() -> ArCnnConfig {
    ArCnnConfig { steps: 8, lowest_pitch: 60, pitches: 8, filters: 2, levels: 1, dropout: 0.0 }
}

/// Every weight the same number.
struct Constant(f64);

impl ModuleMapper for Constant {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.zeros_like().add_scalar(self.0))
    }
}

fn windows() -> RollWindows {
    let piece =
        |p: usize| Array2::from_shape_fn((24, 128), move |(_, pitch)| (60 + p..64 + p).contains(&pitch));
    RollWindows::new((0..3).map(piece).collect(), 8, 8)
}

fn options() -> EditEvaluationOptions {
    // In each window of 64 cells 16 of the 32 sounding ones are cleared and 8 of the 32 silent ones set.
    let corruption = Corruption { remove: (0.5, 0.5), add: (0.25, 0.25), ..Corruption::default() };
    EditEvaluationOptions { corruption, batch_size: 4, edited_windows: 9, ..EditEvaluationOptions::default() }
}

// Four cells, of which the first two sound. The second and the third differ; the network clears the first
// and sets the third.
#[test]
fn precision_and_recall_of_a_window_worked_by_hand() {
    let spoilt =
        Spoilt { roll: array![[true, true, false, false]], difference: array![[false, true, true, false]] };
    let mut sums = Sums::new(4);
    sums.add_edits(&spoilt, Some(&array![[false, true, true, false]]), 64);
    let evaluation = sums.evaluation(1, 1);
    assert_eq!(
        evaluation.edits,
        EditScore { differing: 2, flipped: 2, hits: 1, precision: 0.5, recall: 0.5 }
    );
    let removals = EditScore { differing: 1, flipped: 1, hits: 0, precision: 0.0, recall: 0.0 };
    let additions = EditScore { differing: 1, flipped: 1, hits: 1, precision: 1.0, recall: 1.0 };
    assert_eq!((evaluation.removals, evaluation.additions), (removals, additions));
    assert_eq!(evaluation.recall_limit, 1.0);
    // Two draws from four cells: of 16 pairs 12 flip two cells and 4 flip none, so 1.5 cells on average,
    // of which half differ.
    assert!((evaluation.uniform_precision - 0.5).abs() < 1e-12);
    assert!((evaluation.uniform_recall - 0.75 / 2.0).abs() < 1e-12);

    // The same window again, left as it is, with a limit of one flip.
    sums.add_edits(&spoilt, None, 1);
    let evaluation = sums.evaluation(2, 2);
    assert_eq!((evaluation.edits.precision, evaluation.edits.recall), (0.5, 0.25));
    assert_eq!(evaluation.recall_limit, 0.75);
    // One draw always flips one cell: 1.5 + 1 flipped, 0.75 + 0.5 hits.
    assert!((evaluation.uniform_recall - 1.25 / 4.0).abs() < 1e-12);
}

#[test]
fn a_network_that_knows_nothing_has_the_closed_forms() {
    let model = ArCnn::build(&config(), &Device::flex()).unwrap().map(&mut Constant(0.0));
    let evaluation = evaluate(&model, &windows(), &options()).unwrap();
    assert_eq!((evaluation.windows, evaluation.edited_windows), (9, 9));
    // 24 of 64 cells differ in every window.
    let expected = (64.0_f64 / 24.0).ln();
    assert!((evaluation.uniform_loss - expected).abs() < 1e-12);
    assert!((evaluation.loss - expected).abs() < 1e-5, "{}", evaluation.loss);
    assert_eq!(evaluation.edits.differing, 9 * 24);
    assert_eq!(evaluation.additions.differing, 9 * 16);
    assert_eq!(evaluation.recall_limit, 1.0);
    let odd = (1.0 - (1.0_f64 - 2.0 / 64.0).powi(24)) / 2.0;
    assert!((evaluation.uniform_recall - odd).abs() < 1e-12);
    assert!((evaluation.uniform_precision - 24.0 / 64.0).abs() < 1e-12);
    // 216 differing cells, each flipped with probability 0.266: five standard deviations are 0.15.
    assert!((evaluation.edits.recall - odd).abs() < 0.15, "{:?}", evaluation.edits);
}

#[test]
fn edits_keep_to_the_limit_and_are_the_same_every_time() {
    // With all weights 1 a logit is the larger, by far, the more sounds around it.
    let model = ArCnn::build(&config(), &Device::flex()).unwrap().map(&mut Constant(1.0));
    let greedy = EditEvaluationOptions { max_flips: 1, creative_risk: 1e-6, ..options() };
    let evaluation = evaluate(&model, &windows(), &greedy).unwrap();
    assert_eq!(evaluation.edits.flipped, 9);
    assert_eq!(evaluation.recall_limit, 9.0 / 216.0);
    assert!(evaluation.loss > evaluation.uniform_loss);
    // The loss does not depend on the edits.
    assert_eq!(evaluate(&model, &windows(), &greedy).unwrap(), evaluation);
    let some = evaluate(&model, &windows(), &EditEvaluationOptions { edited_windows: 4, ..greedy }).unwrap();
    assert_eq!((some.edited_windows, some.edits.flipped, some.loss), (4, 4, evaluation.loss));
}

#[test]
fn bad_options_and_data_are_refused() {
    let model = ArCnn::build(&config(), &Device::flex()).unwrap();
    let refuse = |windows: &RollWindows, options: EditEvaluationOptions| {
        evaluate(&model, windows, &options).unwrap_err().to_string()
    };
    for (options, message) in [
        (EditEvaluationOptions { batch_size: 0, ..options() }, "batch_size 0 is out of range: 1..=4096"),
        (EditEvaluationOptions { max_flips: 0, ..options() }, "max_flips 0 is out of range: 1..=100000"),
        (EditEvaluationOptions { creative_risk: 0.0, ..options() }, "creative_risk 0 is out of range"),
        (EditEvaluationOptions { creative_risk: f64::NAN, ..options() }, "creative_risk NaN is out of range"),
    ] {
        let found = refuse(&windows(), options);
        assert!(found.starts_with(message), "{found}");
    }
    let none = evaluate(&model, &RollWindows::new(Vec::new(), 8, 8), &options());
    assert!(matches!(none, Err(TrainError::NoData { .. })));
    let long = RollWindows::new(vec![Array2::from_elem((9, 128), false)], 9, 9);
    assert!(refuse(&long, options()).contains("[8, 128]"));
    // Silence that nothing is added to: nothing differs, and nothing divides by zero.
    let silence = RollWindows::new(vec![Array2::from_elem((8, 128), false)], 8, 8);
    let still = Corruption { remove: (0.0, 0.0), add: (0.0, 0.0), ..Corruption::default() };
    let nothing =
        evaluate(&model, &silence, &EditEvaluationOptions { corruption: still, ..options() }).unwrap();
    assert_eq!((nothing.loss, nothing.edits), (0.0, EditScore::default()));
}
