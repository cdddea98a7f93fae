//! `train gan`.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use deepcompose::core::Score;
use deepcompose::midi;
use deepcompose::models::Device;
use deepcompose::models::data::{Piece, split_by_id};
use deepcompose::models::gan::{
    GanConfig, GanDataset, GanEvaluation, GanPiece, GanTrainer, GanTraining, Genre, TrackRole,
};
use deepcompose::models::weights::{self, Precision};
use serde::Deserialize;

use crate::corpus::midi_files;

#[derive(Args)]
pub(crate) struct Options {
    /// The folder of the corpora
    #[arg(long)]
    data: PathBuf,
    /// Where checkpoints and weights go
    #[arg(long)]
    out: PathBuf,
    /// Generator steps of the whole run
    #[arg(long, default_value_t = GanTraining::accompaniment().steps)]
    steps: usize,
    /// Windows a step
    #[arg(long, default_value_t = GanTraining::accompaniment().batch_size)]
    batch: usize,
    #[arg(long, default_value_t = GanTraining::accompaniment().learning_rate)]
    learning_rate: f64,
    /// Filters of the first level
    #[arg(long, default_value_t = GanConfig::accompaniment().filters())]
    filters: usize,
    /// Steps between two validations
    #[arg(long, default_value_t = 250)]
    validate_every: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    genre: Genre,
    split: String,
}

pub(crate) fn run(o: Options) -> Result<(), Box<dyn Error>> {
    let (train, valid) = corpus(&o.data)?;
    println!("{} training windows, {} validation windows", train.len(), valid.len());
    for genre in Genre::ALL {
        println!("  {genre}: {} training, {} validation", train.genre_len(genre), valid.genre_len(genre));
    }
    let checkpoint = o.out.join("checkpoint");
    std::fs::create_dir_all(&o.out)?;
    let device = Device::default();
    let mut trainer = if checkpoint.exists() {
        GanTrainer::resume(&checkpoint, train, &device)?
    } else {
        let config = GanConfig::accompaniment().to_builder().filters(o.filters).build()?;
        let training = GanTraining {
            steps: o.steps,
            batch_size: o.batch,
            learning_rate: o.learning_rate,
            seed: o.seed,
            ..GanTraining::accompaniment()
        };
        GanTrainer::new(config, training, train, &device)?
    };
    let begun = Instant::now();
    let mut failed: Option<Box<dyn Error>> = None;
    trainer.run(&mut |trainer, step| {
        if step.step.is_multiple_of(o.validate_every) || step.step == trainer.training().steps {
            let report = || -> Result<(), Box<dyn Error>> {
                let reconstruction = step.reconstruction_loss.unwrap_or(f64::NAN);
                println!(
                    "step {}: distance {:.2}, penalty {:.3}, reconstruction {reconstruction:.5}, {} s",
                    step.step,
                    step.distance,
                    step.penalty,
                    begun.elapsed().as_secs()
                );
                print(&trainer.evaluate(&valid, 256, 1)?);
                trainer.save(&checkpoint)?;
                weights::save(&trainer.generator(), o.out.join("last.safetensors"), Precision::Full)?;
                Ok(())
            };
            if let Err(error) = report() {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(()), Err)
}

/// A table of the generated tracks' metrics against those of the tracks that were played.
fn print(e: &GanEvaluation) {
    println!("  valid: reconstruction {:.5} nats a cell over {} windows", e.reconstruction_loss, e.windows);
    for role in TrackRole::ALL {
        let i = role.index();
        let (ours, theirs) = (&e.generated[i], &e.played[i]);
        println!(
            "  {:<7} precision {:.2} recall {:.2} empty bars {:.2}/{:.2} pitches a bar {:.1}/{:.1} in scale {:.2}/{:.2}",
            role.to_string(),
            e.precision[i],
            e.recall[i],
            ours.empty_bar_rate,
            theirs.empty_bar_rate,
            ours.pitches_per_bar,
            theirs.pitches_per_bar,
            ours.in_scale_rate.unwrap_or(f64::NAN),
            theirs.in_scale_rate.unwrap_or(f64::NAN),
        );
    }
}

/// Rendered bands in six genres by the split of their manifest, and string quartets and songs with
/// piano as classical, split by piece.
fn corpus(data: &Path) -> Result<(GanDataset, GanDataset), Box<dyn Error>> {
    let (mut train, mut valid) = (Vec::new(), Vec::new());
    let manifest = data.join("mma_synth/manifest.json");
    let entries: Vec<Entry> = serde_json::from_reader(std::fs::File::open(&manifest)?)
        .map_err(|e| format!("{}: {e}", manifest.display()))?;
    for entry in entries {
        let Some(piece) = piece(&data.join("mma_synth").join(&entry.file), entry.genre) else { continue };
        match entry.split.as_str() {
            "train" => train.push(piece),
            "valid" => valid.push(piece),
            _ => {}
        }
    }
    let mut classical = Vec::new();
    for (folder, every) in [("openscore_quartets", 1), ("openscore_lieder", 8)] {
        for (id, path) in midi_files(&data.join(folder), "")?.into_iter().step_by(every) {
            if let Ok(score) = midi::read(&path) {
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

fn piece(path: &Path, genre: Genre) -> Option<GanPiece> {
    let score = midi::read(path).ok()?;
    GanPiece::from_score(&score, genre, None).ok()
}
