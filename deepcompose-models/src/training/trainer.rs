//! [`Trainer`]: what a run needs of whatever it trains.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::TrainError;
use crate::checkpoint::Checkpoint;
use crate::weights::Model;

/// What one training step came to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StepReport {
    /// The training loss of this step, in the trainer's unit.
    pub loss: f64,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// What else the trainer measures, by name: `gradient_norm`, or the parts of an adversarial loss.
    pub measures: Vec<(&'static str, f64)>,
}

impl StepReport {
    /// A report with nothing but the loss and the learning rate.
    #[must_use]
    pub const fn new(loss: f64, learning_rate: f64) -> Self {
        Self { loss, learning_rate, measures: Vec::new() }
    }

    /// The same with another measure.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: f64) -> Self {
        self.measures.push((name, value));
        self
    }
}

/// Something that is trained step by step and whose whole state can be saved and taken up again.
///
/// A [`Run`](super::Run) drives it: it counts, validates, logs, writes checkpoints and keeps the best weights. What
/// a trainer does in a step may depend on its state alone, so that a run that is killed and resumed ends with the
/// same weights, bit for bit, as one that never stopped (on the CPU; other devices may add up in another order).
pub trait Trainer {
    /// The network that the run's weights files hold.
    type Model: Model;

    /// What of the state is written as JSON into a checkpoint, beside the tensors.
    type State: Serialize + DeserializeOwned;

    /// The name of this trainer in a checkpoint.
    const KIND: &'static str;

    /// Steps taken so far.
    fn step(&self) -> usize;

    /// Steps of the whole run, at most: a time limit may end it before.
    fn total_steps(&self) -> usize;

    /// Whether the run is over: the last step of the schedule was taken.
    fn is_done(&self) -> bool;

    /// Takes a step.
    ///
    /// # Errors
    ///
    /// [`TrainError::Diverged`] if a loss or a gradient is not finite. The trainer is then to be restored from
    /// a checkpoint: some of its state may be that of the step that failed.
    fn train_step(&mut self) -> Result<StepReport, TrainError>;

    /// The mean loss over the validation split, the lower the better. Always computed in the same way.
    ///
    /// # Errors
    ///
    /// A device that fails.
    fn validate(&self) -> Result<f64, TrainError>;

    /// What [`validate`](Self::validate) measures with: a fingerprint of the validation data and of the settings that
    /// its loss depends on. A run that is resumed with another forgets its lowest loss, which is not one of these.
    fn measure(&self) -> String;

    /// The network as it is now, for inference.
    fn model(&self) -> Self::Model;

    /// The whole state: tensors as parts of a checkpoint, and the rest.
    ///
    /// # Errors
    ///
    /// [`WeightsError`](crate::WeightsError) if the tensors cannot be read from the device.
    fn save(&self) -> Result<(Checkpoint, Self::State), TrainError>;

    /// Takes up a state that [`save`](Self::save) gave.
    ///
    /// # Errors
    ///
    /// [`TrainError::Checkpoint`] if it is of another network, seed or data.
    fn restore(&mut self, checkpoint: &Checkpoint, state: Self::State) -> Result<(), TrainError>;
}
