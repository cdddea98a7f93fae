//! The sub-commands and their options.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use deepcompose::prelude::*;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add and remove notes (AR-CNN)
    Enhance {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: Enhance,
    },
    /// Continue the input (Transformer)
    Extend {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: Extend,
    },
    /// Add drums, bass, guitar and keys (GAN)
    Accompany {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: Accompany,
    },
    /// The built-in input tracks, each of which can stand for IN.mid
    Tracks,
    /// The genres and their tracks
    Genres,
}

#[derive(Args)]
pub(crate) struct Common {
    /// A MIDI file, or a built-in track by its name
    #[arg(value_name = "IN.mid")]
    pub(crate) input: PathBuf,
    /// The MIDI file to write
    #[arg(value_name = "OUT.mid")]
    pub(crate) output: PathBuf,
    /// The track to work on: a number from 0, `melody` (found by itself), or `all`
    #[arg(long, default_value = "melody", value_parser = track)]
    pub(crate) track: TrackSelection,
    /// The same seed, input and options give the same file
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// A weights file to use in place of the embedded one
    #[arg(long)]
    pub(crate) weights: Option<PathBuf>,
}

fn track(text: &str) -> Result<TrackSelection, String> {
    match text {
        "melody" => Ok(TrackSelection::Melody),
        "all" => Ok(TrackSelection::All),
        number => number
            .parse()
            .map(TrackSelection::Index)
            .map_err(|_| "a track number from 0, `melody` or `all` is accepted".to_owned()),
    }
}

// The subcommand has this name too.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Enhance {
    /// Maximum input notes to remove, in per cent
    #[arg(long, default_value_t = ArCnnParams::default().maximum_input_notes_to_remove)]
    max_remove: f64,
    /// Maximum notes to add: a count for eight bars, or a percentage such as 150%
    #[arg(long, default_value_t = ArCnnParams::default().maximum_notes_to_add)]
    max_add: NotesToAdd,
    /// Sampling iterations
    #[arg(long, default_value_t = ArCnnParams::default().sampling_iterations)]
    iterations: usize,
    /// Creative risk: the temperature
    #[arg(long, default_value_t = ArCnnParams::default().creative_risk)]
    creative_risk: f64,
    /// Creative risk of the last iteration as a share of the first's
    #[arg(long, default_value_t = ArCnnParams::default().annealing)]
    annealing: f64,
    /// What an iteration adds or removes: single cells (0), or runs of up to so many that the model finds about as
    /// probable as the one drawn
    #[arg(long, value_name = "STEPS")]
    longest_run: Option<usize>,
}

impl Enhance {
    pub(crate) fn params(&self, track: TrackSelection) -> ArCnnParams {
        ArCnnParams {
            maximum_input_notes_to_remove: self.max_remove,
            maximum_notes_to_add: self.max_add,
            sampling_iterations: self.iterations,
            creative_risk: self.creative_risk,
            annealing: self.annealing,
            unit: match (self.longest_run, ArCnnParams::NOTES) {
                (None, _) => ArCnnParams::default().unit,
                (Some(longest), EditUnit::Run { margin, shortest, .. }) if longest > 0 => {
                    EditUnit::Run { margin, longest, shortest: shortest.min(longest) }
                }
                _ => EditUnit::Cell,
            },
            track,
        }
    }
}

// The subcommand has this name too.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Extend {
    /// Sampling technique: top-k, nucleus or random
    #[arg(long, default_value_t = TransformerParams::default().sampling_technique)]
    sampling: SamplingTechnique,
    /// Sampling threshold, above 0 and at most 1
    #[arg(long, default_value_t = TransformerParams::default().sampling_threshold)]
    threshold: f64,
    /// Creative risk: the temperature
    #[arg(long, default_value_t = TransformerParams::default().creative_risk)]
    creative_risk: f64,
    /// Input duration: how much of the input's end the model is given, in seconds
    #[arg(long, default_value_t = TransformerParams::default().input_duration)]
    input_duration: f64,
    /// Track extension duration, in seconds, at most 30
    #[arg(long, default_value_t = TransformerParams::default().track_extension_duration)]
    extension_duration: f64,
    /// Maximum rest time, in seconds
    #[arg(long, default_value_t = TransformerParams::default().maximum_rest_time)]
    max_rest: f64,
    /// Maximum note length, in seconds
    #[arg(long, default_value_t = TransformerParams::default().maximum_note_length)]
    max_note_length: f64,
    /// How likely a phrase begins as one before, 0 to 1
    #[arg(long, default_value_t = TransformerParams::default().repetition)]
    repetition: f64,
    /// Come to an end: on the tonic, with a bar
    #[arg(long)]
    end_naturally: bool,
}

impl Extend {
    pub(crate) fn params(&self, track: TrackSelection) -> TransformerParams {
        TransformerParams {
            sampling_technique: self.sampling,
            sampling_threshold: self.threshold,
            creative_risk: self.creative_risk,
            input_duration: self.input_duration,
            track_extension_duration: self.extension_duration,
            maximum_rest_time: self.max_rest,
            maximum_note_length: self.max_note_length,
            end_naturally: self.end_naturally,
            repetition: self.repetition,
            track,
            ..TransformerParams::default()
        }
    }
}

// The subcommand has this name too.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Accompany {
    /// The genre: see `compose genres`
    #[arg(long, default_value_t = Genre::Rock)]
    genre: Genre,
    /// Binarisation threshold, above 0 and below 1: lower gives more notes
    #[arg(long, default_value_t = GanParams::default().binarisation_threshold)]
    threshold: f64,
    /// Chords of the first bars, such as "Am F | C | G"; the model chooses those that are not given
    #[arg(long, default_value_t)]
    chords: ChordSheet,
    /// How freely chords are chosen: 0 takes the most probable ones
    #[arg(long, default_value_t = GanParams::default().chord_temperature)]
    chord_temperature: f64,
    /// How much the velocities of the new notes differ, 0 (not at all) to 1
    #[arg(long, default_value_t = GanParams::default().dynamics)]
    dynamics: f64,
    /// End with the melody, on a chord that all parts hold
    #[arg(long)]
    end_naturally: bool,
    /// A velocity weights file to use in place of the embedded one
    #[arg(long)]
    pub(crate) velocity_weights: Option<PathBuf>,
}

impl Accompany {
    pub(crate) fn params(&self, track: TrackSelection) -> GanParams {
        GanParams {
            binarisation_threshold: self.threshold,
            chords: self.chords.clone(),
            chord_temperature: self.chord_temperature,
            dynamics: self.dynamics,
            end_naturally: self.end_naturally,
            track,
            ..GanParams::new(self.genre)
        }
    }
}
