//! Several chorale networks as one.

use std::sync::Arc;

#[cfg(feature = "train")]
use burn::tensor::Tensor;

#[cfg(feature = "train")]
use super::dropout::Dropout;
use super::history::{Cells, REST};
use super::network::ChoraleTransformer;
#[cfg(feature = "train")]
use super::steps::Steps;
use super::tunes::Tunes;
#[cfg(feature = "train")]
use crate::data::content::Hasher;
use crate::error::ModelError;
#[cfg(feature = "train")]
use crate::error::WeightsError;
#[cfg(feature = "train")]
use crate::weights::{self, Precision};

/// The even mixture of several chorale networks, each of which may hear the music in several keys.
///
/// The probability of a cell is the mean of what the members give it, each told the same past: like each of them, the
/// product over all cells is an exact distribution of the whole. Networks trained from other seeds err in other places, so that
/// their mean is nearly always closer than the best of them (Hansen and Salamon 1990); and one network in several keys is
/// several, as far as it has not learnt that music is the same in all of them.
///
/// ```
/// use deepcompose_models::Device;
/// use deepcompose_models::chorale::{ChoraleConfig, ChoraleEnsemble, ChoraleTransformer};
///
/// let config = ChoraleConfig { layers: 1, d_model: 16, d_inner: 16, d_voice: 16, ..ChoraleConfig::default() };
/// let networks: Result<Vec<_>, _> =
///     [1, 2].map(|seed| ChoraleTransformer::new(&config, seed, &Device::default())).into_iter().collect();
/// let ensemble = ChoraleEnsemble::new(networks?)?.in_keys(&[-1, 0, 1])?;
/// let losses = ensemble.log_probabilities(&[[72, 67, 64, 48], [72, 67, 64, 48]])?;
/// assert_eq!((ensemble.members(), losses.len()), (6, 2));
/// # Ok::<(), deepcompose_models::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChoraleEnsemble {
    networks: Vec<ChoraleTransformer>,
    keys: Vec<i32>,
    /// What all of them know.
    tunes: Arc<Tunes>,
}

impl ChoraleEnsemble {
    /// A mixture of `networks`, which may be of different sizes but know the same tunes.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] where there is none, or where one was trained on other pieces than the first and so knows other
    /// tunes; [`ModelError::Device`] where their device gives no numbers.
    pub fn new(networks: Vec<ChoraleTransformer>) -> Result<Self, ModelError> {
        let Some(first) = networks.first() else {
            return Err(ModelError::range("networks", 0, "one or more"));
        };
        let tunes = first.tunes()?;
        for (number, network) in networks.iter().enumerate().skip(1) {
            if network.tunes()? != tunes {
                return Err(ModelError::range("tunes of network", number, "those of the first network"));
            }
        }
        Ok(Self { networks, keys: vec![0], tunes })
    }

    /// The same, where every network hears the music in every one of `semitones` above its own key. What is moved
    /// beyond the 128 pitches has no probability in that key.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] where there is none, or one beyond −24..=24.
    pub fn in_keys(mut self, semitones: &[i32]) -> Result<Self, ModelError> {
        if semitones.is_empty() {
            return Err(ModelError::range("keys", 0, "one or more"));
        }
        if let Some(key) = semitones.iter().find(|key| !(-24..=24).contains(*key)) {
            return Err(ModelError::range("key", key, "-24..=24"));
        }
        self.keys = semitones.to_vec();
        Ok(self)
    }

    /// The networks.
    #[must_use]
    pub fn networks(&self) -> &[ChoraleTransformer] {
        &self.networks
    }

    pub(crate) fn tunes(&self) -> &Arc<Tunes> {
        &self.tunes
    }

    /// The keys in which each hears the music, in semitones above its own.
    #[must_use]
    pub fn keys(&self) -> &[i32] {
        &self.keys
    }

    /// How many are mixed: networks times keys.
    #[must_use]
    pub fn members(&self) -> usize {
        self.networks.len() * self.keys.len()
    }

    /// As [`ChoraleTransformer::log_probabilities`], of the mixture.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn log_probabilities(&self, piece: &[Cells]) -> Result<Vec<[f64; 4]>, ModelError> {
        let mut sums = vec![[0.0_f64; 4]; piece.len()];
        for key in &self.keys {
            let moved: Vec<_> = piece.iter().map(|cells| cells.map(|cell| moved(cell, *key))).collect();
            // A pitch that is out of reach is held at the edge for what follows it.
            let heard: Vec<Cells> = moved.iter().map(|cells| cells.map(|(cell, _)| cell)).collect();
            for network in &self.networks {
                let steps = network.log_probabilities(&heard)?;
                for ((sums, logs), moved) in sums.iter_mut().zip(steps).zip(&moved) {
                    for ((sum, log), (_, is_there)) in sums.iter_mut().zip(logs).zip(moved) {
                        *sum += if *is_there { log.exp() } else { 0.0 };
                    }
                }
            }
        }
        let members = self.members() as f64;
        Ok(sums.into_iter().map(|sums| sums.map(|sum| (sum / members).ln())).collect())
    }

    /// 16 hex digits that tell these networks, in this order, from others.
    #[cfg(feature = "train")]
    pub(super) fn fingerprint(&self) -> Result<String, WeightsError> {
        let mut hash = Hasher::new("chorale ensemble");
        for network in &self.networks {
            let bytes = weights::to_bytes(network, Precision::Full)?;
            hash.number(bytes.len() as u64);
            hash.bytes(&bytes);
        }
        Ok(hash.fingerprint())
    }

    /// The probabilities of every cell of each voice, `[steps, CELLS]`, in the networks' own key.
    #[cfg(feature = "train")]
    pub(super) fn distributions(&self, steps: &Steps, batch: usize) -> Option<[Tensor<2>; 4]> {
        let of = |network: &ChoraleTransformer| {
            steps.log_distributions(network, batch, None, &mut Dropout::none()).map(Tensor::exp)
        };
        let sums = self
            .networks
            .iter()
            .map(of)
            .reduce(|sums, next| std::array::from_fn(|voice| sums[voice].clone() + next[voice].clone()));
        sums.map(|sums| sums.map(|sum| sum / self.networks.len() as f32))
    }
}

/// A cell so many semitones higher, and whether it is one of the pitches there.
pub(super) fn moved(cell: u8, semitones: i32) -> (u8, bool) {
    if cell >= REST {
        return (cell, true);
    }
    let to = i32::from(cell) + semitones;
    (to.clamp(0, i32::from(REST) - 1) as u8, (0..i32::from(REST)).contains(&to))
}
