//! What is known of the steps before a step, as rows of embedding tables.

use std::sync::Arc;

use deepcompose_core::SatbTokenizer;

use super::echo::Echo;
use super::key::{DEGREES, LocalKey};
use super::tunes::{BEAT, Forecast, Forgotten, Line, OwnTune, SLOTS, Tunes};

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
/// Steps since a chord was held for a quarter note or longer, up to this less one: a phrase's place.
const PHRASE_ROWS: usize = 64;
/// Steps for which all voices stand in a chord that ends a phrase.
const HELD: usize = 4;
/// A pitch's degree in the local key: 0 for a rest or before there is a key.
const DEGREE_ROWS: usize = DEGREES + 1;
/// Changes in which the past agrees with the present, up to this less one: 0 for none.
const CHANGE_ROWS: usize = 13;
/// How sure a forecast is: 0 for none.
const TRUST_ROWS: usize = 5;
/// Of a forecast of the soprano's own network: how sure it is, and how the soprano moves to it.
const KNOWN_ROWS: usize = TRUST_ROWS + MOTION_ROWS;
/// Steps of a bar of four and of a bar of three quarters.
const BARS: [usize; 2] = [16, 12];

/// Rows that stand for a voice in the state of a step.
const VOICE_ROWS: usize = CELL_ROWS + AGE_ROWS + MOTION_ROWS;
/// Where the rows of the bars begin.
const BAR_BASE: usize = 4 * VOICE_ROWS + 3 * SPACING_ROWS;
/// And those of the phrase, and of the four voices' degrees.
const PHRASE_BASE: usize = BAR_BASE + BARS[0] + BARS[1];
const DEGREE_BASE: usize = PHRASE_BASE + PHRASE_ROWS;
/// And of the forecast of the soprano's next beat by what tells most: how sure, and how the soprano moves to it.
const FORECAST_BASE: usize = DEGREE_BASE + 4 * DEGREE_ROWS;
/// Rows of the table that the state of a step is summed from; the last stands for what is not told.
pub(crate) const INPUT_ROWS: usize = FORECAST_BASE + SLOTS * TRUST_ROWS + MOTION_ROWS + 1;
/// How many of them a step has.
pub(crate) const INPUTS: usize = 4 * 3 + 3 + 2 + 1 + 4 + 2;
/// The row of what is not told.
const UNTOLD: u16 = INPUT_ROWS as u16 - 1;

/// Rows that a voice's own network has for itself, then for each voice above.
const OWN_ROWS: usize = CELL_ROWS + AGE_ROWS + DEGREE_ROWS + 2 * ECHO_ROWS;
const ABOVE_ROWS: usize = CELL_ROWS + REACH_ROWS + MOTION_ROWS + DEGREE_ROWS;
/// Of an echo: the changes in which it agrees, and how the voice moves in it.
const ECHO_ROWS: usize = CHANGE_ROWS + MOTION_ROWS;

/// Rows of the table of a voice's own network.
pub(crate) const fn voice_rows(voice: usize) -> usize {
    OWN_ROWS + if voice == 0 { SLOTS * KNOWN_ROWS } else { voice * ABOVE_ROWS }
}

/// How many of them a voice has in a step.
pub(crate) const fn voice_inputs(voice: usize) -> usize {
    3 + 2 * 2 + if voice == 0 { 2 * SLOTS } else { 4 * voice }
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
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct History {
    /// The cells of the step before.
    pub(crate) last: Cells,
    /// Steps for which each has stood, less one.
    ages: [usize; 4],
    /// How each voice last moved.
    motions: [usize; 4],
    /// Steps so far.
    steps: usize,
    /// Steps since the last chord that was held.
    since_held: usize,
    key: LocalKey,
    /// Of all voices together, and of each.
    texture: Echo,
    voices: [Echo; 4],
    tunes: Arc<Tunes>,
    /// The piece's own among them, and what is forgotten of the others.
    own: Option<Arc<OwnTune>>,
    forgotten: Forgotten,
    /// The soprano up to the last beat, and what is known of its next.
    line: Line,
    forecast: Forecast,
}

/// What is known of a voice before its next cell is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlook<'a> {
    pub(crate) last: u8,
    /// The cell after the longest agreement of all voices' past, and of its own.
    pub(crate) echoes: [Option<u8>; 2],
    /// The soprano's next beat in the tunes that are known.
    pub(crate) known: Option<u8>,
    pub(crate) key: &'a LocalKey,
}

impl History {
    /// Before the first step of a piece, where these `tunes` are known.
    pub(crate) fn new(tunes: Arc<Tunes>) -> Self {
        Self {
            last: [START; 4],
            ages: [0; 4],
            motions: [0; 4],
            steps: 0,
            since_held: 0,
            key: LocalKey::default(),
            texture: Echo::default(),
            voices: std::array::from_fn(|_| Echo::default()),
            tunes,
            own: None,
            forgotten: Forgotten::default(),
            line: Line::default(),
            forecast: Forecast::default(),
        }
    }

    /// The same in training, where the tunes tell nothing of the piece by itself, and some of the rest is forgotten.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn apart_from(self, own: Option<Arc<OwnTune>>, forgotten: Forgotten) -> Self {
        Self { own, forgotten, ..self }
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
        self.since_held = match self.ages.iter().all(|age| *age + 1 >= HELD) {
            true => 0,
            false => (self.since_held + 1).min(PHRASE_ROWS - 1),
        };
        self.key.push(cells);
        self.texture.push(u32::from_be_bytes(cells));
        self.voices.iter_mut().zip(cells).for_each(|(voice, cell)| voice.push(cell.into()));
        if self.steps.is_multiple_of(BEAT) {
            self.line.push(cells[0]);
            let forecast = self.tunes.forecast(&self.line, self.own.as_deref());
            self.forecast = self.forgotten.leave(forecast, self.line.beats());
        }
        self.last = cells;
        self.steps += 1;
    }

    /// The cell of a voice where the past of all voices, and of its own, goes on as the present, and the changes in
    /// which they agree.
    fn echoes(&self, voice: usize) -> [Option<(u8, usize)>; 2] {
        let texture =
            self.texture.next().map(|(cells, changes)| (cells.to_be_bytes()[voice], changes as usize));
        // A symbol of a voice is a cell.
        let own = self.voices[voice].next().map(|(cell, changes)| (cell as u8, changes as usize));
        [texture, own]
    }

    /// What is known of the voice after those `above` it.
    pub(crate) fn outlook(&self, above: &[u8]) -> Outlook<'_> {
        let voice = above.len().min(3);
        let echoes = self.echoes(voice).map(|echo| echo.map(|(cell, _)| cell));
        let known = self.forecast.best().filter(|_| voice == 0).map(|(_, pitch, _)| pitch);
        Outlook { last: self.last[voice], echoes, known, key: &self.key }
    }

    fn degree_row(&self, cell: u8) -> usize {
        self.key.degree(cell).map_or(0, |degree| degree + 1)
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
            let degree = DEGREE_BASE + voice * DEGREE_ROWS + self.degree_row(self.last[voice]);
            rows[18 + voice] = degree as u16;
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
        rows[15] = (BAR_BASE + self.steps % BARS[0]) as u16;
        rows[16] = (BAR_BASE + BARS[0] + self.steps % BARS[1]) as u16;
        rows[17] = (PHRASE_BASE + self.since_held) as u16;
        if told[0] {
            let (trust, motion) = self.forecast.best().map_or((0, 0), |(slot, pitch, trust)| {
                (slot * TRUST_ROWS + trust as usize, interval(pitch, self.last[0], 12))
            });
            rows[22] = (FORECAST_BASE + trust) as u16;
            rows[23] = (FORECAST_BASE + SLOTS * TRUST_ROWS + motion) as u16;
        }
        rows
    }

    /// Appends the rows of the network of the voice after those `above` it in the next step.
    pub(crate) fn voice_inputs(&self, above: &[u8], rows: &mut Vec<i32>) {
        let voice = above.len().min(3);
        let own = self.last[voice];
        rows.push(i32::from(own));
        rows.push((CELL_ROWS + self.ages[voice]) as i32);
        rows.push((CELL_ROWS + AGE_ROWS + self.degree_row(own)) as i32);
        for (number, echo) in self.echoes(voice).into_iter().enumerate() {
            let base = CELL_ROWS + AGE_ROWS + DEGREE_ROWS + number * ECHO_ROWS;
            let (motion, changes) = echo
                .map_or((0, 0), |(cell, changes)| (interval(cell, own, 12), changes.min(CHANGE_ROWS - 1)));
            rows.extend([base + changes, base + CHANGE_ROWS + motion].map(|row| row as i32));
        }
        for (slot, known) in self.forecast.0.iter().enumerate().filter(|_| voice == 0) {
            let base = OWN_ROWS + slot * KNOWN_ROWS;
            let (trust, motion) =
                known.map_or((0, 0), |(pitch, trust)| (trust as usize, interval(pitch, own, 12)));
            rows.extend([base + trust, base + TRUST_ROWS + motion].map(|row| row as i32));
        }
        for (other, cell) in above.iter().take(3).enumerate() {
            let base = OWN_ROWS + other * ABOVE_ROWS;
            let reach = base + CELL_ROWS;
            let motion = reach + REACH_ROWS;
            rows.push((base + usize::from(*cell)) as i32);
            rows.push((reach + interval(*cell, own, 24)) as i32);
            rows.push((motion + interval(*cell, self.last[other], 12)) as i32);
            rows.push((motion + MOTION_ROWS + self.degree_row(*cell)) as i32);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_history_knows_ages_motions_and_spacings() {
        let mut history = History::new(Arc::default());
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
        // Three steps in, none of which ends a chord that was held.
        assert_eq!(rows[15..18], [752 + 186 + 3, 752 + 186 + 16 + 3, 966 + 3]);
        // C and G and E, then D and G and E: C major. D is its second degree, and the alto rests.
        assert_eq!(rows[18..22], [1030 + 3, 1030 + 25, 1030 + 50 + 5, 1030 + 75 + 8]);
        // No tune is known.
        assert_eq!(rows[22..], [1030 + 100, 1030 + 100 + 7 * 5]);
        let hidden = history.inputs([true, false, true, false]);
        assert_eq!(hidden[9..15], [UNTOLD; 6]);
        assert_eq!(hidden[3..6], [UNTOLD; 3]);
        assert_eq!(hidden[..3], rows[..3]);
        assert_eq!((hidden[19], hidden[20]), (UNTOLD, rows[20]));
        // Held for a quarter note, and left.
        (0..3).for_each(|_| history.push([74, REST, 64, 43]));
        assert_eq!(history.since_held, 0);
        history.push([74, REST, 64, 42]);
        assert_eq!(history.since_held, 1);
    }

    #[test]
    fn a_voice_knows_those_above_it_and_its_echoes() {
        let mut history = History::new(Arc::default());
        history.push([72, 67, 64, 48]);
        let mut rows = Vec::new();
        history.voice_inputs(&[74, REST], &mut rows);
        // The tenor was at 64, the third of C major, and nothing was before: the soprano is 10 above it and went up two to
        // the second degree; the alto rests.
        assert_eq!(
            rows,
            [
                64,
                130,
                162 + 5,
                187,
                187 + 13,
                226,
                226 + 13,
                265 + 74,
                395 + 35,
                445 + 15,
                471 + 3,
                496 + 128,
                626,
                676,
                702
            ]
        );
        assert_eq!((rows.len(), voice_rows(2)), (voice_inputs(2), 265 + 2 * 231));
        // The soprano goes C D E C D: E, up two, after one change. All voices: too.
        for soprano in [74, 76, 72, 74] {
            history.push([soprano, 67, 64, 48]);
        }
        rows.clear();
        history.voice_inputs(&[], &mut rows);
        assert_eq!(rows[3..7], [187 + 1, 187 + 13 + 15, 226 + 1, 226 + 13 + 15]);
        // And no tune is known.
        let nothing: Vec<i32> = (0..7).flat_map(|slot| [265 + 31 * slot, 270 + 31 * slot]).collect();
        assert_eq!((rows[7..].to_vec(), rows.len()), (nothing, voice_inputs(0)));
        assert_eq!(history.outlook(&[]).echoes, [Some(76), Some(76)]);
        // The alto never moved.
        assert_eq!(history.outlook(&[76]).echoes, [Some(67), None]);
    }

    #[test]
    fn a_history_is_told_of_tunes_on_beats() {
        // C D E F in quarter notes; then in D, the second note a step late.
        let quarters = |pitches: [u8; 4]| pitches.map(|pitch| [[pitch, REST, REST, REST]; 4]).concat();
        let tunes = Arc::new(Tunes::learn(&[quarters([60, 62, 64, 65])], 100).unwrap());
        let mut history = History::new(tunes);
        let mut known = Vec::new();
        for (step, cells) in quarters([62, 64, 66, 67]).into_iter().enumerate() {
            let late = if step == 4 { [62, REST, REST, REST] } else { cells };
            known.push(history.outlook(&[]).known);
            history.push(late);
        }
        // Nothing begins with one note that stands for a beat, nor goes on from it.
        assert_eq!(known, [None; 16]);
        let mut history = History::new(history.tunes);
        for cells in quarters([62, 64, 66, 67]) {
            known.push(history.outlook(&[]).known);
            history.push(cells);
        }
        // From the second beat on, up to the one it tells of.
        let expected = [[None; 5].as_slice(), &[Some(66); 4], &[Some(67); 4]].concat();
        assert_eq!(known[16..29], expected);
        // Of the other voices nothing is.
        assert_eq!(history.outlook(&[67]).known, None);
    }
}
