//! One token a sequence of the Transformer, after a full context.

use deepcompose::models::transformer::{Decoder, TransformerXl, TransformerXlConfig};
use deepcompose::samplers::TokenModel;

use super::inputs::Inputs;
use super::{Outcome, Work, unknown};

pub(crate) const MODES: &[&str] = &["burn"];

/// Tokens after the context whose logits are compared.
const COMPARED: usize = 8;

pub(crate) fn prepare(network: &TransformerXl, mode: &str, batch: usize) -> Outcome<Box<dyn Work>> {
    let config = network.config();
    match mode {
        "burn" => Ok(Box::new(Decoding::new(config, batch, vec![Decoder::new(network)?; batch])?)),
        _ => Err(unknown(mode, MODES)),
    }
}

/// Sequences decoded side by side.
trait Lanes {
    /// Begins all anew with a prompt each.
    fn start(&mut self, prompts: &[Vec<u32>]) -> Outcome<()>;

    /// Reads a token a lane; leaves the logits of each, one lane after another.
    fn push(&mut self, tokens: &[u32], logits: &mut Vec<f32>) -> Outcome<()>;
}

/// A model of one sequence for each.
impl<M: TokenModel> Lanes for Vec<M> {
    fn start(&mut self, prompts: &[Vec<u32>]) -> Outcome<()> {
        for (lane, prompt) in self.iter_mut().zip(prompts) {
            lane.reset()?;
            lane.push(prompt)?;
        }
        Ok(())
    }

    fn push(&mut self, tokens: &[u32], logits: &mut Vec<f32>) -> Outcome<()> {
        logits.clear();
        for (lane, token) in self.iter_mut().zip(tokens) {
            logits.extend(TokenModel::push(lane, &[*token])?);
        }
        Ok(())
    }
}

struct Decoding<L> {
    batch: usize,
    memory: usize,
    vocabulary: usize,
    lanes: L,
    inputs: Inputs,
    tokens: Vec<u32>,
    logits: Vec<f32>,
}

impl<L: Lanes> Decoding<L> {
    fn new(config: &TransformerXlConfig, batch: usize, lanes: L) -> Outcome<Self> {
        let (memory, vocabulary) = (config.memory, config.vocabulary);
        let (tokens, logits) = (vec![0; batch], Vec::new());
        let mut new = Self { batch, memory, vocabulary, lanes, inputs: Inputs::new(1), tokens, logits };
        new.restart()?;
        Ok(new)
    }

    fn token(&mut self) -> u32 {
        self.inputs.below(self.vocabulary) as u32
    }

    /// Fills the context.
    fn restart(&mut self) -> Outcome<()> {
        self.inputs = Inputs::new(1);
        let prompts: Vec<Vec<u32>> =
            (0..self.batch).map(|_| (0..self.memory).map(|_| self.token()).collect()).collect();
        self.lanes.start(&prompts)
    }
}

impl<L: Lanes> Work for Decoding<L> {
    fn once(&mut self) -> Outcome<()> {
        for lane in 0..self.batch {
            self.tokens[lane] = self.token();
        }
        self.lanes.push(&self.tokens, &mut self.logits)
    }

    fn outputs(&mut self) -> Outcome<Vec<f32>> {
        self.restart()?;
        let mut all = Vec::new();
        for _ in 0..COMPARED {
            self.once()?;
            all.extend_from_slice(&self.logits);
        }
        Ok(all)
    }
}
