//! `shipped losses`: the Transformer's loss on the validation pieces of each corpus.

use std::path::{Path, PathBuf};

use deepcompose::models::transformer::{Piece, TokenDataset, TransformerXl, Vocabulary, evaluate_tokens};
use deepcompose::models::{Device, data, pretrained, weights};

use crate::corpus::continuation;
use crate::training::{Result, say};

/// What the ids of each corpus begin with.
const CORPORA: [(&str, &str); 5] = [
    ("pop909_", "POP909, melodies and pianos"),
    ("nott_", "Nottingham, melodies"),
    ("ewld_", "OpenEWLD, melodies"),
    ("lieder_", "OpenScore Lieder, voices"),
    ("valid-", "JSB chorales"),
];

/// One column for each of the weights, the embedded ones first.
pub(crate) fn run(folder: &Path, files: &[PathBuf], pop_songs: usize) -> Result<()> {
    let device = Device::default();
    let mut networks: Vec<TransformerXl> = vec![pretrained::transformer(&device)?];
    for file in files {
        networks.push(weights::load(file, &device)?);
    }
    let valid = continuation(folder, pop_songs)?.valid;
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(16));
    let print = |name: &str, pieces: &[&data::Piece]| -> Result<()> {
        let mut line = String::new();
        let mut tokens = 0;
        for network in &networks {
            let vocabulary = network.config().tokenizer.unwrap_or(Vocabulary::Performance);
            let encoded = pieces.iter().map(|piece| Piece::new(vocabulary.encode(&piece.score))).collect();
            let data = TokenDataset::new(encoded, vocabulary.layout())?;
            let evaluation = evaluate_tokens(network, &data, workers)?;
            tokens = evaluation.tokens;
            line += &format!("  {:>8.4}", evaluation.nats_per_token);
        }
        say!("{name:<28}  {:>6}  {tokens:>6}{line}", pieces.len());
        Ok(())
    };
    let names = std::iter::once("embedded".to_owned()).chain((1..).map(|number| format!("file {number}")));
    let names: String = names.take(networks.len()).map(|name| format!("  {name:>8}")).collect();
    say!("{:<28}  pieces  tokens{names}", "nats a token");
    for (prefix, name) in CORPORA {
        let pieces: Vec<_> = valid.iter().filter(|piece| piece.id.starts_with(prefix)).collect();
        if !pieces.is_empty() {
            print(name, &pieces)?;
        }
    }
    print("all", &valid.iter().collect::<Vec<_>>())
}
