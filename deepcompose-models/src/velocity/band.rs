//! A band's notes bar by bar, and what of them a velocity is told by.

use std::ops::RangeInclusive;

use deepcompose_core::Note;

use crate::gan::{BAR_STEPS, Genre, StepGrid, TrackRole, filled_cells};

/// Keys of General MIDI percussion that are told apart.
const KEYS: RangeInclusive<u8> = 35..=81;

/// Kinds of percussion, whose rhythm every note is told: bass drums, snare drums and claps, hi-hats, cymbals,
/// toms, all other.
const KINDS: usize = 6;

/// Numbers of one note; see [`Band::features`].
pub(super) const FEATURES: usize = Genre::ALL.len()
    + TrackRole::COUNT
    + BAR_STEPS
    + (*KEYS.end() - *KEYS.start() + 1) as usize
    + 5
    + TrackRole::COUNT
    + KINDS
    + BAR_STEPS * (2 + TrackRole::COUNT + KINDS);

const fn kind(key: u8) -> usize {
    match key {
        35 | 36 => 0,
        37..=40 => 1,
        42 | 44 | 46 => 2,
        49 | 51..=53 | 55 | 57 | 59 => 3,
        41 | 43 | 45 | 47 | 48 | 50 => 4,
        _ => 5,
    }
}

/// A note's place. Bars longer than sixteen sixteenths are cut into parts, each a bar of its own here; those of twelve
/// are laid over sixteen as their metre says ([`BarFill`](crate::gan::BarFill)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    bar: u32,
    /// From the start of the bar.
    step: u8,
    /// Steps, at most 255.
    length: u8,
    pitch: u8,
    /// Notes of the part that start in the same step and are higher.
    above: u8,
    /// The same, lower.
    below: u8,
}

/// In which steps of a bar notes start, a bit a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Onsets {
    parts: [u16; TrackRole::COUNT],
    kinds: [u16; KINDS],
}

/// The notes of a band, in order of [`TrackRole::ALL`], each list as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Band {
    genre: Genre,
    parts: [Vec<Place>; TrackRole::COUNT],
    bars: Vec<Onsets>,
}

impl Band {
    /// Notes past the end of the grid count as of its last step.
    pub(super) fn new(genre: Genre, grid: &StepGrid, parts: [&[Note]; TrackRole::COUNT]) -> Self {
        let cells = filled_cells(grid.bar_steps(), grid.bar_fills(genre), grid.steps());
        let mut bars = vec![Onsets::default(); cells.len()];
        let last = grid.steps().saturating_sub(1);
        let mut placed: [Vec<Place>; TrackRole::COUNT] = Default::default();
        for (role, (notes, places)) in parts.into_iter().zip(&mut placed).enumerate() {
            let steps: Vec<usize> = notes.iter().map(|note| grid.step_at(note.start).min(last)).collect();
            for (note, step) in notes.iter().zip(&steps) {
                let bar = cells.partition_point(|cell| cell.start <= *step).saturating_sub(1);
                let inside =
                    cells.get(bar).map_or(0, |cell| cell.place(step - cell.start)).min(BAR_STEPS - 1);
                if let Some(onsets) = bars.get_mut(bar) {
                    onsets.parts[role] |= 1 << inside;
                    if role == TrackRole::Drums.index() {
                        onsets.kinds[kind(note.pitch.get())] |= 1 << inside;
                    }
                }
                let length = grid.step_at(note.end()).saturating_sub(*step);
                places.push(Place {
                    bar: bar as u32,
                    step: inside as u8,
                    length: length.min(255) as u8,
                    pitch: note.pitch.get(),
                    above: 0,
                    below: 0,
                });
            }
            rank(&steps, places);
        }
        Self { genre, parts: placed, bars }
    }

    #[cfg(feature = "train")]
    pub(super) const fn genre(&self) -> Genre {
        self.genre
    }

    /// How many notes a part has.
    pub(super) fn len(&self, role: TrackRole) -> usize {
        self.parts[role.index()].len()
    }

    /// What the velocity of a note of a part is told by, [`FEATURES`] numbers; nothing for a note that is not there.
    ///
    /// The genre, the part, the step of the bar; for drums the key, for other parts the height, the length and how many
    /// notes start with it above and below; which parts and kinds of percussion start notes in the same step; in how many of
    /// the bar's steps the part starts notes, in which it does in this bar and in the one before, and in which each part
    /// and each kind of percussion does in this one.
    pub(super) fn features(&self, role: TrackRole, index: usize, to: &mut Vec<f32>) {
        let Some(place) = self.parts[role.index()].get(index) else { return };
        let one_of = |to: &mut Vec<f32>, count: usize, which: Option<usize>| {
            to.extend((0..count).map(|i| f32::from(u8::from(which == Some(i)))));
        };
        let bits = |to: &mut Vec<f32>, set: u16| {
            to.extend((0..BAR_STEPS).map(|step| f32::from(set >> step & 1)));
        };
        let bar = place.bar as usize;
        let onsets = |bar: Option<usize>| bar.and_then(|bar| self.bars.get(bar)).copied().unwrap_or_default();
        let (here, before) = (onsets(Some(bar)), onsets(bar.checked_sub(1)));
        let is_drums = role == TrackRole::Drums;

        one_of(to, Genre::ALL.len(), Some(self.genre.index()));
        one_of(to, TrackRole::COUNT, Some(role.index()));
        one_of(to, BAR_STEPS, Some(place.step.into()));
        let key = (is_drums && KEYS.contains(&place.pitch)).then(|| place.pitch - KEYS.start());
        one_of(to, KEYS.count(), key.map(usize::from));
        let few = |count: u8| f32::from(count.min(4)) / 4.0;
        let height = (f32::from(place.pitch) - 60.0) / 24.0;
        let pitched = [height, f32::from(place.length.min(16)) / 8.0, few(place.above), few(place.below)];
        to.extend(if is_drums { [0.0; 4] } else { pitched });
        let all = || here.parts.iter().chain(&here.kinds);
        to.extend(all().map(|set| f32::from(set >> place.step & 1)));
        let own = role.index();
        to.push(here.parts[own].count_ones() as f32 / BAR_STEPS as f32);
        bits(to, here.parts[own]);
        bits(to, before.parts[own]);
        all().for_each(|set| bits(to, *set));
    }
}

/// Counts for each note those of its step above and below it.
fn rank(steps: &[usize], places: &mut [Place]) {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|i| (steps[*i], places[*i].pitch));
    for chord in order.chunk_by(|a, b| steps[*a] == steps[*b]) {
        for (below, index) in chord.iter().enumerate() {
            places[*index].below = below.min(255) as u8;
            places[*index].above = (chord.len() - 1 - below).min(255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use deepcompose_core::{At, Pitch, Score, Tick, TimeSignature, Velocity};

    use super::*;

    pub(super) fn note(step: u32, length: u32, pitch: u32) -> Note {
        Note {
            start: Tick::new(120 * step).unwrap(),
            duration: Tick::new(120 * length).unwrap(),
            pitch: Pitch::new(pitch).unwrap(),
            velocity: Velocity::DEFAULT,
        }
    }

    fn grid(numerator: u32, denominator: u32, steps: u32) -> StepGrid {
        let mut score = Score::default();
        let value = TimeSignature::new(numerator, denominator).unwrap();
        score.set_time_signatures(vec![At { tick: Tick::ZERO, value }]);
        StepGrid::of(&score, Tick::new(120 * steps).unwrap()).unwrap()
    }

    /// The indices that are not zero, and what is there.
    fn set(band: &Band, role: TrackRole, index: usize) -> Vec<(usize, f32)> {
        let mut features = Vec::new();
        band.features(role, index, &mut features);
        assert_eq!(features.len(), FEATURES);
        features.into_iter().enumerate().filter(|(_, x)| *x != 0.0).collect()
    }

    // The places: 7 genres, 4 parts (7..), 16 steps (11..), 47 keys (27..), 4 numbers of pitched notes (74..), the parts
    // and kinds of the same step (78.. and 82..), the share of steps (88), own steps here (89..) and before (105..),
    // those of the parts (121..) and of the kinds (185..).
    #[test]
    fn a_note_is_told_its_place_and_the_band_around() {
        let drums = [note(0, 1, 42), note(20, 1, 36), note(20, 1, 49)];
        let keys = [note(20, 4, 67), note(20, 2, 60), note(20, 40, 72)];
        let band = Band::new(Genre::Jazz, &grid(4, 4, 64), [&drums, &[], &[], &keys]);
        assert_eq!(FEATURES, 281);
        let ones = |of: Vec<(usize, f32)>| {
            of.iter().filter(|(_, x)| *x == 1.0).map(|(place, _)| *place).collect::<Vec<_>>()
        };
        // The hi-hat of the first bar: the third genre, drums, the first step, key 42, by itself.
        let of = set(&band, TrackRole::Drums, 0);
        assert_eq!(of[6], (88, 1.0 / 16.0));
        assert_eq!(ones(of), [2, 7, 11, 27 + 7, 78, 82 + 2, 89, 121, 185 + 2 * 16]);
        // The bass drum on the second beat of the second bar, with a cymbal and the keys.
        let of = set(&band, TrackRole::Drums, 1);
        let same = [78, 78 + 3, 82, 82 + 3];
        let bar = [89 + 4, 105, 121 + 4, 121 + 3 * 16 + 4, 185 + 4, 185 + 3 * 16 + 4];
        assert_eq!(ones(of), [[2, 7, 11 + 4, 27 + 1].as_slice(), &same, &bar].concat());
        // The middle of the chord: seven semitones above middle C, four steps long, one above, one below.
        let of = set(&band, TrackRole::Keys, 0);
        assert_eq!(of[..3], [(2, 1.0), (10, 1.0), (11 + 4, 1.0)]);
        assert_eq!(of[3..7], [(74, 7.0 / 24.0), (75, 0.5), (76, 0.25), (77, 0.25)]);
        // The highest one is as long as counts; the lowest one is middle C.
        assert_eq!(set(&band, TrackRole::Keys, 2)[3..6], [(74, 0.5), (75, 2.0), (77, 0.5)]);
        assert_eq!(set(&band, TrackRole::Keys, 1)[3..5], [(75, 0.25), (76, 0.5)]);
        assert_eq!((band.len(TrackRole::Keys), band.len(TrackRole::Bass)), (3, 0));
    }

    // The third beat of a waltz is the fourth of a bar in 4/4.
    #[test]
    fn a_waltz_is_laid_over_four_beats() {
        let bass = [note(7, 1, 40), note(8, 1, 40), note(13, 1, 40)];
        let band = Band::new(Genre::Pop, &grid(3, 4, 24), [&[], &bass, &[], &[]]);
        let places: Vec<(u32, u8)> = band.parts[1].iter().map(|p| (p.bar, p.step)).collect();
        assert_eq!(places, [(0, 7), (0, 12), (1, 1)]);
        assert_eq!(band.bars[0].parts[1], 1 << 7 | 1 << 12);
    }

    // A bar of 5/4 is cut into two of ten steps.
    #[test]
    fn long_bars_are_cut_and_late_notes_count_as_of_the_end() {
        let bass = [note(9, 1, 40), note(10, 1, 40), note(20, 1, 40), note(500, 1, 40)];
        let band = Band::new(Genre::Rock, &grid(5, 4, 40), [&[], &bass, &[], &[]]);
        let places: Vec<(u32, u8)> = band.parts[1].iter().map(|p| (p.bar, p.step)).collect();
        assert_eq!(places, [(0, 9), (1, 0), (2, 0), (3, 9)]);
    }
}
