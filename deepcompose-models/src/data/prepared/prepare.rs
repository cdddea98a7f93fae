//! [`prepare`]: a corpus into shards.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use rayon::prelude::*;

use super::files::{hash_file, is_left_over, write_atomically};
use super::manifest::{Manifest, PieceRecord, Settings, ShardRecord, parse, read_text, to_json};
use super::part::PartOf;
use super::shard::{Writer, to_bytes};
use crate::data::content::{ContentHash, Hasher, sha256};
use crate::data::corpus::{BATCH, add_up};
use crate::data::representation::Encoded;
use crate::data::source::{Entry, duplicates, list};
use crate::data::{
    CorpusError, CorpusOptions, CorpusProgress, CorpusReport, Representation, SkipReason, Skipped,
};
use crate::gan::RoleSet;

/// How a corpus is prepared.
#[derive(Debug, Clone, PartialEq)]
pub struct PrepareOptions {
    /// What pieces become.
    pub representation: Representation,
    /// How the corpus is read.
    pub corpus: CorpusOptions,
    /// Which part of it is prepared here. Default all.
    pub part: PartOf,
    /// Files a shard, 1 or more. Default 1024. A prepared corpus keeps one file open for each shard.
    pub files_per_shard: usize,
}

impl PrepareOptions {
    /// The default options for a representation.
    #[must_use]
    pub fn new(representation: Representation) -> Self {
        Self { representation, corpus: CorpusOptions::default(), part: PartOf::WHOLE, files_per_shard: 1024 }
    }
}

/// What was prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepareReport {
    /// What was read of this part and what was skipped. Duplicates across parts are found when the corpus is opened.
    pub corpus: CorpusReport,
    /// Shards of this part.
    pub shards: usize,
    /// Of those, how many were there already, whole and made of the same files.
    pub kept: usize,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// Writes a corpus, a folder of MIDI files or a JSON file as [`Corpus::open`](crate::data::Corpus::open) takes it, as
/// shards that are mapped into memory to train. [`Prepared::open`](super::Prepared::open) reads them.
///
/// Files are read a few at a time, so a corpus may be larger than memory. A shard is on disk for good before the next is begun;
/// called again after an interruption, with the same source and options, it keeps the finished shards whose files
/// have not changed, and ends with the same bytes as if it had never stopped. One process may prepare a part at a time.
///
/// ```no_run
/// use std::ops::ControlFlow;
///
/// use deepcompose_models::data::{PrepareOptions, Prepared, Representation, Split, prepare};
///
/// let options = PrepareOptions::new(Representation::Rolls);
/// let report = prepare("my-midi", "prepared", &options, &mut |_| ControlFlow::Continue(()))?;
/// println!("{} in {} bytes", report.corpus, report.bytes);
/// let windows = Prepared::open("prepared")?.roll_windows(Split::Train, 128, 16)?;
/// # Ok::<(), deepcompose_models::data::CorpusError>(())
/// ```
///
/// # Errors
///
/// As [`Corpus::from_dir_with`](crate::data::Corpus::from_dir_with), but a part of several may be without pieces; and
/// [`CorpusError::Io`] for what cannot be written, which leaves finished shards as they are.
pub fn prepare(
    source: impl AsRef<Path>,
    out: impl AsRef<Path>,
    options: &PrepareOptions,
    observer: &mut dyn FnMut(CorpusProgress) -> ControlFlow<()>,
) -> Result<PrepareReport, CorpusError> {
    let (source, out) = (source.as_ref(), out.as_ref());
    options.representation.validate()?;
    if options.files_per_shard == 0 {
        let value = options.files_per_shard.to_string();
        return Err(CorpusError::Option { field: "files_per_shard", value, accepted: "1 or more" });
    }
    let listed = list(source, &options.corpus)?;
    let entries: Vec<Entry> =
        listed.entries.into_iter().filter(|entry| options.part.takes(&entry.id)).collect();
    let mut job = Job {
        out,
        options,
        settings: Settings::of(&options.representation, &options.corpus),
        done: CorpusProgress { done: 0, files: entries.len(), skipped: 0 },
        observer,
    };
    let nothing =
        |report| Err(CorpusError::Nothing { path: source.display().to_string(), report: Box::new(report) });
    if entries.is_empty() && options.part.count() == 1 {
        return nothing(CorpusReport { other_files: listed.other_files, ..CorpusReport::default() });
    }
    std::fs::create_dir_all(out).map_err(|e| CorpusError::io(out, e))?;
    let mut known = job.known_shards()?;
    let (mut shards, mut kept) = (Vec::new(), 0);
    for (index, chunk) in entries.chunks(options.files_per_shard).enumerate() {
        let record = match job.kept(known.remove(&index), chunk)? {
            Some(record) => {
                kept += 1;
                record
            }
            None => job.write(index, chunk)?,
        };
        shards.push(record);
    }
    let mut corpus = report(shards.iter());
    corpus.other_files = listed.other_files;
    let bytes = shards.iter().map(|shard| shard.bytes).sum();
    let done = PrepareReport { corpus, shards: shards.len(), kept, bytes };
    if done.corpus.pieces == 0 && options.part.count() == 1 {
        // What was prepared there before stays.
        job.clean(&job.prepared())?;
        return nothing(done.corpus);
    }
    let manifest = Manifest::new(options.part, job.settings.clone(), shards);
    manifest.write(&job.path("json"))?;
    job.clean(&manifest.shards)?;
    Ok(done)
}

/// What became of the files of these shards, duplicates among them marked.
pub(super) fn report<'a>(shards: impl Iterator<Item = &'a ShardRecord>) -> CorpusReport {
    let mut report = CorpusReport::default();
    let mut pieces: Vec<&PieceRecord> = Vec::new();
    for shard in shards {
        report.files += shard.files;
        report.skipped.extend_from_slice(&shard.skipped);
        report.repaired_files += shard.repaired_files;
        add_up(&mut report.repairs, shard.repairs.clone());
        pieces.extend(&shard.pieces);
    }
    pieces.sort_by(|a, b| a.id.cmp(&b.id));
    let keys: Vec<_> = pieces.iter().map(|piece| (piece.content, piece.split)).collect();
    for (piece, of) in pieces.iter().zip(duplicates(&keys)) {
        match of.and_then(|of| pieces.get(of)) {
            None => report.pieces += 1,
            Some(of) => report.skipped.push(Skipped {
                path: piece.id.clone(),
                reason: SkipReason::Duplicate { of: of.id.clone() },
            }),
        }
    }
    report.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    report
}

struct Job<'a> {
    out: &'a Path,
    options: &'a PrepareOptions,
    settings: Settings,
    done: CorpusProgress,
    observer: &'a mut dyn FnMut(CorpusProgress) -> ControlFlow<()>,
}

/// A piece as it goes into a shard: its record, its bytes, and the length and hash of each of its columns.
type Packed = (PieceRecord, Vec<u8>, Vec<(usize, ContentHash)>);

/// What became of one file.
struct Outcome {
    digest: ContentHash,
    repairs: Vec<(String, u64)>,
    result: Result<Packed, SkipReason>,
}

impl Job<'_> {
    /// A file of this part.
    fn path(&self, rest: &str) -> std::path::PathBuf {
        self.out.join(format!("{}.{rest}", self.options.part.stem()))
    }

    /// The record of a finished shard while others are still to come.
    fn finished_name(index: usize) -> String {
        format!("{index:05}.finished")
    }

    /// Names of this part's files in the folder, without the stem and its dot, and those of files left unfinished.
    fn names(&self) -> Result<(Vec<String>, Vec<String>), CorpusError> {
        let stem = self.options.part.stem();
        let io = |e| CorpusError::io(self.out, e);
        let (mut ours, mut left) = (Vec::new(), Vec::new());
        for found in std::fs::read_dir(self.out).map_err(io)? {
            let name = found.map_err(io)?.file_name().to_string_lossy().into_owned();
            if is_left_over(&name, &stem) {
                left.push(name);
            } else if let Some(rest) = name.strip_prefix(&stem).and_then(|rest| rest.strip_prefix('.')) {
                ours.push(rest.to_owned());
            }
        }
        Ok((ours, left))
    }

    /// Records of shards that an earlier call finished. One that cannot be read is as good as none.
    fn known_shards(&self) -> Result<BTreeMap<usize, ShardRecord>, CorpusError> {
        let mut known: BTreeMap<_, _> = self.prepared().into_iter().enumerate().collect();
        for name in self.names()?.0 {
            let index = name.strip_suffix(".finished").and_then(|index| index.parse().ok());
            if let Some(index) = index
                && let Ok(text) = read_text(&self.path(&name))
                && let Ok(record) = parse(self.out, &text)
            {
                known.insert(index, record);
            }
        }
        Ok(known)
    }

    /// The shards of this part's manifest, if there is a whole one.
    fn prepared(&self) -> Vec<ShardRecord> {
        match Manifest::read(&self.path("json")) {
            Ok(manifest) if manifest.part == self.options.part => manifest.shards,
            _ => Vec::new(),
        }
    }

    fn inputs_hash(&self) -> Result<Hasher, CorpusError> {
        let mut hash = Hasher::new("inputs");
        hash.text(&to_json(self.out, &self.settings)?);
        hash.text(&format!("{:?}", self.options.corpus.limits));
        Ok(hash)
    }

    /// The record, if its shard is whole and was made of just these files.
    fn kept(
        &mut self,
        record: Option<ShardRecord>,
        chunk: &[Entry],
    ) -> Result<Option<ShardRecord>, CorpusError> {
        let Some(record) = record.filter(|record| record.files == chunk.len()) else { return Ok(None) };
        let plain = Path::new(&record.file).file_name().is_some_and(|name| *name == *record.file);
        let whole = plain
            && hash_file(&self.out.join(&record.file))
                .is_ok_and(|found| found == (record.sha256, record.bytes));
        if !whole {
            return Ok(None);
        }
        let mut hash = self.inputs_hash()?;
        for batch in chunk.chunks(BATCH) {
            let options = &self.options.corpus;
            let digests: Vec<ContentHash> = batch.par_iter().map(|e| e.load(options).digest()).collect();
            for (entry, digest) in batch.iter().zip(&digests) {
                add_input(&mut hash, entry, digest);
            }
        }
        if hash.finish() != record.inputs {
            return Ok(None);
        }
        self.done.done += chunk.len();
        self.done.skipped += record.skipped.len();
        self.observe()?;
        Ok(Some(record))
    }

    fn observe(&mut self) -> Result<(), CorpusError> {
        if (self.observer)(self.done).is_break() { Err(CorpusError::Stopped) } else { Ok(()) }
    }

    /// Writes a shard and, once it is on disk, its record.
    fn write(&mut self, index: usize, chunk: &[Entry]) -> Result<ShardRecord, CorpusError> {
        let stem = self.options.part.stem();
        let mut writer = Writer::new(self.out, &stem, &self.options.representation)?;
        let mut record = ShardRecord {
            file: String::new(),
            bytes: 0,
            sha256: sha256(&[]),
            inputs: sha256(&[]),
            files: chunk.len(),
            pieces: Vec::new(),
            skipped: Vec::new(),
            repaired_files: 0,
            repairs: BTreeMap::new(),
        };
        let mut hash = self.inputs_hash()?;
        for batch in chunk.chunks(BATCH) {
            let options = self.options;
            let outcomes: Vec<Outcome> = batch.par_iter().map(|entry| outcome(entry, options)).collect();
            for (entry, outcome) in batch.iter().zip(outcomes) {
                add_input(&mut hash, entry, &outcome.digest);
                record.repaired_files += usize::from(!outcome.repairs.is_empty());
                add_up(&mut record.repairs, outcome.repairs);
                match outcome.result {
                    Ok((piece, bytes, columns)) => {
                        let columns = writer.add(&bytes, &columns)?;
                        record.pieces.push(PieceRecord { columns, ..piece });
                    }
                    Err(reason) => {
                        self.done.skipped += 1;
                        record.skipped.push(Skipped { path: entry.id.clone(), reason });
                    }
                }
                self.done.done += 1;
                self.observe()?;
            }
        }
        record.inputs = hash.finish();
        writer.finish(&format!("{stem}.{index:05}"), &mut record)?;
        let path = self.path(&Self::finished_name(index));
        write_atomically(&path, to_json(&path, &record)?.as_bytes())?;
        Ok(record)
    }

    /// Removes this part's files but for its manifest and these shards.
    fn clean(&self, shards: &[ShardRecord]) -> Result<(), CorpusError> {
        let (ours, left) = self.names()?;
        let stem = self.options.part.stem();
        let ours = ours.into_iter().map(|rest| format!("{stem}.{rest}"));
        for name in ours.chain(left) {
            let used = name == format!("{stem}.json") && !shards.is_empty();
            if !used && !shards.iter().any(|shard| shard.file == name) {
                let path = self.out.join(name);
                std::fs::remove_file(&path).map_err(|e| CorpusError::io(&path, e))?;
            }
        }
        Ok(())
    }
}

fn outcome(entry: &Entry, options: &PrepareOptions) -> Outcome {
    let PrepareOptions { corpus, representation, .. } = options;
    let loaded = entry.load(corpus);
    let digest = loaded.digest();
    let music = match loaded.music(corpus) {
        Ok(music) => music,
        Err(reason) => return Outcome { digest, repairs: Vec::new(), result: Err(reason) },
    };
    let content = ContentHash::of(&music.score);
    let split = entry.split.unwrap_or_else(|| corpus.shares.split(&content));
    let genre = entry.genre.unwrap_or(corpus.genre);
    let result =
        representation.encode(&music.score, genre, split).map_err(SkipReason::Unfit).map(|encoded| {
            let (bytes, columns) = to_bytes(&encoded);
            let roles: Option<RoleSet> = match &encoded {
                Encoded::Bands(piece) => Some(piece.roles()),
                _ => None,
            };
            let id = entry.id.clone();
            (PieceRecord { id, content, split, genre, roles, columns: Vec::new() }, bytes, columns)
        });
    // What is not in the corpus is not counted as mended.
    let repairs = if result.is_ok() { music.repairs } else { Vec::new() };
    Outcome { digest, repairs, result }
}

/// What a shard depends on: the path (for the id), the genre and split that it gives, and the bytes.
fn add_input(hash: &mut Hasher, entry: &Entry, digest: &ContentHash) {
    hash.text(&entry.id);
    hash.text(entry.genre.map_or("", |genre| genre.name()));
    hash.text(entry.split.map_or("", |split| split.name()));
    hash.hash(digest);
}
