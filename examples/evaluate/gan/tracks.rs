//! Each measure of each track: in the data, generated, and how alike they are distributed over the pieces.

use deepcompose::core::metrics::{
    Segment, empty_bar_rate, groove_consistency, note_density_per_beat, on_grid_rate, overlapping_area,
    pitch_classes_per_bar, pitches_per_bar, polyphony_rate, tonal_distance,
};
use deepcompose::core::{Note, Score, StepsPerBeat};
use deepcompose::models::gan::TrackRole;
use serde::Serialize;

use super::bands::{Band, Pair, Piece};

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
    /// The mean over as many training pieces, which are what a generator can know of.
    pub(crate) training: Option<f64>,
}

impl Comparison {
    /// Within the target; of a value of zero, zero is.
    pub(crate) fn met(&self) -> bool {
        self.is_near(self.generated)
    }

    /// Whether the training pieces themselves are within the target.
    pub(crate) fn training_met(&self) -> bool {
        self.training.is_some_and(|training| self.is_near(training))
    }

    fn is_near(&self, value: f64) -> bool {
        relative(value, self.played).map_or(value.abs() < 1e-9, |difference| difference <= TARGET)
    }
}

/// |value − played| / played; none where the data's value is zero.
fn relative(value: f64, played: f64) -> Option<f64> {
    (played.abs() > 1e-9).then(|| (value - played).abs() / played.abs())
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

/// The measures over some pieces, beside those of the training pieces if there are any.
pub(crate) fn compare(pairs: &[&Pair], training: &[&Piece]) -> Vec<Comparison> {
    let mut out = Vec::new();
    for role in TrackRole::ALL {
        let own: &[Measure] = if role == TrackRole::Drums { &DRUMS } else { &PITCHED };
        for (measure, of) in ANY.iter().chain(own) {
            let value = |piece: &Piece, band: &Band| of(&piece.score, &band.notes[role.index()]);
            out.extend(comparison(role.to_string(), measure, &[role], &value, pairs, training));
        }
    }
    let [_, bass, guitar, keys] = TrackRole::ALL;
    for [a, b] in [[bass, guitar], [bass, keys], [guitar, keys]] {
        let distance = |piece: &Piece, band: &Band| {
            let [a, b] = [a, b].map(|role| &band.notes[role.index()]);
            tonal_distance(&piece.score, a, b, Segment::Beat)
        };
        out.extend(comparison(format!("{a}-{b}"), "tonal distance", &[a, b], &distance, pairs, training));
    }
    out
}

/// One measure, of the pieces that have some roles.
fn comparison(
    track: String,
    measure: &'static str,
    roles: &[TrackRole],
    value: &dyn Fn(&Piece, &Band) -> Option<f64>,
    pairs: &[&Pair],
    training: &[&Piece],
) -> Option<Comparison> {
    let has = |piece: &Piece| roles.iter().all(|role| piece.roles.contains(*role));
    let with = || pairs.iter().filter(|pair| has(&pair.piece));
    let played: Vec<f64> = with().filter_map(|pair| value(&pair.piece, &pair.piece.played)).collect();
    let generated: Vec<f64> = with().filter_map(|pair| value(&pair.piece, &pair.generated)).collect();
    let training = training.iter().filter(|piece| has(piece)).filter_map(|piece| value(piece, &piece.played));
    let training: Vec<f64> = training.collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let overlap = overlapping_area(&played, &generated)?;
    let (played, generated) = (mean(&played), mean(&generated));
    Some(Comparison {
        track,
        measure,
        played,
        generated,
        relative_difference: relative(generated, played),
        overlap,
        training: (!training.is_empty()).then(|| mean(&training)),
    })
}
