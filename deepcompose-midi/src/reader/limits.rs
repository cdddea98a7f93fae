//! [`Limits`]: how much a file may ask for.

use std::time::Duration;

/// How much one file may ask for. Memory use while reading stays within a small multiple of these.
///
/// ```
/// use deepcompose_midi::{Limits, Reader};
///
/// let reader = Reader::new().limits(Limits::default().with_bytes(64 * 1024).with_notes(10_000));
/// assert!(reader.read_bytes(b"not a MIDI file").is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Length of the file in bytes. Default 32 MiB; whatever this says, 4 GiB.
    pub bytes: u64,
    /// Events in all file tracks together, of every kind; control changes that are copied to
    /// several tracks count once for each. Default 2 000 000.
    pub events: u64,
    /// Notes in all tracks together. Default 1 000 000.
    pub notes: u64,
    /// File tracks (`MTrk` chunks), and also tracks of the score. Default 4096.
    pub tracks: u64,
    /// Length of a track name in bytes of UTF-8. A longer one is cut (and reported), not refused.
    /// Default 1024.
    pub name_bytes: usize,
    /// Bytes of all texts (as UTF-8) and raw events of a score together, names aside. Default 16 MiB.
    pub text_bytes: u64,
    /// Playing time up to the last event or end of a note. Default 24 hours.
    /// Whatever this says, a time past [`Tick::MAX`](deepcompose_core::Tick::MAX) is refused.
    pub duration: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            events: 2_000_000,
            notes: 1_000_000,
            tracks: 4096,
            name_bytes: 1024,
            text_bytes: 16 << 20,
            duration: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Limits {
    /// No limits, for files from a trusted source.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            bytes: u64::MAX,
            events: u64::MAX,
            notes: u64::MAX,
            tracks: u64::MAX,
            name_bytes: usize::MAX,
            text_bytes: u64::MAX,
            duration: Duration::MAX,
        }
    }

    /// The same with this limit on the file's length in bytes.
    #[must_use]
    pub const fn with_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// The same with this limit on events.
    #[must_use]
    pub const fn with_events(mut self, events: u64) -> Self {
        self.events = events;
        self
    }

    /// The same with this limit on notes.
    #[must_use]
    pub const fn with_notes(mut self, notes: u64) -> Self {
        self.notes = notes;
        self
    }

    /// The same with this limit on tracks.
    #[must_use]
    pub const fn with_tracks(mut self, tracks: u64) -> Self {
        self.tracks = tracks;
        self
    }

    /// The same with this limit on a track name, in bytes of UTF-8.
    #[must_use]
    pub const fn with_name_bytes(mut self, bytes: usize) -> Self {
        self.name_bytes = bytes;
        self
    }

    /// The same with this limit on the bytes of texts and raw events.
    #[must_use]
    pub const fn with_text_bytes(mut self, bytes: u64) -> Self {
        self.text_bytes = bytes;
        self
    }

    /// The same with this limit on playing time.
    #[must_use]
    pub const fn with_duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }
}
