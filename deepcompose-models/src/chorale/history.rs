//! What is known of the steps before a step, as rows of embedding tables.

use deepcompose_core::SatbTokenizer;

/// One step: the cells of soprano, alto, tenor and bass, each a MIDI pitch 0..=127 or 128, a rest.
pub type Cells = [u8; 4];

/// The cell of a voice that rests: the rest of the [`SatbTokenizer`].
pub(crate) const REST: u8 = SatbTokenizer::REST_ID as u8;
/// What stands before the first step.
const START: u8 = 129;

/// Cells and the start.
const CELL_ROWS: usize = 130;
/// Steps for which a cell has stood, up to this less one.
const AGE_ROWS: usize = 32;
/// How a melody last moved: 0 for a rest or not yet, else -12..=12 semitones.
const MOTION_ROWS: usize = 26;
/// From the bass up to a voice: 0 for a rest, else -10..=50 semitones.
const SPACING_ROWS: usize = 62;
/// From a voice's last pitch to another voice's new one: 0 for a rest, else -24..=24 semitones.
const REACH_ROWS: usize = 50;
/// Steps of a bar of four and of a bar of three quarters.
const BARS: [usize; 2] = [16, 12];

/// Rows that stand for a voice in the state of a step.
const VOICE_ROWS: usize = CELL_ROWS + AGE_ROWS + MOTION_ROWS;
/// Rows of the table that the state of a step is summed from; the last stands for what is not told.
pub(crate) const INPUT_ROWS: usize = 4 * VOICE_ROWS + 3 * SPACING_ROWS + BARS[0] + BARS[1] + 1;
/// How many of them a step has.
pub(crate) const INPUTS: usize = 4 * 3 + 3 + 2;
/// The row of what is not told.
const UNTOLD: u16 = INPUT_ROWS as u16 - 1;

/// Rows of the table of a voice's own network.
pub(crate) const fn voice_rows(voice: usize) -> usize {
    CELL_ROWS + AGE_ROWS + voice * (CELL_ROWS + REACH_ROWS + MOTION_ROWS)
}

/// How many of them a voice has in a step.
pub(crate) const fn voice_inputs(voice: usize) -> usize {
    2 + 3 * voice
}

const fn is_pitch(cell: u8) -> bool {
    cell < REST
}

/// `from - to` in semitones within -`limit`..=`limit`, counted from 1; 0 where one of them is no pitch.
fn interval(from: u8, to: u8, limit: i16) -> usize {
    match is_pitch(from) && is_pitch(to) {
        true => usize::from((i16::from(from) - i16::from(to)).clamp(-limit, limit).abs_diff(-limit)) + 1,
        false => 0,
    }
}

/// What the steps so far come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    /// The cells of the step before.
    pub(crate) last: Cells,
    /// Steps for which each has stood, less one.
    ages: [usize; 4],
    /// How each voice last moved.
    motions: [usize; 4],
    /// Steps so far.
    steps: usize,
}

impl History {
    /// Before the first step.
    pub(crate) const fn new() -> Self {
        Self { last: [START; 4], ages: [0; 4], motions: [0; 4], steps: 0 }
    }

    pub(crate) fn push(&mut self, cells: Cells) {
        let voices = cells.iter().zip(&self.last).zip(self.ages.iter_mut().zip(&mut self.motions));
        // The first step has moved from nowhere.
        for ((cell, last), (age, motion)) in voices.filter(|_| self.steps > 0) {
            if cell == last {
                *age = (*age + 1).min(AGE_ROWS - 1);
            } else {
                (*age, *motion) = (0, interval(*cell, *last, 12));
            }
        }
        self.last = cells;
        self.steps += 1;
    }

    /// The rows that the state of the next step is summed from. `told` says which voices' past is told: the others
    /// have the row of what is not.
    pub(crate) fn inputs(&self, told: [bool; 4]) -> [u16; INPUTS] {
        let mut rows = [UNTOLD; INPUTS];
        for voice in (0..4).filter(|voice| told[*voice]) {
            let base = voice * VOICE_ROWS;
            rows[3 * voice] = (base + usize::from(self.last[voice])) as u16;
            rows[3 * voice + 1] = (base + CELL_ROWS + self.ages[voice]) as u16;
            rows[3 * voice + 2] = (base + CELL_ROWS + AGE_ROWS + self.motions[voice]) as u16;
        }
        for voice in (0..3).filter(|voice| told[*voice] && told[3]) {
            let row = match is_pitch(self.last[voice]) && is_pitch(self.last[3]) {
                true => {
                    let semitones = i16::from(self.last[voice]) - i16::from(self.last[3]);
                    usize::from(semitones.clamp(-10, 50).abs_diff(-10)) + 1
                }
                false => 0,
            };
            rows[12 + voice] = (4 * VOICE_ROWS + voice * SPACING_ROWS + row) as u16;
        }
        let bars = 4 * VOICE_ROWS + 3 * SPACING_ROWS;
        rows[15] = (bars + self.steps % BARS[0]) as u16;
        rows[16] = (bars + BARS[0] + self.steps % BARS[1]) as u16;
        rows
    }

    /// Appends the rows of the network of the voice after those `above` it in the next step.
    pub(crate) fn voice_inputs(&self, above: &[u8], rows: &mut Vec<i32>) {
        let voice = above.len().min(3);
        let own = self.last[voice];
        rows.push(i32::from(own));
        rows.push((CELL_ROWS + self.ages[voice]) as i32);
        for (other, cell) in above.iter().take(3).enumerate() {
            let base = CELL_ROWS + AGE_ROWS + other * (CELL_ROWS + REACH_ROWS + MOTION_ROWS);
            rows.push((base + usize::from(*cell)) as i32);
            rows.push((base + CELL_ROWS + interval(*cell, own, 24)) as i32);
            rows.push((base + CELL_ROWS + REACH_ROWS + interval(*cell, self.last[other], 12)) as i32);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_history_knows_ages_motions_and_spacings() {
        let mut history = History::new();
        let start = history.inputs([true; 4]);
        assert_eq!(start[..3], [129, 130, 162]);
        for cells in [[72, 67, 64, 48], [72, 67, 64, 48], [74, REST, 64, 43]] {
            history.push(cells);
        }
        assert_eq!((history.ages, history.steps), ([0, 0, 2, 0], 3));
        // Up two: 13 is no step. A rest: none. Down five.
        assert_eq!(history.motions, [15, 0, 0, 8]);
        let rows = history.inputs([true; 4]);
        let bass = 3 * 188;
        assert_eq!(rows[..3], [74, 130, 162 + 15]);
        assert_eq!(rows[9..12], [bass + 43, bass + 130, bass + 162 + 8]);
        // 31 semitones above the bass, a rest, 21.
        assert_eq!(rows[12..15], [752 + 42, 752 + 62, 752 + 124 + 32]);
        assert_eq!(rows[15..], [752 + 186 + 3, 752 + 186 + 16 + 3]);
        let hidden = history.inputs([true, false, true, false]);
        assert_eq!(hidden[9..15], [UNTOLD; 6]);
        assert_eq!(hidden[3..6], [UNTOLD; 3]);
        assert_eq!(hidden[..3], rows[..3]);
    }

    #[test]
    fn a_voice_knows_those_above_it() {
        let mut history = History::new();
        history.push([72, 67, 64, 48]);
        let mut rows = Vec::new();
        history.voice_inputs(&[74, REST], &mut rows);
        // The tenor was at 64: the soprano is 10 above it and went up two; the alto rests.
        assert_eq!(
            rows,
            [64, 130, 162 + 74, 162 + 130 + 35, 162 + 180 + 15, 368 + 128, 368 + 130, 368 + 180]
        );
        assert_eq!(rows.len(), voice_inputs(2));
        assert!(rows.iter().all(|row| (*row as usize) < voice_rows(2)));
    }
}
