//! Lends this machine's devices to trainings on other machines.
//!
//! ```sh
//! cargo run --release --features remote --example device_server -- --listen 0.0.0.0:3000
//! # and on the other machine, built with `--features remote` too:
//! cargo run --release --features remote --example train_ar_cnn -- --device ws://this-machine:3000 …
//! ```
//!
//! Whoever reaches the port may use the devices, and nothing is encrypted: keep it on a network of your own.

use std::error::Error;
use std::net::TcpListener;

use burn::server::{RemoteServer, WebSocketTransport};
use clap::Parser;
use deepcompose::models::{Device, device};

#[derive(Parser)]
#[command(about = "Lend this machine's devices to trainings on other machines")]
struct Options {
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: String,
    /// flex, cuda, cuda:1 …; may be given several times
    #[arg(long, default_value = "default")]
    device: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let devices: Vec<Device> = options.device.iter().map(|name| device(name)).collect::<Result<_, _>>()?;
    let listener = TcpListener::bind(&options.listen)?;
    println!("{} device(s) at ws://{}", devices.len(), listener.local_addr()?);
    RemoteServer::new(devices).serve(WebSocketTransport::from_listener(listener))?;
    Ok(())
}
