//! Any token ids decode to a score, and its tokens are stable from then on.
//! `cargo fuzz run performance_decode`

#![no_main]

use deepcompose_core::{PerformanceClock, PerformanceTokenizer, Tokenizer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|ids: Vec<u16>| {
    let ids: Vec<u32> = ids.into_iter().map(u32::from).collect();
    for clock in [PerformanceClock::Seconds, PerformanceClock::Metric] {
        let tokenizer = PerformanceTokenizer::new(clock);
        let tokens = tokenizer.encode(&tokenizer.decode(&ids).score);
        assert_eq!(tokenizer.encode(&tokenizer.decode(&tokens).score), tokens);
    }
});
