//! Inputs that once made a fuzz target fail, and a few made up: none fails now.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod fuzzed;

use std::path::Path;

/// What each target once failed on, kept in `fuzz/regressions/TARGET/`.
#[test]
fn what_once_failed_fails_no_more() {
    // A published crate comes without the folder.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions");
    for (name, target) in fuzzed::TARGETS {
        let Ok(entries) = std::fs::read_dir(folder.join(name)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            target(&std::fs::read(path).unwrap());
        }
    }
}

/// A few thousand inputs of a fixed pseudo-random stream: too few to find much, enough to know that
/// the targets themselves work.
#[test]
fn targets_hold_on_some_noise() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for (name, _) in fuzzed::TARGETS {
        for _ in 0..300 {
            let length = next() as usize % 600;
            let bytes: Vec<u8> = (0..length).map(|_| next() as u8).collect();
            fuzzed::run(name, &bytes);
        }
    }
}
