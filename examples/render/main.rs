//! A MIDI file as sound and pictures: `cargo run --release --features audio,png --example render -- song.mid song.wav song.svg`.

#[path = "../support/cli.rs"]
mod cli;
#[path = "../support/files.rs"]
mod files;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use deepcompose::audio::{Instruments, RenderOptions, Renderer, SoundFont, WavFormat};
use deepcompose::core::{Score, Tick};
use deepcompose::picture::{PianoRollPicture, Theme};

use cli::{Result, say};

/// Pixels of a PNG for each of the SVG's, unless it is said.
const SCALE: f32 = 2.0;

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
    #[arg(long, default_value_t = SCALE)]
    scale: f32,
}

/// What is written, by the end of the file's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Wav,
    Svg,
    Png,
}

impl Kind {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().map(|e| e.to_string_lossy().to_lowercase()).as_deref() {
            Some("wav") => Ok(Self::Wav),
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => {
                Err(format!("{}: a name that ends in .wav, .svg or .png is expected", path.display()).into())
            }
        }
    }
}

/// What only has to be written.
enum Made {
    Sound(Box<Renderer>),
    /// And how many notes it has.
    Picture(Vec<u8>, usize),
}

fn run(arguments: Arguments) -> Result<()> {
    let score = cli::input(&arguments.input)?;
    for track in arguments.track.iter().chain(&arguments.mute) {
        score.track(*track)?;
    }
    let kinds = arguments.outputs.iter().map(|path| Kind::of(path)).collect::<Result<Vec<_>>>()?;
    check(&arguments, &score, &kinds)?;
    let compared = arguments.compare.as_deref().map(cli::input).transpose()?;
    let instruments = instruments(arguments.soundfont.as_deref())?;
    // Nothing is written if something cannot be.
    let mut made = Vec::new();
    for (path, kind) in arguments.outputs.iter().zip(kinds) {
        files::check_writable(path)?;
        let what = match kind {
            Kind::Wav => Made::Sound(Box::new(sound(&arguments, &score, &instruments)?)),
            _ => picture(&arguments, &score, compared.as_ref(), kind == Kind::Png)?,
        };
        made.push((path, what));
    }
    // Sound first: of all of them it alone may yet be refused, for its length in bytes.
    made.sort_by_key(|(_, what)| matches!(what, Made::Picture(..)));
    for (path, what) in made {
        match what {
            Made::Sound(renderer) => write_sound(*renderer, arguments.float, path)?,
            Made::Picture(bytes, notes) => {
                files::write_atomically(path, &bytes)?;
                say!("{}: {notes} notes", path.display());
            }
        }
    }
    Ok(())
}

/// Refuses options out of their range, and those that have no part in what is written.
fn check(arguments: &Arguments, score: &Score, kinds: &[Kind]) -> Result<()> {
    let Arguments { from, to, scale, .. } = arguments;
    if !(*from >= 0.0 && to.is_none_or(|to| to > *from)) {
        return Err("--from is 0 or more seconds, and before --to".into());
    }
    let end = score.duration_seconds();
    if *from > 0.0 && *from >= end {
        return Err(format!("--from {from} is too late: the music ends after {end:.2} s").into());
    }
    if !(0.1..=8.0).contains(scale) {
        return Err(format!("--scale {scale} is out of range: 0.1 to 8 is accepted").into());
    }
    let (usual, has) = (RenderOptions::default(), |kind| kinds.contains(&kind));
    let (sound, picture) = (has(Kind::Wav), has(Kind::Svg) || has(Kind::Png));
    for (option, given, fits) in [
        ("--soundfont", arguments.soundfont.is_some(), sound),
        ("--sample-rate", arguments.sample_rate != usual.sample_rate, sound),
        ("--gain", arguments.gain != usual.gain, sound),
        ("--reverb", arguments.reverb != usual.reverb, sound),
        ("--float", arguments.float, sound),
        ("--dark", arguments.dark, picture),
        ("--compare", arguments.compare.is_some(), picture),
        ("--title", arguments.title.is_some(), picture),
        ("--scale", *scale != SCALE, has(Kind::Png)),
    ] {
        if given && !fits {
            return Err(format!("{option} has no part in what is written").into());
        }
    }
    Ok(())
}

fn instruments(soundfont: Option<&Path>) -> Result<Instruments> {
    Ok(match soundfont {
        None => Instruments::BuiltIn,
        Some(file) if file == Path::new("auto") => {
            SoundFont::open(SoundFont::find().ok_or("no SoundFont is installed")?)?.into()
        }
        Some(file) => SoundFont::open(file)?.into(),
    })
}

fn sound(arguments: &Arguments, score: &Score, instruments: &Instruments) -> Result<Renderer> {
    let options = RenderOptions {
        from: arguments.from,
        to: arguments.to,
        sample_rate: arguments.sample_rate,
        gain: arguments.gain,
        reverb: arguments.reverb,
        // As long as may be.
        max_seconds: 3600.0,
        ..RenderOptions::default()
    };
    let options = arguments.track.iter().fold(options, |options, track| options.solo(*track));
    let options = arguments.mute.iter().fold(options, |options, track| options.mute(*track));
    Ok(Renderer::new(score, instruments, &options)?)
}

fn write_sound(renderer: Renderer, float: bool, path: &Path) -> Result<()> {
    let begun = Instant::now();
    let seconds = renderer.frames() as f64 / f64::from(renderer.sample_rate());
    renderer.write_wav(path, if float { WavFormat::Float32 } else { WavFormat::Pcm16 })?;
    let took = begun.elapsed().as_secs_f64();
    say!("{}: {seconds:.1} s of sound in {took:.2} s, {:.0} times real time", path.display(), seconds / took);
    Ok(())
}

fn picture(arguments: &Arguments, score: &Score, compared: Option<&Score>, is_png: bool) -> Result<Made> {
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
    let bytes = if is_png { roll.to_png(arguments.scale)? } else { roll.to_svg()?.into_bytes() };
    Ok(Made::Picture(bytes, score.note_count()))
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
