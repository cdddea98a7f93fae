//! Records a MIDI keyboard: `cargo run --release --features live --example record -- melody.mid`.
//!
//! It ends with the Enter key. On Linux it is built with ALSA's headers (Debian: `libasound2-dev`).

#[path = "../support/cli.rs"]
mod cli;
#[path = "../support/files.rs"]
mod files;
mod recording;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use deepcompose::core::Score;
use deepcompose::core::rhythm::{RhythmAssist, RhythmParams};
use deepcompose::midi;
use midir::MidiInput;

use cli::{Result, say};
use recording::Recording;

#[derive(Parser)]
#[command(name = "record", version, about = "Record a MIDI keyboard to a MIDI file")]
struct Arguments {
    /// The MIDI file to write
    #[arg(value_name = "OUT.mid", required_unless_present = "list")]
    output: Option<PathBuf>,
    /// Show the keyboards that are connected
    #[arg(long)]
    list: bool,
    /// The keyboard, by its number in the list or a part of its name; without it, the first
    #[arg(long)]
    port: Option<String>,
    /// The tempo that you play to, in quarter notes a minute
    #[arg(long, default_value_t = 120.0)]
    tempo: f64,
    /// Rhythm assist: put the notes on the grid
    #[arg(long)]
    assist: bool,
}

fn run(arguments: Arguments) -> Result<()> {
    let input = MidiInput::new("deepcompose")?;
    let ports = input.ports();
    let names = ports.iter().map(|p| input.port_name(p)).collect::<std::result::Result<Vec<_>, _>>()?;
    if arguments.list {
        names.iter().enumerate().for_each(|(i, name)| say!("{i} {name}"));
        return Ok(());
    }
    let chosen = match &arguments.port {
        None => Some(0),
        Some(port) => {
            let number = port.parse::<usize>().ok().filter(|number| *number < ports.len());
            number.or_else(|| names.iter().position(|name| name.contains(port.as_str())))
        }
    };
    let port = chosen.and_then(|i| ports.get(i)).ok_or("there is no such keyboard: see --list")?;
    // A tempo or a file that cannot be is refused before anything is played.
    Recording::default().score(arguments.tempo)?;
    let output = arguments.output.unwrap_or_default();
    files::check_writable(&output)?;
    let recording = Arc::new(Mutex::new(Recording::default()));
    let shared = Arc::clone(&recording);
    let receive = move |micros, message: &[u8], (): &mut ()| {
        shared.lock().unwrap_or_else(PoisonError::into_inner).push(micros, message);
    };
    let connection = input.connect(port, "record", receive, ()).map_err(|e| e.to_string())?;
    say!("Play. The Enter key ends the recording.");
    std::io::stdin().read_line(&mut String::new())?;
    connection.close();
    let recording = recording.lock().unwrap_or_else(PoisonError::into_inner);
    if recording.notes() == 0 {
        return Err("nothing was played".into());
    }
    if recording.lost() > 0 {
        let (kept, lost) = (Recording::MOST, recording.lost());
        eprintln!("the recording is full: it has the first {kept} messages, {lost} more are lost");
    }
    let mut score = recording.score(arguments.tempo)?;
    if arguments.assist {
        match RhythmAssist::new(RhythmParams::default())?.assist(&score) {
            Ok(assisted) => score = assisted.score,
            // What was played is kept.
            Err(error) => eprintln!("not put on the grid: {error}"),
        }
    }
    save(&output, &score)?;
    say!("{}: {} notes, {:.1} s", output.display(), score.note_count(), score.duration_seconds());
    Ok(())
}

/// Writes the file. If that fails what was played is kept in another one.
fn save(output: &Path, score: &Score) -> Result<()> {
    let Err(error) = midi::write(output, score) else { return Ok(()) };
    let error = cli::about(output, &error);
    let elsewhere = tempfile::Builder::new().prefix("recording-").suffix(".mid").tempfile();
    let kept = elsewhere.and_then(|file| file.keep().map_err(|e| e.error));
    let (_, path) = kept.map_err(|e| format!("{error}; {e}"))?;
    midi::write(&path, score).map_err(|e| format!("{error}; {}", cli::about(&path, &e)))?;
    Err(format!("{error}; the recording is in {}", path.display()).into())
}

fn main() -> ExitCode {
    cli::main("record", run)
}
