//! One set of cases, and one set of properties, through every tokenizer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use deepcompose_core::{
    At, InputTrack, MusicTokenizer, Note, PerformanceClock, PerformanceTokenizer, Pitch, Program,
    SatbTokenizer, Score, Tempo, TempoMap, Tick, TicksPerQuarter, TokenId, TokenType, Tokenization,
    Tokenizer, TokenizerConfig, Track, Velocity,
};
use proptest::prelude::*;
use serde_json::Value;

/// Those of the REMI family, all tracks in one sequence.
fn music_tokenizers() -> [(&'static str, Box<dyn Tokenizer>); 4] {
    let keys = ["remi", "tsd", "midi_like", "structured"];
    let mut tokenizations = Tokenization::ALL.into_iter();
    keys.map(|key| {
        let config = TokenizerConfig { use_programs: true, ..TokenizerConfig::default() };
        let tokenizer = MusicTokenizer::new(tokenizations.next().unwrap(), config).unwrap();
        (key, Box::new(tokenizer) as Box<dyn Tokenizer>)
    })
}

fn tokenizers() -> [(&'static str, Box<dyn Tokenizer>); 3] {
    [
        ("seconds", Box::new(PerformanceTokenizer::new(PerformanceClock::Seconds))),
        ("metric", Box::new(PerformanceTokenizer::new(PerformanceClock::Metric))),
        ("satb", Box::new(SatbTokenizer)),
    ]
}

fn note(start: u32, duration: u32, pitch: u32, velocity: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(duration).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::new(velocity).unwrap(),
    }
}

fn case_score(case: &Value) -> Score {
    let tpq = case["ticks_per_quarter"].as_u64().unwrap_or(480) as u32;
    let mut score = Score::new(TicksPerQuarter::new(tpq).unwrap());
    let tempo = |tick: u64, bpm: f64| At {
        tick: Tick::new(tick as u32).unwrap(),
        value: Tempo::from_bpm(bpm).unwrap(),
    };
    let mut tempos = vec![tempo(0, case["bpm"].as_f64().unwrap_or(120.0))];
    for change in case["tempos"].as_array().into_iter().flatten() {
        tempos.push(tempo(change[0].as_u64().unwrap(), change[1].as_f64().unwrap()));
    }
    score.set_tempo_map(TempoMap::new(tempos));
    for track in case["tracks"].as_array().unwrap() {
        let value = |n: &Value, i: usize| n[i].as_u64().unwrap() as u32;
        let notes = track["notes"].as_array().unwrap().iter();
        let notes = notes.map(|n| note(value(n, 0), value(n, 1), value(n, 2), value(n, 3))).collect();
        let name = track["name"].as_str().unwrap_or_default();
        let empty = match track["drums"].as_bool() {
            Some(true) => Track::drums(name, Program::MIN),
            _ => Track::new(name, Program::MIN),
        };
        score.push_track(empty.with_notes(notes));
    }
    score
}

/// Every neighbour is one that the token-type graph allows.
fn follows_the_graph(tokenizer: &dyn Tokenizer, tokens: &[TokenId]) -> bool {
    let types: Vec<TokenType> = tokens.iter().map(|t| tokenizer.token_type(*t).unwrap()).collect();
    types.windows(2).all(|t| tokenizer.may_follow(t[0], t[1]))
}

fn holds_invariants(tokenizer: &dyn Tokenizer, score: &Score) -> Result<(), String> {
    let tokens = tokenizer.encode(score);
    if !follows_the_graph(tokenizer, &tokens) {
        return Err(format!("{tokens:?} is off the token-type graph"));
    }
    let decoded = tokenizer.decode(&tokens);
    if !decoded.repairs.is_clean() {
        return Err(format!("{tokens:?} needed repairs: {:?}", decoded.repairs));
    }
    let again = tokenizer.encode(&decoded.score);
    // With programs, what begins at one time may change places: tracks of one program are one, which sorts
    // their notes, and MIDI-Like names tracks in the order of their first note-offs.
    let has_programs = TokenType::ALL.into_iter().any(|kind| tokenizer.may_follow(TokenType::Program, kind));
    let in_order = |tokens: &[TokenId]| {
        let mut tokens = tokens.to_vec();
        if has_programs {
            tokens.sort_unstable();
        }
        tokens
    };
    if in_order(&again) != in_order(&tokens) {
        return Err(format!("{tokens:?} became {again:?}"));
    }
    Ok(())
}

#[test]
fn cases() {
    let cases: Value = serde_json::from_str(include_str!("tokenizer_cases.json")).unwrap();
    let mut checked = 0;
    for case in cases.as_array().unwrap() {
        let score = case_score(case);
        for (_, tokenizer) in tokenizers() {
            let first = tokenizer.encode(&score).first().and_then(|token| tokenizer.token_type(*token));
            assert_eq!(first, Some(TokenType::Start));
        }
        for (key, tokenizer) in tokenizers().into_iter().chain(music_tokenizers()) {
            let name = format!("{} ({key})", case["name"].as_str().unwrap());
            let tokens = tokenizer.encode(&score);
            if let Some(expected) = case[key].as_str() {
                let names: Vec<_> = tokens.iter().map(|t| tokenizer.token_name(*t).unwrap()).collect();
                assert_eq!(names.join(" "), expected, "{name}");
                checked += 1;
            }
            holds_invariants(tokenizer.as_ref(), &score).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
    assert_eq!(checked, 36);
}

#[test]
fn the_built_in_tunes_keep_every_onset() {
    for track in InputTrack::ALL {
        let score = track.score();
        for (key, tokenizer) in tokenizers().into_iter().chain(music_tokenizers()) {
            holds_invariants(tokenizer.as_ref(), &score).unwrap_or_else(|e| panic!("{track} ({key}): {e}"));
        }
        // At 480 ticks a quarter a metric unit is 10 ticks: the tunes come back whole.
        let metric = PerformanceTokenizer::new(PerformanceClock::Metric);
        let (notes, report) = metric.decode_notes(&metric.encode(&score), score.ticks_per_quarter());
        assert!(report.is_clean());
        let timing = |n: &Note| (n.start, n.duration, n.pitch);
        let expected: Vec<_> = score.tracks()[0].notes().iter().map(timing).collect();
        assert_eq!(notes.iter().map(timing).collect::<Vec<_>>(), expected, "{track}");
    }
}

#[test]
fn vocabularies_are_dense_and_named_once() {
    for (key, tokenizer) in tokenizers() {
        let size = tokenizer.vocabulary_size() as TokenId;
        let names: std::collections::BTreeSet<_> =
            (0..size).map(|id| tokenizer.token_name(id).unwrap()).collect();
        assert_eq!(names.len(), size as usize, "{key}");
        assert!((0..size).all(|id| tokenizer.token_type(id).is_some()), "{key}");
        for outside in [size, u32::MAX] {
            assert_eq!((tokenizer.token_name(outside), tokenizer.token_type(outside)), (None, None), "{key}");
        }
        // Start follows nothing; only pad follows pad; every other type has a way on.
        let types: std::collections::BTreeSet<_> =
            (0..size).map(|id| tokenizer.token_type(id).unwrap()).collect();
        for before in TokenType::ALL {
            assert!(!tokenizer.may_follow(before, TokenType::Start), "{key}");
            let ways =
                TokenType::ALL.into_iter().filter(|after| tokenizer.may_follow(before, *after)).count();
            match before {
                TokenType::Pad => assert_eq!(ways, 1, "{key}"),
                _ => assert_eq!(ways > 0, types.contains(&before), "{key}: {before:?}"),
            }
        }
    }
}

fn any_score() -> impl Strategy<Value = Score> {
    let notes = prop::collection::vec((0_u32..5000, 0_u32..2000, 0_u32..128, 1_u32..128), 0..30);
    let track = (notes, any::<bool>(), prop::sample::select(vec!["", "Alto", "Soprano", "Tenor", "Bass"]));
    let tracks = prop::collection::vec(track, 0..6);
    let tempos = prop::collection::vec((0_u32..5000, 20_000_u32..2_000_000), 0..4);
    (tracks, tempos, 1_u32..1000).prop_map(|(tracks, tempos, tpq)| {
        let mut score = Score::new(TicksPerQuarter::new(tpq).unwrap());
        let change = |(tick, micros)| At {
            tick: Tick::new(tick).unwrap(),
            value: Tempo::from_micros(micros).unwrap(),
        };
        score.set_tempo_map(TempoMap::new(tempos.into_iter().map(change).collect()));
        for (notes, drums, name) in tracks {
            let notes = notes.into_iter().map(|(s, d, p, v)| note(s, d, p, v)).collect();
            let empty = if drums { Track::drums(name, Program::MIN) } else { Track::new(name, Program::MIN) };
            score.push_track(empty.with_notes(notes));
        }
        score
    })
}

proptest! {
    #[test]
    fn any_ids_decode_to_a_score_that_encodes_stably(
        ids in prop::collection::vec(prop_oneof![8 => 0_u32..312, 1 => any::<u32>()], 0..400),
    ) {
        for (key, tokenizer) in tokenizers() {
            let decoded = tokenizer.decode(&ids);
            // A valid score survives its own serialisation, which checks every value.
            let json = serde_json::to_string(&decoded.score).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Score>(&json).unwrap(), &decoded.score);
            if let Err(e) = holds_invariants(tokenizer.as_ref(), &decoded.score) {
                prop_assert!(false, "{}: {}", key, e);
            }
        }
    }

    #[test]
    fn any_score_encodes_stably(score in any_score()) {
        for (key, tokenizer) in tokenizers() {
            if let Err(e) = holds_invariants(tokenizer.as_ref(), &score) {
                prop_assert!(false, "{}: {}", key, e);
            }
        }
    }
}
