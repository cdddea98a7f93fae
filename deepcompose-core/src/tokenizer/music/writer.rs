//! The tokens as they are written, up to a limit.

use super::values::BeatTime;
use super::vocabulary::NONE;
use crate::tokenizer::TokenId;

/// One sequence of tokens.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) ids: Vec<TokenId>,
    /// The tick of each token on the grid.
    pub(super) ticks: Vec<i64>,
    limit: usize,
}

impl Writer {
    pub(super) fn new(events: usize, limit: usize) -> Self {
        let room = events.saturating_mul(2).min(limit);
        Self { ids: Vec::with_capacity(room), ticks: Vec::with_capacity(room), limit }
    }

    /// Writes a token. One that the vocabulary has not is passed over.
    pub(super) fn push(&mut self, id: TokenId, tick: i64) {
        if id != NONE {
            self.ids.push(id);
            self.ticks.push(tick);
        }
    }

    /// Whether so many more tokens, and one event, may be written.
    pub(super) fn has_room_for(&self, tokens: i64) -> bool {
        let room = self.limit.saturating_sub(self.ids.len());
        usize::try_from(tokens.saturating_add(4)).is_ok_and(|tokens| tokens <= room)
    }
}

/// Times that tokens can say, in ticks of one beat.
#[derive(Debug)]
pub(super) struct Times<'a> {
    times: &'a [BeatTime],
    of_beat: i64,
    ticks: Vec<i64>,
}

impl<'a> Times<'a> {
    pub(super) fn new(times: &'a [BeatTime]) -> Self {
        Self { times, of_beat: 0, ticks: Vec::new() }
    }

    pub(super) fn set_beat(&mut self, beat: i64) {
        if self.of_beat != beat {
            self.of_beat = beat;
            self.ticks = self.times.iter().map(|t| t.ticks(beat)).collect();
        }
    }

    /// The shortest.
    pub(super) fn shortest(&self) -> i64 {
        self.ticks.first().copied().unwrap_or(i64::MAX).max(1)
    }

    /// How many tokens a time takes, at most.
    pub(super) fn tokens_of(&self, ticks: i64) -> i64 {
        let longest = self.ticks.last().copied().unwrap_or(1).max(1);
        ticks / longest + self.ticks.len() as i64
    }

    /// Takes the longest times that fit, one after the other: their indices and ticks.
    pub(super) fn split(&self, mut ticks: i64) -> impl Iterator<Item = (u32, i64)> + '_ {
        std::iter::from_fn(move || {
            let at = self.ticks.partition_point(|t| *t <= ticks).checked_sub(1)?;
            let taken = *self.ticks.get(at)?;
            // A time of no ticks would never end.
            if taken <= 0 {
                return None;
            }
            ticks -= taken;
            Some((at as u32, taken))
        })
    }
}
