//! Real processes that train and are killed at random moments, or whose disk fills up: they go on from the last
//! checkpoint and end with the bytes of a run that nothing happened to.

#![cfg(all(feature = "train", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod small;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use deepcompose_models::training::{Run, RunSettings, Trainer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const KIND: &str = "DEEPCOMPOSE_TEST_TRAINER";
const FOLDER: &str = "DEEPCOMPOSE_TEST_FOLDER";

fn settings() -> RunSettings {
    RunSettings { validate_every: 7, checkpoint_every: 3, ..RunSettings::default() }
}

/// Not a test of its own: what the processes of the other tests run.
#[test]
fn child_process() {
    let (Ok(kind), Ok(folder)) = (std::env::var(KIND), std::env::var(FOLDER)) else { return };
    let folder = Path::new(&folder);
    let trained = match kind.as_str() {
        "ar-cnn" => train(folder, small::ar_cnn(150)),
        "transformer" => train(folder, small::transformer(150)),
        _ => train(folder, small::gan(30)),
    };
    if let Err(error) = trained {
        eprintln!("error: {error}");
        std::process::exit(3);
    }
}

fn train<T: Trainer>(folder: &Path, mut trainer: T) -> Result<(), deepcompose_models::training::TrainError> {
    let mut run = match folder.join("checkpoints").exists() {
        true => Run::open(folder, &settings())?,
        false => Run::create(folder, &settings())?,
    };
    run.restore(&mut trainer)?;
    run.train(&mut trainer, &mut |_, _| ControlFlow::Continue(())).map(drop)
}

fn this_program(kind: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child_process", "--exact", "--nocapture"]).env(KIND, kind).env(FOLDER, folder);
    command
}

fn undisturbed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn same_bytes(one: &Path, two: &Path) {
    for name in ["last.safetensors", "best.safetensors"] {
        let [one, two] = [one, two].map(|folder| std::fs::read(folder.join(name)).unwrap());
        assert!(one == two, "{name} differs");
    }
}

/// Kills at least `kills` processes, each after a random part of the time that a whole run takes.
fn survives(kind: &str, kills: usize) {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let begun = Instant::now();
    undisturbed(&mut this_program(kind, whole.path()));
    let time = begun.elapsed();

    let mut rng = ChaCha8Rng::seed_from_u64(kind.len() as u64);
    let mut count = 0;
    for _ in 0..kills {
        let mut child =
            this_program(kind, killed.path()).stdout(std::process::Stdio::null()).spawn().unwrap();
        // Short enough that many processes are needed, long enough that some get a checkpoint further.
        std::thread::sleep(time.mul_f64(rng.random_range(0.02..0.2)).max(Duration::from_millis(5)));
        child.kill().unwrap();
        count += usize::from(!child.wait().unwrap().success());
    }
    undisturbed(&mut this_program(kind, killed.path()));
    same_bytes(whole.path(), killed.path());
    // The time of a whole run was taken beside other tests; alone, a run is faster and fewer kills hit.
    assert!(count >= 2, "only {count} of {kills} processes were killed before they ended");
    let left = std::fs::read_dir(killed.path().join("checkpoints")).unwrap();
    let partial = left.filter(|e| e.as_ref().unwrap().file_name().to_str().unwrap().starts_with('.')).count();
    assert_eq!(partial, 0, "half-written files are left");
}

#[test]
fn an_ar_cnn_survives_kills() {
    survives("ar-cnn", 16);
}

#[test]
fn a_transformer_survives_kills() {
    survives("transformer", 16);
}

#[test]
fn a_gan_survives_kills() {
    survives("gan", 12);
}

#[test]
fn a_full_disk_is_a_clear_error_and_costs_no_checkpoint() {
    let (whole, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    undisturbed(&mut this_program("ar-cnn", whole.path()));
    // A run of a few steps, so that there is something to lose.
    let mut run = Run::create(full.path(), &settings()).unwrap();
    run.train(&mut small::ar_cnn(150), &mut |trainer, _| {
        if trainer.step() == 8 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    let checkpoints = run.checkpoints().unwrap();
    let contents: Vec<_> = checkpoints.iter().map(|(_, path)| std::fs::read(path).unwrap()).collect();
    assert!(
        contents.iter().all(|c| c.len() > 64 * 1024),
        "a checkpoint is larger than the disk is going to be"
    );
    drop(run);

    // No file may grow over 64 × 512 bytes: writing more fails as on a full disk.
    let mut program = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" child_process --exact --nocapture";
    program.args(["-c", script]).arg(std::env::current_exe().unwrap());
    let output = program.env(KIND, "ar-cnn").env(FOLDER, full.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    let line = message.lines().find(|l| l.starts_with("error: ")).unwrap();
    assert!(line.contains("File too large"), "{line}");

    let run = Run::open(full.path(), &settings()).unwrap();
    assert_eq!(run.checkpoints().unwrap(), checkpoints);
    for ((_, path), content) in checkpoints.iter().zip(contents) {
        assert!(std::fs::read(path).unwrap() == content, "{} changed", path.display());
    }
    drop(run);
    undisturbed(&mut this_program("ar-cnn", full.path()));
    same_bytes(whole.path(), full.path());
}
