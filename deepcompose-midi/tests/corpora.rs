//! Real files, if `DEEPCOMPOSE_DATA` names a folder of them: what is read, written and read again
//! is the same score.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use deepcompose_midi::{MidiError, Reader, to_bytes};

/// Files of each folder under test; every file of the small ones.
const MAX_FILES: usize = 150;

#[test]
fn files_of_corpora_survive_being_written() {
    let Some(data) = std::env::var_os("DEEPCOMPOSE_DATA").map(PathBuf::from) else {
        println!("skipped: DEEPCOMPOSE_DATA is not set");
        return;
    };
    let mut folders: Vec<_> = std::fs::read_dir(&data).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    for folder in folders.iter().filter(|f| f.is_dir()) {
        let mut files = Vec::new();
        midi_files(folder, &mut files);
        files.sort();
        let step = files.len().div_ceil(MAX_FILES).max(1);
        let (mut read, mut refused) = (0, Vec::new());
        for path in files.iter().step_by(step) {
            match check(path) {
                Ok(()) => read += 1,
                Err(e) => refused.push(format!("{}: {e}", path.file_name().unwrap().display())),
            }
        }
        println!("{}: {read} read, {} refused", folder.display(), refused.len());
        refused.iter().for_each(|line| println!("    {line}"));
        // The folder of broken files has some that must be refused; the corpora have none.
        let is_messy = folder.file_name().is_some_and(|n| n == "messy");
        assert!(is_messy || refused.is_empty(), "{refused:#?}");
    }
}

fn check(path: &Path) -> Result<(), MidiError> {
    let bytes = std::fs::read(path).unwrap();
    let (scores, report) = Reader::new().read_patterns_bytes(&bytes)?;
    if std::env::var_os("DEEPCOMPOSE_VERBOSE").is_some() {
        println!("{}: {report}", path.display());
    }
    for score in scores {
        let written = to_bytes(&score)?;
        let (back, again) = Reader::new().read_bytes(&written)?;
        assert_eq!(back, score, "{}", path.display());
        let overlapping = again.repair_count(deepcompose_midi::Repair::OverlappingNotes);
        let mended: u64 = again.repairs().map(|(_, tally)| tally.count()).sum();
        assert_eq!(mended, overlapping, "{}: {again}", path.display());
        assert_eq!(to_bytes(&back)?, written, "{}", path.display());
    }
    Ok(())
}

fn midi_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            midi_files(&path, out);
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("mid")) {
            out.push(path);
        }
    }
}
