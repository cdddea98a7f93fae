//! Runs of all three trainers: they stop, resume and end with the same bytes; what they keep; what they refuse.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drawn;
mod small;

use std::ops::ControlFlow;
use std::path::Path;

use deepcompose_models::ar_cnn::ArCnnTrainer;
use deepcompose_models::training::{Ending, Outcome, Run, RunSettings, TrainError, TrainEvent, Trainer};
use deepcompose_models::weights::{self, Precision};
use deepcompose_models::{WeightsError, training};

fn settings() -> RunSettings {
    RunSettings { validate_every: 4, checkpoint_every: 3, ..RunSettings::default() }
}

fn go_on<T>(_: &T, _: &TrainEvent<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn whole<T: Trainer>(folder: &Path, mut trainer: T) -> Outcome {
    Run::create(folder, &settings()).unwrap().train(&mut trainer, &mut go_on).unwrap()
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

/// Stops a run after `stop` steps with the trainer thrown away, resumes it with a new one, and compares.
fn resumes<T: Trainer>(new: impl Fn() -> T, stop: usize) {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = whole(one.path(), new());
    assert_eq!(expected.ending, Ending::Done);

    let mut run = Run::create(two.path(), &settings()).unwrap();
    let stopped = run.train(&mut new(), &mut |trainer, event| match event {
        TrainEvent::Step { .. } if trainer.step() == stop => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    let stopped = stopped.unwrap();
    assert_eq!((stopped.ending, stopped.step), (Ending::Stopped, stop));
    drop(run);

    let mut run = Run::open(two.path(), &settings()).unwrap();
    let mut trainer = new();
    assert_eq!(run.restore(&mut trainer).unwrap(), Some(stop));
    let mut first = None;
    let outcome = run.train(&mut trainer, &mut |trainer, _| {
        first.get_or_insert(trainer.step());
        ControlFlow::Continue(())
    });
    assert_eq!((first, outcome.unwrap()), (Some(stop + 1), expected));
    for file in ["last.safetensors", "best.safetensors"] {
        assert!(bytes(one.path(), file) == bytes(two.path(), file), "{file} differs");
    }
}

#[test]
fn an_ar_cnn_that_is_stopped_ends_with_the_same_bytes() {
    resumes(|| small::ar_cnn(10), 5);
}

#[test]
fn an_ar_cnn_on_several_threads_ends_with_the_same_bytes() {
    let new = || {
        let mut config = small::ar_cnn_config(8);
        config.training.workers = 3;
        config.training.accumulate = 2;
        config.training.clip = Some(0.5);
        let device = deepcompose_models::Device::default();
        ArCnnTrainer::new(&config, small::scales(), small::scales(), &device).unwrap()
    };
    resumes(new, 3);
}

#[test]
fn a_transformer_that_is_stopped_ends_with_the_same_bytes() {
    resumes(|| small::transformer(10), 5);
}

#[test]
fn a_transformer_that_accumulates_ends_with_the_same_bytes() {
    let new = || {
        let mut config = small::transformer_config(8);
        config.training.accumulate = 3;
        let device = deepcompose_models::Device::default();
        let (train, valid) = (small::chords(), small::chords());
        deepcompose_models::transformer::TransformerTrainer::new(&config, train, valid, &device).unwrap()
    };
    resumes(new, 3);
}

#[test]
fn a_gan_that_is_stopped_ends_with_the_same_bytes() {
    resumes(|| small::gan(6), 3);
}

#[test]
fn so_does_one_with_an_encoder_own_tracks_and_averages() {
    resumes(|| small::gan_with_all(6), 3);
}

#[test]
fn fine_tuning_leaves_what_is_frozen_and_resumes() {
    use deepcompose_models::ar_cnn::{ArCnn, ArCnnTrainer};
    use deepcompose_models::weights::Model;

    let device = deepcompose_models::Device::default();
    let mut config = small::ar_cnn_config(6);
    config.training.freeze = training::Freeze::new(["encoder", "bottleneck.conv1"]);
    let before = drawn::drawn(ArCnn::build(&config.model, &device).unwrap(), 4);
    let bytes = weights::to_bytes(&before, Precision::Full).unwrap();
    let new = || {
        let model: ArCnn = weights::from_bytes(&bytes, &device).unwrap();
        ArCnnTrainer::fine_tune(model, &config.training, small::scales(), small::scales()).unwrap()
    };
    resumes(new, 3);
    let mut trainer = new();
    while !trainer.is_done() {
        trainer.train_step().unwrap();
    }
    let after = weights::to_bytes(&trainer.model(), Precision::Full).unwrap();
    let (before, after) = [&bytes, &after].map(|b| safetensors::SafeTensors::deserialize(b).unwrap()).into();
    for (name, tensor) in before.iter() {
        let same = after.tensor(name).unwrap().data() == tensor.data();
        let frozen = name.starts_with("encoder.") || name.starts_with("bottleneck.conv1.");
        assert_eq!(same, frozen, "{name}");
    }
}

#[test]
fn burn_train_follows_a_run_and_changes_nothing_of_it() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = whole(one.path(), small::ar_cnn(9));
    let mut run = Run::create(two.path(), &settings()).unwrap();
    let outcome = run.train_supervised(&mut small::ar_cnn(9), |training| training, &mut go_on).unwrap();
    assert_eq!(outcome, expected);
    assert!(bytes(one.path(), "last.safetensors") == bytes(two.path(), "last.safetensors"));
    // burn-train's own log of the validations, one folder an epoch: after steps 4, 8 and 9.
    for epoch in 1..=3 {
        let log = two.path().join(format!("metrics/valid/epoch-{epoch}/Loss.log"));
        assert!(log.exists(), "{}", log.display());
    }
    // Its interrupter stops the run, with a checkpoint.
    let three = tempfile::tempdir().unwrap();
    let mut run = Run::create(three.path(), &settings()).unwrap();
    let interrupter = burn::train::Interrupter::new();
    let handle = interrupter.clone();
    let stopped = run.train_supervised(
        &mut small::transformer(9),
        |training| training.with_interrupter(interrupter),
        &mut |trainer, _| {
            if trainer.step() == 2 {
                handle.stop(Some("enough"));
            }
            ControlFlow::Continue(())
        },
    );
    let stopped = stopped.unwrap();
    assert_eq!(stopped.ending, Ending::Stopped);
    assert_eq!(run.checkpoints().unwrap().last().unwrap().0, stopped.step);
}

#[test]
fn the_last_checkpoints_and_the_best_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::create(folder.path(), &settings()).unwrap();
    let mut validations = Vec::new();
    let outcome = run
        .train(&mut small::ar_cnn(30), &mut |_, event| {
            if let TrainEvent::Validation { step, loss, best } = event {
                validations.push((*step, *loss, *best));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(validations.iter().map(|v| v.0).collect::<Vec<_>>(), [4, 8, 12, 16, 20, 24, 28, 30]);
    let lowest = validations.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let best = outcome.best.unwrap();
    assert_eq!((best.step, best.loss), (lowest.0, lowest.1));
    assert!(lowest.2);
    let mut kept: Vec<usize> = run.checkpoints().unwrap().into_iter().map(|c| c.0).collect();
    assert!(kept.contains(&best.step));
    kept.retain(|step| *step != best.step);
    assert!([vec![28], vec![30], vec![28, 30]].contains(&kept), "{kept:?} beside the best {}", best.step);
    // The best weights are those of the best checkpoint.
    let path = run.checkpoints().unwrap().into_iter().find(|c| c.0 == best.step).unwrap().1;
    let only = tempfile::tempdir().unwrap();
    let copy = only.path().join("checkpoints");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    let mut trainer = small::ar_cnn(30);
    Run::open(only.path(), &settings()).unwrap().restore(&mut trainer).unwrap();
    assert!(
        weights::to_bytes(&trainer.model(), Precision::Full).unwrap()
            == bytes(folder.path(), "best.safetensors")
    );
    // The log tells the same.
    let log = String::from_utf8(bytes(folder.path(), "log.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.iter().filter(|l| l["event"] == "step").count(), 30);
    let logged: Vec<f64> =
        lines.iter().filter(|l| l["event"] == "validation").map(|l| l["loss"].as_f64().unwrap()).collect();
    assert_eq!(logged, validations.iter().map(|v| v.1).collect::<Vec<_>>());
}

#[test]
fn patience_runs_out() {
    let changed = RunSettings { validate_every: 1, patience: Some(3), ..settings() };
    let folder = tempfile::tempdir().unwrap();
    // A learning rate at which nothing is learnt and the loss goes up and down.
    let mut config = small::ar_cnn_config(1000);
    config.training.learning_rate = 1.0;
    let device = deepcompose_models::Device::default();
    let mut trainer = ArCnnTrainer::new(&config, small::scales(), small::scales(), &device).unwrap();
    let mut losses = Vec::new();
    let outcome = Run::create(folder.path(), &changed)
        .unwrap()
        .train(&mut trainer, &mut |_, event| {
            if let TrainEvent::Validation { loss, .. } = event {
                losses.push(*loss);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(outcome.ending, Ending::OutOfPatience);
    let (best, worse) = losses.split_at(losses.len() - 3);
    let lowest = best.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(best.last(), Some(&lowest));
    assert!(worse.iter().all(|loss| *loss >= lowest), "{losses:?}");
    assert_eq!(outcome.best.unwrap().step, best.len());
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_the_one_before_it_taken() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    whole(one.path(), small::ar_cnn(9));
    let changed = RunSettings { keep_last: 10, ..settings() };
    let stop = |trainer: &deepcompose_models::ar_cnn::ArCnnTrainer, _: &TrainEvent<'_>| {
        if trainer.step() == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut run = Run::create(two.path(), &changed).unwrap();
    run.train(&mut small::ar_cnn(9), &mut { stop }).unwrap();
    let checkpoints = run.checkpoints().unwrap();
    assert_eq!(checkpoints.iter().map(|c| c.0).collect::<Vec<_>>(), [3, 4, 6, 7]);
    drop(run);
    let cut = |path: &Path, length: usize| {
        let all = std::fs::read(path).unwrap();
        std::fs::write(path, &all[..all.len().min(length)]).unwrap();
    };
    cut(&checkpoints[3].1, 1000);
    let mut flipped = std::fs::read(&checkpoints[2].1).unwrap();
    *flipped.last_mut().unwrap() ^= 1;
    std::fs::write(&checkpoints[2].1, flipped).unwrap();
    // What a killed process left half written is removed.
    std::fs::write(two.path().join("checkpoints/.partial-x"), b"half").unwrap();

    let mut run = Run::open(two.path(), &changed).unwrap();
    assert!(!two.path().join("checkpoints/.partial-x").exists());
    let mut trainer = small::ar_cnn(9);
    assert_eq!(run.restore(&mut trainer).unwrap(), Some(4));
    run.train(&mut trainer, &mut go_on).unwrap();
    assert!(bytes(one.path(), "last.safetensors") == bytes(two.path(), "last.safetensors"));
    drop(run);

    for (_, path) in &checkpoints {
        cut(path, 20);
    }
    for (_, path) in Run::open(two.path(), &changed).unwrap().checkpoints().unwrap() {
        cut(&path, 20);
    }
    let error = Run::open(two.path(), &changed).unwrap().restore(&mut small::ar_cnn(9)).unwrap_err();
    assert!(
        matches!(&error, TrainError::Weights(WeightsError::Malformed { what }) if what.contains("step-")),
        "{error}"
    );
}

#[test]
fn checkpoints_of_other_runs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    whole(folder.path(), small::ar_cnn(4));
    let refused = |trainer: &mut deepcompose_models::ar_cnn::ArCnnTrainer| {
        Run::open(folder.path(), &settings()).unwrap().restore(trainer).unwrap_err().to_string()
    };
    let device = deepcompose_models::Device::default();
    let other = |change: &dyn Fn(&mut deepcompose_models::ar_cnn::ArCnnTrainConfig)| {
        let mut config = small::ar_cnn_config(8);
        change(&mut config);
        let (train, valid) = (small::scales(), small::scales());
        refused(&mut deepcompose_models::ar_cnn::ArCnnTrainer::new(&config, train, valid, &device).unwrap())
    };
    assert!(
        other(&|c| c.model.filters = 8)
            .starts_with("the checkpoint was made with another network: it has ArCnnConfig")
    );
    assert_eq!(
        other(&|c| c.training.seed = 9),
        "the checkpoint was made with another seed: it has 3, this run 9"
    );
    assert!(other(&|c| c.training.batch_size = 5).contains("another batch size: it has 6, this run 5"));
    // Another trainer's, and another version's.
    let error = Run::open(folder.path(), &settings()).unwrap().restore(&mut small::gan(4)).unwrap_err();
    assert!(error.to_string().contains("trainer is ar-cnn; accepted: gan"), "{error}");
    for (_, path) in Run::open(folder.path(), &settings()).unwrap().checkpoints().unwrap() {
        let mut file = std::fs::read(&path).unwrap();
        let key = b"\"version\":\"";
        let at = file.windows(key.len()).position(|w| w == key).unwrap() + key.len();
        file[at] = b'9';
        std::fs::write(&path, file).unwrap();
    }
    assert!(other(&|_| {}).contains("version is 9; accepted: "));
    // More steps are accepted: the run goes on.
    let longer = tempfile::tempdir().unwrap();
    whole(longer.path(), small::ar_cnn(4));
    let mut run = Run::open(longer.path(), &settings()).unwrap();
    let mut trainer = small::ar_cnn(6);
    assert_eq!(run.restore(&mut trainer).unwrap(), Some(4));
    assert_eq!(run.train(&mut trainer, &mut go_on).unwrap().step, 6);
}

/// An AR-CNN whose validation gives what it is told to.
struct Told(deepcompose_models::ar_cnn::ArCnnTrainer, f64);

impl Trainer for Told {
    type Model = deepcompose_models::ar_cnn::ArCnn;
    type State = deepcompose_models::ar_cnn::ArCnnState;
    const KIND: &'static str = "ar-cnn";

    fn step(&self) -> usize {
        self.0.step()
    }

    fn total_steps(&self) -> usize {
        self.0.total_steps()
    }

    fn is_done(&self) -> bool {
        self.0.is_done()
    }

    fn train_step(&mut self) -> Result<training::StepReport, TrainError> {
        self.0.train_step()
    }

    fn validate(&self) -> Result<f64, TrainError> {
        Ok(self.1)
    }

    fn measure(&self) -> String {
        self.0.measure()
    }

    fn model(&self) -> Self::Model {
        self.0.model()
    }

    fn save(&self) -> Result<(deepcompose_models::checkpoint::Checkpoint, Self::State), TrainError> {
        self.0.save()
    }

    fn restore(
        &mut self,
        checkpoint: &deepcompose_models::checkpoint::Checkpoint,
        state: Self::State,
    ) -> Result<(), TrainError> {
        self.0.restore(checkpoint, state)
    }
}

#[test]
fn a_validation_loss_that_is_no_number_ends_a_run_and_is_not_saved() {
    for loss in [f64::NAN, f64::INFINITY] {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::create(folder.path(), &settings()).unwrap();
        let error = run.train(&mut Told(small::ar_cnn(9), loss), &mut go_on).unwrap_err();
        assert!(error.to_string().starts_with("the validation loss of step 4 is"), "{error}");
        assert!(!run.best_weights().exists());
        // The checkpoint of step 3 is there, and whole.
        assert_eq!(run.restore(&mut small::ar_cnn(9)).unwrap(), Some(3));
    }
}

/// No seed gives a fine-tuned network's weights: a run that ends before its first checkpoint has them from the start.
#[test]
fn a_fine_tuned_run_goes_on_from_its_own_weights() {
    let tuned = || {
        let mut other = small::ar_cnn_config(6);
        other.training.seed = 11;
        let device = deepcompose_models::Device::default();
        let other = ArCnnTrainer::new(&other, small::scales(), small::scales(), &device).unwrap().model();
        let training = small::ar_cnn_config(6).training;
        ArCnnTrainer::fine_tune(other, &training, small::scales(), small::scales()).unwrap()
    };
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    whole(one.path(), tuned());
    Run::create(two.path(), &settings()).unwrap().begin(&tuned()).unwrap();
    let mut run = Run::open(two.path(), &settings()).unwrap();
    let mut trainer = small::ar_cnn(6);
    assert_eq!(run.restore(&mut trainer).unwrap(), Some(0));
    assert!(matches!(run.begin(&trainer), Err(TrainError::RunExists { .. })));
    run.train(&mut trainer, &mut go_on).unwrap();
    assert!(bytes(one.path(), "last.safetensors") == bytes(two.path(), "last.safetensors"));
    let drawn = tempfile::tempdir().unwrap();
    whole(drawn.path(), small::ar_cnn(6));
    assert!(bytes(one.path(), "last.safetensors") != bytes(drawn.path(), "last.safetensors"));
}

/// Networks of one seed on the same validation data, trained on others: the same loss; on other validation data another.
#[test]
fn validation_is_of_the_validation_data() {
    use deepcompose_models::gan::{GanDataset, GanTrainer};
    use deepcompose_models::transformer::TransformerTrainer;
    let device = deepcompose_models::Device::default();
    let (major, minor) = (|| small::broken_chords([0, 4, 7, 4]), || small::broken_chords([0, 3, 7, 12]));
    let transformer = |train, valid| {
        let config = small::transformer_config(1);
        TransformerTrainer::new(&config, train, valid, &device).unwrap().validate().unwrap()
    };
    assert_eq!(transformer(major(), minor()), transformer(minor(), minor()));
    assert_ne!(transformer(major(), minor()), transformer(major(), major()));
    let high = || GanDataset::new((70..73).map(small::band).collect());
    let gan = |train, valid| {
        let mut config = small::gan_config(1);
        // Else the statistics of batch normalisation are those of the training data.
        config.training.freeze = training::Freeze::new(["down.*.norm", "up.*.norm"]);
        GanTrainer::new(&config, train, valid, &device).unwrap().validate().unwrap()
    };
    assert_eq!(gan(small::bands(), high()), gan(high(), high()));
    assert_ne!(gan(small::bands(), high()), gan(small::bands(), small::bands()));
}

/// What was the best on some validation data says nothing about others.
#[test]
fn other_validation_data_begin_the_best_anew() {
    let folder = tempfile::tempdir().unwrap();
    whole(folder.path(), small::ar_cnn(4));
    let best_with = |change: &dyn Fn(&mut deepcompose_models::ar_cnn::ArCnnTrainConfig), valid| {
        let mut config = small::ar_cnn_config(8);
        change(&mut config);
        let device = deepcompose_models::Device::default();
        let mut trainer = ArCnnTrainer::new(&config, small::scales(), valid, &device).unwrap();
        let mut run = Run::open(folder.path(), &settings()).unwrap();
        assert_eq!(run.restore(&mut trainer).unwrap(), Some(4));
        run.best().map(|best| best.step)
    };
    assert_eq!(best_with(&|_| {}, small::scales()), Some(4));
    assert_eq!(best_with(&|c| c.training.learning_rate = 1e-4, small::scales()), Some(4));
    assert_eq!(best_with(&|c| c.training.corruption.remove = (0.0, 0.9), small::scales()), None);
    let rows = ndarray::Array2::from_shape_fn((48, 128), |(step, pitch)| pitch == 60 + step / 8);
    let others = deepcompose_models::ar_cnn::RollWindows::new(vec![rows], 16, 4);
    assert_eq!(best_with(&|_| {}, others), None);
}

/// A checkpoint may come from anywhere: burn panics at an optimiser's state that names no parameter, or is of another
/// shape than its own.
#[test]
fn the_states_of_other_parameters_are_refused() {
    use burn::module::Module;
    use burn::optim::AdamConfig;
    use deepcompose_models::checkpoint::Checkpoint;
    use deepcompose_models::weights::Model;

    let trainer = {
        let mut trainer = small::ar_cnn(2);
        trainer.train_step().unwrap();
        trainer
    };
    let (checkpoint, _) = trainer.save().unwrap();
    let fresh = trainer.model().train();
    let network: deepcompose_models::ar_cnn::ArCnn = checkpoint.module("model", fresh).unwrap();
    let bytes = checkpoint.bytes("optimizer").unwrap().to_vec();
    let read = |bytes: Vec<u8>| {
        let checkpoint = Checkpoint::new().with_bytes("optimizer", bytes);
        checkpoint.optimizer("optimizer", AdamConfig::new().init(), &network).map(drop)
    };
    read(bytes.clone()).unwrap();
    let whole = || {
        let bytes = burn_pack::Bytes::from_bytes_vec(bytes.clone());
        burn_pack::Reader::from_bytes(bytes).unwrap()
    };
    let write = |tensors, rank: Option<i64>| {
        let mut writer = burn_pack::Writer::new(tensors);
        for (key, value) in whole().scalars() {
            let value = match rank {
                Some(rank) if key.ends_with(".__rank") => burn_pack::Scalar::Int(rank),
                _ => *value,
            };
            writer = writer.with_scalar(key, value);
        }
        read(writer.into_bytes().unwrap().to_vec())
    };
    write(whole().into_tensors().unwrap(), None).unwrap();
    let error = write(whole().into_tensors().unwrap(), Some(40)).unwrap_err();
    assert!(matches!(error, WeightsError::Mismatch(_)), "{error}");
    let changed = |change: &dyn Fn(&mut burn_pack::Tensor)| {
        let mut tensors = whole().into_tensors().unwrap();
        change(&mut tensors[0]);
        write(tensors, None).unwrap_err()
    };
    assert!(matches!(changed(&|t| t.param_id = None), WeightsError::Malformed { .. }));
    assert!(matches!(changed(&|t| t.name = format!("7.{}", t.name)), WeightsError::Malformed { .. }));
    let flat =
        |t: &mut burn_pack::Tensor| t.shape = vec![t.shape.to_vec().iter().product::<usize>(), 1].into();
    assert!(matches!(changed(&flat), WeightsError::Mismatch(_)));
    let stranger = |t: &mut burn_pack::Tensor| {
        t.param_id = Some(7);
        t.name = format!("7{}", &t.name[t.name.find('.').unwrap()..]);
    };
    assert!(matches!(changed(&stranger), WeightsError::Mismatch(_)));
    let other = deepcompose_models::ar_cnn::ArCnn::build(&small::ar_cnn_config(1).model, &Default::default());
    let another = checkpoint.optimizer("optimizer", AdamConfig::new().init(), &other.unwrap());
    assert!(matches!(another.map(drop), Err(WeightsError::Mismatch(_))));
}

#[test]
fn folders_that_cannot_be_used_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none");
    assert!(matches!(Run::open(&missing, &settings()), Err(TrainError::NoRun { .. })));
    let run = Run::create(folder.path(), &settings()).unwrap();
    assert!(matches!(Run::create(folder.path(), &settings()), Err(TrainError::Busy { .. })));
    drop(run);
    // Nothing was saved yet: a run may begin there, and resuming begins at the start.
    assert_eq!(Run::open(folder.path(), &settings()).unwrap().restore(&mut small::gan(1)).unwrap(), None);
    whole(folder.path(), small::gan(1));
    assert!(matches!(Run::create(folder.path(), &settings()), Err(TrainError::RunExists { .. })));
    // Several devices trained there: burn-train's folder.
    let shared = tempfile::tempdir().unwrap();
    std::fs::create_dir(shared.path().join("checkpoint")).unwrap();
    assert!(matches!(Run::create(shared.path(), &settings()), Err(TrainError::RunExists { .. })));
    let file = folder.path().join("log.jsonl").join("inside");
    assert!(matches!(Run::create(file, &settings()), Err(TrainError::Weights(WeightsError::Io { .. }))));
    assert!(RunSettings { devices: Vec::new(), ..settings() }.devices().is_err());
    let bad = RunSettings { keep_last: 0, ..settings() };
    let error = Run::create(folder.path(), &bad).unwrap_err();
    assert_eq!(error.to_string(), "run.keep_last 0 is out of range: 1 or more is accepted");
}

#[test]
fn configurations_survive_files_and_unknown_keys_are_refused() {
    use deepcompose_models::ar_cnn::ArCnnTrainConfig;
    use deepcompose_models::gan::GanTrainConfig;
    use deepcompose_models::transformer::TransformerTrainConfig;

    fn survives<M, T>(config: &training::TrainConfig<M, T>, folder: &Path)
    where
        M: serde::Serialize + serde::de::DeserializeOwned + Default + PartialEq + std::fmt::Debug,
        T: serde::Serialize + serde::de::DeserializeOwned + Default + PartialEq + std::fmt::Debug,
    {
        for name in ["config.toml", "config.json"] {
            config.write(folder.join(name)).unwrap();
            assert_eq!(&training::TrainConfig::<M, T>::read(folder.join(name)).unwrap(), config);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut ar_cnn = small::ar_cnn_config(7);
    ar_cnn.training.freeze = training::Freeze::new(["encoder.0"]);
    ar_cnn.training.clip = Some(1.5);
    ar_cnn.run.patience = Some(4);
    survives(&ar_cnn, folder.path());
    survives(&small::transformer_config(7), folder.path());
    survives(&small::gan_config(7), folder.path());
    survives(&ArCnnTrainConfig::default(), folder.path());
    survives(&GanTrainConfig::default(), folder.path());
    survives(&TransformerTrainConfig::default(), folder.path());

    let refuse = |text: &str| ArCnnTrainConfig::from_toml(text).unwrap_err().to_string();
    let message = refuse("[training]\nlearning_rat = 0.1\n");
    assert!(message.contains("unknown field `learning_rat`") && message.contains("line 2"), "{message}");
    assert!(refuse("[modell]\n").contains("unknown field `modell`"));
    assert!(refuse("[training]\nsteps = -1\n").contains("steps"));
    assert!(
        GanTrainConfig::from_toml("[model]\nsteps = 20\n")
            .unwrap_err()
            .to_string()
            .contains("multiple of 16")
    );
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, "").unwrap();
    assert!(matches!(ArCnnTrainConfig::read(&path), Err(training::ConfigError::Unsupported { .. })));
    let missing = ArCnnTrainConfig::read(folder.path().join("none.toml"));
    assert!(matches!(missing, Err(training::ConfigError::Io { .. })));
}
