//! Measures of metre and of repetition.

use serde::Serialize;

use super::ratio;
use crate::meter::KeySignature;
use crate::score::{Note, Score};
use crate::units::{StepsPerBeat, Tick};

/// The share of notes that begin on a grid of `per_quarter` positions a quarter note, counted from tick 0; within a
/// sixteenth of a position's distance counts as on it. For drums, with 4 positions, after MuseGAN's drum pattern rate
/// (the 16-beat pattern); with 2, after that of the 8-beat pattern, which tells more of music that lies on a sixteenth
/// grid. MuseGAN also counts a tenth of the notes on the steps beside a position; here those count nothing. For a
/// melody, with 1, how far it keeps to the beats. `None` without notes.
#[must_use]
pub fn on_grid_rate(score: &Score, notes: &[Note], per_quarter: StepsPerBeat) -> Option<f64> {
    let quarter = u64::from(score.ticks_per_quarter().get());
    let positions = u64::from(per_quarter.get());
    let on = notes.iter().filter(|note| {
        let off = u64::from(note.start.get()) * positions % quarter;
        16 * off.min(quarter - off) <= quarter
    });
    ratio(on.count() as u64, notes.len() as u64)
}

/// How alike bars are that lie 1, 2, … `lags` bars apart, 0 to 1: place `l − 1` is the mean, over all bars that have
/// notes and lie `l` apart, of the share of what begins in either that begins in both, at the same place (to a
/// sixteenth) and on the same pitch (the index of Jaccard). 1 for music that repeats a bar over and over. What begins
/// so shortly before a bar line that it is rounded to it belongs to the bar after.
///
/// `None` where no two such bars lie so far apart. More than 65,536 `lags` are so many.
#[must_use]
pub fn self_similarity(score: &Score, notes: &[Note], lags: usize) -> Vec<Option<f64>> {
    let quarter = u64::from(score.ticks_per_quarter().get());
    let mut notes = notes.to_vec();
    notes.sort_by_key(|n| n.start);
    let mut coming = notes.into_iter().peekable();
    // Those that have notes, with their numbers: a bar of rests may be one of millions.
    let mut bars: Vec<(usize, Vec<(u64, u8)>)> = Vec::new();
    // What is rounded to the next bar line.
    let mut early: Vec<(u64, u8)> = Vec::new();
    for bar in score.bars() {
        if coming.peek().is_none() && early.is_empty() {
            break;
        }
        let place =
            |tick: Tick| (8 * u64::from(tick.saturating_sub(bar.start).get()) + quarter) / (2 * quarter);
        let length = place(bar.end).max(1);
        let mut begun = std::mem::take(&mut early);
        while let Some(note) = coming.next_if(|n| n.start < bar.end) {
            match place(note.start) {
                inside if inside < length => begun.push((inside, note.pitch.get())),
                _ => early.push((0, note.pitch.get())),
            }
        }
        begun.sort_unstable();
        begun.dedup();
        if !begun.is_empty() {
            bars.push((bar.index, begun));
        }
    }
    let at = |index: usize| bars.binary_search_by_key(&index, |(index, _)| *index).ok().map(|at| &bars[at].1);
    (1..=lags.min(1 << 16))
        .map(|lag| {
            let pairs = bars.iter().filter_map(|(index, begun)| Some((begun, at(index.checked_add(lag)?)?)));
            let (count, sum) = pairs.fold((0, 0.0), |(count, sum), (a, b)| (count + 1, sum + jaccard(a, b)));
            (count > 0).then(|| sum / f64::from(count))
        })
        .collect()
}

/// How music ends: what [`cadence`] finds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Cadence {
    /// The last note is the tonic of the key.
    pub on_tonic: bool,
    /// It begins on a quarter note's beat, counted from tick 0.
    pub on_beat: bool,
    /// It begins with a bar.
    pub on_downbeat: bool,
    /// Its length in quarter notes.
    pub quarters: f64,
    /// Semitones from the note before it; `None` if it is the only one.
    pub approach: Option<i16>,
}

/// How the last of `notes` ends them, of those that begin with it the lowest: in a melody the one there is. Places within
/// a 32nd note of a beat or a barline count as on it. `None` without notes.
#[must_use]
pub fn cadence(score: &Score, notes: &[Note], key: KeySignature) -> Option<Cadence> {
    let last = notes.iter().max_by_key(|n| (n.start, std::cmp::Reverse(n.pitch)))?;
    let before =
        notes.iter().filter(|n| n.start < last.start).max_by_key(|n| (n.start, std::cmp::Reverse(n.pitch)));
    let quarter = u64::from(score.ticks_per_quarter().get());
    let is_near = |distance: u64| 8 * distance <= quarter;
    let from_beat = u64::from(last.start.get()) % quarter;
    let away = |tick: Tick| u64::from(tick.get().abs_diff(last.start.get()));
    let bar = score.meter_map().bar_at(last.start);
    Some(Cadence {
        on_tonic: last.pitch.get() % 12 == key.tonic(),
        on_beat: is_near(from_beat.min(quarter - from_beat)),
        on_downbeat: is_near(away(bar.start).min(away(bar.end))),
        quarters: f64::from(last.duration.get()) / quarter as f64,
        approach: before.map(|n| i16::from(last.pitch.get()) - i16::from(n.pitch.get())),
    })
}

fn jaccard(a: &[(u64, u8)], b: &[(u64, u8)]) -> f64 {
    let common = a.iter().filter(|x| b.binary_search(x).is_ok()).count();
    common as f64 / (a.len() + b.len() - common) as f64
}
