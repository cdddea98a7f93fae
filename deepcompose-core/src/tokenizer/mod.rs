//! Scores as sequences of tokens, and back.

#[cfg(feature = "bpe")]
mod byte_pair;
mod music;
mod performance;
mod performance_event;
mod report;
mod satb;

#[cfg(feature = "bpe")]
pub use byte_pair::{BytePairEncoding, BytePairError, BytePairOptions};
#[cfg(feature = "bpe")]
pub use music::BytePairTokenizer;
pub use music::{
    AttributeControls, BeatResolution, DRUMS, Encoding, Grammar, IdsSplit, MusicTokenizer, ProgramId,
    TokenErrors, Tokenization, TokenizerConfig, TokenizerError,
};
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
    /// The velocity of the notes that follow, or of the note that this token is of.
    Velocity,
    /// A voice, or a note, sounds a pitch.
    Pitch,
    /// A voice rests; or time passes in which no note sounds.
    Rest,
    /// A piece begins.
    Start,
    /// Nothing: fills a sequence up to a length.
    Pad,
    /// A bar begins, or ends.
    Bar,
    /// Where in the bar: so many positions from its beginning.
    Position,
    /// The length of the note, or the stretch of pedal, that this token is of.
    Duration,
    /// The program of what follows.
    Program,
    /// The tempo from here on.
    Tempo,
    /// The time signature from here on.
    TimeSignature,
    /// The key signature from here on.
    KeySignature,
    /// The notes that follow are a chord.
    Chord,
    /// The sustain pedal is pressed.
    Pedal,
    /// The sustain pedal is lifted.
    PedalOff,
    /// The pitch is bent.
    PitchBend,
    /// A controller is set.
    ControlChange,
    /// A note as far from the one at the onset before.
    PitchIntervalTime,
    /// A note as far from the one before at the same onset.
    PitchIntervalChord,
    /// A drum sounds.
    PitchDrum,
    /// A drum's note begins.
    DrumOn,
    /// A drum's note ends.
    DrumOff,
    /// A piece ends.
    End,
    /// Something that is to be guessed.
    Mask,
    /// Whatever a user makes of it.
    Special,
}

impl TokenType {
    /// Every type.
    pub const ALL: [Self; 28] = [
        Self::NoteOn,
        Self::NoteOff,
        Self::TimeShift,
        Self::Velocity,
        Self::Pitch,
        Self::Rest,
        Self::Start,
        Self::Pad,
        Self::Bar,
        Self::Position,
        Self::Duration,
        Self::Program,
        Self::Tempo,
        Self::TimeSignature,
        Self::KeySignature,
        Self::Chord,
        Self::Pedal,
        Self::PedalOff,
        Self::PitchBend,
        Self::ControlChange,
        Self::PitchIntervalTime,
        Self::PitchIntervalChord,
        Self::PitchDrum,
        Self::DrumOn,
        Self::DrumOff,
        Self::End,
        Self::Mask,
        Self::Special,
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
///   [`may_follow`](Self::may_follow) allows. (The graph of a [`MusicTokenizer`] is MidiTok's, which
///   its own sequences leave in places; see there.)
/// - [`decode`](Self::decode) takes any sequence of ids whatever. What makes no sense is mended or
///   skipped, and counted.
/// - Encoding what was decoded from an encoding gives that encoding again; [`MusicTokenizer`] may
///   change the order of what happens at one time.
pub trait Tokenizer {
    /// How many tokens there are.
    fn vocabulary_size(&self) -> usize;

    /// The tokens of a score, the start token first if encoding gives one.
    fn encode(&self, score: &Score) -> Vec<TokenId>;

    /// The score that the tokens say. Never fails.
    fn decode(&self, tokens: &[TokenId]) -> Decoded;

    /// The sequences of a score: one, unless the tokenizer writes a sequence for each track. Then
    /// [`encode`](Self::encode) gives the first of them.
    fn encode_tracks(&self, score: &Score) -> Vec<Vec<TokenId>> {
        vec![self.encode(score)]
    }

    /// The score that such sequences say. Never fails. Unless the tokenizer writes a sequence for each track,
    /// only the first is read.
    fn decode_tracks(&self, sequences: &[Vec<TokenId>]) -> Decoded {
        self.decode(sequences.first().map_or(&[], Vec::as_slice))
    }

    /// A token's name, such as `NOTE_ON_60`; `None` outside the vocabulary.
    fn token_name(&self, token: TokenId) -> Option<String>;

    /// A token's type; `None` outside the vocabulary.
    fn token_type(&self, token: TokenId) -> Option<TokenType>;

    /// Whether a token of type `after` may come directly after one of type `before`: the
    /// token-type graph. It speaks of types only, so it is necessary, not sufficient: whether a
    /// note-off has a note to end is for the decoder, or a sampler's constraint, to know.
    fn may_follow(&self, before: TokenType, after: TokenType) -> bool;
}
