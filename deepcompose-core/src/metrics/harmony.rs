//! How well a melody and its accompaniment agree.

use super::key::correlation;
use super::tonal::{Segment, Sounding, spans};
use crate::score::{Note, Score};
use crate::units::Tick;

/// The share of the melody's time, over the segments in which the accompaniment sounds, in which the melody's pitch
/// class sounds in the accompaniment somewhere in the same segment: how much of the melody are chord tones of what
/// it is accompanied with. 0 to 1. Of melody notes that sound together each counts by its time.
///
/// Passing notes keep it under 1 in real music too; what real music has is the measure to compare with. Leave drums
/// out of the accompaniment. `None` if the two never sound in one segment.
#[must_use]
pub fn chord_tone_rate(
    score: &Score,
    melody: &[Note],
    accompaniment: &[Note],
    segment: Segment,
) -> Option<f64> {
    let (mut inside, mut whole) = (0.0, 0.0);
    for [tune, chord] in chromas(score, melody, accompaniment, segment) {
        if chord.iter().any(|weight| *weight > 0.0) {
            whole += tune.iter().sum::<f64>();
            inside += tune.iter().zip(chord).filter(|(_, c)| *c > 0.0).map(|(t, _)| t).sum::<f64>();
        }
    }
    (whole > 0.0).then(|| inside / whole)
}

/// The mean, over the segments in which both sound, of the correlation (Pearson's) between the chromas of melody and
/// accompaniment, in which a note weighs by the time that it sounds. −1 to 1. Segments in which a chroma is even over
/// all twelve classes have no correlation and are left out. `None` if none is left.
#[must_use]
pub fn chroma_correlation(
    score: &Score,
    melody: &[Note],
    accompaniment: &[Note],
    segment: Segment,
) -> Option<f64> {
    let each = chromas(score, melody, accompaniment, segment).filter_map(|[a, b]| correlation(&a, &b));
    let (count, sum) = each.fold((0_u64, 0.0), |(count, sum), one| (count + 1, sum + one));
    (count > 0).then(|| sum / count as f64)
}

/// The chromas of both in each segment up to where the first of them ends.
fn chromas(score: &Score, a: &[Note], b: &[Note], segment: Segment) -> impl Iterator<Item = [[f64; 12]; 2]> {
    let last = |notes: &[Note]| notes.iter().map(Note::end).max().unwrap_or(Tick::ZERO);
    let end = last(a).min(last(b));
    let mut sounding = [Sounding::new(a), Sounding::new(b)];
    spans(score, end, segment).map(move |(start, end)| sounding.each_mut().map(|s| s.chroma(start, end)))
}
