//! A MIDI file as sound and pictures: `cargo run --release --features audio,png --example render -- song.mid song.wav song.svg`.

#[path = "../support/cli.rs"]
mod cli;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use deepcompose::audio::{Instruments, RenderOptions, Renderer, SoundFont, WavFormat};
use deepcompose::core::{Score, Tick};
use deepcompose::picture::{PianoRollPicture, Theme};

use cli::Result;

#[derive(Parser)]
#[command(name = "render", version, about = "Render a MIDI file to WAV, SVG or PNG")]
struct Arguments {
    /// A MIDI file, or a built-in track by its name
    #[arg(value_name = "IN.mid")]
    input: PathBuf,
    /// What to write: files that end in .wav, .svg or .png
    #[arg(value_name = "OUT", required = true)]
    outputs: Vec<PathBuf>,
    /// A SoundFont (.sf2) to play with, or `auto` for one that is installed; without it, the built-in synthesiser
    #[arg(long, value_name = "FILE.sf2")]
    soundfont: Option<PathBuf>,
    /// A track to hear and see alone, counted from 0; may be given again
    #[arg(long, visible_alias = "solo", value_name = "TRACK")]
    track: Vec<usize>,
    /// A track to leave out, counted from 0; may be given again
    #[arg(long, value_name = "TRACK")]
    mute: Vec<usize>,
    /// Where to begin, in seconds
    #[arg(long, default_value_t = 0.0)]
    from: f64,
    /// Where to end, in seconds; without it, with the music
    #[arg(long)]
    to: Option<f64>,
    /// Frames a second of the sound
    #[arg(long, default_value_t = RenderOptions::default().sample_rate)]
    sample_rate: u32,
    /// A gain over all
    #[arg(long, default_value_t = RenderOptions::default().gain)]
    gain: f32,
    /// How much room there is to hear, 0 to 1
    #[arg(long, default_value_t = RenderOptions::default().reverb)]
    reverb: f32,
    /// Write floats of 32 bits in place of integers of 16
    #[arg(long)]
    float: bool,
    /// Draw for a dark page
    #[arg(long)]
    dark: bool,
    /// Draw what was added to this one and removed from it
    #[arg(long, value_name = "IN.mid")]
    compare: Option<PathBuf>,
    /// The picture's title; without it, the file's name
    #[arg(long)]
    title: Option<String>,
    /// Pixels of a PNG for each of the SVG's
    #[arg(long, default_value_t = 2.0)]
    scale: f32,
}

fn run(arguments: Arguments) -> Result<()> {
    let score = cli::input(&arguments.input)?;
    for track in arguments.track.iter().chain(&arguments.mute) {
        score.track(*track)?;
    }
    let kind = |path: &Path| path.extension().map(|e| e.to_string_lossy().to_lowercase());
    if !(arguments.from >= 0.0 && arguments.to.is_none_or(|to| to > arguments.from)) {
        return Err("--from is 0 or more seconds, and before --to".into());
    }
    if !(0.1..=8.0).contains(&arguments.scale) {
        return Err(format!("--scale {} is out of range: 0.1 to 8 is accepted", arguments.scale).into());
    }
    let compared = arguments.compare.as_deref().map(cli::input).transpose()?;
    // Nothing is written if something cannot be.
    for path in &arguments.outputs {
        if !matches!(kind(path).as_deref(), Some("wav" | "svg" | "png")) {
            return Err(
                format!("{}: a name that ends in .wav, .svg or .png is expected", path.display()).into()
            );
        }
    }
    for path in &arguments.outputs {
        match kind(path).as_deref() {
            Some("wav") => sound(&arguments, &score, path)?,
            other => picture(&arguments, &score, compared.as_ref(), path, other == Some("png"))?,
        }
    }
    Ok(())
}

fn sound(arguments: &Arguments, score: &Score, path: &Path) -> Result<()> {
    let instruments = match &arguments.soundfont {
        None => Instruments::BuiltIn,
        Some(file) if file == Path::new("auto") => {
            SoundFont::open(SoundFont::find().ok_or("no SoundFont is installed")?)?.into()
        }
        Some(file) => SoundFont::open(file)?.into(),
    };
    let options = RenderOptions {
        from: arguments.from,
        to: arguments.to,
        sample_rate: arguments.sample_rate,
        gain: arguments.gain,
        reverb: arguments.reverb,
        ..RenderOptions::default()
    };
    let options = arguments.track.iter().fold(options, |options, track| options.solo(*track));
    let options = arguments.mute.iter().fold(options, |options, track| options.mute(*track));
    let begun = Instant::now();
    let renderer = Renderer::new(score, &instruments, &options)?;
    let seconds = renderer.frames() as f64 / f64::from(renderer.sample_rate());
    renderer.write_wav(path, if arguments.float { WavFormat::Float32 } else { WavFormat::Pcm16 })?;
    let took = begun.elapsed().as_secs_f64();
    println!(
        "{}: {seconds:.1} s of sound in {took:.2} s, {:.0} times real time",
        path.display(),
        seconds / took
    );
    Ok(())
}

fn picture(
    arguments: &Arguments,
    score: &Score,
    compared: Option<&Score>,
    path: &Path,
    is_png: bool,
) -> Result<()> {
    let score = heard(score, &arguments.track, &arguments.mute);
    let input = compared.map(|input| heard(input, &arguments.track, &arguments.mute));
    let name = arguments.input.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let theme = if arguments.dark { Theme::Dark } else { Theme::Light };
    let mut roll = PianoRollPicture::new(&score).title(arguments.title.clone().unwrap_or(name)).theme(theme);
    if let Some(input) = &input {
        roll = roll.compared_with(input);
    }
    if arguments.from > 0.0 || arguments.to.is_some() {
        let meter = score.meter_map();
        let last = arguments.to.map_or_else(|| score.end(), |to| score.tick_at(to));
        let last = meter.bar_at(last.saturating_sub(Tick::saturating(1))).index;
        roll = roll.bars(meter.bar_at(score.tick_at(arguments.from)).index..last + 1);
    }
    if is_png {
        roll.write_png(path, arguments.scale)?
    } else {
        roll.write_svg(path)?
    }
    println!("{}: {} notes", path.display(), score.note_count());
    Ok(())
}

/// The score with the notes of only those tracks that are to be heard; all tracks stay, and so their colours.
fn heard(score: &Score, solo: &[usize], mute: &[usize]) -> Score {
    let mut score = score.clone();
    for (index, track) in score.tracks_mut().iter_mut().enumerate() {
        if mute.contains(&index) || !(solo.is_empty() || solo.contains(&index)) {
            track.set_notes(Vec::new());
        }
    }
    score
}

fn main() -> ExitCode {
    cli::main("render", run)
}
