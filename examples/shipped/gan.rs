//! `shipped gan`.

use std::path::Path;

use deepcompose::core::Score;
use deepcompose::midi;
use deepcompose::models::data::{Piece, split_by_id};
use deepcompose::models::gan::{GanDataset, GanPiece, Genre};
use deepcompose::models::training::TrainConfig;

use crate::corpus::midi_files;
use crate::manifest::{Manifest, TRAINING};
use crate::start::Start;
use crate::training::{Common, Result};

const NAME: &str = "shipped-gan";

pub(crate) fn run(common: &Common) -> Result<()> {
    common.refuse(&["--dashboard", "--sample-every"], "in this training")?;
    let mut start = Start::new(common, NAME, TrainConfig::default())?;
    let data = common.data.as_deref().ok_or("--data names the folder of the corpora")?;
    let (train, valid) = corpus(data)?;
    let mut trainer = start.trainer(common, train, valid)?;
    let run = common.open(NAME, &start.config, &mut trainer)?;
    let unit = "nats a cell of reconstruction";
    common.adversarial(run, &mut trainer, unit, start.config.training.steps, &mut |_, _| Ok(()))
}

/// Rendered bands in six genres by the split of their manifest, and string quartets and songs with
/// piano as classical, split by piece.
fn corpus(data: &Path) -> Result<(GanDataset, GanDataset)> {
    let bands = data.join("mma_synth");
    let manifest = Manifest::read(&bands)?.ok_or_else(|| format!("{}: no manifest.json", bands.display()))?;
    let split = |name| {
        manifest.pieces(name, usize::MAX, |score, genre| GanPiece::from_score(score, genre, None).ok())
    };
    let (mut train, mut valid) = (split(TRAINING)?, split("valid")?);
    let mut classical = Vec::new();
    for (folder, every) in [("openscore_quartets", 1), ("openscore_lieder", 8)] {
        for (id, path) in midi_files(&data.join(folder), "")?.into_iter().step_by(every) {
            if let Ok((score, _)) = midi::read(&path) {
                classical.push(Piece { id, score });
            }
        }
    }
    let (classical_train, classical_valid) = split_by_id(classical, 0.1);
    let cut = |pieces: Vec<Piece>| -> Vec<GanPiece> {
        pieces
            .iter()
            .filter_map(|p| GanPiece::from_score(&p.score, Genre::Classical, first(&p.score)).ok())
            .collect()
    };
    train.extend(cut(classical_train));
    valid.extend(cut(classical_valid));
    Ok((GanDataset::new(train), GanDataset::new(valid)))
}

/// The voice of a song and the first violin of a quartet come first.
fn first(score: &Score) -> Option<usize> {
    score.tracks().iter().position(|t| !t.notes().is_empty())
}
