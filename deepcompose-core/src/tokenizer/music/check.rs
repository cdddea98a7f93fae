//! Checks a configuration once, and brings it into the form that MidiTok gives it.

use std::collections::HashSet;

use super::Tokenization;
use super::config::{AttributeControls, BeatResolution, ProgramId, TokenizerConfig};
use super::error::TokenizerError;
use super::int_set::set_order;

/// The finest grid, in positions a beat.
const MAX_RESOLUTION: u32 = 960;
/// The last beat that a duration can have.
const MAX_BEAT: u32 = 1 << 16;
/// Durations, rests, tempos, signatures, chords: how many there may be of each.
const MAX_VALUES: u64 = 1 << 16;

/// The configuration as a tokenizer uses it: options that need others are off without them, special tokens have
/// their full names.
pub(super) fn checked(
    mut config: TokenizerConfig,
    tokenization: Tokenization,
) -> Result<TokenizerConfig, TokenizerError> {
    pitches_and_velocities(&config)?;
    resolutions("beat_res", &config.beat_res)?;
    programs("programs", &config.programs)?;
    programs("use_note_duration_programs", &config.use_note_duration_programs)?;
    controls(&config)?;
    tempos(&config)?;
    time_signatures(&config)?;
    chords(&config)?;
    times(&config)?;
    bars(&config, tokenization)?;
    config.programs = set_order(&config.programs);
    config.use_note_duration_programs = set_order(&config.use_note_duration_programs);
    let controllers: Vec<i16> = config.control_change_numbers.iter().map(|n| i16::from(*n)).collect();
    config.control_change_numbers = set_order(&controllers).into_iter().map(|n| n as u8).collect();
    config.special_tokens = special_tokens(&config.special_tokens)?;

    if tokenization == Tokenization::Structured {
        only_notes(&mut config);
    }
    config.one_token_stream_for_programs &= config.use_programs;
    config.program_changes &= config.use_programs;
    config.use_rests &= every_note_has_a_length(&config);
    rests(&config)?;
    if config.use_control_changes && config.control_change_numbers.contains(&64) {
        config.use_sustain_pedals = false;
    }
    config.sustain_pedal_duration &= config.use_sustain_pedals;
    if config.attribute_controls.any() {
        if !config.one_token_stream_for_programs {
            return Err(TokenizerError::Unsupported {
                field: "ac_*".to_owned(),
                value: "true".to_owned(),
                accepted: "a configuration without attribute controls, or with one_token_stream_for_programs",
            });
        }
        config.attribute_controls = without(config.attribute_controls);
    }
    Ok(config)
}

/// What MidiTok switches off for Structured, whose sequences hold notes and nothing else.
fn only_notes(config: &mut TokenizerConfig) {
    config.use_chords = false;
    config.use_rests = false;
    config.use_tempos = false;
    config.use_time_signatures = false;
    config.use_key_signatures = false;
    config.use_sustain_pedals = false;
    config.use_pitch_bends = false;
    config.use_control_changes = false;
    config.use_pitch_intervals = false;
    config.program_changes = false;
    config.attribute_controls = without(config.attribute_controls);
}

fn without(controls: AttributeControls) -> AttributeControls {
    AttributeControls {
        polyphony_track: false,
        polyphony_bar: false,
        pitch_class_bar: false,
        note_density_track: false,
        note_density_bar: false,
        note_duration_bar: false,
        note_duration_track: false,
        repetition_track: false,
        ..controls
    }
}

/// Rests begin where notes end, so every note needs an end.
fn every_note_has_a_length(config: &TokenizerConfig) -> bool {
    let with_length: HashSet<ProgramId> = config.use_note_duration_programs.iter().copied().collect();
    with_length.len() >= 129
        || (config.use_programs && config.programs.iter().all(|program| with_length.contains(program)))
}

fn range(field: &'static str, value: impl ToString, accepted: &'static str) -> TokenizerError {
    TokenizerError::OutOfRange { field, value: value.to_string(), accepted }
}

fn limit(what: &'static str, value: u64) -> Result<(), TokenizerError> {
    if value <= MAX_VALUES { Ok(()) } else { Err(TokenizerError::Limit { what, value, limit: MAX_VALUES }) }
}

fn pitches_and_velocities(config: &TokenizerConfig) -> Result<(), TokenizerError> {
    for (field, (low, high)) in
        [("pitch_range", config.pitch_range), ("drums_pitch_range", config.drums_pitch_range)]
    {
        if low >= high || high > 127 {
            return Err(range(field, format!("{low}..={high}"), "low < high within 0..=127"));
        }
    }
    if !(1..=127).contains(&config.num_velocities) {
        return Err(range("num_velocities", config.num_velocities, "1..=127"));
    }
    if config.max_pitch_interval > 127 {
        return Err(range("max_pitch_interval", config.max_pitch_interval, "0..=127"));
    }
    Ok(())
}

fn resolutions(field: &'static str, ranges: &[BeatResolution]) -> Result<(), TokenizerError> {
    let mut beat = 0;
    let mut positions = 0;
    for r in ranges {
        if r.from < beat || r.from >= r.to || r.to > MAX_BEAT {
            let accepted = "ranges of beats in ascending order, none empty, up to 65536";
            return Err(range(field, format!("{}_{}", r.from, r.to), accepted));
        }
        if !(1..=MAX_RESOLUTION).contains(&r.resolution) {
            return Err(range(field, r.resolution, "1..=960 positions a beat"));
        }
        beat = r.to;
        positions += u64::from(r.to - r.from) * u64::from(r.resolution);
    }
    if ranges.is_empty() {
        return Err(range(field, "{}", "at least one range"));
    }
    limit(field, positions)
}

fn rests(config: &TokenizerConfig) -> Result<(), TokenizerError> {
    if !config.use_rests {
        return Ok(());
    }
    resolutions("beat_res_rest", &config.beat_res_rest)?;
    let finest = |ranges: &[BeatResolution]| ranges.iter().map(|r| r.resolution).max();
    if finest(&config.beat_res_rest) > finest(&config.beat_res) {
        let value = finest(&config.beat_res_rest).unwrap_or(0);
        return Err(range("beat_res_rest", value, "at most the finest resolution of beat_res"));
    }
    Ok(())
}

fn programs(field: &'static str, programs: &[ProgramId]) -> Result<(), TokenizerError> {
    match programs.iter().find(|p| !(-1..=127).contains(*p)) {
        Some(program) => Err(range(field, program, "-1..=127")),
        None => Ok(()),
    }
}

fn controls(config: &TokenizerConfig) -> Result<(), TokenizerError> {
    if let Some(number) = config.control_change_numbers.iter().find(|n| **n > 127) {
        return Err(range("control_change_numbers", number, "0..=127"));
    }
    if !(2..=128).contains(&config.control_change_n_bins) {
        return Err(range("control_change_n_bins", config.control_change_n_bins, "2..=128"));
    }
    let (low, high, count) = config.pitch_bend_range;
    if low >= high || low < -8192 || high > 8191 {
        return Err(range("pitch_bend_range", format!("{low}..={high}"), "low < high within -8192..=8191"));
    }
    if count < 1 || i64::from(count) > i64::from(high) - i64::from(low) + 1 {
        return Err(range("pitch_bend_range", count, "1 value to as many as there are bends"));
    }
    Ok(())
}

fn tempos(config: &TokenizerConfig) -> Result<(), TokenizerError> {
    let (slow, fast) = config.tempo_range;
    let is_range = slow.is_finite() && fast.is_finite() && slow >= 1.0 && slow < fast && fast <= 60e6;
    if !is_range {
        let accepted = "slow < fast within 1..=60000000 quarter notes a minute";
        return Err(range("tempo_range", format!("{slow}..={fast}"), accepted));
    }
    if config.num_tempos < 1 {
        return Err(range("num_tempos", config.num_tempos, "1 or more"));
    }
    limit("num_tempos", config.num_tempos.into())
}

fn time_signatures(config: &TokenizerConfig) -> Result<(), TokenizerError> {
    let field = "time_signature_range";
    let mut lower_numbers = HashSet::new();
    for (lower, upper) in &config.time_signature_range {
        if !lower.is_power_of_two() || *lower > 128 || !lower_numbers.insert(*lower) {
            return Err(range(field, lower, "each power of two in 1..=128 once"));
        }
        if let Some(number) = upper.iter().find(|n| !(1..=255).contains(*n)) {
            return Err(range(field, number, "upper numbers in 1..=255"));
        }
    }
    let has_quarters =
        config.time_signature_range.iter().any(|(lower, upper)| *lower == 4 && !upper.is_empty());
    if !has_quarters {
        return Err(range(field, format!("{lower_numbers:?}"), "a range with the lower number 4 in it"));
    }
    let count = config.time_signature_range.iter().map(|(_, upper)| upper.len() as u64).sum();
    if count == 0 {
        return Err(range(field, "{}", "at least one time signature"));
    }
    limit(field, count)
}

fn chords(config: &TokenizerConfig) -> Result<(), TokenizerError> {
    limit("chord_maps", config.chord_maps.len() as u64)?;
    let mut names = HashSet::new();
    for (name, _) in &config.chord_maps {
        if name.is_empty() || name.contains('_') || !names.insert(name) {
            return Err(range("chord_maps", name, "different names without an underscore"));
        }
    }
    match config.chord_unknown {
        Some((from, to)) if from > to || to > 128 => {
            Err(range("chord_unknown", format!("{from}..{to}"), "from <= to, at most 128"))
        }
        _ => Ok(()),
    }
}

fn times(config: &TokenizerConfig) -> Result<(), TokenizerError> {
    for (field, value) in [
        ("default_note_duration", config.default_note_duration),
        ("pitch_intervals_max_time_dist", config.pitch_intervals_max_time_dist),
    ] {
        if !(0.0..=f64::from(MAX_BEAT)).contains(&value) {
            return Err(range(field, value, "0..=65536 beats"));
        }
    }
    Ok(())
}

fn bars(config: &TokenizerConfig, tokenization: Tokenization) -> Result<(), TokenizerError> {
    if let Some(bars) = config.max_bar_embedding
        && !(1..=1 << 16).contains(&bars)
    {
        return Err(range("max_bar_embedding", bars, "1..=65536"));
    }
    let is_remi = tokenization == Tokenization::Remi;
    for (field, is_set) in [
        ("max_bar_embedding", config.max_bar_embedding.is_some()),
        ("use_bar_end_tokens", config.use_bar_end_tokens),
        ("add_trailing_bars", config.add_trailing_bars),
    ] {
        if is_set && !is_remi {
            return Err(TokenizerError::Unsupported {
                field: format!("additional_params.{field}"),
                value: format!("with {tokenization}"),
                accepted: "REMI, which has bars,",
            });
        }
    }
    Ok(())
}

/// Full names, each once, `PAD_None` among them.
fn special_tokens(given: &[String]) -> Result<Vec<String>, TokenizerError> {
    limit("special_tokens", given.len() as u64)?;
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(given.len() + 1);
    for name in given.iter().map(String::as_str).chain(["PAD"]) {
        let full = match name.rsplit_once('_') {
            None => format!("{name}_None"),
            Some((head, tail)) => format!("{}_{tail}", head.replace('_', "-")),
        };
        if full.starts_with('_') {
            return Err(range("special_tokens", name, "names such as \"PAD\""));
        }
        if seen.insert(full.clone()) {
            names.push(full);
        }
    }
    Ok(names)
}
