//! How fast files become tokens: what `benches/peers/time_tokenizers.py` and `scaling.py` run.
//!
//! ```text
//! find FOLDER -name '*.mid' | tokenize_throughput CONFIG.json [--seconds S] [--threads N] [--from-files] [--ids]
//! ```
//!
//! Paths come on standard input, one a line; the configuration is a tokenizer's file as MidiTok writes it. All
//! files are encoded over and over for S seconds (2), from scores in memory, or with `--from-files` from the
//! files themselves, as a corpus is prepared, by N threads (1). One line says what was done. With `--ids`, a
//! line of token ids for each file instead, of all its sequences in order; an empty line if it is not read.

use std::io::{BufRead, BufWriter, Write, stdin, stdout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deepcompose_core::tokenizer::MusicTokenizer;
use deepcompose_core::{Score, Tokenizer};

type Error = Box<dyn std::error::Error>;

struct Args {
    config: String,
    seconds: f64,
    threads: usize,
    from_files: bool,
    ids: bool,
}

fn main() -> Result<(), Error> {
    let args = args()?;
    let tokenizer = MusicTokenizer::from_json(&std::fs::read_to_string(&args.config)?)?;
    let paths: Vec<String> = stdin().lock().lines().collect::<Result<_, _>>()?;
    if args.ids {
        return print_ids(&tokenizer, &paths);
    }
    let scores: Vec<Score> =
        if args.from_files { Vec::new() } else { paths.iter().filter_map(|p| read(p)).collect() };
    let items = if args.from_files { paths.len() } else { scores.len() };
    // From its path, or from its score.
    let encode = |index: usize| -> usize {
        let count = |score: &Score| tokenizer.encode_tracks(score).iter().map(Vec::len).sum();
        match scores.get(index) {
            Some(score) => count(score),
            None => paths.get(index).and_then(|p| read(p)).map_or(0, |score| count(&score)),
        }
    };

    let (mut files, mut tokens) = (0, 0);
    let start = Instant::now();
    let limit = Duration::try_from_secs_f64(args.seconds)?;
    while items > 0 && (files == 0 || start.elapsed() < limit) {
        tokens += once(items, args.threads, &encode);
        files += items;
    }
    let took = start.elapsed().as_secs_f64();
    println!(
        "files={files} tokens={tokens} seconds={took:.6} files_per_second={:.1} tokens_per_second={:.0}",
        files as f64 / took,
        tokens as f64 / took
    );
    Ok(())
}

/// Encodes each item once: every thread takes the next that is left. Gives the number of tokens.
fn once(items: usize, threads: usize, encode: &(impl Fn(usize) -> usize + Sync)) -> usize {
    let (next, tokens) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= items {
            break;
        }
        tokens.fetch_add(encode(index), Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    tokens.into_inner()
}

fn print_ids(tokenizer: &MusicTokenizer, paths: &[String]) -> Result<(), Error> {
    let mut out = BufWriter::new(stdout().lock());
    for path in paths {
        let sequences = read(path).map(|score| tokenizer.encode_tracks(&score)).unwrap_or_default();
        let ids: Vec<String> = sequences.iter().flatten().map(u32::to_string).collect();
        writeln!(out, "{}", ids.join(" "))?;
    }
    Ok(out.flush()?)
}

fn read(path: &str) -> Option<Score> {
    let read = deepcompose_midi::read(path);
    read.inspect_err(|e| eprintln!("{path}: {e}")).ok().map(|(score, _)| score)
}

fn args() -> Result<Args, Error> {
    let mut args = Args { config: String::new(), seconds: 2.0, threads: 1, from_files: false, ids: false };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "--seconds" => args.seconds = given.next().ok_or("--seconds needs a number")?.parse()?,
            "--threads" => args.threads = given.next().ok_or("--threads needs a number")?.parse()?,
            "--from-files" => args.from_files = true,
            "--ids" => args.ids = true,
            _ => args.config = arg,
        }
    }
    if args.config.is_empty() { Err("no tokenizer configuration given".into()) } else { Ok(args) }
}
