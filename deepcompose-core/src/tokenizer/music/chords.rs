//! Finds chords among the notes of a track, as MidiTok's `detect_chords`.

use super::config::TokenizerConfig;
use super::piece::GridNote;
use super::sections::Sections;
use super::vocabulary::{NONE, Vocabulary};
use crate::tokenizer::TokenId;

/// How many notes are looked at together.
const MOST_NOTES: usize = 10;

/// The chords of a track: onsets and tokens.
pub(super) fn detect_chords(
    notes: &[GridNote],
    beats: &Sections,
    config: &TokenizerConfig,
    vocabulary: &Vocabulary,
) -> Vec<(i64, TokenId)> {
    let resolution = first_resolution(config);
    let mut cursor = beats.cursor();
    let mut chords = Vec::new();
    let mut previous = -1;
    let mut at = 0;
    while let Some(first) = notes.get(at) {
        if first.time == previous {
            at += 1;
            continue;
        }
        let beat = cursor.ticks_at(first.time);
        let half = beat / 2;
        let window = notes.get(at..notes.len().min(at + MOST_NOTES)).unwrap_or_default();
        // `time <= first + beat / resolution`, without fractions.
        let is_near = |n: &&GridNote| (n.time - first.time) * resolution <= beat;
        let mut near: Vec<&GridNote> = window.iter().filter(is_near).collect();
        if near.iter().any(|n| (n.end() - first.end()).abs() > half) {
            at += near.len();
            continue;
        }
        if first.duration <= half {
            near.retain(|n| n.time == first.time);
        }
        let chord = near.iter().filter(|n| n.end() - first.end() <= half);
        let map: Vec<i64> = chord.map(|n| i64::from(n.pitch) - i64::from(first.pitch)).collect();
        if (3..=5).contains(&map.len()) && map.last().is_some_and(|top| *top <= 24) {
            let token = token_of(&map, first.pitch, config, vocabulary);
            if token != NONE {
                chords.push((first.time, token));
            }
        }
        previous = near.iter().map(|n| n.time).max().unwrap_or(first.time);
        at += near.len().max(1);
    }
    chords
}

/// The resolution of the range of beats that one end of is beat 0, else of the first.
fn first_resolution(config: &TokenizerConfig) -> i64 {
    let at_zero = config.beat_res.iter().find(|r| r.from == 0 || r.to == 0);
    at_zero.or(config.beat_res.first()).map_or(1, |r| r.resolution.into())
}

fn token_of(map: &[i64], lowest: u8, config: &TokenizerConfig, vocabulary: &Vocabulary) -> TokenId {
    let is_map = |known: &[u8]| known.iter().map(|i| i64::from(*i)).eq(map.iter().copied());
    let known = config.chord_maps.iter().position(|(_, known)| is_map(known));
    let quality = known.or_else(|| {
        let (from, to) = config.chord_unknown?;
        let notes = map.len() as u32;
        (from..to).contains(&notes).then(|| config.chord_maps.len() + (notes - from) as usize)
    });
    match quality {
        None => NONE,
        Some(quality) if config.chord_tokens_with_root_note => {
            vocabulary.chords.id(quality as u32 * 12 + u32::from(lowest) % 12)
        }
        Some(quality) => vocabulary.chords.id(quality as u32),
    }
}
