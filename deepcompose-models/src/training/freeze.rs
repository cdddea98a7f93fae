//! Fine-tuning a part of a network: what is frozen does not change.

use std::collections::BTreeSet;

use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamGroup};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// Which parts of a network training leaves as they are: a list of patterns over burn paths.
///
/// A pattern matches a parameter's whole path (`encoder.0.convs.conv1.weight`) or the beginning of it up to
/// a dot (`encoder.0`, `encoder`). A `*` stands for any characters within one segment: `encoder.*.norm`,
/// `decoder.*.convs.conv*`. In a configuration file it is a list of strings.
///
/// [`Freeze::of`] looks the patterns up in a network; [`Frozen`] then keeps the matching parameters and the
/// matching running statistics of batch norms bit-identical, whatever the optimiser:
///
/// ```
/// use burn::optim::{AdamWConfig, GradientsParams};
/// use deepcompose_models::Device;
/// use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig};
/// use deepcompose_models::training::Freeze;
/// use deepcompose_models::weights::Model;
///
/// let config = ArCnnConfig { steps: 16, pitches: 16, filters: 2, levels: 2, ..ArCnnConfig::compact() };
/// let device = Device::default().autodiff();
/// let network = ArCnn::build(&config, &device)?;
/// let frozen = Freeze::new(["encoder", "decoder.*.norm"]).of(&network)?;
/// let network = frozen.freeze(network);
///
/// let mut optimizer = AdamWConfig::new().init();
/// let loss = network.forward(burn::tensor::Tensor::ones([1, 16, 16], &device))?.mean();
/// let mut gradients = GradientsParams::from_grads(loss.backward(), &network);
/// frozen.apply(&mut gradients, &network);
/// let network: ArCnn = frozen.restore(optimizer.step(1e-3, network, gradients));
/// # Ok::<(), deepcompose_models::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Freeze {
    patterns: Vec<String>,
}

impl Freeze {
    /// The patterns as they are; [`Freeze::of`] checks them. No patterns freeze nothing.
    pub fn new<S: Into<String>>(patterns: impl IntoIterator<Item = S>) -> Self {
        Self { patterns: patterns.into_iter().map(Into::into).collect() }
    }

    /// The patterns.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether nothing is frozen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// burn-train's loop for several devices trains all of a network.
    pub(crate) fn refuse_on_several_devices(&self) -> Result<(), ModelError> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(ModelError::range("freeze", self.patterns.join(", "), "none on several devices")),
        }
    }

    /// Whether any pattern matches a path.
    ///
    /// ```
    /// use deepcompose_models::training::Freeze;
    ///
    /// let freeze = Freeze::new(["encoder.1", "decoder.*.norm"]);
    /// assert!(freeze.matches("encoder.1.convs.conv1.bias") && freeze.matches("decoder.0.norm.gamma"));
    /// assert!(!freeze.matches("encoder.10.norm.gamma") && !freeze.matches("decoder.norm"));
    /// ```
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern, path))
    }

    /// The matching parameters of a network, with their values as they are now.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] for a pattern that matches no parameter, naming it and the network's parts,
    /// and for patterns that leave nothing to train.
    pub fn of<M: Module>(&self, network: &M) -> Result<Frozen, ModelError> {
        // Batch norms hold their latest update back; this makes them take it, in `network` as well, which shares it.
        drop(network.valid());
        let mut found =
            Collect { freeze: self, path: Vec::new(), all: Vec::new(), frozen: Frozen::default() };
        network.visit(&mut found);
        let Collect { all, frozen, .. } = found;
        let parts = || {
            let parts: BTreeSet<&str> = all.iter().filter_map(|path| path.split('.').next()).collect();
            parts.into_iter().collect::<Vec<_>>().join(", ")
        };
        for pattern in &self.patterns {
            if !all.iter().any(|path| matches(pattern, path)) {
                let accepted = format!("the path of a parameter, or the beginning of one, in {}", parts());
                return Err(ModelError::range("freeze", format!("\"{pattern}\""), accepted));
            }
        }
        let trains = |path: &String| !self.matches(path) && !is_running(path);
        if !all.iter().any(trains) {
            let accepted = format!("what leaves some of {} to train", parts());
            return Err(ModelError::range("freeze", self.patterns.join(", "), accepted));
        }
        Ok(frozen)
    }
}

fn is_running(path: &str) -> bool {
    path.rsplit('.').next().is_some_and(|last| last.starts_with("running_"))
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('.');
    pattern.split('.').all(|p| segments.next().is_some_and(|s| segment_matches(p, s)))
}

/// `*` stands for any characters.
fn segment_matches(pattern: &str, segment: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| segment.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// The frozen parameters of one network, from [`Freeze::of`].
#[derive(Debug, Default)]
pub struct Frozen {
    /// Parameters and running statistics, in the network's order.
    paths: Vec<String>,
    /// Also the switches of the layers that are frozen as a whole.
    switches: Vec<String>,
    values: TensorContainer<String>,
}

impl Frozen {
    /// The paths that are frozen, in the network's order.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Tells burn that the parameters are not trained: no gradients are computed for them, and a dropout or a batch
    /// norm that a pattern covers as a whole works as in inference, so its statistics stand still.
    ///
    /// Saves time; [`Frozen::apply`] and [`Frozen::restore`] give the guarantee with it or without.
    pub fn freeze<M: Module>(&self, network: M) -> M {
        if self.paths.is_empty() {
            return network;
        }
        network
            .freeze_group(ParamGroup::from_paths(self.paths.iter().chain(&self.switches).cloned().collect()))
    }

    /// Drops the gradients of the frozen parameters, so that no optimiser moves them or keeps a state for them.
    pub fn apply<M: Module>(&self, gradients: &mut GradientsParams, network: &M) {
        if !self.paths.is_empty() {
            network.visit(&mut DropGradients { frozen: self, path: Vec::new(), gradients });
        }
    }

    /// Puts the values back that the frozen parameters and running statistics had. To be called after each step
    /// of the optimiser, from the thread that steps. Identities are kept, so an optimiser's state stays right.
    pub fn restore<M: Module>(&self, network: M) -> M {
        if self.paths.is_empty() {
            return network;
        }
        // As in `Freeze::of`: an update held back would come after what is restored here.
        drop(network.valid());
        network.map(&mut Restore { frozen: self, path: Vec::new() })
    }
}

macro_rules! follow_path {
    () => {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
    };
}

struct Collect<'a> {
    freeze: &'a Freeze,
    path: Vec<String>,
    all: Vec<String>,
    frozen: Frozen,
}

impl ModuleVisitor for Collect<'_> {
    follow_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        if self.freeze.matches(&path) {
            self.frozen.values.register(path.clone(), param.val().detach());
            self.frozen.paths.push(path.clone());
        }
        self.all.push(path);
    }

    fn visit_flag(&mut self, _flag: &Param<Flag>) {
        let path = self.path.join(".");
        if self.freeze.matches(&path) {
            self.frozen.switches.push(path);
        }
    }
}

struct DropGradients<'a> {
    frozen: &'a Frozen,
    path: Vec<String>,
    gradients: &'a mut GradientsParams,
}

impl ModuleVisitor for DropGradients<'_> {
    follow_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.frozen.values.get::<Tensor<D>>(&self.path.join(".")).is_some() {
            self.gradients.remove::<D>(param.id);
        }
    }
}

struct Restore<'a> {
    frozen: &'a Frozen,
    path: Vec<String>,
}

impl ModuleMapper for Restore<'_> {
    follow_path!();

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(saved) = self.frozen.values.get::<Tensor<D>>(&self.path.join(".")) else {
            return param;
        };
        param.map(|now| {
            let saved = saved.to_device(&now.device());
            if now.is_autodiff() {
                saved.autodiff().detach().set_require_grad(now.is_require_grad())
            } else {
                saved.without_autodiff()
            }
        })
    }
}
