//! The same bits, however the work is done.

use std::sync::Arc;

use deepcompose_engines::kernels::Instructions;
use deepcompose_engines::transformer::{
    BatchDecoder, DecodePrecision, Decoder, TransformerEngine, TransformerSizes,
};
use proptest::prelude::*;

use super::network::{random_tokens, random_weights};
use super::{engine, sizes};

const PRECISIONS: [DecodePrecision; 3] =
    [DecodePrecision::Single, DecodePrecision::Bfloat16, DecodePrecision::Eight];

fn precision() -> impl Strategy<Value = DecodePrecision> {
    proptest::sample::select(PRECISIONS.to_vec())
}

fn bits(logits: &[f32]) -> Vec<u32> {
    logits.iter().map(|logit| logit.to_bits()).collect()
}

/// The logits after every token.
fn steps(decoder: &mut Decoder, tokens: &[u32]) -> Vec<Vec<u32>> {
    tokens.iter().map(|token| bits(decoder.push(*token).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn prompts_may_be_cut_anywhere(
        sizes in sizes(),
        precision in precision(),
        cuts in prop::collection::vec(1..150usize, 1..5),
        seed in 0..1000u64,
    ) {
        let engine = engine(&sizes, precision, seed);
        let tokens = random_tokens(&sizes, cuts.iter().sum(), seed);
        let expected = steps(&mut Decoder::new(&engine), &tokens);
        let mut decoder = Decoder::new(&engine);
        let mut at = 0;
        for cut in cuts {
            let logits = bits(decoder.push_all(&tokens[at..at + cut]).unwrap());
            at += cut;
            prop_assert_eq!(&logits, &expected[at - 1]);
            prop_assert_eq!(decoder.positions(), at);
        }
        // Read again from the start, over what the ring held.
        decoder.reset();
        prop_assert!(decoder.logits().is_empty());
        prop_assert_eq!(&steps(&mut decoder, &tokens[..5.min(at)]), &expected[..5.min(at)]);
    }

    #[test]
    fn a_batch_is_as_many_decoders(
        sizes in sizes(),
        precision in precision(),
        prompts in prop::collection::vec(0..100usize, 1..12),
        gone in 0..12usize,
        seed in 0..1000u64,
    ) {
        // All from one prompt; then every sequence its own way.
        let engine = engine(&sizes, precision, seed);
        let mut prompt = Decoder::new(&engine);
        for token in random_tokens(&sizes, prompts[0], seed) {
            prompt.push(token).unwrap();
        }
        let count = prompts.len();
        let mut batch = BatchDecoder::fork(&prompt, count).unwrap();
        prop_assert_eq!(batch.logits(count - 1), prompt.logits());
        let mut singles = vec![prompt; count];
        let gone = gone % count;
        for step in 0..20 {
            let tokens = random_tokens(&sizes, batch.len(), seed + step);
            let logits = bits(batch.step(&tokens).unwrap());
            for (single, (token, logits)) in
                singles.iter_mut().zip(tokens.iter().zip(logits.chunks_exact(sizes.vocabulary)))
            {
                let expected = bits(single.push(*token).unwrap());
                prop_assert_eq!(logits, &expected);
            }
            if step == 9 {
                batch.retain(|index| index != gone);
                singles.remove(gone);
                prop_assert_eq!(batch.len(), singles.len());
                for (index, single) in singles.iter().enumerate() {
                    prop_assert_eq!(batch.logits(index), single.logits());
                }
            }
        }
    }

    #[test]
    fn all_instructions_give_the_same_bits(
        sizes in sizes(),
        precision in precision(),
        length in 1..150usize,
        seed in 0..1000u64,
    ) {
        let tokens = random_tokens(&sizes, length, seed);
        let results = Instructions::available().into_iter().map(|instructions| {
            let engine = TransformerEngine::new(sizes, &random_weights(&sizes, seed), precision).unwrap();
            let mut decoder = Decoder::new(&Arc::new(engine.with_instructions(instructions)));
            let prompt = bits(decoder.push_all(&tokens).unwrap());
            (prompt, bits(decoder.push(tokens[0]).unwrap()))
        });
        let results: Vec<_> = results.collect();
        prop_assert!(results.iter().all(|result| *result == results[0]));
    }
}

#[test]
fn threads_give_the_same_bits() {
    // Wide enough that the work is shared out even for one token.
    let sizes = TransformerSizes {
        layers: 2,
        heads: 5,
        d_model: 260,
        d_head: 50,
        d_inner: 1100,
        vocabulary: 3000,
        memory: 100,
        pre_norm: true,
    };
    let tokens = random_tokens(&sizes, 150, 1);
    for precision in PRECISIONS {
        let engine = engine(&sizes, precision, 1);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut decoder = Decoder::new(&engine);
                decoder.push_all(&tokens).unwrap();
                let mut all = steps(&mut decoder, &tokens[..10]);
                let mut batch = BatchDecoder::fork(&decoder, 3).unwrap();
                all.push(bits(batch.step(&tokens[..3]).unwrap()));
                all
            })
        };
        let one = run(1);
        assert_eq!(run(2), one);
        assert_eq!(run(5), one);
        // Without a pool of its own.
        let mut decoder = Decoder::new(&engine);
        decoder.push_all(&tokens).unwrap();
        assert_eq!(steps(&mut decoder, &tokens[..10]), one[..10]);
    }
}

// Five panels of 64 logits, and nineteen, more than are computed in one go.
#[test]
fn sequences_leave_a_batch_one_after_another() {
    for vocabulary in [310, 1200] {
        let sizes = TransformerSizes {
            layers: 1,
            heads: 2,
            d_model: 16,
            d_head: 8,
            d_inner: 24,
            vocabulary,
            memory: 12,
            pre_norm: true,
        };
        let engine = engine(&sizes, DecodePrecision::Single, 5);
        let mut prompt = Decoder::new(&engine);
        prompt.push_all(&random_tokens(&sizes, 4, 1)).unwrap();
        let mut batch = BatchDecoder::fork(&prompt, 9).unwrap();
        let mut singles = vec![prompt; 9];
        for step in 0.. {
            let tokens = random_tokens(&sizes, batch.len(), step);
            let logits = batch.step(&tokens).unwrap();
            for ((single, token), logits) in
                singles.iter_mut().zip(&tokens).zip(logits.chunks_exact(vocabulary))
            {
                assert_eq!(bits(single.push(*token).unwrap()), bits(logits));
            }
            if singles.len() == 1 {
                break;
            }
            let gone = step as usize % singles.len();
            batch.retain(|index| index != gone);
            singles.remove(gone);
        }
        // Eight at once, and back from none.
        batch.retain(|_| false);
        assert!(batch.is_empty());
    }
}
