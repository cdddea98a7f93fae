//! Each measure of each track: in the data, generated, and how alike they are distributed over the pieces.

use deepcompose::core::metrics::{
    Segment, empty_bar_rate, groove_consistency, note_density_per_beat, on_grid_rate, overlapping_area,
    pitch_classes_per_bar, pitches_per_bar, polyphony_rate, tonal_distance,
};
use deepcompose::core::{Note, Score, StepsPerBeat};
use deepcompose::models::gan::TrackRole;
use serde::Serialize;

use super::bands::{Band, Pair};

/// A generated value is to lie within this share of the data's own.
pub(crate) const TARGET: f64 = 0.1;

/// One measure of one track, or of two.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// A role, or two of them.
    pub(crate) track: String,
    pub(crate) measure: &'static str,
    /// Means over the pieces.
    pub(crate) played: f64,
    pub(crate) generated: f64,
    /// |generated − played| / played; none where the data's value is zero.
    pub(crate) relative_difference: Option<f64>,
    /// Overlapping area of the densities over the pieces, 0 to 1.
    pub(crate) overlap: f64,
}

impl Comparison {
    /// Within the target; of a value of zero, zero is.
    pub(crate) fn met(&self) -> bool {
        self.relative_difference.map_or(self.generated.abs() < 1e-9, |difference| difference <= TARGET)
    }
}

type Measure = (&'static str, fn(&Score, &[Note]) -> Option<f64>);

const ANY: [Measure; 3] = [
    ("empty bars", empty_bar_rate),
    ("notes a beat", note_density_per_beat),
    ("groove consistency", |score, notes| groove_consistency(score, notes, StepsPerBeat::DEFAULT)),
];

const DRUMS: [Measure; 2] = [("drums struck a bar", pitches_per_bar), ("on eighths", on_eighths)];

const PITCHED: [Measure; 5] = [
    ("pitches a bar", pitches_per_bar),
    ("pitch classes a bar", pitch_classes_per_bar),
    // A sixteenth is the shortest note there is, and MuseGAN's bound of a thirty-second would say nothing.
    ("eighths or longer", |_, notes| {
        let long = notes.iter().filter(|note| note.duration.get() >= 240).count();
        (!notes.is_empty()).then(|| long as f64 / notes.len() as f64)
    }),
    ("polyphony", |score, notes| polyphony_rate(score, notes, 2)),
    ("mean pitch", |_, notes| {
        let sum: f64 = notes.iter().map(|note| f64::from(note.pitch.get())).sum();
        (!notes.is_empty()).then(|| sum / notes.len() as f64)
    }),
];

pub(crate) fn on_eighths(score: &Score, notes: &[Note]) -> Option<f64> {
    on_grid_rate(score, notes, StepsPerBeat::new(2).ok()?)
}

/// The measures over some pieces.
pub(crate) fn compare(pairs: &[&Pair]) -> Vec<Comparison> {
    let mut out = Vec::new();
    for role in TrackRole::ALL {
        let own: &[Measure] = if role == TrackRole::Drums { &DRUMS } else { &PITCHED };
        let with: Vec<&&Pair> = pairs.iter().filter(|pair| pair.roles.contains(role)).collect();
        for (measure, of) in ANY.iter().chain(own) {
            let value = |pair: &Pair, band: &Band| of(&pair.score, &band.notes[role.index()]);
            let values = |of: &dyn Fn(&Pair) -> Option<f64>| with.iter().filter_map(|p| of(p)).collect();
            let played: Vec<f64> = values(&|p| value(p, &p.played));
            let generated: Vec<f64> = values(&|p| value(p, &p.generated));
            out.extend(comparison(role.to_string(), measure, &played, &generated));
        }
    }
    let [_, bass, guitar, keys] = TrackRole::ALL;
    for [a, b] in [[bass, guitar], [bass, keys], [guitar, keys]] {
        let with: Vec<&&Pair> =
            pairs.iter().filter(|pair| [a, b].iter().all(|role| pair.roles.contains(*role))).collect();
        let distance = |pair: &Pair, band: &Band| {
            let [a, b] = [a, b].map(|role| &band.notes[role.index()]);
            tonal_distance(&pair.score, a, b, Segment::Beat)
        };
        let played: Vec<f64> = with.iter().filter_map(|p| distance(p, &p.played)).collect();
        let generated: Vec<f64> = with.iter().filter_map(|p| distance(p, &p.generated)).collect();
        out.extend(comparison(format!("{a}-{b}"), "tonal distance", &played, &generated));
    }
    out
}

fn comparison(track: String, measure: &'static str, played: &[f64], generated: &[f64]) -> Option<Comparison> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let overlap = overlapping_area(played, generated)?;
    let (played, generated) = (mean(played), mean(generated));
    let relative_difference = (played.abs() > 1e-9).then(|| (generated - played).abs() / played.abs());
    Some(Comparison { track, measure, played, generated, relative_difference, overlap })
}
