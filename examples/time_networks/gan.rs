//! Eight bars of the GAN's generator.

use deepcompose::models::gan::{GanConfig, Generator, WindowGenerator, WindowInput, WindowSession};

use super::inputs::Inputs;
use super::{Outcome, Work, unknown};

pub(crate) const MODES: &[&str] = &["burn", "engine"];

/// Windows of two bars.
const WINDOWS: usize = 4;

pub(crate) fn prepare(network: Generator, mode: &str) -> Outcome<Box<dyn Work>> {
    let config = network.config().clone();
    match mode {
        // A session borrows the network, which lives as long as the program.
        "burn" => Accompanying::work(config, Box::leak(Box::new(network))),
        "engine" => Accompanying::work(config, Box::leak(Box::new(network.prepare()?))),
        _ => Err(unknown(mode, MODES)),
    }
}

struct Accompanying {
    config: GanConfig,
    session: Box<dyn WindowSession>,
    input: WindowInput,
    previous: Vec<f32>,
}

impl Accompanying {
    fn work(config: GanConfig, generator: &'static dyn WindowGenerator) -> Outcome<Box<dyn Work>> {
        let mut inputs = Inputs::new(1);
        let [rolls, steps, pitches] = config.window_shape();
        let cells = steps * pitches;
        // The first genre, all tracks.
        let one: Vec<f32> = (0..config.attributes())
            .map(|i| if i == 0 || i + config.tracks() >= config.attributes() { 1.0 } else { 0.0 })
            .collect();
        let input = WindowInput {
            melody: inputs.cells(WINDOWS * cells),
            chords: inputs.cells(if config.chords() { WINDOWS * 2 * cells } else { 0 }),
            latent: inputs.latent(WINDOWS * config.latent_shape().iter().product::<usize>()),
            attributes: one.repeat(WINDOWS),
        };
        let previous = inputs.cells(WINDOWS * rolls * cells);
        let session = generator.session(WINDOWS)?;
        Ok(Box::new(Self { config, session, input, previous }))
    }

    /// All windows at once, each after tracks that were drawn.
    fn together(&mut self) -> Outcome<Vec<f32>> {
        self.session.prepare(self.input.clone())?;
        let previous = if self.config.previous() { &self.previous[..] } else { &[] };
        Ok(self.session.forward(0..WINDOWS, previous)?.logits.to_vec())
    }

    /// Window by window, each after what was generated for the one before, silence before the first.
    fn in_turn(&mut self) -> Outcome<()> {
        self.session.prepare(self.input.clone())?;
        let mut previous = vec![-1.0; self.previous.len() / WINDOWS];
        for window in 0..WINDOWS {
            let logits = self.session.forward(window..window + 1, &previous)?.logits;
            for (cell, logit) in previous.iter_mut().zip(logits) {
                *cell = if *logit >= 0.0 { 1.0 } else { -1.0 };
            }
        }
        Ok(())
    }
}

impl Work for Accompanying {
    fn once(&mut self) -> Outcome<()> {
        match self.config.previous() {
            true => self.in_turn(),
            false => self.together().map(|_| ()),
        }
    }

    fn outputs(&mut self) -> Outcome<Vec<f32>> {
        self.together()
    }
}
