//! The weights that this project trained, embedded in the library (feature `pretrained`).
//!
//! Each is a weights file ([`crate::weights`]) of this crate's `weights/` folder, beside the model
//! card that names its data, licences, training and measured losses.

use burn::tensor::Device;

use crate::ar_cnn::ArCnn;
use crate::chorale::ChoraleTransformer;
use crate::error::WeightsError;
use crate::gan::Generator;
use crate::transformer::TransformerXl;
use crate::velocity::VelocityNetwork;
use crate::weights;

/// The embedded weights file of the AR-CNN.
pub const AR_CNN: &[u8] = include_bytes!("../weights/ar_cnn.safetensors");

/// The embedded weights file of the chorale Transformer.
pub const CHORALE: &[u8] = include_bytes!("../weights/chorale.safetensors");

/// The embedded weights file of the Transformer.
pub const TRANSFORMER: &[u8] = include_bytes!("../weights/transformer.safetensors");

/// The embedded weights file of the GAN's generator.
pub const GAN: &[u8] = include_bytes!("../weights/gan.safetensors");

/// The embedded weights file of the velocity network.
pub const VELOCITY: &[u8] = include_bytes!("../weights/velocity.safetensors");

/// The AR-CNN, trained on chorales.
///
/// # Errors
///
/// [`WeightsError`] if the device cannot hold it; the embedded bytes themselves are tested.
pub fn ar_cnn(device: &Device) -> Result<ArCnn, WeightsError> {
    weights::from_bytes(AR_CNN, device)
}

/// The chorale Transformer, trained on chorales.
///
/// # Errors
///
/// As [`ar_cnn`].
pub fn chorale(device: &Device) -> Result<ChoraleTransformer, WeightsError> {
    weights::from_bytes(CHORALE, device)
}

/// The Transformer-XL, trained on chorales, songs and folk tunes.
///
/// # Errors
///
/// As [`ar_cnn`].
pub fn transformer(device: &Device) -> Result<TransformerXl, WeightsError> {
    weights::from_bytes(TRANSFORMER, device)
}

/// The GAN's generator, trained on bands and quartets.
///
/// # Errors
///
/// As [`ar_cnn`].
pub fn gan(device: &Device) -> Result<Generator, WeightsError> {
    weights::from_bytes(GAN, device)
}

/// The velocity network, trained on bands.
///
/// # Errors
///
/// As [`ar_cnn`].
pub fn velocity(device: &Device) -> Result<VelocityNetwork, WeightsError> {
    weights::from_bytes(VELOCITY, device)
}
