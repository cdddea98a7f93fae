//! `shipped transformer`.

use deepcompose::models::data;
use deepcompose::models::pretrained;
use deepcompose::models::training::{Freeze, TrainConfig};
use deepcompose::models::transformer::{
    Piece, TokenDataset, TransformerTrainConfig, TransformerTrainer, TransformerXl, Vocabulary,
};

use crate::corpus::continuation;
use crate::training::{Common, Result, say};

const NAME: &str = "shipped-transformer";

pub(crate) fn run(common: &Common, pop_songs: usize) -> Result<()> {
    common.refuse(&["--sample-every"], "in this training")?;
    let mut config: TransformerTrainConfig = common.config(NAME, TrainConfig::default())?;
    let devices = config.run.devices()?;
    let [device] = devices.as_slice() else { return Err("this training runs on one device".into()) };
    let tuned: Option<TransformerXl> = common.fine_tune(NAME, pretrained::transformer, device)?;
    if let Some(model) = &tuned {
        config.model = model.config().clone();
    }
    if !common.freeze.is_empty() {
        config.training.freeze = Freeze::new(&common.freeze);
    }
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
    say!("training pieces and tokens: {:?}, validation: {:?}", count(&train), count(&valid));
    let per_step = config.training.lanes * config.training.accumulate * config.model.segment;
    let epoch = train.tokens().div_ceil(per_step.max(1));
    let training = &mut config.training;
    common.apply(epoch, &mut training.steps, &mut training.seed);
    let mut trainer = match tuned {
        Some(model) => TransformerTrainer::fine_tune(model, &config.training, train, valid)?,
        None => TransformerTrainer::new(&config, train, valid, device)?,
    };
    let run = common.open(NAME, &config, &mut trainer)?;
    common.supervised(run, &mut trainer, "nats a token", config.training.steps, &mut |_, _| Ok(()))
}
