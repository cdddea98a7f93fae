#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::units::{Program, TicksPerQuarter};

fn note(start: u32, duration: u32, pitch: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(duration).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    }
}

fn score(notes: &[Note]) -> Score {
    let mut score = Score::new(TicksPerQuarter::DEFAULT);
    score.push_track(Track::new("a", Program::MIN).with_notes(notes.to_vec()));
    score.push_track(Track::drums("b", Program::MIN));
    score
}

#[test]
fn each_edit_does_what_it_says() {
    let (first, last) = (note(0, 10, 60), note(20, 10, 62));
    let after = |edit: NoteEdit| {
        let mut piece = score(&[first, last]);
        edit.apply(&mut piece).unwrap();
        piece.tracks()[0].notes().to_vec()
    };
    let track = 0;
    assert_eq!(after(NoteEdit::Add { track, note: note(5, 1, 64) }), [first, note(5, 1, 64), last]);
    assert_eq!(after(NoteEdit::Remove { track, note: first }), [last]);
    let start = Tick::new(30).unwrap();
    assert_eq!(after(NoteEdit::Move { track, note: first, start }), [last, note(30, 10, 60)]);
    let duration = Tick::new(50).unwrap();
    assert_eq!(after(NoteEdit::Resize { track, note: first, duration }), [note(0, 50, 60), last]);
    let loud = Note { velocity: Velocity::MAX, ..last };
    assert_eq!(after(NoteEdit::SetVelocity { track, note: last, velocity: Velocity::MAX }), [first, loud]);
    assert_eq!(after(NoteEdit::transpose(track, last, -12).unwrap()), [first, note(20, 10, 50)]);
    assert!(matches!(NoteEdit::transpose(0, last, i32::MAX), Err(ScoreError::OutOfRange { .. })));
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let (there, gone) = (note(0, 10, 60), note(0, 10, 61));
    let mut piece = score(&[there]);
    let before = piece.clone();
    // The second of the list fails: the first is not done either.
    let list = EditList::from(vec![
        NoteEdit::Remove { track: 0, note: there },
        NoteEdit::Remove { track: 0, note: there },
    ]);
    assert_eq!(list.apply(&mut piece), Err(NoteEditError::NoSuchNote { track: 0, note: there }));
    let mut history = History::new();
    let edit = NoteEdit::Remove { track: 0, note: gone };
    assert_eq!(history.apply(&mut piece, edit), Err(NoteEditError::NoSuchNote { track: 0, note: gone }));
    let far = NoteEdit::Add { track: 2, note: there };
    let missing = ScoreError::NoSuchTrack { index: 2, tracks: 2 };
    assert_eq!(history.apply(&mut piece, far), Err(NoteEditError::Track(missing)));
    let late = NoteEdit::Move { track: 0, note: there, start: Tick::MAX };
    assert!(matches!(late.apply(&mut piece), Err(NoteEditError::PastEnd { .. })));
    assert_eq!((piece, history), (before, History::new()));
}

#[test]
fn groups_are_one_step_and_a_new_edit_ends_redo() {
    let mut piece = score(&[]);
    let mut history = History::new();
    let add = |start| NoteEdit::Add { track: 1, note: note(start, 1, 36) };
    history.apply(&mut piece, add(0)).unwrap();
    history.begin_group();
    history.apply(&mut piece, add(1)).unwrap();
    history.apply(&mut piece, add(2)).unwrap();
    history.end_group();
    history.begin_group();
    history.end_group();
    assert_eq!((history.done().len(), piece.note_count()), (2, 3));
    assert!(history.undo(&mut piece).unwrap());
    assert_eq!(piece.note_count(), 1);
    assert!(history.redo(&mut piece).unwrap());
    assert_eq!(piece.note_count(), 3);
    history.undo(&mut piece).unwrap();
    history.apply(&mut piece, add(9)).unwrap();
    assert!(!history.redo(&mut piece).unwrap());
    // A score that was changed behind its back: an error, and the step stays.
    piece.tracks_mut()[1].set_notes(Vec::new());
    assert!(history.undo(&mut piece).is_err());
    assert_eq!(history.done().len(), 2);
}

#[derive(Debug, Clone)]
enum Step {
    Edit { kind: u8, which: usize, value: u32 },
    Undo,
    Redo,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let edit = (0_u8..6, any::<prop::sample::Index>(), any::<u32>())
        .prop_map(|(kind, which, value)| Step::Edit { kind, which: which.index(1000), value });
    prop::collection::vec(prop_oneof![4 => edit, 1 => Just(Step::Undo), 1 => Just(Step::Redo)], 0..40)
}

/// An edit that can be done: of a note that is there.
fn edit(score: &Score, kind: u8, which: usize, value: u32) -> NoteEdit {
    let track = which % 2;
    let small = Tick::new(value % 50).unwrap();
    let notes = score.tracks()[track].notes();
    let Some(note) = notes.get(which % notes.len().max(1)).copied() else {
        return NoteEdit::Add { track, note: note(value % 50, value % 7, value % 128) };
    };
    match kind {
        0 => NoteEdit::Add { track, note },
        1 => NoteEdit::Remove { track, note },
        2 => NoteEdit::Move { track, note, start: small },
        3 => NoteEdit::Resize { track, note, duration: small },
        4 => NoteEdit::SetVelocity { track, note, velocity: Velocity::new(value % 127 + 1).unwrap() },
        _ => NoteEdit::SetPitch { track, note, pitch: Pitch::new(value % 128).unwrap() },
    }
}

proptest! {
    #[test]
    fn history_agrees_with_the_scores_it_went_through(steps in steps()) {
        let mut piece = score(&[note(0, 5, 60), note(0, 5, 60), note(7, 3, 62)]);
        let mut history = History::new();
        // The model: every score so far, and where we are.
        let mut scores = vec![piece.clone()];
        let mut at = 0;
        for step in steps {
            match step {
                Step::Edit { kind, which, value } => {
                    history.apply(&mut piece, edit(&scores[at], kind, which, value)).unwrap();
                    scores.truncate(at + 1);
                    scores.push(piece.clone());
                    at += 1;
                }
                Step::Undo => {
                    prop_assert_eq!(history.undo(&mut piece).unwrap(), at > 0);
                    at = at.saturating_sub(1);
                }
                Step::Redo => {
                    prop_assert_eq!(history.redo(&mut piece).unwrap(), at + 1 < scores.len());
                    at = (at + 1).min(scores.len() - 1);
                }
            }
            prop_assert_eq!(&piece, &scores[at]);
            let json = serde_json::to_string(&history).unwrap();
            prop_assert_eq!(&serde_json::from_str::<History>(&json).unwrap(), &history);
        }
    }

    #[test]
    fn a_list_is_its_edits_one_by_one_and_its_inverse_takes_it_back(steps in steps()) {
        let before = score(&[note(0, 5, 60), note(0, 5, 60), note(7, 3, 62)]);
        let mut one_by_one = before.clone();
        let mut edits = Vec::new();
        for step in steps {
            if let Step::Edit { kind, which, value } = step {
                let edit = edit(&one_by_one, kind, which, value);
                edit.apply(&mut one_by_one).unwrap();
                edits.push(edit);
            }
        }
        let list = EditList::from(edits);
        let mut piece = before.clone();
        list.apply(&mut piece).unwrap();
        prop_assert_eq!(&piece, &one_by_one);
        list.inverse().apply(&mut piece).unwrap();
        prop_assert_eq!(piece, before);
    }
}
