//! [`Recall`]: music that comes back.

use std::collections::BTreeSet;

use deepcompose_core::{PerformanceEvent, Pitch};

use crate::constraint::Constraint;
use crate::error::{SamplerError, in_range};
use crate::token_model::TokenId;

/// A part of a continuation in performance tokens that is to go as what came some time before. Times are in time units from the
/// start of the continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecallSpan {
    /// Where it begins.
    pub start: u32,
    /// Where it ends, exclusive: after its start.
    pub end: u32,
    /// How much earlier it came, at least 1.
    pub back: u32,
}

/// A note that came before the continuation: times as in a [`RecallSpan`], which are then negative or 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeardNote {
    /// When it began.
    pub onset: i64,
    /// When it ended.
    pub end: i64,
    /// Its pitch.
    pub pitch: Pitch,
}

/// A constraint, and a preference for what recalls the music of some time before.
///
/// In a [`RecallSpan`] the events that would do as the music did so long ago (a note's beginning or end, or the time until
/// the next of them) have their logits raised by a bonus. Ends go before beginnings, and both before time; what the
/// inner constraint masks stays masked and is passed over, and where it lets less time pass, as much as it lets is
/// preferred. The model still has its say: at a bonus of b nats, an event that it finds e⁻ᵇ times as probable as another
/// is drawn as often. Notes of the continuation are remembered too, so that a span may recall another.
#[derive(Debug, Clone)]
pub struct Recall<C> {
    inner: C,
    spans: Vec<RecallSpan>,
    bonus: f32,
    /// By onset. The end of what sounds is not known.
    notes: Vec<Remembered>,
    now: i64,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    onset: i64,
    end: Option<i64>,
    pitch: Pitch,
}

/// What recalls the past at some time, in the order in which it should come.
#[derive(Debug)]
struct Recalled {
    ends: Vec<PerformanceEvent>,
    onsets: Vec<PerformanceEvent>,
    /// How long it is until the next of them, in time units, as far as one time shift says.
    wait: u8,
}

impl<C: Constraint> Recall<C> {
    /// Recalls `heard`, and what is generated, in `spans`, by a finite `bonus` in nats. Without spans, it is `inner`.
    ///
    /// # Errors
    ///
    /// [`SamplerError::OutOfRange`] for a bonus that is not finite, and for a span that recalls itself or does not end
    /// after its start.
    pub fn new(
        inner: C,
        heard: &[HeardNote],
        spans: Vec<RecallSpan>,
        bonus: f32,
    ) -> Result<Self, SamplerError> {
        in_range("recall bonus", bonus.into(), bonus.is_finite(), "a finite number of nats")?;
        for RecallSpan { start, end, back } in &spans {
            let field = "time that a recall span goes back";
            in_range(field, (*back).into(), *back >= 1, "1 or more time units")?;
            in_range("end of a recall span", (*end).into(), start < end, "a time after its start")?;
        }
        let remember =
            |note: &HeardNote| Remembered { onset: note.onset, end: Some(note.end), pitch: note.pitch };
        // A note that no token says cannot come back.
        let can_sound = |note: &&HeardNote| PerformanceEvent::NoteOn(note.pitch).to_id().is_some();
        let mut notes: Vec<Remembered> = heard.iter().filter(can_sound).map(remember).collect();
        notes.sort_by_key(|note| (note.onset, note.pitch));
        Ok(Self { inner, spans, bonus, notes, now: 0 })
    }

    /// The constraint.
    #[must_use]
    pub const fn inner(&self) -> &C {
        &self.inner
    }

    /// What would recall the past now, in a span.
    fn recalled(&self) -> Option<Recalled> {
        let is_in = |span: &&RecallSpan| (i64::from(span.start)..i64::from(span.end)).contains(&self.now);
        let span = self.spans.iter().find(is_in)?;
        let then = self.now - i64::from(span.back);
        let has_begun = |pitch: Pitch| {
            self.notes.iter().rev().take_while(|n| n.onset == self.now).any(|n| n.pitch == pitch)
        };
        let sounds = |pitch: Pitch| {
            self.notes.iter().any(|n| n.pitch == pitch && n.end.is_none() && n.onset < self.now)
        };
        let ends = self.notes.iter().filter(|n| n.end == Some(then) && sounds(n.pitch));
        let onsets = self.notes.iter().filter(|n| n.onset == then && !has_begun(n.pitch));
        let times = self.notes.iter().flat_map(|n| [Some(n.onset), n.end]).flatten();
        let next = times.filter(|time| *time > then).min().map(|time| time.saturating_sub(then));
        let rest = i64::from(span.end) - self.now;
        let wait = next.unwrap_or(rest).min(rest).min(PerformanceEvent::MAX_TIME_SHIFT.into());
        Some(Recalled {
            ends: ends.map(|n| PerformanceEvent::NoteOff(n.pitch)).collect(),
            onsets: onsets.map(|n| PerformanceEvent::NoteOn(n.pitch)).collect(),
            // From 1 to the longest time shift.
            wait: u8::try_from(wait).unwrap_or(0),
        })
    }
}

impl<C: Constraint> Constraint for Recall<C> {
    fn mask(&self, logits: &mut [f32]) {
        self.inner.mask(logits);
        let Some(Recalled { ends, onsets, wait }) = self.recalled() else { return };
        let open = |event: PerformanceEvent| -> Option<usize> {
            let place = usize::try_from(event.to_id()?).ok()?;
            logits.get(place).is_some_and(|logit| *logit > f32::NEG_INFINITY).then_some(place)
        };
        let wait = (1..=wait).rev().map(PerformanceEvent::TimeShift).find_map(open);
        // Once each, however many parts are in unison.
        let [ends, onsets] =
            [ends, onsets].map(|events| events.into_iter().filter_map(open).collect::<BTreeSet<_>>());
        let preferred = [ends, onsets, wait.into_iter().collect()];
        for place in preferred.into_iter().find(|places| !places.is_empty()).into_iter().flatten() {
            logits[place] += self.bonus;
        }
    }

    fn observe(&mut self, token: TokenId) {
        self.inner.observe(token);
        let now = self.now;
        let sounding = |notes: &mut Vec<Remembered>, pitch: Pitch| {
            notes.iter_mut().filter(|n| n.pitch == pitch && n.end.is_none()).for_each(|n| n.end = Some(now));
        };
        match PerformanceEvent::from_id(token) {
            Some(PerformanceEvent::TimeShift(units)) => self.now = now.saturating_add(units.into()),
            Some(PerformanceEvent::NoteOff(pitch)) => sounding(&mut self.notes, pitch),
            Some(PerformanceEvent::NoteOn(pitch)) => {
                sounding(&mut self.notes, pitch);
                self.notes.push(Remembered { onset: now, end: None, pitch });
            }
            _ => {}
        }
    }

    fn finished(&self) -> bool {
        self.inner.finished()
    }

    fn progress(&self) -> Option<f64> {
        self.inner.progress()
    }

    fn close(&self, tokens: &mut Vec<TokenId>) {
        self.inner.close(tokens);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::constraint::Unconstrained;

    fn pitch(number: u32) -> Pitch {
        Pitch::new(number).unwrap()
    }

    fn raised(recall: &Recall<impl Constraint>) -> Vec<PerformanceEvent> {
        let mut logits = vec![0.0; PerformanceEvent::VOCABULARY_SIZE];
        recall.mask(&mut logits);
        let up = (0..).zip(logits).filter(|(_, logit)| *logit == 2.5);
        up.map(|(id, _)| PerformanceEvent::from_id(id).unwrap()).collect()
    }

    #[test]
    fn a_melody_comes_back_note_by_note() {
        use PerformanceEvent::{NoteOff, NoteOn, TimeShift};
        // C from −96 to −48, then E until 0; the second half of the continuation recalls it.
        let heard = [(-48, 0, 64), (-96, -48, 60)].map(|(onset, end, number)| HeardNote {
            onset,
            end,
            pitch: pitch(number),
        });
        let span = RecallSpan { start: 48, end: 144, back: 144 };
        let mut recall = Recall::new(Unconstrained, &heard, vec![span], 2.5).unwrap();
        let go = |recall: &mut Recall<Unconstrained>, events: &[PerformanceEvent]| {
            events.iter().for_each(|event| recall.observe(event.to_id().unwrap()));
        };
        assert_eq!(raised(&recall), []);
        go(&mut recall, &[NoteOn(pitch(67)), TimeShift(48)]);
        // G still sounds, which C did not do: that is the model's to end.
        assert_eq!(raised(&recall), [NoteOn(pitch(60))]);
        go(&mut recall, &[NoteOff(pitch(67)), NoteOn(pitch(60))]);
        assert_eq!(raised(&recall), [TimeShift(48)]);
        // Halfway it is as far as it still is.
        go(&mut recall, &[TimeShift(24)]);
        assert_eq!(raised(&recall), [TimeShift(24)]);
        go(&mut recall, &[TimeShift(24)]);
        assert_eq!(raised(&recall), [NoteOff(pitch(60))]);
        go(&mut recall, &[NoteOff(pitch(60))]);
        assert_eq!(raised(&recall), [NoteOn(pitch(64))]);
        go(&mut recall, &[NoteOn(pitch(64)), TimeShift(48)]);
        // The span is over.
        assert_eq!(raised(&recall), []);
        // Another one would recall what was generated.
        recall.spans.push(RecallSpan { start: 144, end: 192, back: 144 });
        assert_eq!(raised(&recall), [NoteOff(pitch(64))]);
        go(&mut recall, &[NoteOff(pitch(64))]);
        assert_eq!(raised(&recall), [NoteOn(pitch(67))]);
    }

    #[test]
    fn unisons_count_once_and_what_has_no_token_not_at_all() {
        use PerformanceEvent::{NoteOn, TimeShift};
        // Two parts in unison; beside them a note below the lowest key of the piano, and then one an octave up.
        let heard = [(-48, 60), (-48, 60), (-48, 12), (-24, 12)].map(|(onset, number)| HeardNote {
            onset,
            end: onset + 24,
            pitch: pitch(number),
        });
        let span = RecallSpan { start: 0, end: 48, back: 48 };
        let mut recall = Recall::new(Unconstrained, &heard, vec![span], 2.5).unwrap();
        assert_eq!(raised(&recall), [NoteOn(pitch(60))]);
        recall.observe(NoteOn(pitch(60)).to_id().unwrap());
        assert_eq!(raised(&recall), [TimeShift(24)]);
    }

    /// Masks some events.
    #[derive(Debug, Clone)]
    struct Without(Vec<PerformanceEvent>);

    impl Constraint for Without {
        fn mask(&self, logits: &mut [f32]) {
            for event in &self.0 {
                logits[event.to_id().unwrap() as usize] = f32::NEG_INFINITY;
            }
        }

        fn observe(&mut self, _: TokenId) {}

        fn finished(&self) -> bool {
            false
        }
    }

    #[test]
    fn what_may_not_come_is_passed_over() {
        use PerformanceEvent::{NoteOff, NoteOn, TimeShift};
        // C from −48 to −24, where E and G begin, until 0.
        let heard = [(-48, -24, 60), (-24, 0, 64), (-24, 0, 67)].map(|(onset, end, number)| HeardNote {
            onset,
            end,
            pitch: pitch(number),
        });
        let span = RecallSpan { start: 0, end: 48, back: 48 };
        let raised_without = |masked: &[PerformanceEvent]| {
            let mut recall = Recall::new(Without(masked.to_vec()), &heard, vec![span], 2.5).unwrap();
            for event in [NoteOn(pitch(60)), TimeShift(24)] {
                recall.observe(event.to_id().unwrap());
            }
            raised(&recall)
        };
        let notes = [NoteOff(pitch(60)), NoteOn(pitch(64)), NoteOn(pitch(67))];
        assert_eq!(raised_without(&[]), [NoteOff(pitch(60))]);
        assert_eq!(raised_without(&notes[..1]), [NoteOn(pitch(64)), NoteOn(pitch(67))]);
        assert_eq!(raised_without(&notes[..2]), [NoteOn(pitch(67))]);
        assert_eq!(raised_without(&notes), [TimeShift(24)]);
        // As much time as may pass, if not all of it.
        let and_shifts = |shifts: std::ops::RangeInclusive<u8>| -> Vec<PerformanceEvent> {
            notes.into_iter().chain(shifts.map(TimeShift)).collect()
        };
        assert_eq!(raised_without(&and_shifts(21..=100)), [TimeShift(20)]);
        assert_eq!(raised_without(&and_shifts(7..=24)), [TimeShift(6)]);
        assert_eq!(raised_without(&and_shifts(1..=24)), []);
    }

    #[test]
    fn settings_outside_their_ranges_are_refused() {
        let span = RecallSpan { start: 10, end: 20, back: 5 };
        let refused = |span: RecallSpan, bonus| {
            Recall::new(Unconstrained, &[], vec![span], bonus).unwrap_err().to_string()
        };
        for bonus in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let message = refused(span, bonus);
            assert!(message.starts_with("recall bonus"), "{message}");
        }
        assert_eq!(
            refused(RecallSpan { back: 0, ..span }, 1.0),
            "time that a recall span goes back 0 is out of range: 1 or more time units is accepted"
        );
        for end in [0, 10] {
            let message = refused(RecallSpan { end, ..span }, 1.0);
            assert_eq!(
                message,
                format!("end of a recall span {end} is out of range: a time after its start is accepted")
            );
        }
        assert!(Recall::new(Unconstrained, &[], vec![span], -1.0).is_ok());
    }
}
