//! The tonal distance between two tracks.

use std::f64::consts::PI;

use crate::score::{Note, Score};
use crate::units::Tick;

/// The spans of time over which a chroma is gathered.
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
    let mut sounding = [Sounding::new(a), Sounding::new(b)];
    let (mut sum, mut count) = (0.0, 0_u64);
    for (start, end) in spans(score, end, segment) {
        let chromas = sounding.each_mut().map(|track| track.chroma(start, end));
        if let [Some(x), Some(y)] = chromas.map(|chroma| tonal_centroid(&chroma)) {
            sum += x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
            count += 1;
        }
    }
    (count > 0).then(|| sum / count as f64)
}

/// The segments that begin before `end`.
pub(super) fn spans(
    score: &Score,
    end: Tick,
    segment: Segment,
) -> Box<dyn Iterator<Item = (Tick, Tick)> + '_> {
    let beat = usize::from(score.ticks_per_quarter().get());
    match segment {
        Segment::Beat => Box::new((0..end.get()).step_by(beat).map(move |start| {
            let start = Tick::saturating(start.into());
            (start, start.saturating_add(Tick::saturating(beat as i64)))
        })),
        Segment::Bar => {
            Box::new(score.bars().take_while(move |bar| bar.start < end).map(|bar| (bar.start, bar.end)))
        }
    }
}

/// A track's notes as they come and go: time is passed through once, whatever sounds.
pub(super) struct Sounding {
    /// When a note of a pitch class begins (1) or ends (−1), the last first.
    edges: Vec<(Tick, i32, usize)>,
    /// How many notes of each pitch class sound.
    counts: [i32; 12],
}

impl Sounding {
    pub(super) fn new(notes: &[Note]) -> Self {
        let edges =
            |n: &Note| [(n.start, 1), (n.end(), -1)].map(|(t, by)| (t, by, usize::from(n.pitch.class())));
        let mut edges: Vec<_> = notes.iter().flat_map(edges).collect();
        edges.sort_unstable_by(|a, b| b.cmp(a));
        Self { edges, counts: [0; 12] }
    }

    /// How long notes of each pitch class sound over `start..end`, in ticks. Spans must be asked for
    /// in order and without gaps.
    pub(super) fn chroma(&mut self, start: Tick, end: Tick) -> [f64; 12] {
        let mut chroma = [0.0; 12];
        let mut now = start;
        loop {
            let edge = self.edges.pop_if(|(tick, _, _)| *tick < end);
            let until = edge.map_or(end, |(tick, _, _)| tick);
            let length = f64::from(until.saturating_sub(now).get());
            for (weight, count) in chroma.iter_mut().zip(self.counts) {
                *weight += f64::from(count) * length;
            }
            now = until;
            let Some((_, by, class)) = edge else { return chroma };
            self.counts[class] += by;
        }
    }
}
