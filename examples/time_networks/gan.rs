//! Eight bars of the GAN's generator.

use burn::tensor::{Device, Tensor, TensorData};
use deepcompose::models::gan::{GanCondition, GanConfig, Generator};

use super::inputs::Inputs;
use super::{Outcome, Work, unknown};

pub(crate) const MODES: &[&str] = &["burn"];

/// Windows of two bars.
const WINDOWS: usize = 4;

pub(crate) fn prepare(network: Generator, mode: &str) -> Outcome<Box<dyn Work>> {
    let config = network.config().clone();
    match mode {
        "burn" => Ok(Box::new(Accompanying::new(config, Burn { network, device: Device::default() }))),
        _ => Err(unknown(mode, MODES)),
    }
}

/// Inputs of a batch of windows, each list one window after another.
#[derive(Clone, Copy)]
struct Windows<'a> {
    count: usize,
    /// Cells of +1 and −1, `[count, steps, pitches]`.
    melody: &'a [f32],
    /// `[count, latent channels, steps / 16, pitches / 16]`.
    latent: &'a [f32],
    /// The tracks of the window before each, for networks that see them.
    previous: Option<&'a [f32]>,
    /// For networks that have attributes.
    attributes: Option<&'a [f32]>,
}

trait Generate {
    /// The logits, `[count, tracks, steps, pitches]`.
    fn logits(&mut self, windows: Windows<'_>) -> Outcome<Vec<f32>>;
}

struct Burn {
    network: Generator,
    device: Device,
}

impl Generate for Burn {
    fn logits(&mut self, windows: Windows<'_>) -> Outcome<Vec<f32>> {
        let config = self.network.config();
        let count = windows.count;
        let rolls = |values: &[f32], [channels, rows, columns]: [usize; 3]| {
            let data = TensorData::new(values.to_vec(), [count, channels, rows, columns]);
            Tensor::<4>::from_data(data, &self.device)
        };
        let [tracks, steps, pitches] = config.window_shape();
        let condition = GanCondition {
            melody: rolls(windows.melody, [1, steps, pitches]),
            previous: windows.previous.map(|previous| rolls(previous, [tracks, steps, pitches])),
            attributes: windows.attributes.map(|attributes| {
                let data = TensorData::new(attributes.to_vec(), [count, config.attributes()]);
                Tensor::<2>::from_data(data, &self.device)
            }),
        };
        let logits = self.network.logits(&condition, rolls(windows.latent, config.latent_shape()))?;
        logits.into_data().try_into_vec::<f32>().map_err(|e| format!("{e:?}").into())
    }
}

struct Accompanying<G> {
    config: GanConfig,
    generator: G,
    melody: Vec<f32>,
    latent: Vec<f32>,
    previous: Vec<f32>,
    attributes: Vec<f32>,
}

impl<G: Generate> Accompanying<G> {
    fn new(config: GanConfig, generator: G) -> Self {
        let mut inputs = Inputs::new(1);
        let [tracks, steps, pitches] = config.window_shape();
        let cells = steps * pitches;
        // The first genre, all tracks.
        let one: Vec<f32> = (0..config.attributes())
            .map(|i| if i == 0 || i + tracks >= config.attributes() { 1.0 } else { 0.0 })
            .collect();
        Self {
            melody: inputs.cells(WINDOWS * cells),
            latent: inputs.latent(WINDOWS * config.latent_shape().iter().product::<usize>()),
            previous: inputs.cells(WINDOWS * tracks * cells),
            attributes: one.repeat(WINDOWS),
            config,
            generator,
        }
    }

    /// All windows at once, each after tracks that were drawn.
    fn together(&mut self) -> Outcome<Vec<f32>> {
        self.generator.logits(Windows {
            count: WINDOWS,
            melody: &self.melody,
            latent: &self.latent,
            previous: self.config.previous().then_some(&*self.previous),
            attributes: (self.config.attributes() > 0).then_some(&*self.attributes),
        })
    }

    /// Window by window, each after what was generated for the one before, silence before the first.
    fn in_turn(&mut self) -> Outcome<()> {
        let [tracks, steps, pitches] = self.config.window_shape();
        let [latent, attributes] = [self.latent.len() / WINDOWS, self.attributes.len() / WINDOWS];
        let mut previous = vec![-1.0; tracks * steps * pitches];
        for window in 0..WINDOWS {
            let logits = self.generator.logits(Windows {
                count: 1,
                melody: &self.melody[window * steps * pitches..][..steps * pitches],
                latent: &self.latent[window * latent..][..latent],
                previous: Some(&previous),
                attributes: (attributes > 0).then(|| &self.attributes[window * attributes..][..attributes]),
            })?;
            for (cell, logit) in previous.iter_mut().zip(logits) {
                *cell = if logit >= 0.0 { 1.0 } else { -1.0 };
            }
        }
        Ok(())
    }
}

impl<G: Generate> Work for Accompanying<G> {
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
