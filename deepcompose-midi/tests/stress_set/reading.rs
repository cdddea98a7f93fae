//! Files of very many events of one kind: all are read, in time and memory linear in their number.

use deepcompose_core::Score;
use deepcompose_midi::{ReadReport, Repair};

use crate::files::{Events, header, notes, tracks};
use crate::measure::{alone, grows_linearly};
use crate::{MANY, read};

/// Bytes of memory for an event, or a note of two events: a file's event has 3 to 5 bytes.
const EACH: usize = 640;

/// Bytes of memory for a track of two events: a name, a channel, some vectors.
const EACH_TRACK: usize = 2048;

/// Reads files of up to `size` events, and checks what comes of each.
fn check(
    name: &str,
    size: usize,
    make: impl Fn(usize) -> Vec<u8>,
    is_right: impl Fn(usize, &Score, &ReadReport) -> bool,
) {
    check_memory(name, size, EACH, make, is_right);
}

/// The same for files of up to `size` tracks.
fn check_tracks(
    name: &str,
    size: usize,
    make: impl Fn(usize) -> Vec<u8>,
    is_right: impl Fn(usize, &Score, &ReadReport) -> bool,
) {
    check_memory(name, size, EACH_TRACK, make, is_right);
}

fn check_memory(
    name: &str,
    size: usize,
    bytes_each: usize,
    make: impl Fn(usize) -> Vec<u8>,
    is_right: impl Fn(usize, &Score, &ReadReport) -> bool,
) {
    let _alone = alone();
    for size in [1, 2, 3, 100] {
        let (score, report) = read(&make(size)).unwrap();
        assert!(is_right(size, &score, &report), "{name}, {size}: {report}");
    }
    let with_size = |size| (size, make(size));
    grows_linearly(name, size, bytes_each, with_size, |(size, bytes)| {
        let (score, report) = read(bytes).unwrap();
        assert!(is_right(*size, &score, &report), "{name}, {size}: {report}");
        score
    });
}

#[test]
fn notes_one_after_the_other() {
    check("notes", MANY, notes, |n, score, report| score.note_count() == n && report.is_clean());
}

#[test]
fn one_pitch_struck_and_never_released() {
    let make = |n| {
        Events::repeat(n, |e, _| {
            e.on(1, 60);
        })
        .file()
    };
    check("note-ons without note-offs", MANY, make, |n, score, report| {
        // Each ends where the next begins; the last at once, with the track.
        let notes = score.tracks()[0].notes();
        notes.len() == n
            && notes.iter().rev().skip(1).all(|note| note.duration.get() == 1)
            && report.repair_count(Repair::UnclosedNote) == n as u64
    });
}

#[test]
fn one_pitch_struck_often_at_one_tick_and_never_released() {
    let make = |n| {
        Events::repeat(n, |e, _| {
            e.on(0, 60);
        })
        .file()
    };
    check("note-ons of one tick", MANY, make, |n, score, _| score.note_count() == n);
}

#[test]
fn one_pitch_struck_often_then_released_as_often() {
    let make = |n| {
        let mut events = Events::repeat(n, |e, _| {
            e.on(1, 60);
        });
        for _ in 0..n {
            events.off(1, 60);
        }
        events.file()
    };
    check("nested notes", MANY / 2, make, |n, score, _| {
        // First on, first off: the n-th of n ends n ticks after it began, as do all.
        score.tracks()[0].notes().iter().all(|note| note.duration.get() as usize == n)
    });
}

#[test]
fn note_offs_that_end_nothing() {
    let make = |n| {
        Events::repeat(n, |e, i| {
            e.off(1, i);
        })
        .file()
    };
    check("stray note-offs", MANY, make, |n, score, report| {
        score.note_count() == 0 && report.repair_count(Repair::StrayNoteOff) == n as u64
    });
}

#[test]
fn many_all_notes_off() {
    let make = |n| {
        Events::repeat(n, |e, i| {
            e.on(1, i).control(1, 123, 0);
        })
        .file()
    };
    check("all notes off", MANY / 2, make, |n, score, _| {
        score.note_count() == n && score.tracks()[0].notes().iter().all(|note| note.duration.get() == 1)
    });
}

#[test]
fn program_changes_without_notes() {
    let make = |n| {
        Events::repeat(n, |e, i| {
            e.program(1, i);
        })
        .file()
    };
    check("program changes", MANY, make, |_, score, _| score.note_count() == 0);
}

#[test]
fn a_program_change_before_every_note() {
    let make = |n| {
        Events::repeat(n, |e, i| {
            e.program(0, i * 5).on(0, 60).off(1, 60);
        })
        .file()
    };
    check("a program a note", MANY / 4, make, |n, score, _| {
        score.note_count() == n && score.tracks().len() == n.min(128)
    });
}

#[test]
fn pedal_down_and_up() {
    let make = |n| {
        let mut events = Events::repeat(n, |e, i| {
            e.control(1, 64, if i % 2 == 0 { 127 } else { 0 });
        });
        events.on(0, 60).off(1, 60).file()
    };
    check("pedal", MANY, make, |n, score, _| score.tracks()[0].controls().len() == n);
}

#[test]
fn the_pedal_held_under_changing_programs() {
    let make = |n| {
        Events::repeat(n, |e, i| {
            e.program(0, i).on(0, 60).control(0, 64, 127).off(1, 60);
            if i % 128 == 127 {
                e.control(0, 64, 0);
            }
        })
        .file()
    };
    check("pedal and programs", MANY / 8, make, |n, score, _| score.note_count() == n);
}

#[test]
fn bends() {
    let make = |n| {
        let mut events = Events::repeat(n, |e, i| {
            e.event(1, &[0xE0, i as u8 & 0x7F, 64]);
        });
        events.on(0, 60).off(1, 60).file()
    };
    check("bends", MANY, make, |n, score, _| score.tracks()[0].pitch_bends().len() == n);
}

#[test]
fn texts_and_lyrics_and_names() {
    for kind in [0x01, 0x03, 0x04, 0x05, 0x06] {
        let make = move |n| {
            let mut events = Events::repeat(n, |e, _| {
                e.meta(1, kind, b"la");
            });
            events.on(0, 60).off(1, 60).file()
        };
        check(&format!("meta events {kind:02X}"), MANY / 2, make, |_, score, _| score.note_count() == 1);
    }
}

#[test]
fn system_exclusive_messages() {
    let make = |n| {
        let mut events = Events::repeat(n, |e, _| {
            e.event(1, &[0xF0, 3, 0x7D, 1, 0xF7]);
        });
        events.on(0, 60).off(1, 60).file()
    };
    check("system exclusive", MANY, make, |_, score, _| score.note_count() == 1);
}

#[test]
fn tempos_and_signatures() {
    let make = |n| {
        let mut events = Events::repeat(n, |e, i| {
            e.meta(1, 0x51, &[7, i as u8, (i >> 8) as u8]);
            e.meta(0, 0x58, &[2 + (i % 2) as u8, 2, 24, 8]);
        });
        events.on(0, 60).off(1, 60).file()
    };
    check("tempos and signatures", MANY / 2, make, |n, score, _| {
        // And 4/4 at the start.
        score.time_signatures().len() == n + 1
    });
}

#[test]
fn thousands_of_tracks() {
    for (count, name) in [(4_000, "tracks, to 4,000"), (65_535, "tracks, to 65,535")] {
        let make = |n| {
            tracks(n, |e, i| {
                e.on(1, i).off(1, i);
            })
        };
        check_tracks(name, count, make, |n, score, _| score.tracks().len() == n && score.note_count() == n);
    }
}

#[test]
fn controls_for_a_channel_that_thousands_of_tracks_play() {
    // Each of 64 tracks plays the channel; the last has the controls of all.
    let make = |n| {
        tracks(65, |e, i| {
            if i < 64 {
                e.on(1, i).off(1, i);
            } else {
                for k in 0..n {
                    e.control(1, 7, k as u8 & 0x7F);
                }
            }
        })
    };
    let _alone = alone();
    // 64 times as many controls as the file has: an allowance for that.
    grows_linearly("controls for 64 tracks", MANY / 64, 64 * EACH, make, |bytes| read(bytes).unwrap());
}

#[test]
fn chunks_that_are_no_tracks() {
    let make = |n| {
        let mut bytes = header(1, 1, 480);
        for _ in 0..n {
            bytes.extend(b"NOPE\0\0\0\0");
        }
        bytes.extend(Events::new().on(0, 60).off(1, 60).chunk());
        bytes
    };
    check("unknown chunks", MANY, make, |_, score, _| score.note_count() == 1);
}

#[test]
fn tracks_of_no_believable_length() {
    let make = |n: usize| {
        let mut bytes = header(1, n as u16, 480);
        for _ in 0..n {
            let mut chunk = Events::new().on(0, 60).off(1, 60).chunk();
            chunk[4..8].copy_from_slice(&0x00FF_FFFFu32.to_be_bytes());
            bytes.extend(chunk);
        }
        bytes
    };
    check_tracks("wrong lengths", 65_534, make, |n, score, _| score.note_count() == n);
}
