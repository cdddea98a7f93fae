//! Where texts and raw events end up: in the score or in which of its tracks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use deepcompose_core::{At, RawKind, Score, Text, TextKind, Track};
use deepcompose_midi::{ReadReport, canonical, read_bytes, read_strict_bytes, to_bytes};
use support::{parallel, single, track};

fn read(bytes: &[u8]) -> (Score, ReadReport) {
    let (score, report) = read_bytes(bytes).unwrap();
    assert_eq!(canonical(&score), score);
    assert_eq!(read_strict_bytes(&to_bytes(&score).unwrap()).unwrap(), score);
    (score, report)
}

/// Name, program, drums, pitches.
fn summary(score: &Score) -> Vec<(&str, u8, bool, Vec<u8>)> {
    let of = |t: &Track| t.notes().iter().map(|n| n.pitch.get()).collect();
    score.tracks().iter().map(|t| (t.name(), t.program().get(), t.is_drum(), of(t))).collect()
}

fn texts(texts: &[At<Text>]) -> Vec<(u32, TextKind, &str)> {
    texts.iter().map(|t| (t.tick.get(), t.value.kind(), t.value.as_str())).collect()
}

fn meta(kind: u8, text: &[u8]) -> Vec<u8> {
    [&[0, 0xFF, kind, text.len() as u8], text].concat()
}

/// A note of ten ticks on a channel.
fn play(channel: u8, pitch: u8) -> Vec<u8> {
    vec![0, 0x90 | channel, pitch, 80, 10, 0x80 | channel, pitch, 64]
}

#[test]
fn texts_of_a_first_track_that_plays_nothing_are_the_scores() {
    let (score, report) = read(&parallel(&[
        track(&[
            &meta(3, b"Title"),
            &meta(3, b"Subtitle"),
            &meta(2, b"(c)"),
            &meta(4, b"by"),
            &[5, 0xFF, 6, 1, b'A'],
            &meta(0x7F, &[1]),
            &meta(0, &[0, 7]),
            &[0, 0xF0, 2, 0x7E, 0xF7],
        ]),
        track(&[&meta(3, b"Voice"), &meta(5, b"la"), &play(0, 60), &[0, 0xF7, 1, 0xF8], &meta(1, b"x")]),
    ]));
    use TextKind::*;
    let expected = [
        (0, SequenceName, "Title"),
        (0, SequenceName, "Subtitle"),
        (0, Copyright, "(c)"),
        (0, InstrumentName, "by"),
        (5, Marker, "A"),
    ];
    assert_eq!(texts(score.texts()), expected);
    let raw: Vec<_> =
        score.raw_events().iter().map(|r| (r.tick.get(), r.value.kind(), r.value.data())).collect();
    let expected = [
        (5, RawKind::Meta(0x7F), &[1][..]),
        (5, RawKind::Meta(0), &[0, 7]),
        (5, RawKind::SysEx, &[0x7E, 0xF7]),
    ];
    assert_eq!(raw, expected);
    let voice = &score.tracks()[0];
    assert_eq!((voice.name(), texts(voice.texts())), ("Voice", vec![(0, Lyric, "la"), (10, Text, "x")]));
    assert_eq!((voice.raw_events().len(), voice.raw_events()[0].value.kind()), (1, RawKind::Escape));
    assert!(report.is_clean(), "{report}");
}

/// As in karaoke files, whose second track is named "Words".
#[test]
fn another_track_that_plays_nothing_but_has_texts_is_a_track() {
    let (score, report) = read(&parallel(&[
        track(&[&meta(1, b"@KMIDI KARAOKE FILE")]),
        track(&[
            &meta(3, b"Words"),
            &meta(1, b"@LENGL"),
            &meta(1, b"@TTitle"),
            &[96, 0xFF, 1, 3, b'\\', b'l', b'a'],
        ]),
        track(&[&play(0, 60)]),
        track(&[&meta(3, b"just a name")]),
        track(&[&[0, 0xFF, 0x51, 3, 7, 0xA1, 0x20]]),
    ]));
    assert_eq!(
        summary(&score),
        [("Words", 0, false, vec![]), ("", 0, false, vec![60]), ("just a name", 0, false, vec![])]
    );
    assert_eq!(
        texts(score.tracks()[0].texts()),
        [(0, TextKind::Text, "@LENGL"), (0, TextKind::Text, "@TTitle"), (96, TextKind::Text, "\\la")]
    );
    assert_eq!(texts(score.texts()), [(0, TextKind::Text, "@KMIDI KARAOKE FILE")]);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn texts_of_a_first_track_that_plays() {
    // One track of the score: what is for the whole piece is the score's all the same.
    let words: &[&[u8]] = &[&meta(3, b"n"), &meta(2, b"c"), &meta(5, b"l"), &meta(6, b"m"), &meta(1, b"t")];
    let (score, _) = read(&single(&[&words.concat(), &play(0, 60)]));
    assert_eq!(texts(score.texts()), [(0, TextKind::Copyright, "c"), (0, TextKind::Marker, "m")]);
    assert_eq!(texts(score.tracks()[0].texts()), [(0, TextKind::Lyric, "l"), (0, TextKind::Text, "t")]);
    // Several: a text is for all, but behind a channel prefix.
    let prefixed = [&[0, 0xFF, 0x20, 1, 1][..], &meta(5, b"one")].concat();
    let (score, _) = read(&single(&[&meta(5, b"all"), &prefixed, &play(0, 60), &play(1, 61)]));
    assert_eq!(texts(score.texts()), [(0, TextKind::Lyric, "all")]);
    assert_eq!(summary(&score)[0].3, [61]);
    assert_eq!(texts(score.tracks()[0].texts()), [(0, TextKind::Lyric, "one")]);
    assert!(score.tracks()[1].texts().is_empty());
    // In another file track the first of several has them.
    let (score, _) = read(&parallel(&[track(&[]), track(&[&meta(5, b"all"), &play(0, 60), &play(1, 61)])]));
    assert_eq!(texts(score.tracks()[0].texts()), [(0, TextKind::Lyric, "all")]);
}

#[test]
fn an_empty_track_name_is_a_name() {
    let (score, _) = read(&parallel(&[track(&[]), track(&[&meta(3, b""), &meta(4, b"i"), &play(0, 60)])]));
    assert_eq!(score.tracks()[0].name(), "");
    assert_eq!(texts(score.tracks()[0].texts()), [(0, TextKind::InstrumentName, "i")]);
}
