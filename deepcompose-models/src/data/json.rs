//! The JSON loaders.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use deepcompose_core::{
    Note, Pitch, Program, Score, ScoreError, Tempo, Tick, TicksPerQuarter, Track, Velocity,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{CorpusError, Piece, Split};

/// Ticks a quarter in the scores that are made here: sixteenths and triplets are whole.
const RESOLUTION: i64 = 480;

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, CorpusError> {
    let file = open(path)?;
    serde_json::from_reader(file)
        .map_err(|source| CorpusError::Malformed { path: path.display().to_string(), source })
}

/// Bytes of the largest file that is read.
const MAX_BYTES: u64 = 1 << 30;

fn open(path: &Path) -> Result<BufReader<File>, CorpusError> {
    let io = |source| CorpusError::Io { path: path.display().to_string(), source };
    let file = File::open(path).map_err(io)?;
    match file.metadata().map_err(io)?.len() {
        bytes if bytes > MAX_BYTES => Err(CorpusError::Form {
            path: path.display().to_string(),
            accepted: "a JSON file of at most 1 GiB",
        }),
        _ => Ok(BufReader::new(file)),
    }
}

/// The first byte that is not white space.
fn first(path: &Path) -> Result<Option<u8>, CorpusError> {
    for byte in open(path)?.bytes() {
        let byte = byte.map_err(|source| CorpusError::Io { path: path.display().to_string(), source })?;
        if !byte.is_ascii_whitespace() {
            return Ok(Some(byte));
        }
    }
    Ok(None)
}

/// One loader's view of a note: times in quarter notes.
struct Timed {
    start: f64,
    length: f64,
    pitch: i64,
    velocity: i64,
}

impl Timed {
    fn note(&self) -> Result<Note, ScoreError> {
        let ticks = |quarters: f64| (quarters * RESOLUTION as f64).round() as i64;
        let field = |field, value: i64, max: i64| {
            u32::try_from(value).map_err(|_| ScoreError::OutOfRange { field, value, min: 0, max })
        };
        Ok(Note {
            start: Tick::new(field("start", ticks(self.start), Tick::MAX.get().into())?)?,
            duration: Tick::new(field("length", ticks(self.length), Tick::MAX.get().into())?)?,
            pitch: Pitch::new(field("pitch", self.pitch, 127)?)?,
            velocity: Velocity::saturating(self.velocity),
        })
    }
}

fn score(bpm: f64, tracks: Vec<(String, Program, Vec<Timed>)>) -> Result<Score, ScoreError> {
    let mut score = Score::new(TicksPerQuarter::new(RESOLUTION as u32)?);
    score.set_tempo(Tempo::from_bpm(bpm)?);
    for (name, program, notes) in tracks {
        let notes = notes.iter().map(Timed::note).collect::<Result<Vec<_>, _>>()?;
        score.push_track(Track::new(name, program).with_notes(notes));
    }
    Ok(score)
}

/// The chorales of one split (`train` or `valid`), four tracks a piece. Equal pitches in successive
/// sixteenths are one held note: the corpus does not tell held and repeated notes apart.
///
/// # Errors
///
/// [`CorpusError`]: no such file, not this form (or without that split), or a pitch outside 0..=127.
pub fn chorales(path: impl AsRef<Path>, split: &str) -> Result<Vec<Piece>, CorpusError> {
    let path = path.as_ref();
    let mut splits: ChoraleFile = read(path)?;
    let steps = splits.remove(split).ok_or_else(|| {
        let accepted: Vec<&String> = splits.keys().collect();
        let what = format!("there is no split `{split}`; accepted: {accepted:?}");
        CorpusError::Value { path: path.display().to_string(), piece: "-".to_owned(), what }
    })?;
    chorales_of(path, split, steps)
}

type ChoraleFile = BTreeMap<String, Vec<Vec<[i64; 4]>>>;

fn chorales_of(path: &Path, split: &str, pieces: Vec<Vec<[i64; 4]>>) -> Result<Vec<Piece>, CorpusError> {
    pieces
        .into_iter()
        .enumerate()
        .map(|(number, steps)| {
            let id = format!("{split}-{number:03}");
            let voices = ["Soprano", "Alto", "Tenor", "Bass"];
            // 52: choir aahs.
            let program = Program::saturating(52);
            let tracks = voices
                .iter()
                .enumerate()
                .map(|(v, name)| ((*name).to_owned(), program, held(steps.iter().map(|s| s[v]))))
                .collect();
            let score = score(90.0, tracks).map_err(|e| CorpusError::Value {
                path: path.display().to_string(),
                piece: id.clone(),
                what: e.to_string(),
            })?;
            Ok(Piece { id, score })
        })
        .collect()
}

/// All pieces of a JSON file in whichever of the three forms it has, with the splits of a form that has them.
pub(super) fn any(path: &Path) -> Result<Vec<(Piece, Option<Split>)>, CorpusError> {
    let unsplit = |pieces: Vec<Piece>| pieces.into_iter().map(|piece| (piece, None)).collect();
    if first(path)? == Some(b'{') {
        let mut out = Vec::new();
        for (name, steps) in read::<ChoraleFile>(path)? {
            let split = Some(name.parse::<Split>()?);
            out.extend(chorales_of(path, &name, steps)?.into_iter().map(|piece| (piece, split)));
        }
        return Ok(out);
    }
    let items = read::<Vec<Keys>>(path)?;
    if items.iter().all(|item| item.mel.is_some()) {
        Ok(unsplit(leads(path)?))
    } else if items.iter().all(|item| item.tracks.is_some()) {
        Ok(unsplit(pop(path)?))
    } else {
        Err(CorpusError::Form {
            path: path.display().to_string(),
            accepted: "a list of pieces that all have `mel`, or all have `tracks`",
        })
    }
}

/// Just enough of a list's piece to tell its form.
#[derive(Deserialize)]
struct Keys {
    mel: Option<IgnoredAny>,
    tracks: Option<IgnoredAny>,
}

/// Runs of equal pitches as notes; −1 is a rest.
fn held(steps: impl Iterator<Item = i64>) -> Vec<Timed> {
    let mut notes: Vec<Timed> = Vec::new();
    let mut before = -1;
    for (step, pitch) in steps.enumerate() {
        match notes.last_mut() {
            Some(note) if pitch == before && pitch != -1 => note.length += 0.25,
            _ if pitch != -1 => {
                notes.push(Timed { start: step as f64 * 0.25, length: 0.25, pitch, velocity: 80 });
            }
            _ => {}
        }
        before = pitch;
    }
    notes
}

#[derive(Deserialize)]
struct Lead {
    id: String,
    bpm: f64,
    mel: Vec<(f64, f64, i64)>,
}

/// Lead sheets: one melody track a piece.
///
/// # Errors
///
/// [`CorpusError`]: no such file, not this form, or a value out of range.
pub fn leads(path: impl AsRef<Path>) -> Result<Vec<Piece>, CorpusError> {
    let path = path.as_ref();
    pieces(path, read::<Vec<Lead>>(path)?, |lead| {
        let notes = lead
            .mel
            .iter()
            .map(|&(start, length, pitch)| Timed { start, length, pitch, velocity: 80 })
            .collect();
        (lead.id.clone(), lead.bpm, vec![("Melody".to_owned(), Program::MIN, notes)])
    })
}

#[derive(Deserialize)]
struct Song {
    id: String,
    bpm: f64,
    tracks: BTreeMap<String, Vec<(f64, f64, i64, i64)>>,
}

/// Quantised songs: a track for each of the file's, by its name. Steps are counted from the first
/// downbeat; a song with notes before it is moved by whole 4/4 bars, so that it begins at 0 or later.
///
/// # Errors
///
/// [`CorpusError`]: no such file, not this form, or a value out of range.
pub fn pop(path: impl AsRef<Path>) -> Result<Vec<Piece>, CorpusError> {
    let path = path.as_ref();
    pieces(path, read::<Vec<Song>>(path)?, |song| {
        let first = song.tracks.values().flatten().map(|note| note.0).fold(0.0, f64::min);
        let moved = (-first / 16.0).ceil() * 16.0;
        let tracks = song
            .tracks
            .iter()
            .map(|(name, notes)| {
                let notes = notes
                    .iter()
                    .map(|&(step, length, pitch, velocity)| Timed {
                        start: (step + moved) / 4.0,
                        length: length / 4.0,
                        pitch,
                        velocity,
                    })
                    .collect();
                (name.clone(), Program::MIN, notes)
            })
            .collect();
        (song.id.clone(), song.bpm, tracks)
    })
}

type Parts = (String, f64, Vec<(String, Program, Vec<Timed>)>);

fn pieces<T>(path: &Path, items: Vec<T>, parts: impl Fn(&T) -> Parts) -> Result<Vec<Piece>, CorpusError> {
    items
        .iter()
        .map(|item| {
            let (id, bpm, tracks) = parts(item);
            let score = score(bpm, tracks).map_err(|e| CorpusError::Value {
                path: path.display().to_string(),
                piece: id.clone(),
                what: e.to_string(),
            })?;
            Ok(Piece { id, score })
        })
        .collect()
}
