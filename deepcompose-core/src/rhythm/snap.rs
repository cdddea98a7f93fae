//! Notes of one track to steps of a grid.

use std::ops::Range;

use super::assign::{Preference, likeliest, nearest};

/// A note as played, in quarter notes and in seconds, and the seconds of a quarter note where it starts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Played {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) start_seconds: f64,
    pub(super) end_seconds: f64,
    pub(super) pitch: u8,
    pub(super) quarter_seconds: f64,
}

/// Gathers onsets that are a chord: within `window` seconds of its first, no pitch twice. Notes of
/// exactly one onset stay together in any case.
pub(super) fn chords(notes: &[Played], window: f64) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    // Pitches of the open group.
    let mut pitches = 0_u128;
    for (i, note) in notes.iter().enumerate() {
        let bit = 1_u128 << (note.pitch & 127);
        let joins = groups.last().and_then(|g| notes.get(g.start).zip(notes.get(g.end - 1))).is_some_and(
            |(first, last)| {
                let near = note.start_seconds - first.start_seconds <= window;
                note.start == last.start || (near && pitches & bit == 0)
            },
        );
        match groups.last_mut().filter(|_| joins) {
            Some(group) => group.end = i + 1,
            None => {
                groups.push(i..i + 1);
                pitches = 0;
            }
        }
        pitches |= bit;
    }
    groups
}

/// First and last step of each note.
pub(super) fn snap(
    notes: &[Played],
    steps_per_quarter: f64,
    chord_window: f64,
    join_window: f64,
    preference: Option<&Preference>,
) -> Vec<(i64, i64)> {
    let groups = chords(notes, chord_window);
    let members = |group: &Range<usize>| notes.get(group.clone()).unwrap_or_default().to_vec();
    let means = |of: fn(&Played) -> f64| -> Vec<f64> {
        groups.iter().map(|group| members(group).iter().map(of).sum::<f64>() / group.len() as f64).collect()
    };
    let (onsets, onset_seconds) = (means(|note| note.start), means(|note| note.start_seconds));
    let in_steps: Vec<f64> = onsets.iter().map(|onset| onset * steps_per_quarter).collect();
    let mut steps = nearest(&in_steps);
    if let Some(preference) = preference {
        let first = |group: &Range<usize>| notes.get(group.start).map_or(1.0, |n| n.quarter_seconds);
        let seconds: Vec<f64> = groups.iter().map(|group| first(group) / steps_per_quarter).collect();
        steps = likeliest(&in_steps, &seconds, &steps, preference);
    }
    // The last onset of each group: a note that ends by then does not overlap all of it.
    let last: Vec<f64> =
        groups.iter().filter_map(|group| notes.get(group.end - 1)).map(|n| n.start).collect();
    let mut out = Vec::with_capacity(notes.len());
    for (i, (group, step)) in groups.iter().zip(&steps).enumerate() {
        let next = onset_seconds.get(i + 1).zip(steps.get(i + 1));
        for note in members(group) {
            let end = match next {
                Some((onset, next)) if (note.end_seconds - onset).abs() <= join_window => *next,
                _ => {
                    let end = ((note.end * steps_per_quarter).round() as i64).max(step + 1);
                    // No overlap that was not played. Steps rise from group to group.
                    let after = last.partition_point(|onset| *onset < note.end).max(i + 1);
                    steps.get(after).map_or(end, |after| end.min(*after))
                }
            };
            out.push((*step, end));
        }
    }
    out
}
