#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn learn(base: usize, sequences: &[Vec<Vec<TokenId>>], options: &BytePairOptions) -> BytePairEncoding {
    let sequences = sequences.iter().map(|s| s.iter().map(Vec::as_slice).collect());
    BytePairEncoding::learn(base, &[0, 1], sequences, options).unwrap()
}

#[test]
fn merges_are_learnt_in_order_of_frequency() {
    // "2 3" five times, then "4 4" three times, then "2 3" + "4 4" twice, by hand.
    let sequences =
        [vec![vec![2, 3, 4, 4]], vec![vec![2, 3, 4, 4]], vec![vec![2, 3, 5, 2, 3, 6, 2, 3, 7, 4, 4]]];
    let options = BytePairOptions { vocabulary_size: 11, min_frequency: 2, segmented: false };
    let pairs = learn(8, &sequences, &options);
    let pieces: Vec<_> = (8..11).map(|id| pairs.base_tokens(id).unwrap().to_vec()).collect();
    assert_eq!(pieces, [vec![2, 3], vec![4, 4], vec![2, 3, 4, 4]]);
    assert_eq!(pairs.encode(&[&[2, 3, 4, 4, 4, 2]]).unwrap(), [10, 4, 2]);
    assert_eq!((pairs.vocabulary_size(), pairs.base_size()), (11, 8));
    assert_eq!(pairs.base_tokens(11), None);
}

#[test]
fn learning_stops_when_no_pair_repeats() {
    let options = BytePairOptions { vocabulary_size: 1000, min_frequency: 2, segmented: false };
    assert_eq!(learn(8, &[vec![vec![2, 3, 4]]], &options).vocabulary_size(), 8);
}

#[test]
fn segments_keep_tokens_apart() {
    // In one piece "2 3" repeats most; cut between 2 and 3 it is not there.
    let sequences = vec![vec![vec![3, 2]; 1]; 4];
    let options = BytePairOptions { vocabulary_size: 10, min_frequency: 2, segmented: true };
    let pairs = learn(8, &sequences, &options);
    assert!(pairs.is_segmented());
    // The mark is token 8 and stands for nothing; with the one pair that repeats it is one token.
    assert_eq!(pairs.base_tokens(8), Some([].as_slice()));
    let encoded = pairs.encode(&[&[3, 2], &[], &[3, 2]]).unwrap();
    assert_eq!(encoded.len(), 4, "{encoded:?}");
    assert_eq!(pairs.decode(&encoded), (vec![3, 2, 3, 2], 0));
}

#[test]
fn what_cannot_be_is_refused() {
    let options = |vocabulary_size| BytePairOptions { vocabulary_size, min_frequency: 0, segmented: false };
    let learn = |base, special: &[TokenId], tokens: &[TokenId], size| {
        BytePairEncoding::learn(base, special, [vec![tokens]], &options(size)).map(|_| ())
    };
    let range = |field, value, min, max| Err(BytePairError::OutOfRange { field, value, min, max });
    assert_eq!(learn(8, &[], &[1], 8), range("vocabulary size", 8, 9, 1 << 20));
    assert_eq!(learn(0, &[], &[], 8), range("base vocabulary", 0, 1, 9568));
    assert_eq!(learn(9569, &[], &[], 9999), range("base vocabulary", 9569, 1, 9568));
    let unknown = |token, place| Err(BytePairError::UnknownToken { token, place, size: 8 });
    assert_eq!(learn(8, &[8], &[], 9), unknown(8, 0));
    assert_eq!(learn(8, &[], &[7, 9], 9), unknown(9, 1));
    let pairs = BytePairEncoding::learn(8, &[], [], &options(9)).unwrap();
    assert_eq!(pairs.encode(&[&[0, 1], &[2, 99]]).map(|_| ()), unknown(99, 3));
    assert_eq!(pairs.decode(&[1, 8, u32::MAX]), (vec![1], 2));
}

#[test]
fn files_that_are_none_are_refused() {
    let read = |json: &str| BytePairEncoding::from_json(json, 8, None).map(|_| ()).unwrap_err();
    for text in ["", "{", "[]", "{}", "null"] {
        let refused = read(text);
        let is_right = matches!(refused, BytePairError::Malformed(_) | BytePairError::Unsupported(_));
        assert!(is_right, "{text}: {refused}");
    }
    let options = BytePairOptions { vocabulary_size: 9, min_frequency: 0, segmented: false };
    let good = BytePairEncoding::learn(8, &[0], [vec![[1, 2, 1, 2].as_slice()]], &options).unwrap();
    let good = good.to_json().unwrap();
    assert!(BytePairEncoding::from_json(&good, 8, None).is_ok());
    // A base that it was not learnt on.
    assert!(matches!(BytePairEncoding::from_json(&good, 7, None), Err(BytePairError::Malformed(_))));
    assert!(matches!(BytePairEncoding::from_json(&good, 10, None), Err(BytePairError::OutOfRange { .. })));
    let other = good.replace("\"BPE\"", "\"WordLevel\"");
    assert!(matches!(read(&other), BytePairError::Unsupported(_)));
    let normalised = good.replace("\"normalizer\":null", "\"normalizer\":{\"type\":\"Lowercase\"}");
    assert!(matches!(read(&normalised), BytePairError::Unsupported(_)));
    let twice = BytePairEncoding::from_json(&good, 8, Some(&['!'; 8])).map(|_| ());
    assert!(matches!(twice, Err(BytePairError::Malformed(_))));
    // Characters for another number of base tokens than is said, though the file has as many.
    let characters: Vec<char> = ('!'..).take(8).collect();
    let with =
        |base| BytePairEncoding::from_json(&good, base, Some(&characters)).map(|pairs| pairs.base_size());
    assert_eq!(with(8), Ok(8));
    let field = "characters of base tokens";
    for base in [7, 9] {
        let range = BytePairError::OutOfRange { field, value: 8, min: base, max: base };
        assert_eq!(with(base), Err(range));
    }
}

proptest! {
    #[test]
    fn any_tokens_come_back(
        corpus in prop::collection::vec(prop::collection::vec(prop::collection::vec(0_u32..20, 0..12), 0..4), 0..8),
        sequence in prop::collection::vec(prop::collection::vec(0_u32..20, 0..30), 0..6),
        segmented in any::<bool>(),
        size in 21_usize..60,
    ) {
        let options = BytePairOptions { vocabulary_size: size, min_frequency: 0, segmented };
        let pairs = learn(20, &corpus, &options);
        prop_assert!(pairs.vocabulary_size() <= size.max(21));
        let segments: Vec<&[TokenId]> = sequence.iter().map(Vec::as_slice).collect();
        let encoded = pairs.encode(&segments).unwrap();
        prop_assert_eq!(pairs.decode(&encoded), (sequence.concat(), 0));
        // And after a round through the file.
        let again = BytePairEncoding::from_json(&pairs.to_json().unwrap(), 20, None).unwrap();
        prop_assert_eq!(again.encode(&segments).unwrap(), encoded);
        prop_assert_eq!(again.is_segmented(), segmented);
    }
}
