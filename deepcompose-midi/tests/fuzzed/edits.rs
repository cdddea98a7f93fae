//! Edits of notes, and taking them back.

use arbitrary::{Result, Unstructured};
use deepcompose_core::editing::{EditList, History, NoteEdit};
use deepcompose_core::{Note, Pitch, Score, Velocity};

use super::scores::{any_notes, any_score, any_tick, check_written};
use deepcompose_midi::canonical;

/// Edits leave a valid score, and undoing all of them leaves the score there was.
pub fn apply(bytes: &[u8]) {
    let _ = try_apply(&mut Unstructured::new(bytes));
}

fn try_apply(u: &mut Unstructured<'_>) -> Result<()> {
    let first = any_score(u)?;
    let mut score = first.clone();
    let mut history = History::default();
    let mut done = 0;
    while !u.is_empty() && done < 32 {
        let edits = (0..1 + u.arbitrary::<u8>()? % 4).map(|_| any_edit(&score, u));
        let edits = EditList::new("", edits.collect::<Result<_>>()?);
        done += 1;
        let before = score.clone();
        if history.apply(&mut score, edits).is_err() {
            assert_eq!(score, before);
        }
        if u.ratio(1, 4)? {
            let _ = history.undo(&mut score).expect("what was done can be undone");
        }
    }
    check_written(&canonical(&score));
    let mut undone = 0;
    while history.undo(&mut score).expect("what was done can be undone").is_some() {
        undone += 1;
    }
    assert_eq!(score, first);
    for _ in 0..undone {
        assert!(history.redo(&mut score).expect("what was undone can be done again").is_some());
    }
    Ok(())
}

fn any_edit(score: &Score, u: &mut Unstructured<'_>) -> Result<NoteEdit> {
    let track = usize::from(u.arbitrary::<u8>()?) % (score.tracks().len() + 1);
    let there = score.tracks().get(track).map_or(&[][..], |t| t.notes());
    let note = match there {
        [] => any_note(u)?,
        _ => *u.choose(there)?,
    };
    Ok(match u.arbitrary::<u8>()? % 6 {
        0 => NoteEdit::Add { track, note: any_note(u)? },
        1 => NoteEdit::Remove { track, note },
        2 => NoteEdit::Move { track, note, start: any_tick(u)? },
        3 => NoteEdit::Resize { track, note, duration: any_tick(u)? },
        4 => {
            NoteEdit::SetVelocity { track, note, velocity: Velocity::saturating(u.arbitrary::<u8>()?.into()) }
        }
        _ => NoteEdit::SetPitch { track, note, pitch: Pitch::saturating(u.arbitrary::<u8>()?.into()) },
    })
}

fn any_note(u: &mut Unstructured<'_>) -> Result<Note> {
    any_notes(u)?.first().copied().ok_or(arbitrary::Error::NotEnoughData)
}
