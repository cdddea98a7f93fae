//! The notes of many MIDI files at once, in a compact form: what `benches/peers/compare_notes.py`
//! reads.
//!
//! ```text
//! find FOLDER -name '*.mid' | cargo run --release -p deepcompose-midi --example dump_notes
//! ```
//!
//! Paths come on standard input, one a line. For each file, a line `> PATH`, then either a line
//! `! ERROR` or a line `program,is_drum,pitch,velocity,onset_tick,duration_ticks` a note, in the
//! file's own ticks. The patterns of a type 2 file follow each other. With `--report`, lines that
//! begin with `# ` say what was mended and left out. With `--peak`, the last line is `# peak N`: the most memory
//! that the process has had, in bytes (Linux only).

use std::io::{BufRead, BufWriter, Write, stdin, stdout};

use deepcompose_core::Score;
use deepcompose_midi::{MidiError, ReadReport, Reader};

fn main() -> std::io::Result<()> {
    let with_report = std::env::args().any(|a| a == "--report");
    let mut out = BufWriter::new(stdout().lock());
    for path in stdin().lock().lines() {
        let path = path?;
        writeln!(out, "> {path}")?;
        match read(&path) {
            Err(e) => writeln!(out, "! {}", e.to_string().replace('\n', " "))?,
            Ok((scores, report)) => {
                if with_report {
                    for line in report.to_string().lines() {
                        writeln!(out, "# {line}")?;
                    }
                }
                for score in &scores {
                    notes(score, &mut out)?;
                }
            }
        }
    }
    if std::env::args().any(|a| a == "--peak") {
        writeln!(out, "# peak {}", peak().unwrap_or(0))?;
    }
    out.flush()
}

/// The largest resident set of this process so far, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn read(path: &str) -> Result<(Vec<Score>, ReadReport), MidiError> {
    let bytes = std::fs::read(path).map_err(|e| MidiError::Io { path: path.into(), source: e })?;
    Reader::new().read_patterns_bytes(&bytes)
}

fn notes(score: &Score, out: &mut impl Write) -> std::io::Result<()> {
    for track in score.tracks() {
        let (program, is_drum) = (track.program(), u8::from(track.is_drum()));
        for note in track.notes() {
            writeln!(
                out,
                "{},{is_drum},{},{},{},{}",
                program.get(),
                note.pitch.get(),
                note.velocity.get(),
                note.start.get(),
                note.duration.get()
            )?;
        }
    }
    Ok(())
}
