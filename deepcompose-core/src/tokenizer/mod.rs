//! Scores as sequences of tokens, and back.

#[cfg(feature = "bpe")]
mod byte_pair;
mod performance;
mod performance_event;
mod report;
mod satb;

#[cfg(feature = "bpe")]
pub use byte_pair::{BytePairEncoding, BytePairError, BytePairOptions};
pub use performance::{PerformanceClock, PerformanceTokenizer};
pub use performance_event::PerformanceEvent;
pub use report::{DecodeReport, EncodeReport};
pub use satb::{SatbTokenizer, Voices};

use crate::score::Score;

/// A token: its place in a vocabulary, from zero.
pub type TokenId = u32;

/// What kind of thing a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// A note begins.
    NoteOn,
    /// A note ends.
    NoteOff,
    /// Time passes.
    TimeShift,
    /// The velocity of the notes that follow.
    Velocity,
    /// A voice sounds a pitch.
    Pitch,
    /// A voice rests.
    Rest,
    /// A piece begins.
    Start,
    /// Nothing: fills a sequence up to a length.
    Pad,
}

impl TokenType {
    /// Every type.
    pub const ALL: [Self; 8] = [
        Self::NoteOn,
        Self::NoteOff,
        Self::TimeShift,
        Self::Velocity,
        Self::Pitch,
        Self::Rest,
        Self::Start,
        Self::Pad,
    ];
}

/// What a token sequence said, and what had to be mended to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The music.
    pub score: Score,
    /// How often each kind of repair was needed.
    pub repairs: DecodeReport,
}

/// A way to write scores as tokens.
///
/// What every implementation keeps to, and what its tests hold:
///
/// - Ids are `0..vocabulary_size()`, each with a name and a type.
/// - [`encode`](Self::encode) gives only sequences whose neighbours the token-type graph
///   [`may_follow`](Self::may_follow) allows.
/// - [`decode`](Self::decode) takes any sequence of ids whatever. What makes no sense is mended or
///   skipped, and counted.
/// - Encoding what was decoded from an encoding gives that encoding again.
pub trait Tokenizer {
    /// How many tokens there are.
    fn vocabulary_size(&self) -> usize;

    /// The tokens of a score, the start token first.
    fn encode(&self, score: &Score) -> Vec<TokenId>;

    /// The score that the tokens say. Never fails.
    fn decode(&self, tokens: &[TokenId]) -> Decoded;

    /// A token's name, such as `NOTE_ON_60`; `None` outside the vocabulary.
    fn token_name(&self, token: TokenId) -> Option<String>;

    /// A token's type; `None` outside the vocabulary.
    fn token_type(&self, token: TokenId) -> Option<TokenType>;

    /// Whether a token of type `after` may come directly after one of type `before`: the
    /// token-type graph. It speaks of types only, so it is necessary, not sufficient: whether a
    /// note-off has a note to end is for the decoder, or a sampler's constraint, to know.
    fn may_follow(&self, before: TokenType, after: TokenType) -> bool;
}
