//! A generator's weights, handed to the engine that runs them.

use std::ops::Range;
use std::sync::Arc;

use burn::module::Module;
use burn::nn::Linear;
use deepcompose_engines::gan::{
    GeneratorEngine, GeneratorInput, GeneratorSession, GeneratorSizes, GeneratorWeights,
};

use super::windows::{WindowGenerator, WindowInput, WindowOutput, WindowSession};
use super::{ChordModel, GanConfig, GanError, Generator, Styles};
use crate::lists::{batch_norm, conv, numbers};

/// A [`Generator`] prepared for the CPU: its weights packed once, its norms folded into them.
///
/// It does not change, and clones share the weights. Its logits are the network's within 1e-4 of the largest.
///
/// ```
/// use burn::tensor::Device;
/// use deepcompose_models::gan::{GanConfig, Generator, WindowGenerator, WindowInput};
/// use rand::SeedableRng;
///
/// let config = GanConfig::reference().to_builder().filters(2).latent_channels(3).build()?;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let prepared = Generator::new(&config, &mut rng, &Device::default()).prepare()?;
/// let mut session = prepared.session(2)?;
/// let (melody, latent) = (vec![-1.0; 2 * 32 * 128], vec![0.5; 2 * 3 * 2 * 8]);
/// session.prepare(WindowInput { melody, latent, ..Default::default() })?;
/// // This network does not see the tracks before, so both windows can be generated together.
/// assert_eq!(session.forward(0..2, &[])?.tracks.len(), 2 * 4 * 32 * 128);
/// # Ok::<(), deepcompose_models::gan::GanError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PreparedGenerator {
    engine: Arc<GeneratorEngine>,
    config: GanConfig,
    chords: Option<ChordModel>,
    styles: Option<Styles>,
}

impl Generator {
    /// Copies the weights into an engine that runs them on the CPU.
    ///
    /// # Errors
    ///
    /// [`GanError::Engine`] for weights that cannot be: a norm whose variance is negative or not a number.
    pub fn prepare(&self) -> Result<PreparedGenerator, GanError> {
        let generator = self.valid();
        let config = Generator::config(&generator).clone();
        let sizes = GeneratorSizes {
            steps: config.steps(),
            pitches: config.pitches(),
            tracks: config.rolls(),
            filters: config.filters(),
            latent_channels: config.latent_channels(),
            attributes: config.attributes(),
            attribute_channels: config.attribute_channels(),
            chords: config.chords(),
            previous: config.previous(),
            output_map: config.output_map(),
        };
        let engine = GeneratorEngine::new(&sizes, &generator.weights()?)?;
        let (chords, styles) = (generator.chord_model(), generator.styles());
        Ok(PreparedGenerator { engine: Arc::new(engine), chords, styles, config })
    }

    fn weights(&self) -> Result<GeneratorWeights, GanError> {
        let (down, up) = (&self.down, &self.up);
        let norms = down.iter().filter_map(|down| down.norm.as_ref()).map(batch_norm).collect::<Vec<_>>();
        Ok(GeneratorWeights {
            down: all("down", down.iter().map(|down| conv(&down.conv)).collect())?,
            down_norms: all("down_norms", norms)?,
            up: all("up", up.iter().map(|up| conv(&up.conv)).collect())?,
            up_norms: all("up_norms", up.iter().map(|up| batch_norm(&up.norm)).collect())?,
            head: conv(&self.head),
            attributes: self.attributes.as_ref().map(matrix).unwrap_or_default(),
            output_map: self.output_map.as_ref().map(matrix).unwrap_or_default(),
        })
    }
}

/// As many as the architecture has.
fn all<T, const N: usize>(what: &'static str, list: Vec<T>) -> Result<[T; N], GanError> {
    let found = list.len();
    list.try_into().map_err(|_| GanError::Shape { what, expected: vec![N], actual: vec![found] })
}

fn matrix(linear: &Linear) -> Vec<f32> {
    numbers(linear.weight.val())
}

impl WindowGenerator for PreparedGenerator {
    fn config(&self) -> &GanConfig {
        &self.config
    }

    fn chord_model(&self) -> Option<ChordModel> {
        self.chords.clone()
    }

    fn styles(&self) -> Option<Styles> {
        self.styles.clone()
    }

    fn session(&self, most_windows: usize) -> Result<Box<dyn WindowSession + '_>, GanError> {
        Ok(Box::new(EngineSession(GeneratorSession::new(Arc::clone(&self.engine), most_windows)?)))
    }
}

/// The engine at work.
struct EngineSession(GeneratorSession);

impl WindowSession for EngineSession {
    fn prepare(&mut self, input: WindowInput) -> Result<(), GanError> {
        let WindowInput { melody, chords, latent, attributes } = &input;
        Ok(self.0.prepare(&GeneratorInput { melody, chords, latent, attributes })?)
    }

    fn forward(&mut self, windows: Range<usize>, previous: &[f32]) -> Result<WindowOutput<'_>, GanError> {
        let output = self.0.forward(windows, previous)?;
        Ok(WindowOutput { logits: output.logits, tracks: output.tracks })
    }
}
