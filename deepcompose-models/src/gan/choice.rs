//! [`ChoiceRule`]: which cells sound, of those that are more or less probable.

use super::GanError;
use super::genre::{Genre, TrackRole};
use super::rolls::begins;

/// How a track's sounding pitches are chosen from the probabilities of its cells; see [`accompany`](super::accompany).
///
/// A generator gives each cell a probability, but not whether two of them belong together: where one of two
/// inversions of a chord is to sound, each cell of both has about a half. Chosen a step at a time, the two alternate, and
/// notes are cut short. So the pitches that a step prefers are those that its half bar prefers too, and those that
/// sound already.
///
/// ```
/// use deepcompose_models::gan::{AccompanyOptions, ChoiceRule, Genre, TrackRole};
///
/// let mut options = AccompanyOptions::new(Genre::Rock);
/// // Every step of the keys by itself.
/// options.choice[TrackRole::Keys.index()] = ChoiceRule::PLAIN;
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChoiceRule {
    /// Subtracted from the logarithm of the odds of every cell, -10..=10. A network that was trained with cells that sound
    /// counted w times gives them odds that are up to w times too high.
    pub calibration: f32,
    /// How many times the mean logarithm of a pitch's odds over the half bar is added to that of the step, 0..=100, where
    /// pitches are compared.
    pub agreement: f32,
    /// What is added to it for a pitch that sounds in the step before, 0..=100.
    pub persistence: f32,
    /// As many pitches as in the step before sound on, as long as so many are what a threshold that is higher or lower by this
    /// would give, 0..=0.5.
    pub slack: f32,
    /// The most pitches that sound at once, 1..=128.
    pub polyphony: usize,
    /// Subtracted from the logarithm of the odds that a note that sounds is struck again, -10..=10; for generators that
    /// [tell where notes begin](super::GanConfig::onsets). Those of one that was trained with onsets counted w times are up to
    /// w times too high.
    pub restrike: f32,
}

/// Steps of a half bar.
const HALF_BAR: usize = 8;
/// Logarithms of odds beyond this count as this in a half bar's mean.
const SURE: f32 = 6.0;
/// Cells less probable than this change no count.
const NEVER: f32 = 1e-5;

impl ChoiceRule {
    /// Each step by itself, as probable as the network says, however many pitches that are.
    pub const PLAIN: Self = Self {
        calibration: 0.0,
        agreement: 0.0,
        persistence: 0.0,
        slack: 0.0,
        polyphony: Self::MAX_POLYPHONY,
        restrike: 0.0,
    };

    /// The highest [`polyphony`](Self::polyphony).
    pub const MAX_POLYPHONY: usize = 128;

    /// What suits the shipped generator: of the rules tried on pieces that it learnt from, those under which the measures of
    /// the track were nearest to those of what was played in the genre.
    #[must_use]
    pub const fn of(genre: Genre, role: TrackRole) -> Self {
        let rule = Self::of_role(role);
        let more = match (genre, role) {
            (Genre::Rock | Genre::Country, TrackRole::Drums) => 0.3,
            (Genre::Pop, TrackRole::Drums) => 0.9,
            (Genre::Pop, TrackRole::Bass) => -0.3,
            (Genre::Jazz | Genre::Country, TrackRole::Bass) => 0.3,
            (Genre::Reggae, TrackRole::Bass) => 0.6,
            (Genre::Edm, TrackRole::Bass) => -1.5,
            (Genre::Rock, TrackRole::Guitar) => -0.9,
            (Genre::Pop | Genre::Country | Genre::Edm, TrackRole::Guitar) => 0.9,
            (Genre::Jazz, TrackRole::Guitar) | (Genre::Country, TrackRole::Keys) => -0.3,
            (Genre::Pop | Genre::Jazz, TrackRole::Keys) => 0.6,
            (Genre::Reggae, TrackRole::Keys) => -1.5,
            (Genre::Edm, TrackRole::Keys) => 1.2,
            _ => 0.0,
        };
        let polyphony = match (genre, role) {
            // Their bands were rendered with two basses at once, now and then.
            (Genre::Pop | Genre::Edm, TrackRole::Bass) => 2,
            _ => rule.polyphony,
        };
        Self { calibration: rule.calibration + more, polyphony, ..rule }
    }

    /// Of pitches. `GanTraining::accompaniment` counts twice what sounds and what begins.
    const PITCHED: Self = Self { restrike: std::f32::consts::LN_2, ..Self::PLAIN };

    /// Whatever the genre.
    const fn of_role(role: TrackRole) -> Self {
        match role {
            TrackRole::Drums => Self { calibration: 0.6, ..Self::PLAIN },
            TrackRole::Bass => Self { persistence: 0.5, polyphony: 1, ..Self::PITCHED },
            TrackRole::Guitar => Self {
                calibration: 0.3,
                persistence: 1.0,
                slack: 0.1,
                polyphony: 6,
                restrike: 0.35,
                ..Self::PLAIN
            },
            TrackRole::Keys => {
                Self { agreement: 3.0, persistence: 1.0, slack: 0.15, polyphony: 10, ..Self::PITCHED }
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), GanError> {
        let checks = [
            ("calibration", self.calibration, -10.0, 10.0, "-10..=10"),
            ("agreement", self.agreement, 0.0, 100.0, "0..=100"),
            ("persistence", self.persistence, 0.0, 100.0, "0..=100"),
            ("slack", self.slack, 0.0, 0.5, "0..=0.5"),
            ("restrike", self.restrike, -10.0, 10.0, "-10..=10"),
        ];
        match checks.into_iter().find(|(_, value, least, most, _)| !(*least..=*most).contains(value)) {
            Some((field, value, .., accepted)) => {
                Err(GanError::OutOfRange { field, value: value.into(), accepted })
            }
            None if !(1..=Self::MAX_POLYPHONY).contains(&self.polyphony) => Err(GanError::OutOfRange {
                field: "polyphony",
                value: self.polyphony as f64,
                accepted: "1..=128",
            }),
            None => Ok(()),
        }
    }

    /// The sets of pitches that sound in the steps of a window that are there, after the set `before`, which becomes the last of
    /// them. `tracks` holds the hyperbolic tangents of each step's `pitches`.
    pub(super) fn sounding(
        &self,
        tracks: &[f32],
        pitches: usize,
        threshold: f32,
        before: &mut u128,
        is_there: impl Fn(usize) -> bool,
    ) -> Vec<u128> {
        // The probability of a hyperbolic tangent's value t is (1 + t) / 2, and the logarithm of its odds 2 artanh t.
        let odds = |t: &f32| 2.0 * t.clamp(-MOST_TANH, MOST_TANH).atanh() - self.calibration;
        let odds: Vec<f32> = tracks.iter().map(odds).collect();
        let mut sets = Vec::with_capacity(tracks.len() / pitches.max(1));
        for half in odds.chunks(HALF_BAR * pitches.max(1)) {
            let first = sets.len();
            let steps =
                || half.chunks(pitches.max(1)).enumerate().map(|(step, row)| (row, is_there(first + step)));
            let heard = steps().filter(|(_, is_there)| *is_there).count().max(1) as f32;
            let mut mean = vec![0.0_f32; pitches];
            for (row, _) in steps().filter(|(_, is_there)| *is_there) {
                mean.iter_mut().zip(row).for_each(|(mean, odds)| *mean += odds.clamp(-SURE, SURE) / heard);
            }
            for (row, is_there) in steps() {
                if !is_there {
                    sets.push(0);
                    continue;
                }
                let scores = row.iter().zip(&mean).enumerate().map(|(pitch, (odds, mean))| {
                    let stays = if *before >> pitch & 1 == 1 { self.persistence } else { 0.0 };
                    odds + self.agreement * mean + stays
                });
                *before = best(scores, self.count(row, threshold, *before));
                sets.push(*before);
            }
        }
        sets
    }

    /// Where notes begin of what sounds in the steps that are there: what did not sound before, and what did and is struck again.
    /// `tracks` and `onsets` hold the hyperbolic tangents of each step's `pitches`, `before` what sounded before the first.
    ///
    /// The probability that a note that sounds begins is that of its onset by that of its sounding. As hands strike together, that of
    /// a note held so far is averaged with the mean over all of them; it is struck from a half up, or what [`restrike`](Self::restrike)
    /// makes of it.
    pub(super) fn onsets(
        &self,
        (tracks, onsets): (&[f32], &[f32]),
        pitches: usize,
        sounding: &[u128],
        mut before: u128,
        is_there: impl Fn(usize) -> bool,
    ) -> Vec<u128> {
        let rows = tracks.chunks(pitches.max(1)).zip(onsets.chunks(pitches.max(1)));
        let mut begin = Vec::with_capacity(sounding.len());
        let least = 1.0 / (1.0 + (-self.restrike).exp());
        for (step, (set, (track, onset))) in sounding.iter().zip(rows).enumerate() {
            if !is_there(step) {
                begin.push(0);
                continue;
            }
            let held = (0..pitches.min(128)).filter(|pitch| (set & before) >> pitch & 1 == 1);
            // (1 + t) / 2 each.
            let again = |pitch: usize| ((1.0 + onset[pitch]) / (1.0 + track[pitch]).max(NEVER)).min(1.0);
            let held: Vec<(usize, f32)> = held.map(|pitch| (pitch, again(pitch))).collect();
            let mean = held.iter().map(|(_, again)| again).sum::<f32>() / held.len().max(1) as f32;
            let struck = held.iter().filter(|(_, again)| again + mean >= 2.0 * least);
            begin.push(begins(*set, before) | struck.fold(0, |set, (pitch, _)| set | 1 << pitch));
            before = *set;
        }
        begin
    }

    /// How many cells of a step sound, of which `odds` are the logarithms of the odds.
    fn count(&self, odds: &[f32], threshold: f32, before: u128) -> usize {
        let mut cells: Vec<f32> = odds.iter().map(|odds| 1.0 / (1.0 + (-odds).exp())).collect();
        cells.sort_by(|a, b| b.total_cmp(a));
        let most = self.polyphony.min(cells.len());
        let at = |threshold: f32| {
            let alone = cells.partition_point(|probability| *probability >= threshold);
            alone.max(likely_count(&cells, most, threshold)).min(most)
        };
        let count = at(threshold);
        let (kept, slack) = (before.count_ones() as usize, self.slack);
        if kept == 0 || kept == count || slack == 0.0 {
            return count;
        }
        let fewest = at((threshold + slack).min(1.0 - NEVER));
        let greatest = at((threshold - slack).max(NEVER));
        if (fewest..=greatest).contains(&kept) { kept } else { count }
    }
}

/// The largest below 1: the odds stay finite.
const MOST_TANH: f32 = 1.0 - f32::EPSILON;

/// The `count` highest scores; of equals the lower pitch comes first.
fn best(scores: impl Iterator<Item = f32>, count: usize) -> u128 {
    let mut cells: Vec<(usize, f32)> = scores.enumerate().collect();
    cells.sort_by(|a, b| b.1.total_cmp(&a.1));
    cells.iter().take(count).fold(0, |set, (pitch, _)| set | 1 << pitch)
}

/// The largest number, up to `most`, of which it is as probable as the threshold that so many cells sound or more,
/// if each sounds independently of the others. `cells` are probabilities, the greatest first.
fn likely_count(cells: &[f32], most: usize, threshold: f32) -> usize {
    // Probabilities of 0, 1, … sounding cells, the last one of `most` or more.
    let mut counts = vec![0.0_f32; most + 1];
    counts[0] = 1.0;
    for (index, sounds) in cells.iter().enumerate() {
        if *sounds < NEVER {
            break;
        }
        for count in (1..=(index + 1).min(most)).rev() {
            // So many or more remain so many or more.
            let stays = if count == most { 1.0 } else { 1.0 - sounds };
            counts[count] = counts[count] * stays + counts[count - 1] * sounds;
        }
        counts[0] *= 1.0 - sounds;
    }
    let mut so_many = 0.0_f32;
    for (count, probability) in counts.iter().enumerate().rev() {
        so_many += probability;
        if so_many >= threshold {
            return count;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    /// Hyperbolic tangents of these probabilities.
    fn row(probabilities: &[f32]) -> Vec<f32> {
        probabilities.iter().map(|p| 2.0 * p - 1.0).collect()
    }

    /// At most so many pitches, by the step alone.
    const fn at_most(polyphony: usize) -> ChoiceRule {
        ChoiceRule { polyphony, ..ChoiceRule::PLAIN }
    }

    /// What sounds in a single step after silence.
    fn sounding(most: usize, cells: &[f32], threshold: f32) -> u128 {
        at_most(most).sounding(cells, cells.len(), threshold, &mut 0, |_| true)[0]
    }

    #[test]
    fn a_cell_sounds_from_the_threshold_up() {
        // By way of the odds a quarter may be a hair less than itself.
        let cells = row(&[0.5, 0.2501, 0.75, 0.1]);
        assert_eq!(sounding(128, &cells, 0.5), 0b0101);
        assert_eq!(sounding(10, &cells, 0.25), 0b0111);
        // 1 − 0.5 · 0.75 · 0.25 · 0.9 = 0.916: something sounds, most likely the third.
        assert_eq!(sounding(6, &cells, 0.9), 0b0100);
        assert_eq!(sounding(6, &cells, 0.92), 0);
    }

    // Five cells of probability 0.4: at least 2 of them sound with 1 − 0.6⁵ − 5 · 0.4 · 0.6⁴ = 0.663, at least 3 with
    // 10 · 0.4³ · 0.6² + 5 · 0.4⁴ · 0.6 + 0.4⁵ = 0.317, though none reaches a half by itself.
    #[test]
    fn as_many_sound_as_are_likely_to() {
        let cells = row(&[0.0, 0.4, 0.4, 0.4, 0.4, 0.4]);
        assert_eq!(sounding(10, &cells, 0.5), 0b0110);
        assert_eq!(sounding(10, &cells, 0.66), 0b0110);
        assert_eq!(sounding(10, &cells, 0.67), 0b0010);
        assert_eq!(sounding(1, &cells, 0.5), 0b0010);
        // At 0.39 each sounds by itself.
        assert_eq!(sounding(128, &cells, 0.39), 0b11_1110);
    }

    // Of steps of two pitches. The first is held from before and struck with 0.2 / 0.8 in the first step and 0.72 / 0.8 in the second;
    // the second pitch begins in the first step, whatever its onset says, and is struck with 0.4 / 0.9, which the mean
    // of 0.9 and 0.44 lifts over a half.
    #[test]
    fn notes_are_struck_again_together() {
        let tracks = [row(&[0.8, 0.6]), row(&[0.8, 0.9]), row(&[0.8, 0.1])].concat();
        let onsets = [row(&[0.2, 0.1]), row(&[0.72, 0.4]), row(&[0.3, 0.1])].concat();
        let begin = |sets: &[u128], before, is_there: fn(usize) -> bool| {
            ChoiceRule::PLAIN.onsets((&tracks, &onsets), 2, sets, before, is_there)
        };
        assert_eq!(begin(&[0b11, 0b11, 0b01], 0b01, |_| true), [0b10, 0b11, 0b00]);
        // Alone the second pitch would be held.
        assert_eq!(begin(&[0b10, 0b10, 0], 0b10, |_| true), [0b00, 0b00, 0b00]);
        // What is left out neither begins nor ends a note.
        assert_eq!(begin(&[0b01, 0, 0b01], 0, |step| step != 1), [0b01, 0, 0]);
        // More probable to begin than to sound, which networks may say: 1 at most.
        let one = |rule: ChoiceRule, sounds: f32, begins: f32| {
            rule.onsets((&row(&[sounds]), &row(&[begins])), 1, &[1], 1, |_| true)[0] == 1
        };
        assert!(one(ChoiceRule::PLAIN, 0.5, 0.6) && !one(ChoiceRule::PLAIN, 0.0, 0.0));
        // Odds of 2 are odds of 1 that were counted twice.
        let twice = ChoiceRule { restrike: std::f32::consts::LN_2, ..ChoiceRule::PLAIN };
        assert!(one(twice, 0.9, 0.61) && !one(twice, 0.9, 0.59));
        assert!(one(ChoiceRule::PLAIN, 0.9, 0.46) && !one(ChoiceRule::PLAIN, 0.9, 0.44));
    }

    // Against all 2ⁿ outcomes.
    #[test]
    fn likely_counts_are_those_of_all_outcomes() {
        let cells = [0.9_f32, 0.7, 0.45, 0.3, 0.3, 0.12, 0.05];
        let mut exact = [0.0_f32; 8];
        for outcome in 0_u32..1 << cells.len() {
            let each = cells.iter().enumerate();
            let chance: f32 = each.map(|(i, p)| if outcome >> i & 1 == 1 { *p } else { 1.0 - p }).product();
            exact[outcome.count_ones() as usize] += chance;
        }
        for most in [1, 3, 7] {
            for threshold in [0.02, 0.2, 0.5, 0.8, 0.99] {
                let reached = |count: usize| exact[count..].iter().sum::<f32>() >= threshold;
                let expected = (0..=most).rev().find(|count| reached(*count)).unwrap_or(0);
                assert_eq!(likely_count(&cells, most, threshold), expected, "{most} {threshold}");
            }
        }
    }

    // 1 − (1 − 0.3)(1 − 0.4) = 0.58: something is likely to sound, though no pitch is by itself.
    #[test]
    fn a_single_pitch_sounds_if_any_is_likely_to() {
        let cells = row(&[0.3, 0.0, 0.4]);
        assert_eq!(sounding(1, &cells, 0.57), 0b100);
        assert_eq!(sounding(1, &cells, 0.59), 0);
        // Equal ones: the lowest.
        assert_eq!(sounding(1, &row(&[0.0, 0.9, 0.9]), 0.5), 0b010);
    }

    #[test]
    fn hands_take_the_most_probable() {
        let cells = row(&[0.6, 0.9, 0.6, 0.9, 0.9, 0.9, 0.6, 0.9, 0.2]);
        // Five at 0.9, and the lowest of those at 0.6.
        assert_eq!(sounding(6, &cells, 0.5), 0b1011_1011);
        assert_eq!(sounding(10, &cells, 0.5), 0b1111_1111);
    }

    /// The sets of a whole half bar.
    fn sets(rule: ChoiceRule, steps: &[&[f32]], mut before: u128) -> Vec<u128> {
        let cells: Vec<f32> = steps.iter().flat_map(|step| row(step)).collect();
        rule.sounding(&cells, steps[0].len(), 0.5, &mut before, |_| true)
    }

    #[test]
    fn what_sounds_is_calibrated() {
        // Odds of 2 : 1, once as probable as they say and once half so: 1 : 1, which reaches a half no more by a hair.
        let cells: &[&[f32]] = &[&[2.0 / 3.0, 0.0]];
        assert_eq!(sets(ChoiceRule::PLAIN, cells, 0), [1]);
        let half = ChoiceRule { calibration: 0.694, ..ChoiceRule::PLAIN };
        assert_eq!(sets(half, cells, 0), [0]);
    }

    #[test]
    fn every_genre_has_rules_that_are_accepted() {
        for genre in Genre::ALL {
            for role in TrackRole::ALL {
                let rule = ChoiceRule::of(genre, role);
                assert!(rule.check().is_ok(), "{genre} {role}");
                let base = ChoiceRule::of_role(role);
                assert_eq!(
                    ChoiceRule { calibration: base.calibration, polyphony: base.polyphony, ..rule },
                    base
                );
                assert!((1..=2 * base.polyphony).contains(&rule.polyphony));
            }
        }
        let field = |rule: ChoiceRule| match rule.check() {
            Err(GanError::OutOfRange { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(ChoiceRule { calibration: f32::NAN, ..ChoiceRule::PLAIN }), "calibration");
        assert_eq!(field(ChoiceRule { agreement: -0.1, ..ChoiceRule::PLAIN }), "agreement");
        assert_eq!(field(ChoiceRule { persistence: f32::INFINITY, ..ChoiceRule::PLAIN }), "persistence");
        assert_eq!(field(ChoiceRule { slack: 0.6, ..ChoiceRule::PLAIN }), "slack");
        assert_eq!(field(ChoiceRule { restrike: 10.5, ..ChoiceRule::PLAIN }), "restrike");
        assert_eq!((field(at_most(0)), field(at_most(129))), ("polyphony", "polyphony"));
    }

    #[test]
    fn a_half_bar_agrees() {
        // Logarithms of the odds of the first pitch: 0.41, -0.41, 0.41; of the second: 0.2, 0.85, 0.2. The means are 0.14 and
        // 0.42.
        let steps: &[&[f32]] = &[&[0.6, 0.55], &[0.4, 0.7], &[0.6, 0.55]];
        assert_eq!(sets(at_most(1), steps, 0), [0b01, 0b10, 0b01]);
        // From 0.41 + 0.14 w = 0.2 + 0.42 w on, w = 0.75, the second is preferred throughout.
        for (agreement, expected) in [(0.7, [0b01, 0b10, 0b01]), (0.8, [0b10, 0b10, 0b10])] {
            let rule = ChoiceRule { agreement, ..at_most(1) };
            assert_eq!(sets(rule, steps, 0), expected, "{agreement}");
        }
        // The next half bar is another.
        let long: Vec<&[f32]> = [vec![&[0.9_f32, 0.6][..]; 8], vec![&[0.6, 0.7]; 2]].concat();
        let rule = ChoiceRule { agreement: 100.0, ..at_most(1) };
        let found = sets(rule, &long, 0);
        assert_eq!((found[7], found[8]), (0b01, 0b10));
    }

    #[test]
    fn what_sounds_stays() {
        // The odds of the second are higher by 0.44, in its logarithm.
        let steps: &[&[f32]] = &[&[0.6, 0.7]];
        for (persistence, expected) in [(0.43, 0b10), (0.45, 0b01)] {
            let rule = ChoiceRule { persistence, ..at_most(1) };
            assert_eq!(sets(rule, steps, 0b01), [expected], "{persistence}");
            assert_eq!(sets(rule, steps, 0), [0b10]);
        }
    }

    #[test]
    fn as_many_as_before_sound_where_they_could() {
        let steps: &[&[f32]] = &[&[0.45, 0.45, 0.0]];
        // One or more sound with 0.6975, both with 0.2025; but from a threshold of 0.45 down, each by itself.
        for (slack, before, expected) in
            [(0.0, 0b11, 1), (0.04, 0b11, 1), (0.06, 0b11, 2), (0.06, 0b111, 1), (0.06, 0, 1)]
        {
            let rule = ChoiceRule { slack, ..ChoiceRule::PLAIN };
            let set = sets(rule, steps, before)[0];
            assert_eq!(set.count_ones(), expected, "{slack} {before:b}");
        }
    }

    #[test]
    fn steps_beyond_a_bar_are_silent_and_passed_over() {
        // The second step is not there: the half bar's mean is without it, and the first pitch stays.
        let cells = [row(&[0.9, 0.5]), row(&[0.01, 0.99]), row(&[0.6, 0.61])].concat();
        let rule = ChoiceRule { agreement: 1.0, persistence: 0.1, ..at_most(1) };
        let mut before = 0;
        let sets = rule.sounding(&cells, 2, 0.5, &mut before, |step| step != 1);
        assert_eq!((sets, before), (vec![1, 0, 1], 1));
    }
}
