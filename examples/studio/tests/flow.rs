//! From a built-in track through two techniques to a MIDI file and its sound.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use deepcompose::core::{InputTrack, Score};
use deepcompose::prelude::{Composer, GanParams, Genre, TransformerParams};
use serde_json::{Value, json};
use support::{Events, compose, get, import, new_app, ode_to_joy, order, post};

#[tokio::test]
async fn ode_to_joy_extended_accompanied_and_downloaded() {
    let app = new_app();
    let melody = ode_to_joy(&app).await;
    let technique = json!({ "technique": "transformer", "track_extension_duration": 6.0 });
    let extended = compose(&app, &order("a", 11, &melody, technique)).await;
    assert!(extended["summary"]["notes_added"].as_u64().unwrap() > 0);
    let rock = json!({ "technique": "gan", "genre": "rock" });
    let band = compose(&app, &order("a", 12, &extended["score"], rock)).await;

    let midi = post(&app, "/api/midi", &json!({ "score": band["score"] })).await;
    assert_eq!(midi.headers["content-type"], "audio/midi");
    let read = deepcompose::midi::read_strict_bytes(&midi.bytes).unwrap();

    // What the library makes without a server between.
    let params = TransformerParams { track_extension_duration: 6.0, ..TransformerParams::default() };
    let composer = Composer::builder().build().unwrap();
    let extended = composer.with_seed(11).extend(&InputTrack::OdeToJoy.score(), &params).unwrap();
    let band = composer.with_seed(12).accompany(&extended, &GanParams::new(Genre::Rock)).unwrap();
    assert_eq!(read.tracks().len(), 5);
    for (ours, theirs) in read.tracks().iter().zip(band.tracks()) {
        assert_eq!(ours.notes(), theirs.notes(), "{}", theirs.name());
        assert_eq!(
            (ours.name(), ours.program(), ours.is_drum()),
            (theirs.name(), theirs.program(), theirs.is_drum())
        );
    }
    assert_eq!(read.tempo_map(), band.tempo_map());
}

#[tokio::test]
async fn progress_tells_every_edit_of_the_ar_cnn() {
    let app = new_app();
    let melody = ode_to_joy(&app).await;
    let technique = json!({ "technique": "ar-cnn", "sampling_iterations": 10 });
    let events = Events::of(&app, &order("a", 3, &melody, technique)).await.rest().await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..2], ["queued", "started"]);
    assert_eq!(names[2..12], ["progress"; 10]);
    assert_eq!(names[12..], ["done"]);

    // The cells of the input, flipped as the events say, are those of the result.
    let mut cells = cells_of(&melody);
    for (index, (_, data)) in events[2..12].iter().enumerate() {
        assert_eq!((data["done"].as_u64(), data["total"].as_u64()), (Some(index as u64 + 1), Some(10)));
        for cell in data["cells"].as_array().unwrap() {
            let at = (cell[0].as_u64().unwrap() / 120, cell[2].as_u64().unwrap());
            assert!(if cell[3].as_bool().unwrap() { cells.insert(at) } else { cells.remove(&at) });
        }
    }
    assert_eq!(cells, cells_of(&events[12].1["score"]));
}

/// Sounding sixteenths (of 120 ticks) and pitches of the first track.
fn cells_of(score: &Value) -> std::collections::BTreeSet<(u64, u64)> {
    let number = |note: &Value, name: &str| note[name].as_u64().unwrap();
    let notes = score["tracks"][0]["notes"].as_array().unwrap();
    let of = |note: &Value| {
        let (start, end) = (number(note, "start"), number(note, "start") + number(note, "duration"));
        let pitch = number(note, "pitch");
        (start / 120..end.div_ceil(120)).map(move |step| (step, pitch))
    };
    notes.iter().flat_map(of).collect()
}

#[tokio::test]
async fn an_imported_file_comes_back_as_it_was() {
    let app = new_app();
    let score = InputTrack::MinuetInG.score();
    let read = import(&app, &deepcompose::midi::to_bytes(&score).unwrap()).await.json();
    assert_eq!(read["melody"], 0);
    assert_eq!(read["damaged"], false);
    let again: Score = serde_json::from_value(read["score"].clone()).unwrap();
    assert_eq!(again.tracks()[0].notes(), score.tracks()[0].notes());
}

#[tokio::test]
async fn a_recording_is_put_on_the_grid() {
    let app = new_app();
    // Quarters at 100 a minute are 0.6 s; played up to 40 ms off.
    let played = [(0.02, 0.55, 60), (0.64, 1.15, 62), (1.17, 1.78, 64), (1.83, 2.35, 65)];
    let notes: Vec<Value> = played
        .iter()
        .map(|(start, end, pitch)| json!({ "start": start, "end": end, "pitch": pitch, "velocity": 90 }))
        .collect();
    let recording = json!({ "bpm": 100.0, "beats_per_bar": 3, "program": 11, "notes": notes });
    let score = post(&app, "/api/record", &recording).await.json()["score"].clone();
    assert_eq!(score["time_signatures"][0]["value"], json!([3, 4]));
    assert_eq!(score["tracks"][0]["notes"][0]["start"], 16); // 0.02 s of 0.6 s, 480 ticks
    let order = json!({ "score": score, "grid": 1, "find_tempo": false, "strength": 1.0 });
    let assisted = post(&app, "/api/assist", &order).await.json();
    let starts: Vec<u64> = assisted["score"]["tracks"][0]["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["start"].as_u64().unwrap())
        .collect();
    assert_eq!(starts, [0, 480, 960, 1440]);
    assert_eq!(assisted["moved"], 4);

    let nothing = json!({ "bpm": 100.0, "beats_per_bar": 4, "program": 0, "notes": [] });
    assert!(post(&app, "/api/record", &nothing).await.error().contains("nothing was played"));
    let slow = json!({ "bpm": 0.0, "beats_per_bar": 4, "program": 0, "notes": notes });
    assert_eq!(post(&app, "/api/record", &slow).await.status, 422);
}

fn wav(bytes: &[u8]) -> (hound::WavSpec, Vec<i16>) {
    let reader = hound::WavReader::new(bytes).unwrap();
    let spec = reader.spec();
    (spec, reader.into_samples().map(Result::unwrap).collect())
}

fn loudness(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    (sum / samples.len() as f64).sqrt()
}

#[tokio::test]
async fn every_track_of_the_sound_is_heard_alone_and_nothing_clips() {
    let app = new_app();
    let melody = ode_to_joy(&app).await;
    let longer = json!({ "technique": "transformer", "track_extension_duration": 8.0 });
    let extended = compose(&app, &order("a", 4, &melody, longer)).await["score"].clone();
    let rock = json!({ "technique": "gan", "genre": "rock" });
    let band = compose(&app, &order("a", 5, &extended, rock)).await["score"].clone();
    let tracks = band["tracks"].as_array().unwrap().len();
    assert_eq!(tracks, 5);
    let together = post(&app, "/api/audio", &json!({ "score": band })).await;
    assert_eq!(together.headers["content-type"], "audio/wav");
    let (spec, samples) = wav(&together.bytes);
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 44_100, 16));
    let score: Score = serde_json::from_value(band.clone()).unwrap();
    let seconds = samples.len() as f64 / 2.0 / 44_100.0;
    let music = score.duration_seconds();
    assert!((music..music + 10.0).contains(&seconds), "{seconds} s of sound for {music} s of music");
    assert!(loudness(&samples) > 300.0, "{}", loudness(&samples));
    assert!(samples.iter().all(|s| s.unsigned_abs() < i16::MAX as u16));

    for index in 0..tracks {
        let gains: Vec<f64> = (0..tracks).map(|i| f64::from(u8::from(i == index))).collect();
        let alone = post(&app, "/api/audio", &json!({ "score": band, "gains": gains })).await;
        assert!(loudness(&wav(&alone.bytes).1) > 30.0, "track {index} is not heard");
    }
    let muted = post(&app, "/api/audio", &json!({ "score": band, "gains": [0, 0, 0, 0, 0] })).await;
    assert_eq!(loudness(&wav(&muted.bytes).1), 0.0);
    let keys = get(&app, "/api/keys?program=0").await;
    assert!(loudness(&wav(&keys.bytes).1) > 30.0);
}

#[tokio::test]
async fn a_session_is_saved_and_opened() {
    let app = new_app();
    let melody = ode_to_joy(&app).await;
    let session = json!({
        "format": "deepcompose-studio-1",
        "current": 2,
        "entries": [
            { "id": 1, "parent": null, "name": "Ode to Joy", "technique": null, "seed": null, "summary": null,
              "edited": false, "score": melody },
            { "id": 2, "parent": 1, "name": "AR-CNN", "technique": { "technique": "ar-cnn", "maximum_notes_to_add": "50%" },
              "seed": 4, "summary": { "notes_added": 3 }, "edited": true, "score": melody },
        ],
    });
    let opened = post(&app, "/api/session", &session).await.json();
    assert_eq!(opened["entries"][1]["technique"]["maximum_notes_to_add"], "50%");
    assert_eq!(opened["entries"][0]["score"], melody);
    // What was opened can be saved and opened again.
    assert_eq!(post(&app, "/api/session", &opened).await.json(), opened);

    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut session = session.clone();
        change(&mut session);
        session
    };
    let cases: [(Value, &str); 6] = [
        (wrong(&|s| s["format"] = json!("other")), "not understood"),
        (wrong(&|s| s["current"] = json!(9)), "no result 9"),
        (wrong(&|s| s["entries"][1]["parent"] = json!(7)), "not before it"),
        (wrong(&|s| s["entries"][1]["id"] = json!(1)), "two results"),
        (wrong(&|s| s["entries"][1]["technique"]["creative_risk"] = json!(-1.0)), "creative_risk"),
        (wrong(&|s| s["entries"][0]["score"]["tracks"][0]["notes"][0]["pitch"] = json!(200)), "200"),
    ];
    for (session, message) in cases {
        let refused = post(&app, "/api/session", &session).await;
        assert_eq!(refused.status, 422);
        assert!(refused.error().contains(message), "{}", refused.error());
    }
}

#[tokio::test]
async fn two_results_are_measured() {
    let app = new_app();
    let melody = ode_to_joy(&app).await;
    let measured = post(&app, "/api/measure", &json!({ "scores": [melody, melody] })).await.json();
    // Ode to Joy has neither C nor C sharp: every note is in D major and in G major.
    assert!(
        [json!([2, "major"]), json!([1, "major"])].contains(&measured[0]["key"]),
        "{}",
        measured[0]["key"]
    );
    assert_eq!(measured[0]["in_key"], 1.0);
    assert_eq!(measured[0]["notes"], 62);
    assert_eq!(measured[0], measured[1]);
}
