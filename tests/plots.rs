//! What the examples share: reading a run's log, and pictures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../examples/support/plots.rs"]
mod plots;

use std::path::Path;

use deepcompose::core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
use plots::run_log::RunLog;
use plots::{BarPanel, bar_chart, loss_curves, piano_roll};

const LOG: &str = r#"{"event":"start","seed":7}
{"event":"step","step":1,"loss":3.0,"learning_rate":0.001,"seconds":0.1}
{"event":"step","step":2,"loss":2.0,"learning_rate":0.001,"seconds":0.2,"note":"kept"}
{"event":"validation","step":2,"loss":2.5,"best":true,"seconds":0.3}
{"event":"step","step":3,"loss":9.0,"learning_rate":0.001,"seconds":0.4}
{"event":"step","step":4,"lo
{"event":"step","step":3,"loss":1.0,"learning_rate":0.0005,"seconds":0.3}

{"event":"validation","step":3,"loss":1.5,"best":true,"seconds":0.5}
{"event":"step","step":4,"loss":null,"seconds":0.6}
{"event":"validation","step":4,"loss":1.75,"best":false}
{"event":"checkpoint","step":4}
[1,2]
{"event":"step","step":5,"loss":0."#;

#[test]
fn the_last_line_for_a_step_counts_and_torn_ones_do_not() {
    let log = RunLog::parse(LOG);
    // Step 3 was taken twice; the loss of step 4 was not a number.
    assert_eq!(log.series("loss"), [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]);
    assert_eq!(log.series("learning_rate"), [(1.0, 0.001), (2.0, 0.001), (3.0, 0.0005)]);
    assert_eq!(log.steps.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
    let validations: Vec<_> = log.validations.iter().map(|(s, v)| (*s, v.loss, v.best)).collect();
    assert_eq!(validations, [(2, 2.5, true), (3, 1.5, true), (4, 1.75, false)]);
    assert_eq!(log.best(), Some((3, 1.5)));
    // The line in the middle, the list, and the last line.
    assert_eq!(log.torn, 3);
    assert_eq!(log.series("distance"), []);
}

#[test]
fn a_run_without_a_log_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = RunLog::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("log.jsonl"), "{error}");
    std::fs::write(folder.path().join("log.jsonl"), "{\"event\":\"start\"}\n").unwrap();
    assert!(RunLog::read(folder.path()).unwrap_err().to_string().contains("no step"));
    std::fs::write(folder.path().join("log.jsonl"), LOG).unwrap();
    assert_eq!(RunLog::read(folder.path()).unwrap().steps.len(), 4);
}

/// The picture at a path, as text.
fn svg(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
    assert_eq!(text.matches('<').count(), text.matches('>').count());
    assert!(!text.contains("NaN") && !text.contains("inf"));
    text
}

#[test]
fn a_roll_has_a_box_for_every_note_and_the_names_of_its_tracks() {
    let note = |start: u32, pitch: u32| Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(240).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    };
    let mut score = Score::default();
    score.push_track(
        Track::new("Air & <grace>", Program::MIN).with_notes((0..8).map(|i| note(i * 480, 60 + i)).collect()),
    );
    score.push_track(Track::drums("Kit", Program::MIN).with_notes(vec![note(0, 36), note(960, 99)]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roll.svg");
    piano_roll(&path, &score, "Two bars").unwrap();
    let text = svg(&path);
    for word in ["Two bars", "Air &amp; &lt;grace&gt;", "Kit", "C4", "bass drum", "drum 99"] {
        assert!(text.contains(word), "{word}");
    }
    // Eight of the melody and two of the kit.
    assert_eq!(text.matches("class=\"note\"").count(), 10);
    // Nothing at all is a picture too.
    piano_roll(&path, &Score::default(), "Silence").unwrap();
    svg(&path);
    assert!(piano_roll(&folder.path().join("no/such/folder.svg"), &score, "").is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn curves_and_bars_hold_whatever_they_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plot.svg");
    loss_curves(&path, &RunLog::parse(LOG), "Run").unwrap();
    let text = svg(&path);
    // Each step, smoothed, and the validations.
    assert_eq!(
        text.matches("<polyline").count()
            - text.matches("stroke=\"#E2E5E9\"").count()
            - text.matches("stroke=\"#6C747E\"").count(),
        3
    );
    assert!(text.contains("best validation loss 1.5000 at step 3"));
    loss_curves(&path, &RunLog::default(), "Nothing").unwrap();
    svg(&path);
    let log: String = (0..5000)
        .map(|i| format!("{{\"event\":\"step\",\"step\":{i},\"loss\":5,\"distance\":{i}}}\n"))
        .collect();
    loss_curves(&path, &RunLog::parse(&log), "Long").unwrap();
    assert!(svg(&path).contains("Wasserstein"));

    let panel = |values| BarPanel { title: "t".into(), groups: vec!["a".into(), "b".into()], values };
    let panels = [
        panel(vec![vec![Some(1.0), None], vec![Some(f64::NAN), Some(0.25)]]),
        panel(vec![vec![Some(0.0), Some(0.0)]]),
        panel(Vec::new()),
    ];
    bar_chart(&path, "Bars", &["one", "two"], &panels).unwrap();
    let text = svg(&path);
    assert!(text.contains(">\n1.00\n<") && text.contains(">\n0.25\n<"), "{text}");
    bar_chart(&path, "None", &[], &[]).unwrap();
    svg(&path);
}
