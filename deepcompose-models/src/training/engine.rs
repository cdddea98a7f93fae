//! [`GradientEngine`]: how gradients are computed.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// How gradients are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GradientEngine {
    /// [`Fused`](Self::Fused) on the CPU, [`Autodiff`](Self::Autodiff) on any other device.
    #[default]
    Auto,
    /// A pass written by hand, on the CPU: several times faster there.
    Fused,
    /// burn's recorded differentiation: for GPU devices.
    Autodiff,
}

impl GradientEngine {
    /// Whether gradients of a network on `device` are computed by hand.
    pub(crate) fn is_fused(self, device: &Device) -> bool {
        match self {
            Self::Fused => true,
            Self::Autodiff => false,
            Self::Auto => device.clone().inner() == Device::flex(),
        }
    }
}
