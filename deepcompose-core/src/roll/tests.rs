#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ndarray::Array2;
use proptest::prelude::*;

use super::*;
use crate::meter::TimeSignature;

fn note(start: u32, duration: u32, pitch: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(duration).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    }
}

fn tpq(value: u32) -> TicksPerQuarter {
    TicksPerQuarter::new(value).unwrap()
}

/// A column as text: `#` onset, `=` held, `.` silent.
fn column(roll: &PianoRoll, pitch: usize) -> String {
    let cell = |row: usize| match (roll.onsets()[[row, pitch]], roll.sounding()[[row, pitch]]) {
        (true, true) => '#',
        (true, false) => '!',
        (false, true) => '=',
        (false, false) => '.',
    };
    (0..roll.steps()).map(cell).collect()
}

#[test]
fn rounds_to_the_nearest_step_and_keeps_one_step() {
    // 480 ticks a quarter, 4 steps a beat: a step is 120 ticks.
    let notes = [
        note(59, 120, 60),  // 0.49 steps -> 0; end 1.49 -> 1
        note(60, 120, 61),  // 0.5 steps -> 1; end 1.5 -> 2
        note(240, 0, 62),   // no length -> one step
        note(240, 59, 63),  // end 2.49 -> 2, kept one step long
        note(120, 180, 64), // 1..2.5 -> 1..3
    ];
    let roll = PianoRoll::from_notes(&notes, tpq(480), StepsPerBeat::DEFAULT, 0..4).unwrap();
    assert_eq!(column(&roll, 60), "#...");
    assert_eq!(column(&roll, 61), ".#..");
    assert_eq!(column(&roll, 62), "..#.");
    assert_eq!(column(&roll, 63), "..#.");
    assert_eq!(column(&roll, 64), ".#=.");
    assert_eq!(column(&roll, 65), "....");
}

#[test]
fn a_window_cuts_notes_and_knows_which_onsets_are_its_own() {
    let notes = [note(0, 480, 60), note(480, 480, 60), note(720, 960, 67), note(1200, 120, 72)];
    let roll = PianoRoll::from_notes(&notes, tpq(480), StepsPerBeat::DEFAULT, 2..10).unwrap();
    assert_eq!(roll.start_step(), 2);
    assert_eq!(column(&roll, 60), "==#===..");
    assert_eq!(column(&roll, 67), "....#===");
    assert_eq!(column(&roll, 72), "........"); // begins where the window ends
    // Back to notes: the run without an onset is a note from the window's first step.
    let back = roll.to_notes(tpq(480), Velocity::DEFAULT);
    assert_eq!(back, [note(240, 240, 60), note(480, 480, 60), note(720, 480, 67)]);
    let cut = roll.slice(4..6);
    assert_eq!((cut.start_step(), cut.steps()), (6, 2));
    assert_eq!((column(&cut, 60), column(&cut, 67)), ("==".into(), "#=".into()));
    assert_eq!(roll.slice(7..100).steps(), 1);
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = roll.slice(5..3);
    assert_eq!(reversed.steps(), 0);
}

#[test]
fn notes_of_one_pitch_may_cover_each_other() {
    // Steps 0..8, within it 2..3, past its end 6..10; out of order; a window from step 1 on.
    let notes = [note(240, 120, 60), note(720, 480, 60), note(0, 960, 60)];
    let roll = PianoRoll::from_notes(&notes, tpq(480), StepsPerBeat::DEFAULT, 0..12).unwrap();
    assert_eq!(column(&roll, 60), "#=#===#===..");
    let roll = PianoRoll::from_notes(&notes, tpq(480), StepsPerBeat::DEFAULT, 1..8).unwrap();
    assert_eq!(column(&roll, 60), "=#===#=");
}

#[test]
fn merges_tracks_without_the_drums() {
    let mut score = Score::new(tpq(96));
    score.push_track(Track::new("a", Program::MIN).with_notes(vec![note(0, 96, 60)]));
    score.push_track(Track::new("b", Program::MIN).with_notes(vec![note(48, 24, 60), note(96, 24, 64)]));
    score.push_track(Track::drums("kit", Program::MIN).with_notes(vec![note(0, 960, 36)]));
    let roll = PianoRoll::from_score(&score, StepsPerBeat::DEFAULT).unwrap();
    assert_eq!(roll.steps(), 5);
    assert_eq!(column(&roll, 60), "#=#=.");
    assert_eq!(column(&roll, 64), "....#");
    assert_eq!(column(&roll, 36), ".....");
    let silent = PianoRoll::from_score(&Score::default(), StepsPerBeat::DEFAULT).unwrap();
    assert_eq!(silent.steps(), 0);
    assert!(silent.is_silent());
}

#[test]
fn limits_are_typed_errors() {
    let over = PianoRoll::MAX_STEPS + 1;
    let spb = StepsPerBeat::DEFAULT;
    let limit = ScoreError::Limit { what: "piano roll steps", value: over as u64, limit: 1 << 18 };
    assert_eq!(PianoRoll::empty(over, spb, 0), Err(limit.clone()));
    assert_eq!(PianoRoll::from_notes(&[], tpq(1), spb, 5..over + 5), Err(limit));
    let mut score = Score::new(TicksPerQuarter::MIN);
    score.push_track(Track::new("far", Program::MIN).with_notes(vec![note(Tick::MAX.get() - 1, 1, 60)]));
    assert!(matches!(
        PianoRoll::from_score(&score, StepsPerBeat::MAX),
        Err(ScoreError::Limit { value, .. }) if value == u64::from(Tick::MAX.get()) * 960
    ));
    // The far end of what a roll can be asked for neither panics nor wraps.
    let far = PianoRoll::empty(4, spb, usize::MAX - 1).unwrap();
    assert_eq!(far.step_tick(usize::MAX, TicksPerQuarter::MAX), Tick::MAX);
    assert!(far.to_notes(tpq(480), Velocity::DEFAULT).is_empty());
    assert_eq!(far.to_text(80, TimeSignature::COMMON), "(no notes)\n");
}

#[test]
fn arrays_are_checked() {
    let spb = StepsPerBeat::DEFAULT;
    let full = Array2::from_elem((2, 128), true);
    let none = Array2::from_elem((2, 128), false);
    assert!(PianoRoll::from_arrays(none.clone(), full.clone(), spb, 0).is_ok());
    assert_eq!(
        PianoRoll::from_arrays(full.clone(), none, spb, 0),
        Err(ScoreError::SilentOnset { step: 0, pitch: 0 })
    );
    let narrow = Array2::from_elem((2, 127), true);
    assert!(matches!(
        PianoRoll::from_arrays(narrow.clone(), narrow, spb, 0),
        Err(ScoreError::Shape { what: "sounding", columns: 127, expected_columns: 128, .. })
    ));
    let short = Array2::from_elem((1, 128), true);
    assert!(matches!(
        PianoRoll::from_arrays(short, full, spb, 0),
        Err(ScoreError::Shape { what: "onsets", rows: 1, expected_rows: 2, .. })
    ));
}

#[test]
fn steps_that_are_no_whole_ticks_are_rounded() {
    // 3 steps a beat at 100 ticks a quarter: 33.3 and 66.7 ticks.
    let roll = PianoRoll::empty(4, StepsPerBeat::new(3).unwrap(), 0).unwrap();
    let ticks: Vec<u32> = (0..4).map(|s| roll.step_tick(s, tpq(100)).get()).collect();
    assert_eq!(ticks, [0, 33, 67, 100]);
}

#[test]
fn text_breaks_at_bars_and_numbers_them() {
    // 3/4 in eighths from bar 2 on: six steps a bar, room for two bars a line.
    let spb = StepsPerBeat::new(2).unwrap();
    let notes = [note(240 * 6, 480, 61), note(240 * 18, 240, 60)];
    let roll = PianoRoll::from_notes(&notes, tpq(480), spb, 6..20).unwrap();
    let three_four = TimeSignature::new(3, 4).unwrap();
    let expected = concat!(
        "      2      3\n",
        "C#4  |#=....|......|\n",
        "C4   |......|......|\n",
        "\n",
        "      4\n",
        "C#4  |..|\n",
        "C4   |#.|\n",
    );
    assert_eq!(roll.to_text(21, three_four), expected);
    // No bar fits: lines are cut at the width.
    let narrow = roll.slice(0..4).to_text(9, three_four);
    assert_eq!(narrow, "      2\nC#4  |#=|\n\n\nC#4  |..|\n");
    assert!(roll.to_text(0, three_four).lines().all(|l| l.len() <= 8));
}

#[test]
fn a_number_without_room_is_left_out() {
    // Quarters from bar 997 on, and the first of bar 998: its number would end at 14.
    let spb = StepsPerBeat::new(1).unwrap();
    let roll = PianoRoll::from_notes(&[note(480 * 3984, 960, 60)], tpq(480), spb, 3984..3989).unwrap();
    let expected = |numbers| format!("{numbers}\nC4   |#=..|.|\n");
    assert_eq!(roll.to_text(13, TimeSignature::COMMON), expected("      997"));
    assert_eq!(roll.to_text(14, TimeSignature::COMMON), expected("      997  998"));
}

/// Notes on a grid, no two of one pitch overlapping: gaps and lengths per pitch, in steps.
fn grid_notes() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
    let runs = prop::collection::vec((0_u32..5, 1_u32..9), 0..8);
    prop::collection::btree_map(0_u32..128, runs, 0..6).prop_map(|pitches| {
        let mut notes = Vec::new();
        for (pitch, runs) in pitches {
            let mut step = 0;
            for (gap, length) in runs {
                notes.push((step + gap, length, pitch));
                step += gap + length;
            }
        }
        notes
    })
}

proptest! {
    #[test]
    fn notes_on_the_grid_come_back(cells in grid_notes(), spb in 1_u32..=48, ticks_per_step in 1_u32..=40) {
        let mut notes: Vec<Note> = cells
            .iter()
            .map(|(start, length, pitch)| note(start * ticks_per_step, length * ticks_per_step, *pitch))
            .collect();
        notes.sort_unstable();
        let resolution = tpq(spb * ticks_per_step);
        let mut score = Score::new(resolution);
        score.push_track(Track::new("", Program::MIN).with_notes(notes.clone()));
        let roll = PianoRoll::from_score(&score, StepsPerBeat::new(spb).unwrap()).unwrap();
        prop_assert_eq!(roll.to_notes(resolution, Velocity::DEFAULT), notes);
        prop_assert_eq!(
            roll.steps() as u32,
            cells.iter().map(|(start, length, _)| start + length).max().unwrap_or(0)
        );
        // Any text fits its width.
        prop_assert!(roll.to_text(40, TimeSignature::COMMON).lines().all(|l| l.len() <= 40));
    }

    #[test]
    fn any_cells_survive_roll_to_notes_to_roll(cells in prop::collection::vec(0_u8..3, 64)) {
        // Two columns of 32 cells: silent, sounding, onset. A run that starts without an onset
        // gains one.
        let mut onsets = Array2::from_elem((32, 128), false);
        let mut sounding = onsets.clone();
        for (i, cell) in cells.iter().enumerate() {
            let at = [i % 32, 60 + i / 32];
            sounding[at] = *cell > 0;
            let before = i % 32 > 0 && cells[i - 1] > 0;
            onsets[at] = *cell == 2 || (*cell == 1 && !before);
        }
        let spb = StepsPerBeat::DEFAULT;
        let roll = PianoRoll::from_arrays(onsets, sounding, spb, 0).unwrap();
        let notes = roll.to_notes(tpq(480), Velocity::DEFAULT);
        prop_assert_eq!(PianoRoll::from_notes(&notes, tpq(480), spb, 0..32).unwrap(), roll);
    }
}
