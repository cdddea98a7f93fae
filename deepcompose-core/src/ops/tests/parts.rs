//! Transposition, tracks, voices, duplicates.

use super::*;
use crate::error::ScoreError;
use crate::ops::{DrumPiece, Overlaps, PitchOverflow};
use crate::score::Pressure;

#[test]
fn notes_out_of_range_follow_the_policy() {
    let mut piece = score(&[note(0, 5, 60), note(5, 5, 100), note(10, 5, 127)]);
    piece.tracks_mut()[0].set_pressures(vec![at(1, Pressure::key(pitch(60), 9).unwrap())]);
    piece.push_track(Track::drums("", Program::MIN).with_notes(vec![note(0, 5, 36)]));
    let range = pitch(0)..=pitch(103);
    let refused = piece.transpose(3, range.clone(), PitchOverflow::Refuse);
    assert_eq!(refused, Err(ScoreError::OutOfRange { field: "pitch", value: 130, min: 0, max: 103 }));
    let (dropped, count) = piece.transpose(3, range.clone(), PitchOverflow::Drop).unwrap();
    assert_eq!((dropped.tracks()[0].notes(), count), (&[note(0, 5, 63), note(5, 5, 103)][..], 1));
    assert_eq!(dropped.tracks()[0].pressures()[0].value.pitch(), Some(pitch(63)));
    assert_eq!(dropped.tracks()[1], piece.tracks()[1]);
    // 130 is 27 over 103: three octaves down is 94.
    let (folded, count) = piece.transpose(3, range, PitchOverflow::Octave).unwrap();
    assert_eq!((folded.tracks()[0].notes()[2], count), (note(10, 5, 94), 1));
    let narrow = pitch(60)..=pitch(62);
    let (narrow, count) = piece.transpose(0, narrow, PitchOverflow::Octave).unwrap();
    // 100 has no octave in 60..=62 (64 or 52), 127 neither (67 or 55).
    assert_eq!((narrow.tracks()[0].notes(), count), (&[note(0, 5, 60)][..], 2));
    for far in [i32::MAX, i32::MIN] {
        let (piece, count) = piece.transpose(far, Pitch::MIN..=Pitch::MAX, PitchOverflow::Octave).unwrap();
        assert_eq!((piece.note_count(), count), (4, 3));
    }
}

#[test]
fn tracks_merge_and_drop() {
    let mut piece = Score::default();
    piece.push_track(Track::new("a", Program::MIN).with_notes(vec![note(5, 1, 60)]));
    piece.push_track(Track::drums("d", Program::MIN).with_notes(vec![note(0, 1, 36)]));
    piece.push_track(Track::new("b", Program::MIN).with_notes(vec![note(0, 9, 64)]));
    piece.push_track(Track::new("c", Program::new(5).unwrap()));
    piece.tracks_mut()[2].set_controls(vec![control(1, 7, 9)]);
    let merged = piece.merge_tracks(&[2, 0, 2]).unwrap();
    let names: Vec<&str> = merged.tracks().iter().map(Track::name).collect();
    assert_eq!(names, ["d", "b", "c"]);
    assert_eq!(merged.tracks()[1].notes(), [note(0, 9, 64), note(5, 1, 60)]);
    assert_eq!(merged.tracks()[1].controls(), [control(1, 7, 9)]);
    assert_eq!(piece.merge_tracks(&[]).unwrap(), piece);
    assert_eq!(piece.merge_tracks(&[0, 1]), Err(ScoreError::MixedDrums { first: 0, other: 1 }));
    assert_eq!(piece.merge_tracks(&[4]), Err(ScoreError::NoSuchTrack { index: 4, tracks: 4 }));
    let same = piece.merge_same_programs();
    let names: Vec<&str> = same.tracks().iter().map(Track::name).collect();
    assert_eq!(names, ["a", "d", "c"]);
    let (full, removed) = piece.without_empty_tracks();
    assert_eq!((full.tracks().len(), removed), (3, 1));
    let sorted = piece.sort_tracks();
    let names: Vec<&str> = sorted.tracks().iter().map(Track::name).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    let split = piece.replace_track(0, piece.tracks()[0].split_at_pitch(pitch(60))).unwrap();
    assert_eq!(split.tracks()[0].name(), "a upper");
    assert_eq!((split.tracks()[0].notes().len(), split.tracks()[1].notes().len()), (1, 0));
}

#[test]
fn hands_are_told_apart_wherever_they_are() {
    // A tune over an accompaniment in broken chords; the whole climbs an octave and a half and comes
    // back, so that no fixed point divides it.
    let mut right = Vec::new();
    let mut left = Vec::new();
    for bar in 0..24_u32 {
        let lift = if bar < 12 { bar * 3 / 2 } else { (23 - bar) * 3 / 2 };
        for beat in 0..4_u32 {
            let start = bar * 1920 + beat * 480;
            right.push(note(start, 480, 67 + lift + [0, 4, 7, 5][beat as usize]));
            for (i, step) in [0, 7, 4, 7].into_iter().enumerate() {
                left.push(note(start + 120 * i as u32, 120, 48 + lift + step));
            }
        }
    }
    let highest_left = left.iter().map(|n| n.pitch).max().unwrap();
    assert!(right.iter().any(|n| n.pitch < highest_left));
    let all: Vec<Note> = right.iter().chain(&left).copied().collect();
    let [upper, lower] = track(&all).split_hands();
    assert_eq!(starts(&upper), starts(&track(&right)));
    assert_eq!(upper.notes(), track(&right).notes());
    assert_eq!(lower.notes(), track(&left).notes());
    assert_eq!((upper.name(), lower.name()), ("t right", "t left"));
    let [upper, lower] = track(&[]).split_hands();
    assert!(upper.notes().is_empty() && lower.notes().is_empty());
}

#[test]
fn voices_are_streams() {
    // Soprano, alto, bass; the soprano enters last and rests in the middle, the bass leaps.
    let soprano = [note(20, 20, 76), note(40, 10, 77), note(70, 10, 79), note(80, 20, 76)];
    let alto = [note(0, 30, 67), note(30, 10, 69), note(40, 30, 67), note(70, 30, 65)];
    let bass = [note(0, 20, 48), note(20, 20, 55), note(40, 40, 43), note(80, 20, 48)];
    let all: Vec<Note> = [soprano, alto, bass].concat();
    let voices = track(&all).split_voices().unwrap();
    assert_eq!(voices.len(), 3);
    assert_eq!(voices[0].notes(), soprano);
    assert_eq!(voices[1].notes(), alto);
    assert_eq!(voices[2].notes(), bass);
    assert!(track(&[]).split_voices().unwrap().is_empty());
    let cluster: Vec<Note> = (0..33).map(|i| note(0, 5, 40 + i)).collect();
    let limit = ScoreError::Limit { what: "voices of a track", value: 33, limit: 32 };
    assert_eq!(track(&cluster).split_voices(), Err(limit));
    // Notes without length at the very end of time.
    let last = [note(Tick::MAX.get(), 0, 60), note(Tick::MAX.get(), 0, 61)];
    assert_eq!(track(&last).split_voices().unwrap().len(), 2);
}

#[test]
fn kits_come_apart() {
    let kit = Track::drums("kit", Program::MIN).with_notes(vec![
        note(0, 1, 36),
        note(0, 1, 42),
        note(5, 1, 35),
        note(9, 1, 56),
    ]);
    let pieces = kit.split_drums();
    let sizes: Vec<(DrumPiece, usize)> = pieces.iter().map(|(p, t)| (*p, t.notes().len())).collect();
    assert_eq!(sizes, [(DrumPiece::Kick, 2), (DrumPiece::HiHat, 1), (DrumPiece::Percussion, 1)]);
    assert!(pieces.iter().all(|(_, t)| t.is_drum()));
    assert_eq!(pieces[1].1.name(), "kit hi-hat");
}

#[test]
fn duplicates_and_overlaps() {
    let loud = Note { velocity: Velocity::MAX, ..note(0, 10, 60) };
    let doubled = track(&[note(0, 10, 60), loud, note(0, 5, 60), note(0, 10, 61)]);
    let (single, removed) = doubled.without_duplicates();
    assert_eq!((single.notes(), removed), (&[loud, note(0, 10, 61)][..], 2));
    // A long note with two short ones inside, and another pitch that touches nothing.
    let nested =
        track(&[note(0, 100, 60), note(20, 10, 60), note(50, 80, 60), note(0, 50, 62), note(50, 5, 62)]);
    let resolve = |policy| {
        let (track, changed) = nested.resolve_overlaps(policy);
        (track.notes().iter().filter(|n| n.pitch == pitch(60)).copied().collect::<Vec<_>>(), changed)
    };
    assert_eq!(resolve(Overlaps::Cut), (vec![note(0, 20, 60), note(20, 10, 60), note(50, 80, 60)], 1));
    assert_eq!(resolve(Overlaps::Merge), (vec![note(0, 130, 60)], 2));
    assert_eq!(resolve(Overlaps::Drop), (vec![note(0, 100, 60)], 2));
}

proptest! {
    #[test]
    fn voices_hold_every_note_once_and_never_two_at_once(piece in any_score()) {
        for track in piece.tracks() {
            let voices = track.split_voices().unwrap();
            let mut all: Vec<Note> = voices.iter().flat_map(Track::notes).copied().collect();
            all.sort_unstable();
            prop_assert_eq!(&all[..], track.notes());
            for voice in &voices {
                for pair in voice.notes().windows(2) {
                    // A note of no length takes a tick.
                    let end = pair[0].end().get().max(pair[0].start.get() + 1);
                    prop_assert!(end <= pair[1].start.get());
                }
            }
        }
    }

    #[test]
    fn hands_hold_every_note_once(piece in any_score()) {
        for track in piece.tracks() {
            let [right, left] = track.split_hands();
            let mut all = right.clone();
            all.extend_notes(left.notes().iter().copied());
            prop_assert_eq!(all.notes(), track.notes());
            // Within a chord the right hand is above the left.
            for r in right.notes() {
                prop_assert!(left.notes().iter().all(|l| l.start != r.start || l.pitch < r.pitch));
            }
        }
    }

    #[test]
    fn resolved_tracks_have_no_overlaps(piece in any_score(), policy in 0..3) {
        let policy = [Overlaps::Cut, Overlaps::Merge, Overlaps::Drop][policy as usize];
        for track in piece.tracks() {
            let (clean, _) = track.resolve_overlaps(policy);
            for (i, a) in clean.notes().iter().enumerate() {
                for b in &clean.notes()[i + 1..] {
                    prop_assert!(a.pitch != b.pitch || a.end() <= b.start);
                }
            }
            prop_assert_eq!(clean.resolve_overlaps(policy), (clean.clone(), 0));
        }
    }
}
