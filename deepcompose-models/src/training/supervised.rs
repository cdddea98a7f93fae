//! A run inside burn-train's [`SupervisedTraining`].
//!
//! burn-train brings metrics and their log files, the terminal dashboard, early-stopping strategies and interrupters.
//! Its own loops save between epochs only, without the place in the epoch, the random numbers or what a
//! Transformer remembers; so the steps stay with the [`Run`], and a learning strategy hands burn-train every step and
//! validation as they come. One of its epochs is the time between two validations.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::metric::{LearningRateMetric, LossMetric};
use burn::train::{
    EventProcessorTraining, InferenceStep, Learner, LearnerEvent, LearnerModel, SupervisedLearningStrategy,
    SupervisedTraining, SupervisedTrainingEventProcessor, TrainLoader, TrainStep, TrainingComponents,
    TrainingItem, TrainingStrategy, ValidLoader,
};

use super::loss_output::LossOutput;
use super::run::Run;
use super::session::{Ending, Outcome, TrainEvent, TrainObserver};
use super::silent::Silent;
use super::{TrainError, Trainer};

/// What the run tells burn-train's thread.
enum Feed {
    Step { step: usize, loss: f64, learning_rate: f64 },
    Validation { loss: f64 },
}

/// The ends of the channels that burn-train's thread holds: what happens, and whether to stop.
struct Ends {
    feed: mpsc::Receiver<Feed>,
    stop: mpsc::Sender<bool>,
}

/// Hands events to burn-train until the run ends.
struct FollowRun {
    ends: Mutex<Option<Ends>>,
    /// Steps of an epoch.
    interval: usize,
}

impl Run {
    /// [`train`](Self::train) inside burn-train's [`SupervisedTraining`], for metrics, its dashboard, early-stopping
    /// strategies and interrupters.
    ///
    /// `configure` is given a training with the metrics loss and learning rate, which logs them to the run's folder
    /// `metrics/` and shows nothing; it may add to it, [`dashboard`] for example. Checkpoints, the number of epochs
    /// and the training strategy are the run's. One of burn-train's epochs is the time between two validations.
    ///
    /// # Errors
    ///
    /// As [`train`](Self::train), and [`TrainError::Supervision`] if burn-train fails; a checkpoint has been written
    /// then.
    pub fn train_supervised<T, C>(
        &mut self,
        trainer: &mut T,
        configure: C,
        observer: &mut TrainObserver<'_, T>,
    ) -> Result<Outcome, TrainError>
    where
        T: Trainer,
        T::Model: LearnerModel + TrainStep<Output = LossOutput> + InferenceStep<Output = LossOutput>,
        C: FnOnce(SupervisedTraining<T::Model>) -> SupervisedTraining<T::Model> + Send,
    {
        let (feed, events) = mpsc::channel();
        let (stop, stops) = mpsc::channel();
        let interval = self.settings.validate_every;
        let follow = FollowRun { ends: Mutex::new(Some(Ends { feed: events, stop })), interval };
        let folder = self.folder().join("metrics");
        let model = trainer.model();
        let (epochs, all) = (trainer.step() / interval, trainer.total_steps().div_ceil(interval));
        std::thread::scope(|scope| {
            let supervision = scope.spawn(move || {
                let (train, valid) = (Arc::new(Nothing(PhantomData)), Arc::new(Nothing(PhantomData)));
                let training = SupervisedTraining::new(folder, train, valid)
                    .metrics((LossMetric::new(),))
                    .metric_train_numeric(LearningRateMetric::new())
                    .renderer(Box::new(Silent))
                    .with_application_logger(None);
                let strategy: Arc<dyn SupervisedLearningStrategy<T::Model>> = Arc::new(follow);
                let training = configure(training)
                    .with_training_strategy(TrainingStrategy::Custom(strategy))
                    .num_epochs(all)
                    .checkpoint(epochs);
                // The run has the optimiser: this learner takes no step.
                training.launch(Learner::new(model, AdamConfig::new().init(), 0.0)).error
            });
            let ask = |event: &TrainEvent<'_>| {
                let event = match event {
                    TrainEvent::Step { step, report } => {
                        Feed::Step { step: *step, loss: report.loss, learning_rate: report.learning_rate }
                    }
                    TrainEvent::Validation { loss, .. } => Feed::Validation { loss: *loss },
                    TrainEvent::Checkpoint { .. } => return ControlFlow::Continue(()),
                };
                // A thread that has ended can answer nothing: the run stops.
                let stop = feed.send(event).is_err() || stops.recv().unwrap_or(true);
                if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let outcome = self.train(trainer, &mut |trainer, event| {
                let (theirs, ours) = (ask(event), observer(trainer, event));
                if theirs.is_break() { theirs } else { ours }
            });
            drop(feed);
            let failed = match supervision.join() {
                Ok(error) => error.map(|e| e.to_string()),
                Err(panic) => Some(panic_message(panic.as_ref())),
            };
            match (outcome, failed) {
                (Ok(outcome), Some(reason)) if outcome.ending == Ending::Stopped => {
                    Err(TrainError::Supervision(reason))
                }
                (outcome, _) => outcome,
            }
        })
    }
}

/// burn-train's dashboard in the terminal, with the feature `tui`; where standard output is no terminal, its progress
/// as text. For the `configure` of [`Run::train_supervised`].
#[must_use]
pub fn dashboard<M: LearnerModel>(training: SupervisedTraining<M>) -> SupervisedTraining<M> {
    #[cfg(feature = "tui")]
    if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        let renderer =
            burn::train::renderer::tui::TuiMetricsRendererWrapper::new(training.interrupter(), None);
        return training.renderer(Box::new(renderer));
    }
    training.renderer(Box::new(burn::train::renderer::CliMetricsRenderer::new()))
}

pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|t| (*t).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

impl<M> SupervisedLearningStrategy<M> for FollowRun
where
    M: LearnerModel + TrainStep<Output = LossOutput> + InferenceStep<Output = LossOutput>,
{
    fn fit(
        &self,
        components: TrainingComponents<M>,
        learner: Learner<M>,
        _train: TrainLoader<M>,
        _valid: ValidLoader<M>,
        starting_epoch: usize,
    ) -> (M, SupervisedTrainingEventProcessor<M>) {
        let mut processor = components.event_processor;
        let mut early_stopping = components.early_stopping;
        let interrupter = components.interrupter;
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut epoch = starting_epoch;
        let mut taken = 0;
        for event in ends.iter().flat_map(|ends| &ends.feed) {
            match event {
                Feed::Step { step, loss, learning_rate } => {
                    if taken == 0 {
                        let total_items = self.interval;
                        let start = LearnerEvent::StartSplit { epoch_number: epoch, total_items };
                        interrupter.fail_on_error(processor.process_train(start));
                    }
                    taken += 1;
                    let progress = Progress::new(taken, self.interval, Some("steps".to_owned()));
                    let rate = Some(learning_rate.into());
                    let item = TrainingItem::new(LossOutput { loss }, progress, Some(step), rate);
                    interrupter.fail_on_error(processor.process_train(LearnerEvent::ProcessedItem(item)));
                }
                Feed::Validation { loss } => {
                    interrupter.fail_on_error(processor.process_train(LearnerEvent::EndSplit(epoch)));
                    let start = LearnerEvent::StartSplit { epoch_number: epoch, total_items: 1 };
                    interrupter.fail_on_error(processor.process_valid(start));
                    let progress = Progress::new(1, 1, Some("passes".to_owned()));
                    let item = TrainingItem::new(LossOutput { loss }, progress, Some(epoch), None);
                    interrupter.fail_on_error(processor.process_valid(LearnerEvent::ProcessedItem(item)));
                    interrupter.fail_on_error(processor.process_valid(LearnerEvent::EndSplit(epoch)));
                    interrupter.fail_on_error(processor.process_train(LearnerEvent::EndEpoch(epoch)));
                    interrupter.fail_on_error(processor.flush());
                    if let Some(strategy) = &mut early_stopping
                        && strategy.should_stop(epoch, &components.event_store)
                    {
                        interrupter.stop(Some("no improvement"));
                    }
                    (epoch, taken) = (epoch + 1, 0);
                }
            }
            let stop = interrupter.should_stop();
            if ends.as_ref().is_none_or(|ends| ends.stop.send(stop).is_err()) {
                break;
            }
        }
        (learner.model(), processor)
    }
}

/// A loader of no items, for the training that loads none.
struct Nothing<T>(PhantomData<fn() -> T>);

impl<T> Clone for Nothing<T> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<T> Iterator for Nothing<T> {
    type Item = Result<T, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

impl<T> DataLoaderIterator<T> for Nothing<T> {
    fn progress(&self) -> Progress {
        Progress::new(0, 0, None)
    }
}

impl<T: 'static> DataLoader<T> for Nothing<T> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<T> + 'a> {
        Box::new(self.clone())
    }

    fn num_items(&self) -> usize {
        0
    }

    fn to_device(&self, _device: &Device) -> Arc<dyn DataLoader<T>> {
        Arc::new(self.clone())
    }

    fn slice(&self, _start: usize, _end: usize) -> Arc<dyn DataLoader<T>> {
        Arc::new(self.clone())
    }
}
