//! [`GeneratorSizes`]: how large a generator is.

use crate::EngineError;

/// How often the generator halves the roll.
pub(crate) const LEVELS: usize = 4;
/// Cells of a side of the roll for one of the deepest map.
pub(crate) const CELL: usize = 1 << LEVELS;
/// Most weights of a generator.
const MAX_WEIGHTS: usize = 1 << 27;

/// Sizes of a generator, as its configuration has them.
///
/// [`GeneratorEngine::new`](super::GeneratorEngine::new) checks them:
///
/// | field | range |
/// |---|---|
/// | `steps` | multiple of 16 in 16..=512 |
/// | `pitches` | multiple of 16 in 16..=128 |
/// | `tracks` | 1..=16 |
/// | `filters` | 1..=256 |
/// | `latent_channels` | 1..=2048 |
/// | `attributes` | 0..=128 |
/// | `attribute_channels` | 1..=256, unused without attributes |
/// | `output_map` | only with attributes |
///
/// A generator may have at most 2²⁷ weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeneratorSizes {
    /// Time steps of a window.
    pub steps: usize,
    /// Pitches of a window.
    pub pitches: usize,
    /// Tracks that the generator writes; what has two rolls, one of its onsets, counts twice.
    pub tracks: usize,
    /// Filters of the first convolution; each level doubles them.
    pub filters: usize,
    /// Channels of the latent, which is a map of `steps / 16` by `pitches / 16`.
    pub latent_channels: usize,
    /// Length of the attribute vector; 0 for a generator that takes none.
    pub attributes: usize,
    /// Channels into which the attributes are embedded.
    pub attribute_channels: usize,
    /// Whether the generator is told of chords, in two rolls.
    pub chords: bool,
    /// Whether the generator sees the tracks of the window before.
    pub previous: bool,
    /// Whether the attributes also choose a map that is added to the logits.
    pub output_map: bool,
}

impl GeneratorSizes {
    /// Numbers of one window of the melody: steps × pitches, saturating as all products here.
    #[must_use]
    pub const fn melody_len(&self) -> usize {
        self.steps.saturating_mul(self.pitches)
    }

    /// Numbers of one window of tracks, given or generated: tracks × steps × pitches.
    #[must_use]
    pub const fn tracks_len(&self) -> usize {
        self.tracks.saturating_mul(self.melody_len())
    }

    /// Numbers of one latent: channels × steps / 16 × pitches / 16.
    #[must_use]
    pub const fn latent_len(&self) -> usize {
        self.latent_channels.saturating_mul(self.deepest_cells())
    }

    /// Rows and columns of the map at `level`: the roll's at 0, half of them at 1, and so on.
    pub(crate) const fn map(&self, level: usize) -> [usize; 2] {
        [self.steps >> level, self.pitches >> level]
    }

    /// Cells of the deepest map.
    pub(crate) const fn deepest_cells(&self) -> usize {
        (self.steps / CELL).saturating_mul(self.pitches / CELL)
    }

    /// Rolls that tell of chords.
    pub(crate) const fn chord_rolls(&self) -> usize {
        if self.chords { 2 } else { 0 }
    }

    /// Numbers of one window of chords: 2 × steps × pitches, or 0 for a generator that is not told of them.
    #[must_use]
    pub const fn chords_len(&self) -> usize {
        self.chord_rolls().saturating_mul(self.melody_len())
    }

    /// Rolls that the generator is conditioned on: the melody, the chords and the previous tracks.
    pub(crate) const fn rolls(&self) -> usize {
        1 + self.chord_rolls() + if self.previous { self.tracks } else { 0 }
    }

    /// Channels into which attributes are embedded, 0 if there are none.
    pub(crate) const fn embedded(&self) -> usize {
        if self.attributes > 0 { self.attribute_channels } else { 0 }
    }

    /// Inputs and outputs of the four convolutions of the encoder.
    pub(crate) fn encoder(&self) -> [[usize; 2]; LEVELS] {
        let f = self.filters;
        [[self.rolls(), f], [f, 2 * f], [2 * f, 4 * f], [4 * f, 8 * f]]
    }

    /// Inputs and outputs of the three blocks of the decoder and of the last convolution.
    pub(crate) fn decoder(&self) -> [[usize; 2]; LEVELS] {
        let f = self.filters;
        let deepest = 8 * f + self.latent_channels + self.embedded();
        [[deepest, 4 * f], [8 * f, 2 * f], [4 * f, f], [2 * f, self.tracks]]
    }

    /// Checks every field.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let sides = [("steps", self.steps, 512), ("pitches", self.pitches, 128)];
        for (field, value, most) in sides {
            if !value.is_multiple_of(CELL) || !(CELL..=most).contains(&value) {
                return Err(out_of_range(field, value, format!("a multiple of 16 in 16..={most}")));
            }
        }
        let counts = [
            ("tracks", self.tracks, 1, 16),
            ("filters", self.filters, 1, 256),
            ("latent_channels", self.latent_channels, 1, 2048),
            ("attributes", self.attributes, 0, 128),
            ("attribute_channels", self.attribute_channels, 1, 256),
        ];
        for (field, value, least, most) in counts {
            if !(least..=most).contains(&value) {
                return Err(out_of_range(field, value, format!("{least}..={most}")));
            }
        }
        if self.output_map && self.attributes == 0 {
            return Err(out_of_range("output_map", true, "false without attributes".to_owned()));
        }
        let kernels: usize = self.encoder().iter().chain(&self.decoder()).map(|[i, o]| i * o * 16).sum();
        let map = if self.output_map { self.tracks_len() } else { 0 };
        let weights = kernels + self.attributes * (self.embedded() * self.deepest_cells() + map);
        if weights > MAX_WEIGHTS {
            return Err(out_of_range("weights", weights, format!("at most {MAX_WEIGHTS}")));
        }
        Ok(())
    }
}

fn out_of_range(field: &'static str, value: impl ToString, accepted: String) -> EngineError {
    EngineError::OutOfRange { field, value: value.to_string(), accepted }
}
