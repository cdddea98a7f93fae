//! What is fuzzed: a function for each target, from bytes to a panic or none. `fuzz/` runs them on
//! bytes that a fuzzer makes up, `tests/regressions.rs` on those that once failed.
//!
//! `arbitrary` makes values of the bytes. A target returns early where the bytes do not suffice.

mod edits;
mod files;
mod operations;
mod rolls;
mod scores;
mod tokens;

/// Panics if something does not hold for these bytes.
pub type Target = fn(&[u8]);

/// The targets by name; `fuzz/regressions/NAME/` holds what once failed.
pub const TARGETS: [(&str, Target); 10] = [
    ("read", files::read),
    ("read_events", files::read_events),
    ("write", scores::write),
    ("score_json", scores::json),
    ("decode", tokens::decode),
    ("encode", tokens::encode),
    ("tokenizer_json", tokens::json),
    ("roll", rolls::convert),
    ("operations", operations::apply),
    ("edits", edits::apply),
];

/// Runs a target.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(target, _)| *target == name);
    target.expect("a target of that name").1(bytes);
}
