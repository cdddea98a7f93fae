//! Which hand plays which note.

use crate::score::Note;
use crate::units::Tick;

/// Split points that are tried: the right hand plays this pitch and up.
const LOWEST: i32 = 36;
const POINTS: usize = 49;
/// Where the split point is drawn to: middle C.
const CENTRE: i32 = 60;
/// The widest chord that a hand plays without effort, in semitones.
const SPAN: i32 = 12;
/// Costs, set by hand: of a semitone past the span, of a semitone
/// that the split point moves, of a semitone from the centre; and the gain of a semitone of gap.
const STRETCH: f32 = 2.0;
const MOVE: f32 = 0.5;
const OFF_CENTRE: f32 = 0.05;
const GAP: f32 = 0.5;

/// For each note, whether the right hand plays it. Notes are in order of onset.
pub(super) fn right_hand(notes: &[Note]) -> Vec<bool> {
    let chords: Vec<&[Note]> = notes.chunk_by(|a, b| a.start == b.start).collect();
    // The best cost of every split point so far, and where each came from.
    let mut costs = [0.0_f32; POINTS];
    let mut from: Vec<[u8; POINTS]> = Vec::with_capacity(chords.len());
    let mut until = [Tick::ZERO; 128];
    for chord in &chords {
        let came = spread(&mut costs);
        let here = chord_costs(&sounding(chord, &mut until));
        let least = costs.iter().zip(&here).map(|(a, b)| a + b).fold(f32::INFINITY, f32::min);
        for (cost, here) in costs.iter_mut().zip(here) {
            // Only differences count: sums stay small, and exact enough, however long the track.
            *cost += here - least;
        }
        from.push(came);
    }
    let mut point = (0..POINTS).min_by(|a, b| costs[*a].total_cmp(&costs[*b])).unwrap_or(0);
    let mut right = vec![false; notes.len()];
    let mut end = notes.len();
    for (chord, from) in chords.iter().zip(&from).rev() {
        let start = end - chord.len();
        for (is_right, note) in right[start..end].iter_mut().zip(*chord) {
            *is_right = i32::from(note.pitch.get()) >= LOWEST + point as i32;
        }
        point = usize::from(from[point]);
        end = start;
    }
    right
}

/// Adds the cost of moving to every point, and says from where it is cheapest: two passes suffice, as
/// the cost of a move is in proportion to its length.
fn spread(costs: &mut [f32; POINTS]) -> [u8; POINTS] {
    let mut from: [u8; POINTS] = std::array::from_fn(|i| i as u8);
    for i in 1..POINTS {
        if costs[i - 1] + MOVE < costs[i] {
            costs[i] = costs[i - 1] + MOVE;
            from[i] = from[i - 1];
        }
    }
    for i in (0..POINTS - 1).rev() {
        if costs[i + 1] + MOVE < costs[i] {
            costs[i] = costs[i + 1] + MOVE;
            from[i] = from[i + 1];
        }
    }
    from
}

/// The pitches that sound when a chord begins, in order: its own and those held from before, whose
/// ends `until` keeps.
fn sounding(chord: &[Note], until: &mut [Tick; 128]) -> Vec<i32> {
    let start = chord.first().map_or(Tick::ZERO, |note| note.start);
    for note in chord {
        let until = &mut until[usize::from(note.pitch.get()) % 128];
        *until = note.end().max(*until).max(start.saturating_add(Tick::saturating(1)));
    }
    (0..).zip(until.iter()).filter(|(_, until)| **until > start).map(|(pitch, _)| pitch).collect()
}

/// What each split point costs for the pitches that sound.
fn chord_costs(pitches: &[i32]) -> [f32; POINTS] {
    let stretch = |hand: &[i32]| match hand {
        [low, .., high] => (high - low - SPAN).max(0) as f32 * STRETCH,
        _ => 0.0,
    };
    std::array::from_fn(|i| {
        let split = LOWEST + i as i32;
        let (left, right) = pitches.split_at(pitches.partition_point(|pitch| *pitch < split));
        let gap = match (left.last(), right.first()) {
            (Some(low), Some(high)) => (high - low).min(SPAN) as f32 * GAP,
            _ => 0.0,
        };
        stretch(left) + stretch(right) - gap + (split - CENTRE).abs() as f32 * OFF_CENTRE
    })
}
