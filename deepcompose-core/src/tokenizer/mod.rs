//! Scores as sequences of tokens, and back.
//!
//! | tokenizer | a note is | time is | tokens |
//! |---|---|---|---|
//! | [`MusicTokenizer`], [REMI](Tokenization::Remi) | pitch, velocity, duration | bars and positions | 357 by default |
//! | [`MusicTokenizer`], [TSD](Tokenization::Tsd) | pitch, velocity, duration | time shifts | 324 |
//! | [`MusicTokenizer`], [MIDI-Like](Tokenization::MidiLike) | note-on, velocity, note-off | time shifts | 411 |
//! | [`MusicTokenizer`], [Structured](Tokenization::Structured) | time shift, pitch, velocity, duration | in the note | 316 |
//! | [`PerformanceTokenizer`] | note-on, note-off | time shifts of 10 ms, or of 1/48 of a quarter note | 310 |
//! | [`SatbTokenizer`] | a cell of one of four voices | the place in the sequence | 131 |
//! | `BytePairTokenizer` (feature `bpe`) | several tokens of a [`MusicTokenizer`] | as there | as many as were learnt |
//!
//! # Options, files and ids of MidiTok
//!
//! A [`TokenizerConfig`] has the options of MidiTok 3's class of that name. [`MusicTokenizer::from_json`] reads the
//! `tokenizer.json` that MidiTok saves, and [`to_json`](MusicTokenizer::to_json) writes one; the token ids are MidiTok's. An
//! option that is out of range, or would change ids and is not done here, is a [`TokenizerError`] that names it.
//!
//! ```
//! use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
//! use deepcompose_core::{InputTrack, Tokenizer};
//!
//! let tokenizer = MusicTokenizer::new(Tokenization::Remi, TokenizerConfig::default())?;
//! let tokens = tokenizer.encode(&InputTrack::FrereJacques.score());
//! let again = MusicTokenizer::from_json(&tokenizer.to_json())?;
//! assert_eq!(again.decode(&tokens).score.note_count(), 32);
//!
//! // Any ids decode; what is wrong with them is counted by kind.
//! let nonsense = [300, 7, 7, 999_999, 0];
//! let decoded = tokenizer.decode(&nonsense);
//! assert!(tokenizer.token_errors(&nonsense).total() > 0 && !decoded.repairs.is_clean());
//!
//! // A model that draws only what the grammar allows makes no such errors.
//! let mut grammar = tokenizer.grammar();
//! tokens.iter().for_each(|token| {
//!     assert!(grammar.allows(*token));
//!     grammar.observe(*token);
//! });
//! # Ok::<(), deepcompose_core::tokenizer::TokenizerError>(())
//! ```
//!
//! With the feature `bpe`, `BytePairTokenizer` learns byte pairs on top through Hugging Face's `tokenizers`; its files, too, are
//! MidiTok's.

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
///   change the order of what happens at one time. (An exception, as in MidiTok: with chords, MIDI-Like
///   puts the note-off of a note without length before its note-on.)
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
