//! Slices, joins, other resolutions and tempos.

use super::*;
use crate::augment::scale_velocity;
use crate::error::ScoreError;
use crate::input_tracks::InputTrack;
use crate::meter::{KeySignature, Mode};
use crate::ops::{BeatGrid, GridStep, Join, PitchOverflow, Quantiser, Straddle, TrimTo};

#[test]
fn notes_across_a_cut_follow_the_policy() {
    let piece = score(&[
        note(0, 200, 60),   // into the range
        note(50, 500, 61),  // over it
        note(100, 100, 62), // exactly it
        note(150, 100, 63), // out of it
        note(100, 0, 64),   // no length, at the start
        note(200, 0, 65),   // no length, at the end
        note(0, 100, 66),   // ends where it begins
        note(200, 10, 67),  // begins where it ends
    ]);
    let slice = |policy| piece.slice(tick(100)..tick(200), policy).tracks()[0].notes().to_vec();
    let clipped = [note(0, 0, 64), note(0, 100, 60), note(0, 100, 61), note(0, 100, 62), note(50, 50, 63)];
    let mut sorted = clipped.to_vec();
    sorted.sort_unstable();
    assert_eq!(slice(Straddle::Clip), sorted);
    assert_eq!(slice(Straddle::Drop), [note(0, 100, 62), note(0, 0, 64)]);
    assert_eq!(slice(Straddle::Keep), [note(0, 100, 62), note(0, 0, 64), note(50, 100, 63)]);
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = piece.slice(tick(200)..tick(100), Straddle::Clip);
    assert!(reversed.is_empty());
}

#[test]
fn what_is_in_force_at_a_cut_is_said_again() {
    let mut piece = score(&[note(0, 2000, 60)]);
    piece.set_tempo_map(TempoMap::new(vec![tempo(0, 600_000), tempo(500, 400_000), tempo(1500, 300_000)]));
    piece.set_time_signatures(vec![meter(0, 3, 4), meter(1440, 6, 8)]);
    let key = KeySignature::new(3, Mode::Minor).unwrap();
    piece.set_key_signatures(vec![at(10, key)]);
    let title = Text::new(TextKind::SequenceName, "Title").unwrap();
    let marker = |name| Text::new(TextKind::Marker, name).unwrap();
    piece.set_texts(vec![at(0, title.clone()), at(5, marker("A")), at(1200, marker("B"))]);
    let track = &mut piece.tracks_mut()[0];
    track.set_controls(vec![
        control(0, 7, 90),
        control(1, 7, 80),
        control(2, 64, 127),
        // Pitch bend range of 12 semitones, then no parameter selected.
        control(3, 101, 0),
        control(3, 100, 0),
        control(3, 6, 2),
        control(4, 6, 12),
        control(4, 38, 0),
        control(5, 101, 127),
        control(5, 100, 127),
        control(1000, 64, 0),
        control(1100, 10, 5),
        control(1900, 7, 1),
    ]);
    track.set_pitch_bends(vec![at(900, PitchBend::new(-5).unwrap()), at(1300, PitchBend::new(0).unwrap())]);

    let part = piece.slice(tick(1000)..tick(1900), Straddle::Clip);
    assert_eq!(part.tempo_map().changes(), [tempo(0, 400_000), tempo(500, 300_000)]);
    assert_eq!(part.time_signatures(), [meter(0, 3, 4), meter(440, 6, 8)]);
    assert_eq!(part.key_signatures(), [at(0, key)]);
    assert_eq!(part.texts(), [at(0, title), at(200, marker("B"))]);
    let restated = [
        control(0, 7, 80),
        control(0, 64, 127),
        control(0, 101, 0),
        control(0, 100, 0),
        control(0, 6, 12),
        control(0, 38, 0),
        control(0, 101, 127),
        control(0, 100, 127),
        // At the cut itself: lifts the pedal again.
        control(0, 64, 0),
        control(100, 10, 5),
    ];
    assert_eq!(part.tracks()[0].controls(), restated);
    let bends = [at(0, PitchBend::new(-5).unwrap()), at(300, PitchBend::new(0).unwrap())];
    assert_eq!(part.tracks()[0].pitch_bends(), bends);
}

#[test]
fn all_controllers_that_were_reset_are_at_rest_in_a_slice() {
    let mut piece = score(&[note(300, 100, 60)]);
    let track = &mut piece.tracks_mut()[0];
    track.set_controls(vec![control(0, 1, 90), control(200, 121, 0)]);
    let pressures = |list: &[(u32, u8)]| {
        list.iter().map(|(when, value)| at(*when, Pressure::channel(*value).unwrap())).collect::<Vec<_>>()
    };
    let bends = |list: &[(u32, i32)]| {
        list.iter().map(|(when, value)| at(*when, PitchBend::new(*value as i16).unwrap())).collect::<Vec<_>>()
    };
    track.set_pitch_bends(bends(&[(100, 4096)]));
    track.set_pressures(pressures(&[(100, 50)]));
    let slice = piece.slice(tick(300)..tick(1000), Straddle::Clip);
    assert!(slice.tracks()[0].controls().is_empty());
    assert!(slice.tracks()[0].pitch_bends().is_empty() && slice.tracks()[0].pressures().is_empty());
    // What comes with the reset, or later, stands.
    let track = &mut piece.tracks_mut()[0];
    track.set_pitch_bends(bends(&[(100, 4096), (200, -7)]));
    track.set_pressures(pressures(&[(100, 50), (250, 60)]));
    let slice = piece.slice(tick(300)..tick(1000), Straddle::Clip);
    assert_eq!(slice.tracks()[0].pitch_bends(), bends(&[(0, -7)]));
    assert_eq!(slice.tracks()[0].pressures(), pressures(&[(0, 60)]));
}

#[test]
fn slices_by_bar_beat_and_second_agree() {
    // 3/4 at 120: a bar is 1440 ticks and 1.5 s, a beat 480 ticks and 0.5 s.
    let tune = InputTrack::AmazingGrace.score();
    let mut tune = tune;
    tune.set_tempo(Tempo::DEFAULT);
    let bars = tune.slice_bars(2..4, Straddle::Clip);
    assert_eq!(bars, tune.slice_beats(6..12, Straddle::Clip));
    assert_eq!(bars, tune.slice_seconds(3.0..6.0, Straddle::Clip));
    assert_eq!(bars, tune.slice(tick(2880)..tick(5760), Straddle::Clip));
    assert_eq!(tune.slice_bars(0..usize::MAX, Straddle::Clip), tune);
    assert!(tune.slice_bars(usize::MAX - 1..usize::MAX, Straddle::Clip).is_empty());
    assert!(tune.slice_seconds(f64::NAN..f64::NAN, Straddle::Clip).is_empty());
}

#[test]
fn trims_and_pads() {
    let mut piece = score(&[note(2500, 100, 60), note(2700, 0, 60)]);
    piece.tracks_mut()[0].set_controls(vec![control(0, 7, 50), control(2700, 64, 0), control(5000, 64, 1)]);
    let trimmed = |to| piece.trim(to);
    assert_eq!(starts(&trimmed(TrimTo::Note).tracks()[0]), [0, 200]);
    assert_eq!(starts(&trimmed(TrimTo::Beat).tracks()[0]), [100, 300]);
    assert_eq!(starts(&trimmed(TrimTo::Bar).tracks()[0]), [580, 780]);
    assert_eq!(trimmed(TrimTo::Note).tracks()[0].controls(), [control(0, 7, 50), control(200, 64, 0)]);
    assert_eq!(Score::default().trim(TrimTo::Bar), Score::default());

    let mut piece = score(&[note(0, 10, 60)]);
    piece.set_tempo(Tempo::from_micros(300_000).unwrap());
    piece.set_time_signatures(vec![meter(0, 3, 4)]);
    let padded = piece.pad(tick(1440)).unwrap();
    assert_eq!(starts(&padded.tracks()[0]), [1440]);
    assert_eq!(padded.tempo_map().changes(), [tempo(0, 300_000)]);
    assert_eq!(padded.time_signatures(), [meter(0, 3, 4)]);
    assert_eq!(padded.trim(TrimTo::Bar), piece);
    let limit = u64::from(Tick::MAX.get());
    let over = ScoreError::Limit { what: "ticks of the score", value: limit + 10, limit };
    assert_eq!(piece.pad(Tick::MAX), Err(over));
}

#[test]
fn what_is_at_the_last_tick_is_not_lost() {
    let last = Tick::MAX.get();
    let mut piece = score(&[note(last - 10, 10, 60), note(last, 0, 62)]);
    piece.tracks_mut()[0].set_controls(vec![control(last, 64, 0)]);
    let trimmed = piece.trim(TrimTo::Note);
    assert_eq!(trimmed.tracks()[0].notes(), [note(0, 10, 60), note(10, 0, 62)]);
    assert_eq!(trimmed.tracks()[0].controls(), [control(10, 64, 0)]);
    for straddle in [Straddle::Clip, Straddle::Drop, Straddle::Keep] {
        assert_eq!(piece.slice_bars(0..usize::MAX, straddle), piece);
        assert_eq!(piece.slice_beats(0..usize::MAX, straddle), piece);
        assert!(piece.slice_bars(usize::MAX - 1..usize::MAX, straddle).is_empty());
        // A range of ticks is without its end.
        assert_eq!(piece.slice(Tick::ZERO..Tick::MAX, straddle).note_count(), 1);
    }
}

#[test]
fn chords_keep_the_order_in_which_they_were_given() {
    let played = [note(0, 400, 67), note(0, 480, 60), note(0, 480, 64), note(480, 9, 62), note(480, 9, 54)];
    let mut piece = score(&played);
    piece.tracks_mut()[0].set_controls(vec![control(0, 64, 127), control(450, 64, 0)]);
    let of = |track: &Track| track.notes_as_given().map(|n| n.pitch.get()).collect::<Vec<_>>();
    let given = |score: &Score| of(&score.tracks()[0]);
    let whole: [u8; 5] = [67, 60, 64, 62, 54];
    assert_eq!(given(&piece), whole);
    assert_eq!(given(&piece.slice(tick(0)..tick(480), Straddle::Clip)), whole[..3]);
    assert_eq!(given(&piece.slice_bars(0..9, Straddle::Keep)), whole);
    assert_eq!(given(&piece.resample(tpq(960)).unwrap()), whole);
    assert_eq!(given(&piece.quantise(&Quantiser::new(GridStep::EIGHTH).with_ends(true))), whole);
    assert_eq!(given(&piece.clone().sustained()), whole);
    assert_eq!(given(&scale_velocity(&piece, 0.5).unwrap()), whole);
    let (higher, _) = piece.transpose(1, Pitch::MIN..=Pitch::MAX, PitchOverflow::Refuse).unwrap();
    assert_eq!(given(&higher), whole.map(|p| p + 1));
    assert_eq!(given(&piece.join(&piece, Join::Bar).unwrap()), [whole, whole].concat());
    let mut two = piece.clone();
    two.push_track(Track::new("u", Program::MIN).with_notes(vec![note(0, 1, 72), note(0, 1, 71)]));
    assert_eq!(given(&two.merge_tracks(&[0, 1]).unwrap()), [67, 60, 64, 72, 71, 62, 54]);
    let [upper, lower] = piece.tracks()[0].split_at_pitch(pitch(61));
    assert_eq!((of(&upper), of(&lower)), (vec![67, 64, 62], vec![60, 54]));
    assert_eq!(of(&piece.tracks()[0].split_drums()[0].1), whole);
}

#[test]
fn joins_resolutions_and_tracks() {
    // 4 and 6 ticks a quarter: 12 in common.
    let mut first = Score::new(tpq(4));
    first.push_track(Track::new("a", Program::MIN).with_notes(vec![note(0, 6, 60)]));
    first.tracks_mut()[0].set_controls(vec![control(0, 7, 20), control(0, 64, 127), control(7, 64, 0)]);
    let mut next = Score::new(tpq(6));
    next.set_tempo(Tempo::from_micros(400_000).unwrap());
    next.push_track(Track::new("b", Program::MIN).with_notes(vec![note(0, 3, 50)]));
    next.push_track(Track::new("a", Program::MIN).with_notes(vec![note(6, 6, 62)]));
    let joined = first.join(&next, Join::End).unwrap();
    assert_eq!(joined.ticks_per_quarter(), tpq(12));
    assert_eq!(joined.tempo_map().changes(), [tempo(0, 500_000), tempo(18, 400_000)]);
    assert_eq!(joined.tracks().len(), 2);
    assert_eq!(joined.tracks()[0].notes(), [note(0, 18, 60), note(30, 12, 62)]);
    assert_eq!(joined.tracks()[1].notes(), [note(18, 6, 50)]);
    // Volume and pedal go back to rest; what was after the join is left out.
    let controls = [control(0, 7, 20), control(0, 64, 127), control(18, 7, 100), control(18, 64, 0)];
    assert_eq!(joined.tracks()[0].controls(), controls);
    // To the bar line: a bar is 48 ticks.
    let joined = first.join(&next, Join::Bar).unwrap();
    assert_eq!(starts(&joined.tracks()[0]), [0, 60]);
    // No common multiple that MIDI can hold: the finer of the two.
    let coarse = Score::new(tpq(32_766)).join(&Score::new(tpq(32_767)), Join::End).unwrap();
    assert_eq!(coarse.ticks_per_quarter(), tpq(32_767));
}

#[test]
fn resampling_rounds_half_up_and_keeps_lengths_apart_from_none() {
    // 4 to 2 ticks a quarter: halves.
    let mut piece = Score::new(tpq(4));
    piece.push_track(track(&[note(1, 1, 60), note(2, 0, 61), note(4, 1, 62), note(5, 3, 63)]));
    let half = piece.resample(tpq(2)).unwrap();
    // 0.5..1 is 1..1, lengthened; 1, no length; 2..2.5 is 2..3; 2.5..4 is 3..4.
    assert_eq!(half.tracks()[0].notes(), [note(1, 1, 60), note(1, 0, 61), note(2, 1, 62), note(3, 1, 63)]);
    let far = score(&[note(Tick::MAX.get() - 1, 1, 60)]);
    assert!(matches!(far.resample(tpq(960)), Err(ScoreError::Limit { .. })));
}

#[test]
fn tempo_changes_keep_ticks_or_seconds() {
    let tune = InputTrack::OdeToJoy.score();
    let seconds = tune.duration_seconds();
    assert!((tune.scale_tempo(2.0).unwrap().duration_seconds() - seconds / 2.0).abs() < 1e-9);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(tune.scale_tempo(bad), Err(ScoreError::Factor { .. })), "{bad}");
    }
    // One quarter at 120 is half a second: two quarters at 240.
    let piece = score(&[note(480, 480, 60)]);
    let fast = TempoMap::constant(Tempo::from_micros(250_000).unwrap());
    assert_eq!(piece.retime(fast.clone()).unwrap().tracks()[0].notes(), [note(960, 960, 60)]);
    let far = score(&[note(Tick::MAX.get() - 1, 1, 60)]);
    assert!(matches!(far.retime(fast), Err(ScoreError::Limit { .. })));
}

#[test]
fn beats_fall_on_quarters() {
    // Beats that slow down, the second one a downbeat in 3/4; a note on each and one half-way.
    let beats = vec![0.3, 0.8, 1.4, 2.1, 2.9];
    let mut piece = Score::default();
    let seconds = [0.3, 0.8, 1.1, 1.4, 2.1, 2.9, 3.7];
    let notes = seconds.map(|s| Note { duration: tick(48), ..note(piece.tick_at(s).get(), 0, 60) });
    piece.push_track(track(&notes));
    piece.set_time_signatures(vec![meter(0, 7, 8)]);
    let grid = BeatGrid::new(beats.clone()).unwrap().with_bars(1, 3).unwrap();
    let aligned = piece.align_to_beats(&grid).unwrap();
    // One beat is needed before the first, and with it the second would be the third of its bar: two.
    assert_eq!(starts(&aligned.tracks()[0]), [960, 1440, 1680, 1920, 2400, 2880, 3360]);
    assert_eq!(aligned.time_signatures(), [meter(0, 3, 4)]);
    let lead = 2.0 * 0.5 - 0.3;
    for (note, seconds) in aligned.tracks()[0].notes().iter().zip(seconds) {
        assert!((aligned.seconds_at(note.start) - seconds - lead).abs() < 1e-3);
    }
    for (bad, index) in
        [(vec![0.0, 0.5, 0.5], 2), (vec![0.0, f64::NAN], 1), (vec![-1.0, 0.5], 0), (vec![0.0, 20.0], 1)]
    {
        let error = BeatGrid::new(bad).unwrap_err();
        assert!(matches!(error, ScoreError::Order { index: i, .. } if i == index), "{error}");
    }
    assert!(matches!(BeatGrid::new(vec![1.0]), Err(ScoreError::OutOfRange { field: "beats", .. })));
}

proptest! {
    #[test]
    fn slices_that_share_borders_hold_each_note_once(piece in any_score(), cut in 0_u32..4000) {
        let (first, last) = (tick(0)..tick(cut), tick(cut)..tick(100_000));
        let count = |r| piece.slice(r, Straddle::Keep).note_count();
        prop_assert_eq!(count(first.clone()) + count(last.clone()), piece.note_count());
        // Clipped, they sound as long as the whole.
        let time = |s: &Score| {
            s.tracks().iter().flat_map(Track::notes).map(|n| u64::from(n.duration.get())).sum::<u64>()
        };
        let clipped = |r| time(&piece.slice(r, Straddle::Clip));
        prop_assert_eq!(clipped(first) + clipped(last), time(&piece));
    }

    #[test]
    fn a_slice_has_the_state_of_the_whole(piece in any_score(), cut in 0_u32..4000) {
        // The last value of each controller that is no parameter, at the end, is the same.
        let state = |s: &Score| {
            let mut values = std::collections::BTreeMap::new();
            for c in s.tracks()[0].controls() {
                if !matches!(c.value.controller(), 6 | 38 | 96..=101) {
                    values.insert(c.value.controller(), c.value.value());
                }
            }
            values
        };
        let part = piece.slice(tick(cut)..Tick::MAX, Straddle::Clip);
        prop_assert_eq!(state(&part), state(&piece));
        for later in [cut, cut + 7, 4000] {
            let (here, there) = (tick(later - cut.min(later)), tick(later.max(cut)));
            prop_assert_eq!(part.tempo_at(here), piece.tempo_at(there));
            prop_assert_eq!(part.time_signature_at(here), piece.time_signature_at(there));
        }
    }

    #[test]
    fn to_a_multiple_of_the_resolution_and_back(piece in any_score(), factor in 1_u32..20) {
        let old = piece.ticks_per_quarter();
        let finer = tpq(u32::from(old.get()) * factor);
        let there = piece.resample(finer).unwrap();
        prop_assert!((there.duration_seconds() - piece.duration_seconds()).abs() < 1e-9);
        prop_assert_eq!(there.resample(old).unwrap(), piece);
    }

    #[test]
    fn retiming_keeps_every_onset_in_seconds(piece in any_score(), micros in 200_000_u32..800_000) {
        let map = TempoMap::constant(Tempo::from_micros(micros).unwrap());
        let out = piece.retime(map).unwrap();
        let half_tick = f64::from(micros) / 2e6 / f64::from(piece.ticks_per_quarter().get());
        for (old, new) in piece.tracks().iter().zip(out.tracks()) {
            // Rounding keeps the order of onsets.
            let times = |s: &Score, t: &Track| t.notes().iter().map(|n| s.seconds_at(n.start)).collect::<Vec<_>>();
            for (a, b) in times(&piece, old).into_iter().zip(times(&out, new)) {
                prop_assert!((a - b).abs() <= half_tick + 1e-9);
            }
        }
    }

    #[test]
    fn joined_halves_are_the_whole(piece in any_score(), bar in 0_usize..6) {
        let (first, rest) = (piece.slice_bars(0..bar, Straddle::Keep), piece.slice_bars(bar..1 << 20, Straddle::Keep));
        let cut = piece.meter_map().bar(bar).unwrap().start;
        // Only if the join is at the cut: the first half ends in its last bar, and that is a whole one.
        let last = first.meter_map().bar_at(first.end());
        if cut != if last.start == first.end() { last.start } else { last.end } {
            return Ok(());
        }
        let joined = first.join(&rest, Join::Bar).unwrap();
        for (a, b) in joined.tracks().iter().zip(piece.tracks()) {
            prop_assert_eq!(a.notes(), b.notes());
        }
        prop_assert_eq!(joined.time_signatures(), piece.time_signatures());
    }
}
