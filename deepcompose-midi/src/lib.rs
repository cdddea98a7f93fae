//! Standard MIDI Files to and from [`Score`](deepcompose_core::Score)s.
//!
//! ```no_run
//! let (score, report) = deepcompose_midi::read("song.mid")?;
//! println!("{} tracks, {:.1} seconds", score.tracks().len(), score.duration_seconds());
//! if !report.is_clean() {
//!     eprintln!("{report}"); // what was mended and what was left out, and where
//! }
//! deepcompose_midi::write("copy.mid", &score)?;
//! # Ok::<(), deepcompose_midi::MidiError>(())
//! ```
//!
//! # Tour
//!
//! | to | use |
//! |---|---|
//! | read a file, or bytes, as far as it can be read | [`read`], [`read_bytes`] |
//! | refuse what is not as the specification has it | [`read_strict`], [`read_strict_bytes`] |
//! | know what was mended and what was left out | [`ReadReport`] |
//! | set limits, pair overlapping notes in another way, hold notes with the pedal, name the encoding of texts | [`Reader`], [`Limits`], [`Pairing`], [`TextEncoding`] |
//! | read the patterns of a type 2 file | [`read_patterns`], [`read_patterns_bytes`] |
//! | know where in the file a track comes from | [`ReadReport::origins`], [`Origin`] |
//! | write a file, or bytes | [`write()`], [`to_bytes`], [`to_bytes_type0`] |
//! | know what a score will be after a file | [`canonical`] |
//!
//! Reading what was written gives the same score, for every score in [`canonical`] form; and what is
//! read from a file is in that form, unless another [`Pairing`] was asked for. So reading, writing and
//! reading again changes nothing.
//!
//! # What becomes of a file
//!
//! Types 0, 1 and 2, also inside a RIFF wrapper (`.rmi`), and karaoke files (`.kar`), which are type 0
//! or 1. A type 2 file holds separate patterns: [`read_patterns`] gives one score each, [`read`] lays
//! them one upon the other.
//!
//! **Tracks.** There is one [`Track`](deepcompose_core::Track) for each file track, channel and
//! program that plays notes; channel 10 is percussion. Where a program changes in the middle of a
//! part, another track begins. They are in the order of the file's tracks, then of the channels and
//! the programs, or as channel prefixes (FF 20) have named the channels. File tracks are played together, so a program set in one holds for the
//! channel in others that set none themselves. The port event (FF 21) keeps equal channels of
//! different ports apart. The name is the track name (FF 03), else the instrument name (FF 04). A file
//! track that plays nothing, but has a name, texts or raw events, is a track with no notes, unless it
//! is the first.
//!
//! **Controls, bends and aftertouch** go to the track that plays on their channel at the time; those
//! before its first note, and bank selects, to the one that plays next. Those of one channel keep
//! their order, so that a parameter number (RPN, NRPN) stays with its data entry.
//!
//! **Texts** (lyrics, markers, …: FF 01–09) and **raw events** (system exclusive messages, escapes,
//! sequence numbers, SMPTE offsets, sequencer-specific and unknown meta events) go to the track that
//! their file track has become; where that is several, to the first, or to that of the channel that
//! a channel prefix (FF 20) names. Of the first file track, copyright notices, markers, cue points and
//! raw events go to the score, and all else too if it plays nothing or on several tracks.
//!
//! A text that is valid UTF-8 is read as that. The others are in one encoding a file: Shift-JIS if they
//! look like it, and then all texts of the file are, else Latin-1 (Windows-1252); see [`TextEncoding::Auto`]. They are written as UTF-8.
//!
//! **Time.** Tempos, time signatures and key signatures count wherever they are in the file; of
//! several at one tick the last wins. SMPTE time becomes one quarter note a second (1.001 seconds
//! where the rate is 30000/1001 frames), at which seconds are exact; tempo events have no say in such
//! a file and are counted as left out.
//!
//! **Notes** of one key on one channel of one file track are paired first on, first off; [`Pairing`]
//! has other ways. See [`canonical`] for what that means for a score with such notes nested.
//! [`Reader::sustain`] holds notes as long as the pedal does.
//!
//! # Decisions on damaged files
//!
//! [`read`] mends what is in this table and says so in the [`ReadReport`]; [`read_strict`] refuses it
//! with the byte offset ([`Repair::is_damage`]).
//!
//! | found | outcome |
//! |---|---|
//! | file cut short | read up to there: [`Repair::DamagedTrack`] |
//! | bytes that are no event | read on as below, if then all else in the track is events up to its end; else the rest of the track is passed over: [`Repair::DamagedTrack`]. [`Tally::bytes`] says how much |
//! | … a data byte over 127 | taken as 127: [`Repair::ClippedData`]. Or the event is passed over, whichever leaves fewer notes without on or off |
//! | … other bytes | passed over, up to 16 behind the first bad one: [`Repair::Resynchronised`] |
//! | number with zeros in front, over four bytes | read: [`Repair::LongNumber`] |
//! | running status after a meta event or system exclusive message | taken up again: [`Repair::RunningStatusResumed`] |
//! | system common or real-time message, F1–F6 and F8–FE | passed over with its data bytes: [`Repair::SystemMessage`] |
//! | system exclusive message with a byte over 127 | kept as an escape: [`Repair::InvalidSysEx`] |
//! | tempo 0, signature out of range, meta event of wrong length | passed over, or the valid part used: [`Repair::InvalidMeta`] |
//! | wrong track length | the events decide: [`Repair::TrackLength`] |
//! | no end of track, or half of one | supplied: [`Repair::MissingEndOfTrack`] |
//! | bytes after the end of track; before the header, between or after chunks | passed over: [`Repair::DataAfterEndOfTrack`], [`Repair::StrayBytes`] |
//! | other number of tracks than the header promises; type 0 with several | all read: [`Repair::TrackCount`], [`Repair::TracksInType0`] |
//! | type above 2 | read as type 1: [`Repair::UnknownType`] |
//! | wrong header length, with a track where it should be | seen through: [`Repair::HeaderLength`] |
//! | division 0 | 480 ticks a quarter note, with ticks as they are: [`Repair::Division`] |
//! | SMPTE frame rate that does not exist | taken as it is: [`Repair::Division`] |
//!
//! Neither reader accepts an empty file, one without `MThd` (there is no time without the division in
//! it), or one that promises tracks and has none: [`MidiError::Malformed`]. A time past
//! [`Tick::MAX`](deepcompose_core::Tick::MAX) is a [`MidiError::Limit`]; only an end of track may be
//! there.
//!
//! # Decisions on files that are in order
//!
//! These are no damage; [`read_strict`] makes them, too.
//!
//! | found | outcome |
//! |---|---|
//! | overlapping notes of one pitch | [`Pairing`] decides: [`Repair::OverlappingNotes`] |
//! | note on without note off | ends where the key is struck again, at the next "all notes off" (controllers 120, 123–127), or with its file track: [`Repair::UnclosedNote`] |
//! | note off without note on | passed over: [`Repair::StrayNoteOff`] |
//! | note of no length | kept, duration 0 |
//! | controls on a channel that only other file tracks play | given to those: [`Repair::ControlsMoved`]; unless they come with a program that nobody plays, which is a track with no notes |
//! | program change in the middle of a part | the new track starts with the controls in force, but for parameter numbers and data entry; a pedal still down in the old one is lifted with the new one's: [`Repair::ControlsCarried`] |
//! | type 2 with several patterns | laid one upon the other: [`Repair::PatternsTogether`]; [`read_strict`] refuses that as [`MidiError::Unsupported`] |
//! | long header, chunk that is no track | passed over: [`Repair::LongHeader`], [`Skipped::UnknownChunk`], [`Skipped::RiffChunk`] |
//! | text that is none in the file's encoding | replaced in part: [`Repair::UndecodableText`] |
//! | no notes, or no tracks promised and none there | a score with no notes |
//!
//! Other readers decide otherwise in places. symusic 0.6 drops a note on that has no note off, after
//! pairing the others first on, first off; gives program 0 to a file track whose program is set by
//! another one; and loses notes that use running status after a system exclusive message. On files
//! without any of these it finds the same notes.
//!
//! What a score has no place for (release velocities, the click of a metronome, …) is counted in the
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
//! | [`Limits::text_bytes`] | 16 MiB |
//! | [`Limits::duration`] | 24 hours |
//!
//! Writing takes at most 65 534 tracks, track names under 256 MiB and 4 GiB a track; all else that a
//! score can hold can be written. The first fifteen melodic tracks get a channel each, further ones
//! the channels of further ports, which simple players ignore; see [`to_bytes`].
//!
//! # Input safety
//!
//! The reader is made for files from anywhere. No input makes it panic; lengths in a file are never
//! trusted for an allocation; time is linear in the length of the file (times its logarithm, to bring
//! events into order) and memory a small multiple of it and of what [`Limits`] allows. What was not
//! read is in the report or is an error with a byte offset. [`write()`] puts a temporary file in place
//! of the old one only when it is complete.
//!
//! Names and texts come from the file as they are, control characters included: escape them before you
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
mod writer;

pub use canonical::canonical;
pub use error::MidiError;
pub use reader::{
    Limits, Origin, Pairing, Place, ReadReport, Reader, Repair, Skipped, Tally, TextEncoding, Timing, read,
    read_bytes, read_patterns, read_patterns_bytes, read_strict, read_strict_bytes,
};
pub use writer::{to_bytes, to_bytes_type0, write};
