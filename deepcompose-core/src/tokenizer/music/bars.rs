//! Time as REMI tells it: bars and positions.

use super::config::TokenizerConfig;
use super::events::{Event, EventKind};
use super::signatures::{ticks_per_bar, ticks_per_beat};
use super::vocabulary::{Vocabulary, finest};
use super::writer::{Times, Writer};
use crate::tokenizer::TokenId;

/// Writes the events with bars, positions and rests between them. Says how many events had no room.
pub(super) fn write_bars(
    events: &[Event],
    ticks_per_quarter: i64,
    config: &TokenizerConfig,
    vocabulary: &Vocabulary,
    out: &mut Writer,
) -> usize {
    let mut state = Bars::new(events, ticks_per_quarter, config, vocabulary);
    for (index, event) in events.iter().enumerate() {
        if !state.event(event, out) {
            return events.len() - index;
        }
    }
    if let Some(last) = events.last().filter(|_| config.add_trailing_bars)
        && state.note_end > state.previous
        && state.has_room(state.note_end, out)
    {
        state.new_bars(state.note_end, matches!(last.kind, EventKind::TimeSignature { .. }), out);
    }
    0
}

struct Bars<'a> {
    config: &'a TokenizerConfig,
    vocabulary: &'a Vocabulary,
    ticks_per_quarter: i64,
    rests: Times<'a>,
    /// The time signature in force.
    signature: TokenId,
    bar_ticks: i64,
    position_ticks: i64,
    bar: i64,
    bar_start: i64,
    /// The bar and the tick at which the time signature came into force.
    signature_bar: i64,
    signature_tick: i64,
    previous: i64,
    note_end: i64,
}

impl<'a> Bars<'a> {
    fn new(
        events: &[Event],
        ticks_per_quarter: i64,
        config: &'a TokenizerConfig,
        vocabulary: &'a Vocabulary,
    ) -> Self {
        let mut state = Self {
            config,
            vocabulary,
            ticks_per_quarter,
            rests: Times::new(&vocabulary.values.rests),
            signature: super::vocabulary::NONE,
            bar_ticks: 1,
            position_ticks: 1,
            bar: -1,
            bar_start: 0,
            signature_bar: 0,
            signature_tick: 0,
            previous: -1,
            note_end: 0,
        };
        let first = events.iter().find_map(|e| match e.kind {
            EventKind::TimeSignature { upper, lower } => Some((upper, lower, e.token)),
            _ => None,
        });
        let (upper, lower, token) = first.unwrap_or((4, 4, super::vocabulary::NONE));
        state.set_signature(upper, lower, token);
        state
    }

    fn set_signature(&mut self, upper: u8, lower: u8, token: TokenId) {
        let beat = ticks_per_beat(lower, self.ticks_per_quarter).max(1);
        self.signature = token;
        self.bar_ticks = ticks_per_bar(upper, lower, self.ticks_per_quarter);
        self.position_ticks = (beat / i64::from(finest(self.config))).max(1);
        self.rests.set_beat(beat);
    }

    /// Whether the event was written.
    fn event(&mut self, event: &Event, out: &mut Writer) -> bool {
        let is_signature = matches!(event.kind, EventKind::TimeSignature { .. });
        if !self.has_room(event.time, out) {
            return false;
        }
        if event.time != self.previous {
            if self.config.use_rests && event.time - self.note_end >= self.rests.shortest() {
                self.rest(event.time, out);
            }
            self.new_bars(event.time, is_signature, out);
            if !is_signature {
                let position = (event.time - self.bar_start).div_euclid(self.position_ticks);
                out.push(self.vocabulary.positions.id(position.max(0) as u32), event.time);
            }
            self.previous = event.time;
        }
        if let EventKind::TimeSignature { upper, lower } = event.kind {
            self.signature_bar += (event.time - self.signature_tick).div_euclid(self.bar_ticks);
            self.signature_tick = event.time;
            self.set_signature(upper, lower, event.token);
            self.previous -= 1;
        }
        out.push(event.token, event.time);
        self.note_end = self.note_end.max(event.holds_until());
        true
    }

    /// Whether the bars and the rests up to a tick can be written.
    fn has_room(&self, until: i64, out: &Writer) -> bool {
        let ticks = (until - self.previous.min(self.bar_start)).max(0);
        let rests = if self.config.use_rests { self.rests.tokens_of(ticks) } else { 0 };
        out.has_room_for(3 * (ticks / self.bar_ticks + 1) + rests)
    }

    fn rest(&mut self, until: i64, out: &mut Writer) {
        self.previous = self.previous.max(self.note_end);
        for (index, ticks) in self.rests.split(until - self.previous) {
            out.push(self.vocabulary.rests.id(index), self.previous);
            self.previous += ticks;
        }
        let now = self.bar_at(self.previous);
        if now > self.bar {
            self.bar = self.bar.max(0);
            self.bar_start += (now - self.bar) * self.bar_ticks;
            self.bar = now;
        }
    }

    fn bar_at(&self, tick: i64) -> i64 {
        self.signature_bar + (tick - self.signature_tick).div_euclid(self.bar_ticks)
    }

    /// Begins the bars up to a tick. At a new time signature the last of them does not tell the one in force.
    fn new_bars(&mut self, until: i64, is_signature: bool, out: &mut Writer) {
        let new = self.bar_at(until) - self.bar;
        for i in 0..new {
            self.bar += 1;
            self.bar_start = self.signature_tick + (self.bar - self.signature_bar) * self.bar_ticks;
            if self.bar > 0 {
                out.push(self.vocabulary.bar_end, self.bar_start - 1);
            }
            out.push(self.bar_token(i), self.bar_start);
            if !(is_signature && i + 1 == new) {
                out.push(self.signature, self.bar_start);
            }
        }
    }

    /// Where bars are counted MidiTok adds to the number of a bar its place among those begun together.
    fn bar_token(&self, among_new: i64) -> TokenId {
        if self.config.max_bar_embedding.is_none() {
            return self.vocabulary.bars.id(0);
        }
        match self.vocabulary.bars.id((self.bar + among_new).clamp(0, i64::from(u32::MAX)) as u32) {
            super::vocabulary::NONE => self.vocabulary.bars.last_id(),
            id => id,
        }
    }
}
