//! What the three training examples share: options, the run, progress, samples.

// Each example uses a part of it.
#![allow(dead_code)]

mod stdout;

use std::error::Error;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use burn::train::{InferenceStep, LearnerModel, TrainStep};
use clap::Args;
use deepcompose::models::training::{
    Ending, LossOutput, Outcome, Run, TrainConfig, TrainEvent, Trainer, dashboard,
};
use deepcompose::models::weights::{self, Model};
use deepcompose::models::{Device, WeightsError};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

pub(crate) use stdout::say;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Args)]
pub(crate) struct Common {
    /// A folder of MIDI files, one of the JSON corpora, or a folder that `prepare` made. Without it, a tiny corpus
    /// made from the built-in tracks, and a small network that learns it in a minute or less
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// The folder of the run: checkpoints, weights, log, configuration
    #[arg(long)]
    out: Option<PathBuf>,
    /// A .toml or .json file with the tables `model`, `training` and `run`; what it leaves out has its default
    #[arg(long)]
    config: Option<PathBuf>,
    /// flex, cuda, cuda:1, wgpu, ws://host:port …, as far as this build has them. Several share the work
    #[arg(long)]
    device: Vec<String>,
    /// Go on with the run that is in `--out`
    #[arg(long)]
    resume: bool,
    /// Passes over the training pieces, in place of `--steps`
    #[arg(long, conflicts_with = "steps")]
    epochs: Option<usize>,
    /// Steps of the whole run
    #[arg(long)]
    steps: Option<usize>,
    #[arg(long)]
    seed: Option<u64>,
    /// Start from these weights: a file, or `pretrained`
    #[arg(long)]
    fine_tune: Option<String>,
    /// A part of the network that stays as it is, such as `encoder`; may be given several times
    #[arg(long)]
    pub(crate) freeze: Vec<String>,
    /// Steps between two samples, written to `samples/` of the run as MIDI and as a picture
    #[arg(long, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    sample_every: Option<usize>,
    /// burn-train's dashboard in the terminal (feature `tui`)
    #[arg(long)]
    dashboard: bool,
}

/// Runs an example: an error is one line on standard error and a status that is not 0.
pub(crate) fn main(run: impl FnOnce() -> Result<()>) -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

impl Common {
    /// The folder of the run.
    pub(crate) fn out(&self, name: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| Path::new("target/train").join(name))
    }

    /// The configuration: of the file that is named, of the run that is resumed, or the default, which is `quick`
    /// without data.
    pub(crate) fn config<M, T>(&self, name: &str, quick: TrainConfig<M, T>) -> Result<TrainConfig<M, T>>
    where
        M: Serialize + DeserializeOwned + Default,
        T: Serialize + DeserializeOwned + Default,
    {
        let kept = self.out(name).join("config.toml");
        let mut config = match &self.config {
            Some(path) => TrainConfig::read(path)?,
            None if self.resume && kept.exists() => TrainConfig::read(kept)?,
            None if self.data.is_none() => quick,
            None => TrainConfig::default(),
        };
        if !self.device.is_empty() {
            config.run.devices.clone_from(&self.device);
        }
        if config.run.devices.len() > 1 {
            let whole = ["--fine-tune", "--freeze", "--resume", "--sample-every", "--dashboard"];
            self.refuse(&whole, "on several devices")?;
        }
        Ok(config)
    }

    /// Refuses those of the options that a training cannot follow.
    pub(crate) fn refuse(&self, options: &[&str], place: &str) -> Result<()> {
        let given = [
            ("--fine-tune", self.fine_tune.is_some()),
            ("--freeze", !self.freeze.is_empty()),
            ("--resume", self.resume),
            ("--sample-every", self.sample_every.is_some()),
            ("--dashboard", self.dashboard),
        ];
        match given.iter().find(|(name, given)| *given && options.contains(name)) {
            Some((name, _)) => Err(format!("{name} cannot be used {place}").into()),
            None => Ok(()),
        }
    }

    /// Puts what the command line says over the configuration's `steps` and `seed`. `epoch` is how many steps an epoch has.
    pub(crate) fn apply(&self, epoch: usize, steps: &mut usize, seed: &mut u64) {
        if let Some(wanted) = self.steps.or(self.epochs.map(|epochs| epochs.saturating_mul(epoch))) {
            *steps = wanted;
        }
        if let Some(wanted) = self.seed {
            *seed = wanted;
        }
        say!("an epoch is {epoch} steps; the run has {steps}");
    }

    /// The network that is to be fine-tuned, if any.
    pub(crate) fn fine_tune<M: Model>(
        &self,
        name: &str,
        pretrained: fn(&Device) -> std::result::Result<M, WeightsError>,
        device: &Device,
    ) -> Result<Option<M>> {
        match self.fine_tune.as_deref() {
            None => Ok(None),
            // A run that is resumed has its weights, unless it was killed before its first checkpoint.
            Some(_) if self.resume && self.has_checkpoint(name) => Ok(None),
            Some("pretrained") => Ok(Some(pretrained(device)?)),
            Some(path) => weights::load(path, device).map(Some).map_err(|e| format!("{path}: {e}").into()),
        }
    }

    fn has_checkpoint(&self, name: &str) -> bool {
        let files = std::fs::read_dir(self.out(name).join("checkpoints"));
        let is_one = |file: std::fs::DirEntry| file.file_name().to_string_lossy().starts_with("step-");
        files.is_ok_and(|files| files.flatten().any(is_one))
    }

    /// A run of the trainer in the folder, from its last checkpoint if it is resumed.
    pub(crate) fn open<M, T, R: Trainer>(
        &self,
        name: &str,
        config: &TrainConfig<M, T>,
        trainer: &mut R,
    ) -> Result<Run>
    where
        M: Serialize + DeserializeOwned + Default,
        T: Serialize + DeserializeOwned + Default,
    {
        let folder = self.out(name);
        let mut run = match self.resume {
            true => Run::open(&folder, &config.run)?,
            false => Run::create(&folder, &config.run)?,
        };
        match run.restore(trainer)? {
            Some(step) => say!("resumed after step {step}"),
            None if self.resume => say!("there is no checkpoint yet: the run begins again"),
            None => {}
        }
        // Without them a run that is killed at once would be resumed from weights drawn at random.
        if self.fine_tune.is_some() && run.checkpoints()?.is_empty() {
            run.begin(trainer)?;
        }
        config.write(folder.join("config.toml"))?;
        Ok(run)
    }

    /// Trains inside burn-train, with its dashboard if that was asked for, and tells how it ended.
    pub(crate) fn supervised<R>(
        &self,
        mut run: Run,
        trainer: &mut R,
        unit: &'static str,
        steps: usize,
        sample: &mut dyn FnMut(&R::Model, &Path) -> Result<()>,
    ) -> Result<()>
    where
        R: Trainer,
        R::Model: LearnerModel + TrainStep<Output = LossOutput> + InferenceStep<Output = LossOutput>,
    {
        let mut observer = self.observer(run.folder().join("samples"), unit, steps, trainer.step(), sample);
        let draw = self.dashboard;
        let outcome =
            run.train_supervised(trainer, |t| if draw { dashboard(t) } else { t }, &mut observer)?;
        drop(observer);
        tell(&run, &outcome)
    }

    /// Trains, and tells how it ended.
    pub(crate) fn adversarial<R: Trainer>(
        &self,
        mut run: Run,
        trainer: &mut R,
        unit: &'static str,
        steps: usize,
        sample: &mut dyn FnMut(&R::Model, &Path) -> Result<()>,
    ) -> Result<()> {
        let mut observer = self.observer(run.folder().join("samples"), unit, steps, trainer.step(), sample);
        let outcome = run.train(trainer, &mut observer)?;
        drop(observer);
        tell(&run, &outcome)
    }

    /// A bar, a line for every validation, and samples.
    fn observer<'a, R: Trainer>(
        &self,
        folder: PathBuf,
        unit: &'static str,
        steps: usize,
        from: usize,
        sample: &'a mut dyn FnMut(&R::Model, &Path) -> Result<()>,
    ) -> impl FnMut(&R, &TrainEvent<'_>) -> ControlFlow<()> + 'a {
        let bar = if self.dashboard { ProgressBar::hidden() } else { ProgressBar::new(steps as u64) };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed}<{eta} {msg}") {
            bar.set_style(style);
        }
        bar.set_position(from as u64);
        bar.reset_eta();
        let (begun, quiet, sample_every) = (Instant::now(), self.dashboard, self.sample_every);
        let mut smooth: Option<f64> = None;
        move |trainer, event| {
            match event {
                TrainEvent::Step { step, report } => {
                    let mean = smooth.map_or(report.loss, |s| 0.98 * s + 0.02 * report.loss);
                    smooth = Some(mean);
                    bar.set_message(format!("loss {mean:.4} lr {:.1e}", report.learning_rate));
                    bar.set_position(*step as u64);
                    if sample_every.is_some_and(|every| step.is_multiple_of(every)) {
                        let written = std::fs::create_dir_all(&folder)
                            .map_err(Into::into)
                            .and_then(|()| sample(&trainer.model(), &folder.join(format!("step-{step:06}"))));
                        if let Err(error) = written {
                            eprintln!("no sample of step {step}: {error}");
                        }
                    }
                }
                TrainEvent::Validation { step, loss, best } if !quiet => {
                    let train = smooth.unwrap_or(f64::NAN);
                    let (mark, seconds) = (if *best { " best" } else { "" }, begun.elapsed().as_secs());
                    let line =
                        format!("step {step}: train {train:.4}, valid {loss:.4} {unit}{mark}, {seconds} s");
                    if bar.is_hidden() { say!("{line}") } else { bar.println(line) }
                }
                _ => {}
            }
            ControlFlow::Continue(())
        }
    }
}

/// The last lines of a training: the best weights, and the last ones with the hash of their file.
fn tell(run: &Run, outcome: &Outcome) -> Result<()> {
    if let Some(best) = outcome.best {
        say!("best: step={} loss={} weights={}", best.step, best.loss, run.best_weights().display());
    }
    let path = run.last_weights();
    if outcome.ending == Ending::Stopped {
        say!("stopped after step {}; --resume goes on", outcome.step);
        return Ok(());
    }
    let hash: String =
        Sha256::digest(std::fs::read(&path)?).iter().map(|byte| format!("{byte:02x}")).collect();
    let loss = outcome.loss.unwrap_or(f64::NAN);
    say!("final: step={} loss={loss} weights={} sha256={hash}", outcome.step, path.display());
    let _ = std::io::stdout().flush();
    Ok(())
}
