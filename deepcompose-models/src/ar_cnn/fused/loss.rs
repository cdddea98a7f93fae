//! The loss of a batch of logits, and its gradient.

use rayon::prelude::*;

use super::map::Map;

/// The sum of [`edit_loss`](super::super::edit_loss) over the samples; `logits` become the gradient of `factor` times it.
///
/// `difference` is `[batch, steps, pitches]` of 0 and 1.
pub(super) fn edit_loss(logits: &mut Map, difference: &[f32], factor: f64) -> f64 {
    let (picture, line, width) = (logits.picture(), logits.line(), logits.width);
    let cells = logits.height * width;
    let samples = logits.values.par_chunks_mut(picture).zip(difference.par_chunks_exact(cells));
    let losses: Vec<f64> = samples
        .map(|(logits, difference)| {
            let mut rows: Vec<&mut [f32]> = logits
                .chunks_exact_mut(line)
                .skip(1)
                .take(cells / width)
                .map(|row| &mut row[1..=width])
                .collect();
            sample(&mut rows, difference, factor)
        })
        .collect();
    losses.into_iter().sum()
}

/// The same of one sample, its rows given.
fn sample(logits: &mut [&mut [f32]], difference: &[f32], factor: f64) -> f64 {
    let width = logits.first().map_or(1, |row| row.len());
    let count: f64 = difference.iter().map(|d| f64::from(*d)).sum();
    if count == 0.0 {
        logits.iter_mut().for_each(|row| row.fill(0.0));
        return 0.0;
    }
    let most = logits.iter().flat_map(|row| row.iter()).fold(f32::MIN, |most, x| most.max(*x));
    let (mut total, mut chosen) = (0.0, 0.0);
    for (row, difference) in logits.iter_mut().zip(difference.chunks_exact(width)) {
        for (logit, difference) in row.iter_mut().zip(difference) {
            let shifted = *logit - most;
            chosen += f64::from(difference * shifted);
            *logit = shifted.exp();
            total += f64::from(*logit);
        }
    }
    let (of_softmax, of_target) = ((factor / total) as f32, (factor / count) as f32);
    for (row, difference) in logits.iter_mut().zip(difference.chunks_exact(width)) {
        for (logit, difference) in row.iter_mut().zip(difference) {
            *logit = *logit * of_softmax - difference * of_target;
        }
    }
    total.ln() - chosen / count - count.ln()
}
