//! The three ways to cut a distribution before drawing from it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::SamplerError;

/// Which candidates a [`TokenSampler`](crate::TokenSampler) keeps before it draws.
///
/// As text and in serde: `top-k`, `nucleus`, `random`. [`FromStr`] also takes the console's
/// `TopK`, `Nucleus`, `Random`: case, hyphens, underscores and spaces are not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SamplingTechnique {
    /// The ⌈threshold × candidates⌉ most probable (Fan et al. 2018, section 5.1, with k as a
    /// fraction).
    TopK,
    /// The smallest set of most probable candidates whose probabilities add up to the threshold
    /// or more (Holtzman et al. 2020, section 3.1).
    Nucleus,
    /// All of them; the threshold is ignored.
    Random,
}

impl SamplingTechnique {
    /// Every technique.
    pub const ALL: [Self; 3] = [Self::TopK, Self::Nucleus, Self::Random];

    /// The name used as text and in serde.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TopK => "top-k",
            Self::Nucleus => "nucleus",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for SamplingTechnique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SamplingTechnique {
    type Err = SamplerError;

    fn from_str(name: &str) -> Result<Self, SamplerError> {
        let letters = |text: &str| -> String {
            text.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
        };
        let wanted = letters(name);
        Self::ALL
            .into_iter()
            .find(|technique| letters(technique.name()) == wanted)
            .ok_or_else(|| SamplerError::UnknownTechnique { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for technique in SamplingTechnique::ALL {
            assert_eq!(technique.to_string().parse(), Ok(technique));
            let json = serde_json::to_string(&technique).unwrap();
            assert_eq!(json, format!("\"{technique}\""));
            assert_eq!(serde_json::from_str::<SamplingTechnique>(&json).unwrap(), technique);
        }
        for (name, technique) in [
            ("TopK", SamplingTechnique::TopK),
            ("top_k", SamplingTechnique::TopK),
            ("NUCLEUS", SamplingTechnique::Nucleus),
            ("Random", SamplingTechnique::Random),
        ] {
            assert_eq!(name.parse(), Ok(technique));
        }
    }

    #[test]
    fn an_unknown_name_is_quoted_in_the_error() {
        let error = "beam".parse::<SamplingTechnique>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown sampling technique \"beam\": top-k, nucleus or random is accepted"
        );
        assert!("".parse::<SamplingTechnique>().is_err());
    }
}
