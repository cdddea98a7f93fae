//! Sessions of edit models: how many there are, which window each is asked about, and that edits do not
//! depend on them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::ops::ControlFlow;

use deepcompose_samplers::{EditModel, EditOutcome, EditParams, EditSampler, EditSession};
use ndarray::{Array2, ArrayView2};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const STEPS: usize = 16;
const BYTES: usize = 1000;

/// A sum over the sounding cells decides the logits.
fn sum_of(roll: ArrayView2<'_, bool>) -> usize {
    roll.indexed_iter().filter(|(_, on)| **on).map(|((step, pitch), _)| step * 128 + pitch).sum()
}

fn logits_of(sum: usize) -> Array2<f32> {
    Array2::from_shape_fn((STEPS, 128), |(step, pitch)| {
        (((step * 128 + pitch) * 7919 + sum) % 97) as f32 / 20.0
    })
}

struct Plain;

impl EditModel for Plain {
    type Error = Infallible;

    fn window_steps(&self) -> usize {
        STEPS
    }

    fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, Infallible> {
        Ok(logits_of(sum_of(roll)))
    }
}

/// The same model with sessions that correct the sum by the cells that changed.
#[derive(Default)]
struct Incremental {
    begun: Cell<usize>,
    /// Which session was asked, call by call.
    asked: RefCell<Vec<usize>>,
    /// How many cells were not as the session had left them.
    changed: Cell<usize>,
}

impl EditModel for Incremental {
    type Error = Infallible;

    fn window_steps(&self) -> usize {
        STEPS
    }

    fn edit_logits(&self, _: ArrayView2<'_, bool>) -> Result<Array2<f32>, Infallible> {
        panic!("there are sessions to ask")
    }

    fn session(&self) -> Box<dyn EditSession<Error = Infallible> + '_> {
        let number = self.begun.replace(self.begun.get() + 1);
        let roll = Array2::from_elem((STEPS, 128), false);
        Box::new(Corrected { model: self, number, roll, sum: 0, logits: logits_of(0) })
    }

    fn session_bytes(&self) -> usize {
        BYTES
    }
}

struct Corrected<'a> {
    model: &'a Incremental,
    number: usize,
    roll: Array2<bool>,
    sum: usize,
    logits: Array2<f32>,
}

impl EditSession for Corrected<'_> {
    type Error = Infallible;

    fn logits(&mut self, roll: ArrayView2<'_, bool>) -> Result<ArrayView2<'_, f32>, Infallible> {
        self.model.asked.borrow_mut().push(self.number);
        for ((step, pitch), on) in roll.indexed_iter().filter(|(cell, on)| self.roll[*cell] != **on) {
            let place = step * 128 + pitch;
            self.sum = if *on { self.sum + place } else { self.sum - place };
            self.model.changed.set(self.model.changed.get() + 1);
        }
        self.roll.assign(&roll);
        self.logits = logits_of(self.sum);
        Ok(self.logits.view())
    }
}

fn edit<M: EditModel<Error = Infallible> + ?Sized>(
    model: &M,
    session_memory: usize,
    steps: usize,
) -> EditOutcome {
    let params = EditParams { iterations: 6, window_alignment: 4, session_memory, ..EditParams::default() };
    let input = Array2::from_shape_fn((steps, 128), |(step, pitch)| pitch == 60 + step % 7);
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    EditSampler::new(params)
        .unwrap()
        .edit(model, input.view(), &mut rng, &mut |_| ControlFlow::Continue(()))
        .unwrap()
}

#[test]
fn edits_are_the_same_with_and_without_sessions_and_however_few_there_are() {
    // Windows at 0, 8, 16, 24, 32, 36.
    let expected = edit(&Plain, usize::MAX, 50);
    assert_eq!(expected.edits.len(), 36);
    for (memory, sessions) in [
        (0, 1),
        (BYTES - 1, 1),
        (2 * BYTES - 1, 1),
        (2 * BYTES, 2),
        (5 * BYTES, 5),
        (6 * BYTES, 6),
        (usize::MAX, 6),
    ] {
        let model = Incremental::default();
        assert_eq!(edit(&model, memory, 50), expected, "{memory} bytes");
        assert_eq!(model.begun.get(), sessions, "{memory} bytes");
        // The first windows have their own; the others share the last.
        let one_pass: Vec<usize> = (0..6).map(|window: usize| window.min(sessions - 1)).collect();
        assert_eq!(*model.asked.borrow(), one_pass.repeat(6), "{memory} bytes");
    }
}

#[test]
fn a_window_with_a_session_of_its_own_changes_by_the_flips_since() {
    let model = Incremental::default();
    let outcome = edit(&model, usize::MAX, 50);
    // Every session sees the 16 cells of its window once (the last: 14); after that only flips, each in
    // at most three overlapping windows.
    let flips = model.changed.get() - (5 * 16 + 14);
    assert!(flips <= 3 * outcome.edits.len(), "{flips}");
    let shared = Incremental::default();
    edit(&shared, 0, 50);
    assert!(shared.changed.get() > 10 * model.changed.get() / 2, "{} cells", shared.changed.get());
}

#[test]
fn models_behind_references_and_trait_objects_keep_their_sessions() {
    let expected = edit(&Plain, usize::MAX, 20);
    let model = Incremental::default();
    let object: &dyn EditModel<Error = Infallible> = &model;
    assert_eq!(edit(object, usize::MAX, 20), expected);
    assert_eq!(edit(&object, usize::MAX, 20), expected);
    assert_eq!(object.session_bytes(), BYTES);
    let plain: Box<dyn EditModel<Error = Infallible>> = Box::new(Plain);
    assert_eq!(edit(&*plain, usize::MAX, 20), expected);
    // A window of logits.
    assert_eq!(plain.session_bytes(), 16 * 128 * 4);
    // One that panics where its sessions are not asked.
    let boxed: Box<dyn EditModel<Error = Infallible>> = Box::new(Incremental::default());
    assert_eq!(edit(&boxed, usize::MAX, 20), expected);
    assert_eq!(<Box<dyn EditModel<Error = Infallible>> as EditModel>::session_bytes(&boxed), BYTES);
}

#[test]
fn a_pass_that_can_change_nothing_begins_no_session() {
    let model = Incremental::default();
    let params = EditParams { max_remove: 0.0, ..EditParams::default() };
    let params = EditParams { max_add: deepcompose_samplers::MaxAdd::Cells(0), ..params };
    let silence = Array2::from_elem((40, 128), false);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let sampler = EditSampler::new(params).unwrap();
    sampler.edit(&model, silence.view(), &mut rng, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(model.begun.get(), 0);
}
