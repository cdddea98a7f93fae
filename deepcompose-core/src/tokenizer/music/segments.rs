//! Where the segments of a sequence begin: its bars, or its beats.

use super::piece::{Clock, Piece};
use super::signatures::{ticks_per_bar, ticks_per_beat};
use super::{Encoding, IdsSplit, MusicTokenizer};
use crate::score::{Score, Track};
use crate::tokenizer::TokenId;
use crate::units::Tick;

impl MusicTokenizer {
    /// The sequences of a score, each cut into segments where the configuration says
    /// ([`encode_ids_split`](super::TokenizerConfig::encode_ids_split)): into bars, or beats. Segments without
    /// tokens are left out. What comes after the bar, or the beat, of the last onset is part of its segment.
    #[must_use]
    pub fn encode_segments(&self, score: &Score) -> Vec<Vec<Vec<TokenId>>> {
        let piece = self.piece(score);
        let (sequences, _) = self.encode_piece(&piece);
        let lines = Lines::new(self.config().encode_ids_split, &piece, score);
        sequences.into_iter().map(|sequence| lines.cut(sequence)).collect()
    }
}

/// The lines between segments.
struct Lines {
    /// Stretches of equal segments: first tick, ticks a segment, segments before.
    stretches: Vec<(i64, i64, i64)>,
    /// The last tick at which anything begins.
    last: i64,
}

impl Lines {
    fn new(split: IdsSplit, piece: &Piece, score: &Score) -> Self {
        let ticks = piece.ticks_per_quarter;
        // Where nothing is split, metres do not count.
        let has_one = split == IdsSplit::No || piece.signatures.is_empty();
        let signatures: &[_] = if has_one { &[(0, 4, 4)] } else { &piece.signatures };
        let mut stretches: Vec<(i64, i64, i64)> = Vec::new();
        for &(start, upper, lower) in signatures {
            let length = match split {
                IdsSplit::Bar => ticks_per_bar(upper, lower, ticks),
                IdsSplit::Beat => ticks_per_beat(lower, ticks).max(1),
                IdsSplit::No => i64::MAX,
            };
            let before = stretches.last().map_or(0, |(from, length, before)| {
                let (whole, rest) = ((start - from) / length, (start - from) % length);
                before + whole + i64::from(rest > 0)
            });
            stretches.push((start, length, before));
        }
        Self { stretches, last: last_onset(piece, score) }
    }

    /// Which segment a tick is in.
    fn segment(&self, tick: i64) -> i64 {
        let tick = tick.min(self.last);
        let after = self.stretches.partition_point(|(start, _, _)| *start <= tick);
        let stretch = after.checked_sub(1).and_then(|at| self.stretches.get(at));
        stretch.map_or(0, |(start, length, before)| before + (tick - start) / length)
    }

    fn cut(&self, sequence: Encoding) -> Vec<Vec<TokenId>> {
        let mut segments: Vec<Vec<TokenId>> = Vec::new();
        let mut current = -1;
        for (id, tick) in sequence.ids.into_iter().zip(sequence.ticks) {
            let segment = self.segment(tick);
            if segment > current {
                segments.push(Vec::new());
                current = segment;
            }
            if let Some(last) = segments.last_mut() {
                last.push(id);
            }
        }
        segments
    }
}

/// As MidiTok counts: whatever begins or changes, with a token or without.
fn last_onset(piece: &Piece, score: &Score) -> i64 {
    fn latest<T>(items: &[crate::score::At<T>]) -> Option<Tick> {
        items.last().map(|item| item.tick)
    }
    let of_track = |track: &Track| {
        [latest(track.controls()), latest(track.pitch_bends()), latest(track.texts())]
            .into_iter()
            .flatten()
            .max()
    };
    let played = score.tracks().iter().filter(|track| !track.notes().is_empty());
    let raw = [
        latest(score.tempo_map().changes()),
        latest(score.key_signatures()),
        latest(score.texts()),
        played.filter_map(of_track).max(),
    ];
    let clock = Clock::new(score, piece.ticks_per_quarter);
    let raw = raw.into_iter().flatten().max().map_or(0, |tick| clock.time(tick.get().into()));
    let notes = piece.tracks.iter().filter_map(|track| track.notes.last()).map(|note| note.time);
    let signatures = piece.signatures.iter().map(|s| s.0);
    notes.chain(signatures).max().unwrap_or(0).max(raw)
}
