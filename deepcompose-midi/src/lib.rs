//! Standard MIDI Files to and from [`Score`](deepcompose_core::Score)s.
//!
//! ```no_run
//! let score = deepcompose_midi::read("song.mid")?;
//! println!("{} tracks, {:.1} seconds", score.tracks().len(), score.duration_seconds());
//! deepcompose_midi::write("copy.mid", &score)?;
//! # Ok::<(), deepcompose_midi::MidiError>(())
//! ```
//!
//! # Tour
//!
//! | to | use |
//! |---|---|
//! | read a file, or bytes | [`read`], [`read_bytes`] |
//! | read under other limits, learn what was mended, read damaged files | [`Reader`], [`Limits`], [`ReadReport`] |
//! | read the patterns of a type 2 file | [`read_patterns`] |
//! | write a file, or bytes | [`write()`], [`to_bytes`], [`to_bytes_type0`] |
//! | know what a score will be after a file | [`canonical`] |
//!
//! Reading what was written gives the same score, for every score in [`canonical`] form; and what is
//! read from a file is in that form. So reading, writing and reading again changes nothing.
//!
//! # What becomes of a file
//!
//! Types 0, 1 and 2, also inside a RIFF wrapper (`.rmi`). A type 2 file holds separate patterns:
//! [`read_patterns`] gives one score each, [`read`] accepts it only if there is one.
//!
//! **Tracks.** There is one [`Track`](deepcompose_core::Track) for each file track, channel and
//! program that plays notes; channel 10 is percussion. Where a program changes in the middle of a
//! part, another track begins. File tracks are played together, so a program set in one holds for the
//! channel in others that set none themselves. The port event (FF 21) keeps equal channels of
//! different ports apart. The name is the track name (FF 03), else the instrument name (FF 04); text
//! is UTF-8 if it is valid as such, else Latin-1.
//!
//! **Controls and bends** go to the track that plays on their channel at the time; those before its
//! first note, and bank selects, to the one that plays next.
//!
//! **Time.** Tempos, time signatures and key signatures count wherever they are in the file; of
//! several at one tick the last wins. SMPTE time becomes one quarter note a second (1.001 seconds
//! where the rate is 30000/1001 frames), at which seconds are exact; tempo events have no say in such
//! a file and are counted as left out.
//!
//! **Notes** of one key on one channel of one file track are paired first on, first off. See
//! [`canonical`] for what that means for a score with such notes nested.
//!
//! # What is mended, and what is refused
//!
//! | found | outcome |
//! |---|---|
//! | overlapping notes of one pitch | first on goes with first off: [`Repair::OverlappingNotes`] |
//! | note on without note off | ends where the key is struck again, at the next "all notes off" (controllers 120, 123–127), or with its file track: [`Repair::UnclosedNote`] |
//! | note off without note on | passed over: [`Repair::StrayNoteOff`] |
//! | note of no length | kept, duration 0 |
//! | running status after a meta event or system exclusive message | taken up again: [`Repair::RunningStatusResumed`] |
//! | system common or real-time message, F1–F6 and F8–FE | passed over with its data bytes: [`Repair::SystemMessage`] |
//! | tempo 0, signature out of range, meta event of wrong length | passed over, or the valid part used: [`Repair::InvalidMeta`] |
//! | wrong track length | the events decide: [`Repair::TrackLength`] |
//! | no end of track, or half of one | supplied: [`Repair::MissingEndOfTrack`] |
//! | bytes after the end of track, between or after chunks | passed over: [`Repair::DataAfterEndOfTrack`], [`Repair::StrayBytes`] |
//! | chunk that is no track | passed over: [`Skipped::UnknownChunk`] |
//! | more tracks than the header promises; type 0 with several | all read: [`Repair::TrackCount`], [`Repair::TracksInType0`] |
//! | controls on a channel that only other file tracks play | given to those: [`Repair::ControlsMoved`] |
//! | program change in the middle of a part | the new track starts with the controls in force, but for parameter numbers and data entry; a pedal still down in the old one is lifted with the new one's: [`Repair::ControlsCarried`] |
//! | no notes, or no tracks promised and none there | a score with no notes |
//! | empty file, text, no `MThd`, short header | [`MidiError::Malformed`] |
//! | division 0, unknown SMPTE rate | [`MidiError::Malformed`] |
//! | data byte without a status, status byte in place of data, number over four bytes | [`MidiError::Malformed`] with the offset, or see [`Reader::salvage`] |
//! | file cut short in an event, between events, or before all promised tracks | [`MidiError::Malformed`], or see [`Reader::salvage`] |
//! | time past [`Tick::MAX`](deepcompose_core::Tick::MAX) | [`MidiError::Limit`]; only an end of track may be there |
//! | type above 2, several patterns read as one score | [`MidiError::Unsupported`] |
//!
//! What a score has no place for (lyrics, system exclusive messages, key pressure, …) is counted in the
//! [`ReadReport`] with the first places where it was found; [`Skipped`] lists the kinds.
//!
//! # Limits
//!
//! | limit | default |
//! |---|---|
//! | [`Limits::bytes`] | 32 MiB |
//! | [`Limits::events`] | 2 000 000 |
//! | [`Limits::notes`] | 1 000 000 |
//! | [`Limits::tracks`], of the file and of the score | 4096 |
//! | [`Limits::name_bytes`] (longer names are cut) | 1024 |
//! | [`Limits::duration`] | 24 hours |
//!
//! Writing takes at most 65 534 tracks, track names under 256 MiB and 4 GiB a track; all else that a
//! score can hold can be written. The first fifteen melodic tracks get a channel each, further ones
//! the channels of further ports, which simple players ignore.
//!
//! # Input safety
//!
//! The reader is made for files from anywhere. No input makes it panic; lengths in a file are never
//! trusted for an allocation; time is linear in the length of the file (times its logarithm, to bring
//! tracks into one order of time) and memory a small multiple of what [`Limits`] allows. What it
//! cannot make sense of is an error with a byte offset. [`write()`] puts a temporary file in place of
//! the old one only when it is complete.
//!
//! Track names come from the file as they are, control characters included: escape them before you
//! print them to a terminal.
//!
//! # Why the events are read here
//!
//! Files are written with [midly](https://docs.rs/midly), but not read with it: its default build ends
//! a track in silence at the first bad byte, its `strict` feature, which any dependent can switch on
//! for all, refuses files that can be mended, and neither says where the byte was.

mod canonical;
mod channels;
mod error;
mod reader;
mod save;
mod writer;

pub use canonical::canonical;
pub use error::MidiError;
pub use reader::{
    Limits, Place, ReadReport, Reader, Repair, Skipped, Tally, Timing, read, read_bytes, read_patterns,
};
pub use writer::{to_bytes, to_bytes_type0, write};
