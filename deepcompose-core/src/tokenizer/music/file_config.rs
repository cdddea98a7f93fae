//! The `config` object of a tokenizer file, member by member, before anything is checked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::{AttributeControls, BeatResolution, IdsSplit, TokenizerConfig};
use super::error::TokenizerError;
use super::int_set::list_of;
use super::ordered::{Number, Ordered};
use super::{ProgramId, Tokenization};

/// Members in the order in which MidiTok writes them. What is missing gets MidiTok's default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FileConfig {
    pitch_range: Vec<i64>,
    beat_res: Ordered<i64>,
    num_velocities: i64,
    remove_duplicated_notes: bool,
    encode_ids_split: String,
    special_tokens: Vec<String>,
    use_velocities: bool,
    use_note_duration_programs: Vec<i64>,
    use_chords: bool,
    use_rests: bool,
    use_tempos: bool,
    use_time_signatures: bool,
    use_key_signatures: bool,
    use_sustain_pedals: bool,
    use_pitch_bends: bool,
    use_control_changes: bool,
    control_change_numbers: Vec<i64>,
    control_change_n_bins: i64,
    use_programs: bool,
    use_pitch_intervals: bool,
    use_pitchdrum_tokens: bool,
    default_note_duration: Number,
    programs: Vec<i64>,
    one_token_stream_for_programs: bool,
    program_changes: bool,
    beat_res_rest: Ordered<i64>,
    chord_maps: Ordered<Vec<i64>>,
    chord_tokens_with_root_note: bool,
    chord_unknown: Option<Vec<i64>>,
    num_tempos: i64,
    tempo_range: Vec<Number>,
    log_tempos: bool,
    delete_equal_successive_tempo_changes: bool,
    time_signature_range: Ordered<Vec<i64>>,
    delete_equal_successive_time_sig_changes: bool,
    sustain_pedal_duration: bool,
    pitch_bend_range: Vec<i64>,
    max_pitch_interval: i64,
    pitch_intervals_max_time_dist: Number,
    drums_pitch_range: Vec<i64>,
    ac_polyphony_track: bool,
    ac_polyphony_bar: bool,
    ac_polyphony_min: i64,
    ac_polyphony_max: i64,
    ac_pitch_class_bar: bool,
    ac_note_density_track: bool,
    ac_note_density_track_min: i64,
    ac_note_density_track_max: i64,
    ac_note_density_bar: bool,
    ac_note_density_bar_max: i64,
    ac_note_duration_bar: bool,
    ac_note_duration_track: bool,
    ac_repetition_track: bool,
    ac_repetition_track_num_bins: i64,
    ac_repetition_track_num_consec_bars: i64,
    additional_params: Ordered<Value>,
    /// Members that MidiTok 3.1 does not write.
    #[serde(flatten, skip_serializing)]
    unknown: Ordered<Value>,
}

impl Default for FileConfig {
    fn default() -> Self {
        Self::new(&TokenizerConfig::default(), Tokenization::MidiLike)
    }
}

impl FileConfig {
    /// As MidiTok writes a configuration.
    pub(super) fn new(config: &TokenizerConfig, tokenization: Tokenization) -> Self {
        let programs = |set: &[ProgramId]| list_of(set).into_iter().map(i64::from).collect();
        let controllers: Vec<i16> = config.control_change_numbers.iter().map(|n| i16::from(*n)).collect();
        let ac = &config.attribute_controls;
        Self {
            pitch_range: pair(config.pitch_range),
            beat_res: ranges(&config.beat_res),
            num_velocities: config.num_velocities.into(),
            remove_duplicated_notes: config.remove_duplicated_notes,
            encode_ids_split: split_name(config.encode_ids_split).to_owned(),
            special_tokens: config.special_tokens.clone(),
            use_velocities: config.use_velocities,
            use_note_duration_programs: programs(&config.use_note_duration_programs),
            use_chords: config.use_chords,
            use_rests: config.use_rests,
            use_tempos: config.use_tempos,
            use_time_signatures: config.use_time_signatures,
            use_key_signatures: config.use_key_signatures,
            use_sustain_pedals: config.use_sustain_pedals,
            use_pitch_bends: config.use_pitch_bends,
            use_control_changes: config.use_control_changes,
            control_change_numbers: list_of(&controllers).into_iter().map(i64::from).collect(),
            control_change_n_bins: config.control_change_n_bins.into(),
            use_programs: config.use_programs,
            use_pitch_intervals: config.use_pitch_intervals,
            use_pitchdrum_tokens: config.use_pitchdrum_tokens,
            default_note_duration: Number(config.default_note_duration),
            programs: programs(&config.programs),
            one_token_stream_for_programs: config.one_token_stream_for_programs,
            program_changes: config.program_changes,
            beat_res_rest: ranges(&config.beat_res_rest),
            chord_maps: Ordered(
                config.chord_maps.iter().map(|(name, map)| (name.clone(), whole(map))).collect(),
            ),
            chord_tokens_with_root_note: config.chord_tokens_with_root_note,
            chord_unknown: config.chord_unknown.map(|(from, to)| vec![from.into(), to.into()]),
            num_tempos: config.num_tempos.into(),
            tempo_range: vec![Number(config.tempo_range.0), Number(config.tempo_range.1)],
            log_tempos: config.log_tempos,
            delete_equal_successive_tempo_changes: config.delete_equal_successive_tempo_changes,
            time_signature_range: Ordered(
                (config.time_signature_range.iter())
                    .map(|(lower, upper)| (lower.to_string(), whole(upper)))
                    .collect(),
            ),
            delete_equal_successive_time_sig_changes: config.delete_equal_successive_time_sig_changes,
            sustain_pedal_duration: config.sustain_pedal_duration,
            pitch_bend_range: vec![
                config.pitch_bend_range.0.into(),
                config.pitch_bend_range.1.into(),
                config.pitch_bend_range.2.into(),
            ],
            max_pitch_interval: config.max_pitch_interval.into(),
            pitch_intervals_max_time_dist: Number(config.pitch_intervals_max_time_dist),
            drums_pitch_range: pair(config.drums_pitch_range),
            ac_polyphony_track: ac.polyphony_track,
            ac_polyphony_bar: ac.polyphony_bar,
            ac_polyphony_min: ac.polyphony_min.into(),
            ac_polyphony_max: ac.polyphony_max.into(),
            ac_pitch_class_bar: ac.pitch_class_bar,
            ac_note_density_track: ac.note_density_track,
            ac_note_density_track_min: ac.note_density_track_min.into(),
            ac_note_density_track_max: ac.note_density_track_max.into(),
            ac_note_density_bar: ac.note_density_bar,
            ac_note_density_bar_max: ac.note_density_bar_max.into(),
            ac_note_duration_bar: ac.note_duration_bar,
            ac_note_duration_track: ac.note_duration_track,
            ac_repetition_track: ac.repetition_track,
            ac_repetition_track_num_bins: ac.repetition_track_num_bins.into(),
            ac_repetition_track_num_consec_bars: ac.repetition_track_num_consec_bars.into(),
            additional_params: additional(config, tokenization),
            unknown: Ordered(Vec::new()),
        }
    }

    /// The configuration, each number in the range of its type. What goes together is for
    /// [`MusicTokenizer::new`](super::MusicTokenizer::new) to check.
    pub(super) fn into_config(self) -> Result<TokenizerConfig, TokenizerError> {
        if let Some((field, value)) = self.unknown.0.first() {
            return Err(TokenizerError::Unsupported {
                field: field.clone(),
                value: value.to_string(),
                accepted: "what MidiTok 3.1 writes",
            });
        }
        let defaults = TokenizerConfig::default();
        let (max_bar_embedding, use_bar_end_tokens, add_trailing_bars) =
            read_additional(self.additional_params)?;
        Ok(TokenizerConfig {
            pitch_range: read_pair("pitch_range", &self.pitch_range)?,
            beat_res: read_ranges("beat_res", &self.beat_res)?,
            num_velocities: int("num_velocities", self.num_velocities)?,
            remove_duplicated_notes: self.remove_duplicated_notes,
            encode_ids_split: match self.encode_ids_split.as_str() {
                "bar" => IdsSplit::Bar,
                "beat" => IdsSplit::Beat,
                "no" => IdsSplit::No,
                other => return Err(range("encode_ids_split", other, "\"bar\", \"beat\" or \"no\"")),
            },
            special_tokens: self.special_tokens,
            use_velocities: self.use_velocities,
            use_note_duration_programs: ints("use_note_duration_programs", &self.use_note_duration_programs)?,
            use_chords: self.use_chords,
            use_rests: self.use_rests,
            use_tempos: self.use_tempos,
            use_time_signatures: self.use_time_signatures,
            use_key_signatures: self.use_key_signatures,
            use_sustain_pedals: self.use_sustain_pedals,
            use_pitch_bends: self.use_pitch_bends,
            use_control_changes: self.use_control_changes,
            control_change_numbers: ints("control_change_numbers", &self.control_change_numbers)?,
            control_change_n_bins: int("control_change_n_bins", self.control_change_n_bins)?,
            use_programs: self.use_programs,
            use_pitch_intervals: self.use_pitch_intervals,
            use_pitchdrum_tokens: self.use_pitchdrum_tokens,
            default_note_duration: self.default_note_duration.0,
            programs: ints("programs", &self.programs)?,
            one_token_stream_for_programs: self.one_token_stream_for_programs,
            program_changes: self.program_changes,
            beat_res_rest: read_ranges("beat_res_rest", &self.beat_res_rest)?,
            chord_maps: (self.chord_maps.0.into_iter())
                .map(|(name, map)| Ok((name, ints("chord_maps", &map)?)))
                .collect::<Result<_, TokenizerError>>()?,
            chord_tokens_with_root_note: self.chord_tokens_with_root_note,
            chord_unknown: match &self.chord_unknown {
                None => None,
                Some(bounds) => Some(read_pair("chord_unknown", bounds)?),
            },
            num_tempos: int("num_tempos", self.num_tempos)?,
            tempo_range: match self.tempo_range.as_slice() {
                [slow, fast] => (slow.0, fast.0),
                other => return Err(range("tempo_range", other.len(), "two numbers")),
            },
            log_tempos: self.log_tempos,
            delete_equal_successive_tempo_changes: self.delete_equal_successive_tempo_changes,
            time_signature_range: (self.time_signature_range.0.iter())
                .map(|(lower, upper)| {
                    let lower = lower
                        .parse()
                        .map_err(|_| range("time_signature_range", lower, "powers of two as keys"))?;
                    Ok((lower, ints("time_signature_range", upper)?))
                })
                .collect::<Result<_, TokenizerError>>()?,
            delete_equal_successive_time_sig_changes: self.delete_equal_successive_time_sig_changes,
            sustain_pedal_duration: self.sustain_pedal_duration,
            pitch_bend_range: match self.pitch_bend_range.as_slice() {
                [low, high, count] => {
                    let field = "pitch_bend_range";
                    (int(field, *low)?, int(field, *high)?, int(field, *count)?)
                }
                other => return Err(range("pitch_bend_range", other.len(), "three numbers")),
            },
            max_pitch_interval: int("max_pitch_interval", self.max_pitch_interval)?,
            pitch_intervals_max_time_dist: self.pitch_intervals_max_time_dist.0,
            drums_pitch_range: read_pair("drums_pitch_range", &self.drums_pitch_range)?,
            attribute_controls: AttributeControls {
                polyphony_track: self.ac_polyphony_track,
                polyphony_bar: self.ac_polyphony_bar,
                polyphony_min: int("ac_polyphony_min", self.ac_polyphony_min)?,
                polyphony_max: int("ac_polyphony_max", self.ac_polyphony_max)?,
                pitch_class_bar: self.ac_pitch_class_bar,
                note_density_track: self.ac_note_density_track,
                note_density_track_min: int("ac_note_density_track_min", self.ac_note_density_track_min)?,
                note_density_track_max: int("ac_note_density_track_max", self.ac_note_density_track_max)?,
                note_density_bar: self.ac_note_density_bar,
                note_density_bar_max: int("ac_note_density_bar_max", self.ac_note_density_bar_max)?,
                note_duration_bar: self.ac_note_duration_bar,
                note_duration_track: self.ac_note_duration_track,
                repetition_track: self.ac_repetition_track,
                repetition_track_num_bins: int(
                    "ac_repetition_track_num_bins",
                    self.ac_repetition_track_num_bins,
                )?,
                repetition_track_num_consec_bars: int(
                    "ac_repetition_track_num_consec_bars",
                    self.ac_repetition_track_num_consec_bars,
                )?,
            },
            max_bar_embedding,
            use_bar_end_tokens: use_bar_end_tokens.unwrap_or(defaults.use_bar_end_tokens),
            add_trailing_bars: add_trailing_bars.unwrap_or(defaults.add_trailing_bars),
        })
    }
}

fn pair(bounds: (u8, u8)) -> Vec<i64> {
    vec![bounds.0.into(), bounds.1.into()]
}

fn whole<T: Copy + Into<i64>>(values: &[T]) -> Vec<i64> {
    values.iter().map(|v| (*v).into()).collect()
}

fn ranges(resolutions: &[BeatResolution]) -> Ordered<i64> {
    Ordered(resolutions.iter().map(|r| (format!("{}_{}", r.from, r.to), r.resolution.into())).collect())
}

const fn split_name(split: IdsSplit) -> &'static str {
    match split {
        IdsSplit::Bar => "bar",
        IdsSplit::Beat => "beat",
        IdsSplit::No => "no",
    }
}

fn additional(config: &TokenizerConfig, tokenization: Tokenization) -> Ordered<Value> {
    match tokenization {
        Tokenization::Remi => Ordered(vec![
            ("max_bar_embedding".to_owned(), config.max_bar_embedding.into()),
            ("use_bar_end_tokens".to_owned(), config.use_bar_end_tokens.into()),
            ("add_trailing_bars".to_owned(), config.add_trailing_bars.into()),
        ]),
        _ => Ordered(Vec::new()),
    }
}

type Additional = (Option<u32>, Option<bool>, Option<bool>);

fn read_additional(params: Ordered<Value>) -> Result<Additional, TokenizerError> {
    let (mut max_bar_embedding, mut bar_ends, mut trailing) = (None, None, None);
    for (field, value) in params.0 {
        let unsupported = |accepted| TokenizerError::Unsupported {
            field: format!("additional_params.{field}"),
            value: value.to_string(),
            accepted,
        };
        let flag = || value.as_bool().ok_or_else(|| unsupported("true or false"));
        match field.as_str() {
            "max_bar_embedding" if value.is_null() => {}
            "max_bar_embedding" => {
                let bars = value.as_u64().and_then(|bars| u32::try_from(bars).ok());
                max_bar_embedding = Some(bars.ok_or_else(|| unsupported("null or a number of bars"))?);
            }
            "use_bar_end_tokens" => bar_ends = Some(flag()?),
            "add_trailing_bars" => trailing = Some(flag()?),
            _ => return Err(unsupported("max_bar_embedding, use_bar_end_tokens, add_trailing_bars")),
        }
    }
    Ok((max_bar_embedding, bar_ends, trailing))
}

fn range(field: &'static str, value: impl ToString, accepted: &'static str) -> TokenizerError {
    TokenizerError::OutOfRange { field, value: value.to_string(), accepted }
}

/// A number in the range of its type. The narrower ranges are checked when a tokenizer is built.
fn int<T: TryFrom<i64>>(field: &'static str, value: i64) -> Result<T, TokenizerError> {
    T::try_from(value).map_err(|_| range(field, value, "a small whole number"))
}

fn ints<T: TryFrom<i64>>(field: &'static str, values: &[i64]) -> Result<Vec<T>, TokenizerError> {
    values.iter().map(|value| int(field, *value)).collect()
}

fn read_pair<T: TryFrom<i64>>(field: &'static str, values: &[i64]) -> Result<(T, T), TokenizerError> {
    match values {
        [low, high] => Ok((int(field, *low)?, int(field, *high)?)),
        other => Err(range(field, format!("{other:?}"), "two numbers")),
    }
}

fn read_ranges(field: &'static str, ranges: &Ordered<i64>) -> Result<Vec<BeatResolution>, TokenizerError> {
    let wrong = |key: &str| range(field, key, "keys such as \"0_4\"");
    let read = |(key, resolution): &(String, i64)| {
        let (from, to) = key.split_once('_').ok_or_else(|| wrong(key))?;
        let beat = |text: &str| text.parse().map_err(|_| wrong(key));
        Ok(BeatResolution { from: beat(from)?, to: beat(to)?, resolution: int(field, *resolution)? })
    };
    ranges.0.iter().map(read).collect()
}
