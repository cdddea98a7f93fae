//! `weights logits`: what a model makes of an input that depends on its configuration alone.

use std::error::Error;
use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use deepcompose::models::ar_cnn::ArCnn;
use deepcompose::models::chorale::{Cells, ChoraleTransformer};
use deepcompose::models::gan::{GanCondition, Generator};
use deepcompose::models::transformer::TransformerXl;
use deepcompose::models::weights::{self, Model};
use serde_json::{Value, json};

use crate::files::write_atomically;
use crate::stdout::say;

type Outcome = Result<Value, Box<dyn Error>>;

pub(crate) fn write(file: &Path, output: &Path) -> Result<(), Box<dyn Error>> {
    let info = weights::inspect(file)?;
    let device = &Device::default();
    let mut numbers = if info.holds::<ArCnn>() {
        ar_cnn(&weights::load(file, device)?, device)?
    } else if info.holds::<ChoraleTransformer>() {
        chorale(&weights::load(file, device)?)?
    } else if info.holds::<TransformerXl>() {
        transformer(&weights::load(file, device)?, device)?
    } else if info.holds::<Generator>() {
        gan(&weights::load(file, device)?, device)?
    } else {
        return Err(super::unknown(&info, "transformer-xl or gan-generator"));
    };
    numbers["model"] = info.model.into();
    numbers["sha256"] = info.sha256.into();
    write_atomically(output, numbers.to_string().as_bytes())?;
    say!("{}", output.display());
    Ok(())
}

/// Two rolls, a tenth of whose cells sound.
fn ar_cnn(model: &ArCnn, device: &Device) -> Outcome {
    let config = model.config();
    let shape = [2, config.steps, config.pitches];
    let cells = uniform(shape.iter().product()).map(|u| f32::from(u8::from(u < 0.1))).collect();
    let rolls = Tensor::<3>::from_data(TensorData::new(cells, shape), device);
    Ok(json!({ "rolls": array(rolls.clone())?, "logits": [array(model.forward(rolls)?)?] }))
}

/// A piece of four voices, a tenth of whose cells rest: the logarithms of its cells' probabilities.
fn chorale(model: &ChoraleTransformer) -> Outcome {
    let mut numbers = uniform(usize::MAX);
    let mut cell = || numbers.next().map_or(128, |u| if u < 0.1 { 128 } else { 40 + (u * 40.0) as u8 });
    let piece: Vec<Cells> = (0..64).map(|_| [cell(), cell(), cell(), cell()]).collect();
    let log_probabilities: Vec<Vec<f64>> =
        model.log_probabilities(&piece)?.into_iter().map(Vec::from).collect();
    Ok(json!({ "piece": piece, "log_probabilities": log_probabilities }))
}

/// One sequence in two segments, the second of which goes beyond what is remembered.
fn transformer(model: &TransformerXl, device: &Device) -> Outcome {
    let config = model.config();
    let length = config.memory.min(1024) / 2 + 32;
    let tokens: Vec<i64> =
        uniform(2 * length).map(|u| (f64::from(u) * config.vocabulary as f64) as i64).collect();
    let (mut memory, mut logits) = (None, Vec::new());
    for segment in tokens.chunks(length) {
        let segment = Tensor::<2, Int>::from_data(TensorData::new(segment.to_vec(), [1, length]), device);
        let (next, kept) = model.forward(segment, memory)?;
        logits.push(array(next)?);
        memory = Some(kept);
    }
    Ok(json!({ "segments": tokens.chunks(length).collect::<Vec<_>>(), "logits": logits }))
}

/// Two windows with a fifth of the cells sounding.
fn gan(model: &Generator, device: &Device) -> Outcome {
    let config = model.config();
    let mut numbers = uniform(usize::MAX);
    let mut tensor = |shape: [usize; 4], map: fn(f32) -> f32| {
        let values = numbers.by_ref().take(shape.iter().product()).map(map).collect();
        Tensor::<4>::from_data(TensorData::new(values, shape), device)
    };
    let roll = |u| if u < 0.2 { 1.0 } else { -1.0 };
    let [tracks, steps, pitches] = config.window_shape();
    let melody = tensor([2, 1, steps, pitches], roll);
    let chords = config.chords().then(|| tensor([2, 2, steps, pitches], roll));
    let previous = config.previous().then(|| tensor([2, tracks, steps, pitches], roll));
    let [channels, rows, columns] = config.latent_shape();
    let latent = tensor([2, channels, rows, columns], |u| 4.0 * u - 2.0);
    let attributes = (config.attributes() > 0).then(|| {
        tensor([2, config.attributes(), 1, 1], |u| f32::from(u8::from(u < 0.5)))
            .reshape([2, config.attributes()])
    });
    let mut numbers = json!({ "melody": array(melody.clone())?, "latent": array(latent.clone())? });
    if let Some(chords) = &chords {
        numbers["chords"] = array(chords.clone())?;
    }
    if let Some(previous) = &previous {
        numbers["previous"] = array(previous.clone())?;
    }
    if let Some(attributes) = &attributes {
        numbers["attributes"] = array(attributes.clone())?;
    }
    let condition = GanCondition { melody, chords, previous, attributes };
    numbers["logits"] = json!([array(model.logits(&condition, latent)?)?]);
    Ok(numbers)
}

fn array<const D: usize>(tensor: Tensor<D>) -> Outcome {
    let shape = tensor.dims().to_vec();
    let values = tensor.into_data().try_into_vec::<f32>().map_err(|e| format!("{e:?}"))?;
    Ok(json!({ "shape": shape, "values": values }))
}

/// Numbers in 0..1: the top bits of a linear congruential generator (Knuth's MMIX constants).
fn uniform(count: usize) -> impl Iterator<Item = f32> {
    let next =
        |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(1), next).skip(1).take(count).map(|x| (x >> 40) as f32 / 16_777_216.0)
}
