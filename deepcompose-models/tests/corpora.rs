//! The JSON loaders.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;

use deepcompose_core::Score;
use deepcompose_models::data::{CorpusError, Piece, chorales, leads, pop, split_by_id};

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corpus.json");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// Start, duration and pitch of each note of a track, in sixteenths.
fn notes(piece: &Piece, track: usize) -> Vec<(f64, f64, u8)> {
    let sixteenth = f64::from(piece.score.ticks_per_quarter().get()) / 4.0;
    let steps = |tick: deepcompose_core::Tick| f64::from(tick.get()) / sixteenth;
    let all = piece.score.tracks()[track].notes();
    all.iter().map(|n| (steps(n.start), steps(n.duration), n.pitch.get())).collect()
}

#[test]
fn chorales_join_equal_steps() {
    let (_folder, path) =
        file(r#"{"train": [[[72,67,64,48],[72,67,64,-1],[74,67,-1,48],[74,67,64,48]]], "valid": []}"#);
    let pieces = chorales(&path, "train").unwrap();
    assert_eq!(pieces.len(), 1);
    assert_eq!(notes(&pieces[0], 0), [(0.0, 2.0, 72), (2.0, 2.0, 74)]);
    assert_eq!(notes(&pieces[0], 1), [(0.0, 4.0, 67)]);
    assert_eq!(notes(&pieces[0], 2), [(0.0, 2.0, 64), (3.0, 1.0, 64)]);
    assert_eq!(notes(&pieces[0], 3), [(0.0, 1.0, 48), (2.0, 2.0, 48)]);
    assert!(chorales(&path, "valid").unwrap().is_empty());
    assert!(matches!(chorales(&path, "test"), Err(CorpusError::Value { .. })));
}

#[test]
fn leads_and_songs_keep_their_times() {
    let (_folder, path) = file(r#"[{"id":"a","bpm":100,"mel":[[1.5,0.25,60],[2,1.5,64]],"ch":{"0":"C"}}]"#);
    let pieces = leads(&path).unwrap();
    assert_eq!(notes(&pieces[0], 0), [(6.0, 1.0, 60), (8.0, 6.0, 64)]);
    assert!((pieces[0].score.tempo_map().changes()[0].value.bpm() - 100.0).abs() < 1e-9);

    // Three steps of pick-up move the song by one bar of sixteen.
    let (_folder, path) = file(
        r#"[{"id":"001","frac_4_4_bars":1.0,"bpm":90.0,"tracks":{"MELODY":[[-3,1,61,115],[0,2,63,109]],"PIANO":[[4,4,48,200]]}}]"#,
    );
    let pieces = pop(&path).unwrap();
    assert_eq!(notes(&pieces[0], 0), [(13.0, 1.0, 61), (16.0, 2.0, 63)]);
    assert_eq!(notes(&pieces[0], 1), [(20.0, 4.0, 48)]);
    assert_eq!(pieces[0].score.tracks()[1].notes()[0].velocity.get(), 127);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let (_folder, path) = file(r#"[{"id":"a","bpm":100,"mel":[[0,1,128]]}]"#);
    let error = leads(&path).unwrap_err().to_string();
    assert!(error.ends_with("piece a: pitch 128 is out of range: 0..=127 is accepted"), "{error}");
    let (_folder, path) = file(r#"[{"id":"a","bpm":100,"mel":[[-1,1,60]]}]"#);
    assert!(leads(&path).unwrap_err().to_string().contains("start -480 is out of range"));
    let (_folder, path) = file("[{\"id\":\n3}]");
    let error = leads(&path).unwrap_err();
    assert!(
        matches!(error, CorpusError::Malformed { .. }) && error.to_string().contains("line 2"),
        "{error}"
    );
    assert!(matches!(pop("no/such/file.json"), Err(CorpusError::Io { .. })));
}

#[test]
fn a_split_keeps_tunes_together_and_is_not_moved_by_others() {
    let piece = |id: String| Piece { id, score: Score::default() };
    let pieces = || (0..400).flat_map(|i| [piece(format!("tune{i}")), piece(format!("tune{i}|piano"))]);
    let (train, valid) = split_by_id(pieces().collect(), 0.25);
    let ids = |pieces: &[Piece]| pieces.iter().map(|p| p.id.clone()).collect::<Vec<_>>();
    assert_eq!(train.len() + valid.len(), 800);
    // 400 tunes at a quarter: a mean of 100 and a standard deviation of 8.7.
    assert!((57..=143).contains(&(valid.len() / 2)), "{}", valid.len());
    for id in ids(&valid).iter().filter(|id| !id.contains('|')) {
        assert!(ids(&valid).contains(&format!("{id}|piano")));
    }
    let (_, fewer) = split_by_id(pieces().take(100).collect(), 0.25);
    assert_eq!(ids(&fewer), ids(&valid)[..fewer.len()]);
}
