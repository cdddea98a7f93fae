//! WAV files, read back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::Cursor;

use deepcompose_audio::{AudioError, Instruments, RenderOptions, Renderer, WavFormat};
use deepcompose_core::InputTrack;
use hound::{SampleFormat, WavReader};
use support::*;

fn options() -> RenderOptions {
    RenderOptions { to: Some(2.0), sample_rate: 22_050, ..RenderOptions::default() }
}

fn renderer() -> Renderer {
    Renderer::new(&InputTrack::AmazingGrace.score(), &Instruments::BuiltIn, &options()).unwrap()
}

#[test]
fn samples_come_back() {
    let audio = built_in(&InputTrack::AmazingGrace.score(), &options());
    assert!(audio.peak() > 0.02);
    let wav = audio.to_wav(WavFormat::Float32).unwrap();
    let mut reader = WavReader::new(Cursor::new(wav)).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 22_050, 32));
    assert_eq!(spec.sample_format, SampleFormat::Float);
    let samples: Vec<f32> = reader.samples().map(Result::unwrap).collect();
    let expected: Vec<f32> = audio.left().iter().zip(audio.right()).flat_map(|(l, r)| [*l, *r]).collect();
    assert_eq!(samples, expected);
    let wav = audio.to_wav(WavFormat::Pcm16).unwrap();
    let mut reader = WavReader::new(Cursor::new(wav)).unwrap();
    assert_eq!((reader.spec().bits_per_sample, reader.duration() as usize), (16, audio.frames()));
    for (kept, meant) in reader.samples::<i16>().zip(expected) {
        assert!((f32::from(kept.unwrap()) / 32_767.0 - meant).abs() <= 0.5001 / 32_767.0);
    }
}

#[test]
fn a_file_a_stream_and_memory_hold_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tune.wav");
    for format in [WavFormat::Pcm16, WavFormat::Float32] {
        std::fs::write(&path, "what was there").unwrap();
        renderer().write_wav(&path, format).unwrap();
        let file = std::fs::read(&path).unwrap();
        let audio = built_in(&InputTrack::AmazingGrace.score(), &options());
        assert_eq!(file, audio.to_wav(format).unwrap());
        audio.write_wav(&path, format).unwrap();
        assert_eq!(file, std::fs::read(&path).unwrap());
        let stream = renderer().into_wav(format).unwrap();
        assert_eq!(stream.bytes(), file.len() as u64);
        let pieces: Vec<u8> = stream.flatten().collect();
        assert_eq!(pieces, file);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/such/folder.wav");
    let error = renderer().write_wav(&path, WavFormat::Pcm16).unwrap_err();
    assert!(matches!(error, AudioError::Io { path: p, .. } if p == path));
    // An hour of floats at the highest rate is 5.5 GB.
    let hour = RenderOptions { to: Some(3590.0), sample_rate: 192_000, max_seconds: 3600.0, ..options() };
    let long = Renderer::new(&InputTrack::OdeToJoy.score(), &Instruments::BuiltIn, &hour).unwrap();
    let error = long.into_wav(WavFormat::Float32).unwrap_err();
    assert!(matches!(error, AudioError::Limit { what: "bytes of a WAV file", .. }));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file.wav"), folder.path().join("link.wav"));
    std::fs::write(&file, "what was there").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    symlink(&file, &link).unwrap();
    renderer().write_wav(&link, WavFormat::Pcm16).unwrap();
    assert!(link.is_symlink() && std::fs::read(&file).unwrap().starts_with(b"RIFF"));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o440)).unwrap();
    let refused = renderer().write_wav(&file, WavFormat::Pcm16);
    assert!(matches!(refused, Err(AudioError::Io { path, .. }) if path == file));
    // A link to nothing yet, by a path from its own folder.
    let (new, dangling) = (folder.path().join("new.wav"), folder.path().join("dangling.wav"));
    symlink("new.wav", &dangling).unwrap();
    renderer().write_wav(&dangling, WavFormat::Pcm16).unwrap();
    assert!(dangling.is_symlink() && std::fs::read(&new).unwrap().starts_with(b"RIFF"));
}
