#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::error::ScoreError;
use crate::score::{Note, Score, Track};
use crate::tokenizer::{MusicTokenizer, Tokenization, Tokenizer, TokenizerConfig};
use crate::units::{Pitch, Program, Tick, TicksPerQuarter, Velocity};

fn tick(value: u32) -> Tick {
    Tick::new(value).unwrap()
}

fn note(start: u32, pitch: u32, duration: u32, velocity: u32) -> Note {
    Note {
        start: tick(start),
        pitch: Pitch::new(pitch).unwrap(),
        duration: tick(duration),
        velocity: Velocity::new(velocity).unwrap(),
    }
}

fn score(tracks: Vec<Vec<Note>>) -> Score {
    let mut score = Score::new(TicksPerQuarter::DEFAULT);
    for notes in tracks {
        score.push_track(Track::new("", Program::MIN).with_notes(notes));
    }
    score
}

fn notes(score: &Score, track: usize) -> &[Note] {
    score.tracks()[track].notes()
}

#[test]
fn each_edit_does_what_it_says_and_reports_it() {
    let (a, b) = (note(0, 60, 10, 80), note(10, 62, 10, 80));
    let before = score(vec![vec![], vec![a, b]]);
    let track = 1;
    let cases = [
        (NoteEdit::Add { track, note: note(5, 1, 2, 3) }, vec![a, note(5, 1, 2, 3), b]),
        (NoteEdit::Remove { track, note: a }, vec![b]),
        (NoteEdit::Move { track, note: a, start: tick(20) }, vec![b, note(20, 60, 10, 80)]),
        (NoteEdit::Resize { track, note: b, duration: tick(0) }, vec![a, note(10, 62, 0, 80)]),
        (NoteEdit::SetVelocity { track, note: b, velocity: Velocity::MAX }, vec![a, note(10, 62, 10, 127)]),
        (NoteEdit::SetPitch { track, note: a, pitch: Pitch::MAX }, vec![note(0, 127, 10, 80), b]),
        (NoteEdit::shift(track, b, -10).unwrap(), vec![a, note(0, 62, 10, 80)]),
        (NoteEdit::transpose(track, b, -62).unwrap(), vec![a, note(10, 0, 10, 80)]),
    ];
    for (edit, expected) in cases {
        let mut after = before.clone();
        let change = edit.apply(&mut after).unwrap();
        assert_eq!(notes(&after, 1), expected, "{edit:?}");
        let side = |note: Option<Note>| -> Vec<TrackNote> {
            note.into_iter().map(|note| TrackNote { track, note }).collect()
        };
        assert_eq!(change.removed, side(edit.before()));
        assert_eq!(change.added, side(edit.after()));
        assert_eq!(edit.inverse().apply(&mut after), Ok(change.inverse()));
        assert_eq!(after, before);
    }
}

/// The order in which a chord was given decides its tokens.
#[test]
fn chords_keep_the_order_in_which_they_were_given() {
    let tokenizer = MusicTokenizer::new(Tokenization::Tsd, TokenizerConfig::default()).unwrap();
    let (chord, after) = ([67, 60, 64].map(|pitch| note(0, pitch, 480, 80)), note(480, 72, 480, 80));
    let mut piece = score(vec![[chord.to_vec(), vec![after]].concat()]);
    let before = tokenizer.encode(&piece);
    let order = |piece: &Score| -> Vec<u8> {
        piece.tracks()[0].notes_as_given().map(|note| note.pitch.get()).collect()
    };
    assert_eq!(order(&piece), [67, 60, 64, 72]);
    let mut history = History::default();
    let velocity = Velocity::MAX;
    let steps = [
        (vec![NoteEdit::SetVelocity { track: 0, note: after, velocity }], [67_u8, 60, 64, 72]),
        (vec![NoteEdit::SetVelocity { track: 0, note: chord[0], velocity }], [67, 60, 64, 72]),
        (vec![NoteEdit::transpose(0, chord[1], 10).unwrap()], [67, 70, 64, 72]),
        (chord.map(|note| NoteEdit::transpose(0, note, 1).unwrap()).to_vec(), [68, 61, 65, 72]),
    ];
    for (edits, expected) in steps {
        history.apply(&mut piece, edits).unwrap();
        assert_eq!(order(&piece), expected);
        history.undo(&mut piece).unwrap();
        assert_eq!(tokenizer.encode(&piece), before);
    }
    // One that goes leaves no place to come back to.
    history.apply(&mut piece, NoteEdit::Remove { track: 0, note: chord[1] }).unwrap();
    history.undo(&mut piece).unwrap();
    assert_eq!(order(&piece), [67, 64, 60, 72]);
}

#[test]
fn one_of_equal_notes_is_edited() {
    let a = note(0, 60, 10, 80);
    let mut piece = score(vec![vec![a; 3]]);
    NoteEdit::Remove { track: 0, note: a }.apply(&mut piece).unwrap();
    assert_eq!(notes(&piece, 0), [a, a]);
    let longer = NoteEdit::Resize { track: 0, note: a, duration: tick(11) };
    EditList::from(vec![longer; 2]).apply(&mut piece).unwrap();
    assert_eq!(notes(&piece, 0), [note(0, 60, 11, 80); 2]);
    let missing = NoteEditError::NoSuchNote { edit: 2, track: 0, note: note(0, 60, 11, 80) };
    let remove = NoteEdit::Remove { track: 0, note: note(0, 60, 11, 80) };
    assert_eq!(EditList::from(vec![remove; 3]).apply(&mut piece), Err(missing));
    assert_eq!(notes(&piece, 0), [note(0, 60, 11, 80); 2]);
}

#[test]
fn later_edits_of_a_list_see_the_earlier_ones() {
    let a = note(0, 60, 10, 80);
    let mut piece = score(vec![vec![]]);
    let there_and_gone = vec![
        NoteEdit::Add { track: 0, note: a },
        NoteEdit::shift(0, a, 7).unwrap(),
        NoteEdit::Remove { track: 0, note: note(7, 60, 10, 80) },
    ];
    let change = EditList::from(there_and_gone.clone()).apply(&mut piece).unwrap();
    assert!(change.is_empty());
    EditList::from(there_and_gone[..2].to_vec()).apply(&mut piece).unwrap();
    assert_eq!(notes(&piece, 0), [note(7, 60, 10, 80)]);
}

#[test]
fn what_cannot_be_done_is_a_typed_error_and_changes_nothing() {
    let a = note(0, 60, 10, 80);
    let before = score(vec![vec![a]]);
    let fine = NoteEdit::Add { track: 0, note: note(5, 1, 2, 3) };
    let max = Tick::MAX.get();
    let over = |value| ScoreError::OutOfRange { field: "end of note", value, min: 0, max: max.into() };
    let cases = [
        (NoteEdit::Remove { track: 1, note: a }, NoteEditError::NoSuchTrack { edit: 1, track: 1, tracks: 1 }),
        (
            NoteEdit::Resize { track: 0, note: note(0, 60, 10, 81), duration: tick(5) },
            NoteEditError::NoSuchNote { edit: 1, track: 0, note: note(0, 60, 10, 81) },
        ),
        (
            NoteEdit::Move { track: 0, note: a, start: tick(max - 9) },
            NoteEditError::Range { edit: 1, source: over(i64::from(max) + 1) },
        ),
        (
            NoteEdit::Add { track: 0, note: note(max, 60, max, 80) },
            NoteEditError::Range { edit: 1, source: over(2 * i64::from(max)) },
        ),
    ];
    let mut history = History::default();
    for (edit, expected) in cases {
        let mut piece = before.clone();
        assert_eq!(history.apply(&mut piece, vec![fine, edit]), Err(expected));
        assert_eq!((&piece, history.can_undo()), (&before, false));
    }
    let mut piece = before.clone();
    assert!(NoteEdit::Move { track: 0, note: a, start: tick(max - 10) }.apply(&mut piece).is_ok());
    assert!(matches!(NoteEdit::shift(0, a, -1), Err(ScoreError::OutOfRange { value: -1, .. })));
    assert!(NoteEdit::shift(0, a, i64::MAX).is_err());
    assert!(matches!(NoteEdit::transpose(0, a, 68), Err(ScoreError::OutOfRange { value: 128, .. })));
    let message = NoteEditError::NoSuchNote { edit: 3, track: 0, note: a }.to_string();
    assert_eq!(message, "edit 3: track 0 has no note at tick 0 with pitch 60, duration 10 and velocity 80");
}

fn add(start: u32) -> NoteEdit {
    NoteEdit::Add { track: 0, note: note(start, 60, 1, 80) }
}

#[test]
fn a_history_forgets_its_oldest_step_and_what_was_undone_before_an_edit() {
    let mut piece = score(vec![vec![]]);
    let mut history = History::new(2).unwrap();
    for start in 0..3 {
        history.apply(&mut piece, add(start)).unwrap();
    }
    assert_eq!(history.steps().len(), 2);
    assert!(history.undo(&mut piece).unwrap().is_some());
    assert!(history.undo(&mut piece).unwrap().is_some());
    assert_eq!(history.undo(&mut piece), Ok(None));
    assert_eq!(notes(&piece, 0), [note(0, 60, 1, 80)]);
    assert!(history.redo(&mut piece).unwrap().is_some());
    history.apply(&mut piece, EditList::default()).unwrap();
    assert!(history.can_redo()); // nothing was edited
    history.apply(&mut piece, EditList::new("nine", vec![add(9)])).unwrap();
    assert!(!history.can_redo());
    assert_eq!(history.redo(&mut piece), Ok(None));
    assert_eq!((history.undo_label(), history.redo_label()), (Some("nine"), None));
    history.undo(&mut piece).unwrap();
    assert_eq!((history.undo_label(), history.redo_label()), (Some(""), Some("nine")));
    history.clear();
    assert!(!history.can_undo() && !history.can_redo() && history.depth() == 2);
    for bad in [0, History::MAX_DEPTH + 1, usize::MAX] {
        assert!(matches!(History::new(bad), Err(ScoreError::OutOfRange { min: 1, .. })));
    }
}

#[test]
fn a_group_is_one_step() {
    let mut piece = score(vec![vec![]]);
    let mut history = History::default();
    history.begin_group("empty");
    history.begin_group("both");
    history.apply(&mut piece, add(1)).unwrap();
    assert!(history.apply(&mut piece, NoteEdit::Remove { track: 0, note: note(8, 8, 8, 8) }).is_err());
    history.apply(&mut piece, add(2)).unwrap();
    assert_eq!(history.undo_label(), Some("both"));
    let saved: History = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
    history.undo(&mut piece).unwrap(); // closes it
    assert!(piece.is_empty() && !history.can_undo());
    history.redo(&mut piece).unwrap();
    assert_eq!(notes(&piece, 0).len(), 2);
    assert_eq!(saved, history);
}

#[test]
fn an_undo_that_no_longer_fits_changes_nothing() {
    let mut piece = score(vec![vec![]]);
    let mut history = History::default();
    history.apply(&mut piece, vec![add(1), add(2)]).unwrap();
    piece.tracks_mut()[0].set_notes(vec![note(2, 60, 1, 80)]);
    let (changed, kept) = (piece.clone(), history.clone());
    let error = history.undo(&mut piece).unwrap_err();
    assert_eq!(error, NoteEditError::NoSuchNote { edit: 1, track: 0, note: note(1, 60, 1, 80) });
    assert_eq!((piece, history), (changed, kept));
}

#[test]
fn json_has_a_stable_form_and_is_checked() {
    let json = r#"{"label":"x","edits":[{"move":{"track":0,"note":{"start":0,"pitch":60,"duration":1,"velocity":80},"start":4}}]}"#;
    let list = EditList::new("x", vec![NoteEdit::shift(0, note(0, 60, 1, 80), 4).unwrap()]);
    assert_eq!(serde_json::to_string(&list).unwrap(), json);
    assert_eq!(serde_json::from_str::<EditList>(json).unwrap(), list);
    assert!(serde_json::from_str::<EditList>(&json.replace("60", "128")).is_err());
    let over = format!(r#"{{"depth":1,"done":[{json}],"undone":[{json}]}}"#);
    assert!(serde_json::from_str::<History>(&over).is_err());
    assert!(serde_json::from_str::<History>(&over.replace(r#""depth":1"#, r#""depth":2"#)).is_ok());
    assert!(serde_json::from_str::<History>(r#"{"depth":0,"done":[],"undone":[]}"#).is_err());
}

/// 2·10^5 edits that each cost the whole track would take minutes.
#[test]
fn long_lists_are_not_quadratic() {
    let all: Vec<Note> = (0..200_000).map(|i| note(i, 60, 1, 80)).collect();
    let before = score(vec![all.clone()]);
    let mut piece = before.clone();
    let edits: Vec<NoteEdit> = all.iter().map(|n| NoteEdit::shift(0, *n, 1).unwrap()).collect();
    let mut history = History::default();
    history.apply(&mut piece, edits).unwrap();
    assert_eq!(notes(&piece, 0)[0].start, tick(1));
    history.undo(&mut piece).unwrap();
    assert_eq!(piece, before);
}

/// Few values, so that equal notes are common.
fn some_note() -> impl Strategy<Value = Note> {
    (0_u32..6, 60_u32..63, 0_u32..4, 79_u32..81).prop_map(|(s, p, d, v)| note(s, p, d, v))
}

fn some_score() -> impl Strategy<Value = Score> {
    prop::collection::vec(prop::collection::vec(some_note(), 0..12), 1..4).prop_map(score)
}

/// What to do with the `at`th note (modulo) of a track, and with which new values.
type Wish = (usize, usize, u8, Note);

/// Some edits hit a note, some name one that is not there or a track past the last.
fn edit(score: &Score, (track, at, kind, new): Wish) -> NoteEdit {
    let track = track % (score.tracks().len() + 1);
    let notes = score.tracks().get(track).map_or(&[][..], Track::notes);
    let old = if notes.is_empty() { new } else { notes[at % notes.len()] };
    match kind {
        0 => NoteEdit::Add { track, note: new },
        1 => NoteEdit::Remove { track, note: old },
        2 => NoteEdit::Move { track, note: old, start: new.start },
        3 => NoteEdit::Resize { track, note: old, duration: new.duration },
        4 => NoteEdit::SetVelocity { track, note: old, velocity: new.velocity },
        5 => NoteEdit::SetPitch { track, note: old, pitch: new.pitch },
        _ => NoteEdit::Move { track, note: new, start: Tick::MAX },
    }
}

fn some_wishes() -> impl Strategy<Value = Vec<Vec<Wish>>> {
    let wish = (0_usize..4, 0_usize..12, 0_u8..7, some_note());
    prop::collection::vec(prop::collection::vec(wish, 0..4), 0..20)
}

/// One edit on plain lists of notes, or `false`: what a list of edits is measured against.
fn edit_plainly(tracks: &mut [Vec<Note>], edit: &NoteEdit) -> bool {
    let Some(notes) = tracks.get_mut(edit.track()) else { return false };
    if let Some(old) = edit.before() {
        let Some(at) = notes.iter().position(|n| *n == old) else { return false };
        notes.remove(at);
    }
    if let Some(new) = edit.after() {
        notes.push(new);
        return new.start.get() + new.duration.get() <= Tick::MAX.get();
    }
    true
}

proptest! {
    #[test]
    fn undo_gives_back_the_score_and_redo_the_edits(
        original in some_score(), wishes in some_wishes(), grouped in any::<bool>()
    ) {
        let mut piece = original.clone();
        let mut history = History::default();
        if grouped {
            history.begin_group("all");
        }
        let mut states = vec![original.clone()];
        for wishes in wishes {
            let list = EditList::from(wishes.iter().map(|w| edit(&piece, *w)).collect::<Vec<_>>());
            let mut plain: Vec<Vec<Note>> = piece.tracks().iter().map(|t| t.notes().to_vec()).collect();
            let possible = list.edits.iter().all(|edit| edit_plainly(&mut plain, edit));
            let before = piece.clone();
            let made = history.apply(&mut piece, list.clone());
            prop_assert_eq!(made.is_ok(), possible);
            let expected = if possible { score(plain) } else { before.clone() };
            prop_assert_eq!(&piece, &expected);
            if let Ok(change) = made {
                let mut again = before.clone();
                let difference = EditList::between(&before, &piece).unwrap();
                prop_assert_eq!(difference.apply(&mut again), Ok(change));
                prop_assert_eq!(&again, &piece);
                if !list.edits.is_empty() {
                    states.push(piece.clone());
                }
            }
        }
        history.end_group();
        if grouped {
            states = vec![original.clone(), piece.clone()];
        }
        let json = serde_json::to_string(&history).unwrap();
        prop_assert_eq!(&serde_json::from_str::<History>(&json).unwrap(), &history);
        for list in history.steps() {
            let json = serde_json::to_string(list).unwrap();
            prop_assert_eq!(&serde_json::from_str::<EditList>(&json).unwrap(), list);
        }
        let edited = piece.clone();
        let steps = history.steps().len();
        prop_assert!(grouped || steps + 1 == states.len());
        for state in states.iter().rev().skip(1).take(steps) {
            prop_assert!(history.undo(&mut piece).unwrap().is_some());
            prop_assert_eq!(&piece, state);
        }
        prop_assert_eq!(history.undo(&mut piece), Ok(None));
        prop_assert_eq!(&piece, &original);
        let mut history: History = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
        while history.redo(&mut piece).unwrap().is_some() {}
        prop_assert_eq!(&piece, &edited);
    }
}
