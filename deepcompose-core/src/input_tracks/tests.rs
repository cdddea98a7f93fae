#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::meter::Mode;

const MAJOR: [u8; 7] = [0, 2, 4, 5, 7, 9, 11];
const MINOR: [u8; 7] = [0, 2, 3, 5, 7, 8, 10];

#[test]
fn every_tune_is_whole_bars_of_one_line_in_its_key() {
    for track in InputTrack::ALL {
        let (tune, score) = (track.tune(), track.score());
        // The table's values were accepted, not replaced by defaults.
        let bpm = score.tempo_map().tempo_at(Tick::ZERO).bpm();
        assert!((bpm - tune.quarters_a_minute).abs() < 1e-3, "{track}: {bpm}");
        assert_eq!(<(u32, u32)>::from(score.time_signatures()[0].value), tune.time, "{track}");
        assert_eq!(<(i8, Mode)>::from(score.key_signatures()[0].value), tune.key, "{track}");

        let bar = score.bars().find(|bar| bar.end >= score.end()).unwrap();
        assert_eq!(bar.end, score.end(), "{track} ends inside bar {}", bar.index + 1);
        let notes = score.tracks()[0].notes();
        assert!(notes.windows(2).all(|n| n[0].end() == n[1].start), "{track}: one unbroken line");

        let key = score.key_signatures()[0].value;
        let scale = if key.mode() == Mode::Major { MAJOR } else { MINOR };
        let mut accidentals: Vec<u8> = notes
            .iter()
            .map(|n| n.pitch.class())
            .filter(|class| !scale.contains(&((class + 12 - key.tonic()) % 12)))
            .collect();
        accidentals.sort_unstable();
        accidentals.dedup();
        let expected: &[u8] = match track {
            InputTrack::DeckTheHalls => &[11],   // B natural, to C major and back
            InputTrack::Greensleeves => &[6, 8], // F sharp and G sharp, melodic minor
            _ => &[],
        };
        assert_eq!(accidentals, expected, "{track}");
        // Every tune ends on its tonic.
        assert_eq!(notes.last().unwrap().pitch.class(), key.tonic(), "{track}");
    }
}

#[test]
fn bars_and_first_downbeats_are_as_documented() {
    let expected = [
        (InputTrack::OdeToJoy, 16, 66, 0),
        (InputTrack::TwinkleTwinkle, 12, 60, 0),
        (InputTrack::NewWorldLargo, 8, 65, 0),
        (InputTrack::DeckTheHalls, 16, 72, 0),
        (InputTrack::WeWishYouAMerryChristmas, 17, 62, 960),
        (InputTrack::FrereJacques, 8, 65, 0),
        (InputTrack::Greensleeves, 17, 69, 1200),
        (InputTrack::AmazingGrace, 17, 62, 960),
        (InputTrack::AuldLangSyne, 17, 60, 1440),
        (InputTrack::SilentNight, 12, 67, 0),
        (InputTrack::MinuetInG, 16, 74, 0),
        (InputTrack::AuClairDeLaLune, 16, 67, 0),
    ];
    assert_eq!(expected.map(|e| e.0), InputTrack::ALL);
    for (track, bars, first, start) in expected {
        let score = track.score();
        let first_note = score.tracks()[0].notes()[0];
        assert_eq!(score.bars().take_while(|b| b.start < score.end()).count(), bars, "{track}");
        assert_eq!((first_note.pitch.get(), first_note.start.get()), (first, start), "{track}");
    }
}

/// The first sixteen notes in Parsons code: the direction of each interval, up, down or repeated.
#[test]
fn incipits_have_their_parsons_codes() {
    let codes = [
        (InputTrack::OdeToJoy, "*RUURDDDDRUURDRU"),
        (InputTrack::TwinkleTwinkle, "*RURURDDRDRDRDUR"),
        (InputTrack::FrereJacques, "*UUDRUUDUUUDUURU"),
        (InputTrack::SilentNight, "*UDDUUDDURDURDUR"),
        (InputTrack::AuldLangSyne, "*UDUUDDUUDRUUURD"),
    ];
    for (track, code) in codes {
        let score = track.score();
        let notes = score.tracks()[0].notes();
        let parsons: String = notes[..16]
            .windows(2)
            .map(|n| match n[1].pitch.cmp(&n[0].pitch) {
                std::cmp::Ordering::Less => 'D',
                std::cmp::Ordering::Equal => 'R',
                std::cmp::Ordering::Greater => 'U',
            })
            .collect();
        assert_eq!(format!("*{parsons}"), code, "{track}");
    }
}

/// Onsets in eighths and pitches of the upper voice of other people's arrangements, in their keys,
/// as far as they go along with the tune.
#[test]
fn tunes_agree_with_arrangements_in_other_keys() {
    let ode = "0:67 2:67 4:68 6:70 8:70 10:68 12:67 14:65 16:63 18:63 20:65 22:67 24:67 27:65 28:65 32:67 \
               34:67 36:68 38:70 40:70 42:68 44:67 46:65 48:63 50:63 52:65 54:67 56:65 59:63 60:63";
    let twinkle = "0:60 2:60 4:67 6:67 8:69 10:69 12:67 16:65 18:65 20:64 22:64 24:62 26:62 28:60 32:67 34:67 \
                   36:65 38:65 40:64 42:64 44:62 48:67 50:67 52:65 54:65 56:64 58:64 60:62";
    let largo = "0:62 3:65 4:65 8:62 11:60 12:58 16:60 19:62 20:65 23:62 24:60 32:62 35:65 36:65 40:62 43:60 \
                 44:58 48:60 50:62 52:60 55:58 56:58";
    let deck = "0:70 3:68 4:67 6:65 8:63 10:65 12:67 14:63 16:65 17:67 18:68 19:65 20:67 23:65 24:63 26:62 \
                28:63 32:70 35:68 36:67 38:65 40:63 42:65 44:67 46:63";
    let auld = "0:60 2:65 5:64 6:65 8:69 10:67 13:65 14:67 16:69 18:65 21:65 22:69 24:72 26:74 32:74 34:72 \
                37:69 38:69 40:65 42:67 45:65 46:67 48:69 50:65 53:62 54:62 56:60 58:65 64:74 66:72 69:69 \
                70:69 72:65 74:67 77:65 78:67 80:74 82:72 85:69 86:69 88:72 90:74 96:74 98:72 101:69";
    let arrangements = [
        (InputTrack::OdeToJoy, -1, ode),
        (InputTrack::TwinkleTwinkle, 0, twinkle),
        (InputTrack::NewWorldLargo, 3, largo),
        (InputTrack::DeckTheHalls, 2, deck),
        (InputTrack::AuldLangSyne, 0, auld),
    ];
    for (track, semitones, arrangement) in arrangements {
        let score = track.score();
        let notes = score.tracks()[0].notes();
        let first = notes[0].start.get();
        let expected: Vec<(u32, i32)> = arrangement
            .split_whitespace()
            .map(|n| n.split_once(':').unwrap())
            .map(|(onset, pitch)| (onset.parse().unwrap(), pitch.parse::<i32>().unwrap() + semitones))
            .collect();
        let ours: Vec<(u32, i32)> = notes[..expected.len()]
            .iter()
            .map(|n| ((n.start.get() - first) / 240, i32::from(n.pitch.get())))
            .collect();
        assert_eq!(ours, expected, "{track}");
    }
}

#[test]
fn names_are_found() {
    for track in InputTrack::ALL {
        assert_eq!(track.slug().parse(), Ok(track));
        assert_eq!(track.name().to_uppercase().parse(), Ok(track));
        assert_eq!(serde_json::to_value(track).unwrap(), track.slug());
    }
    assert_eq!(" ode_to joy ".parse(), Ok(InputTrack::OdeToJoy));
    let error = "yesterday".parse::<InputTrack>().unwrap_err();
    assert!(
        error.to_string().starts_with("there is no input track \"yesterday\": the input tracks are ode-")
    );
}
