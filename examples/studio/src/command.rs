//! The program: prints an address, and serves the Music Studio there.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use deepcompose::Composer;
use tokio::net::TcpListener;

use crate::guard::Hosts;
use crate::server::{Studio, app};
use crate::sound::Sound;

/// The Music Studio: compose with deepcompose in your browser. Nothing leaves this machine.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port; 0 for any that is free.
    #[arg(long, default_value_t = 8017)]
    port: u16,
    /// The address to listen at. Anything but a loopback address lets other machines in.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Opens the page in the browser.
    #[arg(long)]
    open: bool,
    /// A SoundFont (.sf2) for the instruments; without it one is looked for, and failing that the built-in
    /// synthesiser plays.
    #[arg(long, value_name = "FILE")]
    soundfont: Option<PathBuf>,
}

/// Serves the studio as the command line says, until Ctrl+C; an error is one line on standard error and a status that is
/// not 0.
#[tokio::main]
pub async fn run() -> ExitCode {
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("deepcompose-studio: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let sound = Sound::open(arguments.soundfont.as_deref())?;
    let composer = Composer::builder().build()?;
    let hosts = Hosts::of(&arguments.host);
    let listener = TcpListener::bind((arguments.host.as_str(), arguments.port))
        .await
        .map_err(|e| format!("{}:{}: {e}", arguments.host, arguments.port))?;
    let url = format!("http://{}/", listener.local_addr()?);
    println!("The studio is open at {url} (sound: {}). Ctrl+C closes it.", sound.name());
    if hosts != Hosts::Loopback {
        println!("Other machines can reach it: there is no password.");
    }
    if arguments.open
        && let Err(error) = open::that_detached(&url)
    {
        eprintln!("The browser could not be opened: {error}");
    }
    let server = axum::serve(listener, app(Studio::new(composer, sound), hosts));
    tokio::select! {
        served = server.into_future() => served?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    // A composition may still run; nobody waits for it.
    std::process::exit(0)
}
