#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::score::At;
use crate::tempo::TempoMap;
use crate::units::{Pitch, Velocity};

const METRIC: PerformanceTokenizer = PerformanceTokenizer::new(PerformanceClock::Metric);
const SECONDS: PerformanceTokenizer = PerformanceTokenizer::new(PerformanceClock::Seconds);

fn note(start: u32, duration: u32, pitch: u32, velocity: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(duration).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::new(velocity).unwrap(),
    }
}

fn score(tpq: u32, notes: Vec<Note>) -> Score {
    let mut score = Score::new(TicksPerQuarter::new(tpq).unwrap());
    score.push_track(Track::new("", Program::MIN).with_notes(notes));
    score
}

fn names(tokens: &[TokenId]) -> Vec<String> {
    tokens.iter().map(|t| METRIC.token_name(*t).unwrap()).collect()
}

fn ids(events: &[PerformanceEvent]) -> Vec<TokenId> {
    events.iter().map(|e| e.to_id().unwrap()).collect()
}

#[test]
fn overlaps_doubles_and_pitches_out_of_range_are_counted() {
    let mut piece = score(
        48,
        vec![
            note(0, 48, 60, 80),  // cut at 24
            note(0, 12, 60, 100), // doubles the one before: shorter, louder
            note(24, 6, 60, 80),
            note(30, 0, 62, 80), // lengthened to one unit
            note(0, 48, 20, 80),
            note(0, 48, 109, 80),
        ],
    );
    piece.push_track(Track::drums("", Program::MIN).with_notes(vec![note(0, 48, 36, 80)]));
    let (tokens, report) = METRIC.encode_with_report(&piece);
    let expected = EncodeReport {
        drums: 1,
        other_tracks: 0,
        out_of_range: 2,
        doubled: 1,
        cut: 1,
        lengthened: 1,
        over_limit: 0,
        surplus_cells: 0,
    };
    assert_eq!(report, expected);
    assert_eq!(
        names(&tokens).join(" "),
        "START VELOCITY_24 NOTE_ON_60 TIME_SHIFT_24 NOTE_OFF_60 VELOCITY_19 NOTE_ON_60 TIME_SHIFT_6 \
         NOTE_OFF_60 NOTE_ON_62 TIME_SHIFT_1 NOTE_OFF_62"
    );
}

#[test]
fn rounding_does_not_add_up() {
    // A quarter of 3 ticks: every tick is 16 units. A quarter of 7 ticks: 6.857 units a tick; the
    // onsets of 700 notes of one tick stay within half a unit.
    let notes: Vec<Note> = (0..700).map(|i| note(i, 1, 60 + i % 2, 80)).collect();
    let (tokens, report) = METRIC.encode_with_report(&score(7, notes));
    assert!(report.is_clean());
    let total: u64 = tokens
        .iter()
        .filter_map(|t| match PerformanceEvent::from_id(*t) {
            Some(PerformanceEvent::TimeShift(units)) => Some(u64::from(units)),
            _ => None,
        })
        .sum();
    assert_eq!(total, 4800); // 100 quarter notes of 48 units
}

#[test]
fn the_seconds_clock_goes_through_the_tempo_map() {
    // A quarter at 120 (0.5 s), then a quarter at 60 (1 s), then one at 240 (0.25 s).
    let mut piece = score(480, vec![note(0, 480, 60, 80), note(480, 480, 62, 80), note(960, 480, 64, 80)]);
    let tempo = |tick, bpm| At { tick: Tick::new(tick).unwrap(), value: Tempo::from_bpm(bpm).unwrap() };
    piece.set_tempo_map(TempoMap::new(vec![tempo(480, 60.0), tempo(960, 240.0)]));
    let (tokens, _) = SECONDS.encode_with_report(&piece);
    assert_eq!(
        names(&tokens).join(" "),
        "START VELOCITY_19 NOTE_ON_60 TIME_SHIFT_50 NOTE_OFF_60 NOTE_ON_62 TIME_SHIFT_100 NOTE_OFF_62 \
         NOTE_ON_64 TIME_SHIFT_25 NOTE_OFF_64"
    );
    // The metric clock does not.
    let (metric, _) = METRIC.encode_with_report(&piece);
    let shifts = metric.iter().filter(|t| **t == 176 + 47).count();
    assert_eq!(shifts, 3);
    // Back onto the same tempo map: the same ticks.
    let (notes, report) = SECONDS.decode_notes_onto(&tokens, &piece, Tick::ZERO);
    assert!(report.is_clean());
    let times: Vec<(u32, u32)> = notes.iter().map(|n| (n.start.get(), n.duration.get())).collect();
    assert_eq!(times, [(0, 480), (480, 480), (960, 480)]);
    // And from the second note on.
    let origin = Tick::new(480).unwrap();
    let (tail, _) = SECONDS.encode_notes(piece.tracks()[0].notes(), &piece, origin);
    assert_eq!(names(&tail)[..3], ["VELOCITY_19", "NOTE_ON_62", "TIME_SHIFT_100"]);
    let (tail_notes, _) = SECONDS.decode_notes_onto(&tail, &piece, origin);
    assert_eq!(tail_notes, notes[1..]);
}

#[test]
fn an_origin_cuts_what_lies_before_it() {
    let piece = score(48, vec![note(0, 48, 60, 80), note(0, 96, 62, 80), note(96, 24, 64, 80)]);
    let (tokens, report) = METRIC.encode_notes(piece.tracks()[0].notes(), &piece, Tick::new(48).unwrap());
    assert!(report.is_clean());
    assert_eq!(
        names(&tokens).join(" "),
        "VELOCITY_19 NOTE_ON_62 TIME_SHIFT_48 NOTE_OFF_62 NOTE_ON_64 TIME_SHIFT_24 NOTE_OFF_64"
    );
}

#[test]
fn decoding_mends_and_counts() {
    use PerformanceEvent::{NoteOff, NoteOn, Pad, Start, TimeShift, Velocity};
    let c = Pitch::MIDDLE_C;
    let d = Pitch::new(62).unwrap();
    let mut tokens = ids(&[
        Pad,        // misplaced
        Start,      // misplaced
        NoteOff(d), // stray
        NoteOn(c),
        NoteOn(c), // the first of the two has no length
        TimeShift(48),
        Velocity(24),
        NoteOn(c), // restruck
        TimeShift(24),
        NoteOff(c),
        NoteOn(d),
        NoteOff(d), // no length
        NoteOn(d),
        TimeShift(100),
        NoteOn(c), // unclosed, and has no length
        Pad,
    ]);
    tokens.insert(4, 310); // unknown
    let (notes, report) = METRIC.decode_notes(&tokens, TicksPerQuarter::new(96).unwrap());
    assert_eq!(notes, [note(0, 96, 60, 80), note(96, 48, 60, 99), note(144, 200, 62, 99)]);
    let expected = DecodeReport {
        unknown_ids: 1,
        misplaced_start: 1,
        misplaced_pad: 1,
        stray_note_offs: 1,
        restruck: 1,
        zero_length: 3,
        unclosed: 1,
        ..DecodeReport::default()
    };
    assert_eq!(report, expected);
    assert_eq!(report.total(), 9);
}

#[test]
fn both_clocks_decode_at_the_same_speed() {
    let tokens = METRIC.encode(&score(480, vec![note(0, 480, 60, 80), note(480, 240, 62, 80)]));
    for tokenizer in [METRIC, SECONDS] {
        let decoded = tokenizer.decode(&tokens).score;
        assert!((decoded.duration_seconds() - 0.72).abs() < 1e-3);
    }
}

#[test]
fn a_silence_of_years_does_not_make_a_sequence_of_gigabytes() {
    let mut piece = score(1, vec![note(0, 1, 60, 80), note(Tick::MAX.get() - 1, 1, 62, 80)]);
    piece.set_tempo(Tempo::from_micros(0x00FF_FFFF).unwrap());
    let (tokens, report) = SECONDS.encode_with_report(&piece);
    assert_eq!(report.over_limit, 1);
    assert_eq!(names(&tokens).last().map(String::as_str), Some("NOTE_OFF_60"));
    // A sequence past the last tick is cut there, and says so.
    let far: Vec<TokenId> = std::iter::once(39)
        .chain(PerformanceEvent::time_shifts(u64::from(Tick::MAX.get()) / 10 + 100))
        .chain(ids(&[PerformanceEvent::NoteOff(Pitch::MIDDLE_C), PerformanceEvent::NoteOn(Pitch::MIDDLE_C)]))
        .chain(ids(&[PerformanceEvent::TimeShift(1), PerformanceEvent::NoteOff(Pitch::MIDDLE_C)]))
        .collect();
    let decoded = METRIC.decode(&far);
    assert_eq!(decoded.score.note_count(), 1);
    assert_eq!(decoded.score.end(), Tick::MAX);
    assert_eq!(decoded.repairs.past_end, 2);
}

proptest! {
    /// On the metric clock's own grid nothing is lost but the place in the velocity bin.
    #[test]
    fn metric_notes_on_the_grid_come_back(
        lengths in prop::collection::vec((0_u32..300, 1_u32..300, 21_u32..109, 0_u32..32), 0..40),
    ) {
        let mut now = 0;
        let mut notes = Vec::new();
        for (gap, length, pitch, bin) in lengths {
            notes.push(note((now + gap) * 10, length * 10, pitch, 4 * bin + 3));
            now += gap + length;
        }
        let piece = score(480, notes.clone());
        let (tokens, report) = METRIC.encode_with_report(&piece);
        prop_assert!(report.is_clean());
        let (back, repairs) = METRIC.decode_notes(&tokens, TicksPerQuarter::DEFAULT);
        prop_assert!(repairs.is_clean());
        prop_assert_eq!(back, notes);
    }
}
