//! How fast files are read: `throughput FOLDER [--seconds N] [--disk]`.
//!
//! Loads every `.mid` below the folder into memory and reads them over and over on one thread; with
//! `--disk`, opens them each time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use deepcompose_midi::{read, read_bytes};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let mut folder = None;
    let mut seconds = 2.0;
    let mut disk = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => seconds = args.next().ok_or("--seconds needs a number")?.parse()?,
            "--disk" => disk = true,
            _ => folder = Some(PathBuf::from(arg)),
        }
    }
    let folder = folder.ok_or("usage: throughput FOLDER [--seconds N] [--disk]")?;
    let mut paths = Vec::new();
    find(&folder, &mut paths)?;
    paths.sort();
    let mut files = Vec::new();
    for path in &paths {
        let bytes = std::fs::read(path)?;
        match read_bytes(&bytes) {
            Ok((score, _)) => files.push((path, bytes, score.note_count())),
            Err(error) => eprintln!("left out: {}: {error}", path.display()),
        }
    }
    if files.is_empty() {
        return Err(format!("{}: no .mid file that can be read", folder.display()).into());
    }

    let (mut count, mut bytes, mut notes) = (0u64, 0u64, 0u64);
    let start = Instant::now();
    let limit = Duration::try_from_secs_f64(seconds)?;
    while start.elapsed() < limit {
        for (path, file, of_file) in &files {
            let score = if disk { read(path)? } else { read_bytes(std::hint::black_box(file))? };
            std::hint::black_box(&score);
            count += 1;
            bytes += file.len() as u64;
            notes += *of_file as u64;
        }
    }
    let took = start.elapsed().as_secs_f64();
    println!(
        "{}: {} files, {:.0} files/s, {:.1} MB/s, {:.2} million notes/s",
        folder.display(),
        files.len(),
        count as f64 / took,
        bytes as f64 / took / 1e6,
        notes as f64 / took / 1e6,
    );
    Ok(())
}

fn find(folder: &Path, out: &mut Vec<PathBuf>) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, out)?;
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("mid")) {
            out.push(path);
        }
    }
    Ok(())
}
