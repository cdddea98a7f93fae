//! The Transformer's technique.

use deepcompose_core::{
    Note, PerformanceClock, PerformanceEvent, PerformanceTokenizer, Score, Tick, TokenId, TokenType,
    Tokenizer,
};
use deepcompose_samplers::{
    GenerateError, PerformanceConstraints, PerformanceLimits, TokenModel, generate_tokens,
};
use rand::Rng;

use super::error::ComposeError;
use super::params::TransformerParams;
use super::tracks::Selected;
use super::{Composition, Observer, Progress};

/// Continues the input: its notes are kept, and new ones follow the end of the last.
///
/// The selected track is encoded as performance tokens on the metric clock
/// ([`PerformanceClock::Metric`]), so the model sees beats and not seconds and the new notes keep
/// the input's tempo and grid; times in the parameters are in seconds at the tempo in force where
/// the input ends. Maximum rest time and maximum note length hold by construction: tokens that would
/// break them are masked before one is drawn.
///
/// # Errors
///
/// [`ComposeError`]: a parameter out of range, an input with no notes to continue or no room to
/// continue it, or a model that failed.
pub fn extend<M, R>(
    model: &mut M,
    input: &Score,
    params: &TransformerParams,
    rng: &mut R,
    observer: &mut Observer<'_>,
) -> Result<Composition, ComposeError>
where
    M: TokenModel + ?Sized,
    R: Rng + ?Sized,
{
    let sampler = params.sampler()?;
    let selected = Selected::new(params.track, input)?;
    let from = input.end();
    let clock = UnitClock::at_end_of(input);
    let limits = clock.limits(params);
    if i64::from(from.get()) + clock.ticks_up(limits.duration) > i64::from(Tick::MAX.get()) {
        return Err(ComposeError::TooLong);
    }

    let tokenizer = PerformanceTokenizer::new(PerformanceClock::Metric);
    let prompt = prompt(&tokenizer, input, &selected.notes(), params.input_duration);
    let mut constraints = PerformanceConstraints::new(limits.clone())?.after_prompt(&prompt);
    let total = limits.duration as usize;
    let generated =
        generate_tokens(model, &prompt, &sampler, &mut constraints, params.token_budget, rng, &mut |p| {
            let done = (p.fraction.unwrap_or(0.0) * total as f64).round() as usize;
            observer(Progress { done, total })
        })
        .map_err(|e| match e {
            GenerateError::Model(e) => ComposeError::model(e),
            other => ComposeError::Model(other.to_string().into()),
        })?;

    // The velocity in force at the end of the prompt goes on.
    let velocity = prompt.iter().rev().find(|t| tokenizer.token_type(**t) == Some(TokenType::Velocity));
    let tokens: Vec<TokenId> = velocity.copied().into_iter().chain(generated.tokens).collect();
    let (units, _) = tokenizer.decode_notes(&tokens, UnitClock::resolution());
    let mut score = input.clone();
    for note in units {
        let note = clock.note(&note, from);
        let home = selected.home(note.pitch.get());
        if let Some((index, _)) = selected.tracks.get(home)
            && let Some(track) = score.tracks_mut().get_mut(*index)
        {
            track.extend_notes([note]);
        }
    }
    Ok(Composition::new(input, score, generated.stop))
}

/// The tokens of the last `seconds` of some notes, up to the end of the score.
fn prompt(tokenizer: &PerformanceTokenizer, input: &Score, notes: &[Note], seconds: f64) -> Vec<TokenId> {
    let end = input.end();
    let origin = input.tick_at(input.seconds_at(end) - seconds);
    let recent: Vec<Note> = notes.iter().filter(|n| n.start >= origin).copied().collect();
    let mut tokens = Vec::new();
    if origin == Tick::ZERO || recent.is_empty() {
        tokens.push(PerformanceEvent::START_ID);
    }
    let (events, _) = tokenizer.encode_notes(&recent, input, origin);
    tokens.extend(events);
    // Silence between the end of the track and the end of the score.
    let last = recent.iter().map(Note::end).max().unwrap_or(end);
    let unit = |tick| tokenizer.clock().units_at(tick, input, origin);
    tokens.extend(PerformanceEvent::time_shifts(unit(end).saturating_sub(unit(last))));
    tokens
}

/// Metric units in ticks and seconds at the end of a score.
struct UnitClock {
    ticks_per_quarter: i64,
    seconds_per_unit: f64,
}

impl UnitClock {
    const UNITS: i64 = PerformanceClock::METRIC_UNITS_PER_QUARTER as i64;

    fn at_end_of(score: &Score) -> Self {
        let micros = f64::from(score.tempo_map().tempo_at(score.end()).micros());
        Self {
            ticks_per_quarter: score.ticks_per_quarter().get().into(),
            seconds_per_unit: micros / 1e6 / Self::UNITS as f64,
        }
    }

    /// A resolution at which a tick is a unit.
    fn resolution() -> deepcompose_core::TicksPerQuarter {
        deepcompose_core::TicksPerQuarter::saturating(Self::UNITS)
    }

    /// Limits in units, rounded down, so that what holds in units holds in seconds. Where units are
    /// no whole number of ticks, a tick's worth of units is kept back for the rounding of two ends.
    fn limits(&self, params: &TransformerParams) -> PerformanceLimits {
        let exact = self.ticks_per_quarter % Self::UNITS == 0;
        let spare = if exact { 0 } else { Self::UNITS as u32 / self.ticks_per_quarter as u32 + 1 };
        // A rounding error of the division must not cost a unit. Large values saturate.
        let units = |seconds: f64| (seconds / self.seconds_per_unit + 1e-6).floor() as u32;
        PerformanceLimits {
            max_rest: units(params.maximum_rest_time).saturating_sub(spare),
            max_note_length: units(params.maximum_note_length).saturating_sub(spare).max(1),
            ..PerformanceLimits::for_duration(units(params.track_extension_duration).max(1))
        }
    }

    /// Ticks of so many units, rounded up.
    fn ticks_up(&self, units: u32) -> i64 {
        (i64::from(units) * self.ticks_per_quarter + Self::UNITS - 1) / Self::UNITS
    }

    /// A note in units from zero, as a note in ticks from `from`.
    fn note(&self, units: &Note, from: Tick) -> Note {
        let tick = |unit: Tick| i64::from(unit.get()) * self.ticks_per_quarter / Self::UNITS;
        let (start, end) = (tick(units.start), tick(units.end()));
        Note {
            start: Tick::saturating(i64::from(from.get()) + start),
            duration: Tick::saturating((end - start).max(1)),
            ..*units
        }
    }
}
