//! One token a sequence of the Transformer, after a full context.

use burn::tensor::{Device, Int, Tensor, TensorData};
use deepcompose::models::transformer::{
    BatchDecoder, DecodePrecision, Decoder, Memory, PreparedTransformer, TransformerXl, TransformerXlConfig,
};

use super::inputs::Inputs;
use super::{Outcome, Work, unknown};

pub(crate) const MODES: &[&str] = &["burn", "engine", "engine bf16", "engine 8 bits"];

/// Tokens after the context whose logits are compared.
const COMPARED: usize = 8;

pub(crate) fn prepare(network: &TransformerXl, mode: &str, batch: usize) -> Outcome<Box<dyn Work>> {
    let config = network.config();
    match mode {
        "burn" => {
            Ok(Box::new(Decoding::new(config, batch, Network { network: network.clone(), memory: None })?))
        }
        "engine" => decoding(network, DecodePrecision::Single, batch),
        "engine bf16" => decoding(network, DecodePrecision::Bfloat16, batch),
        "engine 8 bits" => decoding(network, DecodePrecision::Eight, batch),
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

fn decoding(network: &TransformerXl, precision: DecodePrecision, batch: usize) -> Outcome<Box<dyn Work>> {
    let prepared = network.prepare(precision)?;
    match batch {
        1 => Ok(Box::new(Decoding::new(network.config(), 1, prepared.decoder())?)),
        _ => {
            let decoder = prepared.batch_decoder(batch)?;
            Ok(Box::new(Decoding::new(network.config(), batch, Batch { prepared, decoder })?))
        }
    }
}

/// Burn's network, which keeps the states that entered its layers.
struct Network {
    network: TransformerXl,
    memory: Option<Memory>,
}

impl Network {
    fn read(&mut self, tokens: Vec<u32>, shape: [usize; 2]) -> Outcome<Tensor<3>> {
        let ids: Vec<i64> = tokens.into_iter().map(i64::from).collect();
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &Device::default());
        let (logits, memory) = self.network.forward(ids, self.memory.take())?;
        self.memory = Some(memory);
        Ok(logits)
    }
}

impl Lanes for Network {
    fn start(&mut self, prompts: &[Vec<u32>]) -> Outcome<()> {
        self.memory = None;
        self.read(prompts.concat(), [prompts.len(), prompts[0].len()]).map(|_| ())
    }

    fn push(&mut self, tokens: &[u32], logits: &mut Vec<f32>) -> Outcome<()> {
        let read = self.read(tokens.to_vec(), [tokens.len(), 1])?;
        logits.clear();
        logits.extend(read.into_data().iter::<f32>());
        Ok(())
    }
}

impl Lanes for Decoder {
    fn start(&mut self, prompts: &[Vec<u32>]) -> Outcome<()> {
        self.reset();
        self.push(&prompts[0])?;
        Ok(())
    }

    fn push(&mut self, tokens: &[u32], logits: &mut Vec<f32>) -> Outcome<()> {
        logits.clear();
        logits.extend_from_slice(Self::push(self, tokens)?);
        Ok(())
    }
}

struct Batch {
    prepared: PreparedTransformer,
    decoder: BatchDecoder,
}

impl Lanes for Batch {
    fn start(&mut self, prompts: &[Vec<u32>]) -> Outcome<()> {
        self.decoder = self.prepared.batch_decoder(prompts.len())?;
        for position in 0..prompts[0].len() {
            let tokens: Vec<u32> = prompts.iter().map(|prompt| prompt[position]).collect();
            self.decoder.step(&tokens)?;
        }
        Ok(())
    }

    fn push(&mut self, tokens: &[u32], logits: &mut Vec<f32>) -> Outcome<()> {
        logits.clear();
        logits.extend_from_slice(self.decoder.step(tokens)?);
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
