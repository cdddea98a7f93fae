//! The log of a run: one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{StepReport, TrainError};
use crate::error::WeightsError;

/// Appends to `log.jsonl`.
///
/// | `event` | other keys |
/// |---|---|
/// | `step` | `step`, `loss`, `learning_rate`, `seconds`, and the trainer's measures |
/// | `validation` | `step`, `loss`, `best`, `seconds` |
/// | `checkpoint` | `step`, `seconds` |
///
/// `seconds` counts from when this process opened the run. A run that was killed repeats the steps since its last
/// checkpoint: the last line for a step counts.
#[derive(Debug)]
pub(crate) struct RunLog {
    file: File,
    path: PathBuf,
}

impl RunLog {
    pub(crate) fn open(path: PathBuf) -> Result<Self, TrainError> {
        let io = |source| WeightsError::Io { path: path.display().to_string(), source };
        let torn = ends_inside_a_line(&path).map_err(io)?;
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(io)?;
        if torn {
            file.write_all(b"\n").map_err(io)?;
        }
        Ok(Self { file, path })
    }

    pub(crate) fn step(&mut self, step: usize, report: &StepReport, seconds: f64) -> Result<(), TrainError> {
        let mut line = Map::new();
        line.insert("event".to_owned(), json!("step"));
        line.insert("step".to_owned(), json!(step));
        line.insert("loss".to_owned(), json!(report.loss));
        line.insert("learning_rate".to_owned(), json!(report.learning_rate));
        line.extend(report.measures.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        line.insert("seconds".to_owned(), json!(seconds));
        self.line(&Value::Object(line))
    }

    pub(crate) fn validation(
        &mut self,
        step: usize,
        loss: f64,
        best: bool,
        seconds: f64,
    ) -> Result<(), TrainError> {
        self.line(
            &json!({ "event": "validation", "step": step, "loss": loss, "best": best, "seconds": seconds }),
        )
    }

    pub(crate) fn checkpoint(&mut self, step: usize, seconds: f64) -> Result<(), TrainError> {
        self.line(&json!({ "event": "checkpoint", "step": step, "seconds": seconds }))
    }

    fn line(&mut self, value: &Value) -> Result<(), TrainError> {
        let written = self.file.write_all(format!("{value}\n").as_bytes());
        written.map_err(|source| WeightsError::Io { path: self.path.display().to_string(), source }.into())
    }
}

/// Whether a file's last byte is not the end of a line.
fn ends_inside_a_line(path: &Path) -> std::io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
