//! Prepared corpora: the same data as in memory, parts, interruption, damage.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use deepcompose_models::Device;
use deepcompose_models::ar_cnn::{ArCnnConfig, Corruption, RollWindows};
use deepcompose_models::data::{
    Corpus, CorpusError, CorpusOptions, PartOf, PrepareOptions, PrepareReport, Prepared, Representation,
    Split, SplitShares, TokenAugmentation, prepare,
};
use deepcompose_models::gan::Genre;
use deepcompose_models::transformer::Vocabulary;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use support::{band, write_tunes};

/// A folder of 20 tunes, 4 bands, a broken file and a duplicate, and a place for what is made of it.
fn folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let midi = folder.path().join("midi");
    write_tunes(&midi, 0..20);
    std::fs::create_dir_all(midi.join("jazz")).unwrap();
    for index in 0..4 {
        deepcompose_midi::write(midi.join(format!("jazz/{index}.mid")), &band(index)).unwrap();
    }
    std::fs::write(midi.join("broken.mid"), b"MThd").unwrap();
    std::fs::copy(midi.join("tune-002.mid"), midi.join("a-copy.mid")).unwrap();
    let out = folder.path().join("out");
    (folder, midi, out)
}

fn options(representation: Representation) -> PrepareOptions {
    PrepareOptions {
        corpus: CorpusOptions { shares: SplitShares::new(0.3, 0.0).unwrap(), ..CorpusOptions::default() },
        files_per_shard: 7,
        ..PrepareOptions::new(representation)
    }
}

fn tokens() -> Representation {
    Representation::tokens(Vocabulary::Performance)
}

fn run(midi: &Path, out: &Path, options: &PrepareOptions) -> PrepareReport {
    prepare(midi, out, options, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn in_memory(midi: &Path, options: &PrepareOptions) -> Corpus {
    Corpus::from_dir_with(midi, &options.corpus, &mut |_| ControlFlow::Continue(())).unwrap().0
}

/// Every file of a folder.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    entries.map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap())).collect()
}

fn shard(folder: &Path, index: usize) -> PathBuf {
    let start = format!("part-000-of-001.{index:05}.");
    let name = bytes(folder).into_keys().find(|n| n.starts_with(&start) && n.ends_with(".shard"));
    folder.join(name.unwrap())
}

#[test]
fn tokens_are_the_same_mapped_and_in_memory() {
    let (_folder, midi, out) = folders();
    let augmentation = TokenAugmentation { stretch: vec![1.05], velocity: vec![] };
    let representation =
        Representation::Tokens { vocabulary: Vocabulary::Performance, augmentation: augmentation.clone() };
    let options = options(representation);
    let report = run(&midi, &out, &options);
    // 26 files in shards of seven.
    assert_eq!((report.shards, report.kept, report.corpus.files, report.corpus.pieces), (4, 0, 26, 24));
    let counts: Vec<_> = report.corpus.counts().into_iter().collect();
    assert_eq!(counts, [("duplicates", 1), ("malformed", 1)]);

    let prepared = Prepared::open(&out).unwrap();
    prepared.verify().unwrap();
    assert_eq!(prepared.report().skipped, report.corpus.skipped);
    let corpus = in_memory(&midi, &options);
    for split in [Split::Train, Split::Valid] {
        let owned = corpus.token_dataset_with(&Vocabulary::Performance, split, &augmentation).unwrap();
        let mapped = prepared.token_dataset(split).unwrap();
        assert_eq!(mapped.pieces(), owned.pieces());
        assert_eq!(mapped.fingerprint(), owned.fingerprint());
        assert_eq!(mapped.pieces()[0].renditions.len(), if split == Split::Train { 2 } else { 1 });
    }
    // The dataset keeps its files mapped.
    let mapped = prepared.token_dataset(Split::Train).unwrap();
    let before = mapped.pieces()[0].renditions[0].to_vec();
    drop(prepared);
    std::fs::remove_dir_all(&out).unwrap();
    assert_eq!(mapped.pieces()[0].renditions[0].to_vec(), before);
}

fn batch(windows: &RollWindows, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let config = ArCnnConfig { steps: 16, ..ArCnnConfig::compact() };
    let indices: Vec<usize> = (0..windows.len()).step_by(2).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let batch =
        windows.batch(&indices, &config, &Corruption::default(), (5, Some(64)), &mut rng, &Device::default());
    (batch.input.try_into_vec_as().unwrap(), batch.difference.try_into_vec_as().unwrap())
}

#[test]
fn roll_windows_give_the_same_batches_mapped_and_in_memory() {
    let (_folder, midi, out) = folders();
    let options = options(Representation::Rolls);
    run(&midi, &out, &options);
    let owned = in_memory(&midi, &options).roll_windows(Split::Train, 16, 8).unwrap();
    let mapped = Prepared::open(&out).unwrap().roll_windows(Split::Train, 16, 8).unwrap();
    assert_eq!(mapped.len(), owned.len());
    assert_eq!(batch(&mapped, 3), batch(&owned, 3));
    assert_ne!(batch(&mapped, 4), batch(&owned, 3));
    assert_eq!(mapped.fingerprint(), owned.fingerprint());
}

#[test]
fn bands_are_the_same_mapped_and_in_memory_and_pieces_without_one_are_named() {
    let (_folder, midi, out) = folders();
    let options = PrepareOptions {
        corpus: CorpusOptions { shares: SplitShares::new(0.0, 0.0).unwrap(), ..CorpusOptions::default() },
        ..options(Representation::Bands)
    };
    let report = run(&midi, &out, &options);
    assert_eq!((report.corpus.pieces, report.corpus.counts()["unfit for the model"]), (4, 21));
    let owned = in_memory(&midi, &options).gan_dataset(Split::Train).unwrap();
    let prepared = Prepared::open(&out).unwrap();
    prepared.verify().unwrap();
    let mapped = prepared.gan_dataset(Split::Train).unwrap();
    assert_eq!(mapped.genre_len(Genre::Jazz), owned.len());
    assert_eq!(mapped.fingerprint(), owned.fingerprint());
    assert_eq!(format!("{:?}", mapped.pieces()), format!("{:?}", owned.pieces()));
    assert!(matches!(prepared.gan_dataset(Split::Valid), Err(CorpusError::EmptySplit { .. })));
}

#[test]
fn a_json_file_is_prepared_with_its_splits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chorales.json");
    let steps = |base: u32| -> String {
        (0..4)
            .map(|i| format!("[{},{},{},{}]", base + 12 + i, base + 7 + i, base + 4, base))
            .collect::<Vec<_>>()
            .join(",")
    };
    let text = format!(r#"{{"train":[[{}]],"valid":[[{}]]}}"#, steps(50), steps(53));
    std::fs::write(&path, text).unwrap();
    let options = options(Representation::tokens(Vocabulary::Satb));
    let out = folder.path().join("out");
    run(&path, &out, &options);
    let valid = Prepared::open(&out).unwrap().token_dataset(Split::Valid).unwrap();
    assert_eq!(valid.pieces()[0].renditions[0].to_vec()[..8], [65, 60, 57, 53, 66, 61, 57, 53]);
    assert_eq!(run(&path, &out, &options).kept, 1);
}

#[test]
fn parts_make_the_whole_and_a_missing_one_is_named() {
    let (folder, midi, whole) = folders();
    run(&midi, &whole, &options(tokens()));
    let whole = Prepared::open(&whole).unwrap();
    let out = folder.path().join("parts");
    let part = |index| PrepareOptions { part: PartOf::new(index, 3).unwrap(), ..options(tokens()) };
    let files: usize = [2, 0].map(|index| run(&midi, &out, &part(index)).corpus.files).iter().sum();
    let missing = Prepared::open(&out).unwrap_err();
    assert!(matches!(missing, CorpusError::MissingPart { part: 1, parts: 3, .. }), "{missing}");
    assert_eq!(files + run(&midi, &out, &part(1)).corpus.files, 26);

    let parts = Prepared::open(&out).unwrap();
    parts.verify().unwrap();
    let list =
        |p: &Prepared| p.pieces().iter().map(|p| (p.id.clone(), p.content, p.split)).collect::<BTreeSet<_>>();
    assert_eq!(list(&parts), list(&whole));
    assert_eq!(parts.report(), whole.report());
    let train = |p: &Prepared| p.token_dataset(Split::Train).unwrap();
    assert_eq!(train(&parts).pieces(), train(&whole).pieces());
    assert_eq!(train(&parts).fingerprint(), train(&whole).fingerprint());

    // A part made with other options does not fit.
    let other = PrepareOptions { corpus: CorpusOptions { min_notes: 9, ..part(1).corpus }, ..part(1) };
    run(&midi, &out, &other);
    assert!(matches!(Prepared::open(&out), Err(CorpusError::Mixed { .. })));
    run(&midi, &out, &options(tokens()));
    assert!(matches!(Prepared::open(&out), Err(CorpusError::Mixed { .. })));
}

#[test]
fn an_interrupted_preparation_goes_on_to_the_same_bytes() {
    let (folder, midi, out) = folders();
    let options = options(Representation::Rolls);
    let reference = folder.path().join("reference");
    run(&midi, &reference, &options);
    let reference = bytes(&reference);
    assert_eq!(reference.len(), 5);
    assert_eq!(reference.keys().next_back().unwrap(), "part-000-of-001.json");

    // Stopped by the observer in the third shard.
    let stop = prepare(&midi, &out, &options, &mut |p| {
        if p.done == 17 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stop, Err(CorpusError::Stopped)));
    assert!(!out.join("part-000-of-001.json").exists());
    assert!(matches!(Prepared::open(&out), Err(CorpusError::Form { .. })));
    let half = bytes(&out);
    assert!(half.keys().all(|name| !name.starts_with('.')), "{:?}", half.keys());

    // Then a file left by a process that was killed, a shard cut short, a shard that is gone, a broken record.
    let restore = |out: &Path| {
        let _ = std::fs::remove_dir_all(out);
        std::fs::create_dir(out).unwrap();
        half.iter().for_each(|(name, bytes)| std::fs::write(out.join(name), bytes).unwrap());
    };
    type Damage = fn(&Path);
    let damages: [(Damage, usize); 5] = [
        (|_| {}, 2),
        (|out| std::fs::write(out.join(".unfinished-part-000-of-001-abc"), b"half").unwrap(), 2),
        (|out| std::fs::write(shard(out, 0), b"DCSHARD").unwrap(), 1),
        (|out| std::fs::remove_file(shard(out, 1)).unwrap(), 1),
        (|out| std::fs::write(out.join("part-000-of-001.00000.finished"), b"{\"file\":").unwrap(), 1),
    ];
    for (index, (damage, kept)) in damages.into_iter().enumerate() {
        restore(&out);
        damage(&out);
        let report = run(&midi, &out, &options);
        assert_eq!(report.kept, kept, "damage {index}");
        assert_eq!(bytes(&out), reference, "damage {index}");
    }
    // Once more with nothing to do.
    assert_eq!(run(&midi, &out, &options).kept, 4);
    assert_eq!(bytes(&out), reference);
}

#[test]
fn a_changed_file_is_prepared_again_and_nothing_else() {
    let (folder, midi, out) = folders();
    let options = options(tokens());
    run(&midi, &out, &options);
    // Trained on meanwhile: what is mapped stays as it is.
    let before = Prepared::open(&out).unwrap().token_dataset(Split::Train).unwrap();
    let print = before.fingerprint();
    deepcompose_midi::write(midi.join("tune-019.mid"), &support::tune(55)).unwrap();
    let report = run(&midi, &out, &options);
    assert_eq!((report.kept, report.shards), (3, 4));
    let fresh = folder.path().join("fresh");
    run(&midi, &fresh, &options);
    assert_eq!(bytes(&out), bytes(&fresh));
    assert_eq!(before.fingerprint(), print);
    assert!(before.pieces().iter().all(|piece| piece.renditions[0].iter().count() > 0));
    // Other options: all again.
    let other =
        PrepareOptions { corpus: CorpusOptions { genre: Genre::Edm, ..options.corpus.clone() }, ..options };
    assert_eq!(run(&midi, &out, &other).kept, 0);
}

#[test]
fn damage_is_found() {
    let (_folder, midi, out) = folders();
    run(&midi, &out, &options(tokens()));
    let whole = bytes(&out);
    let manifest = out.join("part-000-of-001.json");
    let restore = || whole.iter().for_each(|(name, bytes)| std::fs::write(out.join(name), bytes).unwrap());
    let open = || Prepared::open(&out);
    let first = shard(&out, 0);
    let content = std::fs::read(&first).unwrap();

    std::fs::write(&first, &content[..content.len() - 1]).unwrap();
    let error = open().unwrap_err();
    assert!(matches!(error, CorpusError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(&first.display().to_string()), "{error}");

    // A flipped bit anywhere: in the header it is found at once, in the music by verifying.
    for at in [0, 8, 12, 17, 25, 40, 64, content.len() / 2, content.len() - 1] {
        let mut flipped = content.clone();
        flipped[at] ^= 4;
        std::fs::write(&first, flipped).unwrap();
        match open() {
            Ok(prepared) => {
                assert!(at >= 64, "byte {at}");
                assert!(matches!(prepared.verify(), Err(CorpusError::Damaged { .. })), "byte {at}");
            }
            Err(CorpusError::Version { found: 6, accepted: 2, .. }) => assert_eq!(at, 8),
            Err(CorpusError::Damaged { .. }) => assert!(at < 64, "byte {at}"),
            Err(error) => panic!("{error}"),
        }
    }
    // What is no token is refused before it is learnt.
    let mut foreign = content.clone();
    foreign[64..66].copy_from_slice(&700_u16.to_le_bytes());
    std::fs::write(&first, foreign).unwrap();
    let prepared = open().unwrap();
    let refused =
        Split::ALL.iter().any(|s| matches!(prepared.token_dataset(*s), Err(CorpusError::Tokens(_))));
    assert!(refused);
    drop(prepared);

    std::fs::remove_file(&first).unwrap();
    assert!(matches!(open(), Err(CorpusError::Io { .. })));
    restore();
    open().unwrap().verify().unwrap();

    let text = String::from_utf8(whole["part-000-of-001.json"].clone()).unwrap();
    let refused = |text: String| {
        std::fs::write(&manifest, text).unwrap();
        open().unwrap_err()
    };
    // One letter of an id.
    assert!(matches!(refused(text.replace("tune-001", "tune-0O1")), CorpusError::Damaged { .. }));
    let unknown = text.replacen("\"part\"", "\"colour\": 1,\n  \"part\"", 1);
    let error = refused(unknown);
    assert!(
        matches!(error, CorpusError::Malformed { .. }) && error.to_string().contains("colour"),
        "{error}"
    );
    let later = text.replacen("\"version\": 2", "\"version\": 3", 1);
    assert!(matches!(refused(later), CorpusError::Version { found: 3, accepted: 2, .. }));
    assert!(matches!(refused(text[..text.len() / 2].to_owned()), CorpusError::Malformed { .. }));
    let elsewhere = text.replacen(&first.file_name().unwrap().to_string_lossy().into_owned(), "../x", 1);
    assert!(matches!(refused(elsewhere), CorpusError::Damaged { .. }));
}

#[test]
fn a_locked_shard_is_not_mapped() {
    let (_folder, midi, out) = folders();
    run(&midi, &out, &options(tokens()));
    let file = std::fs::OpenOptions::new().read(true).write(true).open(shard(&out, 0)).unwrap();
    file.try_lock().unwrap();
    assert!(matches!(Prepared::open(&out), Err(CorpusError::Locked { .. })));
    file.unlock().unwrap();
    let _mapped = Prepared::open(&out).unwrap();
    // Shared: another reader may come, a writer may not.
    Prepared::open(&out).unwrap();
    assert!(file.try_lock().is_err());
}

#[test]
fn what_is_asked_for_must_be_what_was_prepared() {
    let (folder, midi, out) = folders();
    run(&midi, &out, &options(tokens()));
    let prepared = Prepared::open(&out).unwrap();
    prepared.require_vocabulary(Vocabulary::Performance).unwrap();
    let error = prepared.require_vocabulary(Vocabulary::Satb).unwrap_err().to_string();
    assert!(error.ends_with("is prepared as tokens (performance): tokens (satb) is needed"), "{error}");
    let wrong = |error| matches!(error, CorpusError::Representation { .. });
    assert!(wrong(prepared.roll_windows(Split::Train, 16, 16).unwrap_err()));
    assert!(wrong(prepared.gan_dataset(Split::Train).unwrap_err()));
    let empty = prepared.token_dataset(Split::Test).unwrap_err();
    assert!(matches!(empty, CorpusError::EmptySplit { split: Split::Test, pieces: 24, .. }));

    assert!(Prepared::is_at(&out) && !Prepared::is_at(&midi) && !Prepared::is_at("no/such/folder"));
    assert!(matches!(Prepared::open(&midi), Err(CorpusError::Form { .. })));
    assert!(matches!(Prepared::open("no/such/folder"), Err(CorpusError::Io { .. })));

    // Nothing to prepare: nothing is left behind.
    let broken = folder.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("a.mid"), b"MThd").unwrap();
    let nowhere = folder.path().join("nowhere");
    let error = prepare(&broken, &nowhere, &options(tokens()), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(error, Err(CorpusError::Nothing { .. })));
    assert!(bytes(&nowhere).is_empty());
    // Nor is what was prepared there lost: no band is in a melody.
    let tunes = folder.path().join("tunes");
    write_tunes(&tunes, 0..3);
    let kept = bytes(&out);
    let bands = PrepareOptions { files_per_shard: 2, ..options(Representation::Bands) };
    let error = prepare(&tunes, &out, &bands, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(error, Err(CorpusError::Nothing { .. })));
    assert!(bytes(&out) == kept);
    let zero = PrepareOptions { files_per_shard: 0, ..options(tokens()) };
    let error = prepare(&midi, &out, &zero, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(error, Err(CorpusError::Option { field: "files_per_shard", .. })));
    for text in ["3/3", "0/0", "1", "a/b", "0/1000", "-1/2"] {
        assert!(matches!(text.parse::<PartOf>(), Err(CorpusError::Option { .. })), "{text}");
    }
}
