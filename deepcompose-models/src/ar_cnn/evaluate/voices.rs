//! A merged roll as four voices.

use deepcompose_core::{Pitch, Voices};
use ndarray::ArrayView2;

/// Typical pitches of alto, tenor and bass: where they are taken to come from at first.
const TYPICAL: [i64; 3] = [65, 58, 49];

/// What a pitch costs that no voice sings: more than any movement of three voices.
const LEFT_OUT: i64 = 1000;

/// Gives the sounding cells of a completed roll to four voices. Soprano sings the highest pitch of `melody` at a step,
/// and the other three what else sounds in `roll` there, both `[steps, 128]`; steps that `melody` has not are rests
/// of the soprano.
///
/// Alto, tenor and bass never cross each other. Of the ways to share out the pitches the one is taken that leaves out
/// the fewest, and of these the one that moves the voices least from where they last sang. With fewer pitches than
/// voices some sing in unison (a merged roll does not tell unisons); with none all three rest.
///
/// ```
/// use deepcompose_core::{Pitch, Voices};
/// use deepcompose_models::ar_cnn::four_voices;
/// use ndarray::Array2;
///
/// let mut melody = Array2::from_elem((1, 128), false);
/// melody[[0, 72]] = true;
/// let mut roll = melody.clone();
/// for pitch in [48, 55, 64] {
///     roll[[0, pitch]] = true;
/// }
/// let voices = four_voices(melody.view(), roll.view());
/// assert_eq!(voices[0].map(|pitch| pitch.map(Pitch::get)), [Some(72), Some(64), Some(55), Some(48)]);
/// ```
#[must_use]
pub fn four_voices(melody: ArrayView2<'_, bool>, roll: ArrayView2<'_, bool>) -> Vec<Voices> {
    let mut last = TYPICAL;
    let step = |(step, row): (usize, ndarray::ArrayView1<'_, bool>)| {
        let is_melody = |pitch: usize| melody.get((step, pitch)).copied().unwrap_or(false);
        let soprano = (0..row.len()).rev().find(|pitch| is_melody(*pitch)).map(|pitch| pitch as i64);
        // Downwards, without the melody.
        let lower: Vec<i64> =
            (0..row.len()).rev().filter(|p| row[*p] && !is_melody(*p)).map(|p| p as i64).collect();
        let sung = share_out(&lower, last);
        last = sung.unwrap_or(last);
        let [alto, tenor, bass] = match sung {
            Some(sung) => sung.map(|pitch| Some(Pitch::saturating(pitch))),
            None => [None; 3],
        };
        [soprano.map(Pitch::saturating), alto, tenor, bass]
    };
    roll.rows().into_iter().enumerate().map(step).collect()
}

/// The pitches, given downwards, as alto, tenor and bass, which last sang `last`.
fn share_out(pitches: &[i64], last: [i64; 3]) -> Option<[i64; 3]> {
    let mut best: Option<(i64, [i64; 3])> = None;
    for (a, alto) in pitches.iter().enumerate() {
        for (t, tenor) in pitches.iter().enumerate().skip(a) {
            for (b, bass) in pitches.iter().enumerate().skip(t) {
                let sung = [*alto, *tenor, *bass];
                let different = 1 + usize::from(t > a) + usize::from(b > t);
                let left_out = (pitches.len() - different) as i64;
                let movement: i64 = sung.iter().zip(last).map(|(now, last)| (now - last).abs()).sum();
                let cost = LEFT_OUT * left_out + movement;
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, sung));
                }
            }
        }
    }
    best.map(|(_, sung)| sung)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use ndarray::Array2;

    use super::*;

    fn voices(steps: &[(Option<usize>, &[usize])]) -> Vec<[i64; 4]> {
        let mut melody = Array2::from_elem((steps.len(), 128), false);
        let mut roll = melody.clone();
        for (step, (soprano, lower)) in steps.iter().enumerate() {
            soprano.iter().for_each(|p| (melody[[step, *p]], roll[[step, *p]]) = (true, true));
            lower.iter().for_each(|p| roll[[step, *p]] = true);
        }
        let pitch = |p: Option<Pitch>| p.map_or(-1, |p| i64::from(p.get()));
        four_voices(melody.view(), roll.view()).into_iter().map(|voices| voices.map(pitch)).collect()
    }

    #[test]
    fn three_pitches_are_three_voices_whatever_came_before() {
        let steps: &[(Option<usize>, &[usize])] = &[(Some(72), &[48, 55, 64]), (Some(60), &[40, 41, 42])];
        assert_eq!(voices(steps), [[72, 64, 55, 48], [60, 42, 41, 40]]);
        // Alto may be above the soprano.
        assert_eq!(voices(&[(Some(60), &[62, 55, 48])]), [[60, 62, 55, 48]]);
    }

    #[test]
    fn voices_move_least_where_pitches_are_missing_or_too_many() {
        // Tenor at 60 and bass at 48 stay or move little: of 59 and 47 the tenor cannot have sung 47, so either
        // alto and tenor are in unison (5 + 1 + 1) or tenor and bass (5 + 13 + 1).
        let steps: &[(Option<usize>, &[usize])] =
            &[(Some(72), &[48, 60, 64]), (Some(72), &[47, 59]), (None, &[]), (Some(71), &[50])];
        assert_eq!(voices(steps), [[72, 64, 60, 48], [72, 59, 59, 47], [-1, -1, -1, -1], [71, 50, 50, 50]]);
        // Four pitches: one is left out, the one that saves most movement.
        let steps: &[(Option<usize>, &[usize])] =
            &[(Some(72), &[48, 60, 64]), (Some(72), &[48, 55, 60, 64]), (Some(72), &[48, 54, 55, 64])];
        assert_eq!(voices(steps), [[72, 64, 60, 48], [72, 64, 60, 48], [72, 64, 55, 48]]);
    }
}
