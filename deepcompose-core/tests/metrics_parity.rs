//! Metrics against MusPy 0.5.0; `parity/metrics_muspy.py` made the numbers. Both count in integers
//! and divide, so they agree to rounding: the tolerance is 1e-12.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use deepcompose_core::metrics::{Metrics, in_scale_rate, polyphony_rate};
use deepcompose_core::{
    KeySignature, Mode, Note, Pitch, Program, Score, StepsPerBeat, Tick, TicksPerQuarter, Track, Velocity,
    metrics,
};
use serde_json::Value;

#[test]
fn metrics_agree_with_muspy() {
    let pieces: Value = serde_json::from_str(include_str!("parity/metrics_muspy.json")).unwrap();
    let pieces = pieces.as_array().unwrap();
    assert_eq!(pieces.len(), 3);
    for (index, piece) in pieces.iter().enumerate() {
        let number = |n: &Value, i: usize| n[i].as_u64().unwrap() as u32;
        let note = |n: &Value| Note {
            start: Tick::new(number(n, 0)).unwrap(),
            duration: Tick::new(number(n, 1)).unwrap(),
            pitch: Pitch::new(number(n, 2)).unwrap(),
            velocity: Velocity::DEFAULT,
        };
        let mut score = Score::new(TicksPerQuarter::new(24).unwrap());
        let notes = piece["notes"].as_array().unwrap().iter().map(note).collect();
        score.push_track(Track::new("", Program::MIN).with_notes(notes));
        let notes = score.tracks()[0].notes();

        let ours = Metrics::of(&score);
        let rate = |sharps, mode| in_scale_rate(notes, KeySignature::new(sharps, mode).unwrap());
        // The grid of MusPy's ticks.
        let groove = metrics::groove_consistency(&score, notes, StepsPerBeat::new(24).unwrap());
        let compared = [
            ("pitch_class_entropy", ours.pitch_class_entropy),
            ("n_pitches_used", Some(ours.pitches as f64)),
            ("n_pitch_classes_used", Some(ours.pitch_classes as f64)),
            ("d_major_in_scale_rate", rate(2, Mode::Major)),
            ("c_minor_in_scale_rate", rate(-3, Mode::Minor)),
            ("scale_consistency", ours.best_key_in_scale_rate),
            ("empty_measure_rate", ours.empty_bar_rate),
            ("polyphony_rate", polyphony_rate(&score, notes, 2)),
            ("groove_consistency", groove),
        ];
        for (name, ours) in compared {
            let theirs = piece[name].as_f64().unwrap();
            assert!((ours.unwrap() - theirs).abs() < 1e-12, "piece {index}: {name} {ours:?} is not {theirs}");
        }
    }
}
