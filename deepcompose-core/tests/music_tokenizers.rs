//! REMI, TSD, MIDI-Like and Structured: properties that no other implementation is needed for. Their ids are
//! compared with MidiTok's in `deepcompose-midi/tests/miditok.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use deepcompose_core::tokenizer::{
    BeatResolution, IdsSplit, MusicTokenizer, Tokenization, TokenizerConfig, TokenizerError,
};
use deepcompose_core::{
    At, Note, Pitch, Program, Score, Tempo, TempoMap, Tick, TicksPerQuarter, TimeSignature, TokenId,
    TokenType, Tokenizer, Track, Velocity,
};
use proptest::prelude::*;

fn configs() -> Vec<TokenizerConfig> {
    let default = TokenizerConfig::default;
    let everything = TokenizerConfig {
        use_programs: true,
        use_tempos: true,
        use_key_signatures: true,
        use_rests: true,
        use_chords: true,
        use_sustain_pedals: true,
        use_pitch_bends: true,
        use_control_changes: true,
        control_change_numbers: vec![7, 10],
        ..default()
    };
    vec![
        default(),
        TokenizerConfig {
            remove_duplicated_notes: true,
            use_rests: true,
            pitch_range: (60, 63),
            ..default()
        },
        TokenizerConfig { remove_duplicated_notes: true, pitch_range: (60, 62), ..everything.clone() },
        TokenizerConfig { program_changes: true, sustain_pedal_duration: true, ..everything.clone() },
        TokenizerConfig { one_token_stream_for_programs: false, program_changes: true, ..everything.clone() },
        TokenizerConfig { one_token_stream_for_programs: false, use_velocities: false, ..everything.clone() },
        TokenizerConfig { use_pitch_intervals: true, pitch_range: (50, 70), ..default() },
        TokenizerConfig { use_pitch_intervals: true, use_time_signatures: false, ..everything },
        TokenizerConfig { use_velocities: false, use_note_duration_programs: Vec::new(), ..default() },
    ]
}

fn tokenizers() -> Vec<MusicTokenizer> {
    let mut all = Vec::new();
    for tokenization in Tokenization::ALL {
        for config in configs() {
            all.push(MusicTokenizer::new(tokenization, config).unwrap());
        }
    }
    for config in [
        TokenizerConfig {
            use_bar_end_tokens: true,
            use_programs: true,
            program_changes: true,
            ..configs().remove(0)
        },
        TokenizerConfig { max_bar_embedding: Some(32), use_time_signatures: false, ..configs().remove(0) },
    ] {
        all.push(MusicTokenizer::new(Tokenization::Remi, config).unwrap());
    }
    all
}

/// A small generator, so that a walk is a function of its seed.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

/// A sequence whose every token the grammar allows, closed.
fn walk(tokenizer: &MusicTokenizer, length: usize, seed: u64) -> Vec<TokenId> {
    let mut random = Lcg(seed);
    let mut grammar = tokenizer.grammar();
    let mut allowed = vec![false; tokenizer.vocabulary_size()];
    let mut tokens = Vec::new();
    while tokens.len() < length && !grammar.is_finished() {
        grammar.mask(&mut allowed);
        let ids: Vec<TokenId> =
            (0..).zip(&allowed).filter(|(_, allowed)| **allowed).map(|(id, _)| id).collect();
        assert!(
            !ids.is_empty(),
            "{tokenizer:?}: nothing may follow {:?}",
            tokens.iter().rev().take(5).map(|t| tokenizer.token_name(*t)).collect::<Vec<_>>()
        );
        // A type first, so that rare types come, too.
        let mut kinds: Vec<TokenType> = ids.iter().filter_map(|id| tokenizer.token_type(*id)).collect();
        kinds.dedup();
        if kinds.len() > 1 && random.below(50) > 0 {
            kinds.retain(|kind| *kind != TokenType::End);
        }
        let kind = kinds[random.below(kinds.len())];
        let of_kind: Vec<TokenId> =
            ids.into_iter().filter(|id| tokenizer.token_type(*id) == Some(kind)).collect();
        let token = of_kind[random.below(of_kind.len())];
        assert!(grammar.allows(token));
        grammar.observe(token);
        tokens.push(token);
    }
    grammar.close(&mut tokens);
    tokens
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_the_grammar_allows_is_without_errors(length in 0_usize..300, seed in any::<u64>()) {
        for tokenizer in tokenizers() {
            let tokens = walk(&tokenizer, length, seed);
            let names = || tokens.iter().map(|t| tokenizer.token_name(*t).unwrap()).collect::<Vec<_>>().join(" ");
            let errors = tokenizer.token_errors(&tokens);
            prop_assert_eq!(errors.total(), 0, "{:?} {:?}: {}", tokenizer, errors, names());
            let repairs = tokenizer.decode(&tokens).repairs;
            // MidiTok asks for the ends of notes that have no lengths where others have. In REMI time may go back.
            let known = if tokenizer.tokenization() == Tokenization::Remi { repairs.reversed_pedals } else { 0 };
            prop_assert_eq!(repairs.total(), known, "{:?} {:?}: {}", tokenizer, repairs, names());
        }
    }

    #[test]
    fn any_ids_decode(ids in prop::collection::vec(prop_oneof![8 => 0_u32..700, 1 => any::<u32>()], 0..300)) {
        for tokenizer in tokenizers() {
            let decoded = tokenizer.decode(&ids);
            // A valid score survives its own serialisation, which checks every value.
            let json = serde_json::to_string(&decoded.score).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Score>(&json).unwrap(), &decoded.score);
            let unknown = ids.iter().filter(|id| tokenizer.token_type(**id).is_none()).count();
            prop_assert_eq!(decoded.repairs.unknown_ids, unknown);
            prop_assert!(tokenizer.token_errors(&ids).successor >= unknown);
            // Whatever it is, it can be encoded.
            tokenizer.encode_tracks(&decoded.score);
        }
    }

    #[test]
    fn a_score_on_the_grid_comes_back(score in score_on_the_grid()) {
        for tokenization in Tokenization::ALL {
            let config = TokenizerConfig {
                use_programs: true,
                use_tempos: tokenization != Tokenization::Structured,
                use_time_signatures: tokenization != Tokenization::Structured,
                num_velocities: 127,
                beat_res: vec![BeatResolution::new(0, 16, 8)],
                ..TokenizerConfig::default()
            };
            let tokenizer = MusicTokenizer::new(tokenization, config).unwrap();
            let decoded = tokenizer.decode(&tokenizer.encode(&score));
            prop_assert!(decoded.repairs.is_clean());
            let mut expected = score.clone();
            if tokenization == Tokenization::Structured {
                expected.set_tempo(Tempo::DEFAULT);
                expected.set_time_signatures(Vec::new());
            }
            let notes = |score: &Score| {
                let scale = 480 / u32::from(score.ticks_per_quarter().get());
                let mut all: Vec<_> = score
                    .tracks()
                    .iter()
                    .filter(|t| !t.notes().is_empty())
                    .map(|t| {
                        let of = |n: &Note| (n.start.get() * scale, n.duration.get() * scale, n.pitch, n.velocity);
                        (t.is_drum(), t.program(), t.notes().iter().map(of).collect::<Vec<_>>())
                    })
                    .collect();
                all.sort();
                all
            };
            prop_assert_eq!(notes(&decoded.score), notes(&expected), "{}", tokenization);
            let changes = |score: &Score| -> Vec<_> {
                score.tempo_map().changes().iter().map(|c| c.value.micros()).collect()
            };
            prop_assert_eq!(changes(&decoded.score), changes(&expected));
        }
    }
}

/// A drum track and two others, notes on a grid of 8 positions a beat, no key twice at once, at most 16 beats long;
/// tempos that there are tokens for.
fn score_on_the_grid() -> impl Strategy<Value = Score> {
    let notes = || prop::collection::vec((0_u32..128, 1_u32..=128, 30_u32..88, 1_u32..128), 0..25);
    let tempos = prop::sample::subsequence(vec![40.0, 100.0, 250.0], 0..3);
    (notes(), notes(), notes(), tempos, any::<bool>()).prop_map(|(a, b, drums, tempos, is_waltz)| {
        let mut score = Score::new(TicksPerQuarter::DEFAULT);
        let at = |tick: u32| Tick::new(tick).unwrap();
        if is_waltz {
            score
                .set_time_signatures(vec![At { tick: Tick::ZERO, value: TimeSignature::new(3, 4).unwrap() }]);
        }
        let mut changes = vec![At { tick: Tick::ZERO, value: Tempo::from_bpm(250.0).unwrap() }];
        for (index, bpm) in (1..).zip(tempos) {
            changes.push(At { tick: at(index * 600), value: Tempo::from_bpm(nearest_tempo(bpm)).unwrap() });
        }
        score.set_tempo_map(TempoMap::new(changes));
        let empty = [
            Track::new("", Program::MIN),
            Track::new("", Program::new(33).unwrap()),
            Track::drums("", Program::MIN),
        ];
        for (track, notes) in empty.into_iter().zip([a, b, drums]) {
            let mut kept: Vec<Note> = Vec::new();
            for (start, duration, pitch, velocity) in notes {
                let note = Note {
                    start: at(start * 60),
                    duration: at(duration * 60),
                    pitch: Pitch::new(pitch).unwrap(),
                    velocity: Velocity::new(velocity).unwrap(),
                };
                let overlaps =
                    |n: &Note| n.pitch == note.pitch && n.start <= note.end() && note.start <= n.end();
                if !kept.iter().any(overlaps) {
                    kept.push(note);
                }
            }
            score.push_track(track.with_notes(kept));
        }
        score
    })
}

/// Of 32 tempos from 40 to 250.
fn nearest_tempo(bpm: f64) -> f64 {
    let step = 210.0 / 31.0;
    ((40.0 + ((bpm - 40.0) / step).round() * step) * 100.0).round() / 100.0
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    let json = MusicTokenizer::new(Tokenization::Remi, TokenizerConfig::default()).unwrap().to_json();
    let with = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        MusicTokenizer::from_json(&json.replace(from, to)).unwrap_err()
    };
    let out_of_range = |error: TokenizerError, name: &str, given: &str| match error {
        TokenizerError::OutOfRange { field, value, .. } => assert_eq!((field, value.as_str()), (name, given)),
        other => panic!("{other}"),
    };
    out_of_range(with("\"num_velocities\": 32", "\"num_velocities\": 128"), "num_velocities", "128");
    out_of_range(with("\"num_velocities\": 32", "\"num_velocities\": -1"), "num_velocities", "-1");
    out_of_range(
        with("\"encode_ids_split\": \"bar\"", "\"encode_ids_split\": \"note\""),
        "encode_ids_split",
        "note",
    );
    out_of_range(with("\"4_12\": 4", "\"3_12\": 4"), "beat_res", "3_12");
    out_of_range(with("\"4_12\": 4", "\"4_12\": 0"), "beat_res", "0");
    out_of_range(
        with("\"max_pitch_interval\": 16", "\"max_pitch_interval\": 200"),
        "max_pitch_interval",
        "200",
    );
    let unsupported = |error: TokenizerError, name: &str| match error {
        TokenizerError::Unsupported { field, .. } => assert_eq!(field, name),
        other => panic!("{other}"),
    };
    unsupported(with("\"REMI\"", "\"MuMIDI\""), "tokenization");
    unsupported(with("\"ac_polyphony_bar\": false", "\"ac_polyphony_bar\": true"), "ac_*");
    unsupported(with("\"num_tempos\": 32", "\"num_tempos\": 32, \"new_thing\": 1"), "new_thing");
    unsupported(
        with("\"add_trailing_bars\": false", "\"max_duration\": 3"),
        "additional_params.max_duration",
    );
    unsupported(with("\"tokenization\"", "\"_model\": \"{}\", \"tokenization\""), "_model");
}

#[test]
fn special_tokens_have_names_of_their_own() {
    let with = |tokenization, name: &str| {
        let special_tokens = vec![String::from("BOS"), String::from(name)];
        MusicTokenizer::new(tokenization, TokenizerConfig { special_tokens, ..TokenizerConfig::default() })
    };
    for (tokenization, name, full) in [
        (Tokenization::Remi, "Pitch_60", "Pitch_60"),
        (Tokenization::Remi, "Bar", "Bar_None"),
        (Tokenization::Tsd, "TimeSig_4/4", "TimeSig_4/4"),
        (Tokenization::MidiLike, "NoteOff_109", "NoteOff_109"),
        (Tokenization::Structured, "TimeShift_0.0.1", "TimeShift_0.0.1"),
    ] {
        match with(tokenization, name) {
            Err(TokenizerError::OutOfRange { field: "special_tokens", value, .. }) => assert_eq!(value, full),
            other => panic!("{name}: {other:?}"),
        }
    }
    // Tokens that these have not: a pitch out of the range, bars, pitches.
    for (tokenization, name) in
        [(Tokenization::Remi, "Pitch_20"), (Tokenization::Tsd, "Bar"), (Tokenization::MidiLike, "Pitch_60")]
    {
        assert!(with(tokenization, name).is_ok(), "{name}");
    }
}

/// The id of a token by its name.
fn id(tokenizer: &MusicTokenizer, name: &str) -> TokenId {
    let mut ids = 0..tokenizer.vocabulary_size() as TokenId;
    ids.find(|id| tokenizer.token_name(*id).as_deref() == Some(name)).unwrap()
}

fn ids(tokenizer: &MusicTokenizer, names: &str) -> Vec<TokenId> {
    names.split(' ').map(|name| id(tokenizer, name)).collect()
}

/// Ticks and values of the sustain pedal.
fn pedal(score: &Score) -> Vec<(u32, u8)> {
    score.tracks()[0].controls().iter().map(|c| (c.tick.get(), c.value.value())).collect()
}

#[test]
fn pedals_are_mended_and_counted() {
    let config = TokenizerConfig { use_sustain_pedals: true, use_rests: true, ..TokenizerConfig::default() };
    let tsd = MusicTokenizer::new(Tokenization::Tsd, config.clone()).unwrap();
    // A quarter note is 16 ticks. Pressed at 0 and again at 8; lifted at 16 and again at 24.
    let names = "Pitch_60 Velocity_79 Duration_2.0.8 Pedal_0 TimeShift_0.4.8 Pedal_0 TimeShift_0.4.8 PedalOff_0 \
                 TimeShift_0.4.8 PedalOff_0";
    let decoded = tsd.decode(&ids(&tsd, names));
    assert_eq!(pedal(&decoded.score), [(0, 127), (16, 0)]);
    assert_eq!((decoded.repairs.stray_pedals, decoded.repairs.total()), (2, 2));
    // Never lifted: to the end of the note at 8, which is 32 long.
    let names = "Pedal_0 TimeShift_0.4.8 Pitch_60 Velocity_79 Duration_2.0.8";
    let decoded = tsd.decode(&ids(&tsd, names));
    assert_eq!(pedal(&decoded.score), [(0, 127), (40, 0)]);
    assert_eq!((decoded.repairs.unclosed_pedals, decoded.repairs.total()), (1, 1));
    // After a rest of a quarter from the end of the note at 8, the position at 8 is before the pedal.
    let remi = MusicTokenizer::new(Tokenization::Remi, config.clone()).unwrap();
    let names = "Bar_None TimeSig_4/4 Position_0 Pitch_60 Velocity_79 Duration_0.4.8 Rest_1.0.4 Pedal_0 Position_4 \
                 PedalOff_0";
    let decoded = remi.decode(&ids(&remi, names));
    assert_eq!(pedal(&decoded.score), [(24, 127), (24, 0)]);
    assert_eq!((decoded.repairs.reversed_pedals, decoded.repairs.total()), (1, 1));
    // With a length of its own, and without.
    let config = TokenizerConfig { sustain_pedal_duration: true, ..config };
    let lengths = MusicTokenizer::new(Tokenization::Tsd, config).unwrap();
    let names =
        "Pitch_60 Velocity_79 Duration_2.0.8 Pedal_0 Duration_1.0.8 TimeShift_2.0.8 Pedal_0 TimeShift_0.4.8";
    let decoded = lengths.decode(&ids(&lengths, names));
    assert_eq!(pedal(&decoded.score), [(0, 127), (16, 0)]);
    assert_eq!((decoded.repairs.stray_pedals, decoded.repairs.total()), (1, 1));
    assert!(!decoded.repairs.is_clean());
}

#[test]
fn parts_of_no_note_are_counted() {
    let tsd = MusicTokenizer::new(Tokenization::Tsd, TokenizerConfig::default()).unwrap();
    let repairs = |names: &str| tsd.decode(&ids(&tsd, names)).repairs;
    let counts = |names: &str| {
        let repairs = repairs(names);
        assert_eq!(repairs.incomplete_notes + repairs.stray_parts, repairs.total(), "{names}");
        (repairs.incomplete_notes, repairs.stray_parts)
    };
    assert_eq!(counts("Pitch_60 Velocity_79 Duration_1.0.8 Pitch_62 Velocity_79 Duration_1.0.8"), (0, 0));
    assert_eq!(counts("Velocity_79 Duration_1.0.8"), (0, 2));
    assert_eq!(counts("Pitch_60 Velocity_79 Duration_1.0.8 Duration_1.0.8 Velocity_79"), (0, 2));
    // What is there of a note goes with it.
    assert_eq!(counts("Pitch_60 Velocity_79 TimeShift_1.0.8 Duration_1.0.8"), (1, 1));
    assert_eq!(counts("Pitch_60 Duration_1.0.8"), (1, 0));
    assert_eq!(counts("Pitch_60 Velocity_79 Velocity_79 Duration_1.0.8"), (1, 2));
}

#[test]
fn a_closed_sequence_has_its_pedals_lifted() {
    let config = TokenizerConfig { use_sustain_pedals: true, ..TokenizerConfig::default() };
    for (tokenization, names, closed) in [
        (Tokenization::Tsd, "Pedal_0 Pitch_60", "Pedal_0 TimeShift_0.1.8 PedalOff_0"),
        (
            Tokenization::MidiLike,
            "Pedal_0 NoteOn_60 Velocity_79",
            "Pedal_0 NoteOn_60 Velocity_79 TimeShift_0.1.8 NoteOff_60 PedalOff_0",
        ),
        (
            Tokenization::Remi,
            "Bar_None TimeSig_3/4 Position_0 Pedal_0",
            "Bar_None TimeSig_3/4 Position_0 Pedal_0 Bar_None TimeSig_3/4 PedalOff_0",
        ),
        (
            Tokenization::Remi,
            "Bar_None TimeSig_3/4 Position_0 Pedal_0 Position_5",
            "Bar_None TimeSig_3/4 Position_0 Pedal_0 Position_5 PedalOff_0",
        ),
    ] {
        let tokenizer = MusicTokenizer::new(tokenization, config.clone()).unwrap();
        let mut grammar = tokenizer.grammar();
        let mut tokens = ids(&tokenizer, names);
        for token in &tokens {
            assert!(grammar.allows(*token), "{names}");
            grammar.observe(*token);
        }
        // It is down: it may not be pressed, and nothing ends before it is lifted.
        let [down, end] = ["Pedal_0", "EOS_None"].map(|name| id(&tokenizer, name));
        assert!(!grammar.allows(down) && !grammar.allows(end), "{names}");
        grammar.close(&mut tokens);
        assert_eq!(tokens, ids(&tokenizer, closed));
        assert_eq!(tokenizer.token_errors(&tokens).total(), 0);
        assert!(tokenizer.decode(&tokens).repairs.is_clean());
    }
}

#[test]
fn notes_of_programs_without_a_token_are_counted() {
    let config = TokenizerConfig { use_programs: true, programs: vec![0, 33], ..TokenizerConfig::default() };
    let note = |pitch| Note {
        start: Tick::ZERO,
        duration: Tick::new(480).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    };
    let mut score = Score::default();
    score.push_track(Track::new("", Program::MIN).with_notes(vec![note(60)]));
    score.push_track(Track::drums("", Program::MIN).with_notes(vec![note(36), note(38)]));
    for tokenization in Tokenization::ALL {
        let tokenizer = MusicTokenizer::new(tokenization, config.clone()).unwrap();
        let (_, report) = tokenizer.encode_with_report(&score);
        assert_eq!((report.drums, report.other_tracks, report.is_clean()), (2, 0, true));
        let mut more = score.clone();
        more.push_track(Track::new("", Program::new(5).unwrap()).with_notes(vec![note(60)]));
        let (_, report) = tokenizer.encode_with_report(&more);
        assert_eq!((report.drums, report.other_tracks, report.is_clean()), (2, 1, false));
    }
}

#[test]
fn a_silence_of_years_does_not_make_a_sequence_of_gigabytes() {
    let mut score = Score::new(TicksPerQuarter::MIN);
    let note = |start: u32| Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(1).unwrap(),
        pitch: Pitch::MIDDLE_C,
        velocity: Velocity::DEFAULT,
    };
    score.push_track(Track::new("", Program::MIN).with_notes(vec![note(0), note(Tick::MAX.get() - 1)]));
    for tokenizer in tokenizers() {
        let (sequences, report) = tokenizer.encode_with_report(&score);
        let total: usize = sequences.iter().map(|s| s.ids.len()).sum();
        assert!(total <= MusicTokenizer::MAX_TOKENS, "{tokenizer:?}");
        let expected = usize::from(tokenizer.tokenization() != Tokenization::Structured);
        assert_eq!(report.over_limit, expected, "{tokenizer:?}");
    }
    // A note that begins at once and ends after all that time: there is no room for its note-off.
    let long = Note { duration: Tick::new(Tick::MAX.get() - 1).unwrap(), ..note(0) };
    *score.tracks_mut() = vec![Track::new("", Program::MIN).with_notes(vec![long, note(1)])];
    for tokenizer in tokenizers() {
        let has_offs = tokenizer.tokenization() == Tokenization::MidiLike
            && !tokenizer.config().use_note_duration_programs.is_empty();
        let (_, report) = tokenizer.encode_with_report(&score);
        assert_eq!(report.over_limit, usize::from(has_offs), "{tokenizer:?}");
    }
}

#[test]
fn a_sequence_does_not_end_where_it_begins() {
    for tokenization in Tokenization::ALL {
        let tokenizer = MusicTokenizer::new(tokenization, TokenizerConfig::default()).unwrap();
        let id = |name: &str| (0..).find(|id| tokenizer.token_name(*id).as_deref() == Some(name)).unwrap();
        let (start, end) = (id("BOS_None"), id("EOS_None"));
        let mut grammar = tokenizer.grammar();
        assert!(grammar.allows(start), "{tokenization}");
        grammar.observe(start);
        // MidiTok counts it as an error, too.
        assert!(!grammar.allows(end), "{tokenization}");
        assert_eq!(tokenizer.token_errors(&[start, end]).successor, 1, "{tokenization}");
    }
}

#[test]
fn a_change_of_metre_splits_nothing_that_is_not_to_be_split() {
    let mut score = Score::default();
    let meter =
        |tick, upper| At { tick: Tick::new(tick).unwrap(), value: TimeSignature::new(upper, 4).unwrap() };
    score.set_time_signatures(vec![meter(0, 4), meter(3840, 3)]);
    let note = |start| Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(480).unwrap(),
        pitch: Pitch::new(60).unwrap(),
        velocity: Velocity::DEFAULT,
    };
    let notes = (0..14).map(|beat| note(480 * beat)).collect();
    score.push_track(Track::new("", Program::MIN).with_notes(notes));
    for (split, segments) in [(IdsSplit::No, 1), (IdsSplit::Bar, 4), (IdsSplit::Beat, 14)] {
        let config = TokenizerConfig { encode_ids_split: split, ..TokenizerConfig::default() };
        let tokenizer = MusicTokenizer::new(Tokenization::Remi, config).unwrap();
        let cut = tokenizer.encode_segments(&score);
        assert_eq!(cut[0].len(), segments, "{split:?}");
        assert_eq!(cut[0].concat(), tokenizer.encode(&score), "{split:?}");
    }
}
