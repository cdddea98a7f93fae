#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::score::Score;

fn tick(value: u32) -> Tick {
    Tick::new(value).unwrap()
}

fn meter(numerator: u32, denominator: u32) -> TimeSignature {
    TimeSignature::new(numerator, denominator).unwrap()
}

fn score(tpq: u32, signatures: &[(u32, u32, u32)]) -> Score {
    let mut score = Score::new(TicksPerQuarter::new(tpq).unwrap());
    let at = |(t, n, d): &(u32, u32, u32)| At { tick: tick(*t), value: meter(*n, *d) };
    score.set_time_signatures(signatures.iter().map(at).collect());
    score
}

#[test]
fn beats_follow_the_kind_of_metre() {
    let cases: [(u32, u32, &[u8]); 14] = [
        (4, 4, &[1, 1, 1, 1]),
        (2, 2, &[1, 1]),
        (3, 4, &[1, 1, 1]),
        (5, 4, &[1, 1, 1, 1, 1]),
        (1, 8, &[1]),
        (3, 8, &[1, 1, 1]),
        (4, 8, &[1, 1, 1, 1]),
        (5, 8, &[2, 3]),
        (6, 8, &[3, 3]),
        (7, 8, &[2, 2, 3]),
        (8, 8, &[2, 2, 2, 2]),
        (9, 8, &[3, 3, 3]),
        (11, 16, &[2, 2, 2, 2, 3]),
        (6, 4, &[3, 3]),
    ];
    for (n, d, beats) in cases {
        assert_eq!(meter(n, d).beats().collect::<Vec<_>>(), beats, "{n}/{d}");
    }
}

#[test]
fn beats_lie_where_they_should() {
    // 480 ticks a quarter: one bar of 7/8 (1680 ticks), then 6/8, cut short by 2/4 after 1000 ticks.
    let score = score(480, &[(0, 7, 8), (1680, 6, 8), (2680, 2, 4)]);
    let starts: Vec<(usize, usize, u32, u32)> =
        score.beats().take(8).map(|b| (b.bar, b.index, b.start.get(), b.end.get())).collect();
    assert_eq!(
        starts,
        [
            (0, 0, 0, 480),
            (0, 1, 480, 960),
            (0, 2, 960, 1680),
            (1, 0, 1680, 2400),
            (1, 1, 2400, 2680),
            (2, 0, 2680, 3160),
            (2, 1, 3160, 3640),
            (3, 0, 3640, 4120),
        ]
    );
    assert_eq!(score.position(tick(2500)), Position { bar: 1, beat: 1, tick: tick(100) });
    assert_eq!(score.position(tick(3700)).to_string(), "4:1:60");
    let map = score.meter_map();
    // The second beat of the cut bar has 280 ticks.
    let at = |bar, beat, t| map.tick(Position { bar, beat, tick: tick(t) });
    assert_eq!(at(1, 1, 279), Ok(tick(2679)));
    assert_eq!(
        at(1, 1, 280),
        Err(ScoreError::OutOfRange { field: "tick of the beat", value: 280, min: 0, max: 279 })
    );
    assert_eq!(at(2, 2, 0), Err(ScoreError::OutOfRange { field: "beat", value: 2, min: 0, max: 1 }));
    assert!(matches!(at(usize::MAX, 0, 0), Err(ScoreError::Limit { what: "bar", .. })));
    assert_eq!(map.beat(usize::MAX), None);
}

#[test]
fn what_is_in_force_at_a_tick() {
    let mut score = score(480, &[(960, 3, 4)]);
    let key = KeySignature::new(2, Mode::Major).unwrap();
    score.set_key_signatures(vec![At { tick: tick(960), value: key }]);
    assert_eq!(score.time_signature_at(tick(959)), TimeSignature::COMMON);
    assert_eq!(score.time_signature_at(tick(960)), meter(3, 4));
    assert_eq!(score.key_signature_at(tick(959)), None);
    assert_eq!(score.key_signature_at(Tick::MAX), Some(key));
    assert_eq!(score.tempo_at(tick(5)).bpm(), 120.0);
}

proptest! {
    #[test]
    fn look_ups_agree_with_the_iterators(
        signatures in prop::collection::vec((0_u32..3000, 1_u32..20, 0_u32..6), 0..6),
        tpq in 1_u32..200,
    ) {
        let signatures: Vec<_> = signatures.into_iter().map(|(t, n, d)| (t, n, 1 << d)).collect();
        let score = score(tpq, &signatures);
        let map = score.meter_map();
        for bar in score.bars().take_while(|b| b.start.get() < 5000) {
            prop_assert_eq!(map.bar(bar.index), Some(bar));
            prop_assert_eq!(map.bar_at(bar.start), bar);
            prop_assert_eq!(map.bar_at(tick(bar.end.get() - 1)), bar);
        }
        let mut before = Tick::ZERO;
        for (i, beat) in score.beats().take_while(|b| b.start.get() < 5000).enumerate() {
            prop_assert_eq!(beat.start, before);
            before = beat.end;
            prop_assert_eq!(map.beat(i), Some(beat));
            if beat.end > beat.start {
                prop_assert_eq!(map.beat_at(beat.start), beat);
                prop_assert_eq!(map.beat_at(tick(beat.end.get() - 1)), beat);
            }
        }
    }

    #[test]
    fn every_tick_has_a_position_and_comes_back(
        signatures in prop::collection::vec((any::<u32>(), 1_u32..=255, 0_u32..8), 0..6),
        tpq in 1_u32..=32767,
        ticks in prop::collection::vec(any::<u32>(), 1..20),
    ) {
        let limit = |t: u32| t % (Tick::MAX.get() + 1);
        let signatures: Vec<_> = signatures.into_iter().map(|(t, n, d)| (limit(t), n, 1 << d)).collect();
        let map = score(tpq, &signatures).meter_map();
        for at in ticks.into_iter().map(limit).chain([0, Tick::MAX.get(), Tick::MAX.get() - 1]) {
            prop_assert_eq!(map.tick(map.position(tick(at))), Ok(tick(at)));
        }
    }
}
