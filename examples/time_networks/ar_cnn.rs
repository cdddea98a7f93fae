//! One sampling iteration of the AR-CNN.

use deepcompose::models::ModelError;
use deepcompose::models::ar_cnn::{ArCnn, ArCnnConfig, PreparedArCnn};
use deepcompose::models::weights::Model;
use deepcompose::samplers::{EditModel, EditSession, SampleScratch, SamplingTechnique, TokenSampler};
use ndarray::{Array2, Axis, Slice};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::inputs::Inputs;
use super::{Outcome, Work, unknown};

pub(crate) const MODES: &[&str] = &["burn", "engine"];

/// Flips before the logits that are compared.
const FLIPS: usize = 8;
const PITCHES: usize = 128;

pub(crate) fn prepare(network: ArCnn, mode: &str) -> Outcome<Box<dyn Work>> {
    let config = network.config().clone();
    match mode {
        "burn" => {
            Ok(Box::new(Sampling::new(config, Whole { model: network, logits: Array2::default((0, 0)) })?))
        }
        "engine" => {
            // A session borrows the network, which lives as long as the program.
            let network: &'static PreparedArCnn = Box::leak(Box::new(network.prepare()?));
            Ok(Box::new(Sampling::new(config, Kept(network.session()))?))
        }
        _ => Err(unknown(mode, MODES)),
    }
}

/// An AR-CNN that follows the flips of a roll.
trait Follow {
    /// The logits of the roll, `[steps, 128]` with −∞ outside the network's pitches. `flipped` is the cell that was
    /// flipped since the last call, or `None` for another roll.
    fn logits(&mut self, roll: &Array2<bool>, flipped: Option<[usize; 2]>) -> Outcome<&[f32]>;
}

/// A model that looks at the whole roll each time.
struct Whole<M> {
    model: M,
    logits: Array2<f32>,
}

impl<M: EditModel> Follow for Whole<M> {
    fn logits(&mut self, roll: &Array2<bool>, _flipped: Option<[usize; 2]>) -> Outcome<&[f32]> {
        self.logits = self.model.edit_logits(roll.view())?;
        self.logits.as_slice().ok_or_else(|| "logits that are not row by row".into())
    }
}

/// A session, which keeps what it computed for the roll before.
struct Kept(Box<dyn EditSession<Error = ModelError>>);

impl Follow for Kept {
    fn logits(&mut self, roll: &Array2<bool>, _flipped: Option<[usize; 2]>) -> Outcome<&[f32]> {
        let logits = self.0.logits(roll.view())?;
        logits.to_slice().ok_or_else(|| "logits that are not row by row".into())
    }
}

struct Sampling<M> {
    config: ArCnnConfig,
    model: M,
    sampler: TokenSampler,
    scratch: SampleScratch,
    rng: ChaCha8Rng,
    inputs: Inputs,
    roll: Array2<bool>,
}

impl<M: Follow> Sampling<M> {
    fn new(config: ArCnnConfig, model: M) -> Outcome<Self> {
        let mut new = Self {
            model,
            sampler: TokenSampler::new(SamplingTechnique::Random, 1.0, 0.8)?,
            scratch: SampleScratch::default(),
            rng: ChaCha8Rng::seed_from_u64(1),
            inputs: Inputs::new(1),
            roll: Array2::from_elem((config.steps, PITCHES), false),
            config,
        };
        new.restart()?;
        Ok(new)
    }

    /// A roll of which a twentieth sounds.
    fn restart(&mut self) -> Outcome<()> {
        self.inputs = Inputs::new(1);
        let ArCnnConfig { lowest_pitch, pitches, .. } = self.config;
        let inputs = &mut self.inputs;
        let range = Slice::from(lowest_pitch..lowest_pitch + pitches);
        for cell in self.roll.slice_axis_mut(Axis(1), range) {
            *cell = inputs.is_in(5);
        }
        self.model.logits(&self.roll, None).map(|_| ())
    }

    /// Flips the next cell. Which, does not depend on what was drawn, so that both sides see the same rolls.
    fn flip(&mut self) -> [usize; 2] {
        let step = self.inputs.below(self.config.steps);
        let pitch = self.config.lowest_pitch + self.inputs.below(self.config.pitches);
        self.roll[[step, pitch]] ^= true;
        [step, pitch]
    }
}

impl<M: Follow> Work for Sampling<M> {
    fn once(&mut self) -> Outcome<()> {
        let flipped = self.flip();
        let logits = self.model.logits(&self.roll, Some(flipped))?;
        self.sampler.sample_with(logits, &mut self.rng, &mut self.scratch)?;
        Ok(())
    }

    fn outputs(&mut self) -> Outcome<Vec<f32>> {
        self.restart()?;
        for _ in 1..FLIPS {
            let flipped = self.flip();
            self.model.logits(&self.roll, Some(flipped))?;
        }
        let flipped = self.flip();
        Ok(self.model.logits(&self.roll, Some(flipped))?.to_vec())
    }
}
