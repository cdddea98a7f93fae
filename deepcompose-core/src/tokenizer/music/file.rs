//! `tokenizer.json`, as MidiTok 3 writes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file_config::FileConfig;
use super::ordered::Ordered;
use super::{MusicTokenizer, Tokenization, TokenizerError};

/// The file. A trained tokenizer has its base vocabulary and the model of Hugging Face's `tokenizers` beside the
/// configuration.
#[derive(Debug, Serialize, Deserialize)]
struct TokenizerFile {
    config: FileConfig,
    tokenization: String,
    #[serde(default, skip_deserializing)]
    miditok_version: String,
    #[serde(flatten)]
    others: Ordered<Value>,
}

/// The version of MidiTok that this follows.
const MIDITOK_VERSION: &str = "3.1.0";

impl MusicTokenizer {
    /// Reads a tokenizer from the text of a `tokenizer.json` as MidiTok's `save_pretrained` writes it.
    ///
    /// ```
    /// use deepcompose_core::Tokenizer;
    /// use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
    ///
    /// let tokenizer = MusicTokenizer::new(Tokenization::Tsd, TokenizerConfig::default())?;
    /// let again = MusicTokenizer::from_json(&tokenizer.to_json())?;
    /// assert_eq!(again, tokenizer);
    /// # Ok::<(), deepcompose_core::tokenizer::TokenizerError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TokenizerError::Malformed`] if the text is not such a file, [`TokenizerError::Unsupported`] for a
    /// tokenization, an option or a model that is not done here, and the errors of [`MusicTokenizer::new`].
    pub fn from_json(json: &str) -> Result<Self, TokenizerError> {
        let (tokenizer, others) = Self::read_json(json)?;
        match others.first() {
            None => Ok(tokenizer),
            Some((field, value)) => Err(TokenizerError::Unsupported {
                field: field.clone(),
                value: shortened(value),
                accepted: "a tokenizer that has not been trained (BytePairTokenizer reads others)",
            }),
        }
    }

    /// The tokenizer, and the members of the file that do not belong to it.
    pub(super) fn read_json(json: &str) -> Result<(Self, Vec<(String, Value)>), TokenizerError> {
        let mut file: TokenizerFile = serde_json::from_str(json).map_err(|e| TokenizerError::Malformed {
            line: e.line(),
            column: e.column(),
            message: e.to_string(),
        })?;
        let is_version =
            |name: &str| matches!(name, "miditok_version" | "symusic_version" | "hf_tokenizers_version");
        file.others.0.retain(|(name, _)| !is_version(name));
        let tokenization = Tokenization::ALL.into_iter().find(|t| t.name() == file.tokenization);
        let tokenization = tokenization.ok_or_else(|| TokenizerError::Unsupported {
            field: "tokenization".to_owned(),
            value: file.tokenization.clone(),
            accepted: "REMI, TSD, MIDILike or Structured",
        })?;
        Ok((Self::new(tokenization, file.config.into_config()?)?, file.others.0))
    }

    /// The text of a `tokenizer.json` that MidiTok 3 and [`MusicTokenizer::from_json`] read.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.json_with(Vec::new())
    }

    /// The text of a file with further members.
    pub(super) fn json_with(&self, others: Vec<(String, Value)>) -> String {
        let file = TokenizerFile {
            config: FileConfig::new(self.config(), self.tokenization()),
            tokenization: self.tokenization().name().to_owned(),
            miditok_version: MIDITOK_VERSION.to_owned(),
            others: Ordered(others),
        };
        let mut text = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
        // Writing strings and numbers to memory does not fail.
        if file.serialize(&mut serializer).is_err() {
            return String::new();
        }
        String::from_utf8(text).unwrap_or_default()
    }
}

/// The first characters of a value.
fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
