//! The options.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use deepcompose::models::ar_cnn::{EditEvaluationOptions, HarmonisationOptions};
use deepcompose::models::transformer;
use deepcompose::models::weights::Precision;
use deepcompose::prelude::{ArCnnParams, EditUnit, Genre};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    ArCnn,
    Chorale,
    Gan,
    Transformer,
    Velocity,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Bits {
    /// 32-bit floats
    Full,
    /// 16-bit floats
    Half,
    /// 8-bit integers with a scale a row
    Int8,
}

impl Bits {
    pub(crate) fn precision(self) -> Precision {
        match self {
            Self::Full => Precision::Full,
            Self::Half => Precision::Half,
            Self::Int8 => Precision::Int8,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Half => "half",
            Self::Int8 => "int8",
        }
    }
}

/// As which numbers the decoding engine keeps its matrices.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Decode {
    /// 32-bit floats
    Single,
    /// bfloat16
    Bfloat16,
    /// 8-bit integers with a scale an output
    Eight,
}

impl Decode {
    pub(crate) fn precision(self) -> transformer::DecodePrecision {
        match self {
            Self::Single => transformer::DecodePrecision::Single,
            Self::Bfloat16 => transformer::DecodePrecision::Bfloat16,
            Self::Eight => transformer::DecodePrecision::Eight,
        }
    }
}

#[derive(Parser)]
#[command(name = "evaluate", version, about = "Measure a model on held-out pieces")]
pub(crate) struct Options {
    /// Which model
    #[arg(long, value_enum)]
    model: Option<Kind>,
    /// A folder of MIDI files, one of the JSON corpora, or a folder that `prepare` made
    #[arg(long, value_name = "PATH", requires = "model")]
    data: Option<PathBuf>,
    /// A weights file, in place of the embedded weights
    #[arg(long, value_name = "FILE", requires = "model")]
    weights: Option<PathBuf>,
    /// Chorale: more weights files, whose predictions are averaged with the first's
    #[arg(long, value_name = "FILE", requires = "model")]
    with: Vec<PathBuf>,
    /// Chorale: hear the music in the keys up to so many semitones above and below its own as well, and average
    #[arg(long, value_name = "SEMITONES", default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..=24))]
    keys: i32,
    /// Round the weights first, as an export at this precision would
    #[arg(long, value_enum, requires = "model")]
    precision: Option<Bits>,
    /// Transformer: token by token, through the engine that composes, with its numbers kept so
    #[arg(long, value_enum, requires = "model")]
    decode: Option<Decode>,
    /// Transformer: continue melodies, and compare with how they go on. `--data` is then the folder of all corpora, of
    /// which the melodies are taken that the shipped training held out
    #[arg(long, requires = "model")]
    extend: bool,
    /// AR-CNN: enhance the built-in tracks with the default parameters, with this and the next two seeds, and count notes; takes no `--data`
    #[arg(long, requires = "model", conflicts_with = "data")]
    enhance: bool,
    /// Which split of the corpus: train, valid or test
    #[arg(long, default_value = "valid")]
    split: String,
    /// Pieces at most, the first of the split
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Of everything drawn; 1 spoils windows for the AR-CNN as a training run with seed 1 does
    #[arg(long, default_value_t = EditEvaluationOptions::default().seed)]
    seed: u64,
    /// AR-CNN: windows that it edits
    #[arg(long, default_value_t = EditEvaluationOptions::default().edited_windows)]
    edited_windows: usize,
    /// AR-CNN: most cells that it flips in a window
    #[arg(long, default_value_t = EditEvaluationOptions::default().max_flips)]
    max_flips: usize,
    /// AR-CNN: creative risk of its edits
    #[arg(long, default_value_t = EditEvaluationOptions::default().creative_risk)]
    creative_risk: f64,
    /// AR-CNN: pieces that are harmonised and repaired, evenly spaced over the split
    #[arg(long, value_name = "N", default_value_t = 8)]
    pieces: usize,
    /// AR-CNN: how many times over the sampler harmonises; above 1 it has time to take back what it finds wrong
    #[arg(long, default_value_t = HarmonisationOptions::default().passes)]
    passes: f64,
    /// AR-CNN: creative risk of the last iteration of harmonising and repairing, as a share of the first's
    #[arg(long, default_value_t = ArCnnParams::default().annealing)]
    annealing: f64,
    /// AR-CNN: harmonise and repair by single cells (0) or by runs of up to so many
    #[arg(long, value_name = "STEPS", default_value_t = longest(ArCnnParams::default().unit))]
    longest_run: usize,
    /// AR-CNN: how far, in nats, the logit of a run's cell may be below that of the cell that was drawn
    #[arg(long, value_name = "NATS", default_value_t = margin(ArCnnParams::default().unit))]
    run_margin: f32,
    /// AR-CNN: how many steps a note that a run makes or leaves has at least; without it two, or the longest run's
    #[arg(long, value_name = "STEPS")]
    shortest_note: Option<usize>,
    /// GAN: rules of choice that are other than those of `accompany`, tables such as `[rock.bass]` of the fields of `ChoiceRule`; only
    /// bands are measured then
    #[arg(long, value_name = "TOML", requires = "model")]
    rules: Option<PathBuf>,
    /// GAN and velocity: the genre of pieces for which neither manifest nor folder tells it
    #[arg(long, default_value_t = Genre::Pop)]
    genre: Genre,
    /// Write everything as JSON
    #[arg(long, value_name = "FILE", requires = "model")]
    pub(crate) json: Option<PathBuf>,
    /// Write charts as SVG into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) plots: Option<PathBuf>,
    /// Draw the loss curves of a training run (its log.jsonl)
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
}

/// What stands in the place of data where the built-in tracks are used.
const BUILT_IN: &str = "built-in tracks";

/// What is to be measured.
pub(crate) struct Task<'a> {
    pub(crate) kind: Kind,
    pub(crate) data: &'a Path,
    pub(crate) weights: Option<&'a Path>,
    pub(crate) with: &'a [PathBuf],
    pub(crate) keys: i32,
    pub(crate) precision: Option<Bits>,
    pub(crate) decode: Option<Decode>,
    pub(crate) extend: bool,
    pub(crate) enhance: bool,
    pub(crate) split: &'a str,
    pub(crate) limit: usize,
    pub(crate) seed: u64,
    pub(crate) edited_windows: usize,
    pub(crate) max_flips: usize,
    pub(crate) creative_risk: f64,
    pub(crate) pieces: usize,
    pub(crate) annealing: f64,
    pub(crate) passes: f64,
    pub(crate) unit: EditUnit,
    pub(crate) rules: Option<&'a Path>,
    pub(crate) genre: Genre,
}

fn longest(unit: EditUnit) -> usize {
    if let EditUnit::Run { longest, .. } = unit { longest } else { 0 }
}

fn margin(unit: EditUnit) -> f32 {
    if let EditUnit::Run { margin, .. } = unit { margin } else { 1.0 }
}

fn shortest(unit: EditUnit) -> usize {
    if let EditUnit::Run { shortest, .. } = unit { shortest } else { 1 }
}

impl Options {
    /// The model and data to measure, if any are given.
    pub(crate) fn task(&self) -> Result<Option<Task<'_>>, Box<dyn Error>> {
        let (kind, data) = match (self.model, self.data.as_deref()) {
            (Some(kind), Some(data)) => (kind, data),
            (Some(Kind::ArCnn), None) if self.enhance => (Kind::ArCnn, Path::new(BUILT_IN)),
            (None, None) if self.run.is_some() => return Ok(None),
            _ => return Err("give --model and --data, or --run".into()),
        };
        let of = |kinds: &[Kind]| kinds.contains(&kind);
        let transformer = of(&[Kind::Transformer]);
        let has_charts = !(of(&[Kind::Velocity]) || self.enhance || self.rules.is_some());
        for (option, given, fits) in [
            ("--with", !self.with.is_empty(), of(&[Kind::Chorale])),
            ("--keys", self.keys != 0, of(&[Kind::Chorale])),
            ("--decode", self.decode.is_some(), transformer && !self.extend),
            ("--extend", self.extend, transformer),
            ("--split", (self.extend || self.enhance) && self.split != "valid", false),
            ("--limit", self.enhance && self.limit.is_some(), false),
            ("--enhance", self.enhance, of(&[Kind::ArCnn])),
            ("--rules", self.rules.is_some(), of(&[Kind::Gan])),
            ("--plots", self.plots.is_some() && self.run.is_none(), has_charts),
        ] {
            if given && !fits {
                return Err(format!("{option} has no part in this measurement").into());
            }
        }
        let usual = shortest(ArCnnParams::default().unit).min(self.longest_run);
        let shortest = self.shortest_note.unwrap_or(usual);
        if self.longest_run > 0 && !(1..=self.longest_run).contains(&shortest) {
            return Err("--shortest-note is from 1 to --longest-run".into());
        }
        Ok(Some(Task {
            kind,
            data,
            weights: self.weights.as_deref(),
            with: &self.with,
            keys: self.keys,
            precision: self.precision,
            decode: self.decode,
            extend: self.extend,
            enhance: self.enhance,
            split: &self.split,
            limit: self.limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            seed: self.seed,
            edited_windows: self.edited_windows,
            max_flips: self.max_flips,
            creative_risk: self.creative_risk,
            pieces: self.pieces,
            annealing: self.annealing,
            passes: self.passes,
            unit: match self.longest_run {
                0 => EditUnit::Cell,
                longest => EditUnit::Run { margin: self.run_margin, longest, shortest },
            },
            rules: self.rules.as_deref(),
            genre: self.genre,
        }))
    }
}
