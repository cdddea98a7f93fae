//! Measures bar by bar.

use super::ratio;
use crate::meter::Bar;
use crate::score::{Note, Score};
use crate::units::{StepsPerBeat, Tick};

/// The share of the score's bars, from the first to the one in which its last note ends (or the last of
/// `notes` begins, if that is later), in which none of `notes` sounds (MuseGAN's EB). A note held over
/// from an earlier bar sounds. `None` if there is no such bar: for a score without length, without
/// `notes`.
///
/// Widely copied code for this measure returns the complement, the share of bars that are *not*
/// empty: a silent track has rate 1, not 0.
#[must_use]
pub fn empty_bar_rate(score: &Score, notes: &[Note]) -> Option<f64> {
    let (mut empty, mut bars) = (0, 0);
    by_bar(score, notes, |_, sounding| {
        bars += 1;
        empty += u64::from(sounding.is_empty());
    });
    ratio(empty, bars)
}

/// The mean number of different pitches that sound in a bar, over the bars in which any does.
/// `None` without notes.
#[must_use]
pub fn pitches_per_bar(score: &Score, notes: &[Note]) -> Option<f64> {
    mean_per_bar(score, notes, |note| note.pitch.get())
}

/// The mean number of different pitch classes that sound in a bar, over the bars in which any does
/// (MuseGAN's UPC). `None` without notes.
#[must_use]
pub fn pitch_classes_per_bar(score: &Score, notes: &[Note]) -> Option<f64> {
    mean_per_bar(score, notes, |note| note.pitch.class())
}

fn mean_per_bar(score: &Score, notes: &[Note], key: impl Fn(&Note) -> u8) -> Option<f64> {
    let (mut used, mut bars) = (0, 0);
    by_bar(score, notes, |_, sounding| {
        let set = sounding.iter().fold(0_u128, |set, n| set | 1 << key(n));
        used += u64::from(set.count_ones());
        bars += u64::from(set != 0);
    });
    ratio(used, bars)
}

/// How alike the onset patterns of neighbouring bars are: 1 minus the mean, over each bar and the
/// next, of the share of grid positions at which one has an onset and the other has none (Wu and
/// Yang 2020, section 4.1, there with 64 positions a bar and between all bars; between neighbours
/// as in MusPy). Onsets are rounded to the grid of `steps_per_beat`. Pairs of bars that differ in
/// length are left out; `None` if no pair is left.
#[must_use]
pub fn groove_consistency(score: &Score, notes: &[Note], steps_per_beat: StepsPerBeat) -> Option<f64> {
    let tpq = u64::from(score.ticks_per_quarter().get());
    let step = |ticks: Tick| (2 * u64::from(ticks.get()) * u64::from(steps_per_beat.get()) + tpq) / (2 * tpq);
    let mut sum = 0.0;
    let mut pairs = 0_u64;
    let mut before: Option<(u64, Vec<u64>)> = None;
    // Onsets that round up to the next bar line.
    let mut early = false;
    by_bar(score, notes, |bar, sounding| {
        let length = step(bar.end.saturating_sub(bar.start)).max(1);
        let onsets = sounding.iter().filter(|n| n.start >= bar.start);
        let mut positions: Vec<u64> = onsets.map(|n| step(n.start.saturating_sub(bar.start))).collect();
        positions.extend(std::mem::take(&mut early).then_some(0));
        positions.sort_unstable();
        positions.dedup();
        let over = positions.partition_point(|p| *p < length);
        early = over < positions.len();
        positions.truncate(over);
        if let Some((_, last)) = before.as_ref().filter(|(last_length, _)| *last_length == length) {
            let common = positions.iter().filter(|p| last.binary_search(p).is_ok()).count();
            let differing = positions.len() + last.len() - 2 * common;
            sum += differing as f64 / length as f64;
            pairs += 1;
        }
        before = Some((length, positions));
    });
    (pairs > 0).then(|| 1.0 - sum / pairs as f64)
}

/// Calls `f` with each bar of the score, up to the one in which its last note ends or the last of
/// `notes` begins, and the notes that sound in it: those that begin in it, and of those held over from
/// earlier bars, of each pitch the one that ends last. (So a bar costs no more than its own notes and
/// 128, however many are held.) A note without length sounds where it begins.
fn by_bar(score: &Score, notes: &[Note], mut f: impl FnMut(Bar, &[Note])) {
    let end = score.end();
    let mut notes = notes.to_vec();
    notes.sort_by_key(|note| note.start);
    let mut coming = notes.into_iter().peekable();
    let mut sounding: Vec<Note> = Vec::new();
    for bar in score.bars() {
        // A note without length may begin where all others end.
        if bar.start >= end && coming.peek().is_none() {
            break;
        }
        let held = sounding.len();
        while let Some(note) = coming.next_if(|note| note.start < bar.end) {
            sounding.push(note);
        }
        f(bar, &sounding);
        let begun = sounding.split_off(held);
        sounding.retain(|note| note.end() > bar.end);
        for note in begun.into_iter().filter(|note| note.end() > bar.end) {
            match sounding.iter_mut().find(|other| other.pitch == note.pitch) {
                Some(other) if other.end() < note.end() => *other = note,
                Some(_) => {}
                None => sounding.push(note),
            }
        }
    }
}
