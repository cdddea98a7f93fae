//! Any bytes are read without a panic, and what was read is written and read again as the same score.
//! `cargo fuzz run midi_read`

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((score, report)) = deepcompose_midi::read_bytes(bytes) {
        let strict = deepcompose_midi::read_strict_bytes(bytes);
        assert!(report.is_damaged() || report.format() == 2 || strict.is_ok());
        let written = deepcompose_midi::to_bytes(&score).expect("a score that was read can be written");
        let again = deepcompose_midi::read_strict_bytes(&written).expect("what was written is in order");
        assert_eq!(again, score);
    }
});
