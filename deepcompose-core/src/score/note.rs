//! [`At`] and [`Note`].

use serde::{Deserialize, Serialize};

use crate::units::{Pitch, Tick, Velocity};

/// Something that happens at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At<T> {
    /// When.
    pub tick: Tick,
    /// What.
    pub value: T,
}

/// One note. It sounds over `start..start + duration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Note {
    /// Onset, in ticks.
    pub start: Tick,
    /// MIDI key number; for a drum track, the General MIDI percussion key.
    pub pitch: Pitch,
    /// Length in ticks. Zero is allowed: some files hold such notes.
    pub duration: Tick,
    /// Note-on velocity.
    pub velocity: Velocity,
}

impl Note {
    /// The tick at which the note ends, at most [`Tick::MAX`].
    #[must_use]
    #[inline]
    pub fn end(&self) -> Tick {
        self.start.saturating_add(self.duration)
    }
}
