//! [`TrainConfig`]: a whole run as one TOML or JSON file.

use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::RunSettings;
use crate::error::WeightsError;
use crate::weights::write_atomically;

/// Files larger than this are refused: 1 MiB.
const MAX_BYTES: u64 = 1 << 20;

/// Everything that a run is made of but its data: the network, how it is trained, and how the run is kept.
///
/// In a file these are the tables `model`, `training` and `run`; what is left out has its default, and a key that is
/// not known is refused. The values are checked when a trainer is made from them.
///
/// ```
/// use deepcompose_models::ar_cnn::ArCnnTrainConfig;
///
/// let config = ArCnnTrainConfig::from_toml("[training]\nbatch_size = 8\n")?;
/// assert_eq!(config.training.batch_size, 8);
/// assert_eq!(ArCnnTrainConfig::from_toml(&config.to_toml()?)?, config);
/// assert!(ArCnnTrainConfig::from_toml("[training]\nbatchsize = 8\n").is_err());
/// # Ok::<(), deepcompose_models::training::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(deserialize = "M: DeserializeOwned + Default, T: DeserializeOwned + Default")
)]
pub struct TrainConfig<M, T> {
    /// The network.
    pub model: M,
    /// How it is trained.
    pub training: T,
    /// How the run validates and saves.
    pub run: RunSettings,
}

/// A configuration file that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not the TOML or JSON of such a configuration: a syntax error, an unknown key, a value of another
    /// type or out of range. The reason gives line and column.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file, or `configuration` for text.
        path: String,
        /// What is wrong and where.
        reason: String,
    },
    /// The name of the file ends in neither `.toml` nor `.json`.
    #[error("{path}: a configuration is a .toml or a .json file")]
    Unsupported {
        /// The file.
        path: String,
    },
    /// The file is too large to be a configuration.
    #[error("{path}: {bytes} bytes are over the limit of {limit}")]
    Limit {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
        /// The largest size read.
        limit: u64,
    },
}

fn malformed(path: &str, reason: impl std::fmt::Display) -> ConfigError {
    ConfigError::Malformed { path: path.to_owned(), reason: reason.to_string().trim_end().to_owned() }
}

impl<M, T> TrainConfig<M, T>
where
    M: Serialize + DeserializeOwned + Default,
    T: Serialize + DeserializeOwned + Default,
{
    /// Reads TOML.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Malformed`].
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|e| malformed("configuration", e))
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Malformed`].
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        serde_json::from_str(text).map_err(|e| malformed("configuration", e))
    }

    /// Writes TOML, every field.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Malformed`] for a value that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|e| malformed("configuration", e))
    }

    /// Writes JSON, every field.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Malformed`] for a value that JSON cannot hold.
    pub fn to_json(&self) -> Result<String, ConfigError> {
        serde_json::to_string_pretty(self).map_err(|e| malformed("configuration", e))
    }

    /// Reads a `.toml` or a `.json` file of at most 1 MiB.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let form = Form::of(path)?;
        let io = |source| ConfigError::Io { path: name.clone(), source };
        let file = std::fs::File::open(path).map_err(io)?;
        let known = file.metadata().map_err(io)?.len();
        // What is no regular file has no size that could be known before.
        let mut text = String::new();
        if known <= MAX_BYTES {
            file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(io)?;
        }
        let bytes = known.max(text.len() as u64);
        if bytes > MAX_BYTES {
            return Err(ConfigError::Limit { path: name, bytes, limit: MAX_BYTES });
        }
        match form {
            Form::Toml => toml::from_str(&text).map_err(|e| malformed(&name, e)),
            Form::Json => serde_json::from_str(&text).map_err(|e| malformed(&name, e)),
        }
    }

    /// Writes a `.toml` or a `.json` file, all or nothing.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ConfigError> {
        let path = path.as_ref();
        let text = match Form::of(path)? {
            Form::Toml => self.to_toml()?,
            Form::Json => self.to_json()?,
        };
        write_atomically(path, text.as_bytes()).map_err(|e| match e {
            WeightsError::Io { path, source } => ConfigError::Io { path, source },
            other => malformed(&path.display().to_string(), other),
        })
    }
}

enum Form {
    Toml,
    Json,
}

impl Form {
    fn of(path: &Path) -> Result<Self, ConfigError> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("toml") => Ok(Self::Toml),
            Some("json") => Ok(Self::Json),
            _ => Err(ConfigError::Unsupported { path: path.display().to_string() }),
        }
    }
}
