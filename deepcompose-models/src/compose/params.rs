//! The console's parameters of the AR-CNN and the Transformer.

use std::fmt;
use std::str::FromStr;

use deepcompose_samplers::{EditParams, EditSampler, EditUnit, MaxAdd, SamplingTechnique, TokenSampler};
use serde::{Deserialize, Serialize};

use super::TrackSelection;
use super::error::{ComposeError, ParameterError};

/// A parameter of `field` that must be a number in `low..=high`.
pub(crate) fn check(
    field: &'static str,
    value: f64,
    is_accepted: bool,
    accepted: &'static str,
) -> Result<(), ParameterError> {
    if is_accepted { Ok(()) } else { Err(ParameterError { field, value: value.to_string(), accepted }) }
}

/// How many notes an AR-CNN may add: cells of the piano roll, each a sixteenth of one pitch.
///
/// As text and in serde: `90` is a count for each eight bars of input, `"150%"` a share of the
/// input's cells.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "NumberOrText", into = "NumberOrText")]
pub enum NotesToAdd {
    /// So many for every 8 bars of input (the console's inputs were 8 bars long).
    Count(usize),
    /// So many per cent of the input's sounding cells, 0 or more.
    Percent(f64),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(usize),
    Text(String),
}

impl TryFrom<NumberOrText> for NotesToAdd {
    type Error = ParameterError;

    fn try_from(value: NumberOrText) -> Result<Self, ParameterError> {
        match value {
            NumberOrText::Number(count) => Ok(Self::Count(count)),
            NumberOrText::Text(text) => text.parse(),
        }
    }
}

impl From<NotesToAdd> for NumberOrText {
    fn from(value: NotesToAdd) -> Self {
        match value {
            NotesToAdd::Count(count) => Self::Number(count),
            NotesToAdd::Percent(_) => Self::Text(value.to_string()),
        }
    }
}

impl FromStr for NotesToAdd {
    type Err = ParameterError;

    fn from_str(text: &str) -> Result<Self, ParameterError> {
        let parsed = match text.trim().strip_suffix('%') {
            Some(percent) => percent.trim().parse().ok().map(Self::Percent),
            None => text.trim().parse().ok().map(Self::Count),
        };
        parsed.ok_or_else(|| ParameterError {
            field: "maximum_notes_to_add",
            value: text.to_owned(),
            accepted: "a count such as 90 or a percentage such as 150%",
        })
    }
}

impl fmt::Display for NotesToAdd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// Parameters of [`enhance`](super::enhance). Those that the console has too have its names and default values.
///
/// A *note* is a cell of the piano roll here: one pitch for one sixteenth.
///
/// | field | unit | range | default |
/// |---|---|---|---|
/// | `maximum_input_notes_to_remove` | % of the input's cells | 0..=100 | 70 |
/// | `maximum_notes_to_add` | cells for 8 bars, or % | 0 or more | 90 |
/// | `sampling_iterations` | passes of the model | 0..=100 000 | 90 |
/// | `creative_risk` | temperature | above 0 | 0.8 |
/// | `annealing` | share of the creative risk | above 0, at most 1 | 1 |
/// | `unit` | what a pass adds or removes | a cell, or a run of cells | runs of up to 16 cells within 0.3 nats, no note shorter than 2 |
/// | `track` | | | the melody |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArCnnParams {
    /// How much of the input may be removed, in per cent of its sounding cells. Higher values let the
    /// model use less of the input as a reference.
    pub maximum_input_notes_to_remove: f64,
    /// How many notes may be added. Higher values may bring in notes that sound out of place.
    pub maximum_notes_to_add: NotesToAdd,
    /// How many times the input is passed through the model; each pass adds or removes one cell, or
    /// one run of them, in every 8-bar window.
    pub sampling_iterations: usize,
    /// The temperature of the distribution that cells are drawn from. Low values choose only
    /// what is most probable; high values choose less probable notes more often.
    pub creative_risk: f64,
    /// The creative risk of the last pass as a share of that of the first; it falls evenly in between.
    pub annealing: f64,
    /// Whether a pass adds or removes a single cell, as the console does, or also those next to it that
    /// the model finds about as probable: a note instead of a sixteenth. However many they are, the
    /// limits on cells hold, and a note that they have no room for is not begun. With the default no note is added that is
    /// shorter than an eighth, nor is one of the input cut to less.
    pub unit: EditUnit,
    /// Which track is edited.
    pub track: TrackSelection,
}

impl Default for ArCnnParams {
    fn default() -> Self {
        Self {
            maximum_input_notes_to_remove: 70.0,
            maximum_notes_to_add: NotesToAdd::Count(90),
            sampling_iterations: 90,
            creative_risk: 0.8,
            annealing: 1.0,
            unit: ArCnnParams::NOTES,
            track: TrackSelection::Melody,
        }
    }
}

impl ArCnnParams {
    /// The unit of edits that makes notes: runs of up to 16 cells, a bar of 4/4, within 0.3 nats, and no notes shorter than an eighth.
    pub const NOTES: EditUnit = EditUnit::Run { margin: 0.3, longest: 16, shortest: 2 };

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Parameter`] or [`ComposeError::Sampler`], naming the field, its value and
    /// the accepted range.
    pub fn validate(&self) -> Result<(), ComposeError> {
        self.sampler(1).map(|_| ())
    }

    pub(super) fn sampler(&self, bar_steps: usize) -> Result<EditSampler, ComposeError> {
        let percent = self.maximum_input_notes_to_remove;
        let accepted = "0..=100 (per cent)";
        check("maximum_input_notes_to_remove", percent, (0.0..=100.0).contains(&percent), accepted)?;
        let max_add = match self.maximum_notes_to_add {
            NotesToAdd::Count(count) => MaxAdd::Cells(count),
            NotesToAdd::Percent(percent) => {
                let accepted = "a finite percentage, 0 or more";
                check("maximum_notes_to_add", percent, percent.is_finite() && percent >= 0.0, accepted)?;
                MaxAdd::Fraction(percent / 100.0)
            }
        };
        let risk = self.creative_risk;
        check("creative_risk", risk, risk.is_finite() && risk > 0.0, "a finite number above 0")?;
        Ok(EditSampler::new(EditParams {
            max_remove: percent / 100.0,
            max_add,
            iterations: self.sampling_iterations,
            creative_risk: risk,
            annealing: self.annealing,
            unit: self.unit,
            window_alignment: bar_steps.max(1),
            ..EditParams::default()
        })?)
    }
}

/// Parameters of [`extend`](super::extend), with the console's names. Times are in seconds at the
/// score's tempo.
///
/// | field | unit | range | default |
/// |---|---|---|---|
/// | `sampling_technique` | | top-k, nucleus, random | nucleus |
/// | `sampling_threshold` | share of tokens (top-k) or of probability (nucleus) | above 0, at most 1 | 0.95 |
/// | `creative_risk` | temperature | above 0 | 1.3 |
/// | `input_duration` | s | above 0, at most 600 | 30 |
/// | `track_extension_duration` | s | above 0, at most 30 | 20 |
/// | `maximum_rest_time` | s | 0 or more | 1.5 |
/// | `maximum_note_length` | s | above 0 | 3 |
/// | `end_naturally` | | | no |
/// | `repetition` | probability | 0..=1 | 0.8 |
/// | `token_budget` | tokens | 1..=65 536 | 4096 |
/// | `track` | | | the melody |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerParams {
    /// How the candidates for the next token are cut before one is drawn.
    pub sampling_technique: SamplingTechnique,
    /// How many candidates are kept: see [`TokenSampler`].
    pub sampling_threshold: f64,
    /// The temperature of the distribution that tokens are drawn from.
    pub creative_risk: f64,
    /// How much of the input, counted backwards from its end, the model is given.
    pub input_duration: f64,
    /// How much music is added at most; it ends with the last whole beat in this time.
    pub track_extension_duration: f64,
    /// The longest silence among the new notes, and before the first of them.
    pub maximum_rest_time: f64,
    /// The longest that a new note may be held.
    pub maximum_note_length: f64,
    /// Whether the extension comes to an end: its last note is the tonic of the input's key, begins with a bar (where none
    /// fits, on a beat) and is held, up to a bar. The extension may then be up to a bar shorter than asked for; one with no time
    /// for a beat breaks off as any.
    pub end_naturally: bool,
    /// How likely each new phrase of four bars begins as the one two phrases before it did, for two bars: melodies come
    /// back to what they began with, which a model of a few million numbers hardly does. At 0 the model is left alone.
    pub repetition: f64,
    /// The most tokens that are generated, by each attempt at an ending too. The extension is shorter than asked for if they run out, and
    /// [`Summary::stop`](super::Summary::stop) says so.
    pub token_budget: usize,
    /// Which track is extended.
    pub track: TrackSelection,
}

impl Default for TransformerParams {
    fn default() -> Self {
        Self {
            sampling_technique: SamplingTechnique::Nucleus,
            sampling_threshold: 0.95,
            creative_risk: 1.3,
            input_duration: 30.0,
            track_extension_duration: 20.0,
            maximum_rest_time: 1.5,
            maximum_note_length: 3.0,
            end_naturally: false,
            repetition: 0.8,
            token_budget: 4096,
            track: TrackSelection::Melody,
        }
    }
}

impl TransformerParams {
    /// The longest extension, in seconds.
    pub const MAX_EXTENSION: f64 = 30.0;

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Parameter`] or [`ComposeError::Sampler`], naming the field, its value and
    /// the accepted range.
    pub fn validate(&self) -> Result<(), ComposeError> {
        self.sampler().map(|_| ())
    }

    pub(super) fn sampler(&self) -> Result<TokenSampler, ComposeError> {
        let within = |v: f64, max: f64| v > 0.0 && v <= max;
        let threshold = self.sampling_threshold;
        check("sampling_threshold", threshold, within(threshold, 1.0), "0 < threshold <= 1")?;
        let risk = self.creative_risk;
        check("creative_risk", risk, risk.is_finite() && risk > 0.0, "a finite number above 0")?;
        let input = self.input_duration;
        check("input_duration", input, within(input, 600.0), "0 < seconds <= 600")?;
        let extension = self.track_extension_duration;
        let accepted = "0 < seconds <= 30";
        check("track_extension_duration", extension, within(extension, Self::MAX_EXTENSION), accepted)?;
        let rest = self.maximum_rest_time;
        check("maximum_rest_time", rest, rest.is_finite() && rest >= 0.0, "seconds, 0 or more")?;
        let length = self.maximum_note_length;
        check("maximum_note_length", length, length.is_finite() && length > 0.0, "seconds above 0")?;
        let repetition = self.repetition;
        check("repetition", repetition, (0.0..=1.0).contains(&repetition), "0..=1")?;
        let budget = self.token_budget;
        check("token_budget", budget as f64, (1..=65_536).contains(&budget), "1..=65536")?;
        Ok(TokenSampler::new(self.sampling_technique, threshold, risk)?)
    }
}
