//! [`accompany`]: from a melody's roll to the rolls of a band, two bars at a time.

use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use ndarray::{Array2, ArrayView2};
use rand::Rng;

use super::condition::{PitchRange, attribute_vector, check_accompaniment};
use super::genre::{Genre, RoleSet, TrackRole};
use super::grid::{BAR_STEPS, Cell, WINDOW_BARS, cells};
use super::latent::truncated_normal;
use super::{GanCondition, GanError, Generator};

/// Most steps that a melody may have: over four hours at 120 beats a minute.
pub const MAX_STEPS: usize = 1 << 17;

/// What kind of accompaniment is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct AccompanyOptions {
    /// The genre, for networks that know of genres.
    pub genre: Genre,
    /// The tracks wanted; those that the genre has no track for are left out.
    pub roles: RoleSet,
    /// The binarisation threshold: a cell sounds if its probability is at least this, over 0 and
    /// under 1. See [`accompany`].
    pub threshold: f32,
    /// How much of each group's latent is drawn afresh, 0..=1: 0 keeps one latent for the whole
    /// piece, 1 draws a new one every two bars.
    pub variation: f32,
    /// Lengths of the bars in steps, the last one for all that follow; empty means 4/4.
    pub bar_steps: Vec<usize>,
}

impl AccompanyOptions {
    /// Every track of a genre, threshold 0.5, variation 0.3, 4/4.
    #[must_use]
    pub fn new(genre: Genre) -> Self {
        Self { genre, roles: RoleSet::of(genre), threshold: 0.5, variation: 0.3, bar_steps: Vec::new() }
    }

    fn check(&self) -> Result<(), GanError> {
        if !(self.threshold > 0.0 && self.threshold < 1.0) {
            let value = self.threshold.into();
            return Err(GanError::OutOfRange {
                field: "threshold",
                value,
                accepted: "a number over 0 and under 1",
            });
        }
        if !(0.0..=1.0).contains(&self.variation) {
            let value = self.variation.into();
            return Err(GanError::OutOfRange { field: "variation", value, accepted: "0..=1" });
        }
        if let Some(steps) = self.bar_steps.iter().find(|n| !(1..=4096).contains(*n)) {
            let value = *steps as f64;
            return Err(GanError::OutOfRange { field: "bar_steps", value, accepted: "1..=4096" });
        }
        Ok(())
    }
}

/// What [`accompany`] generated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accompaniment {
    /// A roll for each wanted role, in the order of [`TrackRole::ALL`].
    pub rolls: Vec<AccompanimentRoll>,
    /// Whether the observer stopped the generation; what follows is then silent.
    pub stopped: bool,
}

/// A generated track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccompanimentRoll {
    /// What it does.
    pub role: TrackRole,
    /// `[steps, 128]`: true while the pitch sounds. A run of true cells is one note; in drums, every
    /// true cell is a stroke of its own.
    pub roll: Array2<bool>,
}

/// Generates the tracks of a band for a melody.
///
/// `melody` is `[steps, 128]` in sixteenth-note steps, of any length up to [`MAX_STEPS`], made as
/// [`StepGrid::sounding_roll`](super::StepGrid::sounding_roll) says. The result has a roll of the
/// same size for each wanted role.
///
/// The melody is cut into groups of two bars. Each group is generated knowing the tracks of the
/// group before (silence before the first).
///
/// A cell sounds if its probability is at least the threshold, but guitar sounds at most 6 pitches
/// at a step and keys at most 10, the most probable ones. The bass plays one note at a time: its
/// pitches rule each other out, so it sounds at a step if the probability that any of them does is
/// at least the threshold, and then the most probable one.
///
/// The same generator, melody, options and state of `rng` give the same tracks.
/// `observer` is told after each group how many groups are done and how many there are; it may stop
/// the generation there.
///
/// # Errors
///
/// [`GanError::OutOfRange`] for an option outside its range or a generator without the layout of
/// [`GanConfig::accompaniment`](super::GanConfig::accompaniment), [`GanError::Shape`] for a melody
/// that is not 128 pitches wide, [`GanError::Limit`] for one that is too long,
/// [`GanError::Device`].
pub fn accompany<R: Rng + ?Sized>(
    generator: &Generator,
    melody: ArrayView2<'_, bool>,
    options: &AccompanyOptions,
    rng: &mut R,
    observer: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Accompaniment, GanError> {
    options.check()?;
    check_accompaniment(generator.config())?;
    let (steps, width) = melody.dim();
    if width != 128 {
        return Err(GanError::Shape { what: "melody", expected: vec![0, 128], actual: vec![steps, width] });
    }
    if steps > MAX_STEPS {
        return Err(GanError::Limit { what: "steps", value: steps as u64, limit: MAX_STEPS as u64 });
    }
    let roles = options.roles.intersection(RoleSet::of(options.genre));
    let mut rolls: Vec<_> = roles
        .iter()
        .map(|role| AccompanimentRoll { role, roll: Array2::from_elem((steps, 128), false) })
        .collect();
    let mut group = Group::new(generator, options, roles, rng);
    let cells = cells(&options.bar_steps, steps);
    let groups = cells.chunks(WINDOW_BARS);
    let count = groups.len();
    for (index, bars) in groups.enumerate() {
        group.generate(melody, bars, rng)?;
        let window = &group.previous;
        for AccompanimentRoll { role, roll } in &mut rolls {
            for (bar, cell) in bars.iter().enumerate() {
                for step in 0..cell.len {
                    let set = window[role.index()][bar * BAR_STEPS + step];
                    for pitch in (0..128).filter(|p| set >> p & 1 == 1) {
                        roll[[cell.start + step, pitch]] = true;
                    }
                }
            }
        }
        if observer(index + 1, count).is_break() && index + 1 < count {
            return Ok(Accompaniment { rolls, stopped: true });
        }
    }
    Ok(Accompaniment { rolls, stopped: false })
}

/// Two bars of every role: a set of pitches a step.
pub(super) type Window = [[u128; WINDOW_BARS * BAR_STEPS]; TrackRole::COUNT];

/// What is carried from group to group.
pub(super) struct Group<'a> {
    generator: Generator,
    options: &'a AccompanyOptions,
    roles: RoleSet,
    base: Vec<f32>,
    /// The group generated last; silence before the first.
    pub(super) previous: Window,
}

impl<'a> Group<'a> {
    pub(super) fn new<R: Rng + ?Sized>(
        generator: &Generator,
        options: &'a AccompanyOptions,
        roles: RoleSet,
        rng: &mut R,
    ) -> Self {
        let size = generator.config().latent_shape().iter().product();
        Self {
            generator: generator.valid(),
            options,
            roles,
            base: truncated_normal(size, rng),
            previous: [[0; WINDOW_BARS * BAR_STEPS]; TrackRole::COUNT],
        }
    }

    /// Generates the next group, which is then the previous one, and returns its logits.
    pub(super) fn generate<R: Rng + ?Sized>(
        &mut self,
        melody: ArrayView2<'_, bool>,
        bars: &[Cell],
        rng: &mut R,
    ) -> Result<Tensor<4>, GanError> {
        let config = self.generator.config();
        let device = self.generator.devices().first().cloned().unwrap_or_default();
        let (steps, pitches) = (WINDOW_BARS * BAR_STEPS, config.pitches());
        let range = PitchRange::of(config);
        let mut tune = vec![-1.0_f32; steps * pitches];
        for (bar, cell) in bars.iter().enumerate() {
            for step in 0..cell.len {
                let row = melody.row(cell.start + step);
                let keys = row.iter().enumerate().filter(|(_, c)| **c).fold(0, |set, (p, _)| set | 1 << p);
                let tune = &mut tune[(bar * BAR_STEPS + step) * pitches..][..pitches];
                paint(tune, range.fold(keys));
            }
        }
        let mut previous = vec![-1.0_f32; TrackRole::COUNT * steps * pitches];
        for (row, keys) in previous.chunks_mut(pitches).zip(self.previous.iter().flatten()) {
            paint(row, range.cut(*keys));
        }
        let attributes = attribute_vector(config, self.options.genre, self.roles);
        let condition = GanCondition {
            melody: Tensor::from_data(TensorData::new(tune, [1, 1, steps, pitches]), &device),
            previous: config.previous().then(|| {
                Tensor::from_data(TensorData::new(previous, [1, TrackRole::COUNT, steps, pitches]), &device)
            }),
            attributes: (config.attributes() > 0)
                .then(|| Tensor::from_data(TensorData::new(attributes, [1, config.attributes()]), &device)),
        };
        // Shares that keep the variance of the sum.
        let fresh = truncated_normal(self.base.len(), rng);
        let (new, old) = (self.options.variation.sqrt(), (1.0 - self.options.variation).sqrt());
        let mixed: Vec<f32> = self.base.iter().zip(fresh).map(|(b, f)| old * b + new * f).collect();
        let [channels, rows, columns] = config.latent_shape();
        let latent = Tensor::from_data(TensorData::new(mixed, [1, channels, rows, columns]), &device);
        let logits = self.generator.logits(&condition, latent)?;
        let tracks: Vec<f32> =
            logits.clone().tanh().try_into_vec_as().map_err(|e| GanError::Device(e.to_string()))?;

        self.previous = [[0; WINDOW_BARS * BAR_STEPS]; TrackRole::COUNT];
        for role in self.roles.iter() {
            for (bar, cell) in bars.iter().enumerate() {
                for step in bar * BAR_STEPS..bar * BAR_STEPS + cell.len {
                    let row = &tracks[(role.index() * steps + step) * pitches..][..pitches];
                    let sounding = sounding(role, row, self.options.threshold);
                    self.previous[role.index()][step] = range.keys(sounding);
                }
            }
        }
        Ok(logits)
    }
}

/// Makes the cells of a set +1.
pub(super) fn paint(row: &mut [f32], mut set: u128) {
    while set != 0 {
        if let Some(cell) = row.get_mut(set.trailing_zeros() as usize) {
            *cell = 1.0;
        }
        set &= set - 1;
    }
}

/// How many notes a role may sound at once.
const fn most_notes(role: TrackRole) -> usize {
    match role {
        TrackRole::Drums => 128,
        TrackRole::Bass => 1,
        TrackRole::Guitar => 6,
        TrackRole::Keys => 10,
    }
}

/// The cells of one step, −1..=1 each, that a role sounds; see [`accompany`].
pub(super) fn sounding(role: TrackRole, row: &[f32], threshold: f32) -> u128 {
    // The probability of a hyperbolic tangent's value t is (1 + t) / 2.
    let least = 2.0 * threshold - 1.0;
    if role == TrackRole::Bass {
        let silence: f32 = row.iter().map(|t| (1.0 - t) / 2.0).product();
        let loudest = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
        return match loudest {
            Some((pitch, _)) if 1.0 - silence >= threshold => 1 << pitch,
            _ => 0,
        };
    }
    let mut over: Vec<(usize, f32)> = row.iter().copied().enumerate().filter(|(_, t)| *t >= least).collect();
    if over.len() > most_notes(role) {
        // Stable: of equals the lower pitch stays.
        over.sort_by(|a, b| b.1.total_cmp(&a.1));
        over.truncate(most_notes(role));
    }
    over.iter().fold(0, |set, (pitch, _)| set | 1 << pitch)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    /// Hyperbolic tangents of these probabilities.
    fn row(probabilities: &[f32]) -> Vec<f32> {
        probabilities.iter().map(|p| 2.0 * p - 1.0).collect()
    }

    #[test]
    fn a_cell_sounds_from_the_threshold_up() {
        let cells = row(&[0.5, 0.25, 0.75, 0.1]);
        assert_eq!(sounding(TrackRole::Drums, &cells, 0.5), 0b0101);
        assert_eq!(sounding(TrackRole::Keys, &cells, 0.25), 0b0111);
        assert_eq!(sounding(TrackRole::Guitar, &cells, 0.8), 0);
    }

    // 1 − (1 − 0.3)(1 − 0.4) = 0.58: something is likely to sound, though no pitch is by itself.
    #[test]
    fn the_bass_sounds_if_any_pitch_is_likely_to() {
        let cells = row(&[0.3, 0.0, 0.4]);
        assert_eq!(sounding(TrackRole::Bass, &cells, 0.57), 0b100);
        assert_eq!(sounding(TrackRole::Bass, &cells, 0.59), 0);
        assert_eq!(sounding(TrackRole::Guitar, &cells, 0.5), 0);
        // Equal ones: the lowest.
        assert_eq!(sounding(TrackRole::Bass, &row(&[0.0, 0.9, 0.9]), 0.5), 0b010);
    }

    #[test]
    fn hands_take_the_most_probable() {
        let cells = row(&[0.6, 0.9, 0.6, 0.9, 0.9, 0.9, 0.6, 0.9, 0.2]);
        // Five at 0.9, and the lowest of those at 0.6.
        assert_eq!(sounding(TrackRole::Guitar, &cells, 0.5), 0b1011_1011);
        assert_eq!(sounding(TrackRole::Keys, &cells, 0.5), 0b1111_1111);
    }
}
