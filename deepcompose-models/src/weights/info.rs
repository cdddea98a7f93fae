//! [`Info`]: what a weights file says of itself.

use std::path::Path;

use safetensors::Dtype;
use serde::Serialize;

use super::codec::{self, Entry};
use super::files::read_limited;
use super::format::{Contents, Format};
use super::{Model, Precision};
use crate::error::WeightsError;

/// What a weights file says of itself, read without building a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Info {
    /// The container.
    pub format: Format,
    /// Which network it holds: [`Model::KIND`].
    pub model: String,
    /// The network's configuration, as JSON.
    pub config: String,
    /// How the large tensors are kept.
    pub precision: Precision,
    /// How many numbers the network has, running statistics included, scales not.
    pub parameters: usize,
    /// The names of the tokens in order of their ids, for a network of tokens.
    pub vocabulary: Option<Vec<String>>,
    /// SHA-256 of the tensors, in hex. The same in both formats.
    pub sha256: String,
    /// Size of the file.
    pub bytes: u64,
}

impl Info {
    /// Whether the file holds an `M`.
    ///
    /// ```
    /// # #[cfg(feature = "pretrained")] {
    /// use deepcompose_models::{ar_cnn::ArCnn, gan::Generator, pretrained, weights};
    ///
    /// let info = weights::inspect_bytes(pretrained::AR_CNN)?;
    /// assert!(info.holds::<ArCnn>() && !info.holds::<Generator>());
    /// # }
    /// # Ok::<(), deepcompose_models::WeightsError>(())
    /// ```
    #[must_use]
    pub fn holds<M: Model>(&self) -> bool {
        self.model == M::KIND
    }
}

/// What a weights file says of itself; its hashes are checked.
///
/// # Errors
///
/// [`WeightsError::Io`], [`WeightsError::Limit`] over [`MAX_BYTES`](super::MAX_BYTES),
/// [`WeightsError::Malformed`] for a file that is damaged or no weights file, [`WeightsError::Unsupported`] for
/// another version.
pub fn inspect(path: impl AsRef<Path>) -> Result<Info, WeightsError> {
    inspect_bytes(&read_limited(path.as_ref())?)
}

/// As [`inspect`], of bytes in memory.
///
/// # Errors
///
/// [`WeightsError::Malformed`] and [`WeightsError::Unsupported`], as [`inspect`].
pub fn inspect_bytes(bytes: &[u8]) -> Result<Info, WeightsError> {
    let contents = Contents::read(bytes, None)?;
    Ok(Info {
        format: Format::of_bytes(bytes),
        model: contents.get("model")?.to_owned(),
        config: contents.get("config")?.to_owned(),
        precision: precision(&contents.entries),
        parameters: codec::count(&contents.entries),
        vocabulary: contents.vocabulary()?,
        sha256: contents.get("sha256")?.to_owned(),
        bytes: bytes.len() as u64,
    })
}

/// The coarsest type there is: [`Precision::Int8`] keeps its small tensors in 16 bits.
fn precision(entries: &[Entry]) -> Precision {
    let any = |dtype| entries.iter().any(|e| e.dtype == dtype);
    if any(Dtype::I8) {
        Precision::Int8
    } else if any(Dtype::F16) {
        Precision::Half
    } else {
        Precision::Full
    }
}
