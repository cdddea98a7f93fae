//! Any bytes are read without a panic, and what was read is written and read again as the same score.
//! `cargo fuzz run midi_read`

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(score) = deepcompose_midi::read_bytes(bytes) {
        let written = deepcompose_midi::to_bytes(&score).expect("a score that was read can be written");
        let again = deepcompose_midi::read_bytes(&written).expect("what was written can be read");
        assert_eq!(again, score);
    }
});
