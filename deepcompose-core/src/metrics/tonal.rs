//! The tonal distance between two tracks.

use std::f64::consts::PI;

use super::bars::sweep;
use crate::score::{Note, Score};
use crate::units::Tick;

/// The spans of time over which [`tonal_distance`] gathers a chroma.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Segment {
    /// A quarter note, as in MuseGAN.
    #[default]
    Beat,
    /// A bar of the score.
    Bar,
}

/// The tonal centroid of a chroma, in six dimensions: sine and cosine on the circle of fifths
/// (radius 1), of minor thirds (radius 1) and of major thirds (radius 0.5). Harte, Sandler and
/// Gasser 2006, section 2.2. `None` for a chroma that sums to zero or holds a negative number or
/// one that is not finite.
///
/// `chroma[l]` is the weight of pitch class `l`, C being 0: twelve neighbouring semitones. (Code in
/// circulation makes it by reshaping a pitch axis to 12 × 7, which puts seven neighbouring semitones
/// into each class.)
#[must_use]
pub fn tonal_centroid(chroma: &[f64; 12]) -> Option<[f64; 6]> {
    const CIRCLES: [(f64, f64); 3] = [(1.0, 7.0 / 6.0), (1.0, 3.0 / 2.0), (0.5, 2.0 / 3.0)];
    if chroma.iter().any(|weight| *weight < 0.0) {
        return None;
    }
    let sum: f64 = chroma.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return None;
    }
    let mut centroid = [0.0; 6];
    for (class, weight) in chroma.iter().enumerate() {
        for (axes, (radius, turn)) in centroid.chunks_exact_mut(2).zip(CIRCLES) {
            let (sin, cos) = (class as f64 * turn * PI).sin_cos();
            for (axis, value) in axes.iter_mut().zip([sin, cos]) {
                *axis += radius * value * weight / sum;
            }
        }
    }
    Some(centroid)
}

/// How far apart two tracks are in harmony (MuseGAN's TD): the mean, over the segments in which
/// both sound, of the Euclidean distance between the tonal centroids of their chromas. A note
/// weighs in a segment by the time it sounds there. `None` if they never sound in one segment.
#[must_use]
pub fn tonal_distance(score: &Score, a: &[Note], b: &[Note], segment: Segment) -> Option<f64> {
    let last = |notes: &[Note]| notes.iter().map(Note::end).max().unwrap_or(Tick::ZERO);
    let end = last(a).min(last(b));
    let tagged = a.iter().map(|n| (*n, 0)).chain(b.iter().map(|n| (*n, 1))).collect();

    let beat = usize::from(score.ticks_per_quarter().get());
    let beats = (0..end.get()).step_by(beat).map(|start| {
        let start = Tick::saturating(start.into());
        (start, start.saturating_add(Tick::saturating(beat as i64)))
    });
    let bars = score.bars().take_while(|bar| bar.start < end).map(|bar| (bar.start, bar.end));
    let spans: Box<dyn Iterator<Item = (Tick, Tick)>> = match segment {
        Segment::Beat => Box::new(beats),
        Segment::Bar => Box::new(bars),
    };

    let (mut sum, mut count) = (0.0, 0_u64);
    sweep(
        tagged,
        spans,
        |bounds| *bounds,
        |(start, end), sounding| {
            let mut chromas = [[0.0; 12]; 2];
            for (note, track) in sounding {
                let length = note.end().min(*end).saturating_sub(note.start.max(*start));
                let chroma: &mut [f64; 12] = &mut chromas[*track];
                chroma[usize::from(note.pitch.class())] += f64::from(length.get());
            }
            if let [Some(x), Some(y)] = chromas.map(|chroma| tonal_centroid(&chroma)) {
                sum += x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
                count += 1;
            }
        },
    );
    (count > 0).then(|| sum / count as f64)
}
