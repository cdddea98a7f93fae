//! [`Ending`]: how a band ends together with its melody.

use deepcompose_core::metrics::estimate_key;
use deepcompose_core::{Chord, Note};

use crate::gan::{Accompaniment, AccompanimentRoll, Genre, StepGrid, TrackRole, half_bars};

/// Steps back from the last note of the melody that a part must have sounded in, to have a note of its own in the last chord.
const LATELY: usize = 32;
/// The keys of bass drums in General MIDI, and that of a crash cymbal.
const BASS_DRUMS: [usize; 2] = [36, 35];
const CRASH: usize = 49;
const ALL_CLASSES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// The moment that a band ends at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    /// The step in which the melody's last note begins.
    step: usize,
    /// One past the last step of the bar in which it ends.
    end: usize,
    /// The half bar in which the last note begins, and how many there are.
    half: usize,
    halves: usize,
    /// The tonic's triad, if the last note is one of it.
    tonic: Option<Chord>,
}

impl Ending {
    /// Where a melody ends; `None` for one without notes.
    pub(super) fn of(melody: &[Note], grid: &StepGrid, genre: Genre) -> Option<Self> {
        let last = melody.iter().map(|note| note.start).max()?;
        let end = melody.iter().map(|note| note.end()).max()?;
        let step = grid.step_at(last).min(grid.steps().saturating_sub(1));
        // A note that ends with a bar ends in it.
        let end = grid.bar_end(grid.step_at(end).saturating_sub(1).max(step));
        let classes: Vec<u8> =
            melody.iter().filter(|note| note.start == last).map(|note| note.pitch.get() % 12).collect();
        let tonic = estimate_key(melody)
            .and_then(|(key, _)| Chord::new(key.tonic(), key.mode()).ok())
            .filter(|tonic| tonic.pitch_classes().iter().any(|class| classes.contains(class)));
        let halves = half_bars(grid.bar_steps(), grid.bar_fills(genre), grid.steps());
        let start = halves.iter().rfind(|start| **start <= step)?;
        // The first of the two of a bar without a second half.
        let half = halves.iter().position(|other| other == start)?;
        Some(Self { step, end, half, halves: halves.len(), tonic })
    }

    /// Asks for the tonic from the half bar on in which the last note begins, where no chord was asked for.
    pub(super) fn ask(&self, chords: &mut Vec<Option<Chord>>) {
        let Some(tonic) = self.tonic else { return };
        chords.resize(self.halves.max(chords.len()), None);
        for chord in chords.iter_mut().skip(self.half) {
            *chord = chord.or(Some(tonic));
        }
    }

    /// Has every part that played lately hold a note or notes of the last chord from the melody's last note to the end of its bar:
    /// those nearest to what it sounded last, of the bass the root. Drums strike once more. All are silent afterwards.
    pub(super) fn play(&self, band: &mut Accompaniment) {
        let chord = band.chords.get(self.half).copied().or(self.tonic);
        for made in &mut band.rolls {
            let classes = chord.map(Chord::pitch_classes);
            match (made.role, &classes) {
                (TrackRole::Drums, _) => self.strike(made),
                (TrackRole::Bass, Some([root, ..])) => self.hold(made, &[*root]),
                (_, Some(classes)) => self.hold(made, classes),
                // Whatever they sounded last.
                (_, None) => self.hold(made, &ALL_CLASSES),
            }
        }
    }

    /// The steps before the last chord in which it counts whether a part plays, and that of the chord.
    fn lately(&self) -> std::ops::RangeInclusive<usize> {
        self.step.saturating_sub(LATELY)..=self.step
    }

    fn strike(&self, made: &mut AccompanimentRoll) {
        let roll = &mut made.roll;
        let plays = self.lately().any(|step| roll.row(step).iter().any(|cell| *cell));
        let struck = |key: &usize| (0..=self.step).any(|step| roll[[step, *key]]);
        let bass_drum = BASS_DRUMS.into_iter().find(struck).unwrap_or(BASS_DRUMS[0]);
        for step in self.step + 1..roll.nrows() {
            roll.row_mut(step).fill(false);
        }
        if plays {
            [bass_drum, CRASH].iter().for_each(|key| roll[[self.step, *key]] = true);
        }
        made.onsets.assign(roll);
    }

    fn hold(&self, made: &mut AccompanimentRoll, classes: &[u8]) {
        let AccompanimentRoll { roll, onsets, .. } = made;
        let keys = |step: usize| -> Vec<usize> {
            roll.row(step).iter().enumerate().filter_map(|(key, sounds)| sounds.then_some(key)).collect()
        };
        let sounded = self.lately().rev().map(keys).find(|keys| !keys.is_empty()).unwrap_or_default();
        for step in self.step..roll.nrows() {
            roll.row_mut(step).fill(false);
            onsets.row_mut(step).fill(false);
        }
        for key in sounded.into_iter().filter_map(|key| nearest(key, classes)) {
            // Struck again, whatever was held.
            onsets[[self.step, key]] = true;
            for step in self.step..self.end.min(roll.nrows()) {
                roll[[step, key]] = true;
            }
        }
    }
}

/// The key of one of these pitch classes that is nearest to another; of two the lower one.
fn nearest(key: usize, classes: &[u8]) -> Option<usize> {
    let is_one = |key: usize| classes.iter().any(|class| usize::from(*class) == key % 12);
    (0..12).find_map(|distance| {
        let beside = [key.checked_sub(distance), Some(key + distance)];
        beside.into_iter().flatten().find(|key| *key < 128 && is_one(*key))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use deepcompose_core::{At, Pitch, Score, Tick, TimeSignature, Velocity};
    use ndarray::Array2;

    use super::*;

    /// A note in sixteenths.
    fn note(start: u32, length: u32, pitch: u32) -> Note {
        Note {
            start: Tick::new(120 * start).unwrap(),
            duration: Tick::new(120 * length).unwrap(),
            pitch: Pitch::new(pitch).unwrap(),
            velocity: Velocity::DEFAULT,
        }
    }

    fn grid(metre: (u32, u32), steps: u32) -> StepGrid {
        let mut score = Score::default();
        let signature = TimeSignature::new(metre.0, metre.1).unwrap();
        score.set_time_signatures(vec![At { tick: Tick::ZERO, value: signature }]);
        StepGrid::of(&score, Tick::new(120 * steps).unwrap()).unwrap()
    }

    /// Notes of C major, a quarter each but for the last one.
    fn tune(last: u32, length: u32) -> Vec<Note> {
        let keys = [60, 64, 67, 65, 64, 72, 71, 67, last];
        (0..9).map(|at| note(4 * at as u32, if at == 8 { length } else { 4 }, keys[at])).collect()
    }

    #[test]
    fn a_band_ends_with_the_last_note_on_the_tonic() {
        let bars = grid((4, 4), 64);
        let chord = |name: &str| -> Chord { name.parse().unwrap() };
        let ending = Ending::of(&tune(60, 8), &bars, Genre::Pop).unwrap();
        let tonic = Some(chord("C"));
        assert_eq!(ending, Ending { step: 32, end: 48, half: 4, halves: 8, tonic });
        // Begun in bar 3 and tied into bar 4, it ends there; C sharp is not of the tonic's triad.
        assert_eq!(Ending::of(&tune(60, 17), &bars, Genre::Pop).unwrap(), Ending { end: 64, ..ending });
        assert_eq!(Ending::of(&tune(61, 8), &bars, Genre::Pop).unwrap(), Ending { tonic: None, ..ending });
        assert_eq!(Ending::of(&[], &bars, Genre::Pop), None);
        // Before a whole bar is over: three beats of a waltz.
        let waltz = Ending::of(&tune(60, 4), &grid((3, 4), 36), Genre::Pop).unwrap();
        // A bar of twelve steps: its second half begins with the third beat, that of step 32.
        assert_eq!((waltz.step, waltz.end, waltz.half, waltz.halves), (32, 36, 5, 6));
        // Bars of 2/4 have no second half: of their two places the first counts.
        let march = Ending::of(&tune(60, 8), &grid((2, 4), 40), Genre::Pop).unwrap();
        assert_eq!((march.step, march.end, march.half, march.halves), (32, 40, 8, 10));
    }

    #[test]
    fn the_tonic_is_asked_for_where_nothing_else_is() {
        let c: Chord = "C".parse().unwrap();
        let g: Chord = "G".parse().unwrap();
        let ending = Ending { step: 34, end: 48, half: 4, halves: 8, tonic: Some(c) };
        let mut chords = vec![Some(g); 2];
        ending.ask(&mut chords);
        assert_eq!(chords, [Some(g), Some(g), None, None, Some(c), Some(c), Some(c), Some(c)]);
        let mut chords = vec![Some(g); 5];
        ending.ask(&mut chords);
        assert_eq!(chords[4..], [Some(g), Some(c), Some(c), Some(c)]);
        // None is known: none is asked for.
        let mut chords = Vec::new();
        Ending { tonic: None, ..ending }.ask(&mut chords);
        assert_eq!(chords, []);
    }

    /// The keys that sound in each of some steps.
    fn keys(roll: &Array2<bool>, step: usize) -> Vec<usize> {
        (0..128).filter(|key| roll[[step, *key]]).collect()
    }

    #[test]
    fn parts_hold_the_nearest_notes_of_the_last_chord() {
        let roll = |cells: &[(std::ops::Range<usize>, usize)]| {
            let mut roll = Array2::from_elem((64, 128), false);
            for (steps, key) in cells {
                steps.clone().for_each(|step| roll[[step, *key]] = true);
            }
            roll
        };
        let part = |role, cells: &[(std::ops::Range<usize>, usize)]| {
            let starts: Vec<_> =
                cells.iter().map(|(steps, key)| (steps.start..steps.start + 1, *key)).collect();
            AccompanimentRoll { role, roll: roll(cells), onsets: roll(&starts) }
        };
        let mut band = Accompaniment {
            rolls: vec![
                // A bass drum on every bar and a snare after the end.
                part(TrackRole::Drums, &[(0..1, 36), (16..17, 36), (40..41, 38)]),
                // On D up to the end, and beyond.
                part(TrackRole::Bass, &[(24..40, 38)]),
                // Silent for longer than two bars.
                part(TrackRole::Guitar, &[(0..1, 60)]),
                // G, B, D and F: to G, C, C or E (the lower is taken) and E.
                part(TrackRole::Keys, &[(24..34, 55), (24..34, 59), (24..34, 62), (24..34, 65)]),
            ],
            chords: vec!["C".parse().unwrap(); 8],
            stopped: false,
        };
        let ending = Ending { step: 34, end: 48, half: 4, halves: 8, tonic: None };
        ending.play(&mut band);
        let [drums, bass, guitar, keyboard] = &band.rolls[..] else { panic!() };
        assert_eq!((keys(&drums.roll, 16), keys(&drums.roll, 34)), (vec![36], vec![36, 49]));
        assert_eq!((35..64).flat_map(|step| keys(&drums.roll, step)).count(), 0);
        // The D sounds up to the last chord, then the C below it; what is played beyond the end is gone.
        assert_eq!((keys(&bass.roll, 33), keys(&bass.roll, 34)), (vec![38], vec![36]));
        assert_eq!((keys(&bass.roll, 47), keys(&bass.roll, 48)), (vec![36], vec![]));
        assert_eq!((34..64).flat_map(|step| keys(&guitar.roll, step)).count(), 0);
        assert_eq!(
            (keys(&keyboard.roll, 34), keys(&keyboard.roll, 47)),
            (vec![55, 60, 64], vec![55, 60, 64])
        );
        // The G was held, and is struck again.
        assert_eq!((keys(&keyboard.roll, 33), keys(&keyboard.onsets, 33)), (vec![55, 59, 62, 65], vec![]));
        assert_eq!((keys(&keyboard.onsets, 34), keys(&keyboard.onsets, 35)), (vec![55, 60, 64], vec![]));
        assert_eq!(drums.onsets, drums.roll);

        // Without chords, what sounded last; drums that have not played do not strike.
        let mut band = Accompaniment {
            rolls: vec![
                part(TrackRole::Drums, &[(1..2, 38)]),
                part(TrackRole::Drums, &[(33..34, 35)]),
                part(TrackRole::Keys, &[(30..32, 61)]),
            ],
            chords: Vec::new(),
            stopped: false,
        };
        ending.play(&mut band);
        assert_eq!((34..64).flat_map(|step| keys(&band.rolls[0].roll, step)).count(), 0);
        // The bass drum that they have.
        assert_eq!(keys(&band.rolls[1].roll, 34), [35, 49]);
        assert_eq!((keys(&band.rolls[2].roll, 34), keys(&band.rolls[2].roll, 48)), (vec![61], vec![]));
    }
}
