//! Structured: every note with its time, in one strict order of types.

use super::config::{DRUMS, TokenizerConfig};
use super::piece::{GridTrack, Piece};
use super::values::nearest_int;
use super::vocabulary::Vocabulary;
use super::writer::Writer;

/// Writes the notes of some tracks by onset, those of one onset track by track. Says how many had no
/// room.
pub(super) fn write_structured(
    tracks: &[GridTrack],
    piece: &Piece,
    config: &TokenizerConfig,
    vocabulary: &Vocabulary,
    out: &mut Writer,
) -> usize {
    let times: Vec<i64> =
        vocabulary.values.durations.iter().map(|t| t.ticks(piece.ticks_per_quarter)).collect();
    let mut notes: Vec<_> =
        tracks.iter().flat_map(|track| track.notes.iter().map(move |n| (n, track))).collect();
    notes.sort_by_key(|(note, _)| note.time);
    let mut previous = 0;
    for (index, (note, track)) in notes.iter().enumerate() {
        if !out.has_room_for(1) {
            return notes.len() - index;
        }
        let wait = note.time - previous;
        let last_of = |ticks: i64| times.partition_point(|t| *t <= ticks).saturating_sub(1) as u32;
        let nearest = |ticks: i64| times.get(nearest_int(&times, ticks)).map_or(0, |t| last_of(*t));
        out.push(vocabulary.time_shifts.id(if wait == 0 { 0 } else { nearest(wait) + 1 }), note.time);
        previous = note.time;
        if config.use_programs {
            out.push(vocabulary.programs.id(track.program), note.time);
        }
        let (pitches, low) = if track.program == DRUMS && config.use_pitchdrum_tokens {
            (vocabulary.drums, config.drums_pitch_range.0)
        } else {
            (vocabulary.notes, config.pitch_range.0)
        };
        out.push(pitches.id(u32::from(note.pitch.saturating_sub(low))), note.time);
        if config.use_velocities {
            out.push(vocabulary.velocities.id(note.velocity.into()), note.time);
        }
        if config.use_note_duration_programs.contains(&track.program) {
            out.push(vocabulary.durations.id(last_of(note.duration)), note.time);
        }
    }
    0
}
