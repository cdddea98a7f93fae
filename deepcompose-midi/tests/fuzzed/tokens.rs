//! Token ids to scores, scores to token ids, and tokenizers from text.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use arbitrary::Unstructured;
use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
use deepcompose_core::{PerformanceClock, PerformanceTokenizer, SatbTokenizer, TokenId, Tokenizer};
use deepcompose_midi::canonical;

use super::scores::{any_score, check_written};

/// Any ids decode to a score that can be written, and its tokens keep to the grammar.
pub fn decode(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let Some(tokenizer) = any_tokenizer(&mut u) else { return };
    let ids = ids(&mut u, tokenizer.vocabulary_size());
    let decoded = tokenizer.decode(&ids);
    check_written(&canonical(&decoded.score));
    check_tokens(&*tokenizer, &tokenizer.encode(&decoded.score));
    check_written(&canonical(&tokenizer.decode_tracks(&[ids.clone(), ids]).score));
}

/// Any score has tokens that keep to the grammar, and they decode to a score that can be written.
pub fn encode(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let Some(tokenizer) = any_tokenizer(&mut u) else { return };
    let Ok(score) = any_score(&mut u) else { return };
    let sequences = tokenizer.encode_tracks(&score);
    sequences.iter().for_each(|tokens| check_tokens(&*tokenizer, tokens));
    check_written(&canonical(&tokenizer.decode_tracks(&sequences).score));
}

/// Any text is a configuration or none; one that is works, and its own text says the same.
pub fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(tokenizer) = MusicTokenizer::from_json(text) else { return };
    let again = MusicTokenizer::from_json(&tokenizer.to_json()).expect("as it was written");
    // Lists that are sets to MidiTok may change their order: the tokens do not.
    let names =
        |t: &MusicTokenizer| (0..=t.vocabulary_size()).map(|id| t.token_name(id as TokenId)).collect();
    let (names, names_again): (Vec<_>, Vec<_>) = (names(&tokenizer), names(&again));
    assert_eq!(names_again, names);
    let ids = ids(&mut Unstructured::new(bytes), tokenizer.vocabulary_size());
    check_written(&canonical(&tokenizer.decode(&ids).score));
}

/// All ids are in the vocabulary, and neighbours keep to the graph.
fn check_tokens(tokenizer: &dyn Tokenizer, tokens: &[TokenId]) {
    let kind = |id: TokenId| tokenizer.token_type(id).expect("in the vocabulary");
    tokens.iter().for_each(|id| {
        kind(*id);
    });
    if tokenizer.token_name(0).is_some_and(|name| name == "PAD_None") {
        // MidiTok's graphs, which those of the REMI family are, forbid some of what MidiTok writes.
        return;
    }
    for pair in tokens.windows(2) {
        let name = |i: usize| tokenizer.token_name(pair[i]).unwrap_or_default();
        assert!(tokenizer.may_follow(kind(pair[0]), kind(pair[1])), "{} after {}", name(1), name(0));
    }
}

/// Ids of which most are in the vocabulary, some just past it, some anywhere.
fn ids(u: &mut Unstructured<'_>, vocabulary_size: usize) -> Vec<TokenId> {
    let size = vocabulary_size as TokenId;
    let mut ids = Vec::new();
    while let (false, Ok(id)) = (u.is_empty(), u.arbitrary::<u16>()) {
        let id = TokenId::from(id);
        ids.push(if id >= 0xFF00 { TokenId::MAX - id } else { id % (size + 2) });
    }
    ids
}

/// None if the options do not go together.
type AnyTokenizer = Option<Rc<dyn Tokenizer>>;

fn any_tokenizer(u: &mut Unstructured<'_>) -> AnyTokenizer {
    thread_local! {
        // A vocabulary takes longer to build than a short sequence to decode.
        static BUILT: RefCell<HashMap<(u8, u8), AnyTokenizer>> = RefCell::default();
    }
    let which = u.arbitrary::<u8>().ok()? % 8;
    let options = if which < 4 { u.arbitrary().ok()? } else { 0 };
    BUILT.with_borrow_mut(|built| {
        built.entry((which, options)).or_insert_with(|| build(which, options)).clone()
    })
}

fn build(which: u8, options: u8) -> AnyTokenizer {
    let Some(tokenization) = Tokenization::ALL.get(usize::from(which)) else {
        return Some(match which {
            4 | 5 => Rc::new(PerformanceTokenizer::new(PerformanceClock::Metric)),
            6 => Rc::new(PerformanceTokenizer::new(PerformanceClock::Seconds)),
            _ => Rc::new(SatbTokenizer),
        });
    };
    let has = |bit: u8| options & 1 << bit != 0;
    let config = TokenizerConfig {
        use_programs: has(0),
        one_token_stream_for_programs: has(1),
        program_changes: has(0) && has(2),
        use_chords: has(2),
        use_rests: has(3),
        use_tempos: has(4),
        use_time_signatures: has(4),
        use_sustain_pedals: has(5),
        sustain_pedal_duration: has(6),
        use_pitch_bends: has(5),
        use_control_changes: has(6),
        use_pitch_intervals: has(7),
        use_bar_end_tokens: has(6),
        use_velocities: !has(7),
        ..TokenizerConfig::default()
    };
    MusicTokenizer::new(*tokenization, config).ok().map(|t| Rc::new(t) as Rc<dyn Tokenizer>)
}
