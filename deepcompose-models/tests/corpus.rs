//! Corpora in memory: folders, reports, splits, duplicates, the JSON forms.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::ops::ControlFlow;
use std::path::Path;

use deepcompose_core::{Score, Tempo, TicksPerQuarter, Velocity};
use deepcompose_models::data::{
    ContentHash, Corpus, CorpusError, CorpusOptions, Piece, Representation, SkipReason, Split, SplitShares,
    TokenAugmentation,
};
use deepcompose_models::gan::Genre;
use deepcompose_models::transformer::Vocabulary;
use support::{band, tune, write_tunes};

fn half_held_out() -> CorpusOptions {
    CorpusOptions { shares: SplitShares::new(0.3, 0.2).unwrap(), ..CorpusOptions::default() }
}

fn read(folder: &Path, options: &CorpusOptions) -> (Corpus, deepcompose_models::data::CorpusReport) {
    Corpus::from_dir_with(folder, options, &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_folder_is_read_in_order_and_what_is_skipped_is_said_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("Rock/deep")).unwrap();
    std::fs::create_dir_all(at("misc")).unwrap();
    deepcompose_midi::write(at("misc/b.MID"), &tune(1)).unwrap();
    deepcompose_midi::write(at("misc/a.kar"), &tune(2)).unwrap();
    deepcompose_midi::write(at("Rock/deep/c.midi"), &tune(3)).unwrap();
    // The same music again, slower, softer, at another resolution and under another name.
    let mut again = Score::new(TicksPerQuarter::new(96).unwrap());
    again.set_tempo(Tempo::from_bpm(60.0).unwrap());
    let mut track = tune(1).tracks()[0].clone();
    track.set_name("other");
    let notes = track.notes().iter().map(|n| deepcompose_core::Note {
        start: deepcompose_core::Tick::new(n.start.get() / 5).unwrap(),
        duration: deepcompose_core::Tick::new(n.duration.get() / 5).unwrap(),
        velocity: Velocity::new(33).unwrap(),
        ..*n
    });
    let notes = notes.collect();
    track.set_notes(notes);
    again.push_track(track);
    deepcompose_midi::write(at("zz.mid"), &again).unwrap();
    std::fs::write(at("broken.mid"), b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x40\0").unwrap();
    std::fs::write(at("empty.mid"), b"").unwrap();
    std::fs::write(at("notes.txt"), b"no music").unwrap();
    deepcompose_midi::write(at("silent.mid"), &Score::default()).unwrap();
    let mut short = tune(4).without_tracks();
    let three = tune(4).tracks()[0].notes()[..3].to_vec();
    short.push_track(tune(4).tracks()[0].clone().with_notes(three));
    deepcompose_midi::write(at("short.mid"), &short).unwrap();
    // A note on with no note off, which the reader mends: 8 of them in one file.
    let mut bytes = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x24".to_vec();
    (0..8).for_each(|i| bytes.extend([0x60, 0x90, 0x3C + i, 0x50]));
    bytes.extend([0, 0xFF, 0x2F, 0]);
    std::fs::write(at("mended.mid"), bytes).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(at("misc/a.kar"), at("link.mid")).unwrap();

    let mut calls = Vec::new();
    let (corpus, report) = Corpus::from_dir_with(folder.path(), &CorpusOptions::default(), &mut |progress| {
        calls.push(progress);
        ControlFlow::Continue(())
    })
    .unwrap();
    let ids: Vec<(&str, Genre)> = corpus.pieces().iter().map(|p| (p.id.as_str(), p.genre)).collect();
    assert_eq!(
        ids,
        [
            ("Rock/deep/c.midi", Genre::Rock),
            ("mended.mid", Genre::Pop),
            ("misc/a.kar", Genre::Pop),
            ("misc/b.MID", Genre::Pop)
        ]
    );
    let skipped: Vec<(&str, &str)> =
        report.skipped.iter().map(|s| (s.path.as_str(), s.reason.kind())).collect();
    let mut expected = vec![
        ("broken.mid", "without notes"),
        ("empty.mid", "malformed"),
        ("short.mid", "too short"),
        ("silent.mid", "without notes"),
        ("zz.mid", "duplicates"),
    ];
    if cfg!(unix) {
        expected.insert(2, ("link.mid", "links"));
    }
    assert_eq!(skipped, expected);
    assert_eq!(
        report.skipped.last().map(|s| &s.reason),
        Some(&SkipReason::Duplicate { of: "misc/b.MID".to_owned() })
    );
    assert!(report.skipped.iter().any(|s| s.reason == SkipReason::TooShort { notes: 3, least: 8 }));
    assert_eq!((report.pieces, report.files, report.other_files), (4, 4 + expected.len(), 1));
    assert_eq!((report.repaired_files, report.repairs.get("UnclosedNote")), (1, Some(&8)));
    let last = calls.last().unwrap();
    // Duplicates are found at the end only.
    assert_eq!((last.done, last.files, last.skipped), (report.files, report.files, expected.len() - 1));
    assert_eq!(calls.len(), report.files);

    let stopped = Corpus::from_dir_with(folder.path(), &CorpusOptions::default(), &mut |p| {
        if p.done == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(CorpusError::Stopped)));
}

#[test]
fn folders_with_nothing_to_use_are_refused_with_counts() {
    let folder = tempfile::tempdir().unwrap();
    let error = Corpus::from_dir(folder.path()).unwrap_err();
    let name = folder.path().display().to_string();
    assert!(error.to_string().contains(&name) && error.to_string().contains("0 files"), "{error}");
    for index in 0..3 {
        std::fs::write(folder.path().join(format!("{index}.mid")), b"no music").unwrap();
    }
    let error = Corpus::from_dir(folder.path()).unwrap_err();
    let CorpusError::Nothing { report, .. } = &error else { panic!("{error}") };
    assert_eq!((report.files, report.counts()["malformed"]), (3, 3));
    let text = error.to_string();
    assert!(text.contains("3 files found (3 malformed); the first: 0.mid: "), "{text}");

    assert!(matches!(Corpus::from_dir(folder.path().join("nowhere")), Err(CorpusError::Io { .. })));
    assert!(matches!(Corpus::open(folder.path().join("0.mid")), Err(CorpusError::Form { .. })));
    assert!(matches!(Corpus::from_dir(folder.path().join("0.mid")), Err(CorpusError::Form { .. })));
    let options = CorpusOptions { depth: 0, ..CorpusOptions::default() };
    let error = Corpus::open_with(folder.path(), &options, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(error.to_string(), "depth is 0: 1 to 64 is accepted");
}

#[test]
fn folders_past_the_depth_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write_tunes(folder.path(), 0..2);
    write_tunes(&folder.path().join("a/b"), 2..4);
    let (corpus, report) = read(folder.path(), &CorpusOptions { depth: 1, ..CorpusOptions::default() });
    assert_eq!(corpus.len(), 2);
    assert_eq!((report.skipped[0].path.as_str(), report.skipped[0].reason.kind()), ("a", "over a limit"));
    assert_eq!(read(folder.path(), &CorpusOptions { depth: 3, ..CorpusOptions::default() }).0.len(), 4);
}

#[test]
fn adding_and_renaming_files_moves_no_piece_to_another_split() {
    let folder = tempfile::tempdir().unwrap();
    write_tunes(folder.path(), 0..30);
    let splits = |corpus: &Corpus| {
        corpus.pieces().iter().map(|p| (p.content, p.split)).collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = splits(&read(folder.path(), &half_held_out()).0);
    assert_eq!(before.len(), 30);
    for split in Split::ALL {
        assert!(before.values().any(|s| *s == split), "{split}");
    }
    write_tunes(folder.path(), 30..60);
    std::fs::rename(folder.path().join("tune-003.mid"), folder.path().join("another.mid")).unwrap();
    let after = splits(&read(folder.path(), &half_held_out()).0);
    assert_eq!(after.len(), 60);
    assert!(before.iter().all(|(content, split)| after[content] == *split));
}

#[test]
fn content_is_notes_and_programs_whatever_track_they_are_on() {
    let score = band(0);
    let mut merged = score.without_tracks();
    merged.tracks_mut().extend(score.tracks().iter().rev().cloned());
    assert_eq!(ContentHash::of(&merged), ContentHash::of(&score));
    let mut other = score.clone();
    other.tracks_mut()[1].set_program(deepcompose_core::Program::new(40).unwrap());
    assert_ne!(ContentHash::of(&other), ContentHash::of(&score));
    let text = ContentHash::of(&score).to_string();
    assert_eq!((text.len(), text.parse::<ContentHash>().unwrap()), (64, ContentHash::of(&score)));
    assert!("zz".parse::<ContentHash>().is_err());
}

#[test]
fn chorales_keep_their_splits_and_a_held_out_copy_is_the_one_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chorales.JSON");
    let piece = |base: u32| {
        let steps: Vec<String> = (0..4)
            .map(|i| format!("[{},{},{},{}]", base + 12 + i, base + 7 + i, base + 4 - i, base - i))
            .collect();
        format!("[{}]", steps.join(","))
    };
    let text = format!(
        r#"{{"train":[{},{},{}],"valid":[{}],"test":[{}]}}"#,
        piece(50),
        piece(55),
        piece(55),
        piece(55),
        piece(60)
    );
    std::fs::write(&path, text).unwrap();
    let (corpus, report) = Corpus::open(&path).unwrap();
    let ids: Vec<(&str, Split)> = corpus.pieces().iter().map(|p| (p.id.as_str(), p.split)).collect();
    assert_eq!(ids, [("test-000", Split::Test), ("train-000", Split::Train), ("valid-000", Split::Valid)]);
    let duplicates: Vec<&str> = report.skipped.iter().map(|s| s.path.as_str()).collect();
    assert_eq!(duplicates, ["train-001", "train-002"]);
    // Four steps of four voices.
    let tokens = corpus.token_dataset(&Vocabulary::Satb, Split::Test).unwrap();
    assert_eq!(tokens.pieces()[0].renditions[0].to_vec()[..4], [72, 67, 64, 60]);
    assert_eq!(tokens.tokens(), 16);
}

#[test]
fn the_form_of_a_json_file_is_told_from_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let open = |text: &str| {
        let path = folder.path().join("corpus.json");
        std::fs::write(&path, text).unwrap();
        Corpus::open(&path)
    };
    let mel: Vec<String> = (0..8).map(|i| format!("[{i},1,{}]", 60 + i)).collect();
    let (leads, _) =
        open(&format!(r#"[{{"id":"a","bpm":100,"mel":[{}],"ch":{{}}}}]"#, mel.join(","))).unwrap();
    assert_eq!((leads.pieces()[0].id.as_str(), leads.pieces()[0].score.note_count()), ("a", 8));
    let song: Vec<String> = (0..9).map(|i| format!("[{i},1,{},90]", 60 + i)).collect();
    let (pop, _) =
        open(&format!(r#"[{{"id":"b","bpm":90,"tracks":{{"MELODY":[{}]}}}}]"#, song.join(","))).unwrap();
    assert_eq!(pop.pieces()[0].score.note_count(), 9);
    assert!(matches!(open(r#"[{"id":"c"}]"#), Err(CorpusError::Form { .. })));
    assert!(matches!(open(r#"{"dev":[]}"#), Err(CorpusError::Option { field: "split", .. })));
    assert!(matches!(open("[1,"), Err(CorpusError::Malformed { .. })));
    assert!(matches!(open("[]"), Err(CorpusError::Nothing { .. })));
}

#[test]
fn datasets_hold_the_split_and_leave_out_what_does_not_fit_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("jazz")).unwrap();
    for index in 0..6 {
        deepcompose_midi::write(folder.path().join(format!("jazz/{index}.mid")), &band(index)).unwrap();
    }
    deepcompose_midi::write(folder.path().join("solo.mid"), &tune(0)).unwrap();
    let options = CorpusOptions { shares: SplitShares::new(0.0, 0.0).unwrap(), ..CorpusOptions::default() };
    let (corpus, _) = read(folder.path(), &options);
    assert_eq!(corpus.count(Split::Train), 7);
    let bands = corpus.gan_dataset(Split::Train).unwrap();
    assert_eq!(bands.pieces().len(), 6);
    assert_eq!(bands.genre_len(Genre::Jazz), bands.len());
    let unfit = corpus.unfit(&Representation::Bands);
    assert_eq!((unfit.len(), unfit[0].path.as_str()), (1, "solo.mid"));
    assert!(corpus.unfit(&Representation::Rolls).is_empty());
    let empty = corpus.roll_windows(Split::Test, 32, 16).unwrap_err();
    assert_eq!(empty.to_string(), "the test split has no piece to use, of 7 in the corpus");
}

#[test]
fn fingerprints_tell_data_apart() {
    let pieces = |range: std::ops::Range<u32>| {
        let piece = |i: u32| Piece { id: format!("{i}"), score: tune(i) };
        Corpus::from_pieces(range.map(piece).collect(), SplitShares::new(0.0, 0.0).unwrap())
    };
    let prints = |corpus: &Corpus| {
        let tokens = corpus.token_dataset(&Vocabulary::Performance, Split::Train).unwrap().fingerprint();
        [tokens, corpus.roll_windows(Split::Train, 32, 16).unwrap().fingerprint()]
    };
    let (one, same, other) = (prints(&pieces(0..5)), prints(&pieces(0..5)), prints(&pieces(0..6)));
    assert_eq!(one, same);
    assert!(one.iter().zip(&other).all(|(a, b)| a != b && a.len() == 16));
    let corpus = pieces(0..5);
    assert_ne!(corpus.roll_windows(Split::Train, 32, 8).unwrap().fingerprint(), one[1]);
    let bands = |range: std::ops::Range<u32>| {
        let piece = |i: u32| Piece { id: format!("{i}"), score: band(i) };
        let corpus = Corpus::from_pieces(range.map(piece).collect(), SplitShares::new(0.0, 0.0).unwrap());
        corpus.gan_dataset(Split::Train).unwrap().fingerprint()
    };
    assert_eq!(bands(0..2), bands(0..2));
    assert_ne!(bands(0..2), bands(1..3));
}

#[test]
fn renditions_are_stretched_and_scaled_and_only_of_pieces_to_train_on() {
    let corpus = Corpus::builtin();
    let augmentation = TokenAugmentation { stretch: vec![1.5], velocity: vec![0.5] };
    let vocabulary = Vocabulary::Performance;
    let dataset = |split| corpus.token_dataset_with(&vocabulary, split, &augmentation).unwrap();
    assert!(dataset(Split::Valid).pieces().iter().all(|piece| piece.renditions.len() == 1));
    // Units of 1/48 of a quarter note in all time shifts (ids 176..276 are 1 to 100), and the velocity bin (276..308).
    let units =
        |tokens: &[u32]| tokens.iter().filter(|t| (176..276).contains(*t)).map(|t| t - 175).sum::<u32>();
    let bin = |tokens: &[u32]| tokens.iter().find(|t| (276..308).contains(*t)).map(|t| t - 276);
    let index = corpus.split(Split::Train).position(|p| p.id == "twinkle-twinkle+0").unwrap();
    let renditions: Vec<Vec<u32>> =
        dataset(Split::Train).pieces()[index].renditions.iter().map(|t| t.to_vec()).collect();
    // 12 bars of 4/4 are 48 quarter notes. Velocity 80 is in bin 19, 40 in bin 9.
    let found: Vec<_> = renditions.iter().map(|tokens| (units(tokens), bin(tokens))).collect();
    assert_eq!(found, [(2304, Some(19)), (2304, Some(9)), (3456, Some(19)), (3456, Some(9))]);

    for (bad, message) in [
        (TokenAugmentation { stretch: vec![3.0], velocity: vec![] }, "stretch is 3: 0.5 to 2 is accepted"),
        (
            TokenAugmentation { stretch: vec![], velocity: vec![f64::NAN] },
            "velocity is NaN: 0.25 to 4 is accepted",
        ),
    ] {
        let error = corpus.token_dataset_with(&vocabulary, Split::Train, &bad).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let satb = corpus.token_dataset_with(&Vocabulary::Satb, Split::Train, &TokenAugmentation::reference());
    assert!(matches!(satb, Err(CorpusError::Option { field: "stretch", .. })));
}

#[test]
fn real_corpora_are_read() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !shared.exists() {
        return;
    }
    let (chorales, _) = Corpus::open(shared.join("jsb/jsb_chorales_16th_satb.json")).unwrap();
    assert_eq!((chorales.count(Split::Train), chorales.count(Split::Valid)), (229, 76));
    let (messy, report) = Corpus::from_dir(shared.join("messy")).unwrap();
    assert_eq!(messy.len() + report.skipped.len(), report.files);
    assert!(report.counts().get("malformed").is_some_and(|n| *n > 0), "{report}");
}
