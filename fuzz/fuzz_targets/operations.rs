//! `cargo fuzz run operations`; what it does is in `deepcompose-midi/tests/fuzzed`.

#![no_main]

#[path = "../../deepcompose-midi/tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::run("operations", bytes));
