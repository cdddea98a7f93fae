//! The corpora that the shipped weights are trained on, from a folder laid out as
//! `DATA/jsb`, `DATA/leads`, `DATA/pop909`, `DATA/nottingham`, `DATA/openscore_lieder`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use deepcompose::core::{Note, Score, Tick, Track, Velocity};
use deepcompose::midi;
use deepcompose::models::data::{Piece, chorales, leads, pop, split_by_id};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::training::Result;

/// Pieces for a model that continues music, split by tune.
pub(crate) struct Continuation {
    pub(crate) train: Vec<Piece>,
    pub(crate) valid: Vec<Piece>,
}

/// Share of tunes that are validated on, where a corpus has no split of its own.
const VALID: f64 = 0.05;

pub(crate) fn continuation(data: &Path, pop_songs: usize) -> Result<Continuation> {
    let chorale_file = data.join("jsb/jsb_chorales_16th_satb.json");
    let mut pieces = Vec::new();
    // The pieces whose ids are equal up to the bar are one tune.
    let lead_sheets = leads(data.join("leads/leads_4-4.json"))?;
    let in_leads: BTreeSet<String> = lead_sheets.iter().map(|p| p.id.clone()).collect();
    pieces.extend(lead_sheets);
    for song in pop(data.join("pop909/quantized_16th.json"))?.into_iter().take(pop_songs) {
        let is_piano = |t: &&Track| t.name() == "PIANO";
        if let Some(piano) = song.score.tracks().iter().find(is_piano) {
            pieces.push(Piece { id: format!("pop909_{}|piano", song.id), score: alone(&song.score, piano) });
        }
    }
    for (folder, prefix) in [("nottingham/midi", "nott_"), ("openscore_lieder", "lieder_")] {
        for (id, path) in midi_files(&data.join(folder), prefix)? {
            if in_leads.contains(&id) {
                continue;
            }
            let Ok((score, _)) = midi::read(&path) else { continue };
            // The melody of a folk tune and the voice of a song are their first tracks.
            if let Some(melody) = score.tracks().iter().find(|t| !t.notes().is_empty()) {
                let score = alone(&score, melody);
                pieces.push(Piece { id, score });
            }
        }
    }
    let (mut train, mut valid) = split_by_id(pieces, VALID);
    // Few and worth it: the chorales are taken three times.
    for _ in 0..3 {
        train.extend(chorales(&chorale_file, "train")?);
    }
    // A third of the held-out tunes is enough to tell one step from another.
    valid = valid.into_iter().step_by(3).collect();
    valid.extend(chorales(&chorale_file, "valid")?.into_iter().take(20));
    for (split, stream) in [(&mut train, 1), (&mut valid, 2)] {
        let mut rng = ChaCha8Rng::seed_from_u64(stream);
        for piece in split.iter_mut() {
            tidy(&mut piece.score, &mut rng);
        }
        split.retain(|p| p.score.note_count() >= 16);
    }
    Ok(Continuation { train, valid })
}

/// One track of a score.
fn alone(score: &Score, track: &Track) -> Score {
    let mut out = score.without_tracks();
    out.push_track(track.clone());
    out
}

/// MIDI files of a folder by name, with an id each.
pub(crate) fn midi_files(folder: &Path, prefix: &str) -> Result<Vec<(String, PathBuf)>> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<(String, PathBuf)> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|x| x == "mid"))
        .filter_map(|p| Some((format!("{prefix}{}", p.file_stem()?.to_str()?), p)))
        .collect();
    files.sort();
    Ok(files)
}

/// Rests of two bars and more are cut by whole bars to less than two, and pieces with one velocity
/// get one at random, so that a model meets every velocity.
fn tidy(score: &mut Score, rng: &mut ChaCha8Rng) {
    let bar = score.bars().next().map_or(1920, |b| b.end.get()).max(1);
    let velocity = Velocity::saturating(rng.random_range(48..=112));
    let mut all: Vec<Note> = score.tracks().iter().flat_map(|t| t.notes().iter().copied()).collect();
    all.sort_unstable();
    let constant = all.windows(2).all(|w| matches!(w, [a, b] if a.velocity == b.velocity));
    // For each note onset, how much earlier it comes.
    let mut cuts: Vec<(Tick, u32)> = Vec::new();
    let (mut end, mut cut) = (0, 0);
    for note in &all {
        let rest = note.start.get().saturating_sub(end);
        if rest >= 2 * bar {
            cut += (rest - bar) / bar * bar;
            cuts.push((note.start, cut));
        }
        end = end.max(note.end().get());
    }
    for track in score.tracks_mut() {
        let notes = track.notes().iter().map(|n| {
            let at = cuts.partition_point(|(from, _)| *from <= n.start);
            let earlier = at.checked_sub(1).and_then(|i| cuts.get(i)).map_or(0, |c| c.1);
            let start = Tick::saturating(i64::from(n.start.get()) - i64::from(earlier));
            Note { start, velocity: if constant { velocity } else { n.velocity }, ..*n }
        });
        let notes = notes.collect();
        track.set_notes(notes);
    }
}
