//! The built-in synthesiser: pitches, levels, times, controls.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use deepcompose_audio::{AudioError, Instruments, RenderOptions, Renderer, TrackMix, render};
use deepcompose_core::{At, InputTrack, Program, Score, Tempo, TempoMap, Track};
use support::*;

const RATE: f64 = 44_100.0;

#[test]
fn a4_is_440_hz_on_every_kind_of_instrument() {
    for program in
        [0, 1, 4, 6, 8, 11, 12, 16, 19, 24, 25, 27, 29, 30, 33, 35, 38, 40, 48, 52, 56, 60, 66, 68, 71, 73]
            .into_iter()
            .chain([75, 80, 81, 89, 104, 105, 109, 114])
    {
        // Of players that are detuned against each other, the strongest may be an outer one.
        let within = match program {
            48 => 10.0,
            52 => 9.0,
            81 => 4.5,
            89 => 12.0,
            _ => 3.0,
        };
        let audio = built_in(&score(vec![track(program, vec![note(0.0, 1.2, 69)])]), &dry());
        let off = cents_off(part(audio.left(), 0.1, 1.1, RATE), 440.0, RATE);
        assert!(off.abs() <= within, "program {program} is {off} cents off");
    }
}

#[test]
fn pitches_are_right_from_low_to_high_at_any_sample_rate() {
    for (program, pitch) in [(0, 33), (0, 93), (25, 40), (25, 88), (33, 28), (40, 55), (80, 96)] {
        for sample_rate in [22_050, 48_000] {
            let options = RenderOptions { sample_rate, ..dry() };
            let audio = built_in(&score(vec![track(program, vec![note(0.0, 1.2, pitch)])]), &options);
            let hertz = 440.0 * 2_f64.powf((f64::from(pitch) - 69.0) / 12.0);
            let rate = f64::from(sample_rate);
            let off = cents_off(part(audio.left(), 0.05, 1.1, rate), hertz, rate);
            // At low pitches a second holds few cycles, and low strings are stiff.
            assert!(off.abs() <= 4.0, "program {program}, pitch {pitch} is {off} cents off at {sample_rate}");
        }
    }
}

#[test]
fn every_program_and_every_drum_is_heard_and_none_much_louder_than_others() {
    let decibels = |x: f64| 20.0 * x.max(1e-9).log10();
    let mut wrong = Vec::new();
    for program in 0..128 {
        let audio = built_in(&score(vec![track(program, vec![note(0.0, 0.8, 62)])]), &dry());
        // The loudest tenth of a second.
        let loudest = decibels(audio.left().chunks(4410).map(rms).fold(0.0, f64::max));
        if !(-36.0..=-12.0).contains(&loudest) || audio.peak() >= 0.6 {
            wrong.push(format!("program {program}: {loudest:.1} dB, peak {:.2}", audio.peak()));
        }
    }
    for key in 27..=87 {
        let audio = built_in(&score(vec![drums(vec![note(0.0, 0.1, key)])]), &dry());
        let loudest = decibels(audio.left().chunks(882).map(rms).fold(0.0, f64::max));
        if !(-42.0..=-9.0).contains(&loudest) || audio.peak() >= 0.8 {
            wrong.push(format!("drum {key}: {loudest:.1} dB, peak {:.2}", audio.peak()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_length_is_the_scores_and_the_tail() {
    let tune = InputTrack::Greensleeves.score();
    let audio = built_in(&tune, &RenderOptions { tail: 1.5, ..dry() });
    let expected = tune.duration_seconds() * RATE + 1.5 * RATE;
    assert!((audio.frames() as f64 - expected).abs() <= 1.0);
    let cut = RenderOptions { from: 1.0, to: Some(2.5), tail: 0.25, sample_rate: 32_000, ..dry() };
    assert_eq!(built_in(&tune, &cut).frames(), 48_000 + 8000);
    // Nothing at all has a tail; from behind the end on there is nothing.
    assert_eq!(built_in(&Score::default(), &dry()).frames(), 22_050);
    let behind = built_in(&tune, &RenderOptions { from: 1e4, ..dry() });
    assert_eq!((behind.frames(), behind.peak()), (22_050, 0.0));
}

#[test]
fn tempo_changes_move_the_notes() {
    // A click a quarter: two at 120 a minute, then at 60: at 0, 0.5, 1, 2 and 3 seconds.
    let mut clicks = score(vec![drums((0..5).map(|i| note(f64::from(i) * 0.5, 0.1, 75)).collect())]);
    let slower = At { tick: tick(1.0), value: Tempo::from_bpm(60.0).unwrap() };
    clicks.set_tempo_map(TempoMap::new(vec![slower]));
    let audio = built_in(&clicks, &dry());
    let loud: Vec<usize> =
        audio.left().chunks(441).map(rms).enumerate().filter(|(_, x)| *x > 0.01).map(|c| c.0).collect();
    let mut onsets = loud.clone();
    onsets.dedup_by(|b, a| *b - *a < 15);
    assert_eq!(onsets, [0, 50, 100, 200, 300]);
}

#[test]
fn the_part_from_a_time_on_is_what_the_whole_has_there() {
    // Notes that do not overlap the cut: the same samples.
    let notes = (0..6).map(|i| note(f64::from(i) * 0.5, 0.2, 60 + i)).collect();
    let music = score(vec![track(80, notes)]);
    let options = RenderOptions { sample_rate: 32_000, ..dry() };
    let whole = built_in(&music, &options);
    let from = built_in(&music, &RenderOptions { from: 1.5, ..options });
    let there = &whole.left()[48_000..];
    assert!(from.peak() > 0.02);
    assert_eq!(there.len(), from.left().len());
    assert!(there.iter().zip(from.left()).all(|(a, b)| (a - b).abs() < 1e-6));
    // A held note is struck again, a drum is not.
    let held = score(vec![track(16, vec![note(0.0, 3.0, 60)]), drums(vec![note(0.0, 3.0, 49)])]);
    let late =
        |options: RenderOptions| built_in(&held, &RenderOptions { from: 1.0, to: Some(2.0), ..options });
    assert!(late(dry().solo(0)).rms() > 0.01);
    assert_eq!(late(dry().solo(1)).peak(), 0.0);
}

#[test]
fn each_track_is_heard_alone_and_not_when_muted() {
    let music = score(vec![
        track(0, vec![note(0.0, 1.0, 60)]),
        track(33, vec![note(0.0, 1.0, 36)]),
        track(48, vec![note(0.0, 1.0, 72)]),
        drums(vec![note(0.0, 0.1, 36), note(0.5, 0.1, 38), note(0.25, 0.1, 42)]),
    ]);
    let hertz = [261.63, 65.41, 523.25];
    for alone in 0..4 {
        let audio = built_in(&music, &dry().solo(alone));
        assert!(audio.rms() > 5e-3, "track {alone}");
        for (other, hertz) in hertz.into_iter().enumerate().filter(|(other, _)| *other != alone && alone < 3)
        {
            let heard = strength(part(audio.left(), 0.2, 0.9, RATE), hertz, RATE);
            // Harmonics of a lower track may lie there, so against the track itself.
            let itself = built_in(&music, &dry().solo(other));
            let itself = strength(part(itself.left(), 0.2, 0.9, RATE), hertz, RATE);
            if hertz < hertz_of(alone) {
                assert!(heard < 0.02 * itself, "track {other} is heard in {alone}: {heard} of {itself}");
            }
        }
    }
    let muted = (0..4).fold(dry(), RenderOptions::mute);
    assert_eq!(built_in(&music, &muted).peak(), 0.0);
    // Muted goes before soloed; the gain of a track is linear.
    assert_eq!(built_in(&music, &dry().solo(1).mute(1)).peak(), 0.0);
    let full = built_in(&music, &dry().solo(0));
    let mut half = dry().solo(0);
    half.tracks[0].gain = 0.5;
    let half = built_in(&music, &half);
    assert!(full.left().iter().zip(half.left()).all(|(a, b)| (a * 0.5 - b).abs() < 1e-6));
}

fn hertz_of(track: usize) -> f64 {
    [261.63, 65.41, 523.25][track]
}

#[test]
fn pan_volume_expression_and_velocity_set_the_levels() {
    let with = |list: &[(f64, u8, u8)], velocity| {
        let mut only = track(16, vec![louder(0.0, 1.0, 60, velocity)]);
        controls(&mut only, list);
        let audio = built_in(&score(vec![only]), &dry());
        (rms(part(audio.left(), 0.2, 0.9, RATE)), rms(part(audio.right(), 0.2, 0.9, RATE)))
    };
    let (left, right) = with(&[(0.0, 10, 0)], 100);
    assert!(left > 0.01 && right < 1e-6);
    let (other_left, other_right) = with(&[(0.0, 10, 127)], 100);
    assert!(other_left < 1e-6 && (other_right - left).abs() < 1e-6);
    let middle = with(&[], 100);
    assert!((middle.0 - middle.1).abs() < 1e-6);
    // Equal power: each side is down by the root of two.
    assert!((middle.0 / left - 0.5_f64.sqrt()).abs() < 1e-3);
    // 40 log: half the value is a quarter of the level.
    let ratio = |list: &[(f64, u8, u8)]| with(list, 100).0 / with(&[(0.0, 7, 127)], 100).0;
    assert!((ratio(&[(0.0, 7, 64)]) - (64.0_f64 / 127.0).powi(2)).abs() < 1e-3);
    assert!((ratio(&[(0.0, 7, 127), (0.0, 11, 32)]) - (32.0_f64 / 127.0).powi(2)).abs() < 1e-3);
    assert!(with(&[], 120).0 > 1.5 * with(&[], 80).0 && with(&[], 80).0 > 2.0 * with(&[], 40).0);
}

#[test]
fn bends_reach_as_far_as_their_range() {
    let bent = |program, list: &[(f64, u8, u8)], bend: i16| {
        let mut only = track(program, vec![note(0.0, 1.2, 69)]);
        controls(&mut only, list);
        bends(&mut only, &[(0.0, bend)]);
        let audio = built_in(&score(vec![only]), &dry());
        part(audio.left(), 0.1, 1.1, RATE).to_vec()
    };
    for program in [0, 25, 80] {
        // Half of two semitones up; all of them down.
        assert!(cents_off(&bent(program, &[], 4096), 440.0 * 2_f64.powf(1.0 / 12.0), RATE).abs() <= 3.0);
        assert!(cents_off(&bent(program, &[], -8192), 440.0 * 2_f64.powf(-2.0 / 12.0), RATE).abs() <= 3.0);
        // RPN 0 sets the range to twelve semitones.
        let range = [(0.0, 101, 0), (0.0, 100, 0), (0.0, 6, 12)];
        let octave = bent(program, &range, -8192);
        assert!(cents_off(&octave, 220.0, RATE).abs() <= 3.0, "program {program}");
    }
}

#[test]
fn the_sustain_pedal_holds_and_all_notes_off_ends() {
    let level = |list: &[(f64, u8, u8)]| {
        let mut only = track(16, vec![note(0.0, 0.5, 60), note(2.5, 0.5, 60)]);
        controls(&mut only, list);
        rms(part(built_in(&score(vec![only]), &dry()).left(), 1.0, 1.4, RATE))
    };
    assert!(level(&[]) < 1e-5);
    let held = level(&[(0.0, 64, 127)]);
    assert!(held > 0.01);
    assert!(level(&[(0.0, 64, 127), (0.8, 64, 0)]) < 1e-5);
    assert!(level(&[(0.0, 64, 127), (0.8, 120, 0)]) < 1e-5);
    assert!(level(&[(0.0, 64, 127), (0.8, 123, 0)]) < 1e-5);
}

#[test]
fn the_last_notes_ring_until_the_pedal_is_lifted() {
    let mut only = track(16, vec![note(0.0, 1.0, 60)]);
    controls(&mut only, &[(0.5, 64, 127), (4.0, 64, 0)]);
    let music = score(vec![only]);
    let audio = built_in(&music, &dry());
    // Four seconds and the tail.
    assert_eq!(audio.frames(), 4 * 44_100 + 22_050);
    let level = |from, to| rms(part(audio.left(), from, to, RATE));
    assert!(level(3.5, 3.9) > 0.01, "{}", level(3.5, 3.9));
    assert!(level(4.35, 4.45) < 1e-3, "{}", level(4.35, 4.45));
    // A pedal alone makes nothing too long.
    let short = RenderOptions { max_seconds: 3.0, ..dry() };
    assert_eq!(built_in(&music, &short).frames(), 3 * 44_100);
}

#[test]
fn a_note_that_is_held_past_the_end_is_let_go_there() {
    let held = score(vec![track(16, vec![note(0.0, 10.0, 60)])]);
    let audio = built_in(&held, &RenderOptions { to: Some(1.0), tail: 2.0, ..dry() });
    assert_eq!(audio.frames(), 3 * 44_100);
    let level = |from, to| rms(part(audio.left(), from, to, RATE));
    assert!(level(0.5, 0.9) > 0.01);
    assert!(level(1.5, 2.5) < 1e-3, "{}", level(1.5, 2.5));
    // One that begins just before it is heard.
    let late = score(vec![track(16, vec![note(0.999, 10.0, 60)])]);
    assert!(built_in(&late, &RenderOptions { to: Some(1.0), ..dry() }).peak() > 0.005);
}

#[test]
fn a_kit_sounds_the_same_whatever_its_number() {
    let kit = |program| {
        let notes = vec![note(0.0, 0.1, 36), note(0.25, 0.1, 49)];
        let kit = Track::drums("", Program::new(program).unwrap()).with_notes(notes);
        built_in(&score(vec![kit]), &dry())
    };
    let standard = kit(0);
    assert!(standard.peak() > 0.01);
    // Programs whose melodic instruments have a tremolo.
    for program in [11, 16, 44, 122, 125] {
        assert_eq!(kit(program), standard, "program {program}");
    }
}

#[test]
fn a_closed_hat_silences_an_open_one() {
    let open = |notes| rms(part(built_in(&score(vec![drums(notes)]), &dry()).left(), 0.35, 0.5, RATE));
    let rings = open(vec![note(0.0, 0.1, 46), note(1.0, 0.1, 36)]);
    let closed = open(vec![note(0.0, 0.1, 46), note(0.1, 0.1, 42), note(1.0, 0.1, 36)]);
    assert!(rings > 10.0 * closed, "{rings} {closed}");
}

#[test]
fn the_same_bytes_every_time_whatever_the_blocks() {
    let mut tune = InputTrack::MinuetInG.score();
    tune.push_track(drums((0..20).map(|i| note(f64::from(i) * 0.4, 0.1, 35 + i)).collect()));
    tune.push_track(track(25, vec![note(0.1, 0.5, 50), note(0.3, 1.0, 57)]));
    let options = RenderOptions { to: Some(6.0), ..RenderOptions::default() };
    let first = built_in(&tune, &options);
    assert_eq!(first, built_in(&tune, &options));
    let blocks: Vec<f32> =
        Renderer::new(&tune, &Instruments::BuiltIn, &options).unwrap().flat_map(|b| b.left).collect();
    assert_eq!(first.left(), blocks);
    let mut renderer = Renderer::new(&tune, &Instruments::BuiltIn, &options).unwrap();
    let (mut left, mut right, mut all) = ([0.0; 77], [0.0; 77], Vec::new());
    loop {
        let count = renderer.fill(&mut left, &mut right);
        if count == 0 {
            break;
        }
        all.extend_from_slice(&right[..count]);
    }
    assert_eq!(first.right(), all);
    assert_eq!(renderer.position(), renderer.frames());
}

#[test]
fn options_out_of_range_are_named() {
    let refused =
        |options: RenderOptions| render(&InputTrack::OdeToJoy.score(), &Instruments::BuiltIn, &options);
    let names = |options: RenderOptions| match refused(options).unwrap_err() {
        AudioError::OutOfRange { field, .. } => field,
        other => panic!("{other}"),
    };
    let d = RenderOptions::default;
    assert!(names(RenderOptions { sample_rate: 7999, ..d() }).starts_with("sample rate"));
    assert!(names(RenderOptions { sample_rate: 192_001, ..d() }).starts_with("sample rate"));
    assert!(names(RenderOptions { from: f64::NAN, ..d() }).starts_with("start"));
    assert!(names(RenderOptions { from: 2.0, to: Some(1.0), ..d() }).starts_with("end"));
    assert!(names(RenderOptions { tail: 10.5, ..d() }).starts_with("tail"));
    assert_eq!(names(RenderOptions { gain: f32::INFINITY, ..d() }), "gain");
    assert_eq!(names(RenderOptions { reverb: -0.1, ..d() }), "reverb");
    let loud = TrackMix { gain: 5.0, ..TrackMix::default() };
    assert_eq!(names(RenderOptions { tracks: vec![loud], ..d() }), "gain of a track");
    assert!(matches!(refused(d().solo(1)), Err(AudioError::NoSuchTrack { index: 1, tracks: 1 })));
    assert!(matches!(refused(d().solo(usize::MAX)), Err(AudioError::NoSuchTrack { .. })));
    let error = refused(RenderOptions { max_seconds: 20.0, ..d() }).unwrap_err();
    // 64 quarters at the tune's tempo, and two seconds.
    assert!(matches!(error, AudioError::Limit { limit: 20, value, .. } if value > 20), "{error}");
    let json = serde_json::to_string(&d().solo(2)).unwrap();
    assert_eq!(serde_json::from_str::<RenderOptions>(&json).unwrap(), d().solo(2));
    assert_eq!(serde_json::from_str::<RenderOptions>("{}").unwrap(), d());
}

#[test]
fn what_came_before_the_beginning_came_in_its_order() {
    let options = RenderOptions { from: 2.5, ..dry() };
    let plain = || track(0, vec![note(3.0, 0.5, 60)]);
    // A bend that was reset is at rest.
    let mut bent = plain();
    bends(&mut bent, &[(1.0, 8191)]);
    controls(&mut bent, &[(2.0, 121, 0)]);
    let sound = |track: Track| built_in(&score(vec![track]), &options);
    assert_eq!(sound(bent), sound(plain()));
    // A note that was silenced is silent.
    let mut silenced = track(0, vec![note(0.0, 10.0, 60)]);
    controls(&mut silenced, &[(2.0, 120, 0)]);
    assert_eq!(sound(silenced).peak(), 0.0);
}
