//! The network's weights, handed to the engine that samples with them.

use std::ops::Range;

use burn::module::Module;
use deepcompose_engines::ar_cnn::{
    ArCnnEngine, ArCnnSession, ArCnnSizes, ArCnnWeights, ConvWeights, DecoderWeights, EncoderWeights,
};
use deepcompose_samplers::{EditModel, EditSession};
use ndarray::{Array2, ArrayView2, Axis, Slice};

use super::edit::{check_window, pitches_of};
use super::network::TwoConvs;
use super::{ArCnn, ArCnnConfig};
use crate::error::ModelError;
use crate::lists::{batch_norm, conv};
use crate::weights::Model;

/// An [`ArCnn`] prepared for sampling on the CPU: its weights packed once, its norms folded.
///
/// As an [`EditModel`] it gives the network's logits within 1e-4 of the largest; its sessions keep activations from one
/// edit to the next and compute again only what an edit reaches, to the bit what a first pass gives. It does not change,
/// and clones share the weights.
///
/// ```
/// use burn::tensor::Device;
/// use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig};
/// use deepcompose_models::weights::Model;
/// use deepcompose_samplers::EditModel;
/// use ndarray::Array2;
///
/// let config = ArCnnConfig { steps: 16, filters: 2, levels: 2, ..ArCnnConfig::compact() };
/// let prepared = ArCnn::build(&config, &Device::default())?.prepare()?;
/// let mut roll = Array2::from_elem((16, 128), false);
/// let mut session = prepared.session();
/// session.logits(roll.view())?;
/// roll[[3, 60]] = true;
/// assert_eq!(session.logits(roll.view())?, prepared.edit_logits(roll.view())?);
/// # Ok::<(), deepcompose_models::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PreparedArCnn {
    engine: ArCnnEngine,
    config: ArCnnConfig,
    session_bytes: usize,
}

impl ArCnn {
    /// Copies the weights into an engine that samples with them on the CPU.
    ///
    /// # Errors
    ///
    /// [`ModelError::Engine`] for weights that cannot be: a norm whose variance is negative or not a number.
    pub fn prepare(&self) -> Result<PreparedArCnn, ModelError> {
        let network = self.valid();
        let config = network.config().clone();
        let sizes = ArCnnSizes {
            steps: config.steps,
            pitches: config.pitches,
            filters: config.filters,
            levels: config.levels,
        };
        let engine = ArCnnEngine::new(sizes, &network.weights())?;
        // A session is as large as it gets after a pass.
        let mut session = engine.session();
        session.logits(&vec![false; config.steps * config.pitches])?;
        let session_bytes = session.bytes();
        Ok(PreparedArCnn { engine, config, session_bytes })
    }

    fn weights(&self) -> ArCnnWeights {
        let encoder = self.encoder.iter().map(|level| {
            let [conv1, conv2] = two(&level.convs);
            EncoderWeights { conv1, conv2, norm: level.norm.as_ref().map(batch_norm) }
        });
        let decoder = self.decoder.iter().map(|level| {
            let [conv1, conv2] = two(&level.convs);
            DecoderWeights { norm: level.norm.as_ref().map(batch_norm), conv1, conv2 }
        });
        ArCnnWeights {
            encoder: encoder.collect(),
            bottleneck: two(&self.bottleneck),
            decoder: decoder.collect(),
            head: conv(&self.head),
        }
    }
}

fn two(convs: &TwoConvs) -> [ConvWeights; 2] {
    [conv(&convs.conv1), conv(&convs.conv2)]
}

impl PreparedArCnn {
    /// The shape of the network.
    #[must_use]
    pub const fn config(&self) -> &ArCnnConfig {
        &self.config
    }

    fn begin(&self) -> PreparedSession {
        PreparedSession {
            session: self.engine.session(),
            steps: self.config.steps,
            pitches: pitches_of(&self.config),
            roll: Vec::with_capacity(self.config.steps * self.config.pitches),
            logits: Array2::from_elem((self.config.steps, 128), f32::NEG_INFINITY),
        }
    }
}

impl EditModel for PreparedArCnn {
    type Error = ModelError;

    fn window_steps(&self) -> usize {
        self.config.steps
    }

    /// Cells outside the network's pitches get a logit of −∞: they are never drawn.
    fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, ModelError> {
        let mut session = self.begin();
        session.compute(roll)?;
        Ok(session.logits)
    }

    fn session(&self) -> Box<dyn EditSession<Error = ModelError> + '_> {
        Box::new(self.begin())
    }

    fn session_bytes(&self) -> usize {
        self.session_bytes + self.config.steps * 128 * size_of::<f32>()
    }
}

/// An edit in progress: the engine's session, and its logits among those of all 128 pitches.
struct PreparedSession {
    session: ArCnnSession,
    steps: usize,
    pitches: Range<usize>,
    roll: Vec<bool>,
    logits: Array2<f32>,
}

impl PreparedSession {
    fn compute(&mut self, roll: ArrayView2<'_, bool>) -> Result<(), ModelError> {
        check_window(roll, self.steps)?;
        let pitches = Slice::from(self.pitches.clone());
        self.roll.clear();
        self.roll.extend(roll.slice_axis(Axis(1), pitches).iter());
        let logits = self.session.logits(&self.roll)?;
        for (cell, logit) in self.logits.slice_axis_mut(Axis(1), pitches).iter_mut().zip(logits) {
            *cell = *logit;
        }
        Ok(())
    }
}

impl EditSession for PreparedSession {
    type Error = ModelError;

    fn logits(&mut self, roll: ArrayView2<'_, bool>) -> Result<ArrayView2<'_, f32>, ModelError> {
        self.compute(roll)?;
        Ok(self.logits.view())
    }
}
