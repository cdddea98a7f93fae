//! Measures of how notes fill the time.

use super::ratio;
use crate::score::{Note, Score};
use crate::units::Tick;

/// The share of the score's time, from tick 0 to its last note's end, in which at least
/// `threshold` different pitches sound at once. The polyphonicity of Dong and Yang 2018,
/// *Convolutional Generative Adversarial Networks with Binary Neurons for Polyphonic Music
/// Generation*, counts more than two: a `threshold` of 3. (So does MusPy's polyphony rate, which
/// counts more than its threshold, 2 unless said otherwise.) Silence counts in the whole. `None` for a
/// score without length.
#[must_use]
pub fn polyphony_rate(score: &Score, notes: &[Note], threshold: usize) -> Option<f64> {
    let mut edges: Vec<(Tick, bool, usize)> = notes
        .iter()
        .flat_map(|n| [(n.start, true), (n.end(), false)].map(|(t, on)| (t, on, usize::from(n.pitch.get()))))
        .collect();
    edges.sort_unstable();
    let mut counts = [0_i64; 128];
    let (mut pitches, mut polyphonic) = (0, 0);
    let mut before = Tick::ZERO;
    let end = score.end();
    for (tick, on, pitch) in edges.into_iter().chain([(end, true, 0)]) {
        let tick = tick.min(end);
        if pitches >= threshold {
            polyphonic += u64::from(tick.saturating_sub(before).get());
        }
        before = before.max(tick);
        let count = &mut counts[pitch];
        let sounded = *count > 0;
        *count += if on { 1 } else { -1 };
        match (sounded, *count > 0) {
            (false, true) => pitches += 1,
            (true, false) => pitches -= 1,
            _ => {}
        }
    }
    ratio(polyphonic, u64::from(end.get()))
}

/// The share of notes at least a thirty-second note long (MuseGAN's QN: three steps of 96 a bar).
/// Few of them mean fragmented music. `None` without notes.
#[must_use]
pub fn qualified_note_rate(score: &Score, notes: &[Note]) -> Option<f64> {
    let quarter = u64::from(score.ticks_per_quarter().get());
    let qualified = notes.iter().filter(|n| 8 * u64::from(n.duration.get()) >= quarter).count();
    ratio(qualified as u64, notes.len() as u64)
}

/// Notes a second, from tick 0 to the end of the score's last note, through its tempo map. `None`
/// for a score without length.
#[must_use]
pub fn note_density(score: &Score, notes: &[Note]) -> Option<f64> {
    let seconds = score.duration_seconds();
    (seconds > 0.0).then(|| notes.len() as f64 / seconds)
}

/// Notes a quarter note, from tick 0 to the end of the score's last note. `None` for a score
/// without length.
#[must_use]
pub fn note_density_per_beat(score: &Score, notes: &[Note]) -> Option<f64> {
    let quarter = u64::from(score.ticks_per_quarter().get());
    ratio(notes.len() as u64 * quarter, u64::from(score.end().get()))
}
