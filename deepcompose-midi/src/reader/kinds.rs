//! [`Repair`] and [`Skipped`]: the kinds of things that a reader reports.

/// Something that the reader put right or had to decide on.
///
/// [`Repair::is_damage`] tells what is not as the Standard MIDI File specification has it, which
/// [`read_strict`](crate::read_strict) refuses, from what the specification leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// The header gives another number of tracks than there are. All that are there were read.
    TrackCount,
    /// A type 0 file with several tracks, read as type 1.
    TracksInType0,
    /// A type above 2 in the header, read as type 1.
    UnknownType,
    /// The separate patterns of a type 2 file read as one score, each from its own start. (Not by
    /// [`read_patterns`](crate::read_patterns).)
    PatternsTogether,
    /// A division of 0, taken for 480 ticks a quarter note; or a SMPTE frame rate that does not
    /// exist, taken as it is.
    Division,
    /// A header chunk longer than six bytes, as later versions of the format may have it; the rest
    /// was passed over.
    LongHeader,
    /// A header chunk whose length is wrong: the tracks begin right behind its six bytes.
    HeaderLength,
    /// A track chunk whose length does not fit its events. The end-of-track event was followed.
    TrackLength,
    /// Bytes in a track chunk after its end-of-track event, passed over.
    DataAfterEndOfTrack,
    /// A track that ends without an end-of-track event, or with half of one.
    MissingEndOfTrack,
    /// Bytes before, between or after the chunks that are no chunk, passed over.
    StrayBytes,
    /// A track cut off at its first unreadable event, or by the end of the file.
    DamagedTrack,
    /// Bytes in a track that cannot be read, passed over; from behind them all else in the track is
    /// events up to its end. The time of what follows may be early or late.
    Resynchronised,
    /// A data byte over 127, taken as 127: so read, all else in the track is events up to its end.
    ClippedData,
    /// A delta time or length written with more bytes than the four it may have.
    LongNumber,
    /// Running status used after a meta event or system exclusive message, which should have
    /// ended it. The last channel status was taken up again.
    RunningStatusResumed,
    /// A system common or real-time message (status F1–F6, F8–FE), which a file may not hold.
    /// It was passed over.
    SystemMessage,
    /// A system exclusive message with bytes over 127, kept as an escape, which can hold any.
    InvalidSysEx,
    /// A meta event with a value that means nothing: tempo 0, key of nine sharps, wrong length.
    /// It was passed over, or the part that means something was kept.
    InvalidMeta,
    /// A note that begins while the same key sounds on the same channel of the same file track.
    /// [`Overlaps`](crate::Overlaps) says which note off ends which.
    OverlappingNotes,
    /// A note with no note off, ended where its key is struck again, or at the next "all notes off"
    /// of its channel, or else at the end of its file track.
    UnclosedNote,
    /// A note off with no note to end, passed over.
    StrayNoteOff,
    /// A track name over [`Limits::name_bytes`](crate::Limits::name_bytes), cut.
    LongName,
    /// A text with bytes that are none in the encoding of the file's texts
    /// ([`ReadReport::text_encoding`](crate::ReadReport::text_encoding)), replaced by U+FFFD.
    UndecodableText,
    /// Control changes, pitch bends or aftertouch for a channel that is played by other file tracks
    /// only. They were given to those tracks.
    ControlsMoved,
    /// A program change in the middle of a channel's part, which starts another track of the
    /// score. The new track begins with the controls then in force on the channel.
    ControlsCarried,
}

impl Repair {
    /// Whether the file is not as the specification has it. The rest are ambiguities of music, and
    /// what becomes of a file's channels when they are made into tracks.
    ///
    /// ```
    /// use deepcompose_midi::Repair;
    ///
    /// assert!(Repair::MissingEndOfTrack.is_damage());
    /// assert!(!Repair::OverlappingNotes.is_damage());
    /// ```
    #[must_use]
    pub const fn is_damage(self) -> bool {
        !matches!(
            self,
            Self::LongHeader
                | Self::PatternsTogether
                | Self::OverlappingNotes
                | Self::UnclosedNote
                | Self::StrayNoteOff
                | Self::LongName
                | Self::UndecodableText
                | Self::ControlsMoved
                | Self::ControlsCarried
        )
    }

    /// What was wrong, for an error message.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::TrackCount => "the header gives another number of tracks than there are",
            Self::TracksInType0 => "a type 0 file with several tracks",
            Self::UnknownType => "a type that does not exist",
            Self::PatternsTogether => "separate patterns",
            Self::Division => "a division that means nothing",
            Self::LongHeader => "the header chunk is longer than six bytes",
            Self::HeaderLength => "the header chunk has a wrong length",
            Self::TrackLength => "the track chunk has a wrong length",
            Self::DataAfterEndOfTrack => "bytes in the track after its end",
            Self::MissingEndOfTrack => "the track has no end-of-track event",
            Self::StrayBytes => "bytes that are no chunk",
            Self::DamagedTrack | Self::Resynchronised => "bytes that are no event",
            Self::ClippedData => "a data byte over 127",
            Self::LongNumber => "a variable-length number is longer than four bytes",
            Self::RunningStatusResumed => "running status across a meta event or system exclusive message",
            Self::SystemMessage => "a system common or real-time message",
            Self::InvalidSysEx => "a system exclusive message with a byte over 127",
            Self::InvalidMeta => "a meta event of a wrong length or with a value that means nothing",
            Self::OverlappingNotes => "overlapping notes",
            Self::UnclosedNote => "a note with no note off",
            Self::StrayNoteOff => "a note off with no note",
            Self::LongName => "a long name",
            Self::UndecodableText => "a text that is none",
            Self::ControlsMoved | Self::ControlsCarried => "controls",
        }
    }
}

/// Something that a [`Score`](deepcompose_core::Score) has no place for, and that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skipped {
    /// A note-off velocity other than 0 and 64, the two that say nothing.
    ReleaseVelocity,
    /// A program change on a channel that then plays nothing.
    UnusedProgram,
    /// A tempo in a file of SMPTE time, where it has no say.
    TempoInSmpteTime,
    /// In a time signature: a metronome that does not click with the quarter note or the lower number,
    /// or a quarter note of other than eight thirty-seconds. The signature itself is kept.
    Metronome,
    /// A text or escape that would be longer than the longest event, 256 MiB.
    TooLong,
    /// A chunk that is neither `MThd` nor `MTrk`.
    UnknownChunk,
    /// A chunk of a RIFF file other than the one with the MIDI data.
    RiffChunk,
}
