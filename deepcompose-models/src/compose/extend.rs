//! The Transformer's technique.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use deepcompose_core::metrics::estimate_key;
use deepcompose_core::{
    Note, PerformanceClock, PerformanceEvent, PerformanceTokenizer, Score, Tick, TokenId,
};
use deepcompose_samplers::{
    Constraint, EndingConstraints, FinalNote, ForkModel, GenerateError, Generated, HeardNote,
    PerformanceConstraints, PerformanceLimits, Recall, RecallSpan, StopReason, TokenModel, TokenSampler,
    generate_several, generate_tokens,
};
use rand::{Rng, RngExt};

use super::error::ComposeError;
use super::event::{Event, Listener};
use super::params::{TransformerParams, check};
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
/// It ends with the last whole beat that there is time for.
///
/// With [`repetition`](TransformerParams::repetition) some phrases begin as those two phrases before: what would do so is
/// preferred, by five nats, to what the model finds as probable.
///
/// With [`end_naturally`](TransformerParams::end_naturally) the last note is the tonic of the key that the input is in
/// ([`estimate_key`]), on the last barline after which there is time for it to be held. What leads to it is drawn eight times,
/// and the one is kept after which the model expects that note most.
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
    let work = Extension::new(input, params)?;
    let spans = work.spans(params, rng);
    if let Some(ending) = work.ending.as_ref() {
        let ending = work.recalling(ending.clone(), spans)?;
        return end_naturally(model, &work, &ending, params.token_budget, rng, observer);
    }
    let (prompt, mut constraints) = (&work.prompt, work.recalling(work.constraints.clone(), spans)?);
    let budget = params.token_budget;
    let mut listener = Listener::new(work.velocity());
    let generated = generate_tokens(model, prompt, &work.sampler, &mut constraints, budget, rng, &mut |p| {
        let event = listener.hear(p.token).and_then(|units| work.event(&units));
        observer(work.progress(p.fraction, event.as_slice()))
    })
    .map_err(failed)?;
    Ok(work.composition(generated))
}

/// Bars of a phrase, and those of its beginning.
const PHRASE: usize = 4;
const OPENING: usize = 2;
/// How much likelier, in nats, is what recalls the past.
const BONUS: f32 = 5.0;

/// How often what leads to an ending is drawn.
const ENDINGS: usize = 8;
/// How many quarter notes lead to it.
const APPROACH: u32 = 8;

fn end_naturally<M, R>(
    model: &mut M,
    work: &Extension<'_>,
    ending: &Recall<EndingConstraints>,
    budget: usize,
    rng: &mut R,
    observer: &mut Observer<'_>,
) -> Result<Composition, ComposeError>
where
    M: TokenModel + ?Sized,
    R: Rng + ?Sized,
{
    // Of all endings together. The notes are told once it is known which they are.
    let mut done = 0.0_f64;
    let mut constraints = ending.clone();
    let mut generated =
        generate_tokens(model, &work.prompt, &work.sampler, &mut constraints, budget, rng, &mut |p| {
            done = p.fraction.unwrap_or(0.0) / 2.0;
            observer(work.progress(Some(done), &[]))
        })
        .map_err(failed)?;
    if generated.stop != StopReason::DurationReached {
        work.tell(&generated, done, observer);
        return Ok(work.composition(generated));
    }
    let begun = work.begun(&generated.tokens, constraints.inner().final_onset());
    let prompt: Vec<TokenId> = work.prompt.iter().chain(&begun).copied().collect();
    let mut most = constraints.inner().likelihood();
    for number in 1..ENDINGS {
        let mut constraints = ending.clone();
        begun.iter().for_each(|token| constraints.observe(*token));
        let budget = budget.saturating_sub(begun.len());
        let mut other =
            generate_tokens(model, &prompt, &work.sampler, &mut constraints, budget, rng, &mut |_| {
                observer(work.progress(Some(done), &[]))
            })
            .map_err(failed)?;
        done = 0.5 + 0.5 * number as f64 / ENDINGS as f64;
        match other.stop {
            // The first has come to its end.
            StopReason::Stopped => break,
            StopReason::DurationReached if constraints.inner().likelihood() > most => {
                most = constraints.inner().likelihood();
                other.tokens.splice(0..0, begun.iter().copied());
                generated = other;
            }
            _ => {}
        }
    }
    work.tell(&generated, 1.0, observer);
    Ok(work.composition(generated))
}

/// Most continuations that [`extend_several`] makes at once.
pub const MAX_CONTINUATIONS: usize = 256;

/// [`extend`] as often as there are `rngs`, each continuation drawn from one of them, at less than the cost of one after
/// another: the input is read once, and the weights are read from memory once for all continuations' next tokens.
///
/// Each is what [`extend`] gives with its rng. The observer is told how far the shortest is, or, with
/// [`end_naturally`](TransformerParams::end_naturally), how much of all is done; a break ends all.
///
/// # Errors
///
/// As [`extend`], and [`ComposeError::Parameter`] for more than [`MAX_CONTINUATIONS`] continuations.
pub fn extend_several<M, R>(
    model: &mut M,
    input: &Score,
    params: &TransformerParams,
    rngs: Vec<R>,
    observer: &mut Observer<'_>,
) -> Result<Vec<Composition>, ComposeError>
where
    M: ForkModel + ?Sized,
    R: Rng,
{
    let count = rngs.len();
    check("continuations", count as f64, count <= MAX_CONTINUATIONS, "0..=256")?;
    let work = Extension::new(input, params)?;
    if work.ending.is_some() {
        // Each draws several endings, so they are not side by side.
        let (total, mut stopped) = (work.duration, false);
        let one = |(lane, mut rng): (usize, R)| {
            extend(model, input, params, &mut rng, &mut |progress| {
                let done = (lane * total + progress.done) / count;
                stopped = stopped || observer(Progress { done, ..progress }).is_break();
                if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        };
        return rngs.into_iter().enumerate().map(one).collect();
    }
    let mut done = vec![0.0; count];
    let lane = |mut rng: R| {
        let spans = work.spans(params, &mut rng);
        work.recalling(work.constraints.clone(), spans).map(|constraint| (constraint, rng))
    };
    let lanes = rngs.into_iter().map(lane).collect::<Result<Vec<_>, ComposeError>>()?;
    let mut stopped = false;
    let observer = &mut |lane: usize, p: deepcompose_samplers::Progress| {
        done[lane] = if p.sampled == p.token_budget { 1.0 } else { p.fraction.unwrap_or(0.0) };
        let shortest = done.iter().copied().fold(1.0, f64::min);
        stopped = stopped || observer(work.progress(Some(shortest), &[])).is_break();
        if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let generated =
        generate_several(model, &work.prompt, &work.sampler, lanes, params.token_budget, observer);
    Ok(generated.map_err(failed)?.into_iter().map(|generated| work.composition(generated)).collect())
}

fn failed<E: std::error::Error + Send + Sync + 'static>(error: GenerateError<E>) -> ComposeError {
    match error {
        GenerateError::Model(e) => ComposeError::model(e),
        other => ComposeError::Model(other.to_string().into()),
    }
}

/// What is known of an extension before a token is drawn.
struct Extension<'a> {
    input: &'a Score,
    selected: Selected<'a>,
    sampler: TokenSampler,
    clock: UnitClock,
    /// Units to be filled.
    duration: usize,
    prompt: Vec<TokenId>,
    constraints: PerformanceConstraints,
    /// If it is to end.
    ending: Option<EndingConstraints>,
}

impl<'a> Extension<'a> {
    fn new(input: &'a Score, params: &TransformerParams) -> Result<Self, ComposeError> {
        let sampler = params.sampler()?;
        let selected = Selected::new(params.track, input)?;
        let clock = UnitClock::at_end_of(input);
        let mut limits = clock.limits(params);
        if i64::from(input.end().get()) + clock.ticks_up(limits.duration) > i64::from(Tick::MAX.get()) {
            return Err(ComposeError::TooLong);
        }
        let tokenizer = PerformanceTokenizer::new(PerformanceClock::Metric);
        let prompt = prompt(&tokenizer, input, &selected.notes(), params.input_duration);
        let ending = if params.end_naturally {
            let notes = selected.notes();
            match clock.final_note(input, &notes, &limits) {
                Some(last) => Some(EndingConstraints::new(limits.clone(), last)?.after_prompt(&prompt)),
                None => None,
            }
        } else {
            None
        };
        if ending.is_none() {
            limits.duration = clock.whole_beats(input, limits.duration);
        }
        let duration = limits.duration as usize;
        let constraints = PerformanceConstraints::new(limits)?.after_prompt(&prompt);
        Ok(Self { input, selected, sampler, clock, duration, prompt, constraints, ending })
    }

    /// The parts of the extension that recall what came before: of each phrase of [`PHRASE`] bars, counted from the bar of
    /// the first note, with the probability `repetition` the first [`OPENING`] bars recall those two phrases before. A phrase
    /// that has begun is left to the model.
    fn spans(&self, params: &TransformerParams, rng: &mut (impl Rng + ?Sized)) -> Vec<RecallSpan> {
        let repetition = params.repetition;
        let notes = self.selected.notes();
        let Some(first) = notes.iter().map(|note| note.start).min() else { return Vec::new() };
        if repetition == 0.0 {
            return Vec::new();
        }
        // Beyond what the budget can reach, nothing is recalled.
        let reach = params.token_budget.saturating_mul(PerformanceEvent::MAX_TIME_SHIFT.into());
        let (end, duration) = (self.input.end(), self.duration.min(reach) as i64);
        // All times are below the duration, but for how far back two phrases are, which a score's length bounds.
        let number = |units: i64| u32::try_from(units).unwrap_or(0);
        let bars = self.input.bars().skip_while(|bar| bar.end <= first).enumerate();
        // Where the bars of the last two phrases begin.
        let mut earlier = VecDeque::with_capacity(2 * PHRASE + 1);
        let (mut spans, mut recalls) = (Vec::new(), false);
        for (index, bar) in bars {
            let start = self.clock.units(bar.start, end);
            if start >= duration {
                break;
            }
            if index % PHRASE == 0 {
                recalls = start >= 0 && earlier.len() == 2 * PHRASE && rng.random_bool(repetition);
            }
            if let Some(origin) = earlier.front().filter(|_| recalls && index % PHRASE < OPENING) {
                let until = self.clock.units(bar.end, end).min(duration);
                let span =
                    RecallSpan { start: number(start), end: number(until), back: number(start - origin) };
                spans.extend((span.back > 0 && span.start < span.end).then_some(span));
            }
            earlier.push_back(start);
            if earlier.len() > 2 * PHRASE {
                earlier.pop_front();
            }
        }
        spans
    }

    /// A constraint that also prefers what recalls the input in `spans`.
    fn recalling<C: Constraint>(
        &self,
        constraint: C,
        spans: Vec<RecallSpan>,
    ) -> Result<Recall<C>, ComposeError> {
        let end = self.input.end();
        let heard = |note: &Note| HeardNote {
            onset: self.clock.units(note.start, end),
            end: self.clock.units(note.end(), end),
            pitch: note.pitch,
        };
        let heard: Vec<HeardNote> = match spans.is_empty() {
            true => Vec::new(),
            false => self.selected.notes().iter().map(heard).collect(),
        };
        Ok(Recall::new(constraint, &heard, spans, BONUS)?)
    }

    /// The tokens before the last quarter notes that lead to a final note.
    fn begun(&self, tokens: &[TokenId], final_onset: u32) -> Vec<TokenId> {
        let until = u64::from(final_onset.saturating_sub(APPROACH * UnitClock::UNITS as u32));
        let mut now = 0;
        let before = tokens.iter().take_while(|token| {
            if let Some(PerformanceEvent::TimeShift(units)) = PerformanceEvent::from_id(**token) {
                now += u64::from(units);
            }
            now < until
        });
        before.copied().collect()
    }

    fn progress<'e>(&self, fraction: Option<f64>, events: &'e [Event]) -> Progress<'e> {
        let done = (fraction.unwrap_or(0.0) * self.duration as f64).round() as usize;
        Progress { done, total: self.duration, events }
    }

    /// Tells the observer of all notes at once.
    fn tell(&self, generated: &Generated, fraction: f64, observer: &mut Observer<'_>) {
        let mut listener = Listener::new(self.velocity());
        let heard = generated.tokens.iter().filter_map(|token| listener.hear(*token));
        let events: Vec<Event> = heard.filter_map(|units| self.event(&units)).collect();
        let _ = observer(self.progress(Some(fraction), &events));
    }

    /// A generated note as the observer is told.
    fn event(&self, units: &Note) -> Option<Event> {
        let (track, note) = self.placed(units)?;
        Some(Event::Note { track, note })
    }

    /// A generated note in ticks of the input, and the index of the track it goes to.
    fn placed(&self, units: &Note) -> Option<(usize, Note)> {
        let note = self.clock.note(units, self.input.end());
        let home = self.selected.home(note.pitch.get());
        self.selected.tracks.get(home).map(|(track, _)| (*track, note))
    }

    /// The velocity in force at the end of the prompt, which goes on.
    fn velocity(&self) -> Option<TokenId> {
        let is_velocity = |token: &&TokenId| {
            matches!(PerformanceEvent::from_id(**token), Some(PerformanceEvent::Velocity(_)))
        };
        self.prompt.iter().rev().find(is_velocity).copied()
    }

    /// The input, and what was generated after it.
    fn composition(&self, generated: Generated) -> Composition {
        let tokenizer = PerformanceTokenizer::new(PerformanceClock::Metric);
        let velocity = self.velocity();
        let tokens: Vec<TokenId> = velocity.into_iter().chain(generated.tokens).collect();
        let (units, _) = tokenizer.decode_notes(&tokens, UnitClock::resolution());
        let mut score = self.input.clone();
        for note in units {
            if let Some((index, note)) = self.placed(&note)
                && let Some(track) = score.tracks_mut().get_mut(index)
            {
                track.extend_notes([note]);
            }
        }
        Composition::new(self.input, score, generated.stop)
    }
}

/// Most tokens of the input that a model is given, the newest: minutes of the densest music.
const MAX_PROMPT: usize = 1 << 16;

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
    if tokens.is_empty() {
        // Nothing that the model knows of.
        tokens.push(PerformanceEvent::START_ID);
    }
    let forgotten = tokens.len().saturating_sub(MAX_PROMPT);
    tokens.split_off(forgotten)
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

    /// A time in units from another.
    fn units(&self, tick: Tick, from: Tick) -> i64 {
        let ticks = i64::from(tick.get()) - i64::from(from.get());
        // Rounded to the nearest; a tick is at most 2³² and a quarter has at least one.
        (2 * ticks * Self::UNITS + self.ticks_per_quarter).div_euclid(2 * self.ticks_per_quarter)
    }

    /// The last note of an extension that ends: on the last barline, or where none fits beat, of the extension after which
    /// it can be as long as a quarter note, or as a note may be. `None` where there is no time for any.
    fn final_note(&self, input: &Score, notes: &[Note], limits: &PerformanceLimits) -> Option<FinalNote> {
        let (key, _) = estimate_key(notes)?;
        let end = input.end();
        let unit = |tick: Tick| -> u32 {
            let ticks = u64::from(tick.saturating_sub(end).get());
            u32::try_from(ticks * Self::UNITS as u64 / self.ticks_per_quarter as u64).unwrap_or(u32::MAX)
        };
        let quarter = Self::UNITS as u32;
        let least = quarter.min(limits.max_note_length);
        let fits = |onset: &u32| *onset >= 1 && onset.saturating_add(least) <= limits.duration;
        let bars = || input.bars().skip_while(|bar| bar.end <= end);
        let starts = bars().map(|bar| unit(bar.start)).skip_while(|onset| *onset == 0);
        let on_bar = starts.take_while(fits).last();
        let on_beat = || {
            let first = bars().next().map_or(Tick::ZERO, |bar| bar.start);
            let before = u64::from(end.saturating_sub(first).get()) * Self::UNITS as u64;
            let offset = (before / self.ticks_per_quarter as u64 % u64::from(quarter)) as u32;
            (1..=limits.duration / quarter).map(|beat| beat * quarter - offset).take_while(fits).last()
        };
        let onset = on_bar.or_else(on_beat)?;
        let bar = bars().find(|bar| unit(bar.end) > onset).map_or(quarter, |bar| unit(bar.end) - onset);
        let length = bar.min(limits.max_note_length).min(limits.duration - onset);
        Some(FinalNote { onset, length, pitch_class: key.tonic() })
    }

    /// The units up to the last beat, of the metre then in force, in so many, so that an extension does not break off on a
    /// stub; all of them if there is no beat in them.
    fn whole_beats(&self, input: &Score, duration: u32) -> u32 {
        let end = input.end();
        let last = i64::from(end.get()) + i64::from(duration) * self.ticks_per_quarter / Self::UNITS;
        let Some(bar) = input.bars().find(|bar| i64::from(bar.end.get()) > last) else { return duration };
        let start = i64::from(bar.start.get());
        // A beat is 4 / denominator quarters.
        let (whole, beats) = (4 * self.ticks_per_quarter, i64::from(bar.time_signature.denominator()));
        let beat = start + (last - start) * beats / whole * whole / beats;
        let units = self.units(Tick::saturating(beat), end).min(duration.into());
        u32::try_from(units).ok().filter(|units| *units > 0).unwrap_or(duration)
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
