//! [`evaluate`]: how well a network tells which cells of spoilt windows are wrong; [`harmonise`] and [`repair`]: what
//! the sampler makes of held-out pieces.

mod harmonise;
mod repair;
mod sample;
mod voices;

use std::ops::ControlFlow;

use burn::module::Module;
use deepcompose_core::Pitch;
use deepcompose_samplers::{EditError, EditParams, EditSampler, MaxAdd, SamplerError};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{ArCnn, Corruption, EditBatch, RollWindows, edit_loss};
use crate::error::ModelError;
use crate::training::{TrainError, step_rng};
use crate::weights::Model;

pub use harmonise::{ChoraleMeasures, Harmonisation, HarmonisationOptions, Judge, Judgement, harmonise};
pub use repair::{RepairEvaluation, RepairOptions, RepairScore, repair};
pub use voices::four_voices;

/// How an AR-CNN is evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EditEvaluationOptions {
    /// How windows are spoilt; the published ranges by default.
    pub corruption: Corruption,
    /// Windows at once, 1..=4096; 16 by default. It belongs to what is drawn: see
    /// [`seed`](Self::seed).
    pub batch_size: usize,
    /// How many windows the network edits, evenly spaced over all of them; 32 by default. The loss is
    /// always over all windows. 0 leaves editing out.
    pub edited_windows: usize,
    /// Most cells flipped in a window; 64 by default.
    pub max_flips: usize,
    /// Creative risk of the edits, finite and above 0; the product's 0.8 by default. The smaller it is,
    /// the nearer the edits are to taking the most likely cell each time.
    pub creative_risk: f64,
    /// The seed of how windows are spoilt and edited; 1 by default. With the seed, the batch size and the
    /// corruption of a training run, windows are spoilt as in that run's validation.
    pub seed: u64,
}

impl Default for EditEvaluationOptions {
    fn default() -> Self {
        Self {
            corruption: Corruption::default(),
            batch_size: 16,
            edited_windows: 32,
            max_flips: 64,
            creative_risk: 0.8,
            seed: 1,
        }
    }
}

impl EditEvaluationOptions {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`].
    pub fn validate(&self) -> Result<(), ModelError> {
        self.corruption.validate()?;
        if !(1..=4096).contains(&self.batch_size) {
            return Err(ModelError::range("batch_size", self.batch_size, "1..=4096"));
        }
        let most = EditParams::MAX_ITERATIONS;
        if !(1..=most).contains(&self.max_flips) {
            return Err(ModelError::range("max_flips", self.max_flips, format!("1..={most}")));
        }
        if !(self.creative_risk.is_finite() && self.creative_risk > 0.0) {
            return Err(ModelError::range("creative_risk", self.creative_risk, "a finite number above 0"));
        }
        Ok(())
    }
}

/// Edits against the cells that were truly wrong, over all edited windows together.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EditScore {
    /// Cells in which a spoilt window differed from the clean one.
    pub differing: usize,
    /// Cells that were flipped in the end; one that was flipped back does not count.
    pub flipped: usize,
    /// Cells that are both.
    pub hits: usize,
    /// Share of the flipped cells that differed, 0..=1; 0 if none was flipped.
    pub precision: f64,
    /// Share of the differing cells that were flipped, 0..=1; 0 if none differed.
    pub recall: f64,
}

impl EditScore {
    fn of(differing: usize, flipped: usize, hits: usize) -> Self {
        let share = |whole: usize| hits as f64 / whole.max(1) as f64;
        Self { differing, flipped, hits, precision: share(flipped), recall: share(differing) }
    }
}

/// How well an AR-CNN mends spoilt windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EditEvaluation {
    /// Windows, each spoilt once.
    pub windows: usize,
    /// Mean over the windows in which a cell differs of the loss in nats an edit ([`edit_loss`]).
    pub loss: f64,
    /// The loss of a network for which all cells are equally likely: the mean of ln(cells / differing).
    pub uniform_loss: f64,
    /// Windows that were edited.
    pub edited_windows: usize,
    /// All edits. In each window as many cells are flipped as differ, up to the limit.
    pub edits: EditScore,
    /// Edits that set silent cells, against those that the spoiling had cleared.
    pub additions: EditScore,
    /// Edits that clear sounding cells, against those that the spoiling had set.
    pub removals: EditScore,
    /// The recall of a network that makes no mistake, which the limit of flips keeps below 1.
    pub recall_limit: f64,
    /// The precision of edits drawn evenly from all cells, by expected counts.
    pub uniform_precision: f64,
    /// The recall of edits drawn evenly from all cells, by expected counts.
    pub uniform_recall: f64,
}

/// Measures a network on windows that are spoilt, once each and always in the same way for a seed:
/// the loss over all of them, and precision and recall of the edits that an
/// [`EditSampler`] draws from it in some of them.
///
/// In an edited window the sampler makes as many flips as there are differing cells (the limit is
/// [`max_flips`](EditEvaluationOptions::max_flips)), each knowing the ones before, with no other budget
/// and over all pitches of the network.
///
/// ```
/// use deepcompose_core::InputTrack;
/// use deepcompose_models::Device;
/// use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig, EditEvaluationOptions, RollWindows, evaluate};
/// use deepcompose_models::weights::Model;
///
/// let config = ArCnnConfig { filters: 2, levels: 1, ..ArCnnConfig::compact() };
/// let model = ArCnn::build(&config, &Device::default())?;
/// let tune = InputTrack::OdeToJoy.score();
/// let windows = RollWindows::from_scores([&tune], config.steps, 64)?;
/// let options = EditEvaluationOptions { edited_windows: 1, max_flips: 3, ..Default::default() };
/// let evaluation = evaluate(&model, &windows, &options)?;
/// assert!(evaluation.loss > 0.0);
/// assert!(evaluation.edits.flipped <= 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`TrainError::NoData`] for no windows, [`TrainError::Config`] for an option out of range, windows of
/// another length than the network's, or a network whose logits are not numbers.
pub fn evaluate(
    model: &ArCnn,
    windows: &RollWindows,
    options: &EditEvaluationOptions,
) -> Result<EditEvaluation, TrainError> {
    options.validate()?;
    if windows.is_empty() {
        return Err(TrainError::NoData { split: "evaluated" });
    }
    let config = model.config();
    let steps = windows.window(0, 0).nrows();
    if steps != config.steps {
        return Err(TrainError::Config(ModelError::Shape {
            what: "the windows",
            found: vec![steps, 128],
            expected: format!("[{}, 128]", config.steps),
        }));
    }
    let model = model.valid();
    let device = model.devices().first().cloned().unwrap_or_default().without_autodiff();
    let mut sums = Sums::new(config.steps * config.pitches);
    let edited = options.edited_windows.min(windows.len());
    let indices: Vec<usize> = (0..windows.len()).collect();
    for (number, chunk) in indices.chunks(options.batch_size).enumerate() {
        let mut rng = step_rng(options.seed, 2, number);
        let batch = windows.batch(chunk, config, &options.corruption, (0, None), &mut rng, &device);
        let spoilt = Spoilt::all(&batch, config.lowest_pitch)?;
        let loss = edit_loss(model.forward(batch.input)?, batch.difference);
        let loss = loss.try_into_scalar::<f32>().map_err(|e| ModelError::Device(e.to_string()))?;
        sums.add_loss(f64::from(loss), &spoilt);
        for (index, window) in chunk.iter().zip(&spoilt) {
            // Of `edited` windows spread over all, the next one begins here.
            if index * edited % windows.len() < edited {
                let after = edit(&model, window, options, *index)?;
                sums.add_edits(window, after.as_ref(), options.max_flips);
            }
        }
    }
    Ok(sums.evaluation(windows.len(), edited))
}

/// A spoilt window and where it differs from the clean one, both `[steps, 128]`.
struct Spoilt {
    roll: Array2<bool>,
    difference: Array2<bool>,
}

impl Spoilt {
    fn all(batch: &EditBatch, lowest_pitch: usize) -> Result<Vec<Self>, ModelError> {
        let [size, steps, pitches] = batch.input.dims();
        let read = |tensor: &burn::tensor::Tensor<3>| {
            let values = tensor.clone().try_into_vec_as::<f32>();
            values.map_err(|e| ModelError::Device(e.to_string()))
        };
        let (rolls, differences) = (read(&batch.input)?, read(&batch.difference)?);
        let array = |values: &[f32], window: usize| {
            Array2::from_shape_fn((steps, 128), |(step, pitch)| {
                let inside = pitch.checked_sub(lowest_pitch).filter(|p| *p < pitches);
                inside
                    .and_then(|p| values.get((window * steps + step) * pitches + p))
                    .is_some_and(|v| *v > 0.5)
            })
        };
        Ok((0..size)
            .map(|window| Self { roll: array(&rolls, window), difference: array(&differences, window) })
            .collect())
    }

    fn differing(&self) -> usize {
        self.difference.iter().filter(|differs| **differs).count()
    }
}

/// The window after as many flips as it has differing cells, up to the limit; `None` if that is none.
fn edit(
    model: &ArCnn,
    window: &Spoilt,
    options: &EditEvaluationOptions,
    index: usize,
) -> Result<Option<Array2<bool>>, ModelError> {
    let flips = window.differing().min(options.max_flips);
    if flips == 0 {
        return Ok(None);
    }
    let params = EditParams {
        max_remove: 1.0,
        max_add: MaxAdd::Cells(usize::MAX),
        iterations: flips,
        creative_risk: options.creative_risk,
        pitch_range: Pitch::MIN..=Pitch::MAX,
        ..EditParams::default()
    };
    let sampler = EditSampler::new(params).map_err(|e: SamplerError| ModelError::Device(e.to_string()))?;
    let mut rng = step_rng(options.seed, 3, index);
    let outcome = sampler.edit(model, window.roll.view(), &mut rng, &mut |_| ControlFlow::Continue(()));
    match outcome {
        Ok(outcome) => Ok(Some(outcome.roll)),
        Err(EditError::Model(error)) => Err(error),
        Err(error) => Err(ModelError::Device(error.to_string())),
    }
}

/// What is added up over the windows.
struct Sums {
    /// Cells of a window.
    cells: usize,
    counted: usize,
    loss: f64,
    uniform_loss: f64,
    /// Differing cells, flipped cells, and both: of silent cells, then of sounding ones.
    counts: [[usize; 3]; 2],
    attainable: usize,
    /// Expected counts for edits drawn evenly: flipped cells, and those that differ.
    uniform: [f64; 2],
}

impl Sums {
    fn new(cells: usize) -> Self {
        Self {
            cells,
            counted: 0,
            loss: 0.0,
            uniform_loss: 0.0,
            counts: [[0; 3]; 2],
            attainable: 0,
            uniform: [0.0; 2],
        }
    }

    /// The mean loss of the windows of a batch in which something differs.
    fn add_loss(&mut self, mean: f64, windows: &[Spoilt]) {
        let counts: Vec<usize> = windows.iter().map(Spoilt::differing).filter(|n| *n > 0).collect();
        self.counted += counts.len();
        self.loss += mean * counts.len() as f64;
        self.uniform_loss += counts.iter().map(|n| (self.cells as f64 / *n as f64).ln()).sum::<f64>();
    }

    fn add_edits(&mut self, window: &Spoilt, after: Option<&Array2<bool>>, max_flips: usize) {
        let after = after.unwrap_or(&window.roll);
        for ((before, after), differs) in window.roll.iter().zip(after).zip(&window.difference) {
            let flipped = before != after;
            let counts = &mut self.counts[usize::from(*before)];
            for (count, is) in counts.iter_mut().zip([*differs, flipped, *differs && flipped]) {
                *count += usize::from(is);
            }
        }
        let differing = window.differing();
        let flips = differing.min(max_flips);
        self.attainable += flips;
        let odd = flipped_by_chance(self.cells, flips);
        self.uniform[0] += self.cells as f64 * odd;
        self.uniform[1] += differing as f64 * odd;
    }

    fn evaluation(&self, windows: usize, edited_windows: usize) -> EditEvaluation {
        let counted = self.counted.max(1) as f64;
        let score = |[differing, flipped, hits]: [usize; 3]| EditScore::of(differing, flipped, hits);
        let [silent, sounding] = self.counts;
        let all: [usize; 3] = std::array::from_fn(|i| silent[i] + sounding[i]);
        let [differing, ..] = all;
        let differing = differing.max(1) as f64;
        let [flipped, hits] = self.uniform;
        EditEvaluation {
            windows,
            loss: self.loss / counted,
            uniform_loss: self.uniform_loss / counted,
            edited_windows,
            edits: score(all),
            additions: score(silent),
            removals: score(sounding),
            recall_limit: self.attainable as f64 / differing,
            uniform_precision: if flipped > 0.0 { hits / flipped } else { 0.0 },
            uniform_recall: hits / differing,
        }
    }
}

/// The probability that a cell ends flipped after `flips` flips of cells drawn evenly from `cells`: it is
/// drawn an odd number of times, (1 − (1 − 2 / cells)^flips) / 2.
fn flipped_by_chance(cells: usize, flips: usize) -> f64 {
    (1.0 - (1.0 - 2.0 / cells as f64).powf(flips as f64)) / 2.0
}

#[cfg(test)]
mod tests;
