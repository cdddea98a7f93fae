//! [`PerformanceConstraints`]: grammar and limits of performance tokens.

use std::ops::RangeInclusive;

use deepcompose_core::{PerformanceEvent, Pitch};
use serde::{Deserialize, Serialize};

use crate::constraint::Constraint;
use crate::error::{SamplerError, in_range};
use crate::token_model::TokenId;

/// What a continuation may do. Times are in the tokenizer's time units (what TIME_SHIFT 1 is
/// worth: 10 ms on the clock of the reference model).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerformanceLimits {
    /// How long the continuation is, in time units. At 0 there is nothing to generate.
    pub duration: u32,
    /// The longest silence, in time units: from the end of the last note to the next onset, or to
    /// the end of the continuation. At 0 something always sounds.
    pub max_rest: u32,
    /// The longest note, in time units, at least 1. A note that sounds where the prompt ends is
    /// counted from its onset.
    pub max_note_length: u32,
    /// The pitches of new notes, within 21..=108 (what performance tokens can say).
    pub pitch_range: RangeInclusive<Pitch>,
    /// How many notes may sound together, at least 1.
    pub max_polyphony: usize,
    /// How long it has been silent where generation begins, in time units; counted towards the
    /// first rest. [`PerformanceConstraints::after_prompt`] adds what it finds in the prompt.
    pub rest_so_far: u32,
}

impl PerformanceLimits {
    /// A duration in time units, and no other limit.
    #[must_use]
    pub fn for_duration(duration: u32) -> Self {
        Self {
            duration,
            max_rest: u32::MAX,
            max_note_length: u32::MAX,
            pitch_range: pitch(PerformanceEvent::MIN_PITCH)..=pitch(PerformanceEvent::MAX_PITCH),
            max_polyphony: usize::MAX,
            rest_so_far: 0,
        }
    }
}

/// Holds a continuation in performance tokens to the grammar and to [`PerformanceLimits`].
///
/// Let `t` be the time, S the sounding notes and rest the time since the last note ended. A note
/// is *due* when it is as long as it may be. A VELOCITY *waits* until the NOTE_ON after it. The
/// next token may be
///
/// | token | if |
/// |---|---|
/// | NOTE_OFF p | p is in S; no note began at `t`, or p is due; no VELOCITY waits |
/// | NOTE_ON p | p is not in S and in the pitch range; S is smaller than the polyphony; no note is due; `t` < duration |
/// | TIME_SHIFT k | `t` + k ≤ duration; no note becomes longer than the maximum note length; if S is empty, rest + k ≤ maximum rest; no VELOCITY waits |
/// | VELOCITY v | some NOTE_ON may come; no VELOCITY waits |
/// | START, PAD, any other id | never |
///
/// The longest TIME_SHIFT that may come has the largest logit of those that are as long or longer: a model that
/// would let more time pass lets as much pass as there is.
///
/// So at one time NOTE_OFFs come before NOTE_ONs, as the tokenizer writes them and as its
/// [token-type graph](deepcompose_core::Tokenizer::may_follow) says. The sequence is
/// [`finished`](Constraint::finished) when `t` = duration; [`close`](Constraint::close) then
/// appends the NOTE_OFFs of what still sounds.
///
/// # There is always a next token
///
/// Let `t` < duration. If a VELOCITY waits, it was let through because some NOTE_ON could come,
/// and nothing has changed since. Otherwise, if a note is due, its NOTE_OFF may
/// come. Otherwise, if something sounds,
/// TIME_SHIFT 1 may come: it makes no note longer than it may be. Otherwise there is silence, and
/// every NOTE_ON of the pitch range may come (the range is not empty, and the polyphony at least
/// 1).
///
/// # Time always passes
///
/// A note cannot end at its onset, so at one time a pitch has at most one NOTE_OFF and after
/// it at most one NOTE_ON, and each VELOCITY needs a NOTE_ON of its own. After at most
/// 3 × 88 = 264 tokens a TIME_SHIFT comes, and a continuation takes at most 265 × duration
/// tokens.
///
/// Both hold for every model with finite logits. [`observe`](Constraint::observe) takes tokens
/// that were masked, too (a prompt or a caller may force them), and there still is a next token: a
/// NOTE_ON of a sounding pitch begins it anew, a NOTE_OFF of a silent one and ids without a
/// meaning here do nothing.
///
/// ```
/// use deepcompose_core::PerformanceEvent;
/// use deepcompose_samplers::{Constraint, PerformanceConstraints, PerformanceLimits};
///
/// // One second in units of 10 ms, silences of at most 0.2 s.
/// let limits = PerformanceLimits { max_rest: 20, ..PerformanceLimits::for_duration(100) };
/// let constraints = PerformanceConstraints::new(limits)?;
/// let mut logits = vec![0.0; PerformanceEvent::VOCABULARY_SIZE];
/// constraints.mask(&mut logits);
/// let logit = |event: PerformanceEvent| event.to_id().map(|id| logits[id as usize]);
/// assert_eq!(logit(PerformanceEvent::TimeShift(20)), Some(0.0));
/// assert_eq!(logit(PerformanceEvent::TimeShift(21)), Some(f32::NEG_INFINITY));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PerformanceConstraints {
    limits: PerformanceLimits,
    /// Where generation begins. All times are in units on one clock, which the silence or the
    /// prompt before generation has already moved.
    start: u64,
    now: u64,
    end: u64,
    /// Onset of what sounds, by pitch.
    onsets: [Option<u64>; PITCHES],
    sounding: usize,
    /// When the last note ended; means nothing while something sounds.
    silent_since: u64,
    /// When a note last began, if any has.
    last_onset: Option<u64>,
    is_velocity_waiting: bool,
}

const PITCHES: usize = 128;

/// One of the constants, all of which are pitches.
fn pitch(number: u8) -> Pitch {
    Pitch::saturating(number.into())
}

impl PerformanceConstraints {
    /// Checks the limits. Generation begins with nothing sounding.
    ///
    /// # Errors
    ///
    /// [`SamplerError::OutOfRange`] for a maximum note length or a polyphony of 0,
    /// [`SamplerError::PitchRange`] for a pitch range that is empty or not within 21..=108.
    pub fn new(limits: PerformanceLimits) -> Result<Self, SamplerError> {
        in_range(
            "maximum note length",
            limits.max_note_length.into(),
            limits.max_note_length >= 1,
            "1 or more time units",
        )?;
        in_range("polyphony", limits.max_polyphony as f64, limits.max_polyphony >= 1, "1 or more notes")?;
        let (low, high) = (limits.pitch_range.start().get(), limits.pitch_range.end().get());
        let (min, max) = (PerformanceEvent::MIN_PITCH, PerformanceEvent::MAX_PITCH);
        if low > high || low < min || high > max {
            return Err(SamplerError::PitchRange { low, high, min, max });
        }
        let start = u64::from(limits.rest_so_far);
        Ok(Self {
            start,
            now: start,
            end: start + u64::from(limits.duration),
            onsets: [None; PITCHES],
            sounding: 0,
            silent_since: 0,
            last_onset: None,
            is_velocity_waiting: false,
            limits,
        })
    }

    /// Lets generation begin after `prompt`: notes that it leaves sounding may be held on (up to
    /// the maximum note length, counted from their onset) or ended, and the silence at its end
    /// counts towards the first rest. Any tokens are taken.
    ///
    /// Call it once, before generation.
    #[must_use]
    pub fn after_prompt(mut self, prompt: &[TokenId]) -> Self {
        self.end = u64::MAX;
        for &token in prompt {
            self.observe(token);
        }
        self.start = self.now;
        self.end = self.now.saturating_add(self.limits.duration.into());
        self
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &PerformanceLimits {
        &self.limits
    }

    /// How much time has been generated, in time units.
    #[must_use]
    pub const fn elapsed(&self) -> u64 {
        self.now - self.start
    }

    /// How many notes sound now.
    #[must_use]
    pub const fn sounding_notes(&self) -> usize {
        self.sounding
    }

    /// Whether `event` may come next. Events that have no id may not.
    #[must_use]
    pub fn allows(&self, event: PerformanceEvent) -> bool {
        event.to_id().is_some() && self.rules().allow(event)
    }

    /// The rules as they are now, with what many events have in common worked out once.
    fn rules(&self) -> Rules<'_> {
        let oldest = self.onsets.iter().flatten().min();
        let is_any_due = oldest.is_some_and(|onset| self.is_due(*onset));
        let is_room = self.sounding < self.limits.max_polyphony;
        let may_begin = is_room && !is_any_due && self.now < self.end;
        let pitches = self.limits.pitch_range.start().get()..=self.limits.pitch_range.end().get();
        let is_any_silent = pitches.into_iter().any(|number| self.onset(pitch(number)).is_none());
        let limit = match oldest {
            Some(onset) => onset.saturating_add(self.limits.max_note_length.into()),
            None => self.silent_since.saturating_add(self.limits.max_rest.into()),
        };
        Rules {
            state: self,
            may_begin,
            may_announce: !self.is_velocity_waiting && may_begin && is_any_silent,
            has_begun: self.last_onset == Some(self.now),
            max_shift: if self.is_velocity_waiting {
                0
            } else {
                self.end.min(limit).saturating_sub(self.now)
            },
        }
    }

    pub(crate) fn is_sounding(&self, pitch: Pitch) -> bool {
        self.onset(pitch).is_some()
    }

    /// What sounds, by rising pitch.
    pub(crate) fn sounding(&self) -> impl Iterator<Item = Pitch> {
        (0_u8..).zip(&self.onsets).filter(|(_, onset)| onset.is_some()).map(|(number, _)| pitch(number))
    }

    fn onset(&self, pitch: Pitch) -> Option<u64> {
        self.onsets.get(usize::from(pitch.get())).copied().flatten()
    }

    /// Whether a note begun at `onset` is as long as it may be.
    fn is_due(&self, onset: u64) -> bool {
        self.now - onset >= u64::from(self.limits.max_note_length)
    }

    fn end_note(&mut self, pitch: Pitch) {
        let onset = self.onsets.get_mut(usize::from(pitch.get()));
        if onset.and_then(Option::take).is_some() {
            self.sounding -= 1;
            self.silent_since = self.now;
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Rules<'a> {
    state: &'a PerformanceConstraints,
    /// Whether one more note may begin now, if its pitch is in range and silent.
    may_begin: bool,
    /// Whether a velocity may come.
    may_announce: bool,
    /// Whether a note has begun at this very time.
    has_begun: bool,
    /// The longest time shift, in time units; 0 if time may not pass.
    max_shift: u64,
}

impl Rules<'_> {
    /// Gives the longest time shift that may come the logit of the likeliest that is as long or longer: who would let more time
    /// pass lets as much pass as there is. Otherwise what is left to draw, where time is nearly over, would be notes.
    fn cut_longer_shifts(&self, logits: &mut [f32]) {
        let place = |units: u64| -> Option<usize> {
            let id = PerformanceEvent::TimeShift(u8::try_from(units).ok()?).to_id()?;
            usize::try_from(id).ok().filter(|place| *place < logits.len())
        };
        let (Some(longest), Some(end)) =
            (place(self.max_shift), place(PerformanceEvent::MAX_TIME_SHIFT.into()))
        else {
            return;
        };
        let longer = logits[longest..=end].iter().copied();
        // What is not a number, or infinite, is not handed on: the longer ones are masked with what they have.
        let likeliest = longer.filter(|logit| logit.is_finite()).reduce(f32::max);
        if let Some(likeliest) = likeliest.filter(|logit| *logit > logits[longest]) {
            logits[longest] = likeliest;
        }
    }

    fn allow(&self, event: PerformanceEvent) -> bool {
        let state = self.state;
        match event {
            PerformanceEvent::NoteOn(pitch) => {
                self.may_begin && state.limits.pitch_range.contains(&pitch) && state.onset(pitch).is_none()
            }
            // What began at this very time is not due, so it cannot end yet.
            PerformanceEvent::NoteOff(pitch) => state
                .onset(pitch)
                .is_some_and(|onset| !state.is_velocity_waiting && (!self.has_begun || state.is_due(onset))),
            PerformanceEvent::TimeShift(units) => u64::from(units) <= self.max_shift,
            PerformanceEvent::Velocity(_) => self.may_announce,
            PerformanceEvent::Start | PerformanceEvent::Pad => false,
        }
    }
}

impl Constraint for PerformanceConstraints {
    fn mask(&self, logits: &mut [f32]) {
        let rules = self.rules();
        rules.cut_longer_shifts(logits);
        for (id, logit) in logits.iter_mut().enumerate() {
            let event = TokenId::try_from(id).ok().and_then(PerformanceEvent::from_id);
            if !event.is_some_and(|event| rules.allow(event)) {
                *logit = f32::NEG_INFINITY;
            }
        }
    }

    fn observe(&mut self, token: TokenId) {
        let Some(event) = PerformanceEvent::from_id(token) else { return };
        match event {
            PerformanceEvent::NoteOn(pitch) => {
                self.is_velocity_waiting = false;
                self.end_note(pitch);
                if let Some(onset) = self.onsets.get_mut(usize::from(pitch.get())) {
                    *onset = Some(self.now);
                    self.last_onset = Some(self.now);
                    self.sounding += 1;
                }
            }
            PerformanceEvent::NoteOff(pitch) => {
                self.is_velocity_waiting = false;
                self.end_note(pitch);
            }
            PerformanceEvent::TimeShift(units) => {
                self.is_velocity_waiting = false;
                self.now = self.now.saturating_add(units.into());
            }
            PerformanceEvent::Velocity(_) => {
                // One that no NOTE_ON can follow (at the end of a prompt) must not be waited for.
                self.is_velocity_waiting = false;
                self.is_velocity_waiting = self.rules().may_announce;
            }
            PerformanceEvent::Start | PerformanceEvent::Pad => {}
        }
    }

    fn finished(&self) -> bool {
        self.now >= self.end
    }

    fn progress(&self) -> Option<f64> {
        if self.limits.duration == 0 {
            return Some(1.0);
        }
        Some((self.elapsed() as f64 / f64::from(self.limits.duration)).min(1.0))
    }

    /// Takes off a VELOCITY at the end and appends the NOTE_OFFs of what sounds, by rising pitch.
    /// Where generation stopped at a note's onset, one time unit passes before, so that every note
    /// has a length.
    fn close(&self, tokens: &mut Vec<TokenId>) {
        let is_velocity =
            |id: &TokenId| matches!(PerformanceEvent::from_id(*id), Some(PerformanceEvent::Velocity(_)));
        if self.is_velocity_waiting && tokens.last().is_some_and(is_velocity) {
            tokens.pop();
        }
        let sounding = || (0_u8..).zip(&self.onsets).filter_map(|(number, onset)| Some((number, (*onset)?)));
        let note_off = |number| PerformanceEvent::NoteOff(pitch(number)).to_id();
        let must_wait = sounding().any(|(_, onset)| onset == self.now);
        // A note that is due cannot wait. It is only there beside an onset if that was forced.
        let ends_first = |onset| !must_wait || self.is_due(onset);
        tokens.extend(sounding().filter(|(_, onset)| ends_first(*onset)).filter_map(|(n, _)| note_off(n)));
        if must_wait {
            tokens.extend(PerformanceEvent::TimeShift(1).to_id());
            tokens
                .extend(sounding().filter(|(_, onset)| !ends_first(*onset)).filter_map(|(n, _)| note_off(n)));
        }
    }
}
