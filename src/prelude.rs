//! What a program that composes needs: `use deepcompose::prelude::*;`.

pub use crate::{Composer, Composition, Technique};
pub use deepcompose_core::{ChordSheet, InputTrack, Note, PianoRoll, Score, Track};
pub use deepcompose_models::Device;
pub use deepcompose_models::compose::{
    ArCnnParams, GanParams, NotesToAdd, TrackSelection, TransformerParams,
};
pub use deepcompose_models::gan::Genre;
pub use deepcompose_samplers::{EditUnit, SamplingTechnique, StopReason};
