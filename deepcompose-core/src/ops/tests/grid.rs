//! Quantisation.

use super::*;
use crate::error::ScoreError;
use crate::ops::{GridStep, Quantiser};

fn quantised(notes: &[Note], quantiser: &Quantiser) -> Vec<Note> {
    score(notes).quantise(quantiser).tracks()[0].notes().to_vec()
}

#[test]
fn onsets_and_ends_go_to_the_nearest_point() {
    let sixteenths = Quantiser::new(GridStep::SIXTEENTH); // 120 ticks
    let played = [note(59, 100, 60), note(60, 100, 61), note(365, 0, 62)];
    assert_eq!(quantised(&played, &sixteenths), [note(0, 100, 60), note(120, 100, 61), note(360, 0, 62)]);
    let ends = sixteenths.with_ends(true);
    // An end on its onset goes to the next point; a note of no length gets one step.
    assert_eq!(quantised(&played, &ends), [note(0, 120, 60), note(120, 120, 61), note(360, 120, 62)]);
    let only_ends = ends.with_onsets(false);
    assert_eq!(quantised(&[note(59, 170, 60)], &only_ends), [note(59, 181, 60)]);
}

#[test]
fn strength_goes_part_of_the_way() {
    let half = Quantiser::new(GridStep::EIGHTH).with_strength(0.5).unwrap();
    assert_eq!(
        quantised(&[note(200, 50, 60), note(500, 7, 60)], &half),
        [note(220, 50, 60), note(490, 7, 60)]
    );
    let none = half.with_strength(0.0).unwrap().with_ends(true);
    assert_eq!(quantised(&[note(200, 0, 60)], &none), [note(200, 0, 60)]);
    for bad in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(half.with_strength(bad), Err(ScoreError::Fraction { .. })), "{bad}");
        assert!(matches!(half.with_swing(bad), Err(ScoreError::Fraction { field: "swing", .. })), "{bad}");
    }
}

#[test]
fn swing_delays_the_second_of_each_pair() {
    // Eighths of 240 ticks: the second of a pair is at 320 at 2 : 1, at 360 at 3 : 1.
    let straight = [note(0, 9, 60), note(240, 9, 60), note(480, 9, 60), note(720, 9, 60)];
    let swung = |swing| {
        let quantiser = Quantiser::new(GridStep::EIGHTH).with_swing(swing).unwrap();
        quantised(&straight, &quantiser).iter().map(|n| n.start.get()).collect::<Vec<_>>()
    };
    assert_eq!(swung(0.0), [0, 240, 480, 720]);
    assert_eq!(swung(2.0 / 3.0), [0, 320, 480, 800]);
    // 240 lies nearer to 360 than to 0: 120 away, not 240.
    assert_eq!(swung(1.0), [0, 360, 480, 840]);
}

#[test]
fn grids_are_any_fraction_and_begin_at_bar_lines() {
    // Triplets at 100 ticks a quarter: 0, 33, 67, 100.
    let mut piece = Score::new(tpq(100));
    piece.push_track(track(&[note(30, 5, 60), note(70, 5, 60), note(97, 5, 60)]));
    let triplets = Quantiser::new(GridStep::EIGHTH_TRIPLET);
    assert_eq!(starts(&piece.quantise(&triplets).tracks()[0]), [33, 67, 100]);
    // 7/8 is 350 ticks: quarters at 0, 100, 200, 300, then the bar line at 350, then 450.
    piece.set_time_signatures(vec![meter(0, 7, 8)]);
    piece.tracks_mut()[0].set_notes([290, 324, 326, 390, 402].map(|s| note(s, 5, 60)).to_vec());
    let quarters = Quantiser::new(GridStep::QUARTER);
    assert_eq!(starts(&piece.quantise(&quarters).tracks()[0]), [300, 300, 350, 350, 450]);
    assert!(GridStep::new(0, 4).is_err() && GridStep::new(1, 1025).is_err());
}

#[test]
fn configurations_are_checked_when_read() {
    let quantiser = Quantiser::new(GridStep::new(3, 2).unwrap()).with_swing(0.5).unwrap();
    let json = serde_json::to_string(&quantiser).unwrap();
    assert_eq!(serde_json::from_str::<Quantiser>(&json).unwrap(), quantiser);
    assert!(serde_json::from_str::<Quantiser>(&json.replace("[3,2]", "[0,2]")).is_err());
    assert!(serde_json::from_str::<Quantiser>(&json.replace("0.5", "1.5")).is_err());
}

proptest! {
    #[test]
    fn quantising_twice_is_quantising_once(
        piece in any_score(), n in 1_u32..9, d in 1_u32..25, swing in 0.0_f64..=1.0, ends: bool,
    ) {
        let step = GridStep::new(n, d).unwrap();
        // Coarse enough that every point has a tick of its own.
        prop_assume!(step.quarters() * f64::from(piece.ticks_per_quarter().get()) >= 4.0);
        let quantiser = Quantiser::new(step).with_swing(swing).unwrap().with_ends(ends);
        let once = piece.quantise(&quantiser);
        prop_assert_eq!(once.note_count(), piece.note_count());
        prop_assert_eq!(once.quantise(&quantiser), once);
    }

    #[test]
    fn no_point_is_nearer(piece in any_score(), n in 1_u32..5, d in 1_u32..9, swing in 0.0_f64..=1.0) {
        // Against all points of the first bars, by brute force.
        let step = GridStep::new(n, d).unwrap();
        let resolution = f64::from(piece.ticks_per_quarter().get());
        let mut points = Vec::new();
        for bar in piece.bars().take_while(|b| b.start.get() < 5000) {
            for k in 0.. {
                let late = if k % 2 == 1 { swing / 2.0 } else { 0.0 };
                let ticks = ((f64::from(k) + late) * f64::from(n) * resolution / f64::from(d) + 0.5).floor();
                let at = bar.start.saturating_add(Tick::saturating(ticks as i64));
                points.push(i64::from(at.min(bar.end).get()));
                if at >= bar.end {
                    break;
                }
            }
        }
        let quantised = piece.quantise(&Quantiser::new(step).with_swing(swing).unwrap());
        for (before, after) in piece.tracks().iter().zip(quantised.tracks()) {
            let mut expected: Vec<i64> = before.notes().iter().map(|note| {
                let start = i64::from(note.start.get());
                *points.iter().rev().min_by_key(|p| (**p - start).abs()).unwrap()
            }).collect();
            expected.sort_unstable();
            let got: Vec<i64> = after.notes().iter().map(|n| i64::from(n.start.get())).collect();
            prop_assert_eq!(got, expected);
        }
    }
}
