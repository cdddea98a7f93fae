//! Training on several devices at once, by burn-train's own strategies.
//!
//! Several devices of this machine are named one by one (`cuda:0`, `cuda:1`); devices of other machines are those that a burn-remote server
//! there lends (`ws://host:port`, with `#1` for its second). All may stand in one list. Gradients of the devices are averaged by `ddp` and summed by
//! the other strategies: with Adam that hardly matters, since it divides by their size. Autodiff stays on this side of a connection, which
//! is not encrypted.

use std::path::Path;

use burn::optim::ModuleOptimizer;
use burn::optim::lr_scheduler::LrScheduler;
use burn::tensor::Device;
use burn::train::metric::{LearningRateMetric, LossMetric};
use burn::train::{
    ExecutionStrategy, InferenceStep, Learner, LearnerModel, MultiDeviceOptim, SupervisedTraining,
    TrainLoader, TrainStep, ValidLoader,
};
use serde::{Deserialize, Serialize};

use super::loss_output::LossOutput;
use super::run::lock;
use super::silent::Silent;
use super::supervised::panic_message;
use super::{Schedule, TrainError};
use crate::error::{ModelError, WeightsError};
use crate::weights::{self, Model, Precision};

/// How several devices share the work; see burn-train's [`ExecutionStrategy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sharing {
    /// Each device computes the gradients of its share of the batches; the first device takes the step.
    #[default]
    Multi,
    /// As [`Multi`](Self::Multi), with the optimiser's state spread over the devices too.
    MultiSharded,
    /// Each device has a copy of the network, and gradients are averaged by collective operations. The CPU device does
    /// not have these.
    Ddp,
}

impl Sharing {
    /// How many of so many items the device has that has most of them: burn-train gives what is left over to the last one.
    #[must_use]
    pub const fn largest_share(items: usize, devices: usize) -> usize {
        match items.checked_div(devices) {
            Some(each) => items - (devices - 1) * each,
            None => 0,
        }
    }

    /// burn-train's strategy for these devices.
    ///
    /// # Errors
    ///
    /// [`TrainError::Config`] if there is no device, or for [`Ddp`](Self::Ddp) on the CPU.
    pub fn strategy(self, devices: &[Device]) -> Result<ExecutionStrategy, TrainError> {
        if devices.is_empty() {
            return Err(ModelError::range("devices", 0, "1 or more").into());
        }
        let devices = devices.to_vec();
        Ok(match self {
            Self::Multi => ExecutionStrategy::multi(devices, MultiDeviceOptim::OptimMainDevice),
            Self::MultiSharded => ExecutionStrategy::multi(devices, MultiDeviceOptim::OptimSharded),
            Self::Ddp if devices.iter().any(|d| d.clone().inner() == Device::flex()) => {
                return Err(ModelError::range("sharing", "ddp", "multi on the CPU").into());
            }
            Self::Ddp => {
                let config = burn::tensor::distributed::DistributedConfig {
                    all_reduce_op: burn::tensor::distributed::ReduceOperation::Mean,
                };
                ExecutionStrategy::ddp(devices, config)
            }
        })
    }
}

/// [`Schedule`] as burn-train steps it.
#[derive(Debug, Clone)]
pub(crate) struct Steps {
    pub(crate) schedule: Schedule,
    pub(crate) taken: usize,
}

impl LrScheduler for Steps {
    fn step(&mut self) -> f64 {
        self.taken += 1;
        self.schedule.at(self.taken - 1)
    }

    fn to_record(&self) -> burn::optim::lr_scheduler::LrSchedulerRecord {
        burn::optim::lr_scheduler::LrSchedulerRecord::new()
    }

    fn load_record(&mut self, _record: burn::optim::lr_scheduler::LrSchedulerRecord) {}
}

/// What a training on several devices is made of.
pub(crate) struct DeviceTraining<M: LearnerModel> {
    pub(crate) model: M,
    pub(crate) optimizer: ModuleOptimizer,
    pub(crate) schedule: Schedule,
    pub(crate) train: TrainLoader<M>,
    pub(crate) valid: ValidLoader<M>,
    pub(crate) epochs: usize,
    /// What is made of the network after its last step.
    pub(crate) finish: Box<dyn FnOnce(M) -> M>,
}

impl<M> DeviceTraining<M>
where
    M: LearnerModel + Model + TrainStep<Output = LossOutput> + InferenceStep<Output = LossOutput>,
{
    /// Trains with burn-train's loop: its checkpoints (burnpack, one an epoch) and metrics go to `folder`, and the
    /// last weights to `last.safetensors` in it. Runs on a thread of its own, so that a panic of burn-train's is an
    /// error here.
    pub(crate) fn launch(self, folder: &Path, strategy: ExecutionStrategy) -> Result<M, TrainError> {
        // burn-train's folder and a run's.
        if ["checkpoint", "checkpoints"].iter().any(|name| folder.join(name).exists()) {
            return Err(TrainError::RunExists { folder: folder.display().to_string() });
        }
        std::fs::create_dir_all(folder)
            .map_err(|source| WeightsError::Io { path: folder.display().to_string(), source })?;
        let _lock = lock(folder)?;
        let path = folder.to_owned();
        let finish = self.finish;
        let thread = std::thread::spawn(move || {
            let training = SupervisedTraining::new(path, self.train, self.valid)
                .metrics((LossMetric::new(),))
                .metric_train_numeric(LearningRateMetric::new())
                .with_default_checkpointers()
                .with_application_logger(None)
                .renderer(Box::new(Silent))
                .num_epochs(self.epochs)
                .with_training_strategy(strategy.into());
            let schedule = Steps { schedule: self.schedule, taken: 0 };
            let result = training.launch(Learner::new(self.model, self.optimizer, schedule));
            match result.error {
                Some(error) => Err(TrainError::Supervision(error.to_string())),
                None => Ok(result.model),
            }
        });
        let model =
            thread.join().map_err(|panic| TrainError::Supervision(panic_message(panic.as_ref())))??;
        let model = finish(model);
        weights::save(&model, folder.join("last.safetensors"), Precision::Full)?;
        Ok(model)
    }
}

#[cfg(test)]
mod tests {
    use super::Sharing;

    /// Twelve over eight devices: one each, and the last has the four that are left besides.
    #[test]
    fn the_last_device_has_what_is_left_over() {
        for (items, devices, share) in
            [(12, 8, 5), (12, 4, 3), (13, 4, 4), (15, 4, 6), (3, 4, 3), (0, 2, 0), (7, 1, 7)]
        {
            assert_eq!(Sharing::largest_share(items, devices), share, "{items} over {devices}");
        }
    }
}
