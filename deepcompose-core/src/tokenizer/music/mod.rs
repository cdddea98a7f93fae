//! REMI, TSD, MIDI-Like and Structured, with the options and the token ids of MidiTok 3.1.

mod bars;
mod check;
mod chord_maps;
mod chords;
mod collect;
mod config;
mod decode;
mod error;
mod errors;
mod events;
mod file;
mod file_config;
mod grammar;
mod graph;
mod graph_durations;
mod graph_note_offs;
mod int_set;
#[cfg(feature = "bpe")]
mod learned;
mod names;
mod ordered;
mod piece;
mod sections;
mod segments;
mod shifts;
mod signatures;
mod structured;
mod tracks;
mod values;
mod vocabulary;
mod writer;

pub use config::{AttributeControls, BeatResolution, DRUMS, IdsSplit, ProgramId, TokenizerConfig};
pub use error::TokenizerError;
pub use errors::TokenErrors;
pub use grammar::Grammar;
#[cfg(feature = "bpe")]
pub use learned::BytePairTokenizer;

use super::{Decoded, EncodeReport, TokenId, TokenType, Tokenizer};
use crate::score::Score;
use events::{Event, EventKind, Maker};
use graph::Graph;
use piece::{GridTrack, Piece};
use vocabulary::{Vocabulary, finest};
use writer::Writer;

/// How time is told and notes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tokenization {
    /// Bars and positions; notes as pitch, velocity, duration. Huang and Yang 2020, *Pop Music Transformer*; with
    /// programs and time signatures the REMI+ of von Rütte et al. 2022, *FIGARO*.
    Remi,
    /// Time shifts; notes as in REMI. Fradet et al. 2023, *Byte Pair Encoding for Symbolic Music*.
    Tsd,
    /// Time shifts; note-ons and note-offs. Oore et al. 2018, *This Time with Feeling*.
    MidiLike,
    /// A time shift, a pitch, a velocity and a duration for every note. Hadjeres and Crestel 2021, *The Piano
    /// Inpainting Application*.
    Structured,
}

impl Tokenization {
    /// Every tokenization.
    pub const ALL: [Self; 4] = [Self::Remi, Self::Tsd, Self::MidiLike, Self::Structured];

    /// MidiTok's name, as in its files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Remi => "REMI",
            Self::Tsd => "TSD",
            Self::MidiLike => "MIDILike",
            Self::Structured => "Structured",
        }
    }

    const fn has_note_offs(self) -> bool {
        matches!(self, Self::MidiLike)
    }
}

impl std::fmt::Display for Tokenization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A tokenizer of the REMI family: the token ids that MidiTok 3.1 gives for the same configuration and the same
/// music.
///
/// A score is put on the tokenizer's grid first: times rounded to the finest resolution, velocities, durations,
/// tempos and bends to the nearest value there is, time signatures moved to bar lines. Tracks of one program are one
/// if all tracks are one sequence. Then the events of a time stand in MidiTok's order. A track without notes has no
/// tokens.
///
/// The token-type graph is MidiTok's, too, and as MidiTok's encodings do, these leave it in places: where a note ends
/// in which another begins (MIDI-Like), at pedals of several programs in one sequence, and at intervals with programs.
/// What [`grammar`](Self::grammar) allows keeps to it.
///
/// Where MidiTok fails, because the vocabulary has not the token it needs, the token is left out.
///
/// ```
/// use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
/// use deepcompose_core::{InputTrack, Tokenizer};
///
/// let config = TokenizerConfig { use_programs: true, ..TokenizerConfig::default() };
/// let tokenizer = MusicTokenizer::new(Tokenization::Remi, config)?;
/// let tokens = tokenizer.encode(&InputTrack::OdeToJoy.score());
/// let names: Vec<_> = tokens.iter().take(7).filter_map(|t| tokenizer.token_name(*t)).collect();
/// assert_eq!(
///     names,
///     ["Bar_None", "TimeSig_4/4", "Position_0", "Program_0", "Pitch_66", "Velocity_79", "Duration_1.0.8"]
/// );
/// # Ok::<(), deepcompose_core::tokenizer::TokenizerError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct MusicTokenizer {
    tokenization: Tokenization,
    config: TokenizerConfig,
    vocabulary: Vocabulary,
    graph: Graph,
}

impl std::fmt::Debug for MusicTokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("MusicTokenizer");
        fields.field("tokenization", &self.tokenization).field("vocabulary_size", &self.vocabulary.len());
        fields.finish_non_exhaustive()
    }
}

/// A sequence of tokens and when each is said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Encoding {
    /// The tokens.
    pub ids: Vec<TokenId>,
    /// The tick of each token on the tokenizer's grid.
    pub ticks: Vec<i64>,
}

impl MusicTokenizer {
    /// The most tokens that encoding gives for one score, over all sequences: 2^22. What would go past the limit
    /// is left out and counted.
    pub const MAX_TOKENS: usize = 1 << 22;

    /// Checks a configuration and builds its vocabulary.
    ///
    /// # Errors
    ///
    /// [`TokenizerError::OutOfRange`], [`TokenizerError::Unsupported`] and [`TokenizerError::Limit`], naming the
    /// field, its value and what is accepted.
    pub fn new(tokenization: Tokenization, config: TokenizerConfig) -> Result<Self, TokenizerError> {
        let config = check::checked(config, tokenization)?;
        let vocabulary = Vocabulary::new(&config, tokenization)?;
        let graph = Graph::new(&config, tokenization, &vocabulary);
        Ok(Self { tokenization, config, vocabulary, graph })
    }

    /// The tokenization.
    #[must_use]
    pub const fn tokenization(&self) -> Tokenization {
        self.tokenization
    }

    /// The configuration as it is in force: options that need others are off without them.
    #[must_use]
    pub const fn config(&self) -> &TokenizerConfig {
        &self.config
    }

    /// The sequences of a score with the times of their tokens, and what they do not say.
    #[must_use]
    pub fn encode_with_report(&self, score: &Score) -> (Vec<Encoding>, EncodeReport) {
        let piece = self.piece(score);
        let (sequences, over_limit) = self.encode_piece(&piece);
        let report = EncodeReport {
            out_of_range: piece.left_out.out_of_range,
            drums: piece.left_out.drums,
            other_tracks: piece.left_out.other_programs,
            doubled: piece.left_out.doubled,
            over_limit,
            ..EncodeReport::default()
        };
        (sequences, report)
    }

    fn piece(&self, score: &Score) -> Piece {
        Piece::new(score, &self.config, &self.vocabulary.values, self.tokenization.has_note_offs())
    }

    /// The sequences of a piece, and how many notes had no room in them.
    fn encode_piece(&self, piece: &Piece) -> (Vec<Encoding>, usize) {
        let mut over_limit = 0;
        let mut room = Self::MAX_TOKENS;
        let mut sequences = Vec::new();
        let mut encode = |tracks: &[GridTrack]| {
            let (encoding, left_out) = self.sequence(tracks, piece, room);
            room = room.saturating_sub(encoding.ids.len());
            over_limit += left_out;
            sequences.push(encoding);
        };
        if self.config.one_token_stream_for_programs || piece.tracks.is_empty() {
            encode(&piece.tracks);
        } else {
            piece.tracks.iter().for_each(|track| encode(std::slice::from_ref(track)));
        }
        (sequences, over_limit)
    }

    /// One sequence, and how many notes had no room in it.
    fn sequence(&self, tracks: &[GridTrack], piece: &Piece, room: usize) -> (Encoding, usize) {
        if self.tokenization == Tokenization::Structured {
            let notes: usize = tracks.iter().map(|t| t.notes.len()).sum();
            let mut out = Writer::new(3 * notes, room);
            let left = structured::write_structured(tracks, piece, &self.config, &self.vocabulary, &mut out);
            return (Encoding { ids: out.ids, ticks: out.ticks }, left);
        }
        let events = self.events(tracks, piece);
        let mut out = Writer::new(events.len(), room);
        let (config, vocabulary) = (&self.config, &self.vocabulary);
        if let Some(track) =
            tracks.first().filter(|_| config.program_changes && !config.one_token_stream_for_programs)
        {
            if room == 0 {
                return (Encoding::default(), self.notes_lost(&events));
            }
            out.push(vocabulary.programs.id(track.program), 0);
        }
        let ticks = piece.ticks_per_quarter;
        let left = match self.tokenization {
            Tokenization::Remi => bars::write_bars(&events, ticks, config, vocabulary, &mut out),
            _ => shifts::write_shifts(&events, ticks, config, vocabulary, self.tokenization, &mut out),
        };
        let unsaid = events.get(events.len() - left..).unwrap_or_default();
        (Encoding { ids: out.ids, ticks: out.ticks }, self.notes_lost(unsaid))
    }

    /// How many notes are not there, or have no end, without the last events.
    fn notes_lost(&self, unsaid: &[Event]) -> usize {
        let notes = || unsaid.iter().filter(|e| e.kind == EventKind::Note);
        let offs = unsaid.iter().filter(|e| e.kind == EventKind::NoteOff).count();
        // The note-offs of notes that are not there do not count again.
        let own = notes().filter(|e| self.config.use_note_duration_programs.contains(&e.program)).count();
        notes().count() + offs.saturating_sub(own)
    }

    /// The events of some tracks in order.
    fn events(&self, tracks: &[GridTrack], piece: &Piece) -> Vec<Event> {
        let maker = Maker {
            config: &self.config,
            vocabulary: &self.vocabulary,
            has_note_offs: self.tokenization.has_note_offs(),
        };
        let notes: usize = tracks.iter().map(|t| t.notes.len()).sum();
        let mut events = Vec::with_capacity(5 * notes + 64);
        maker.global(piece, &mut events);
        tracks.iter().for_each(|track| maker.track(track, piece, &mut events));
        if self.tokenization.has_note_offs() && self.config.use_chords {
            events.sort_by_key(|event| (event.time, event.order()));
        } else {
            events.sort_by_key(|event| event.time);
        }
        if self.config.program_changes && self.config.one_token_stream_for_programs {
            return maker.insert_program_changes(&events);
        }
        events
    }

    /// [`Tokenizer::decode_tracks`] for sequences that do not tell their programs. Where `programs` has none for a
    /// sequence, it is that of its first program token, or program 0.
    #[must_use]
    pub fn decode_programs(&self, sequences: &[Vec<TokenId>], programs: &[ProgramId]) -> Decoded {
        let sequences: Vec<&[TokenId]> = sequences.iter().map(Vec::as_slice).collect();
        let (score, repairs) = decode::decode(self, &sequences, programs);
        Decoded { score, repairs }
    }

    /// Ticks a quarter note of decoded scores.
    fn time_division(&self) -> i64 {
        self.ticks_per_beat(4)
    }

    /// Ticks of a note of `1/lower` in decoded scores.
    fn ticks_per_beat(&self, lower: u8) -> i64 {
        let lowers = self.vocabulary.values.time_signatures.iter().map(|(_, lower)| i64::from(*lower));
        let finest_beat = lowers.max().unwrap_or(4);
        (i64::from(finest(&self.config)) * (finest_beat / i64::from(lower.max(1)))).max(1)
    }

    /// The tempo that is nearest to 120 quarter notes a minute.
    fn default_tempo(&self) -> f64 {
        let tempos = &self.vocabulary.values.tempos;
        let distance = |t: &f64| (t - 120.0).abs();
        tempos.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(120.0)
    }

    fn token_kind(&self, token: TokenId) -> Option<TokenType> {
        self.vocabulary.entry(token).map(|entry| entry.kind)
    }

    fn program(&self, index: u32) -> ProgramId {
        self.vocabulary.values.programs.get(index as usize).copied().unwrap_or(0)
    }

    fn signature(&self, index: u32) -> Option<(u8, u8)> {
        self.vocabulary.values.time_signatures.get(index as usize).copied()
    }
}

impl Tokenizer for MusicTokenizer {
    fn vocabulary_size(&self) -> usize {
        self.vocabulary.len()
    }

    fn encode(&self, score: &Score) -> Vec<TokenId> {
        self.encode_with_report(score).0.into_iter().next().map(|encoding| encoding.ids).unwrap_or_default()
    }

    fn decode(&self, tokens: &[TokenId]) -> Decoded {
        let (score, repairs) = decode::decode(self, &[tokens], &[]);
        Decoded { score, repairs }
    }

    fn encode_tracks(&self, score: &Score) -> Vec<Vec<TokenId>> {
        self.encode_with_report(score).0.into_iter().map(|encoding| encoding.ids).collect()
    }

    fn decode_tracks(&self, sequences: &[Vec<TokenId>]) -> Decoded {
        self.decode_programs(sequences, &[])
    }

    fn token_name(&self, token: TokenId) -> Option<String> {
        self.vocabulary.name(token, &self.config)
    }

    fn token_type(&self, token: TokenId) -> Option<TokenType> {
        self.vocabulary.entry(token).map(|entry| entry.kind)
    }

    fn may_follow(&self, before: TokenType, after: TokenType) -> bool {
        self.graph.after(before).has(after)
    }
}
