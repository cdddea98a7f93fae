//! Scores, piano rolls, tokenizers and metrics for symbolic music.
//!
//! This crate is the ground that the rest of deepcompose stands on. It reads and writes no files,
//! runs no networks and draws no random numbers: it holds music as values that are always valid,
//! and turns one form of it into another.
//!
//! # A tour
//!
//! A [`Score`] is tracks of notes in ticks, with a tempo map, time signatures and key signatures. A
//! [`PianoRoll`] is the same music on a grid, onsets apart from sounding cells. A [`Tokenizer`]
//! writes it as a sequence of tokens and reads any sequence back.
//!
//! ```
//! use deepcompose_core::metrics::Metrics;
//! use deepcompose_core::{
//!     InputTrack, PerformanceClock, PerformanceTokenizer, PianoRoll, StepsPerBeat, Tokenizer, Velocity,
//! };
//!
//! let score = InputTrack::FrereJacques.score();
//! let end = score.end();
//! assert_eq!(score.bars().take_while(|bar| bar.start < end).count(), 8);
//!
//! // On a grid of sixteenths, and back.
//! let roll = PianoRoll::from_score(&score, StepsPerBeat::DEFAULT)?;
//! assert_eq!(roll.steps(), 8 * 16);
//! let notes = roll.to_notes(score.ticks_per_quarter(), Velocity::DEFAULT);
//! assert_eq!(notes, score.tracks()[0].notes());
//!
//! // As tokens, and back: the same 32 notes.
//! let tokenizer = PerformanceTokenizer::new(PerformanceClock::Metric);
//! let decoded = tokenizer.decode(&tokenizer.encode(&score));
//! assert!(decoded.repairs.is_clean());
//! assert_eq!(decoded.score.note_count(), 32);
//!
//! // What there is to say about it.
//! let metrics = Metrics::of(&score);
//! assert_eq!(metrics.in_scale_rate, Some(1.0));
//! println!("{roll}");
//! # Ok::<(), deepcompose_core::ScoreError>(())
//! ```
//!
//! # What is here
//!
//! | | |
//! |---|---|
//! | [`Score`], [`Track`], [`Note`] | music in ticks, with [`TempoMap`], [`TimeSignature`], [`KeySignature`], [`ControlChange`], [`PitchBend`], [`Pressure`], [`Text`] and [`RawEvent`] |
//! | [`Pitch`], [`Velocity`], [`Tick`], [`Program`], … | the small integers of music, each with its range |
//! | [`MeterMap`], [`Bar`], [`Beat`], [`Position`] | bars and beats under any metre, and where a tick is among them |
//! | [`PianoRoll`], [`VelocityRoll`], [`MultiRoll`] | steps × 128 pitches on `ndarray`, at any [`StepsPerBeat`]: onsets and sounding cells (also as text), velocities, a roll a track; and back to notes |
//! | [`ops`] | operations on scores: see below |
//! | [`tokenizer`] | [`MusicTokenizer`] (REMI, TSD, MIDI-Like, Structured, with MidiTok's configuration files and token ids), [`PerformanceTokenizer`] (310 tokens, on a clock of seconds or of beats), [`SatbTokenizer`] (four voices on a sixteenth grid), and with the feature `bpe` byte pairs on top |
//! | [`metrics`] | pitch, scale, bar, polyphony, groove, density and tonal measures |
//! | [`editing`] | note edits, edit lists and a history with undo and redo |
//! | [`rhythm`] | rhythm assist: a freely played melody put on the grid, its tempo found |
//! | [`augment`] | transposition, time stretch, velocity |
//! | [`melody_track`] | which track is the melody |
//! | [`Chord`], [`ChordSheet`] | major and minor triads, which of them sounds, and those of a song as text |
//! | [`InputTrack`] | twelve public-domain tunes to start from |
//!
//! # Operations
//!
//! Methods that leave the score as it is and give another; all that has a time goes along with the notes.
//!
//! | to | use |
//! |---|---|
//! | cut, trim, pad, join | [`Score::slice`] (by ticks, [bars](Score::slice_bars), [beats](Score::slice_beats), [seconds](Score::slice_seconds)), [`trim`](Score::trim), [`pad`](Score::pad), [`join`](Score::join) |
//! | transpose, quantise | [`Score::transpose`], [`quantise`](Score::quantise) |
//! | other ticks, other tempos | [`Score::resample`], [`scale_tempo`](Score::scale_tempo), [`retime`](Score::retime), [`align_to_beats`](Score::align_to_beats) |
//! | merge and order tracks | [`Score::merge_tracks`], [`merge_same_programs`](Score::merge_same_programs), [`sort_tracks`](Score::sort_tracks), [`without_empty_tracks`](Score::without_empty_tracks) |
//! | split a track | [`Track::split_hands`], [`split_voices`](Track::split_voices), [`split_at_pitch`](Track::split_at_pitch), [`split_drums`](Track::split_drums) |
//! | mend notes | [`Track::without_duplicates`], [`resolve_overlaps`](Track::resolve_overlaps) |
//! | edit notes, with undo | [`editing::History`] |
//! | put a recording on the grid | [`rhythm::RhythmAssist`] |
//!
//! # Defaults
//!
//! | what | value |
//! |---|---|
//! | resolution | 480 ticks a quarter note |
//! | tempo, metre where none is given | 120 quarter notes a minute, 4/4 |
//! | velocity of notes that have none | 80 |
//! | grid of a piano roll | 4 steps a beat; a beat is a quarter note whatever the metre |
//!
//! # Limits
//!
//! | what | limit | past it |
//! |---|---|---|
//! | a tick, and so the length of a score | 2²⁸ − 1 | [`ScoreError::OutOfRange`]; sums saturate |
//! | steps of a piano roll | [`PianoRoll::MAX_STEPS`] = 2¹⁸ (64 MiB) | [`ScoreError::Limit`] |
//! | tracks × steps of a [`MultiRoll`] | [`MultiRoll::MAX_ROWS`] = 2¹⁹ (128 MiB) | [`ScoreError::Limit`] |
//! | notes at once, for [`Track::split_voices`] | 32 | [`ScoreError::Limit`] |
//! | bars of a [`ChordSheet`] | [`ChordSheet::MAX_BARS`] = 8192 | [`ChordSheetError::Limit`] |
//! | tokens of a performance | [`PerformanceTokenizer::MAX_TOKENS`] = 2²² | notes left out, counted in [`EncodeReport`] |
//! | tokens of a [`MusicTokenizer`] | [`MusicTokenizer::MAX_TOKENS`] = 2²² | notes left out, counted in [`EncodeReport`] |
//! | steps of an SATB sequence | [`SatbTokenizer::MAX_STEPS`] = 2¹⁸ | notes left out, counted in [`EncodeReport`] |
//!
//! # Input safety
//!
//! No function panics, whatever its arguments; what cannot be done is a [`ScoreError`] (or, of a text, an
//! [`UnknownChord`], [`ChordSheetError`] or [`UnknownInputTrack`]) that names the field, the value and what is
//! accepted. A [`Score`] cannot be put into a state that a Standard MIDI File could not hold: constructors check,
//! lists are kept in order, and values read through `serde` pass the same checks. It is left to the writer of a file
//! to refuse more tracks than its header can count, a [track's name](Track::name) of more than 2²⁸ − 1 bytes, and a
//! track of more than 2³² − 1 bytes in all. Decoding tokens never fails: each repair is counted in a
//! [`DecodeReport`]. Memory grows with the number of notes and with the limits above, never with the distance between
//! two notes. Time can: measures that go bar by bar or beat by beat visit every bar of the score, at most 2²⁸ of the
//! shortest.

pub mod augment;
mod chord;
pub mod editing;
mod error;
mod input_tracks;
mod melody;
mod meter;
pub mod metrics;
pub mod ops;
pub mod rhythm;
mod roll;
mod score;
mod tempo;
pub mod tokenizer;
mod units;

pub use chord::{Chord, ChordSheet, ChordSheetError, UnknownChord};
pub use error::ScoreError;
pub use input_tracks::{InputTrack, UnknownInputTrack};
pub use melody::melody_track;
pub use meter::{Bar, Beat, KeySignature, MeterMap, Mode, Position, TimeSignature};
pub use roll::{MultiRoll, Parts, PianoRoll, VelocityRoll};
pub use score::{
    At, ControlChange, Note, PitchBend, Pressure, RawEvent, RawKind, Score, Text, TextKind, Track,
};
pub use tempo::{Tempo, TempoMap};
pub use tokenizer::{
    DecodeReport, Decoded, EncodeReport, MusicTokenizer, PerformanceClock, PerformanceEvent,
    PerformanceTokenizer, SatbTokenizer, TokenId, TokenType, Tokenization, Tokenizer, TokenizerConfig,
    TokenizerError, Voices,
};
pub use units::{Pitch, Program, StepsPerBeat, Tick, TicksPerQuarter, Velocity};
