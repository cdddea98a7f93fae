//! The chorale network.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::silu;
use burn::tensor::module::embedding;
use burn::tensor::{Device, Int, Tensor, TensorData};
use deepcompose_core::{SatbTokenizer, Tokenizer};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

use super::attention::{BiasedAttention, Cached, Distances};
use super::config::ChoraleConfig;
use super::dropout::Dropout;
#[cfg(any(test, feature = "train"))]
use super::history::Cells;
use super::history::{INPUT_ROWS, INPUTS, voice_rows};
use super::tunes::Tunes;
use super::voice::{CELLS, VoiceNetwork};
use crate::error::ModelError;

/// A Transformer over the sixteenths of a chorale.
///
/// The state of a step is summed from embeddings of the step before: each voice's pitch, for how long it has stood, how it
/// last moved, its distance from the bass, and the place in a bar of four and of three quarters counted from the first
/// step. Pre-norm layers follow, of causal attention with a learnt bias a distance and of a feed-forward network gated by
/// SiLU (Shazeer 2020). Soprano, alto, tenor and bass are then predicted in this order, each from the state, its own
/// past and the voices above it in the same step, so that the product of the four is an exact distribution of the step.
/// A voice's logits are sums of an absolute term for each cell and of terms for what the cell is to others: its interval
/// from the voice's last pitch, whether it is held, and its interval class to each voice above; these are the same in
/// every key.
///
/// ```
/// use deepcompose_models::Device;
/// use deepcompose_models::chorale::{ChoraleConfig, ChoraleTransformer};
///
/// let config = ChoraleConfig { layers: 1, d_model: 16, d_inner: 16, d_voice: 16, ..ChoraleConfig::default() };
/// let network = ChoraleTransformer::new(&config, 7, &Device::default())?;
/// // Two steps of C major.
/// let losses = network.log_probabilities(&[[72, 67, 64, 48], [72, 67, 64, 48]])?;
/// assert_eq!(losses.len(), 2);
/// assert!(losses[0].iter().all(|log_probability| *log_probability < 0.0));
/// # Ok::<(), deepcompose_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct ChoraleTransformer {
    /// `[INPUT_ROWS, d_model]`.
    pub(crate) table: Param<Tensor<2>>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: LayerNorm,
    pub(crate) voices: Vec<VoiceNetwork>,
    /// The numbers of the [`Tunes`], `[3, tunes]`, which no gradient reaches.
    pub(crate) tunes: Option<Param<Tensor<2>>>,
    #[module(skip)]
    pub(crate) config: ChoraleConfig,
}

/// Attention and a gated feed-forward network, each added to the state.
#[derive(Module, Debug)]
pub(crate) struct Layer {
    pub(crate) attention_norm: LayerNorm,
    pub(crate) attention: BiasedAttention,
    pub(crate) feed_forward_norm: LayerNorm,
    /// Gate and value side by side, `[d_model, 2 * d_inner]`.
    pub(crate) expand: Linear,
    pub(crate) contract: Linear,
}

/// What the layers remember of the steps before.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pub(crate) steps: usize,
    layers: Vec<Option<Cached>>,
}

impl Memory {
    pub(crate) fn new(network: &ChoraleTransformer) -> Self {
        Self { steps: 0, layers: vec![None; network.layers.len()] }
    }
}

impl ChoraleTransformer {
    /// A network with fresh weights: those of a matrix are normal with deviation 1 / √inputs, the last of each
    /// sublayer smaller by √(2 · layers), those of the outputs 0.02; biases are zero, but for a held cell's, which is 3.
    ///
    /// The same seed gives the same weights on every device.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] where the configuration is not valid.
    pub fn new(config: &ChoraleConfig, seed: u64, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        let mut fresh = Fresh { rng: ChaCha8Rng::seed_from_u64(seed), device };
        let (d, h) = (config.d_model, config.d_voice);
        let by_width = |width: usize| (width as f32).sqrt().recip();
        let last = |width: usize| by_width(width) / ((2 * config.layers) as f32).sqrt();
        let norm = || LayerNormConfig::new(d).init(device);
        let table = fresh.matrix(INPUT_ROWS, d, 0.3);
        let layers = (0..config.layers)
            .map(|_| Layer {
                attention_norm: norm(),
                attention: BiasedAttention {
                    qkv: Linear { weight: fresh.matrix(d, 3 * d, by_width(d)), bias: None },
                    output: Linear { weight: fresh.matrix(d, d, last(d)), bias: None },
                    bias: Param::from_tensor(Tensor::zeros([config.heads, config.distances], device)),
                },
                feed_forward_norm: norm(),
                expand: fresh.linear(d, 2 * config.d_inner, by_width(d)),
                contract: fresh.linear(config.d_inner, d, last(config.d_inner)),
            })
            .collect();
        let voices = (0..4)
            .map(|voice| VoiceNetwork {
                table: fresh.matrix(voice_rows(voice), h, 0.15),
                state: fresh.linear(d, h, by_width(d)),
                hidden: fresh.linear(h, h, by_width(h)),
                absolute: fresh.linear(h, CELLS, 0.02),
                relative: fresh.linear_with_bias(h, super::voice::first_bias(voice), 0.02),
            })
            .collect();
        let tunes = (config.tunes > 0).then(|| Param::from_tensor(Tensor::zeros([3, config.tunes], device)));
        Ok(Self { table, layers, norm: norm(), voices, tunes, config: config.clone() })
    }

    /// The sizes of this network.
    #[must_use]
    pub fn config(&self) -> &ChoraleConfig {
        &self.config
    }

    /// The tunes that it knows.
    ///
    /// # Errors
    ///
    /// [`ModelError::Device`] where the device gives no numbers.
    pub(crate) fn tunes(&self) -> Result<Arc<Tunes>, ModelError> {
        let Some(tunes) = &self.tunes else { return Ok(Arc::default()) };
        let numbers = tunes.val().into_data().convert::<f32>().try_into_vec::<f32>();
        let numbers = numbers.map_err(|e| ModelError::Device(format!("{e:?}")))?;
        Ok(Arc::new(Tunes::from_numbers(&numbers)))
    }

    /// The same network, where it knows the tunes of these pieces and no others.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] where the table has too few rows for them.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn knowing(mut self, pieces: &[Vec<Cells>]) -> Result<Self, ModelError> {
        let device = self.table.val().device();
        if let Some(numbers) = &mut self.tunes {
            let tunes = Tunes::learn(pieces, self.config.tunes)?;
            let shape = [3, self.config.tunes];
            let learnt = Tensor::from_data(TensorData::new(tunes.numbers(), shape), &device);
            *numbers = Param::from_tensor(learnt);
        }
        Ok(self)
    }

    /// The states of steps, `[batch, steps, d_model]`, from the rows of their inputs, `[batch, steps * INPUTS]`.
    pub(crate) fn states(
        &self,
        inputs: Tensor<2, Int>,
        mut memory: Option<&mut Memory>,
        dropout: &mut Dropout<'_>,
    ) -> Tensor<3> {
        let [batch, columns] = inputs.dims();
        let (steps, d) = (columns / INPUTS, self.config.d_model);
        let before = memory.as_ref().map_or(0, |memory| memory.steps);
        let distances = Distances::new(before, steps, self.config.distances, &inputs.device());
        let rows = embedding(self.table.val(), inputs.reshape([batch * steps, INPUTS]));
        let mut x = dropout.layer(rows.sum_dim(1).reshape([batch, steps, d]));
        for (number, layer) in self.layers.iter().enumerate() {
            let cached = memory.as_mut().and_then(|memory| memory.layers.get_mut(number));
            let attended =
                layer.attention.forward(layer.attention_norm.forward(x.clone()), &distances, cached);
            x = x + dropout.layer(attended);
            let [gate, value]: [Tensor<3>; 2] =
                halves(layer.expand.forward(layer.feed_forward_norm.forward(x.clone())));
            let inner = dropout.layer(silu(gate) * value);
            x = x + dropout.layer(layer.contract.forward(inner));
        }
        if let Some(memory) = memory {
            memory.steps += steps;
        }
        dropout.voice(self.norm.forward(x))
    }
}

/// The two halves of the last dimension.
fn halves(x: Tensor<3>) -> [Tensor<3>; 2] {
    let [batch, steps, width] = x.dims();
    [0, width / 2].map(|from| x.clone().slice([0..batch, 0..steps, from..from + width / 2]))
}

/// Draws fresh weights.
struct Fresh<'a> {
    rng: ChaCha8Rng,
    device: &'a Device,
}

impl Fresh<'_> {
    fn matrix(&mut self, rows: usize, columns: usize, deviation: f32) -> Param<Tensor<2>> {
        // The deviation is positive, so the fallback is never used.
        let weights: Vec<f32> = match Normal::new(0.0, deviation) {
            Ok(normal) => normal.sample_iter(&mut self.rng).take(rows * columns).collect(),
            Err(_) => vec![0.0; rows * columns],
        };
        Param::from_tensor(Tensor::from_data(TensorData::new(weights, [rows, columns]), self.device))
    }

    fn linear(&mut self, inputs: usize, outputs: usize, deviation: f32) -> Linear {
        self.linear_with_bias(inputs, vec![0.0; outputs], deviation)
    }

    fn linear_with_bias(&mut self, inputs: usize, bias: Vec<f32>, deviation: f32) -> Linear {
        Linear {
            weight: self.matrix(inputs, bias.len(), deviation),
            bias: Some(Param::from_tensor(Tensor::from_data(bias.as_slice(), self.device))),
        }
    }
}

impl crate::weights::Model for ChoraleTransformer {
    const KIND: &'static str = "chorale-transformer";

    type Error = ModelError;

    type Config = ChoraleConfig;

    fn config(&self) -> &ChoraleConfig {
        &self.config
    }

    fn build(config: &ChoraleConfig, device: &Device) -> Result<Self, ModelError> {
        Self::new(config, 0, device)
    }

    fn vocabulary(&self) -> Option<Vec<String>> {
        let ids = 0..SatbTokenizer::VOCABULARY_SIZE as u32;
        Some(ids.map(|id| SatbTokenizer.token_name(id).unwrap_or_default()).collect())
    }

    fn numbers(config: &ChoraleConfig) -> Option<usize> {
        config.validate().ok().map(|()| config.parameters())
    }
}
