//! Token ids, decoded scores, errors and graphs against MidiTok 3.1.0 with symusic 0.6.0;
//! `parity/miditok_parity.py` made the files and the numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;

use deepcompose_core::tokenizer::MusicTokenizer;
use deepcompose_core::{Mode, Score, TokenId, TokenType, Tokenizer};
use deepcompose_midi::read_bytes;
use serde::Deserialize;

#[derive(Deserialize)]
struct Parity {
    files: Vec<String>,
    configurations: Vec<Configuration>,
}

#[derive(Deserialize)]
struct Configuration {
    name: String,
    file: String,
    vocabulary: (usize, String),
    graph: BTreeMap<String, Vec<String>>,
    ids: Vec<Option<String>>,
    decoded: Vec<Option<String>>,
    full: BTreeMap<usize, Vec<Vec<TokenId>>>,
    corrupted: Vec<(Vec<TokenId>, usize)>,
}

impl Configuration {
    fn tokenizer(&self) -> MusicTokenizer {
        MusicTokenizer::from_json(&self.file).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }
}

fn parity() -> (Vec<Score>, Vec<Configuration>) {
    let parity: Parity = serde_json::from_str(include_str!("parity/miditok_parity.json")).unwrap();
    let scores = parity.files.iter().map(|file| read_bytes(&base64(file)).unwrap().0).collect();
    (scores, parity.configurations)
}

fn base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let text = text.trim_end_matches('=').as_bytes();
    let group = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0, |bits, c| bits << 6 | value(*c)) << (6 * (4 - chunk.len()));
        bits.to_be_bytes()[1..chunk.len()].to_vec()
    };
    text.chunks(4).flat_map(group).collect()
}

/// FNV-1a, 64 bits, of little-endian 32-bit numbers.
fn fnv(values: impl IntoIterator<Item = u32>) -> String {
    let bytes = values.into_iter().flat_map(u32::to_le_bytes);
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3));
    format!("{hash:016x}")
}

/// Sequences one after the other, each after its length.
fn flat(sequences: &[Vec<TokenId>]) -> Vec<TokenId> {
    sequences.iter().flat_map(|ids| [ids.len() as u32].into_iter().chain(ids.iter().copied())).collect()
}

#[test]
fn vocabularies_are_equal() {
    for configuration in parity().1 {
        let tokenizer = configuration.tokenizer();
        let (size, hash) = &configuration.vocabulary;
        assert_eq!(tokenizer.vocabulary_size(), *size, "{}", configuration.name);
        let names: Vec<_> = (0..*size as u32).map(|id| tokenizer.token_name(id).unwrap()).collect();
        assert_eq!(fnv(names.join("\n").chars().map(u32::from)), *hash, "{}: {names:?}", configuration.name);
    }
}

#[test]
fn ids_are_equal() {
    let (scores, configurations) = parity();
    let (mut compared, mut wrong) = (0, Vec::new());
    for configuration in &configurations {
        let tokenizer = configuration.tokenizer();
        for (file, full) in &configuration.full {
            let names = |ids: &[Vec<TokenId>]| -> Vec<_> {
                ids.iter().flatten().filter_map(|id| tokenizer.token_name(*id)).collect()
            };
            let ours = tokenizer.encode_tracks(&scores[*file]);
            if ours != *full {
                let (a, b) = (names(&ours), names(full));
                let at = a.iter().zip(&b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
                let from = at.saturating_sub(8);
                println!(
                    "{} file {file} at {at}\n  ours    {:?}\n  MidiTok {:?}",
                    configuration.name,
                    &a[from..a.len().min(at + 6)],
                    &b[from..b.len().min(at + 6)]
                );
            }
        }
        for (file, (score, expected)) in scores.iter().zip(&configuration.ids).enumerate() {
            let Some(expected) = expected else { continue };
            compared += 1;
            if fnv(flat(&tokenizer.encode_tracks(score))) != *expected {
                wrong.push((configuration.name.clone(), file));
            }
        }
    }
    let mut by_name = BTreeMap::<&str, Vec<usize>>::new();
    wrong.iter().for_each(|(name, file)| by_name.entry(name).or_default().push(*file));
    assert!(wrong.is_empty(), "{} of {compared} differ: {by_name:?}", wrong.len());
    assert!(compared > 5000, "{compared}");
}

#[test]
fn files_are_written_as_they_were_read() {
    for configuration in parity().1 {
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let mut written = value(&configuration.tokenizer().to_json());
        let mut read = value(&configuration.file);
        for versions in [&mut written, &mut read] {
            let members = versions.as_object_mut().unwrap();
            members.retain(|name, _| !name.ends_with("_version"));
            // Written in the order of a Python set, which a second reading may change.
            for set in ["programs", "use_note_duration_programs", "control_change_numbers"] {
                let set = members["config"][set].as_array_mut().unwrap();
                set.sort_by_key(serde_json::Value::as_i64);
            }
        }
        assert_eq!(written, read, "{}", configuration.name);
    }
}

/// MidiTok's name of a type.
fn type_name(tokenizer: &MusicTokenizer, kind: TokenType) -> Option<String> {
    let ids = 0..tokenizer.vocabulary_size() as u32;
    let of_type = ids.clone().find(|id| tokenizer.token_type(*id) == Some(kind))?;
    let name = tokenizer.token_name(of_type)?;
    Some(name.split('_').next()?.to_owned())
}

#[test]
fn graphs_are_equal() {
    for configuration in parity().1 {
        let tokenizer = configuration.tokenizer();
        let names: Vec<(TokenType, String)> = TokenType::ALL
            .into_iter()
            .filter_map(|kind| Some((kind, type_name(&tokenizer, kind)?)))
            .collect();
        for (before, before_name) in &names {
            let Some(expected) = configuration.graph.get(before_name) else { continue };
            let after = |(kind, _): &&(TokenType, String)| tokenizer.may_follow(*before, *kind);
            let mut ours: Vec<&str> = names.iter().filter(after).map(|(_, name)| name.as_str()).collect();
            ours.sort_unstable();
            // Types without a token in the vocabulary are in MidiTok's graph, too.
            let known = |name: &&String| names.iter().any(|(_, known)| known == *name);
            let expected: Vec<&str> = expected.iter().filter(known).map(String::as_str).collect();
            assert_eq!(ours, expected, "{}: after {before_name}", configuration.name);
        }
    }
}

/// What a score holds, as numbers, in the script's order.
fn numbers(score: &Score) -> Vec<u32> {
    let mut out = vec![score.ticks_per_quarter().get().into()];
    // The script leaves out what is in force already.
    let mut tempos = score.tempo_map().changes().to_vec();
    tempos.dedup_by_key(|change| change.value);
    for change in tempos {
        out.extend([change.tick.get(), change.value.micros()]);
    }
    for change in score.time_signatures() {
        out.extend([change.tick.get(), change.value.numerator().into(), change.value.denominator().into()]);
    }
    let mut keys = score.key_signatures().to_vec();
    keys.dedup_by_key(|change| change.value);
    for change in keys {
        let sharps = i32::from(change.value.sharps()) + 7;
        out.extend([change.tick.get(), sharps as u32, u32::from(change.value.mode() == Mode::Minor)]);
    }
    for track in score.tracks() {
        out.push(if track.is_drum() { 128 } else { track.program().get().into() });
        for n in track.notes() {
            out.extend([n.start.get(), n.pitch.get().into(), n.duration.get(), n.velocity.get().into()]);
        }
        for bend in track.pitch_bends() {
            out.extend([bend.tick.get(), i32::from(bend.value.get()) as u32]);
        }
        for change in track.controls() {
            out.extend([change.tick.get(), change.value.controller().into(), change.value.value().into()]);
        }
    }
    out
}

#[test]
fn decoded_scores_are_equal() {
    let (scores, configurations) = parity();
    let (mut compared, mut mended, mut wrong) = (0, 0, BTreeMap::<&str, Vec<usize>>::new());
    for configuration in &configurations {
        let tokenizer = configuration.tokenizer();
        // MidiTok passes over bars with numbers.
        if tokenizer.config().max_bar_embedding.is_some() {
            continue;
        }
        for (file, (score, expected)) in scores.iter().zip(&configuration.decoded).enumerate() {
            let Some(expected) = expected else { continue };
            let decoded = tokenizer.decode_tracks(&tokenizer.encode_tracks(score));
            if !decoded.repairs.is_clean() {
                // MIDI-Like with chords puts the off of a note of no length before its on. Then MidiTok
                // pairs the on with the next off of the key; here it sounds to the end.
                mended += 1;
                continue;
            }
            compared += 1;
            if fnv(numbers(&decoded.score)) != *expected {
                wrong.entry(&configuration.name).or_default().push(file);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} of {compared}");
    assert!(mended < 20, "{mended}");
    assert!(compared > 5000, "{compared}");
}

#[test]
fn errors_are_as_many() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for configuration in parity().1 {
        let tokenizer = configuration.tokenizer();
        // MidiTok passes over bars with numbers.
        let corrupted =
            configuration.corrupted.iter().filter(|_| tokenizer.config().max_bar_embedding.is_none());
        for (ids, expected) in corrupted {
            compared += 1;
            let errors = tokenizer.token_errors(ids);
            if errors.total() != *expected {
                wrong.push((configuration.name.clone(), *expected, errors));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?} of {compared}");
    assert!(compared > 200, "{compared}");
}

/// Real files, if `DEEPCOMPOSE_MIDITOK` names what the script printed of them: says how many differ.
#[test]
fn corpora() {
    let Some(path) = std::env::var_os("DEEPCOMPOSE_MIDITOK") else {
        println!("skipped: DEEPCOMPOSE_MIDITOK is not set");
        return;
    };
    let tokenizers: Vec<MusicTokenizer> = parity().1.iter().map(Configuration::tokenizer).collect();
    let names: Vec<String> = parity().1.into_iter().map(|c| c.name).collect();
    let mut counts = BTreeMap::<String, [usize; 3]>::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [number, expected, file] = fields[..] else { continue };
        let number: usize = number.parse().unwrap();
        let Ok((score, _)) = deepcompose_midi::read(file) else { continue };
        let outcome = if expected.len() != 16 {
            2 // MidiTok fails
        } else {
            usize::from(fnv(flat(&tokenizers[number].encode_tracks(&score))) != *expected)
        };
        if outcome == 1 {
            println!("{}: {file}", names[number]);
        }
        let folder = file.rsplit('/').nth(1).unwrap_or_default();
        for key in [format!("  {}", names[number]), format!("in {folder}")] {
            counts.entry(key).or_default()[outcome] += 1;
        }
    }
    counts.iter().for_each(|(key, [equal, differ, failed])| {
        println!("{key}: {equal} equal, {differ} differ, MidiTok fails on {failed}");
    });
}
