//! Scores to bytes and back; arbitrary and damaged bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use deepcompose_core::{
    At, ControlChange, KeySignature, Mode, Note, Pitch, PitchBend, Pressure, Program, RawEvent, RawKind,
    Score, Tempo, TempoMap, Text, TextKind, Tick, TicksPerQuarter, TimeSignature, Track, Velocity,
};
use deepcompose_midi::{Limits, Reader, canonical, to_bytes, to_bytes_type0};
use proptest::collection::vec;
use proptest::prelude::*;

/// Mostly early, so that things meet; sometimes anywhere up to the last tick.
fn tick() -> impl Strategy<Value = Tick> {
    prop_oneof![8 => 0u32..12, 2 => 0u32..5000, 1 => 0..=Tick::MAX.get()].prop_map(|t| Tick::new(t).unwrap())
}

fn note() -> impl Strategy<Value = Note> {
    let pitch = prop_oneof![3 => 60u32..63, 1 => 0u32..128];
    (tick(), pitch, tick(), 1u32..128).prop_map(|(start, pitch, duration, velocity)| Note {
        start,
        pitch: Pitch::new(pitch).unwrap(),
        duration,
        velocity: Velocity::new(velocity).unwrap(),
    })
}

fn control() -> impl Strategy<Value = At<ControlChange>> {
    let number = prop_oneof![Just(0u8), Just(32), Just(64), Just(120), Just(121), Just(123), 0u8..128];
    (tick(), number, 0u8..128)
        .prop_map(|(tick, number, value)| At { tick, value: ControlChange::new(number, value).unwrap() })
}

fn bend() -> impl Strategy<Value = At<PitchBend>> {
    (tick(), -8192i16..=8191).prop_map(|(tick, bend)| At { tick, value: PitchBend::new(bend).unwrap() })
}

fn pressure() -> impl Strategy<Value = At<Pressure>> {
    (tick(), any::<bool>(), 0u32..128, 0u8..128).prop_map(|(tick, is_key, pitch, value)| {
        let of_key = || Pressure::key(Pitch::new(pitch).unwrap(), value);
        At { tick, value: if is_key { of_key() } else { Pressure::channel(value) }.unwrap() }
    })
}

fn text() -> impl Strategy<Value = At<Text>> {
    (tick(), prop::sample::select(&TextKind::ALL[..]), ".{0,8}")
        .prop_map(|(tick, kind, words)| At { tick, value: Text::new(kind, words).unwrap() })
}

fn raw_event() -> impl Strategy<Value = At<RawEvent>> {
    let meta =
        prop::sample::select(vec![0u8, 0x0A, 0x0F, 0x22, 0x2E, 0x54, 0x60, 0x7F]).prop_map(RawKind::Meta);
    let kind = prop_oneof![Just(RawKind::SysEx), Just(RawKind::Escape), meta];
    (tick(), kind, vec(any::<u8>(), 0..200), any::<bool>()).prop_map(|(tick, kind, mut data, is_whole)| {
        if kind == RawKind::SysEx {
            data.iter_mut().for_each(|b| *b &= 0x7F);
            data.extend(is_whole.then_some(0xF7));
        }
        At { tick, value: RawEvent::new(kind, data).unwrap() }
    })
}

fn some<T: std::fmt::Debug + Clone>(
    of: impl Strategy<Value = T> + 'static,
    most: usize,
) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![2 => Just(Vec::new()), 1 => vec(of, 0..most)]
}

fn track() -> impl Strategy<Value = Track> {
    let name = prop_oneof![".{0,12}", Just("Melody".to_owned()), Just(String::new())];
    let played = (vec(note(), 0..12), some(control(), 8), some(bend(), 3), some(pressure(), 4));
    (name, 0u32..128, any::<bool>(), played, some(text(), 5), some(raw_event(), 3)).prop_map(
        |(name, program, is_drum, (notes, controls, bends, pressures), texts, raw)| {
            let program = Program::new(program).unwrap();
            let make = if is_drum { Track::drums } else { Track::new };
            let mut track = make(name, program).with_notes(notes);
            track.set_controls(controls);
            track.set_pitch_bends(bends);
            track.set_pressures(pressures);
            track.set_texts(texts);
            track.set_raw_events(raw);
            track
        },
    )
}

fn score(tracks: impl Strategy<Value = Vec<Track>>) -> impl Strategy<Value = Score> {
    let tempos = vec((tick(), 1u32..=0x00FF_FFFF), 0..5);
    let times = vec((tick(), 1u32..256, 0u32..8), 0..4);
    let keys = vec((tick(), -7i8..=7, any::<bool>()), 0..4);
    let words = (some(text(), 5), some(raw_event(), 3));
    (1u32..=0x7FFF, tempos, times, keys, words, tracks).prop_map(
        |(resolution, tempos, times, keys, (texts, raw), tracks)| {
            let mut score = Score::new(TicksPerQuarter::new(resolution).unwrap());
            let tempos =
                tempos.into_iter().map(|(tick, t)| At { tick, value: Tempo::from_micros(t).unwrap() });
            score.set_tempo_map(TempoMap::new(tempos.collect()));
            let times = times
                .into_iter()
                .map(|(tick, n, power)| At { tick, value: TimeSignature::new(n, 1 << power).unwrap() });
            score.set_time_signatures(times.collect());
            let keys = keys.into_iter().map(|(tick, sharps, minor)| At {
                tick,
                value: KeySignature::new(sharps, if minor { Mode::Minor } else { Mode::Major }).unwrap(),
            });
            score.set_key_signatures(keys.collect());
            score.set_texts(texts);
            score.set_raw_events(raw);
            score.tracks_mut().extend(tracks);
            score
        },
    )
}

/// The score without texts and raw events, and all of these, of score and tracks, by time.
fn apart(score: &Score) -> (Score, Vec<At<Text>>, Vec<At<RawEvent>>) {
    let mut bare = score.clone();
    let (mut texts, mut raw) = (score.texts().to_vec(), score.raw_events().to_vec());
    bare.set_texts(Vec::new());
    bare.set_raw_events(Vec::new());
    for track in bare.tracks_mut() {
        texts.extend_from_slice(track.texts());
        raw.extend_from_slice(track.raw_events());
        track.set_texts(Vec::new());
        track.set_raw_events(Vec::new());
    }
    texts.sort_by(|a, b| {
        (a.tick, a.value.kind(), a.value.as_str()).cmp(&(b.tick, b.value.kind(), b.value.as_str()))
    });
    raw.sort_by(|a, b| {
        (a.tick, a.value.kind(), a.value.data()).cmp(&(b.tick, b.value.kind(), b.value.data()))
    });
    (bare, texts, raw)
}

fn reader() -> Reader {
    Reader::new().limits(Limits::unlimited())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_score_survives_a_file(score in score(vec(track(), 0..6))) {
        let expected = canonical(&score);
        let bytes = to_bytes(&score).unwrap();
        let (back, report) = reader().strict(true).read_bytes(&bytes).unwrap();
        prop_assert_eq!(&back, &expected);
        prop_assert_eq!(canonical(&back), expected);
        // What the writer writes needs no mending but what overlaps.
        let overlapping = report.repair_count(deepcompose_midi::Repair::OverlappingNotes);
        prop_assert_eq!(report.repairs().map(|(_, tally)| tally.count()).sum::<u64>(), overlapping);
        prop_assert_eq!(report.skipped().count(), 0);
    }

    #[test]
    fn many_tracks_survive_on_further_ports(
        score in score(vec(track(), 14..50)),
    ) {
        let (back, _) = reader().strict(true).read_bytes(&to_bytes(&score).unwrap()).unwrap();
        prop_assert_eq!(back, canonical(&score));
    }

    #[test]
    fn a_score_survives_a_file_of_one_track(mut score in score(vec(track(), 0..6))) {
        score.tracks_mut().retain(|t| !t.notes().is_empty());
        let mut drums = 0;
        score.tracks_mut().retain(|t| { drums += usize::from(t.is_drum()); !t.is_drum() || drums <= 1 });
        let bytes = to_bytes_type0(&score).unwrap();
        let (back, report) = reader().read_bytes(&bytes).unwrap();
        prop_assert_eq!(report.file_tracks(), 1);
        prop_assert_eq!(apart(&back), apart(&canonical(&score)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..400), strict: bool) {
        let _ = Reader::new().strict(strict).read_patterns_bytes(&bytes);
        // Past the header, where the events are.
        let mut whole = b"MThd\0\0\0\x06\0\x01\0\x02\0\x60MTrk\0\0\x01\0".to_vec();
        whole.extend(&bytes);
        let _ = Reader::new().strict(strict).read_patterns_bytes(&whole);
        let mut riff = b"RIFF\0\0\0\0RMID".to_vec();
        riff.extend(&bytes);
        let _ = Reader::new().strict(strict).read_patterns_bytes(&riff);
    }

    /// Damaged files are refused or read; what is read can be written and read again.
    #[test]
    fn damaged_files_never_panic_and_what_is_read_survives(
        score in score(vec(track(), 0..4)),
        hits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<Option<prop::sample::Index>>(),
        strict: bool,
    ) {
        let mut bytes = to_bytes(&score).unwrap();
        for (index, value) in hits {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok((scores, _)) = reader().strict(strict).read_patterns_bytes(&bytes) {
            for score in scores {
                prop_assert_eq!(&canonical(&score), &score);
                let (back, _) = reader().strict(true).read_bytes(&to_bytes(&score).unwrap()).unwrap();
                prop_assert_eq!(back, score);
            }
        }
    }
}
