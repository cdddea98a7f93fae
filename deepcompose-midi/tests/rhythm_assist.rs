//! Rhythm assist on tunes of the Nottingham collection, if `DEEPCOMPOSE_DATA` names a folder that has
//! it as `nottingham`: played with normal deviates of 20 ms, the tunes come back as they were.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use deepcompose_core::rhythm::{Assisted, RhythmAssist, RhythmParams, TempoSource};
use deepcompose_core::{Note, Program, Score, Tempo, Tick, Track};

/// One tune in so many is tried.
const STEP: usize = 30;
const DEVIATION: f64 = 0.02;

#[test]
fn tunes_of_a_collection_come_back() {
    let Some(data) = std::env::var_os("DEEPCOMPOSE_DATA").map(|d| PathBuf::from(d).join("nottingham")) else {
        println!("skipped: DEEPCOMPOSE_DATA is not set");
        return;
    };
    let mut files = Vec::new();
    midi_files(&data, &mut files);
    files.sort();
    let mut normal = Normal(1);
    let (mut all, mut known, mut estimated) = (0, 0, 0);
    for melody in files.iter().step_by(STEP).filter_map(|path| melody(path)) {
        for bpm in [80.0, 100.0, 120.0] {
            all += 1;
            let played = perform(&melody, bpm, 0.0, bpm, &mut normal);
            known += usize::from(same(&melody, &assist(TempoSource::Score, &played)));
            let played = perform(&melody, bpm, 0.377, 120.0, &mut normal);
            let got = assist(TempoSource::ESTIMATE, &played);
            let tempo = (got.report.bpm / bpm - 1.0).abs() < 0.01;
            estimated += usize::from(tempo && same(&melody, &got));
        }
    }
    println!("of {all} performances, exact: tempo known {known}, tempo estimated {estimated}");
    assert!(known * 100 >= all * 99 && estimated * 100 >= all * 95, "{known}, {estimated} of {all}");
}

/// The first track of a file, if it is one line on a grid of sixteenths or of triplets.
fn melody(path: &Path) -> Option<Score> {
    let score = deepcompose_midi::read(path).ok()?.0;
    let track = score.tracks().iter().find(|track| !track.notes().is_empty())?.clone();
    let quarters = |note: &Note| f64::from(note.start.get()) / f64::from(score.ticks_per_quarter().get());
    let on_grid = |steps: f64| {
        let off = |note: &Note| (quarters(note) * steps - (quarters(note) * steps).round()).abs();
        track.notes().iter().all(|note| off(note) < 0.05)
    };
    let one_line = track.notes().windows(2).all(|pair| pair[0].start < pair[1].start);
    let mut melody = score.without_tracks();
    (one_line && (on_grid(4.0) || on_grid(3.0))).then(|| {
        melody.push_track(track);
        melody
    })
}

/// Plays a melody at a tempo and writes it down at another.
fn perform(melody: &Score, bpm: f64, offset: f64, recorded_at: f64, normal: &mut Normal) -> Score {
    let mut out = melody.without_tracks();
    out.set_tempo(Tempo::from_bpm(recorded_at).unwrap());
    let per_tick = 60.0 / bpm / f64::from(melody.ticks_per_quarter().get());
    let mut at =
        |tick: Tick| out.tick_at(f64::from(tick.get()) * per_tick + offset + DEVIATION * normal.next());
    let notes = melody.tracks()[0].notes().iter().map(|note| {
        let (start, end) = (at(note.start), at(note.end()));
        Note { start, duration: end.saturating_sub(start), ..*note }
    });
    let track = Track::new("", Program::MIN).with_notes(notes.collect());
    out.push_track(track);
    out
}

fn assist(tempo: TempoSource, played: &Score) -> Assisted {
    RhythmAssist::new(RhythmParams { tempo, ..RhythmParams::default() }).unwrap().assist(played).unwrap()
}

/// Whether all onsets are those of the melody, but for one shift and the rounding of ticks.
fn same(melody: &Score, got: &Assisted) -> bool {
    let onsets = |score: &Score| -> Vec<i64> {
        score.tracks()[0].notes().iter().map(|note| i64::from(note.start.get())).collect()
    };
    let (melody, got) = (onsets(melody), onsets(&got.score));
    let shift = got[0] - melody[0];
    melody.len() == got.len() && melody.iter().zip(&got).all(|(m, g)| (g - m - shift).abs() <= 1)
}

fn midi_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            midi_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "mid") {
            out.push(path);
        }
    }
}

/// Normal deviates: SplitMix64 (Steele, Lea and Flood 2014) and Box and Muller's transform.
struct Normal(u64);

impl Normal {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
