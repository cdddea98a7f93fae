//! Rules of choice from a file, to be compared with those that `accompany` uses.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use deepcompose::models::gan::{ChoiceRule, Genre, TrackRole};
use serde::Deserialize;

/// What of the rules is other than [`ChoiceRule::of`]: tables of a genre and a role, such as `[rock.bass]`.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Rules(BTreeMap<Genre, BTreeMap<TrackRole, Change>>);

/// The fields of a [`ChoiceRule`] that are other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    calibration: Option<f32>,
    agreement: Option<f32>,
    persistence: Option<f32>,
    slack: Option<f32>,
    polyphony: Option<usize>,
    restrike: Option<f32>,
}

impl Rules {
    /// Of a TOML file; without one, none is other.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let Some(path) = path else { return Ok(Self::default()) };
        let named = |error: &dyn Error| format!("{}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(|error| named(&error))?;
        Ok(toml::from_str(&text).map_err(|error| named(&error))?)
    }

    /// The rules of a genre's roles.
    pub(crate) fn of(&self, genre: Genre) -> [ChoiceRule; TrackRole::COUNT] {
        TrackRole::ALL.map(|role| {
            let rule = ChoiceRule::of(genre, role);
            let Some(change) = self.0.get(&genre).and_then(|roles| roles.get(&role)) else { return rule };
            ChoiceRule {
                calibration: change.calibration.unwrap_or(rule.calibration),
                agreement: change.agreement.unwrap_or(rule.agreement),
                persistence: change.persistence.unwrap_or(rule.persistence),
                slack: change.slack.unwrap_or(rule.slack),
                polyphony: change.polyphony.unwrap_or(rule.polyphony),
                restrike: change.restrike.unwrap_or(rule.restrike),
            }
        })
    }
}
