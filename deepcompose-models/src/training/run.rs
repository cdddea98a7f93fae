//! [`Run`]: the folder in which a run keeps its checkpoints, weights and log.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::log::RunLog;
use super::{RunSettings, TrainError, Trainer};
use crate::checkpoint::Checkpoint;
use crate::error::WeightsError;
use crate::weights::{self, Precision};

/// The lowest validation loss of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Steps taken when it was measured.
    pub step: usize,
    /// The loss.
    pub loss: f64,
}

/// What a run knows besides its trainer's state; kept in every checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) best: Option<Best>,
    /// Validations since the best one.
    pub(super) stale: usize,
    /// The loss of the last validation.
    pub(super) last: Option<f64>,
    /// What the losses were measured with; none in checkpoints of before this was kept.
    #[serde(default)]
    pub(super) measure: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct State<P, S> {
    run: P,
    trainer: S,
}

/// A run's folder.
///
/// | file | what |
/// |---|---|
/// | `checkpoints/step-N.safetensors` | the whole state after `N` steps: the newest few, and that of the best validation |
/// | `best.safetensors` | the weights with the lowest validation loss, 32-bit |
/// | `last.safetensors` | the weights after the last step, once the run is over |
/// | `log.jsonl` | every step, validation and checkpoint, one JSON object a line |
/// | `lock` | held while a process works in the folder; waited for during two seconds, which one that was killed may need to end |
///
/// Files are written under a temporary name, synced and renamed. A process that is killed at any moment, or whose
/// disk fills up, leaves every earlier checkpoint as it was.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    pub(super) settings: RunSettings,
    pub(super) log: RunLog,
    pub(super) progress: Progress,
    pub(super) begun: Instant,
    _lock: File,
}

impl Run {
    /// A new run in `folder`, which is created if it is not there.
    ///
    /// # Errors
    ///
    /// [`TrainError::RunExists`] if the folder holds a checkpoint, [`TrainError::Busy`] if another process works in
    /// it, [`TrainError::Config`] for settings out of range, [`TrainError::Weights`] if it cannot be written to.
    pub fn create(folder: impl AsRef<Path>, settings: &RunSettings) -> Result<Self, TrainError> {
        let folder = folder.as_ref();
        settings.validate()?;
        create_folder(&folder.join("checkpoints"))?;
        let run = Self::enter(folder, settings)?;
        // burn-train's folder, where several devices trained.
        if !run.checkpoints()?.is_empty() || folder.join("checkpoint").exists() {
            return Err(TrainError::RunExists { folder: folder.display().to_string() });
        }
        Ok(run)
    }

    /// The run that `folder` holds, to go on with it after [`restore`](Self::restore). A run that was killed before
    /// its first checkpoint begins again: see [`begin`](Self::begin).
    ///
    /// # Errors
    ///
    /// [`TrainError::NoRun`] if there is no run in the folder, and as [`create`](Self::create).
    pub fn open(folder: impl AsRef<Path>, settings: &RunSettings) -> Result<Self, TrainError> {
        let folder = folder.as_ref();
        settings.validate()?;
        if !folder.join("checkpoints").is_dir() {
            return Err(TrainError::NoRun { folder: folder.display().to_string() });
        }
        Self::enter(folder, settings)
    }

    fn enter(folder: &Path, settings: &RunSettings) -> Result<Self, TrainError> {
        let lock = lock(folder)?;
        for place in [folder.to_owned(), folder.join("checkpoints")] {
            remove_partial(&place)?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            settings: settings.clone(),
            log: RunLog::open(folder.join("log.jsonl"))?,
            progress: Progress::default(),
            begun: Instant::now(),
            _lock: lock,
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The weights file with the lowest validation loss.
    #[must_use]
    pub fn best_weights(&self) -> PathBuf {
        self.folder.join("best.safetensors")
    }

    /// The weights file of the last step.
    #[must_use]
    pub fn last_weights(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }

    /// The lowest validation loss so far.
    #[must_use]
    pub fn best(&self) -> Option<Best> {
        self.progress.best
    }

    /// The steps of which there are checkpoints, and their files, the oldest first.
    ///
    /// # Errors
    ///
    /// [`TrainError::Weights`] if the folder cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<(usize, PathBuf)>, TrainError> {
        let folder = self.folder.join("checkpoints");
        let io = |source| WeightsError::Io { path: folder.display().to_string(), source };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let step = name.strip_prefix("step-").and_then(|n| n.strip_suffix(".safetensors"));
            if let Some(step) = step.and_then(|s| s.parse().ok()) {
                found.push((step, path));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Takes up the newest checkpoint that is whole. Gives the step it is of, `None` if there is no checkpoint yet. Where
    /// the validation data are others than they were, or what else [`Trainer::measure`] names, the lowest loss so far and
    /// the count of validations since are forgotten, and the next validation is the best.
    ///
    /// # Errors
    ///
    /// [`TrainError::Checkpoint`] if it is of another network, seed or data than `trainer`,
    /// [`TrainError::Weights`] if there are checkpoints and none is whole.
    pub fn restore<T: Trainer>(&mut self, trainer: &mut T) -> Result<Option<usize>, TrainError> {
        let mut damaged = None;
        for (step, path) in self.checkpoints()?.into_iter().rev() {
            match Checkpoint::read::<State<Progress, T::State>>(&path, T::KIND) {
                Ok((checkpoint, state)) => {
                    trainer.restore(&checkpoint, state.trainer)?;
                    self.progress = state.run;
                    if self.progress.measure.as_ref().is_some_and(|before| *before != trainer.measure()) {
                        self.progress = Progress::default();
                    }
                    return Ok(Some(step));
                }
                Err(error @ WeightsError::Malformed { .. }) => {
                    damaged.get_or_insert(error.in_file(&path));
                }
                Err(error) => return Err(error.in_file(&path).into()),
            }
        }
        damaged.map_or(Ok(None), |error| Err(error.into()))
    }

    /// Writes a checkpoint of where `trainer` begins, so that a run which is killed before its first one goes on from
    /// the same weights. A network that is fine-tuned needs it, for no seed gives its weights again.
    ///
    /// # Errors
    ///
    /// [`TrainError::RunExists`] if the folder holds a checkpoint, [`TrainError::Weights`] if it cannot be written.
    pub fn begin<T: Trainer>(&mut self, trainer: &T) -> Result<(), TrainError> {
        if !self.checkpoints()?.is_empty() {
            return Err(TrainError::RunExists { folder: self.folder.display().to_string() });
        }
        self.save(trainer).map(drop)
    }

    /// Writes a checkpoint and removes those that are no longer kept.
    pub(super) fn save<T: Trainer>(&mut self, trainer: &T) -> Result<PathBuf, TrainError> {
        let step = trainer.step();
        let path = self.folder.join("checkpoints").join(format!("step-{step:010}.safetensors"));
        let (checkpoint, state) = trainer.save()?;
        self.progress.measure = Some(trainer.measure());
        checkpoint.write(&path, T::KIND, &State { run: &self.progress, trainer: state })?;
        self.log.checkpoint(step, self.begun.elapsed().as_secs_f64())?;
        // Later ones are of a course that was left: they could not be read.
        let all: Vec<_> = self.checkpoints()?.into_iter().filter(|(at, _)| *at <= step).collect();
        let surplus = all.len().saturating_sub(self.settings.keep_last);
        for (old, path) in all.into_iter().take(surplus) {
            if self.progress.best.is_none_or(|best| best.step != old) {
                std::fs::remove_file(&path)
                    .map_err(|source| WeightsError::Io { path: path.display().to_string(), source })?;
            }
        }
        Ok(path)
    }

    pub(super) fn save_weights<T: Trainer>(&self, trainer: &T, path: &Path) -> Result<(), TrainError> {
        Ok(weights::save(&trainer.model(), path, Precision::Full)?)
    }
}

/// How long to wait for a process that has the folder: one that was killed holds its lock until the system has
/// taken it apart.
const PATIENCE: Duration = Duration::from_secs(2);

/// A run's folder for this process alone, as long as the file is open.
pub(super) fn lock(folder: &Path) -> Result<File, TrainError> {
    let path = folder.join("lock");
    let io = |source| WeightsError::Io { path: path.display().to_string(), source };
    let lock = File::options().create(true).truncate(false).write(true).read(true).open(&path).map_err(io)?;
    match lock_within(&lock, PATIENCE) {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(TrainError::Busy { folder: folder.display().to_string() }),
        // A file system without locks: then nobody else's can be seen.
        Err(TryLockError::Error(source)) if source.kind() == std::io::ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(source)) => Err(io(source).into()),
    }
}

/// The lock, tried again for so long while another process has it.
fn lock_within(file: &File, patience: Duration) -> Result<(), TryLockError> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(20));
            }
            settled => return settled,
        }
    }
}

fn create_folder(folder: &Path) -> Result<(), TrainError> {
    let io = |source| WeightsError::Io { path: folder.display().to_string(), source };
    Ok(std::fs::create_dir_all(folder).map_err(io)?)
}

/// Removes what a process that was killed left half written.
fn remove_partial(folder: &Path) -> Result<(), TrainError> {
    let io = |source| WeightsError::Io { path: folder.display().to_string(), source };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path
            .file_name()
            .and_then(|n| n.to_str())
            .is_some_and(|n| n.starts_with(deepcompose_files::PARTIAL))
        {
            std::fs::remove_file(&path).map_err(io)?;
        }
    }
    Ok(())
}
