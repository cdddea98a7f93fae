//! [`GanConfig`]: the sizes of a generator and its critic, checked once.

use serde::{Deserialize, Serialize};

use super::GanError;
use super::genre::{Genre, TrackRole};
use super::harmony::Harmony;

/// How often the networks halve the roll. Steps and pitches are multiples of 2 to this power.
pub(crate) const LEVELS: usize = 4;
const CELL: usize = 1 << LEVELS;
/// Rolls that tell of chords: their roots, and all of their notes.
pub(crate) const CHORD_ROLLS: usize = 2;
/// Most parameters of a generator.
const MAX_PARAMETERS: usize = 1 << 26;

/// The sizes of a [`Generator`](super::Generator) and its [`Critic`](super::Critic).
///
/// A config is checked when it is built (or read with serde), so a network built from one cannot
/// fail. Start from [`GanConfig::reference`] or [`GanConfig::accompaniment`] and change fields
/// through [`GanConfig::to_builder`]; [`GanConfigBuilder::build`] checks them.
///
/// | field | range | [`reference`](Self::reference) | [`accompaniment`](Self::accompaniment) |
/// |---|---|---|---|
/// | `steps` | multiple of 16 in 16..=512 | 32 | 32 |
/// | `pitches` | multiple of 16 in 16..=128 | 128 | 80 |
/// | `lowest_pitch` | 0..=128 − `pitches` | 0 | 24 (C1) |
/// | `tracks` | 1..=16, with `onsets` 1..=8 | 4 (the first is the melody) | 4 (drums, bass, guitar, keys) |
/// | `filters` | 1..=256 | 64 | 24 |
/// | `latent_channels` | 1..=2048 | 512 | 32 |
/// | `genres` | 0..=64 | 0 | 7 |
/// | `track_mask` | | off | on |
/// | `attribute_channels` | 1..=256 | 8, unused | 16 |
/// | `previous` | | off | on |
/// | `output_map` | | off | on |
/// | `chords` | | off | on |
/// | `styles` | 0..=1024 | 0 | 64 |
/// | `onsets` | | off | on |
///
/// The generator may have at most 2²⁶ parameters (the reference's has 8.3 million), so that a small
/// file cannot ask for much memory.
///
/// ```
/// use deepcompose_models::gan::GanConfig;
///
/// let small = GanConfig::reference().to_builder().filters(16).latent_channels(128).build()?;
/// assert_eq!(small.filters(), 16);
/// assert!(small.to_builder().steps(20).build().is_err()); // not a multiple of 16
/// # Ok::<(), deepcompose_models::gan::GanError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "GanConfigBuilder", into = "GanConfigBuilder")]
pub struct GanConfig {
    fields: GanConfigBuilder,
}

/// Fields of a [`GanConfig`] on their way to being checked by [`build`](Self::build).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GanConfigBuilder {
    steps: usize,
    pitches: usize,
    lowest_pitch: usize,
    tracks: usize,
    filters: usize,
    latent_channels: usize,
    genres: usize,
    track_mask: bool,
    attribute_channels: usize,
    previous: bool,
    output_map: bool,
    chords: bool,
    styles: usize,
    onsets: bool,
}

impl GanConfig {
    /// The reference architecture: 2 bars of 16 steps by 128 pitches by 4 tracks, the first of
    /// which is the melody; filters 64, 128, 256, 512; a latent of 2 × 8 × 512; no genre.
    #[must_use]
    pub const fn reference() -> Self {
        Self {
            fields: GanConfigBuilder {
                steps: 32,
                pitches: 128,
                lowest_pitch: 0,
                tracks: 4,
                filters: 64,
                latent_channels: 512,
                genres: 0,
                track_mask: false,
                attribute_channels: 8,
                previous: false,
                output_map: false,
                chords: false,
                styles: 0,
                onsets: false,
            },
        }
    }

    /// The architecture of the weights this project ships: the melody is only a condition, the four
    /// tracks are [`TrackRole::ALL`], of which all but the drums tell where notes begin, and the networks also know the genre, which
    /// tracks are wanted, the chords and the two bars before. Narrower than the reference, and without the pitches that bands leave
    /// unused (below C1 and above G7), so that two CPU cores can train it.
    #[must_use]
    pub const fn accompaniment() -> Self {
        Self {
            fields: GanConfigBuilder {
                steps: 32,
                pitches: 80,
                lowest_pitch: 24,
                tracks: TrackRole::COUNT,
                filters: 24,
                latent_channels: 32,
                genres: Genre::ALL.len(),
                track_mask: true,
                attribute_channels: 16,
                previous: true,
                output_map: true,
                chords: true,
                styles: 64,
                onsets: true,
            },
        }
    }

    /// The same fields, to be changed and checked again.
    #[must_use]
    pub fn to_builder(&self) -> GanConfigBuilder {
        self.fields.clone()
    }

    /// Time steps of a window; a step is a sixteenth note.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.fields.steps
    }

    /// Pitches of a window, from [`GanConfig::lowest_pitch`] up.
    #[must_use]
    pub const fn pitches(&self) -> usize {
        self.fields.pitches
    }

    /// The MIDI key number of a window's first pitch.
    #[must_use]
    pub const fn lowest_pitch(&self) -> usize {
        self.fields.lowest_pitch
    }

    /// Tracks that the generator writes and the critic judges.
    #[must_use]
    pub const fn tracks(&self) -> usize {
        self.fields.tracks
    }

    /// Rolls of these tracks: one each, and with [`onsets`](Self::onsets) another one for each but the first.
    #[must_use]
    pub const fn rolls(&self) -> usize {
        if self.fields.onsets { 2 * self.fields.tracks - 1 } else { self.fields.tracks }
    }

    /// Filters of the first convolution; each level doubles them.
    #[must_use]
    pub const fn filters(&self) -> usize {
        self.fields.filters
    }

    /// Channels of the latent; see [`GanConfig::latent_shape`].
    #[must_use]
    pub const fn latent_channels(&self) -> usize {
        self.fields.latent_channels
    }

    /// Genres that the networks tell apart; 0 for networks that know of none.
    #[must_use]
    pub const fn genres(&self) -> usize {
        self.fields.genres
    }

    /// Whether the networks are told which tracks are wanted (or, in training, present).
    #[must_use]
    pub const fn track_mask(&self) -> bool {
        self.fields.track_mask
    }

    /// Channels into which genre and track mask are embedded.
    #[must_use]
    pub const fn attribute_channels(&self) -> usize {
        self.fields.attribute_channels
    }

    /// Whether the networks see the tracks of the window before.
    #[must_use]
    pub const fn previous(&self) -> bool {
        self.fields.previous
    }

    /// Whether the attributes also choose a learned map that is added to the generator's logits: a
    /// prior over cells, such as where in the bar a genre's drums fall.
    #[must_use]
    pub const fn output_map(&self) -> bool {
        self.fields.output_map
    }

    /// Whether the networks are told the chord of each half bar, which the generator then chooses itself, by a
    /// [`ChordModel`](super::ChordModel), where none is given.
    #[must_use]
    pub const fn chords(&self) -> bool {
        self.fields.chords
    }

    /// Latents of bars that were played, so many a genre, near one of which those of an accompaniment are drawn; see
    /// [`Styles`](super::Styles). 0: latents are drawn from a normal distribution.
    #[must_use]
    pub const fn styles(&self) -> usize {
        self.fields.styles
    }

    /// Whether a track but the first, which is the drums', has two rolls: what sounds, and where notes begin. Notes of one pitch
    /// that follow one another without a gap are then told from held ones as they are; in networks without, by a gap of a step
    /// that such a note is given, for which those of a single step have no room.
    #[must_use]
    pub const fn onsets(&self) -> bool {
        self.fields.onsets
    }

    /// Length of the attribute vector: one-hot genre, then the track mask. 0 if there is neither.
    #[must_use]
    pub const fn attributes(&self) -> usize {
        self.fields.genres + if self.fields.track_mask { self.fields.tracks } else { 0 }
    }

    /// Shape of one latent: channels, steps / 16, pitches / 16.
    #[must_use]
    pub const fn latent_shape(&self) -> [usize; 3] {
        [self.fields.latent_channels, self.fields.steps / CELL, self.fields.pitches / CELL]
    }

    /// Shape of one window of tracks: [rolls](Self::rolls), steps, pitches.
    #[must_use]
    pub const fn window_shape(&self) -> [usize; 3] {
        [self.rolls(), self.fields.steps, self.fields.pitches]
    }

    /// Weights of the generator that training changes.
    #[must_use]
    pub const fn generator_parameters(&self) -> usize {
        let f = &self.fields;
        let [one, two, four, eight] = [f.filters, f.filters * 2, f.filters * 4, f.filters * 8];
        let cells = f.steps * f.pitches;
        let embedded = if self.attributes() > 0 { f.attribute_channels } else { 0 };
        let kernels = self.condition_channels() * one
            + one * two
            + two * four
            + four * eight
            + (eight + f.latent_channels + embedded) * four
            + 2 * four * two
            + 2 * two * one
            + 2 * one * self.rolls();
        // A bias a filter, and two more for batch norm, which the first layer and the last lack.
        let biases = one + 3 * (two + four + eight) + 3 * (four + two + one) + self.rolls();
        let map = if f.output_map { self.rolls() * cells } else { 0 };
        let harmony = if f.chords { Harmony::parameters() } else { 0 };
        let genres = if f.genres > 0 { f.genres } else { 1 };
        // Saturates where a list of styles would not fit into memory, which the limit then refuses.
        let styles = (genres * f.styles).saturating_mul(f.latent_channels * cells / (CELL * CELL));
        let others =
            harmony + kernels * 16 + biases + self.attributes() * (embedded * cells / (CELL * CELL) + map);
        styles.saturating_add(others)
    }

    /// Filters of the convolution at `level`, 0..4.
    pub(crate) const fn level_filters(&self, level: usize) -> usize {
        self.fields.filters << level
    }

    /// Channels of the conditioning rolls: the melody, then chords and previous tracks if they are seen.
    pub(crate) const fn condition_channels(&self) -> usize {
        1 + self.chord_rolls() + if self.fields.previous { self.rolls() } else { 0 }
    }

    /// Rolls that tell of chords, 0 if the networks are not told of them.
    pub(crate) const fn chord_rolls(&self) -> usize {
        if self.fields.chords { CHORD_ROLLS } else { 0 }
    }

    /// Bottleneck size in steps and pitches.
    pub(crate) const fn bottleneck(&self) -> [usize; 2] {
        [self.fields.steps / CELL, self.fields.pitches / CELL]
    }
}

impl Default for GanConfig {
    /// [`GanConfig::accompaniment`].
    fn default() -> Self {
        Self::accompaniment()
    }
}

impl Default for GanConfigBuilder {
    /// The fields of [`GanConfig::accompaniment`].
    fn default() -> Self {
        GanConfig::accompaniment().fields
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $ty:ty,)*) => {
        $($(#[$doc])*
        #[must_use]
        pub const fn $name(mut self, $name: $ty) -> Self {
            self.$name = $name;
            self
        })*
    };
}

impl GanConfigBuilder {
    setters! {
        /// Sets [`GanConfig::steps`].
        steps: usize,
        /// Sets [`GanConfig::pitches`].
        pitches: usize,
        /// Sets [`GanConfig::lowest_pitch`].
        lowest_pitch: usize,
        /// Sets [`GanConfig::tracks`].
        tracks: usize,
        /// Sets [`GanConfig::filters`].
        filters: usize,
        /// Sets [`GanConfig::latent_channels`].
        latent_channels: usize,
        /// Sets [`GanConfig::genres`].
        genres: usize,
        /// Sets [`GanConfig::track_mask`].
        track_mask: bool,
        /// Sets [`GanConfig::attribute_channels`].
        attribute_channels: usize,
        /// Sets [`GanConfig::previous`].
        previous: bool,
        /// Sets [`GanConfig::output_map`].
        output_map: bool,
        /// Sets [`GanConfig::chords`].
        chords: bool,
        /// Sets [`GanConfig::styles`].
        styles: usize,
        /// Sets [`GanConfig::onsets`].
        onsets: bool,
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`GanError::OutOfRange`] for the first field outside the range in [`GanConfig`]'s table, or
    /// for an `output_map` with neither genres nor a track mask to choose it; [`GanError::Limit`] for
    /// a generator of over 2²⁶ parameters.
    pub fn build(self) -> Result<GanConfig, GanError> {
        let check = |ok: bool, field, value: usize, accepted| {
            if ok { Ok(()) } else { Err(GanError::OutOfRange { field, value: value as f64, accepted }) }
        };
        check(
            self.steps.is_multiple_of(CELL) && (CELL..=512).contains(&self.steps),
            "steps",
            self.steps,
            "a multiple of 16 in 16..=512",
        )?;
        check(
            self.pitches.is_multiple_of(CELL) && (CELL..=128).contains(&self.pitches),
            "pitches",
            self.pitches,
            "a multiple of 16 in 16..=128",
        )?;
        check(
            self.lowest_pitch <= 128 - self.pitches,
            "lowest_pitch",
            self.lowest_pitch,
            "0..=128 less the pitches",
        )?;
        let (most, accepted) = if self.onsets { (8, "1..=8 with onsets") } else { (16, "1..=16") };
        check((1..=most).contains(&self.tracks), "tracks", self.tracks, accepted)?;
        check((1..=256).contains(&self.filters), "filters", self.filters, "1..=256")?;
        check(
            (1..=2048).contains(&self.latent_channels),
            "latent_channels",
            self.latent_channels,
            "1..=2048",
        )?;
        check(self.styles <= 1024, "styles", self.styles, "0..=1024")?;
        check(self.genres <= 64, "genres", self.genres, "0..=64")?;
        check(
            (1..=256).contains(&self.attribute_channels),
            "attribute_channels",
            self.attribute_channels,
            "1..=256",
        )?;
        check(
            !self.output_map || self.genres > 0 || self.track_mask,
            "output_map",
            self.output_map.into(),
            "false for networks with neither genres nor track_mask",
        )?;
        let config = GanConfig { fields: self };
        let parameters = config.generator_parameters();
        if parameters > MAX_PARAMETERS {
            return Err(GanError::Limit {
                what: "generator parameters",
                value: parameters as u64,
                limit: MAX_PARAMETERS as u64,
            });
        }
        Ok(config)
    }
}

impl TryFrom<GanConfigBuilder> for GanConfig {
    type Error = GanError;

    fn try_from(fields: GanConfigBuilder) -> Result<Self, GanError> {
        fields.build()
    }
}

impl From<GanConfig> for GanConfigBuilder {
    fn from(config: GanConfig) -> Self {
        config.fields
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn presets_are_valid_and_round_trip() {
        for config in [GanConfig::reference(), GanConfig::accompaniment()] {
            assert_eq!(config.to_builder().build().unwrap(), config);
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<GanConfig>(&json).unwrap(), config);
        }
        assert_eq!(GanConfig::reference().latent_shape(), [512, 2, 8]);
        assert_eq!(GanConfig::reference().attributes(), 0);
        assert_eq!(GanConfig::accompaniment().attributes(), 7 + 4);
        let told = GanConfig::accompaniment().to_builder().onsets(true).build().unwrap();
        assert_eq!((told.tracks(), told.rolls(), told.window_shape()), (4, 7, [7, 32, 80]));
    }

    #[test]
    fn huge_generators_are_refused() {
        let wide = GanConfig::reference().to_builder().filters(256).latent_channels(2048);
        let error = wide.clone().build().unwrap_err();
        assert!(matches!(error, GanError::Limit { what: "generator parameters", .. }));
        let json = serde_json::to_string(&wide).unwrap();
        assert!(serde_json::from_str::<GanConfig>(&json).is_err());
    }

    #[test]
    fn each_field_is_checked_by_name() {
        let base = || GanConfig::reference().to_builder();
        let cases = [
            (base().steps(0), "steps"),
            (base().steps(33), "steps"),
            (base().pitches(144), "pitches"),
            (base().lowest_pitch(1), "lowest_pitch"),
            (base().pitches(96).lowest_pitch(33), "lowest_pitch"),
            (base().tracks(0), "tracks"),
            (base().tracks(9).onsets(true), "tracks"),
            (base().filters(0), "filters"),
            (base().filters(257), "filters"),
            (base().latent_channels(0), "latent_channels"),
            (base().genres(65), "genres"),
            (base().attribute_channels(0), "attribute_channels"),
            (base().output_map(true), "output_map"),
            (base().styles(1025), "styles"),
        ];
        for (builder, name) in cases {
            let json = serde_json::to_string(&builder).unwrap();
            match builder.build() {
                Err(GanError::OutOfRange { field, .. }) => assert_eq!(field, name),
                other => panic!("{name}: {other:?}"),
            }
            assert!(serde_json::from_str::<GanConfig>(&json).unwrap_err().to_string().contains(name));
        }
    }
}
