//! Corpora: folders of MIDI files and JSON files, in memory or prepared on disk.
//!
//! ```no_run
//! use deepcompose_models::data::{Corpus, Split};
//!
//! let (corpus, report) = Corpus::open("my-midi")?;
//! println!("{report}"); // what was read, what was skipped, what was mended
//! let train = corpus.roll_windows(Split::Train, 128, 16)?; // for the AR-CNN
//! let valid = corpus.roll_windows(Split::Valid, 128, 64)?;
//! # Ok::<(), deepcompose_models::data::CorpusError>(())
//! ```
//!
//! # What can be opened
//!
//! [`Corpus::open`] and [`prepare`] take a folder of MIDI files, or a `.json` file in one of three forms:
//!
//! | loader | file |
//! |---|---|
//! | [`chorales`] | the JSB chorales as `{"train": [[[S, A, T, B], …], …], "valid": …, "test": …}`: one list of four MIDI pitches a sixteenth, −1 for a rest |
//! | [`leads`] | lead sheets as `[{"id", "bpm", "mel": [[beat, length, pitch], …]}, …]` in 4/4, times in quarter notes |
//! | [`pop`] | songs as `[{"id", "bpm", "tracks": {"MELODY": [[step, length, pitch, velocity], …], …}}, …]`, times in sixteenths from a downbeat on |
//!
//! Public originals, and where to point:
//!
//! | corpus | what to open |
//! |---|---|
//! | JSB chorales on a grid of sixteenths, with the splits of Boulanger-Lewandowski et al. 2012 | `Jsb16thSeparated.json` of the JSB-Chorales-dataset repository |
//! | Nottingham folk tunes, Lakh, GigaMIDI, MAESTRO, or any other MIDI files | the folder; its subfolders are read too |
//! | POP909 | the folder `POP909`. Its files follow a performance, not their own bar lines: for models on a grid, quantise them to the annotated beats and write them in the form of [`pop`] |
//! | lead sheets of OpenEWLD, Wikifonia and the like | converted to MIDI as a folder, or written in the form of [`leads`] |
//! | bands for the GAN | a folder with a subfolder a genre: `rock/…`, `jazz/…` (see [`Genre`](crate::gan::Genre)) |
//!
//! # Splits and duplicates
//!
//! A piece's [`Split`] follows from a [`ContentHash`] of its notes, so new files move none of the old pieces, and a
//! renamed file stays where it was. Of pieces with the same content one is kept. The chorales keep their own splits.
//! Nothing is passed over in silence: see [`CorpusReport`].
//!
//! # In memory or prepared
//!
//! [`Corpus`] holds scores in memory. [`prepare`] turns a corpus, part by part if need be on several machines, into shards
//! of what one model learns, and [`Prepared`] maps them: then a corpus may be larger than memory, and training starts at
//! once. Both give the same datasets with the same fingerprints, but where one of two files with the same notes cannot be
//! learnt as it stands (a melody and its piano on one track, of which no band can be told): prepared, the other is kept; in memory
//! the first is, whatever it is fit for.
//!
//! # Augmentation
//!
//! | model | in its dataset or trainer |
//! |---|---|
//! | Transformer | renditions of a [`TokenAugmentation`] (time stretch, velocity); transposition drawn for every visit |
//! | AR-CNN | transposition of every window; notes added and removed by [`Corruption`](crate::ar_cnn::Corruption) |
//! | GAN | transposition of every window, drums apart; windows without their previous bars |
//!
//! All of it is drawn from the trainer's seed: the same seed gives the same batches.
//!
//! # Limits
//!
//! | what | limit |
//! |---|---|
//! | a MIDI file | [`CorpusOptions::limits`] |
//! | a JSON file | 1 GiB |
//! | folders within folders | [`CorpusOptions::depth`] |
//! | a piece as a roll | [`PianoRoll::MAX_STEPS`](deepcompose_core::PianoRoll::MAX_STEPS) steps |
//! | a piece as a band | [`MAX_BARS`](crate::gan::MAX_BARS) bars |
//! | parts of a preparation | [`PartOf::MAX`] |
//!
//! # Input safety
//!
//! Corpora may come from anywhere. A broken file is skipped and reported, links are not followed, and manifests and shards are
//! checked before they are used: lengths, headers, bounds and tokens always, all bytes by [`Prepared::verify`]. A prepared corpus
//! is mapped: a program that cuts a shard short while it is in use can end the process that reads it.

mod augmentation;
mod builtin;
pub(crate) mod column;
pub(crate) mod content;
mod corpus;
mod error;
mod json;
mod options;
pub(crate) mod prepared;
mod report;
mod representation;
mod source;
mod split;

pub use augmentation::TokenAugmentation;
pub use content::ContentHash;
pub use corpus::{Corpus, CorpusPiece};
pub use error::CorpusError;
pub use json::{chorales, leads, pop};
pub use options::CorpusOptions;
pub use prepared::{PartOf, PrepareOptions, PrepareReport, Prepared, PreparedPiece, prepare};
pub use report::{CorpusProgress, CorpusReport, SkipReason, Skipped};
pub use representation::Representation;
pub use split::{Split, SplitShares};

use deepcompose_core::Score;

/// A piece as a loader gives it.
#[derive(Debug, Clone)]
pub struct Piece {
    /// What the corpus calls it.
    pub id: String,
    /// The music.
    pub score: Score,
}

/// Splits pieces into two lists, the second of about `share` of them, by a hash of their ids: adding pieces
/// moves none, and pieces whose ids are equal up to the first `'|'` stay together.
#[must_use]
pub fn split_by_id(pieces: Vec<Piece>, share: f64) -> (Vec<Piece>, Vec<Piece>) {
    use sha2::{Digest, Sha256};
    pieces.into_iter().partition(|piece| {
        let key = piece.id.split('|').next().unwrap_or(&piece.id);
        let hash = Sha256::digest(key.as_bytes());
        let fraction =
            f64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])) / f64::from(u32::MAX);
        fraction >= share
    })
}
