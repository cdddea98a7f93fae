//! How well a network predicts chorales.

use serde::Serialize;

use super::data::ChoraleDataset;
use super::ensemble::ChoraleEnsemble;
use super::history::Cells;
use super::network::ChoraleTransformer;
use crate::error::ModelError;

/// Losses over whole chorales, by the exact chain rule over every cell, rests included.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChoraleEvaluation {
    /// Sum over the cells of soprano, alto, tenor and bass of minus the natural logarithm of their probabilities.
    pub nats: [f64; 4],
    /// Sixteenths of all pieces.
    pub steps: usize,
    /// Mean nats a note of each piece.
    pub pieces: Vec<f64>,
}

impl ChoraleEvaluation {
    /// Mean over all cells of all pieces.
    #[must_use]
    pub fn nats_per_note(&self) -> f64 {
        self.nats.iter().sum::<f64>() / (4 * self.steps.max(1)) as f64
    }

    /// Mean over the cells of each voice.
    #[must_use]
    pub fn voices(&self) -> [f64; 4] {
        self.nats.map(|nats| nats / self.steps.max(1) as f64)
    }
}

/// Measures `network` on whole pieces, from their first step, as they are.
///
/// # Errors
///
/// [`ModelError::Device`] where the device gives no numbers.
pub fn evaluate(
    network: &ChoraleTransformer,
    data: &ChoraleDataset,
) -> Result<ChoraleEvaluation, ModelError> {
    measure(data, |piece| network.log_probabilities(piece))
}

/// As [`evaluate`], of an ensemble.
///
/// # Errors
///
/// As there.
pub fn evaluate_ensemble(
    ensemble: &ChoraleEnsemble,
    data: &ChoraleDataset,
) -> Result<ChoraleEvaluation, ModelError> {
    measure(data, |piece| ensemble.log_probabilities(piece))
}

fn measure(
    data: &ChoraleDataset,
    log_probabilities: impl Fn(&[Cells]) -> Result<Vec<[f64; 4]>, ModelError>,
) -> Result<ChoraleEvaluation, ModelError> {
    let mut evaluation = ChoraleEvaluation { nats: [0.0; 4], steps: 0, pieces: Vec::new() };
    for piece in data.pieces() {
        let cells = log_probabilities(piece)?;
        let mut nats = [0.0; 4];
        for cell in &cells {
            nats.iter_mut().zip(cell).for_each(|(sum, log)| *sum -= log);
        }
        evaluation.nats.iter_mut().zip(nats).for_each(|(sum, nats)| *sum += nats);
        evaluation.steps += piece.len();
        evaluation.pieces.push(nats.iter().sum::<f64>() / (4 * piece.len()) as f64);
    }
    Ok(evaluation)
}
