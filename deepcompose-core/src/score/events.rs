//! [`Text`] and [`RawEvent`]: what goes with the music and is not played by a channel.

use serde::{Deserialize, Serialize};

use crate::error::ScoreError;

/// The longest event of a Standard MIDI File, in bytes: 2²⁸ − 1.
const MAX_BYTES: usize = (1 << 28) - 1;

fn check_length(what: &'static str, length: usize) -> Result<(), ScoreError> {
    if length > MAX_BYTES {
        return Err(ScoreError::Limit { what, value: length as u64, limit: MAX_BYTES as u64 });
    }
    Ok(())
}

/// What a [`Text`] is for: the text events FF 01 to FF 09 of Standard MIDI Files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TextKind {
    /// Anything (FF 01). Karaoke files (`.kar`) hold their words in these.
    Text,
    /// A copyright notice (FF 02).
    Copyright,
    /// A title (FF 03): of the piece, in a [`Score`](crate::Score); in a
    /// [`Track`](crate::Track), a name beside [`Track::name`](crate::Track::name).
    SequenceName,
    /// The name of an instrument (FF 04).
    InstrumentName,
    /// A syllable that is sung at its tick (FF 05).
    Lyric,
    /// A point in the piece: a rehearsal letter, the name of a section (FF 06).
    Marker,
    /// What happens in a film or on a stage at the time (FF 07).
    CuePoint,
    /// The name of a program (FF 08).
    ProgramName,
    /// The name of the device or port that plays (FF 09).
    DeviceName,
}

impl TextKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Copyright,
        Self::SequenceName,
        Self::InstrumentName,
        Self::Lyric,
        Self::Marker,
        Self::CuePoint,
        Self::ProgramName,
        Self::DeviceName,
    ];

    /// The type of the meta event, 1..=9.
    #[must_use]
    pub const fn meta_type(self) -> u8 {
        self as u8 + 1
    }

    /// The kind of text that a meta event of this type holds, if it is one of 1..=9.
    #[must_use]
    pub fn from_meta_type(meta_type: u8) -> Option<Self> {
        Self::ALL.get(usize::from(meta_type).checked_sub(1)?).copied()
    }
}

/// Words at a tick.
///
/// ```
/// use deepcompose_core::{At, Program, Text, TextKind, Tick, Track};
///
/// let mut voice = Track::new("Voice", Program::MIN);
/// voice.set_texts(vec![At { tick: Tick::ZERO, value: Text::new(TextKind::Lyric, "Freu-")? }]);
/// assert_eq!(voice.texts()[0].value.as_str(), "Freu-");
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(TextKind, String)", into = "(TextKind, String)")]
pub struct Text {
    kind: TextKind,
    text: String,
}

impl Text {
    /// Checks a text. It may be empty.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if it is longer than 2²⁸ − 1 bytes.
    pub fn new(kind: TextKind, text: impl Into<String>) -> Result<Self, ScoreError> {
        let text = text.into();
        check_length("bytes of a text", text.len())?;
        Ok(Self { kind, text })
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> TextKind {
        self.kind
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl TryFrom<(TextKind, String)> for Text {
    type Error = ScoreError;

    fn try_from((kind, text): (TextKind, String)) -> Result<Self, ScoreError> {
        Self::new(kind, text)
    }
}

impl From<Text> for (TextKind, String) {
    fn from(t: Text) -> Self {
        (t.kind, t.text)
    }
}

/// What a [`RawEvent`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawKind {
    /// A system exclusive message, without its status F0: bytes 0..=127, the last one F7 (without
    /// that, an [`Escape`](Self::Escape) goes on with it).
    SysEx,
    /// Any bytes that go to the instrument as they are (F7).
    Escape,
    /// A meta event of this type, 0..=127: sequence number (0), SMPTE offset (54, hexadecimal),
    /// sequencer-specific (7F), or one that has no name. Types that a score holds in a place of
    /// their own are not among them: texts (1 to 9), channel prefix and port (20, 21), end of
    /// track (2F), tempo, time and key signature (51, 58, 59).
    Meta(u8),
}

/// An event that is kept as its bytes, for the instruments and programs that know it.
///
/// ```
/// use deepcompose_core::{RawEvent, RawKind};
///
/// let gm_on = RawEvent::new(RawKind::SysEx, vec![0x7E, 0x7F, 9, 1, 0xF7])?;
/// assert_eq!(gm_on.data().len(), 5);
/// assert!(RawEvent::new(RawKind::SysEx, vec![0x90, 0xF7]).is_err());
/// assert!(RawEvent::new(RawKind::Meta(0x51), vec![7, 0xA1, 0x20]).is_err()); // see TempoMap
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(RawKind, Vec<u8>)", into = "(RawKind, Vec<u8>)")]
pub struct RawEvent {
    kind: RawKind,
    data: Vec<u8>,
}

impl RawEvent {
    /// Checks an event.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] for more than 2²⁸ − 1 bytes; [`ScoreError::OutOfRange`] for a byte over
    /// 127 in a system exclusive message before its final F7, and for a meta type over 127;
    /// [`ScoreError::MetaType`] for one that a score holds elsewhere.
    pub fn new(kind: RawKind, data: Vec<u8>) -> Result<Self, ScoreError> {
        check_length("bytes of an event", data.len())?;
        let out_of_range =
            |field, value: u8| ScoreError::OutOfRange { field, value: value.into(), min: 0, max: 127 };
        match kind {
            RawKind::SysEx => {
                let message = data.strip_suffix(&[0xF7]).unwrap_or(&data);
                if let Some(bad) = message.iter().find(|b| **b > 127) {
                    return Err(out_of_range("system exclusive byte", *bad));
                }
            }
            RawKind::Escape => {}
            RawKind::Meta(meta @ 0x80..) => return Err(out_of_range("meta event type", meta)),
            RawKind::Meta(meta @ (1..=9 | 0x20 | 0x21 | 0x2F | 0x51 | 0x58 | 0x59)) => {
                return Err(ScoreError::MetaType(meta));
            }
            RawKind::Meta(_) => {}
        }
        Ok(Self { kind, data })
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> RawKind {
        self.kind
    }

    /// Its bytes, without status, type and length.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

impl TryFrom<(RawKind, Vec<u8>)> for RawEvent {
    type Error = ScoreError;

    fn try_from((kind, data): (RawKind, Vec<u8>)) -> Result<Self, ScoreError> {
        Self::new(kind, data)
    }
}

impl From<RawEvent> for (RawKind, Vec<u8>) {
    fn from(e: RawEvent) -> Self {
        (e.kind, e.data)
    }
}
