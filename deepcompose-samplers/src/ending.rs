//! [`EndingConstraints`]: a continuation that comes to an end.

use std::cell::Cell;

use deepcompose_core::{PerformanceEvent, Pitch};
use serde::{Deserialize, Serialize};

use crate::constraint::Constraint;
use crate::error::{SamplerError, in_range};
use crate::performance::{PerformanceConstraints, PerformanceLimits};
use crate::softmax::Temper;
use crate::token_model::TokenId;

/// The last note of a continuation in performance tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalNote {
    /// When it begins, in time units from the start of the continuation, at least 1.
    pub onset: u32,
    /// How long it is, in time units, at least 1.
    pub length: u32,
    /// Its pitch class, 0 (C) to 11 (B): to end, the tonic.
    pub pitch_class: u8,
}

/// [`PerformanceConstraints`] up to the onset of a [`FinalNote`], which is then the next to begin and the last.
///
/// At that onset what sounds may end, and one NOTE_ON, with a VELOCITY before it or not, must come: of the pitch class, less than an octave from
/// the note that began last. The sequence is [`finished`](Constraint::finished) then, and
/// [`close`](Constraint::close) ends everything, the last note after its length. There is always a next token, and an
/// end, as there: at the onset at most one NOTE_OFF for each note that sounds, one VELOCITY and one NOTE_ON can come.
///
/// What leads to the ending is drawn by a model that does not know of it. [`likelihood`](Self::likelihood) says how
/// much the model expected it: of several continuations, the one to which it is highest ends most as the model would have it.
#[derive(Debug, Clone)]
pub struct EndingConstraints {
    before: PerformanceConstraints,
    final_note: FinalNote,
    /// The pitch that began last before the final note.
    previous: Option<Pitch>,
    /// The final note's pitch, once it is drawn.
    drawn: Option<Pitch>,
    /// A velocity of the final note has come.
    is_announced: bool,
    likelihood: Cell<f64>,
}

impl EndingConstraints {
    /// Checks the limits, of which the duration is that of the final note's onset, and the final note.
    ///
    /// # Errors
    ///
    /// As [`PerformanceConstraints::new`], and [`SamplerError::OutOfRange`] for an onset or a length of 0, a length
    /// over the longest note's, or a pitch class above 11.
    pub fn new(limits: PerformanceLimits, final_note: FinalNote) -> Result<Self, SamplerError> {
        let FinalNote { onset, length, pitch_class } = final_note;
        in_range("onset of the final note", onset.into(), onset >= 1, "1 or more time units")?;
        let fits = (1..=limits.max_note_length).contains(&length);
        in_range("length of the final note", length.into(), fits, "1 to the maximum note length")?;
        in_range("pitch class", pitch_class.into(), pitch_class < 12, "0..=11")?;
        Ok(Self {
            before: PerformanceConstraints::new(PerformanceLimits { duration: onset, ..limits })?,
            final_note,
            previous: None,
            drawn: None,
            is_announced: false,
            likelihood: Cell::new(0.0),
        })
    }

    /// As [`PerformanceConstraints::after_prompt`].
    #[must_use]
    pub fn after_prompt(mut self, prompt: &[TokenId]) -> Self {
        self.before = self.before.after_prompt(prompt);
        let pitch = |token: &TokenId| match PerformanceEvent::from_id(*token) {
            Some(PerformanceEvent::NoteOn(pitch)) => Some(pitch),
            _ => None,
        };
        self.previous = prompt.iter().rev().find_map(pitch);
        self
    }

    /// When the final note begins, in time units from the start of the continuation.
    #[must_use]
    pub const fn final_onset(&self) -> u32 {
        self.final_note.onset
    }

    /// How much time has been generated, in time units.
    #[must_use]
    pub const fn elapsed(&self) -> u64 {
        self.before.elapsed()
    }

    /// Of the probability that the model gave to a note's beginning where the final note begins, the share of those that
    /// may: 0 to 1. 0 as long as that has not been asked, or was not answered in finite numbers and −∞.
    #[must_use]
    pub const fn likelihood(&self) -> f64 {
        self.likelihood.get()
    }

    /// The pitches that the final note may have, of which there is one at least: of its class and near the note before; where
    /// the pitch range has none of these, of its class; where it has none of these either, any.
    fn candidates(&self) -> Vec<Pitch> {
        let range = &self.before.limits().pitch_range;
        let all: Vec<Pitch> = (range.start().get()..=range.end().get())
            .map(|number| Pitch::saturating(number.into()))
            .collect();
        let of_class: Vec<Pitch> =
            all.iter().copied().filter(|pitch| pitch.get() % 12 == self.final_note.pitch_class).collect();
        let is_near =
            |pitch: &Pitch| self.previous.is_none_or(|previous| pitch.get().abs_diff(previous.get()) < 12);
        let near: Vec<Pitch> = of_class.iter().copied().filter(is_near).collect();
        [near, of_class].into_iter().find(|pitches| !pitches.is_empty()).unwrap_or(all)
    }

    fn allows(&self, event: PerformanceEvent, candidates: &[Pitch]) -> bool {
        let is_silent = |pitch: &Pitch| !self.before.is_sounding(*pitch);
        match event {
            PerformanceEvent::NoteOff(pitch) => !self.is_announced && !is_silent(&pitch),
            PerformanceEvent::NoteOn(pitch) => candidates.contains(&pitch) && is_silent(&pitch),
            PerformanceEvent::Velocity(_) => !self.is_announced && candidates.iter().any(is_silent),
            _ => false,
        }
    }

    /// Looks at what the model says of the note that begins here.
    fn listen(&self, logits: &[f32], candidates: &[Pitch]) {
        let begins = |id: usize| match TokenId::try_from(id).ok().and_then(PerformanceEvent::from_id) {
            Some(PerformanceEvent::NoteOn(pitch)) => Some(pitch),
            _ => None,
        };
        let onsets = || logits.iter().enumerate().filter_map(|(id, logit)| Some((begins(id)?, *logit)));
        let most = onsets().map(|(_, logit)| logit).fold(f32::NEG_INFINITY, f32::max);
        if !most.is_finite() || onsets().any(|(_, logit)| logit.is_nan()) {
            return;
        }
        let temper = Temper::new(most, 1.0);
        let (mut all, mut ends) = (0.0, 0.0);
        for (pitch, logit) in onsets() {
            let weight = temper.weight(logit);
            let may_begin = candidates.contains(&pitch) && !self.before.is_sounding(pitch);
            all += weight;
            ends += if may_begin { weight } else { 0.0 };
        }
        self.likelihood.set(ends / all);
    }
}

impl Constraint for EndingConstraints {
    fn mask(&self, logits: &mut [f32]) {
        if !self.before.finished() {
            return self.before.mask(logits);
        }
        let candidates = self.candidates();
        self.listen(logits, &candidates);
        for (id, logit) in logits.iter_mut().enumerate() {
            let event = TokenId::try_from(id).ok().and_then(PerformanceEvent::from_id);
            if !event.is_some_and(|event| self.allows(event, &candidates)) {
                *logit = f32::NEG_INFINITY;
            }
        }
    }

    fn observe(&mut self, token: TokenId) {
        let at_end = self.before.finished();
        self.before.observe(token);
        match PerformanceEvent::from_id(token) {
            Some(PerformanceEvent::NoteOn(pitch)) if at_end => self.drawn = Some(pitch),
            Some(PerformanceEvent::NoteOn(pitch)) => self.previous = Some(pitch),
            Some(PerformanceEvent::Velocity(_)) if at_end => self.is_announced = true,
            _ => {}
        }
    }

    fn finished(&self) -> bool {
        self.drawn.is_some()
    }

    fn progress(&self) -> Option<f64> {
        let whole = u64::from(self.final_note.onset) + u64::from(self.final_note.length);
        Some(if self.finished() { 1.0 } else { (self.elapsed() as f64 / whole as f64).min(1.0) })
    }

    /// As [`PerformanceConstraints`] does, and after the final note's length.
    fn close(&self, tokens: &mut Vec<TokenId>) {
        let Some(drawn) = self.drawn else {
            if self.is_announced {
                tokens.pop();
            }
            return self.before.close(tokens);
        };
        let off = |pitch: Pitch| PerformanceEvent::NoteOff(pitch).to_id();
        let (last, others): (Vec<Pitch>, Vec<Pitch>) =
            self.before.sounding().partition(|pitch| *pitch == drawn);
        // What sounds ends where the final note begins: before it.
        let at = tokens.len().saturating_sub(1 + usize::from(self.is_announced));
        let ended: Vec<TokenId> = others.into_iter().filter_map(off).collect();
        tokens.splice(at..at, ended);
        tokens.extend(PerformanceEvent::time_shifts(self.final_note.length.into()));
        tokens.extend(last.into_iter().filter_map(off));
    }
}
