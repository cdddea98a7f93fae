#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ndarray::{Array2, Array3};
use proptest::prelude::*;

use super::*;

fn note(start: u32, duration: u32, pitch: u32, velocity: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(duration).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::new(velocity).unwrap(),
    }
}

fn tpq(value: u32) -> TicksPerQuarter {
    TicksPerQuarter::new(value).unwrap()
}

fn spb(value: u32) -> StepsPerBeat {
    StepsPerBeat::new(value).unwrap()
}

/// A column as text: velocities, `'` before an onset.
fn column(roll: &VelocityRoll, pitch: usize) -> String {
    let cell = |row: usize| {
        let mark = if roll.onsets()[[row, pitch]] { "'" } else { " " };
        format!("{mark}{}", roll.velocities()[[row, pitch]])
    };
    (0..roll.steps()).map(cell).collect()
}

#[test]
fn cells_hold_velocities_and_onsets() {
    // A step is 120 ticks.
    let notes = [
        note(0, 240, 60, 5),
        note(240, 240, 60, 6), // repeated
        note(0, 480, 62, 7),
        note(120, 120, 62, 9), // inside: what is left of the long note sounds on as this one
        note(130, 0, 64, 3),   // no length: one step
        note(10, 100, 65, 4),
        note(20, 200, 65, 2), // begins in the same cell: the loudest counts, the longest is heard
    ];
    let roll = VelocityRoll::from_notes(&notes, tpq(480), StepsPerBeat::DEFAULT, 0..4).unwrap();
    assert_eq!(column(&roll, 60), "'5 5'6 6");
    assert_eq!(column(&roll, 62), "'7'9 9 9");
    assert_eq!(column(&roll, 64), " 0'3 0 0");
    assert_eq!(column(&roll, 65), "'4 4 0 0");
    // A window: begun before it, no onset; cut at its end.
    let window = VelocityRoll::from_notes(&notes, tpq(480), StepsPerBeat::DEFAULT, 1..3).unwrap();
    assert_eq!((column(&window, 60), column(&window, 62)), (" 5'6".into(), "'9 9".into()));
    assert_eq!(window.to_notes(tpq(480))[0], note(120, 120, 60, 5));
}

#[test]
fn parts_choose_the_tracks() {
    let mut score = Score::new(tpq(4));
    score.push_track(Track::new("a", Program::MIN).with_notes(vec![note(0, 4, 60, 1)]));
    score.push_track(Track::drums("kit", Program::MIN).with_notes(vec![note(0, 8, 36, 2)]));
    score.push_track(Track::new("empty", Program::MAX));
    let steps = |parts| VelocityRoll::from_score(&score, StepsPerBeat::DEFAULT, parts).unwrap().steps();
    assert_eq!((steps(Parts::Melodic), steps(Parts::Drums), steps(Parts::All)), (4, 8, 8));
    let binary = PianoRoll::from_parts(&score, StepsPerBeat::DEFAULT, Parts::Drums).unwrap();
    assert!(binary.onsets()[[0, 36]] && !binary.sounding()[[0, 60]]);
    let multi = |parts| MultiRoll::from_score(&score, StepsPerBeat::DEFAULT, parts).unwrap();
    assert_eq!(multi(Parts::All).velocities().dim(), (3, 8, 128));
    assert_eq!(multi(Parts::Melodic).velocities().dim(), (2, 4, 128));
    assert_eq!(multi(Parts::All).to_tracks(tpq(4)), score.tracks());
    assert_eq!(multi(Parts::All).to_score(tpq(4)), score);
    assert_eq!(column(&multi(Parts::Drums).roll(0).unwrap(), 36), "'2 2 2 2 2 2 2 2");
    let missing = ScoreError::NoSuchTrack { index: 1, tracks: 1 };
    assert_eq!(multi(Parts::Drums).roll(1), Err(missing));
}

#[test]
fn arrays_and_sizes_are_checked() {
    let grid = StepsPerBeat::DEFAULT;
    let cells = |velocity: u8| Array2::from_elem((2, 128), velocity);
    let onsets = |on: bool| Array2::from_elem((2, 128), on);
    assert!(VelocityRoll::from_arrays(cells(127), onsets(true), grid, 0).is_ok());
    assert!(matches!(
        VelocityRoll::from_arrays(cells(128), onsets(true), grid, 0),
        Err(ScoreError::OutOfRange { value: 128, max: 127, .. })
    ));
    assert_eq!(
        VelocityRoll::from_arrays(cells(0), onsets(true), grid, 0),
        Err(ScoreError::SilentOnset { step: 0, pitch: 0 })
    );
    assert!(matches!(
        VelocityRoll::from_arrays(cells(1), Array2::default((3, 128)), grid, 0),
        Err(ScoreError::Shape { what: "onsets", rows: 3, expected_rows: 2, .. })
    ));
    let tracks = [Track::default()];
    let multi =
        |velocities, onsets, tracks: &[Track]| MultiRoll::from_arrays(velocities, onsets, tracks, grid);
    let (v, o) = (Array3::<u8>::zeros((1, 2, 128)), Array3::<bool>::default((1, 2, 128)));
    assert!(multi(v.clone(), o.clone(), &tracks).is_ok());
    assert!(matches!(multi(v.clone(), o, &[]), Err(ScoreError::OutOfRange { field: "tracks", .. })));
    let short = Array3::default((0, 2, 128));
    assert!(matches!(multi(v, short, &tracks), Err(ScoreError::OutOfRange { value: 0, min: 1, .. })));

    // 2^18 steps fit once; three tracks of them do not.
    let far = note((1 << 18) - 1, 1, 60, 1);
    let mut score = Score::new(tpq(4));
    score.push_track(Track::default().with_notes(vec![far]));
    score.push_track(Track::default());
    score.push_track(Track::default());
    let limit = ScoreError::Limit { what: "tracks times steps of a roll", value: 3 << 18, limit: 1 << 19 };
    assert_eq!(MultiRoll::from_score(&score, grid, Parts::All), Err(limit));
    let over = Track::default().with_notes(vec![note(1 << 18, 1, 60, 1)]);
    score.push_track(over);
    let limit = ScoreError::Limit { what: "piano roll steps", value: (1 << 18) + 1, limit: 1 << 18 };
    assert_eq!(MultiRoll::from_score(&score, grid, Parts::All), Err(limit.clone()));
    assert_eq!(VelocityRoll::from_score(&score, grid, Parts::All), Err(limit));
}

/// Notes in steps, no two of one pitch overlapping: `(start, length, pitch, velocity)`.
fn grid_notes() -> impl Strategy<Value = Vec<(u32, u32, u32, u32)>> {
    let runs = prop::collection::vec((0_u32..5, 1_u32..9, 1_u32..=127), 0..8);
    prop::collection::btree_map(0_u32..128, runs, 0..6).prop_map(|pitches| {
        let mut notes = Vec::new();
        for (pitch, runs) in pitches {
            let mut step = 0;
            for (gap, length, velocity) in runs {
                notes.push((step + gap, length, pitch, velocity));
                step += gap + length;
            }
        }
        notes
    })
}

proptest! {
    #[test]
    fn notes_on_steps_come_back(
        kinds in prop::collection::vec((grid_notes(), any::<bool>()), 0..4),
        steps in 1_u32..=48,
        more in 0_u32..200,
    ) {
        // Any resolution with at least a tick a step, whole numbers of ticks or not: the tick of a step
        // is n/steps of a quarter, rounded half up.
        let resolution = steps + more;
        let at = |step: u32| (2 * step * resolution + steps) / (2 * steps);
        let mut score = Score::new(tpq(resolution));
        for (cells, is_drum) in &kinds {
            let notes = cells.iter().map(|(start, length, pitch, velocity)| {
                note(at(*start), at(start + length) - at(*start), *pitch, *velocity)
            });
            let track = if *is_drum { Track::drums("", Program::MIN) } else { Track::new("", Program::MIN) };
            score.push_track(track.with_notes(notes.collect()));
        }
        let roll = MultiRoll::from_score(&score, spb(steps), Parts::All).unwrap();
        prop_assert_eq!(roll.to_tracks(tpq(resolution)), score.tracks());
        let arrays = MultiRoll::from_arrays(
            roll.velocities().to_owned(), roll.onsets().to_owned(), roll.tracks(), spb(steps),
        );
        prop_assert_eq!(arrays.unwrap(), roll.clone());
        for (i, track) in score.tracks().iter().enumerate() {
            prop_assert_eq!(roll.roll(i).unwrap().to_notes(tpq(resolution)), track.notes());
        }
    }

    #[test]
    fn canonical_cells_survive_roll_to_notes_to_roll(
        cells in prop::collection::vec((0_u8..3, 1_u8..=127), 64), steps in 1_u32..=48, start in 0_usize..40,
    ) {
        // Two columns of 32 cells: silent, held, onset with a velocity. What is held goes on with the
        // velocity before it; a run begins with an onset.
        let mut onsets = Array2::from_elem((32, 128), false);
        let mut velocities = Array2::zeros((32, 128));
        for (i, (kind, velocity)) in cells.iter().enumerate() {
            let (row, pitch) = (i % 32, 60 + i / 32);
            let before = if row > 0 { velocities[[row - 1, pitch]] } else { 0 };
            onsets[[row, pitch]] = *kind == 2 || (*kind == 1 && before == 0);
            velocities[[row, pitch]] = match kind {
                0 => 0,
                1 if before > 0 => before,
                _ => *velocity,
            };
        }
        let roll = VelocityRoll::from_arrays(velocities, onsets, spb(steps), start).unwrap();
        let notes = roll.to_notes(tpq(48));
        let again = VelocityRoll::from_notes(&notes, tpq(48), spb(steps), start..start + 32).unwrap();
        prop_assert_eq!(&again, &roll);
        // Without velocities it is the boolean roll of the same notes.
        let binary = PianoRoll::from_notes(&notes, tpq(48), spb(steps), start..start + 32).unwrap();
        prop_assert_eq!(&roll.to_piano_roll(), &binary);
        prop_assert_eq!(binary.with_velocity(Velocity::DEFAULT).to_piano_roll(), binary);
    }

    #[test]
    fn any_notes_sound_as_in_the_boolean_roll(
        notes in prop::collection::vec((0_u32..3000, 0_u32..900, 58_u32..62, 1_u32..=127), 0..20),
        start in 0_usize..10,
    ) {
        let notes: Vec<Note> = notes.into_iter().map(|(s, d, p, v)| note(s, d, p, v)).collect();
        let window = start..start + 24;
        let roll = VelocityRoll::from_notes(&notes, tpq(480), StepsPerBeat::DEFAULT, window.clone()).unwrap();
        let binary = PianoRoll::from_notes(&notes, tpq(480), StepsPerBeat::DEFAULT, window).unwrap();
        prop_assert_eq!(roll.to_piano_roll(), binary);
    }
}
