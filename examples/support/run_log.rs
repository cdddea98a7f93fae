//! [`RunLog`]: what a trainer wrote into `RUN/log.jsonl`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A run's log, by step.
#[derive(Debug, Default)]
pub(crate) struct RunLog {
    /// Training steps: each number that the line has, by its name.
    pub(crate) steps: BTreeMap<u64, BTreeMap<String, f64>>,
    /// Measurements of the validation split.
    pub(crate) validations: BTreeMap<u64, Validation>,
    /// Lines that are no JSON object: torn by a kill.
    pub(crate) torn: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Validation {
    pub(crate) loss: f64,
    pub(crate) best: bool,
}

/// A line; what else it holds is kept in `rest` and mostly not looked at.
#[derive(Deserialize)]
struct Line {
    event: Option<String>,
    step: Option<u64>,
    best: Option<bool>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl RunLog {
    /// Reads `log.jsonl` in the folder of a run.
    pub(crate) fn read(run: &Path) -> Result<Self, Box<dyn Error>> {
        let path = run.join("log.jsonl");
        let about = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let bytes = std::fs::read(&path).map_err(|e| about(&e))?;
        let log = Self::parse(&String::from_utf8_lossy(&bytes));
        if log.steps.is_empty() && log.validations.is_empty() {
            return Err(about(&"no step and no validation is in it").into());
        }
        Ok(log)
    }

    /// Reads JSON lines. The last line for a step counts; unknown events are ignored, and so are torn lines.
    pub(crate) fn parse(text: &str) -> Self {
        let mut log = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let Ok(line) = serde_json::from_str::<Line>(line) else {
                log.torn += 1;
                continue;
            };
            let (Some(event), Some(step)) = (line.event, line.step) else { continue };
            let numbers: BTreeMap<String, f64> =
                line.rest.into_iter().filter_map(|(name, value)| Some((name, value.as_f64()?))).collect();
            match event.as_str() {
                "step" => {
                    log.steps.insert(step, numbers);
                }
                "validation" => {
                    if let Some(&loss) = numbers.get("loss") {
                        let best = line.best.unwrap_or(false);
                        log.validations.insert(step, Validation { loss, best });
                    }
                }
                _ => {}
            }
        }
        log
    }

    /// A number of the training steps by its name, with the steps.
    pub(crate) fn series(&self, name: &str) -> Vec<(f64, f64)> {
        let value =
            |(step, numbers): (&u64, &BTreeMap<String, f64>)| Some((*step as f64, *numbers.get(name)?));
        self.steps.iter().filter_map(value).collect()
    }

    /// The validation with the lowest loss.
    pub(crate) fn best(&self) -> Option<(u64, f64)> {
        let losses = self.validations.iter().map(|(step, v)| (*step, v.loss));
        losses.min_by(|a, b| a.1.total_cmp(&b.1))
    }
}
