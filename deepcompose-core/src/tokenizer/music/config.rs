//! [`TokenizerConfig`]: what MidiTok's configuration of the same name holds.

use super::chord_maps::default_chord_maps;

/// A program as MidiTok numbers them: 0..=127, and −1 for the drums.
pub type ProgramId = i16;

/// The drums among the [`ProgramId`]s.
pub const DRUMS: ProgramId = -1;

/// How finely beats are divided over a range of beats.
///
/// In a file: `"0_4": 8` for beats 0 to 4, 8 positions each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeatResolution {
    /// The first beat.
    pub from: u32,
    /// One past the last beat.
    pub to: u32,
    /// Positions a beat.
    pub resolution: u32,
}

impl BeatResolution {
    /// Beats `from..to` with `resolution` positions each.
    #[must_use]
    pub const fn new(from: u32, to: u32, resolution: u32) -> Self {
        Self { from, to, resolution }
    }
}

/// Where a sequence is split before token ids are merged by byte-pair encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IdsSplit {
    /// At bars.
    #[default]
    Bar,
    /// At beats.
    Beat,
    /// Nowhere.
    No,
}

/// The options of a [`MusicTokenizer`](super::MusicTokenizer), with the names and the defaults of MidiTok 3.1's
/// `TokenizerConfig`.
///
/// Nothing is checked here: [`MusicTokenizer::new`](super::MusicTokenizer::new) checks all of it once. A *beat* is
/// a note of the time signature's lower number; a quarter note where time signatures are not used.
///
/// ```
/// use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
/// use deepcompose_core::Tokenizer;
///
/// // REMI+: all tracks in one sequence, with programs and time signatures.
/// let config = TokenizerConfig { use_programs: true, use_tempos: true, ..TokenizerConfig::default() };
/// let tokenizer = MusicTokenizer::new(Tokenization::Remi, config)?;
/// assert_eq!(tokenizer.token_name(0).as_deref(), Some("PAD_None"));
/// # Ok::<(), deepcompose_core::tokenizer::TokenizerError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TokenizerConfig {
    /// Lowest and highest pitch, both included. Notes outside are left out.
    pub pitch_range: (u8, u8),
    /// Positions a beat, by the distance in beats: near ones finer. The finest is the grid of onsets; the whole is
    /// the set of durations and time shifts. In ascending order.
    pub beat_res: Vec<BeatResolution>,
    /// How many velocities there are, 1..=127, evenly spread up to 127.
    pub num_velocities: u32,
    /// Whether of notes with one onset and pitch in one track only the shortest is kept.
    pub remove_duplicated_notes: bool,
    /// For byte-pair encoding; kept, and without effect on the tokens here.
    pub encode_ids_split: IdsSplit,
    /// Tokens with no music in them, such as `PAD_None`, which come first in the vocabulary. None may have the name
    /// of another token.
    pub special_tokens: Vec<String>,
    /// Whether notes have velocity tokens.
    pub use_velocities: bool,
    /// The programs whose notes have a length (duration tokens, or note-offs).
    pub use_note_duration_programs: Vec<ProgramId>,
    /// Whether chords are detected and announced.
    pub use_chords: bool,
    /// Whether silences have tokens of their own. Needs note lengths for every program in use.
    pub use_rests: bool,
    /// Whether tempo changes are tokens.
    pub use_tempos: bool,
    /// Whether time signatures are tokens. If not, everything is taken as 4/4.
    pub use_time_signatures: bool,
    /// Whether key signatures are tokens.
    pub use_key_signatures: bool,
    /// Whether the sustain pedal is tokens.
    pub use_sustain_pedals: bool,
    /// Whether pitch bends are tokens.
    pub use_pitch_bends: bool,
    /// Whether control changes are tokens.
    pub use_control_changes: bool,
    /// The controllers whose changes are tokens.
    pub control_change_numbers: Vec<u8>,
    /// How many values a continuous controller has, 2..=128.
    pub control_change_n_bins: u32,
    /// Whether programs are tokens.
    pub use_programs: bool,
    /// Whether pitches are told as intervals where the one before is near.
    pub use_pitch_intervals: bool,
    /// Whether drums have pitch tokens of their own.
    pub use_pitchdrum_tokens: bool,
    /// The length in beats that decoding gives to notes without one.
    pub default_note_duration: f64,
    /// The programs there are tokens for. With program tokens, tracks of others are left out.
    pub programs: Vec<ProgramId>,
    /// With program tokens: whether all tracks are one sequence. If not, each track is one.
    pub one_token_stream_for_programs: bool,
    /// With program tokens: whether they come only where the program changes, not at every note.
    pub program_changes: bool,
    /// As [`beat_res`](Self::beat_res), for rests.
    pub beat_res_rest: Vec<BeatResolution>,
    /// The chords that are known: a name and the intervals above the lowest note, in semitones.
    pub chord_maps: Vec<(String, Vec<u8>)>,
    /// Whether chord tokens name the lowest note, too.
    pub chord_tokens_with_root_note: bool,
    /// Chords that are not known are told by their number of notes, if it is in `from..to`.
    pub chord_unknown: Option<(u32, u32)>,
    /// How many tempos there are.
    pub num_tempos: u32,
    /// The slowest and the fastest tempo, in quarter notes a minute.
    pub tempo_range: (f64, f64),
    /// Whether tempos are spread by equal ratios. If not, by equal differences.
    pub log_tempos: bool,
    /// Whether a tempo equal to the one before is no token.
    pub delete_equal_successive_tempo_changes: bool,
    /// The time signatures there are: a lower number, a power of two, and the upper numbers with it. Others in a
    /// score are left out.
    pub time_signature_range: Vec<(u32, Vec<u32>)>,
    /// Kept; time signatures equal to the one before are never tokens.
    pub delete_equal_successive_time_sig_changes: bool,
    /// Whether the pedal is one token with a length. If not, it is two tokens, on and off.
    pub sustain_pedal_duration: bool,
    /// The lowest and the highest pitch bend, and how many values there are between them.
    pub pitch_bend_range: (i32, i32, u32),
    /// The widest interval in semitones that is told as one, 0..=127.
    pub max_pitch_interval: u8,
    /// The longest time in beats over which an interval is told.
    pub pitch_intervals_max_time_dist: f64,
    /// Lowest and highest pitch of drums with tokens of their own, both included.
    pub drums_pitch_range: (u8, u8),
    /// Attribute controls: kept. MidiTok drops them from a one-sequence tokenizer; with others they are not
    /// supported here.
    pub attribute_controls: AttributeControls,
    /// The number of `Bar` tokens, if bars are counted ([`Tokenization::Remi`](super::Tokenization::Remi)). Bars
    /// past the last token all get that one.
    pub max_bar_embedding: Option<u32>,
    /// Whether the end of a bar is a token ([`Tokenization::Remi`](super::Tokenization::Remi)).
    pub use_bar_end_tokens: bool,
    /// Whether the bars up to the end of the last note are tokens
    /// ([`Tokenization::Remi`](super::Tokenization::Remi)).
    pub add_trailing_bars: bool,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        let every_program: Vec<ProgramId> = (-1..=127).collect();
        Self {
            pitch_range: (21, 109),
            beat_res: vec![BeatResolution::new(0, 4, 8), BeatResolution::new(4, 12, 4)],
            num_velocities: 32,
            remove_duplicated_notes: false,
            encode_ids_split: IdsSplit::Bar,
            special_tokens: ["PAD_None", "BOS_None", "EOS_None", "MASK_None"].map(String::from).to_vec(),
            use_velocities: true,
            use_note_duration_programs: every_program.clone(),
            use_chords: false,
            use_rests: false,
            use_tempos: false,
            use_time_signatures: true,
            use_key_signatures: false,
            use_sustain_pedals: false,
            use_pitch_bends: false,
            use_control_changes: false,
            control_change_numbers: default_controllers(),
            control_change_n_bins: 32,
            use_programs: false,
            use_pitch_intervals: false,
            use_pitchdrum_tokens: true,
            default_note_duration: 0.5,
            programs: every_program,
            one_token_stream_for_programs: true,
            program_changes: false,
            beat_res_rest: vec![
                BeatResolution::new(0, 1, 8),
                BeatResolution::new(1, 2, 4),
                BeatResolution::new(2, 12, 2),
            ],
            chord_maps: default_chord_maps(),
            chord_tokens_with_root_note: false,
            chord_unknown: None,
            num_tempos: 32,
            tempo_range: (40.0, 250.0),
            log_tempos: false,
            delete_equal_successive_tempo_changes: false,
            time_signature_range: vec![(8, vec![3, 12, 6]), (4, vec![5, 6, 3, 2, 1, 4])],
            delete_equal_successive_time_sig_changes: false,
            sustain_pedal_duration: false,
            pitch_bend_range: (-8192, 8191, 32),
            max_pitch_interval: 16,
            pitch_intervals_max_time_dist: 1.0,
            drums_pitch_range: (27, 88),
            attribute_controls: AttributeControls::default(),
            max_bar_embedding: None,
            use_bar_end_tokens: false,
            add_trailing_bars: false,
        }
    }
}

/// The controllers that the MIDI 1.0 specification gives a meaning and MidiTok lists.
fn default_controllers() -> Vec<u8> {
    let ranges = [0..=2, 4..=8, 10..=11, 32..=34, 36..=40, 42..=43, 64..=78, 84..=84, 88..=88, 91..=97];
    ranges.into_iter().chain([100..=101, 120..=127]).flatten().collect()
}

/// MidiTok's attribute controls. They are kept in the file; see
/// [`TokenizerConfig::attribute_controls`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are MidiTok's")]
pub struct AttributeControls {
    pub polyphony_track: bool,
    pub polyphony_bar: bool,
    pub polyphony_min: u32,
    pub polyphony_max: u32,
    pub pitch_class_bar: bool,
    pub note_density_track: bool,
    pub note_density_track_min: u32,
    pub note_density_track_max: u32,
    pub note_density_bar: bool,
    pub note_density_bar_max: u32,
    pub note_duration_bar: bool,
    pub note_duration_track: bool,
    pub repetition_track: bool,
    pub repetition_track_num_bins: u32,
    pub repetition_track_num_consec_bars: u32,
}

impl Default for AttributeControls {
    fn default() -> Self {
        Self {
            polyphony_track: false,
            polyphony_bar: false,
            polyphony_min: 1,
            polyphony_max: 6,
            pitch_class_bar: false,
            note_density_track: false,
            note_density_track_min: 0,
            note_density_track_max: 18,
            note_density_bar: false,
            note_density_bar_max: 18,
            note_duration_bar: false,
            note_duration_track: false,
            repetition_track: false,
            repetition_track_num_bins: 10,
            repetition_track_num_consec_bars: 4,
        }
    }
}

impl AttributeControls {
    /// Whether any is asked for.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.polyphony_track
            || self.polyphony_bar
            || self.pitch_class_bar
            || self.note_density_track
            || self.note_density_bar
            || self.note_duration_bar
            || self.note_duration_track
            || self.repetition_track
    }
}
