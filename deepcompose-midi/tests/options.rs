//! What a [`Reader`] can be asked for: overlaps, the pedal, encodings, limits on texts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use deepcompose_core::{Note, TextKind};
use deepcompose_midi::{Limits, MidiError, Overlaps, Reader, Repair, TextEncoding, read_bytes};
use support::{note, single};

const ON: fn(u8) -> Vec<u8> = |delta| vec![delta, 0x90, 60, 80];
const OFF: fn(u8) -> Vec<u8> = |delta| vec![delta, 0x80, 60, 64];

fn notes(overlaps: Overlaps, events: &[&[u8]]) -> (Vec<Note>, u64) {
    let (score, report) = Reader::new().overlaps(overlaps).read_bytes(&single(events)).unwrap();
    (score.tracks()[0].notes().to_vec(), report.repair_count(Repair::OverlappingNotes))
}

#[test]
fn overlapping_notes_end_as_asked() {
    // On at 0, on at 10, off at 20, off at 50.
    let events: &[&[u8]] = &[&ON(0), &ON(10), &OFF(10), &OFF(30)];
    let expected = |first, second| vec![note(0, 60, first, 80), note(10, 60, second, 80)];
    assert_eq!(notes(Overlaps::FirstInFirstOut, events), (expected(20, 40), 1));
    assert_eq!(notes(Overlaps::LastInFirstOut, events), (expected(50, 10), 1));
    assert_eq!(notes(Overlaps::CloseAll, events), (expected(20, 10), 1));
    let (_, report) = Reader::new().overlaps(Overlaps::CloseAll).read_bytes(&single(events)).unwrap();
    assert_eq!(report.repair_count(Repair::StrayNoteOff), 1);
}

/// Some programs put the next note on before the note off of the same tick.
#[test]
fn a_repeated_note_is_no_overlap_whatever_is_asked() {
    let events: &[&[u8]] = &[&ON(0), &ON(10), &OFF(0), &ON(10), &OFF(0), &OFF(10)];
    let expected = vec![note(0, 60, 10, 80), note(10, 60, 10, 80), note(20, 60, 10, 80)];
    for overlaps in [Overlaps::FirstInFirstOut, Overlaps::LastInFirstOut, Overlaps::CloseAll] {
        assert_eq!(notes(overlaps, events), (expected.clone(), 0), "{overlaps:?}");
    }
}

#[test]
fn three_notes_deep() {
    // On at 0, 10, 20; off at 30, 40, 50.
    let events: &[&[u8]] = &[&ON(0), &ON(10), &ON(10), &OFF(10), &OFF(10), &OFF(10)];
    let lengths =
        |overlaps| -> Vec<u32> { notes(overlaps, events).0.iter().map(|n| n.duration.get()).collect() };
    assert_eq!(lengths(Overlaps::FirstInFirstOut), [30, 30, 30]);
    assert_eq!(lengths(Overlaps::LastInFirstOut), [50, 30, 10]);
    assert_eq!(lengths(Overlaps::CloseAll), [30, 20, 10]);
}

/// Many notes at one tick, and as many note offs: time must not grow with their square.
#[test]
fn a_million_strokes_at_one_tick() {
    let mut events = ON(0);
    for _ in 1..200_000 {
        events.extend([0, 60, 80]);
    }
    events.extend(OFF(0));
    for _ in 1..200_000 {
        events.extend([0, 60, 64]);
    }
    for overlaps in [Overlaps::FirstInFirstOut, Overlaps::LastInFirstOut, Overlaps::CloseAll] {
        let (notes, _) = notes(overlaps, &[&events]);
        assert_eq!(notes.len(), 200_000);
        assert!(notes.iter().all(|n| n.duration.get() == 0));
    }
}

#[test]
fn the_pedal_holds_notes_if_asked() {
    let bytes =
        single(&[&[0, 0xB0, 64, 127], &ON(0), &OFF(10), &[20, 0xB0, 64, 0], &[70, 0x90, 62, 1], &[5, 62, 0]]);
    let lengths = |reader: Reader| -> Vec<u32> {
        let (score, _) = reader.read_bytes(&bytes).unwrap();
        assert_eq!(score.tracks()[0].controls().len(), 2);
        score.tracks()[0].notes().iter().map(|n| n.duration.get()).collect()
    };
    assert_eq!(lengths(Reader::new()), [10, 5]);
    assert_eq!(lengths(Reader::new().sustain(true)), [30, 5]);
}

fn meta(kind: u8, text: &[u8]) -> Vec<u8> {
    [&[0, 0xFF, kind, text.len() as u8], text].concat()
}

/// The name, the first text, the encoding, and how many texts were none.
fn words(encoding: TextEncoding, name: &[u8], lyric: &[u8]) -> (String, String, TextEncoding, u64) {
    let bytes = single(&[&meta(3, name), &meta(5, lyric), &ON(0), &OFF(1)]);
    let (score, report) = Reader::new().encoding(encoding).read_bytes(&bytes).unwrap();
    let track = &score.tracks()[0];
    assert_eq!(track.texts()[0].value.kind(), TextKind::Lyric);
    let undecodable = report.repair_count(Repair::UndecodableText);
    (track.name().to_owned(), track.texts()[0].value.as_str().to_owned(), report.text_encoding(), undecodable)
}

#[test]
fn texts_are_decoded() {
    use TextEncoding::{Auto, EucJp, Latin1, ShiftJis, Utf8, Windows1251};
    let case = |asked, name: &[u8], lyric: &[u8], expected: (&str, &str), used, undecodable| {
        let (name, lyric, encoding, bad) = words(asked, name, lyric);
        assert_eq!(((name.as_str(), lyric.as_str()), encoding, bad), (expected, used, undecodable));
    };
    case(Auto, "ピアノ".as_bytes(), "é".as_bytes(), ("ピアノ", "é"), Utf8, 0);
    case(Auto, b"Fl\xF6te", b"\xE9", ("Flöte", "é"), Latin1, 0);
    // "ピアノ" and a half-width "ア" in Shift-JIS: one encoding for the whole file.
    case(Auto, b"\x83\x73\x83\x41\x83\x6D", b"\xB1", ("ピアノ", "ｱ"), ShiftJis, 0);
    case(Latin1, b"\x83\x73", b"\xB1", ("ƒs", "±"), Latin1, 0);
    case(ShiftJis, b"a", b"\x83\x73", ("a", "ピ"), ShiftJis, 0);
    case(ShiftJis, b"a", b"\x83", ("a", "\u{FFFD}"), ShiftJis, 1);
    case(Utf8, b"Fl\xF6te", b"", ("Fl\u{FFFD}te", ""), Utf8, 1);
    case(EucJp, b"\xA5\xD4", b"", ("ピ", ""), EucJp, 0);
    case(Windows1251, b"\xCC\xE8\xF0", b"", ("Мир", ""), Windows1251, 0);
}

#[test]
fn texts_and_raw_events_are_limited_together() {
    // Three bytes of Latin-1 that are six of UTF-8, and four raw ones.
    let bytes = single(&[&meta(5, b"\xE9\xE9\xE9"), &[0, 0xF0, 4, 1, 2, 3, 0xF7], &ON(0), &OFF(1)]);
    let reader = |limit| Reader::new().limits(Limits::default().with_text_bytes(limit));
    assert!(reader(10).read_bytes(&bytes).is_ok());
    let error = reader(9).read_bytes(&bytes).unwrap_err();
    assert!(matches!(error, MidiError::Limit { value: 10, limit: 9, .. }), "{error}");
}

#[test]
fn a_damaged_text_is_no_damage_to_the_file() {
    let bytes = single(&[&meta(5, b"\xFF"), &ON(0), &OFF(1)]);
    let (_, report) = Reader::new().encoding(TextEncoding::Utf8).strict(true).read_bytes(&bytes).unwrap();
    assert!(!report.is_damaged() && !report.is_clean());
    assert!(read_bytes(&bytes).unwrap().1.is_clean());
}
