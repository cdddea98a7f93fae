//! The guide: techniques, their parameters with ranges, defaults and meaning, and presets. One table, which the page is
//! made from. Defaults are the library's, and what a parameter accepts is decided by the library's `validate`.

use deepcompose::Technique;
use deepcompose::models::gan::{RoleSet, TrackRole};
use deepcompose::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

/// One of the three techniques.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// As in [`Technique`]'s JSON.
    pub id: &'static str,
    /// In print.
    pub name: &'static str,
    /// What the button says.
    pub verb: &'static str,
    /// What it does.
    pub help: &'static str,
    /// The parameters, the most used first.
    pub parameters: Vec<Parameter>,
    /// Sets of parameters to start from; the first is the default.
    pub presets: Vec<Preset>,
}

/// A parameter of a technique.
#[derive(Debug, Serialize)]
pub struct Parameter {
    /// The field.
    pub name: &'static str,
    /// In print.
    pub label: &'static str,
    /// What it means.
    pub help: &'static str,
    /// What it is counted in, if anything.
    pub unit: &'static str,
    /// Whether it is shown among the advanced ones.
    pub advanced: bool,
    /// How it is set.
    pub control: Control,
    /// The library's default.
    pub default: Value,
}

/// How a parameter is set.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Control {
    /// A number on a slider; `accepted` is the library's range, of which the slider covers the useful part.
    Number {
        /// The slider's lower end.
        min: f64,
        /// The slider's upper end.
        max: f64,
        /// The slider's step.
        step: f64,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A count for eight bars, or a percentage as text.
    Notes {
        /// The slider's upper end for a count.
        max_count: f64,
        /// The slider's upper end for a percentage.
        max_percent: f64,
        /// What is accepted.
        accepted: &'static str,
    },
    /// One of several.
    Choice {
        /// Which.
        options: Vec<Choice>,
    },
    /// Any of the band's tracks.
    Roles {
        /// Which.
        options: Vec<Choice>,
    },
    /// One of the score's tracks, its melody, or all.
    Track,
    /// Text; `accepted` says of what form.
    Text {
        /// What is accepted.
        accepted: &'static str,
        /// What it may look like.
        example: &'static str,
    },
    /// A seed, or none.
    Seed,
}

/// One of several.
#[derive(Debug, Serialize)]
pub struct Choice {
    /// As in JSON.
    pub value: Value,
    /// In print.
    pub label: String,
    /// What it means.
    pub help: String,
}

/// A set of parameters to start from.
#[derive(Debug, Serialize)]
pub struct Preset {
    /// In print.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// All parameters.
    pub technique: Technique,
}

/// The guide.
#[must_use]
pub fn techniques() -> Vec<Entry> {
    vec![ar_cnn(), gan(), transformer()]
}

fn number(min: f64, max: f64, step: f64, accepted: &'static str) -> Control {
    Control::Number { min, max, step, accepted }
}

/// Builds parameters, with defaults out of the default technique's JSON.
struct Fields(Value);

impl Fields {
    fn of(params: impl Serialize) -> Self {
        // Parameters are plain numbers and names; a failure would leave the defaults empty, which the tests see.
        Self(serde_json::to_value(params).unwrap_or_default())
    }

    fn field(
        &self,
        name: &'static str,
        label: &'static str,
        unit: &'static str,
        control: Control,
        help: &'static str,
    ) -> Parameter {
        let default = self.0.get(name).cloned().unwrap_or_default();
        Parameter { name, label, help, unit, advanced: false, control, default }
    }

    fn advanced(
        &self,
        name: &'static str,
        label: &'static str,
        unit: &'static str,
        control: Control,
        help: &'static str,
    ) -> Parameter {
        Parameter { advanced: true, ..self.field(name, label, unit, control, help) }
    }
}

const TRACK_HELP: &str = "Which track the model works on. The other tracks are kept as they are.";

fn ar_cnn() -> Entry {
    let fields = Fields::of(ArCnnParams::default());
    let parameters = vec![
        fields.field(
            "maximum_input_notes_to_remove",
            "Maximum input notes to remove",
            "%",
            number(0.0, 100.0, 1.0, "0 to 100 %"),
            "The percentage of the input melody that may be removed. By increasing it, you allow the model to use less of \
             the input melody as a reference.",
        ),
        fields.field(
            "maximum_notes_to_add",
            "Maximum notes to add",
            "",
            Control::Notes { max_count: 500.0, max_percent: 300.0, accepted: "0 or more" },
            "The number of notes that can be added to the input melody: sixteenths for every 8 bars, or a percentage of \
             the input's. By increasing it, you might introduce notes which sound out of place.",
        ),
        fields.field(
            "sampling_iterations",
            "Sampling iterations",
            "",
            number(0.0, 400.0, 1.0, "0 to 100 000"),
            "The number of times your input melody is passed through the model. Increasing it results in more notes being \
             added and removed.",
        ),
        fields.field(
            "creative_risk",
            "Creative risk",
            "",
            number(0.1, 6.0, 0.1, "above 0"),
            "How much the model can deviate from the music that it was trained on. It changes the shape of the output \
             probability distribution: too low, and the model will choose only high-probability notes; too high, and it \
             will more likely choose lower-probability notes.",
        ),
        fields.advanced(
            "unit",
            "Edits by",
            "",
            Control::Choice { options: edit_units() },
            "Whether a pass adds or removes a note, or a single sixteenth of one.",
        ),
        fields.advanced(
            "annealing",
            "Annealing",
            "",
            number(0.05, 1.0, 0.05, "above 0, at most 1"),
            "The creative risk of the last pass as a share of that of the first: below 1, the model gets more careful as \
             it goes on.",
        ),
        fields.advanced("track", "Track", "", Control::Track, TRACK_HELP),
    ];
    let preset = |name, help, remove: f64, add: usize, iterations: usize, risk: f64| Preset {
        name,
        help,
        technique: Technique::ArCnn(ArCnnParams {
            maximum_input_notes_to_remove: remove,
            maximum_notes_to_add: NotesToAdd::Count(add),
            sampling_iterations: iterations,
            creative_risk: risk,
            ..ArCnnParams::default()
        }),
    };
    let presets = vec![
        Preset {
            name: "Default",
            help: "The guide's settings.",
            technique: Technique::ArCnn(ArCnnParams::default()),
        },
        preset("Light touch", "A few passes at a low risk: the melody stays what it is.", 15.0, 30, 30, 0.5),
        preset("Only add", "Nothing of the input is removed; harmony comes to it.", 0.0, 120, 120, 0.8),
        preset("Thin out", "Notes are removed and none added.", 60.0, 0, 60, 0.8),
        preset("Rewrite", "Many passes at a high risk: the input is a hint.", 100.0, 200, 200, 1.4),
    ];
    Entry {
        id: "ar-cnn",
        name: "AR-CNN",
        verb: "Enhance",
        help: "Notes are added to or removed from your input track, one at a time.",
        parameters,
        presets,
    }
}

/// What a pass of the AR-CNN adds or removes.
fn endings(broken_off: [&str; 2], ended: [&str; 2]) -> Vec<Choice> {
    [(false, broken_off), (true, ended)]
        .into_iter()
        .map(|(ends, [label, help])| Choice {
            value: json!(ends),
            label: label.to_owned(),
            help: help.to_owned(),
        })
        .collect()
}

fn edit_units() -> Vec<Choice> {
    [
        (
            ArCnnParams::NOTES,
            "Notes",
            "Cells beside the one that is drawn go along where the model finds them as probable; no note is shorter than an eighth.",
        ),
        (EditUnit::Cell, "Single sixteenths", "As in the console."),
    ]
    .into_iter()
    .map(|(unit, label, help)| Choice {
        // A unit is plain numbers and names.
        value: serde_json::to_value(unit).unwrap_or_default(),
        label: label.to_owned(),
        help: help.to_owned(),
    })
    .collect()
}

fn gan() -> Entry {
    let fields = Fields::of(GanParams::default());
    let parameters = vec![
        fields.field(
            "genre",
            "Genre",
            "",
            Control::Choice { options: Genre::ALL.into_iter().map(genre_choice).collect() },
            "The style of the accompaniment, and the instruments of its band.",
        ),
        fields.field(
            "tracks",
            "Accompaniment tracks",
            "",
            Control::Roles { options: TrackRole::ALL.into_iter().map(role_choice).collect() },
            "Which tracks are generated. Those that the genre's band does not have are left out.",
        ),
        fields.field(
            "binarisation_threshold",
            "Binarisation threshold",
            "",
            number(0.05, 0.95, 0.05, "above 0, below 1"),
            "The generator gives each cell of the piano roll a probability; it becomes a note if that is at least this. \
             Lower values give more notes.",
        ),
        fields.field(
            "variation",
            "Variation",
            "",
            number(0.0, 1.0, 0.05, "0 to 1"),
            "How likely two bars are played in a style of their own: 0 keeps one style for the whole piece.",
        ),
        fields.field(
            "chords",
            "Chords",
            "",
            Control::Text { accepted: "major and minor triads, one or two a bar, bars separated by |", example: "Am F | C | G" },
            "The chords of the first bars. Those of the bars that follow, or all of them, the model chooses for your melody.",
        ),
        fields.advanced(
            "chord_temperature",
            "Chord temperature",
            "",
            number(0.0, 2.0, 0.05, "0 to 10"),
            "How freely the model chooses chords: 0 takes the most probable ones, higher values more unusual ones.",
        ),
        fields.advanced(
            "dynamics",
            "Dynamics",
            "",
            number(0.0, 1.0, 0.05, "0 to 1"),
            "How much the velocities of the new notes differ: 0 plays them all alike.",
        ),
        fields.field(
            "end_naturally",
            "Ending",
            "",
            Control::Choice {
                options: endings(
                    ["Play on", "The pattern goes on to the end of the bar."],
                    ["End with the melody", "All parts hold a chord from its last note on, the tonic's if it fits."],
                ),
            },
            "Whether the band comes to an end with the melody.",
        ),
        fields.advanced(
            "seed",
            "Seed of the band",
            "",
            Control::Seed,
            "A seed for the accompaniment alone. Left empty, the studio's seed decides.",
        ),
        fields.advanced("track", "Track", "", Control::Track, TRACK_HELP),
    ];
    let preset = |name, help, params| Preset { name, help, technique: Technique::Gan(params) };
    let some = |roles: &[TrackRole]| roles.iter().copied().collect::<RoleSet>();
    let presets = vec![
        preset("Rock band", "Drums, picked bass, overdriven guitar, organ.", GanParams::default()),
        preset("Jazz combo", "Drums, double bass, jazz guitar, piano.", GanParams::new(Genre::Jazz)),
        preset("Chamber music", "Cello, strings, piano; no drums.", GanParams::new(Genre::Classical)),
        preset(
            "Rhythm section",
            "Drums and bass alone, one style throughout.",
            GanParams {
                tracks: some(&[TrackRole::Drums, TrackRole::Bass]),
                variation: 0.0,
                ..GanParams::new(Genre::Pop)
            },
        ),
        preset(
            "Busy",
            "A low threshold and new styles every few bars.",
            GanParams { binarisation_threshold: 0.35, variation: 0.8, ..GanParams::new(Genre::Edm) },
        ),
    ];
    Entry {
        id: "gan",
        name: "GAN",
        verb: "Accompany",
        help: "A band in a genre is generated around your input track, which stays as it is.",
        parameters,
        presets,
    }
}

fn genre_choice(genre: Genre) -> Choice {
    let label = match genre {
        Genre::Edm => "EDM".to_owned(),
        other => capitalised(other.name()),
    };
    let band: Vec<&str> = genre.tracks().iter().map(|track| track.name).collect();
    Choice { value: json!(genre), label, help: band.join(", ") }
}

fn role_choice(role: TrackRole) -> Choice {
    let genres: Vec<&str> =
        Genre::ALL.into_iter().filter(|g| RoleSet::of(*g).contains(role)).map(Genre::name).collect();
    let value = json!(role);
    let label = capitalised(value.as_str().unwrap_or_default());
    Choice { value, label, help: genres.join(", ") }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn transformer() -> Entry {
    let fields = Fields::of(TransformerParams::default());
    let choice = |technique: SamplingTechnique, label: &str, help: &str| Choice {
        value: json!(technique),
        label: label.to_owned(),
        help: help.to_owned(),
    };
    let techniques = vec![
        choice(
            SamplingTechnique::TopK,
            "TopK",
            "The model chooses among the K tokens of highest probability; the threshold is K as a share of all tokens.",
        ),
        choice(
            SamplingTechnique::Nucleus,
            "Nucleus",
            "The model chooses among the most probable tokens whose probabilities add up to the threshold.",
        ),
        choice(
            SamplingTechnique::Random,
            "Random",
            "The model is free to choose between all tokens; the threshold has no effect.",
        ),
    ];
    let parameters = vec![
        fields.field(
            "sampling_technique",
            "Sampling technique",
            "",
            Control::Choice { options: techniques },
            "How the candidates for the next token are cut before one is drawn.",
        ),
        fields.field(
            "sampling_threshold",
            "Sampling threshold",
            "",
            number(0.01, 1.0, 0.01, "above 0, at most 1"),
            "How many candidates are kept. High, and the model can choose from a wider variety of tokens: more diverse, \
             perhaps less coherent. Low, and it keeps to the most probable: less diverse, more repetitive.",
        ),
        fields.field(
            "creative_risk",
            "Creative risk",
            "",
            number(0.1, 5.0, 0.1, "above 0"),
            "The randomness of predictions. Low makes the model more confident but also more conservative; high makes it \
             take more risks: more diversity and probably more mistakes.",
        ),
        fields.field(
            "input_duration",
            "Input duration",
            "s",
            number(1.0, 60.0, 1.0, "above 0, at most 600 s"),
            "What portion of the input melody the model is given, in seconds counted backwards from its end.",
        ),
        fields.field(
            "track_extension_duration",
            "Track extension duration",
            "s",
            number(1.0, 30.0, 1.0, "above 0, at most 30 s"),
            "How much music is added. The model generates tokens until so much is filled; if the token budget runs out \
             first, the extension is shorter.",
        ),
        fields.field(
            "maximum_rest_time",
            "Maximum rest time",
            "s",
            number(0.0, 10.0, 0.1, "0 s or more"),
            "The longest period of silence that the model may generate.",
        ),
        fields.field(
            "maximum_note_length",
            "Maximum note length",
            "s",
            number(0.1, 10.0, 0.1, "above 0 s"),
            "The longest time that a single note can be held for.",
        ),
        fields.field(
            "repetition",
            "Repetition",
            "",
            number(0.0, 1.0, 0.1, "0 to 1"),
            "How likely a new phrase of four bars begins as the one two phrases before it did.",
        ),
        fields.field(
            "end_naturally",
            "Ending",
            "",
            Control::Choice {
                options: endings(
                    ["Break off", "The extension is as long as you asked for, to the last whole beat."],
                    ["Come to an end", "The last note is the tonic, with a bar: up to a bar earlier."],
                ),
            },
            "Whether the extension comes to an end, or breaks off when it is as long as you asked for.",
        ),
        fields.advanced(
            "token_budget",
            "Token budget",
            "tokens",
            number(64.0, 8192.0, 64.0, "1 to 65 536"),
            "The most tokens that are generated, whatever the duration.",
        ),
        fields.advanced("track", "Track", "", Control::Track, TRACK_HELP),
    ];
    let preset = |name, help, params| Preset { name, help, technique: Technique::Transformer(params) };
    let default = TransformerParams::default;
    let presets = vec![
        preset("Default", "20 seconds more, nucleus sampling.", default()),
        preset(
            "Short answer",
            "8 seconds more, close to the theme.",
            TransformerParams { track_extension_duration: 8.0, creative_risk: 0.7, ..default() },
        ),
        preset(
            "Last phrase",
            "12 seconds more, to an end on the tonic.",
            TransformerParams { track_extension_duration: 12.0, end_naturally: true, ..default() },
        ),
        preset(
            "Careful",
            "Few candidates for each token.",
            TransformerParams {
                sampling_technique: SamplingTechnique::TopK,
                sampling_threshold: 0.03,
                creative_risk: 0.8,
                ..default()
            },
        ),
        preset(
            "Wander off",
            "All tokens are candidates, at a higher risk.",
            TransformerParams {
                sampling_technique: SamplingTechnique::Random,
                creative_risk: 1.5,
                ..default()
            },
        ),
        preset(
            "Flowing",
            "Short notes and no long rests.",
            TransformerParams { maximum_rest_time: 0.3, maximum_note_length: 0.8, ..default() },
        ),
    ];
    Entry {
        id: "transformer",
        name: "Transformer",
        verb: "Extend",
        help: "Notes are added after the end of your input track, to extend it by up to 30 seconds.",
        parameters,
        presets,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::compose::validate;

    fn technique(entry: &Entry, field: &str, value: Value) -> Result<Technique, serde_json::Error> {
        let mut all = json!({ "technique": entry.id });
        all[field] = value;
        serde_json::from_value(all)
    }

    fn accepts(entry: &Entry, field: &str, value: Value) -> bool {
        technique(entry, field, value).is_ok_and(|t| validate(&t).is_ok())
    }

    #[test]
    fn every_field_of_the_library_is_in_the_guide_with_its_default() {
        let defaults = [
            serde_json::to_value(ArCnnParams::default()).unwrap(),
            serde_json::to_value(GanParams::default()).unwrap(),
            serde_json::to_value(TransformerParams::default()).unwrap(),
        ];
        for (entry, fields) in techniques().iter().zip(defaults) {
            let fields = fields.as_object().unwrap();
            assert_eq!(entry.parameters.len(), fields.len(), "{}", entry.id);
            for parameter in &entry.parameters {
                assert_eq!(Some(&parameter.default), fields.get(parameter.name), "{}", parameter.name);
            }
        }
    }

    #[test]
    fn the_console_guide_s_defaults() {
        let entries = techniques();
        let default = |name: &str| {
            let found = entries[0].parameters.iter().find(|p| p.name == name).unwrap();
            found.default.as_f64().unwrap()
        };
        assert_eq!(default("maximum_input_notes_to_remove"), 70.0);
        assert_eq!(default("maximum_notes_to_add"), 90.0);
        assert_eq!(default("sampling_iterations"), 90.0);
        assert_eq!(default("creative_risk"), 0.8);
    }

    #[test]
    fn sliders_stay_within_what_the_library_accepts() {
        for entry in techniques() {
            for parameter in &entry.parameters {
                match &parameter.control {
                    Control::Number { min, max, .. } => {
                        let value = |v: f64| {
                            if parameter.default.is_f64() { json!(v) } else { json!(v as u64) }
                        };
                        for end in [*min, *max] {
                            assert!(accepts(&entry, parameter.name, value(end)), "{} {end}", parameter.name);
                        }
                    }
                    Control::Notes { max_count, max_percent, .. } => {
                        assert!(accepts(&entry, parameter.name, json!(*max_count as u64)));
                        assert!(accepts(&entry, parameter.name, json!(format!("{max_percent}%"))));
                    }
                    Control::Choice { options } => {
                        for option in options {
                            assert!(accepts(&entry, parameter.name, option.value.clone()));
                        }
                    }
                    Control::Roles { options } => {
                        assert_eq!(options.len(), 4);
                        let drums_and = |v: &Value| json!(["drums", v]);
                        assert!(options.iter().all(|o| accepts(&entry, parameter.name, drums_and(&o.value))));
                    }
                    Control::Text { example, .. } => {
                        assert!(accepts(&entry, parameter.name, json!(example)));
                        assert!(!accepts(&entry, parameter.name, json!("?")));
                    }
                    Control::Track => assert!(accepts(&entry, parameter.name, json!({ "index": 3 }))),
                    Control::Seed => assert!(accepts(&entry, parameter.name, json!(null))),
                }
            }
        }
    }

    #[test]
    fn what_the_guide_says_is_not_accepted_is_refused_by_name() {
        let wrong = [
            (0, "maximum_input_notes_to_remove", json!(100.5)),
            (0, "maximum_notes_to_add", json!("-1%")),
            (0, "sampling_iterations", json!(100_001)),
            (0, "creative_risk", json!(0.0)),
            (0, "annealing", json!(0.0)),
            (1, "binarisation_threshold", json!(1.0)),
            (1, "variation", json!(1.01)),
            (1, "chord_temperature", json!(-0.1)),
            (1, "dynamics", json!(1.5)),
            (1, "tracks", json!([])),
            (2, "sampling_threshold", json!(0.0)),
            (2, "creative_risk", json!(-1.0)),
            (2, "input_duration", json!(601.0)),
            (2, "track_extension_duration", json!(30.5)),
            (2, "maximum_rest_time", json!(-0.1)),
            (2, "maximum_note_length", json!(0.0)),
            (2, "token_budget", json!(0)),
        ];
        let entries = techniques();
        for (index, field, value) in wrong {
            let refusal = validate(&technique(&entries[index], field, value).unwrap()).unwrap_err();
            assert_eq!(refusal.field.as_deref(), Some(field), "{}", refusal.error);
        }
    }

    #[test]
    fn presets_are_accepted_and_named_apart() {
        for entry in techniques() {
            let mut names = std::collections::HashSet::new();
            for preset in &entry.presets {
                assert!(names.insert(preset.name));
                assert!(validate(&preset.technique).is_ok(), "{}", preset.name);
                assert_eq!(serde_json::to_value(&preset.technique).unwrap()["technique"], entry.id);
            }
        }
    }
}
