//! The tunes that a network knows.

use std::collections::HashMap;

#[cfg(any(test, feature = "train"))]
use super::history::Cells;
use super::history::REST;
#[cfg(any(test, feature = "train"))]
use crate::error::ModelError;

/// Steps of a beat.
pub(crate) const BEAT: usize = 4;
/// What has been sung before a beat, from what tells least of it to what tells most.
const CONTEXTS: [Context; SLOTS] = [
    Context::Changes(6),
    Context::Moves(5),
    Context::Beginning,
    Context::Moves(7),
    Context::Changes(8),
    Context::Moves(9),
    Context::Moves(12),
];
/// How many there are.
pub(crate) const SLOTS: usize = 7;
/// Most moves and most changes that a context has.
const MOVES: usize = 12;
const CHANGES: usize = 8;
/// The largest next move that is known, up or down.
const LEAP: i16 = 12;
/// Rows that are looked at for a key, from its own on.
const PROBES: usize = 256;

#[derive(Debug, Clone, Copy)]
enum Context {
    /// All moves from the first beat on.
    Beginning,
    /// So many moves from beat to beat, of no semitones where a note goes on.
    Moves(usize),
    /// So many moves that are moves, however long each note was, and for how long the last one has stood.
    Changes(usize),
}

/// How often the soprano went on as it does, after what it has sung from beat to beat in any key.
///
/// Many tunes were set more than once, and many tunes share their lines. What is kept is a hash table of counts: a
/// row has two numbers of its key's hash and its count (up to 127), each a whole number within -127..=127, which
/// every precision of a weights file keeps. With two numbers of the hash about one absent key in thirty thousand
/// seems to be there (Talbot and Osborne 2007, "Randomised language modelling for statistical machine
/// translation", keep n-grams so).
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tunes {
    /// The numbers of the hash, of which the first is zero where nothing is, and the count.
    rows: Vec<[i8; 3]>,
}

/// How often each key is in one piece.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct OwnTune(HashMap<u64, u32>);

/// What is known of the soprano's next beat, by each context: the most frequent pitch (of equals the lowest) and
/// how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Forecast(pub(crate) [Option<(u8, Trust)>; SLOTS]);

impl Forecast {
    /// The pitch by what tells most, and the number of that context.
    pub(crate) fn best(&self) -> Option<(usize, u8, Trust)> {
        let told = self.0.iter().enumerate().rev();
        told.filter_map(|(slot, known)| known.map(|(pitch, trust)| (slot, pitch, trust))).next()
    }
}

/// How often a pitch came where it could have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The only time.
    Once = 1,
    /// Every time of several.
    Always = 2,
    /// At least half of the times.
    Mostly = 3,
    /// Less often.
    Sometimes = 4,
}

/// What is forgotten of forecasts in training, so that they are not what a position is recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Forgotten {
    /// How many of each 2³² are.
    share: u32,
    seed: u64,
}

impl Forgotten {
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn new(share: f64, seed: u64) -> Self {
        Self { share: (share * f64::from(u32::MAX)) as u32, seed }
    }

    /// What is left of the forecast of a beat.
    pub(crate) fn leave(self, mut forecast: Forecast, beat: u64) -> Forecast {
        for (slot, known) in (0..).zip(&mut forecast.0) {
            if mix(self.seed ^ mix(beat << 8 | slot)) >> 32 < u64::from(self.share) {
                *known = None;
            }
        }
        forecast
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn mixed(hash: u64, number: i16) -> u64 {
    mix(hash ^ u64::from(number.cast_unsigned()))
}

/// The two numbers that tell a key from others of its row: 1..=127, and one of 255 from -127 to 127.
fn marks(key: u64) -> [i8; 2] {
    [(key % 127) as i8 + 1, within((key / 127 % 255) as u8 as i8)]
}

/// -128, which eight bits with a scale cannot keep beside 127, is -1, which no remainder of 255 is.
fn within(mark: i8) -> i8 {
    if mark == i8::MIN { -1 } else { mark }
}

/// The soprano from beat to beat.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Line {
    beats: u64,
    last: Option<u8>,
    /// Since the last rest, the newest last.
    moves: Vec<i16>,
    changes: Vec<i16>,
    /// Beats for which the last pitch has stood, less one.
    stood: i16,
}

impl Line {
    pub(crate) fn push(&mut self, soprano: u8) {
        self.beats += 1;
        if soprano >= REST {
            *self = Self { beats: self.beats, ..Self::default() };
            return;
        }
        if let Some(last) = self.last.replace(soprano) {
            let up = i16::from(soprano) - i16::from(last);
            append(&mut self.moves, up, MOVES);
            self.stood += 1;
            if up != 0 {
                append(&mut self.changes, up, CHANGES);
                self.stood = 0;
            }
        }
    }

    /// Beats so far, rests included.
    pub(crate) fn beats(&self) -> u64 {
        self.beats
    }

    /// The hash of a context, where there is so much.
    fn hash(&self, context: Context) -> Option<u64> {
        let newest = |list: &[i16], count: usize, start: u64| {
            let list = list.get(list.len().checked_sub(count)?..)?;
            Some(list.iter().fold(mix(start), |hash, number| mixed(hash, *number)))
        };
        match context {
            Context::Beginning => {
                let is_whole = !self.moves.is_empty() && self.moves.len() as u64 + 1 == self.beats;
                newest(&self.moves, self.moves.len(), 0).filter(|_| is_whole)
            }
            Context::Moves(count) => newest(&self.moves, count, count as u64),
            Context::Changes(count) => {
                let hash = newest(&self.changes, count, 100 + count as u64)?;
                Some(mixed(hash, self.stood.min(4)))
            }
        }
    }
}

fn append(list: &mut Vec<i16>, value: i16, most: usize) {
    if list.len() == most {
        list.remove(0);
    }
    list.push(value);
}

/// Calls `with` for every key of a piece: each context before a beat together with the move to it.
#[cfg(any(test, feature = "train"))]
fn keys(piece: &[Cells], mut with: impl FnMut(u64)) {
    let mut line = Line::default();
    for [soprano, ..] in piece.iter().step_by(BEAT) {
        if let Some(last) = line.last.filter(|_| *soprano < REST) {
            let up = i16::from(*soprano) - i16::from(last);
            if up.abs() <= LEAP {
                CONTEXTS
                    .iter()
                    .filter_map(|context| line.hash(*context))
                    .for_each(|hash| with(mixed(hash, up)));
            }
        }
        line.push(*soprano);
    }
}

impl OwnTune {
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn of(piece: &[Cells]) -> Self {
        let mut counts = HashMap::new();
        keys(piece, |key| *counts.entry(key).or_default() += 1);
        Self(counts)
    }
}

impl Tunes {
    /// Learns the tunes of `pieces`.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] where `rows` are too few.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn learn(pieces: &[Vec<Cells>], rows: usize) -> Result<Self, ModelError> {
        let mut tunes = Self { rows: vec![[0; 3]; rows] };
        let (mut count, mut is_full) = (0_usize, false);
        for piece in pieces {
            keys(piece, |key| {
                count += 1;
                is_full |= !tunes.count_up(key);
            });
        }
        match is_full {
            true => Err(ModelError::range("tunes", rows, format!("0, or up to {count} for this corpus,"))),
            false => Ok(tunes),
        }
    }

    /// From the numbers of a network, `[3, rows]`.
    pub(crate) fn from_numbers(numbers: &[f32]) -> Self {
        let rows = numbers.len() / 3;
        // What no table has becomes the nearest that one could have; and files that were written with -128 can still be read.
        let number = |which: usize, row: usize| within(numbers[which * rows + row].round() as i8);
        Self { rows: (0..rows).map(|row| [0, 1, 2].map(|which| number(which, row))).collect() }
    }

    /// For a network.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn numbers(&self) -> Vec<f32> {
        (0..3).flat_map(|which| self.rows.iter().map(move |row| f32::from(row[which]))).collect()
    }

    /// Whether it never knows anything.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn places(&self, key: u64) -> impl Iterator<Item = usize> + use<> {
        let rows = self.rows.len();
        let first = ((u128::from(key) * rows as u128) >> 64) as usize;
        (0..PROBES.min(rows)).map(move |step| (first + step) % rows)
    }

    /// Whether there was room.
    #[cfg(any(test, feature = "train"))]
    fn count_up(&mut self, key: u64) -> bool {
        let [first, second] = marks(key);
        let place = self.places(key).find(|place| {
            let row = self.rows[*place];
            row[0] == 0 || [row[0], row[1]] == [first, second]
        });
        let Some(place) = place else { return false };
        self.rows[place] = [first, second, self.rows[place][2].saturating_add(1)];
        true
    }

    fn count(&self, key: u64) -> u32 {
        let [first, second] = marks(key);
        let found = self.places(key).map(|place| self.rows[place]).take_while(|row| row[0] != 0);
        let row = found.into_iter().find(|row| [row[0], row[1]] == [first, second]);
        row.map_or(0, |row| u32::try_from(row[2]).unwrap_or(0))
    }

    /// What is known of the soprano's beat after `line`. What is the piece's `own` does not count.
    pub(crate) fn forecast(&self, line: &Line, own: Option<&OwnTune>) -> Forecast {
        let mut forecast = Forecast::default();
        let Some(last) = line.last.filter(|_| !self.rows.is_empty()) else { return forecast };
        for (slot, context) in forecast.0.iter_mut().zip(CONTEXTS) {
            let Some(hash) = line.hash(context) else { continue };
            let (mut all, mut best) = (0, None::<(u32, u8)>);
            for up in -LEAP..=LEAP {
                let key = mixed(hash, up);
                let own = own.and_then(|own| own.0.get(&key)).copied().unwrap_or(0);
                let count = self.count(key).saturating_sub(own);
                let pitch = u8::try_from(i16::from(last) + up).ok().filter(|pitch| *pitch < REST);
                let Some(pitch) = pitch.filter(|_| count > 0) else { continue };
                all += count;
                if best.is_none_or(|(most, _)| count > most) {
                    best = Some((count, pitch));
                }
            }
            *slot = best.map(|(most, pitch)| {
                let trust = match (most, all) {
                    (1, 1) => Trust::Once,
                    (most, all) if most == all => Trust::Always,
                    (most, all) if 2 * most >= all => Trust::Mostly,
                    _ => Trust::Sometimes,
                };
                (pitch, trust)
            });
        }
        forecast
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// A soprano on beats over voices that rest.
    fn piece(soprano: &[u8]) -> Vec<Cells> {
        soprano.iter().flat_map(|pitch| [[*pitch, REST, REST, REST]; BEAT]).collect()
    }

    fn line(soprano: &[u8]) -> Line {
        let mut line = Line::default();
        soprano.iter().for_each(|pitch| line.push(*pitch));
        line
    }

    /// Of each context, what comes before the place: the words of the description.
    fn context(soprano: &[u8], slot: usize) -> Option<Vec<i32>> {
        let rest = soprano.iter().rposition(|pitch| *pitch >= REST);
        let sung: Vec<i32> =
            soprano[rest.map_or(0, |rest| rest + 1)..].iter().map(|p| i32::from(*p)).collect();
        let moves: Vec<i32> = sung.windows(2).map(|two| two[1] - two[0]).collect();
        let last = |list: &[i32], count: usize| Some(list[list.len().checked_sub(count)?..].to_vec());
        match slot {
            0 | 4 => {
                let changes: Vec<i32> = moves.iter().copied().filter(|up| *up != 0).collect();
                let stood = moves.iter().rev().take_while(|up| **up == 0).count().min(4);
                let mut context = last(&changes, if slot == 0 { 6 } else { 8 })?;
                context.push(stood as i32);
                Some(context)
            }
            2 => {
                let is_whole = sung.len() == soprano.len() && (2..=13).contains(&sung.len());
                is_whole.then_some(moves)
            }
            _ => last(&moves, [5, 7, 9, 12][[1, 3, 5, 6].iter().position(|s| *s == slot).unwrap()]),
        }
    }

    /// By looking at every place of every piece.
    fn plain(pieces: &[Vec<u8>], soprano: &[u8]) -> Forecast {
        let mut forecast = Forecast::default();
        let Some(from) = soprano.last().filter(|pitch| **pitch < REST) else { return forecast };
        for (slot, known) in forecast.0.iter_mut().enumerate() {
            let Some(here) = context(soprano, slot) else { continue };
            let mut counts = std::collections::BTreeMap::<i32, u32>::new();
            for piece in pieces {
                for place in 1..piece.len() {
                    let (before, next) = (&piece[..place], piece[place]);
                    if next < REST
                        && before[place - 1] < REST
                        && context(before, slot).as_ref() == Some(&here)
                    {
                        let up = i32::from(next) - i32::from(before[place - 1]);
                        *counts.entry(up).or_default() += u32::from(up.abs() <= 12);
                    }
                }
            }
            counts.retain(|_, count| *count > 0);
            let all: u32 = counts.values().sum();
            let Some(most) = counts.values().copied().max() else { continue };
            let up = *counts.iter().find(|(_, count)| **count == most).unwrap().0;
            let trust = match () {
                () if all == 1 => Trust::Once,
                () if most == all => Trust::Always,
                () if 2 * most >= all => Trust::Mostly,
                () => Trust::Sometimes,
            };
            *known = Some(((i32::from(*from) + up) as u8, trust));
        }
        forecast
    }

    /// A few sopranos of few moves, so that contexts come again; a rest now and then.
    fn sopranos(rng: &mut ChaCha8Rng) -> Vec<Vec<u8>> {
        let pitch =
            |rng: &mut ChaCha8Rng| if rng.random_bool(0.05) { REST } else { rng.random_range(60..62) };
        (0..rng.random_range(1..5))
            .map(|_| (0..rng.random_range(0..40)).map(|_| pitch(rng)).collect())
            .collect()
    }

    // The seed is fixed: by their hashes alone, two keys may be one.
    #[test]
    fn a_forecast_counts_what_came_after_the_same() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..60 {
            let pieces = sopranos(&mut rng);
            let whole: Vec<Vec<Cells>> = pieces.iter().map(|soprano| piece(soprano)).collect();
            let tunes = Tunes::learn(&whole, 1 << 15).unwrap();
            // From the numbers of a file that rounded them.
            let numbers: Vec<f32> = tunes.numbers().iter().map(|number| number + 0.4).collect();
            assert_eq!(Tunes::from_numbers(&numbers), tunes);
            for (number, soprano) in pieces.iter().enumerate() {
                let own = OwnTune::of(&whole[number]);
                let mut others = pieces.clone();
                others.remove(number);
                let up = rng.random_range(0..20);
                for end in 0..=soprano.len() {
                    let here = &soprano[..end];
                    assert_eq!(tunes.forecast(&line(here), None), plain(&pieces, here), "{here:?}");
                    assert_eq!(tunes.forecast(&line(here), Some(&own)), plain(&others, here), "{here:?}");
                    // In another key.
                    let higher: Vec<u8> = here.iter().map(|p| if *p < REST { p + up } else { *p }).collect();
                    assert_eq!(tunes.forecast(&line(&higher), None), plain(&pieces, &higher));
                }
            }
        }
    }

    #[test]
    fn marks_are_what_eight_bits_keep() {
        let all: std::collections::BTreeSet<[i8; 2]> = (0..127 * 255).map(marks).collect();
        // No two are one, and none is -128, beside which a scale of 127 steps would not be 1.
        assert_eq!(all.len(), 127 * 255);
        assert!(all.iter().all(|[first, second]| *first >= 1 && *second >= -127));
        assert_eq!(marks(127 * 128), [1, -1]);
    }

    proptest! {
        #[test]
        fn any_numbers_are_a_table(numbers in prop::collection::vec(prop::num::f32::ANY, 0..40)) {
            let tunes = Tunes::from_numbers(&numbers);
            let _ = tunes.forecast(&line(&[60, 62, 64, 60, 62, 64, 60, 62]), None);
            prop_assert_eq!(tunes.rows.len(), numbers.len() / 3);
        }
    }

    // C D E F G A in one piece and a rest; then in D, with a long first note and two endings of one more.
    #[test]
    fn a_tune_is_known_by_how_it_begins_and_by_how_it_moves() {
        let scale = [60, 62, 64, 65, 67, 69];
        let pieces = [piece(&[&scale[..], &[REST, 60]].concat()), piece(&[62, 64, 66, 67, 69, 71, 72])];
        let tunes = Tunes::learn(&pieces, 200).unwrap();
        let first = tunes.forecast(&line(&[50, 52, 54]), None);
        assert_eq!(first.0[2], Some((55, Trust::Always)));
        assert_eq!(first.best(), Some((2, 55, Trust::Always)));
        // After a rest nothing begins, and after five moves one of the two went on.
        assert_eq!(tunes.forecast(&line(&[50, REST, 60, 62]), None), Forecast::default());
        let whole = tunes.forecast(&line(&scale), None);
        assert_eq!((whole.0[1], whole.0[2]), (Some((70, Trust::Once)), Some((70, Trust::Once))));
        // Repeated notes are no changes.
        let other = [62, 64, 66, 67, 69, 71, 72].map(|pitch| [pitch; 2]).concat();
        let once = Tunes::learn(&[piece(&other)], 200).unwrap();
        let slow = once.forecast(&line(&other[..13].iter().map(|p| p - 2).collect::<Vec<_>>()), None);
        assert_eq!(slow.0[0], Some((70, Trust::Once)));
        assert_eq!(slow.best().unwrap().0, 6);
    }

    #[test]
    fn a_table_that_is_too_small_is_refused() {
        let pieces = [piece(&(0..60_u32).map(|beat| (50 + beat * beat % 23) as u8).collect::<Vec<u8>>())];
        let message = Tunes::learn(&pieces, 20).unwrap_err().to_string();
        assert!(message.starts_with("tunes 20 is out of range: 0, or up to "), "{message}");
        assert!(Tunes::learn(&pieces, 0).is_err());
        assert!(Tunes::learn(&pieces, 600).is_ok());
    }

    #[test]
    fn a_share_is_forgotten_and_stays_so() {
        let known = Forecast([Some((60, Trust::Once)); SLOTS]);
        let forgotten = Forgotten::new(0.3, 5);
        let left = |beat| forgotten.leave(known, beat).0.iter().flatten().count();
        let kept: usize = (0..2000).map(left).sum();
        // Of 14,000 seven in ten: 9,800, give or take five deviations of 54.
        assert!(kept.abs_diff(9800) < 271, "{kept}");
        assert_eq!(forgotten.leave(known, 7), forgotten.leave(known, 7));
        assert_eq!(Forgotten::default().leave(known, 3), known);
    }
}
