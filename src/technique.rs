//! [`Technique`]: one of the three, as a value.

use deepcompose_models::compose::{ArCnnParams, GanParams, TransformerParams};
use serde::{Deserialize, Serialize};

/// A technique with its parameters, so that a preset is one JSON or TOML value.
///
/// ```
/// use deepcompose::Technique;
///
/// let preset = r#"{ "technique": "ar-cnn", "sampling_iterations": 40, "creative_risk": 1.2 }"#;
/// let technique: Technique = serde_json::from_str(preset)?;
/// assert!(matches!(technique, Technique::ArCnn(p) if p.sampling_iterations == 40));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "technique", rename_all = "kebab-case")]
pub enum Technique {
    /// AR-CNN: enhance.
    ArCnn(ArCnnParams),
    /// GAN: accompany.
    Gan(GanParams),
    /// Transformer: extend.
    Transformer(TransformerParams),
}
