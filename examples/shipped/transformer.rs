//! `shipped transformer`.

use deepcompose::models::data;
use deepcompose::models::training::TrainConfig;
use deepcompose::models::transformer::{
    Piece, TokenDataset, TransformerTrainConfig, TransformerTrainer, Vocabulary,
};

use crate::corpus::continuation;
use crate::training::{Common, Fields, Result};

const NAME: &str = "shipped-transformer";

pub(crate) fn run(common: &Common, pop_songs: usize) -> Result<()> {
    let mut config: TransformerTrainConfig = common.config(NAME, TrainConfig::default())?;
    config.training.validate()?;
    let data = common.data.as_deref().ok_or("--data names the folder of the corpora")?;
    let corpus = continuation(data, pop_songs)?;
    let vocabulary = Vocabulary::Performance;
    let dataset = |pieces: Vec<data::Piece>| {
        let pieces = pieces.iter().map(|p| Piece::new(vocabulary.encode(&p.score)));
        TokenDataset::new(pieces.collect(), vocabulary.layout())
    };
    let (train, valid) = (dataset(corpus.train)?, dataset(corpus.valid)?);
    let count = |data: &TokenDataset| (data.pieces().len(), data.tokens());
    println!("training pieces and tokens: {:?}, validation: {:?}", count(&train), count(&valid));
    let epoch = train.tokens().div_ceil((config.training.lanes * config.model.segment).max(1));
    let TransformerTrainConfig { training, run, .. } = &mut config;
    common.apply(epoch, Fields { steps: &mut training.steps, seed: &mut training.seed, run });
    let device = config.run.devices()?.into_iter().next().unwrap_or_default();
    let mut trainer = TransformerTrainer::new(&config, train, valid, &device)?;
    let run = common.open(NAME, &config, &mut trainer)?;
    common.supervised(run, &mut trainer, "nats a token", config.training.steps, &mut |_, _| Ok(()))
}
