//! Records a MIDI keyboard: `cargo run --release --features live --example record -- melody.mid`.
//!
//! It ends with the Enter key. On Linux it is built with ALSA's headers (Debian: `libasound2-dev`).

#[path = "../support/cli.rs"]
mod cli;
mod recording;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use deepcompose::core::rhythm::{RhythmAssist, RhythmParams};
use deepcompose::midi;
use midir::MidiInput;

use cli::Result;
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
        names.iter().enumerate().for_each(|(i, name)| println!("{i} {name}"));
        return Ok(());
    }
    let chosen = match &arguments.port {
        None => Some(0),
        Some(port) => match port.parse::<usize>() {
            Ok(number) => Some(number),
            Err(_) => names.iter().position(|name| name.contains(port.as_str())),
        },
    };
    let port = chosen.and_then(|i| ports.get(i)).ok_or("there is no such keyboard: see --list")?;
    // A tempo or a file that cannot be is refused before anything is played.
    Recording::default().score(arguments.tempo)?;
    let output = arguments.output.unwrap_or_default();
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
    {
        return Err(format!("{}: no such folder", folder.display()).into());
    }
    let recording = Arc::new(Mutex::new(Recording::default()));
    let shared = Arc::clone(&recording);
    let receive = move |micros, message: &[u8], (): &mut ()| {
        shared.lock().unwrap_or_else(PoisonError::into_inner).push(micros, message);
    };
    let connection = input.connect(port, "record", receive, ()).map_err(|e| e.to_string())?;
    println!("Play. The Enter key ends the recording.");
    std::io::stdin().read_line(&mut String::new())?;
    connection.close();
    let recording = recording.lock().unwrap_or_else(PoisonError::into_inner);
    if recording.notes() == 0 {
        return Err("nothing was played".into());
    }
    let mut score = recording.score(arguments.tempo)?;
    if arguments.assist {
        match RhythmAssist::new(RhythmParams::default())?.assist(&score) {
            Ok(assisted) => score = assisted.score,
            // What was played is kept.
            Err(error) => eprintln!("not put on the grid: {error}"),
        }
    }
    midi::write(&output, &score).map_err(|e| cli::about(&output, &e))?;
    println!("{}: {} notes, {:.1} s", output.display(), score.note_count(), score.duration_seconds());
    Ok(())
}

fn main() -> ExitCode {
    cli::main("record", run)
}
