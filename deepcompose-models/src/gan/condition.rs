//! [`GanCondition`]: everything that a batch of windows is generated, or judged, under.

use burn::tensor::Tensor;
use deepcompose_core::Chord;

use super::config::CHORD_ROLLS;
use super::genre::{Genre, RoleSet, TrackRole};
use super::grid::{BAR_STEPS, WINDOW_BARS};
use super::sample::paint;
use super::tune::HALF_BAR;
use super::{GanConfig, GanError};

/// What the generator and the critic are told about each window of a batch.
///
/// Rolls hold +1 where a note sounds and −1 elsewhere.
#[derive(Debug, Clone)]
pub struct GanCondition {
    /// The melody, `[batch, 1, steps, pitches]`.
    pub melody: Tensor<4>,
    /// The chord of each half bar, `[batch, 2, steps, pitches]`: in the first roll its root sounds in every octave, in the
    /// second all of its notes. For networks with [`GanConfig::chords`].
    pub chords: Option<Tensor<4>>,
    /// The tracks of the window before, `[batch, rolls, steps, pitches]`; all −1 at the start of a
    /// piece. For networks with [`GanConfig::previous`].
    pub previous: Option<Tensor<4>>,
    /// One-hot genre, then 1 for each wanted track: `[batch, attributes]`. For networks with
    /// [`GanConfig::attributes`] > 0.
    pub attributes: Option<Tensor<2>>,
}

impl GanCondition {
    /// Checks that the condition is the one that `config` calls for; the batch size if it is.
    ///
    /// # Errors
    ///
    /// [`GanError::Shape`], or [`GanError::Condition`] for a part that is missing or not known to
    /// the networks.
    pub fn check(&self, config: &GanConfig) -> Result<usize, GanError> {
        let [tracks, steps, pitches] = config.window_shape();
        let batch = self.melody.dims()[0];
        expect("melody", self.melody.dims(), [batch, 1, steps, pitches])?;
        match (&self.chords, config.chords()) {
            (Some(chords), true) => expect("chords", chords.dims(), [batch, CHORD_ROLLS, steps, pitches])?,
            (None, false) => {}
            (None, true) => return Err(GanError::Condition("the networks need the chords")),
            (Some(_), false) => return Err(GanError::Condition("the networks take no chords")),
        }
        match (&self.previous, config.previous()) {
            (Some(previous), true) => {
                expect("previous tracks", previous.dims(), [batch, tracks, steps, pitches])?;
            }
            (None, false) => {}
            (None, true) => return Err(GanError::Condition("the networks need the previous tracks")),
            (Some(_), false) => return Err(GanError::Condition("the networks take no previous tracks")),
        }
        match (&self.attributes, config.attributes()) {
            (None, 0) => {}
            (Some(_), 0) => return Err(GanError::Condition("the networks take no attributes")),
            (None, _) => return Err(GanError::Condition("the networks need genre or track attributes")),
            (Some(attributes), n) => expect("attributes", attributes.dims(), [batch, n])?,
        }
        Ok(batch)
    }

    /// The same condition outside any autodiff graph.
    pub(crate) fn without_autodiff(&self) -> Self {
        Self {
            melody: self.melody.clone().without_autodiff(),
            chords: self.chords.clone().map(Tensor::without_autodiff),
            previous: self.previous.clone().map(Tensor::without_autodiff),
            attributes: self.attributes.clone().map(Tensor::without_autodiff),
        }
    }

    /// The melody and, if there are any, chords and previous tracks, as channels.
    pub(crate) fn rolls(&self) -> Tensor<4> {
        let more = [&self.chords, &self.previous].into_iter().flatten();
        let rolls: Vec<_> = std::iter::once(&self.melody).chain(more).cloned().collect();
        Tensor::cat(rolls, 1)
    }
}

/// Checks that the networks have the layout of [`GanConfig::accompaniment`], which data and sampler
/// speak: 32 steps, four tracks, and room for every genre if for any.
///
/// # Errors
///
/// [`GanError::OutOfRange`].
pub(crate) fn check_accompaniment(config: &GanConfig) -> Result<(), GanError> {
    let fields = [
        ("steps", config.steps(), WINDOW_BARS * BAR_STEPS, "32, two bars of 16,"),
        ("tracks", config.tracks(), TrackRole::COUNT, "4, one a role,"),
    ];
    for (field, value, wanted, accepted) in fields {
        if value != wanted {
            return Err(GanError::OutOfRange { field, value: value as f64, accepted });
        }
    }
    if ![0, Genre::ALL.len()].contains(&config.genres()) {
        return Err(GanError::OutOfRange {
            field: "genres",
            value: config.genres() as f64,
            accepted: "0, or one for each Genre,",
        });
    }
    Ok(())
}

/// The pitches that the networks see, for sets with one bit a MIDI key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PitchRange {
    lowest: usize,
    pitches: usize,
}

impl PitchRange {
    pub(crate) const fn of(config: &GanConfig) -> Self {
        Self { lowest: config.lowest_pitch(), pitches: config.pitches() }
    }

    const fn mask(self) -> u128 {
        u128::MAX >> (128 - self.pitches)
    }

    /// Keys of the range, counted from its lowest; other keys are lost.
    pub(crate) const fn cut(self, keys: u128) -> u128 {
        keys >> self.lowest & self.mask()
    }

    /// The same, with keys outside the range moved into it by octaves.
    pub(crate) fn fold(self, keys: u128) -> u128 {
        let mut outside = keys & !(self.mask() << self.lowest);
        let mut folded = self.cut(keys);
        while outside != 0 {
            let mut key = outside.trailing_zeros() as usize;
            outside &= outside - 1;
            // The range holds at least 16 keys, so an octave up or down at a time ends inside it.
            while key < self.lowest {
                key += 12;
            }
            while key >= self.lowest + self.pitches {
                key -= 12;
            }
            folded |= 1 << (key - self.lowest);
        }
        folded
    }

    /// Keys from a set counted from the range's lowest.
    pub(crate) const fn keys(self, cut: u128) -> u128 {
        (cut & self.mask()) << self.lowest
    }
}

/// Makes the cells of chords, one a half bar, +1 in a window's rolls, `[2, steps, pitches]`: the roots, then all notes.
pub(crate) fn paint_chords(config: &GanConfig, chords: &[Chord], rolls: &mut [f32]) {
    let range = PitchRange::of(config);
    let [_, steps, pitches] = config.window_shape();
    let octaves = |class: u8| {
        (0..128).filter(|key| key % 12 == u32::from(class)).fold(0_u128, |keys, key| keys | 1 << key)
    };
    for (half, chord) in chords.iter().enumerate() {
        let [root, third, fifth] = chord.pitch_classes().map(octaves);
        for (roll, keys) in [root, root | third | fifth].into_iter().enumerate() {
            let cells = range.cut(keys);
            for step in half * HALF_BAR..((half + 1) * HALF_BAR).min(steps) {
                if let Some(row) =
                    rolls.get_mut((roll * steps + step) * pitches..).and_then(|r| r.get_mut(..pitches))
                {
                    paint(row, cells);
                }
            }
        }
    }
}

/// One-hot genre, then 1 for each role, as far as the networks have a place for them.
pub(crate) fn attribute_vector(config: &GanConfig, genre: Genre, roles: RoleSet) -> Vec<f32> {
    let genre = (0..config.genres()).map(|g| f32::from(u8::from(g == genre.index())));
    let roles = TrackRole::ALL.into_iter().map(|r| f32::from(u8::from(roles.contains(r))));
    let roles = roles.take(if config.track_mask() { TrackRole::COUNT } else { 0 });
    genre.chain(roles).collect()
}

/// [`GanError::Shape`] unless the shapes agree.
pub(crate) fn expect<const D: usize>(
    what: &'static str,
    actual: [usize; D],
    expected: [usize; D],
) -> Result<(), GanError> {
    if actual == expected {
        Ok(())
    } else {
        Err(GanError::Shape { what, expected: expected.to_vec(), actual: actual.to_vec() })
    }
}
