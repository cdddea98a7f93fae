//! The loop: steps, validations, checkpoints.

use std::ops::ControlFlow;
use std::path::Path;

use super::run::{Best, Run};
use super::{StepReport, TrainError, Trainer};

/// What a run tells its observer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum TrainEvent<'a> {
    /// A step was taken.
    Step {
        /// Steps taken so far, this one included.
        step: usize,
        /// What it came to.
        report: &'a StepReport,
    },
    /// The validation split was measured.
    Validation {
        /// Steps taken so far.
        step: usize,
        /// Its mean loss.
        loss: f64,
        /// Whether it is the lowest of the run; its weights have been written.
        best: bool,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Steps taken so far.
        step: usize,
        /// The file.
        path: &'a Path,
    },
}

/// Sees a run's events with the trainer as it is then, and may stop the run.
pub type TrainObserver<'a, T> = dyn FnMut(&T, &TrainEvent<'_>) -> ControlFlow<()> + 'a;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// All steps were taken.
    Done,
    /// [`RunSettings::patience`](super::RunSettings::patience) validations in a row were not the best.
    OutOfPatience,
    /// The observer, or the dashboard's user, stopped it; a checkpoint was written.
    Stopped,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Why.
    pub ending: Ending,
    /// Steps taken in all.
    pub step: usize,
    /// The loss of the last validation, `None` if there was none.
    pub loss: Option<f64>,
    /// The lowest validation loss.
    pub best: Option<Best>,
}

impl Run {
    /// Trains to the end, or until the observer breaks or patience runs out.
    ///
    /// # Errors
    ///
    /// [`TrainError::Diverged`], [`TrainError::Weights`] if a file cannot be written, and what the trainer says.
    /// Checkpoints written before stay as they are.
    pub fn train<T: Trainer>(
        &mut self,
        trainer: &mut T,
        observer: &mut TrainObserver<'_, T>,
    ) -> Result<Outcome, TrainError> {
        while !trainer.is_done() && !self.out_of_patience() {
            if self.advance(trainer, observer)?.is_break() {
                return Ok(self.outcome(trainer, Ending::Stopped));
            }
        }
        self.finish(trainer)
    }

    /// One step, and the validation and checkpoint that are due after it. Breaks if the observer did.
    pub(super) fn advance<T: Trainer>(
        &mut self,
        trainer: &mut T,
        observer: &mut TrainObserver<'_, T>,
    ) -> Result<ControlFlow<()>, TrainError> {
        let report = trainer.train_step()?;
        let step = trainer.step();
        self.log.step(step, &report, self.begun.elapsed().as_secs_f64())?;
        let mut stop = observer(trainer, &TrainEvent::Step { step, report: &report }).is_break();
        let due = |every: usize| trainer.is_done() || step.is_multiple_of(every);
        let validate = due(self.settings.validate_every);
        if validate {
            let loss = trainer.validate()?;
            // Nothing that follows from such a loss is saved.
            TrainError::unless_finite("the validation loss", step, loss)?;
            let best = self.progress.best.is_none_or(|best| loss < best.loss);
            self.progress.last = Some(loss);
            self.progress.stale = if best { 0 } else { self.progress.stale + 1 };
            if best {
                self.save_weights(trainer, &self.best_weights())?;
                self.progress.best = Some(Best { step, loss });
            }
            self.log.validation(step, loss, best, self.begun.elapsed().as_secs_f64())?;
            stop |= observer(trainer, &TrainEvent::Validation { step, loss, best }).is_break();
        }
        if validate || stop || due(self.settings.checkpoint_every) {
            let path = self.save(trainer)?;
            stop |= observer(trainer, &TrainEvent::Checkpoint { step, path: &path }).is_break();
        }
        Ok(if stop && !trainer.is_done() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    pub(super) fn out_of_patience(&self) -> bool {
        self.settings.patience.is_some_and(|patience| self.progress.stale >= patience)
    }

    /// Writes the last weights of a run that is over.
    pub(super) fn finish<T: Trainer>(&self, trainer: &T) -> Result<Outcome, TrainError> {
        self.save_weights(trainer, &self.last_weights())?;
        let ending = if trainer.is_done() { Ending::Done } else { Ending::OutOfPatience };
        Ok(self.outcome(trainer, ending))
    }

    pub(super) fn outcome<T: Trainer>(&self, trainer: &T, ending: Ending) -> Outcome {
        Outcome { ending, step: trainer.step(), loss: self.progress.last, best: self.progress.best }
    }
}
