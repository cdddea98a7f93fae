//! Decoding voice by voice.

use std::sync::Arc;

use burn::tensor::Tensor;
use deepcompose_core::SatbTokenizer;
use deepcompose_samplers::{TokenId, TokenModel};

use super::dropout::Dropout;
use super::history::{Cells, History, INPUTS, REST, voice_inputs};
use super::network::{ChoraleTransformer, Memory};
use super::tunes::Tunes;
use super::voice::{CELLS, relate, terms};
use crate::error::ModelError;

/// Runs a [`ChoraleTransformer`] cell by cell on the tokens of the [`SatbTokenizer`], keeping keys and values of the steps it has
/// read.
///
/// The start token begins a new piece, and the pad token is passed over; neither is ever predicted. The logits are the
/// natural logarithms of probabilities but for a constant. Memory grows with the steps read, by 2 · layers · `d_model` numbers each, and so
/// does the time of a step: a piece of minutes is what it is for.
///
/// ```
/// use deepcompose_models::Device;
/// use deepcompose_models::chorale::{ChoraleConfig, ChoraleDecoder, ChoraleTransformer};
/// use deepcompose_samplers::TokenModel;
///
/// let config = ChoraleConfig { layers: 1, d_model: 16, d_inner: 16, d_voice: 16, ..ChoraleConfig::default() };
/// let mut decoder = ChoraleDecoder::new(&ChoraleTransformer::new(&config, 7, &Device::default())?)?;
/// // A start, a soprano and an alto: the tenor follows.
/// let logits = decoder.push(&[129, 72, 67])?;
/// assert_eq!((logits.len(), logits[129]), (131, f32::NEG_INFINITY));
/// # Ok::<(), deepcompose_models::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChoraleDecoder {
    network: ChoraleTransformer,
    memory: Memory,
    history: History,
    tunes: Arc<Tunes>,
    /// The state of the step in progress.
    state: Option<Tensor<2>>,
    /// The cells of the step in progress.
    cells: Vec<u8>,
    logits: Vec<f32>,
}

impl ChoraleDecoder {
    /// A decoder that has read nothing.
    ///
    /// # Errors
    ///
    /// [`ModelError::Device`] where the device does not give the tunes that the network knows.
    pub fn new(network: &ChoraleTransformer) -> Result<Self, ModelError> {
        let tunes = network.tunes()?;
        Ok(Self {
            memory: Memory::new(network),
            network: network.clone(),
            history: History::new(tunes.clone()),
            tunes,
            state: None,
            cells: Vec::with_capacity(4),
            logits: vec![f32::NEG_INFINITY; SatbTokenizer::VOCABULARY_SIZE],
        })
    }

    /// Whole steps read since the start or the last reset.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.memory.steps.saturating_sub(usize::from(self.state.is_some()))
    }

    fn begin(&mut self) {
        self.memory = Memory::new(&self.network);
        self.history = History::new(self.tunes.clone());
        self.state = None;
        self.cells.clear();
    }

    fn read(&mut self, token: TokenId) -> Result<(), ModelError> {
        match token {
            SatbTokenizer::START_ID => self.begin(),
            SatbTokenizer::PAD_ID => {}
            0..=SatbTokenizer::REST_ID => {
                // Its keys and values are those of a step that has been read.
                self.state();
                self.cells.push(token.min(REST.into()) as u8);
                if let Ok(cells) = Cells::try_from(self.cells.as_slice()) {
                    self.history.push(cells);
                    self.cells.clear();
                    self.state = None;
                }
            }
            _ => return Err(ModelError::range("token", token, "0..=130")),
        }
        Ok(())
    }

    fn state(&mut self) -> Tensor<2> {
        if let Some(state) = &self.state {
            return state.clone();
        }
        let device = self.network.table.val().device();
        let inputs = self.history.inputs([true; 4]).map(i32::from);
        let inputs = Tensor::<1, burn::tensor::Int>::from_data(inputs, &device).reshape([1, INPUTS]);
        let states = self.network.states(inputs, Some(&mut self.memory), &mut Dropout::none());
        let state = states.reshape([1, self.network.config.d_model]);
        self.state = Some(state.clone());
        state
    }

    fn predict(&mut self) -> Result<(), ModelError> {
        let state = self.state();
        let (voice, device) = (self.cells.len(), state.device());
        let (mut rows, mut relations) = (Vec::new(), Vec::new());
        self.history.voice_inputs(&self.cells, &mut rows);
        relate(self.history.outlook(&self.cells), &self.cells, &mut relations);
        let ints = |values: &[i32], width: usize| {
            Tensor::<1, burn::tensor::Int>::from_data(values, &device).reshape([1, width])
        };
        let (rows, relations) = (ints(&rows, voice_inputs(voice)), ints(&relations, CELLS * terms(voice)));
        let logits = self.network.voices[voice].forward(state, rows, relations, &mut Dropout::none());
        let logits = logits.into_data().convert::<f32>().try_into_vec::<f32>();
        let logits = logits.map_err(|e| ModelError::Device(format!("{e:?}")))?;
        self.logits.iter_mut().zip(logits).for_each(|(to, logit)| *to = logit);
        Ok(())
    }
}

impl TokenModel for ChoraleDecoder {
    type Error = ModelError;

    fn vocabulary_size(&self) -> usize {
        SatbTokenizer::VOCABULARY_SIZE
    }

    fn reset(&mut self) -> Result<(), ModelError> {
        self.begin();
        Ok(())
    }

    fn push(&mut self, tokens: &[TokenId]) -> Result<&[f32], ModelError> {
        if tokens.is_empty() {
            return Err(ModelError::range("tokens", "[]", "one or more"));
        }
        for token in tokens {
            self.read(*token)?;
        }
        self.predict()?;
        Ok(&self.logits)
    }
}
