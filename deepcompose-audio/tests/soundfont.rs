//! SoundFonts, with one that is made here: a sine of 441 Hz, said to be an A4.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::f64::consts::TAU;

use deepcompose_audio::{AudioError, Instruments, RenderOptions, SoundFont, render};
use support::*;

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = [name.as_slice(), &(data.len() as u32).to_le_bytes(), data].concat();
    bytes.resize(bytes.len() + data.len() % 2, 0);
    bytes
}

fn named(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(20, 0);
    bytes
}

fn words(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// As the SoundFont 2.04 specification has it: a preset for program 0 and one for drums, both of one sample.
fn sine_font() -> Vec<u8> {
    font_with_zones(1)
}

/// The same, where the first preset has so many zones, and its instrument too.
fn font_with_zones(zones: u16) -> Vec<u8> {
    let period = 100;
    let samples: Vec<u16> = (0..4000)
        .map(|i| ((TAU * f64::from(i) / f64::from(period)).sin() * 20_000.0) as i16 as u16)
        .chain([0; 46])
        .collect();
    let info =
        [chunk(b"ifil", &words(&[2, 4])), chunk(b"isng", b"EMU8000\0"), chunk(b"INAM", b"One sine\0\0")];
    let preset = |name, program, bank, bag| [named(name), words(&[program, bank, bag]), vec![0; 12]].concat();
    let phdr =
        [preset("Sine", 0, 0, 0), preset("Kit", 0, 128, zones), preset("EOP", 0, 0, zones + 1)].concat();
    let inst = [named("Sine"), words(&[0]), named("EOI"), words(&[zones])].concat();
    let header = |name, numbers: [u32; 5], key: u8, kind: u16| {
        let numbers: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        [named(name), numbers, vec![key, 0], words(&[0, kind])].concat()
    };
    let shdr = [header("Sine", [0, 3999, 1000, 3000, 44_100], 69, 1), header("EOS", [0; 5], 0, 0)].concat();
    let pdta = [
        chunk(b"phdr", &phdr),
        chunk(b"pbag", &words(&(0..=zones + 1).flat_map(|zone| [zone, 0]).collect::<Vec<_>>())),
        chunk(b"pmod", &[0; 10]),
        // Instrument 0 in each.
        chunk(b"pgen", &words(&[&[41, 0].repeat(usize::from(zones) + 1)[..], &[0, 0]].concat())),
        chunk(b"inst", &inst),
        chunk(b"ibag", &words(&(0..=zones).flat_map(|zone| [2 * zone, 0]).collect::<Vec<_>>())),
        chunk(b"imod", &[0; 10]),
        // The sample loops; it is sample 0.
        chunk(b"igen", &words(&[&[54, 1, 53, 0].repeat(usize::from(zones))[..], &[0, 0]].concat())),
        chunk(b"shdr", &shdr),
    ];
    let list =
        |kind: &[u8; 4], chunks: &[Vec<u8>]| chunk(b"LIST", &[kind.to_vec(), chunks.concat()].concat());
    let body = [
        b"sfbk".to_vec(),
        list(b"INFO", &info),
        list(b"sdta", &[chunk(b"smpl", &words(&samples))]),
        list(b"pdta", &pdta),
    ];
    chunk(b"RIFF", &body.concat())
}

#[test]
fn its_sample_is_played_at_its_pitch() {
    let font = SoundFont::from_bytes(&sine_font()).unwrap();
    assert_eq!(font.name(), "One sine");
    let instruments = Instruments::from(font);
    let music = score(vec![track(0, vec![note(0.0, 1.2, 57)]), drums(vec![note(0.0, 1.2, 81)])]);
    let audio = render(&music, &instruments, &dry()).unwrap();
    let heard = part(audio.left(), 0.1, 1.1, 44_100.0);
    // An octave below the root, and one above: both of them, and nothing between.
    for hertz in [220.5, 882.0] {
        assert!(strength(heard, hertz, 44_100.0) > 0.01);
        assert!(cents_off(heard, hertz, 44_100.0).abs() < 0.5);
    }
    assert!(strength(heard, 441.0, 44_100.0) < 1e-3);
    let solo = render(&music, &instruments, &dry().solo(0)).unwrap();
    assert!(strength(part(solo.left(), 0.1, 1.1, 44_100.0), 882.0, 44_100.0) < 1e-3);
    assert_eq!(audio, render(&music, &instruments, &dry()).unwrap());
    assert_eq!(render(&music, &instruments, &dry().mute(0).mute(1)).unwrap().peak(), 0.0);
}

#[test]
fn its_controls_are_a_tracks_own() {
    let instruments = Instruments::from(SoundFont::from_bytes(&sine_font()).unwrap());
    let mut left = track(0, vec![note(0.0, 1.0, 69)]);
    controls(&mut left, &[(0.0, 10, 0), (0.0, 64, 127)]);
    let mut right = track(0, vec![note(0.0, 1.0, 81)]);
    controls(&mut right, &[(0.0, 10, 127)]);
    let audio = render(&score(vec![left, right]), &instruments, &dry()).unwrap();
    let strong = |side: &[f32], hertz| strength(part(side, 0.1, 0.9, 44_100.0), hertz, 44_100.0);
    // A pan of 127 << 7 of 16 383 leaves 0.8 % of the quarter turn: a part in 82 on the other side.
    assert!(strong(audio.left(), 441.0) > 1000.0 * strong(audio.right(), 441.0));
    assert!(strong(audio.right(), 882.0) > 75.0 * strong(audio.left(), 882.0));
    // Notes beyond counting do not clip.
    let many = score(vec![track(0, (0..100_000).map(|i| louder(0.0, 0.5, i % 128, 127)).collect())]);
    let options = RenderOptions { gain: 4.0, tail: 0.0, ..dry() };
    assert!(render(&many, &instruments, &options).unwrap().peak() <= 0.892);
    let tracks = score((0..257).map(|_| track(0, vec![note(0.0, 0.1, 60)])).collect());
    let refused = render(&tracks, &instruments, &dry());
    assert!(matches!(refused, Err(AudioError::Limit { value: 257, limit: 256, .. })));
}

#[test]
fn its_reverb_send_is_of_the_room_that_was_asked_for() {
    let instruments = Instruments::from(SoundFont::from_bytes(&sine_font()).unwrap());
    let with = |list: &[(f64, u8, u8)], reverb| {
        let mut only = track(0, vec![note(0.0, 0.3, 69)]);
        controls(&mut only, list);
        render(&score(vec![only]), &instruments, &RenderOptions { reverb, tail: 0.5, ..dry() }).unwrap()
    };
    // What a file says that says the usual is what is heard of one that says nothing.
    for reverb in [0.25, 0.5, 0.05] {
        assert_eq!(with(&[(0.0, 91, 40)], reverb), with(&[], reverb), "{reverb}");
    }
    // 80 of 127 in the usual room are 40 in one that is twice as much to be heard.
    assert_eq!(with(&[(0.0, 91, 80)], 0.25), with(&[(0.0, 91, 40)], 0.5));
    assert_ne!(with(&[(0.0, 91, 0)], 0.5), with(&[], 0.5));
}

#[test]
fn it_plays_a_chord_of_seventy_notes_whole() {
    let instruments = Instruments::from(SoundFont::from_bytes(&sine_font()).unwrap());
    let keys = 50..120_u32;
    let chord = score(vec![track(0, keys.clone().map(|key| note(0.0, 1.2, key)).collect())]);
    // Far below the limiter.
    let audio = render(&chord, &instruments, &RenderOptions { gain: 0.05, ..dry() }).unwrap();
    let heard = part(audio.left(), 0.1, 1.1, 44_100.0);
    // The root of the sample is 441 Hz, key 69.
    let hertz = |key: u32| 441.0 * 2_f64.powf((f64::from(key) - 69.0) / 12.0);
    let strengths: Vec<f64> = keys.map(|key| strength(heard, hertz(key), 44_100.0)).collect();
    let strongest = strengths.iter().copied().fold(0.0, f64::max);
    assert!(strengths.iter().all(|one| *one > 0.5 * strongest), "{strengths:?}");
}

#[test]
fn missing_and_broken_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.sf2");
    assert!(matches!(SoundFont::open(&missing), Err(AudioError::Io { path, .. }) if path == missing));
    assert!(matches!(
        SoundFont::open(folder.path()),
        Err(AudioError::Io { .. } | AudioError::SoundFont { .. })
    ));
    let path = folder.path().join("broken.sf2");
    let font = sine_font();
    for bytes in [&[] as &[u8], b"RIFF", b"not a SoundFont at all", &font[..100], &font[..font.len() - 1]] {
        std::fs::write(&path, bytes).unwrap();
        let error = SoundFont::open(&path).unwrap_err();
        assert!(matches!(&error, AudioError::SoundFont { path: Some(p), .. } if *p == path), "{error}");
        assert!(error.to_string().contains("broken.sf2"));
    }
    std::fs::write(&path, &font).unwrap();
    assert!(SoundFont::open(&path).is_ok());
    // A length that is a lie is not believed.
    let mut lie = font.clone();
    lie[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(SoundFont::from_bytes(&lie).is_err());
}

#[test]
fn files_that_ask_for_more_than_they_hold_are_refused() {
    let refusal = |font: &[u8]| SoundFont::from_bytes(font).unwrap_err().to_string();
    // Zones whose generators run backwards: the reader would copy all of them for every other zone.
    let mut font = font_with_zones(4);
    let bag = font.windows(4).position(|name| name == b"ibag").unwrap() + 8;
    font[bag..bag + 12].copy_from_slice(&words(&[0, 0, 8, 0, 2, 0]));
    assert!(refusal(&font).contains("out of order"));
    // A chunk of odd length, behind which the reader would look in another place.
    let mut font = sine_font();
    let name = font.windows(4).position(|name| name == b"INAM").unwrap() + 4;
    font[name] = 9;
    assert!(refusal(&font).contains("odd length"));
    // 255² and 257² regions for a note.
    assert!(SoundFont::from_bytes(&font_with_zones(255)).is_ok());
    assert!(refusal(&font_with_zones(257)).contains("more than 65536"));
}

#[test]
fn its_lowest_sample_rate_is_higher() {
    let font: Instruments = SoundFont::from_bytes(&sine_font()).unwrap().into();
    let music = score(vec![track(0, vec![note(0.0, 0.1, 69)])]);
    let at = |sample_rate| render(&music, &font, &RenderOptions { sample_rate, ..dry() });
    assert!(matches!(at(15_999), Err(AudioError::OutOfRange { min: 16_000.0, .. })));
    assert!(at(16_000).is_ok());
}

#[test]
fn a_damaged_file_is_refused_or_played_but_never_a_panic() {
    let font = sine_font();
    let music = score(vec![track(0, vec![note(0.0, 0.1, 69)]), drums(vec![note(0.0, 0.1, 36)])]);
    let options = RenderOptions { tail: 0.05, ..RenderOptions::default() };
    // Everything but the samples.
    let interesting = (0..120).chain(8200..font.len());
    for at in interesting {
        for value in [0x00, 0x7F, 0x80, 0xFF] {
            let mut damaged = font.clone();
            damaged[at] = value;
            if let Ok(font) = SoundFont::from_bytes(&damaged) {
                let audio = render(&music, &font.into(), &options).unwrap();
                assert!(audio.peak() <= 0.892);
            }
        }
    }
}

/// A General MIDI SoundFont as people have one; skipped where none is installed.
#[test]
fn an_installed_one_plays_every_family_in_tune() {
    let Some(path) = SoundFont::find() else {
        eprintln!("skipped: no SoundFont is installed");
        return;
    };
    let instruments = Instruments::from(SoundFont::open(&path).unwrap());
    let a4 = || vec![note(0.0, 1.0, 69)];
    let audio = |music: &deepcompose_core::Score| render(music, &instruments, &dry()).unwrap();
    // One of each family that a band or a quartet of this project has.
    for program in [0, 16, 24, 33, 40, 42, 48, 56, 65, 73, 80] {
        let alone = audio(&score(vec![track(program, a4())]));
        assert!(alone.rms() > 0.003, "program {program} is not heard");
        assert!(alone.peak() < 1.0 && alone.seconds() >= 1.0);
        let heard = part(alone.left(), 0.2, 0.8, 44_100.0);
        let overtones =
            |hertz: f64| (1..5).map(|n| strength(heard, hertz * f64::from(n), 44_100.0)).sum::<f64>();
        // Beside a tritone away.
        assert!(overtones(440.0) > 3.0 * overtones(622.25), "program {program} is not in tune");
    }
    // Bass drum, snare and hi-hat.
    for piece in [36, 38, 42] {
        assert!(audio(&score(vec![drums(vec![note(0.0, 0.2, piece)])])).peak() > 0.01, "piece {piece}");
    }
}
