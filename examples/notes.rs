//! Prints the notes of a MIDI file as CSV: `cargo run --release --example notes -- song.mid`.
//!
//! Times are in the file's own ticks (of a file in SMPTE time, fractions of a frame), and in seconds through its tempo map. `track` is the track chunk that a note comes
//! from and `channel` its channel, both counted from zero. What the reader mended or left out is on standard error.

use std::error::Error;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use deepcompose::core::{Note, Score};
use deepcompose::midi::{Limits, MidiError, Origin, Pairing, Reader};

#[derive(Parser)]
#[command(about = "Print a MIDI file's notes as CSV, or all of it as JSON")]
struct Arguments {
    /// A Standard MIDI File (.mid, .kar, .rmi)
    file: PathBuf,
    /// Print the whole score as JSON; of a type 2 file, a list of scores
    #[arg(long)]
    json: bool,
    /// Refuse what is not as the specification says, instead of mending it
    #[arg(long)]
    strict: bool,
    /// Hold notes as long as the sustain pedal does
    #[arg(long)]
    sustain: bool,
    /// Which of several sounding notes of one key a note off ends
    #[arg(long, value_enum, default_value = "first-in-first-out")]
    pairing: PairingName,
    /// The most notes to read
    #[arg(long, default_value_t = Limits::default().notes)]
    max_notes: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum PairingName {
    /// The one that began first
    FirstInFirstOut,
    /// The one that began last
    LastInFirstOut,
    /// All of them
    CloseAll,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads us has seen enough.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("notes: {error}");
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
    let pairing = match a.pairing {
        PairingName::FirstInFirstOut => Pairing::FirstInFirstOut,
        PairingName::LastInFirstOut => Pairing::LastInFirstOut,
        PairingName::CloseAll => Pairing::CloseAll,
    };
    let reader = Reader::new()
        .strict(a.strict)
        .sustain(a.sustain)
        .pairing(pairing)
        .limits(Limits::default().with_notes(a.max_notes).with_tracks(u16::MAX.into()));
    let about = |e: MidiError| match e {
        MidiError::Io { .. } => e.to_string(),
        e => format!("{}: {e}", a.file.display()),
    };
    let (scores, report) = reader.read_patterns(&a.file).map_err(about)?;
    eprintln!("{report}");
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if a.json {
        match scores.as_slice() {
            [score] => serde_json::to_writer(&mut out, score)?,
            scores => serde_json::to_writer(&mut out, scores)?,
        }
        writeln!(out)?;
    } else {
        writeln!(
            out,
            "track,channel,program,is_drum,pitch,velocity,onset_tick,duration_ticks,onset_s,duration_s"
        )?;
        let mut origins = report.origins().iter();
        for score in &scores {
            print_notes(&mut out, score, &mut origins)?;
        }
    }
    Ok(out.flush()?)
}

/// A line for each note; `origins` gives the origin of each track of the score in turn.
fn print_notes<'o>(
    out: &mut impl Write,
    score: &Score,
    origins: &mut impl Iterator<Item = &'o Origin>,
) -> std::io::Result<()> {
    for (track, origin) in score.tracks().iter().zip(origins) {
        for Note { start, pitch, duration, velocity } in track.notes() {
            let onset = score.seconds_at(*start);
            let seconds = score.seconds_at(start.saturating_add(*duration)) - onset;
            writeln!(
                out,
                "{},{},{},{},{pitch},{velocity},{start},{duration},{onset:.6},{seconds:.6}",
                origin.file_track,
                origin.channel.unwrap_or_default(),
                track.program(),
                u8::from(track.is_drum()),
            )?;
        }
    }
    Ok(())
}
