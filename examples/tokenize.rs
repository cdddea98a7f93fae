//! Prints the token ids of a MIDI file: `cargo run --release --example tokenize -- song.mid --tokenizer remi`.
//!
//! A line for each sequence: one for the whole piece, or one a track. `--config` takes a `tokenizer.json` as MidiTok 3
//! saves it; the ids are MidiTok's. With `--features bpe` also one of a tokenizer that was trained with byte pairs.

use std::error::Error;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use deepcompose::core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
use deepcompose::core::{PerformanceClock, PerformanceTokenizer, SatbTokenizer, TokenId, Tokenizer};
use deepcompose::midi;

#[derive(Parser)]
#[command(about = "Print the token ids of a MIDI file")]
struct Arguments {
    /// A Standard MIDI File (.mid, .kar, .rmi)
    file: PathBuf,
    /// How to write it; if not given, as the configuration file says
    #[arg(long, value_enum, required_unless_present = "config")]
    tokenizer: Option<Kind>,
    /// A tokenizer.json of MidiTok 3, for remi, tsd, midi-like and structured
    #[arg(long)]
    config: Option<PathBuf>,
    /// Print the tokens' names instead of their ids
    #[arg(long)]
    names: bool,
    /// Print one JSON list of lists
    #[arg(long)]
    json: bool,
    /// Write the music that the tokens say to a MIDI file
    #[arg(long, value_name = "OUT.mid")]
    decode: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Bars, positions, pitches, velocities, durations
    Remi,
    /// Time shifts, pitches, velocities, durations
    Tsd,
    /// Time shifts, note-ons, note-offs
    MidiLike,
    /// A time shift, a pitch, a velocity and a duration for every note
    Structured,
    /// The 310 performance tokens, in units of 10 ms
    Performance,
    /// The 310 performance tokens, 48 units a quarter note
    PerformanceMetric,
    /// Four voices on a grid of sixteenths
    Satb,
}

impl Kind {
    /// Of those that have configuration files.
    fn tokenization(self) -> Option<Tokenization> {
        match self {
            Self::Remi => Some(Tokenization::Remi),
            Self::Tsd => Some(Tokenization::Tsd),
            Self::MidiLike => Some(Tokenization::MidiLike),
            Self::Structured => Some(Tokenization::Structured),
            Self::Performance | Self::PerformanceMetric | Self::Satb => None,
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads us has seen enough.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tokenize: {}", error.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let own = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    let of_json = error.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
    own.or(of_json) == Some(ErrorKind::BrokenPipe)
}

fn run(a: &Arguments) -> Result<(), Box<dyn Error>> {
    let tokenizer = tokenizer(a.tokenizer, a.config.as_deref())?;
    let (score, report) = midi::read(&a.file).map_err(|e| match e {
        midi::MidiError::Io { .. } => e.to_string(),
        e => format!("{}: {e}", a.file.display()),
    })?;
    if report.is_damaged() {
        eprintln!("{report}");
    }
    let sequences = tokenizer.encode_tracks(&score);
    // Before the tokens, whose reader may soon have seen enough.
    if let Some(path) = &a.decode {
        midi::write(path, &tokenizer.decode_tracks(&sequences).score)?;
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if a.names {
        let name = |id: &TokenId| tokenizer.token_name(*id).unwrap_or_default();
        print(&mut out, &sequences, a.json, name)?;
    } else {
        print(&mut out, &sequences, a.json, |id| *id)?;
    }
    Ok(out.flush()?)
}

fn print<T: serde::Serialize + std::fmt::Display>(
    out: &mut impl Write,
    sequences: &[Vec<TokenId>],
    json: bool,
    show: impl Fn(&TokenId) -> T,
) -> Result<(), Box<dyn Error>> {
    if json {
        let all: Vec<Vec<T>> = sequences.iter().map(|ids| ids.iter().map(&show).collect()).collect();
        serde_json::to_writer(&mut *out, &all)?;
        writeln!(out)?;
        return Ok(());
    }
    for ids in sequences {
        for (place, id) in ids.iter().enumerate() {
            write!(out, "{}{}", if place > 0 { " " } else { "" }, show(id))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn tokenizer(kind: Option<Kind>, config: Option<&Path>) -> Result<Box<dyn Tokenizer>, Box<dyn Error>> {
    let Some(path) = config else {
        return Ok(match kind {
            None | Some(Kind::Performance) => Box::new(PerformanceTokenizer::new(PerformanceClock::Seconds)),
            Some(Kind::PerformanceMetric) => Box::new(PerformanceTokenizer::new(PerformanceClock::Metric)),
            Some(Kind::Satb) => Box::new(SatbTokenizer),
            Some(kind) => {
                let tokenization = kind.tokenization().unwrap_or(Tokenization::Remi);
                Box::new(MusicTokenizer::new(tokenization, TokenizerConfig::default())?)
            }
        });
    };
    let about = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| about(&e))?;
    let (tokenization, tokenizer) = from_file(&text).map_err(|e| about(&e))?;
    if let Some(kind) = kind
        && kind.tokenization() != Some(tokenization)
    {
        let asked = kind.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default();
        return Err(about(&format!("it is a configuration of {tokenization}, not of {asked}")).into());
    }
    Ok(tokenizer)
}

type FromFile = Result<(Tokenization, Box<dyn Tokenizer>), Box<dyn Error>>;

#[cfg(feature = "bpe")]
fn from_file(text: &str) -> FromFile {
    use deepcompose::core::tokenizer::BytePairTokenizer;

    if text.contains("\"_model\"") {
        let tokenizer = BytePairTokenizer::from_json(text)?;
        return Ok((tokenizer.base().tokenization(), Box::new(tokenizer)));
    }
    let tokenizer = MusicTokenizer::from_json(text)?;
    Ok((tokenizer.tokenization(), Box::new(tokenizer)))
}

#[cfg(not(feature = "bpe"))]
fn from_file(text: &str) -> FromFile {
    let tokenizer = MusicTokenizer::from_json(text)?;
    Ok((tokenizer.tokenization(), Box::new(tokenizer)))
}
