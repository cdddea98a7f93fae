//! Token ids to scores.

use arbitrary::Unstructured;
use deepcompose_core::{PerformanceClock, PerformanceTokenizer, SatbTokenizer, TokenId, Tokenizer};

use super::scores::check_written;

/// Any ids decode to a score that can be written, and its tokens are stable from then on.
pub fn decode(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let Ok(which) = u.arbitrary::<u8>() else { return };
    let tokenizers: [&dyn Tokenizer; 3] = [
        &PerformanceTokenizer::new(PerformanceClock::Metric),
        &PerformanceTokenizer::new(PerformanceClock::Seconds),
        &SatbTokenizer,
    ];
    let tokenizer = tokenizers[usize::from(which) % tokenizers.len()];
    let size = tokenizer.vocabulary_size() as TokenId;
    let mut ids = Vec::new();
    // Most ids are in the vocabulary, some just past it, some anywhere.
    while let (false, Ok(id)) = (u.is_empty(), u.arbitrary::<u16>()) {
        ids.push(if id >= 0xFF00 {
            TokenId::MAX - TokenId::from(id)
        } else {
            TokenId::from(id) % (size + 2)
        });
    }
    let decoded = tokenizer.decode(&ids);
    check_written(&decoded.score);
    let tokens = tokenizer.encode(&decoded.score);
    assert!(tokens.iter().all(|id| *id < size));
    for pair in tokens.windows(2) {
        let types = [0, 1].map(|i| tokenizer.token_type(pair[i]).expect("in the vocabulary"));
        assert!(tokenizer.may_follow(types[0], types[1]), "{pair:?}");
    }
    assert_eq!(tokenizer.encode(&tokenizer.decode(&tokens).score), tokens);
}
