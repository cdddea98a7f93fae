//! [`Tune`]: a melody by half bars, and what of it a chord is chosen by.

use deepcompose_core::Chord;

use super::genre::Genre;
use super::grid::BAR_STEPS;

/// Steps of a half bar, in which there is one chord.
pub(super) const HALF_BAR: usize = BAR_STEPS / 2;

/// Half bars of the melody, before and after its own, that a chord is chosen by.
const NEAR: std::ops::RangeInclusive<isize> = -2..=3;
/// Half bars before its own whose chords a chord is chosen by.
const BEFORE: [usize; 4] = [1, 2, 4, 8];
/// Half bars on either side that tell the key.
const KEY: usize = 16;
/// Bars after which a phrase's place begins again.
const PHRASE: usize = 4;

/// Numbers of one half bar and root; see [`Tune::features`].
pub(super) const FEATURES: usize = 12 * (*NEAR.end() - *NEAR.start() + 3) as usize
    + Chord::COUNT * BEFORE.len()
    + 2
    + PHRASE
    + 2
    + Genre::ALL.len();

/// What sounds of a melody in every half bar: for how many of its steps each pitch class does, and which do in the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tune {
    halves: Vec<Half>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Half {
    steps: [u8; 12],
    first: u16,
}

/// The pitch classes of a set of keys, one bit each.
const fn classes(mut keys: u128) -> u16 {
    let mut classes = 0;
    while keys != 0 {
        classes |= 1 << (keys.trailing_zeros() % 12);
        keys &= keys - 1;
    }
    classes
}

impl Tune {
    /// From the keys that sound in each step of bars of 16 steps.
    pub(super) fn new(steps: impl IntoIterator<Item = u128>) -> Self {
        let mut halves = Vec::new();
        for (index, keys) in steps.into_iter().enumerate() {
            let classes = classes(keys);
            if index % HALF_BAR == 0 {
                halves.push(Half { first: classes, ..Half::default() });
            }
            if let Some(half) = halves.last_mut() {
                let steps = half.steps.iter_mut().enumerate();
                steps.for_each(|(class, steps)| *steps += u8::from(classes >> class & 1 == 1));
            }
        }
        Self { halves }
    }

    /// Half bars.
    pub(super) const fn len(&self) -> usize {
        self.halves.len()
    }

    /// What the chord of half bar `at` on each of the twelve roots is chosen by, `[12, FEATURES]`; pitch classes
    /// and chords are counted from the root, so that what is learnt of one root holds for all. `before` gives the
    /// chords of half bars before it, where there are any.
    ///
    /// Of the melody: how much each pitch class sounds in the half bars near, in the first step of this one, and
    /// in all that are within eight bars; then the chords one, two, four and eight half bars before; which half of
    /// the bar it is, which bar of four, whether the melody sounds before, whether it does after; and the genre.
    pub(super) fn features(
        &self,
        at: usize,
        before: impl Fn(usize) -> Option<Chord>,
        genre: Genre,
        to: &mut Vec<f32>,
    ) {
        let half = |at: Option<usize>| at.and_then(|at| self.halves.get(at)).copied().unwrap_or_default();
        let near: Vec<Half> = NEAR.map(|by| half(at.checked_add_signed(by))).collect();
        let first = half(Some(at)).first;
        let around = &self.halves[at.saturating_sub(KEY).min(self.len())..(at + KEY + 1).min(self.len())];
        let sum = |halves: &[Half]| -> [f32; 12] {
            std::array::from_fn(|class| halves.iter().map(|half| f32::from(half.steps[class])).sum())
        };
        let key = sum(around);
        let whole = key.iter().sum::<f32>().max(1.0);
        let sounds = |halves: &[Half]| f32::from(u8::from(sum(halves).iter().any(|steps| *steps > 0.0)));
        let chords = BEFORE.map(|back| at.checked_sub(back).and_then(&before));
        let place = [sounds(&near[..2]), sounds(&near[3..])];
        for root in 0..12 {
            let class = |above: usize| (root + above) % 12;
            for half in &near {
                to.extend((0..12).map(|above| f32::from(half.steps[class(above)]) / HALF_BAR as f32));
            }
            to.extend((0..12).map(|above| f32::from(first >> class(above) & 1)));
            to.extend((0..12).map(|above| 4.0 * key[class(above)] / whole));
            for chord in chords {
                let chord = chord.map(|chord| chord.transposed(-(root as i32)).index());
                to.extend((0..Chord::COUNT).map(|index| f32::from(u8::from(chord == Some(index)))));
            }
            to.extend((0..2).map(|half| f32::from(u8::from(at % 2 == half))));
            to.extend((0..PHRASE).map(|bar| f32::from(u8::from(at / 2 % PHRASE == bar))));
            to.extend(place);
            to.extend(Genre::ALL.map(|other| f32::from(u8::from(other == genre))));
        }
    }
}

/// The triad that a band sounds in a half bar, of which the bass counts twice; `None` for silence.
#[cfg(any(test, feature = "train"))]
pub(super) fn heard(steps: impl IntoIterator<Item = [u128; 3]>) -> Option<Chord> {
    let mut chroma = [0.0; 12];
    for [bass, guitar, keys] in steps {
        for mut set in [bass, bass, guitar, keys] {
            while set != 0 {
                chroma[set.trailing_zeros() as usize % 12] += 1.0 / HALF_BAR as f64;
                set &= set - 1;
            }
        }
    }
    Chord::of_chroma(&chroma)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    /// Features by root.
    fn features(tune: &Tune, at: usize, before: &[Chord]) -> Vec<Vec<f32>> {
        let mut all = Vec::new();
        tune.features(at, |at| before.get(at).copied(), Genre::Jazz, &mut all);
        assert_eq!(all.len(), 12 * FEATURES);
        all.chunks(FEATURES).map(<[f32]>::to_vec).collect()
    }

    /// Two bars: C4 held through the first half bar, E4 from the second step of the next on, silence, and B5 and
    /// D6 together.
    fn tune(up: usize) -> Tune {
        let at = |step: usize| -> u128 {
            match step {
                0..=7 => 1 << 60,
                9..=15 => 1 << 64,
                24..=31 => 1 << 83 | 1 << 86,
                _ => 0,
            }
        };
        Tune::new((0..32).map(|step| at(step) << up))
    }

    #[test]
    fn a_melody_is_heard_from_every_root() {
        let before = ["C", "Am"].map(|name| name.parse().unwrap());
        let of = features(&tune(0), 2, &before);
        // From C: the half bars two before to three after, then the first step of this one, which is silent.
        let part = |root: usize, index: usize| &of[root][12 * index..][..12];
        let only = |places: &[(usize, f32)]| {
            let mut row = [0.0; 12];
            places.iter().for_each(|(place, value)| row[*place] = *value);
            row.to_vec()
        };
        assert_eq!(part(0, 0), only(&[(0, 1.0)]));
        assert_eq!(part(0, 1), only(&[(4, 0.875)]));
        assert_eq!(part(0, 2), only(&[]));
        assert_eq!(part(0, 3), only(&[(11, 1.0), (2, 1.0)]));
        assert_eq!(part(0, 6), only(&[]));
        // All of it: 8 steps of C, 7 of E, 8 of B and of D, of 31.
        let share = |steps: f32| 4.0 * steps / 31.0;
        assert_eq!(part(0, 7), only(&[(0, share(8.0)), (4, share(7.0)), (11, share(8.0)), (2, share(8.0))]));
        // From D, C is ten up, E two.
        assert_eq!(part(2, 0), only(&[(10, 1.0)]));
        assert_eq!(part(2, 1), only(&[(2, 0.875)]));
        // The chord before, from C: A minor, number 19; two before: C, number 0. Those four and eight before are not there.
        let chords = |root: usize| {
            let row = &of[root][96..192];
            row.iter().enumerate().filter(|(_, x)| **x == 1.0).map(|(i, _)| i).collect::<Vec<_>>()
        };
        assert_eq!(chords(0), [19, 24]);
        // From A they are 0, minor, and 3.
        assert_eq!(chords(9), [1, 24 + 6]);
        // The first half, the second bar; the melody sounds before and after; jazz.
        let rest = |root: usize| of[root][192..].to_vec();
        assert_eq!(rest(0), [1., 0., 0., 1., 0., 0., 1., 1., 0., 0., 1., 0., 0., 0., 0.]);
        assert_eq!(rest(0), rest(7));
    }

    #[test]
    fn transposed_tunes_are_the_same_from_a_transposed_root() {
        let before: Vec<Chord> = ["C", "F", "G"].map(|name| name.parse().unwrap()).to_vec();
        let base = features(&tune(0), 3, &before);
        for up in 1..12 {
            let moved: Vec<Chord> = before.iter().map(|chord| chord.transposed(up as i32)).collect();
            let other = features(&tune(up), 3, &moved);
            for root in 0..12 {
                assert_eq!(other[(root + up) % 12], base[root]);
            }
        }
    }

    #[test]
    fn half_bars_beyond_the_ends_are_silent() {
        let long = features(&Tune::default(), 3, &[]);
        assert!(long.iter().flatten().filter(|x| **x != 0.0).count() == 3 * 12);
        features(&tune(0), usize::MAX / 2, &[]);
    }

    #[test]
    fn bands_sound_triads() {
        let band =
            |bass: u128, guitar: u128, keys: u128| heard([[bass, guitar, keys]; 8]).map(|c| c.to_string());
        assert_eq!(band(0, 0, 0), None);
        assert_eq!(band(1 << 36, 1 << 64 | 1 << 67, 0).as_deref(), Some("C"));
        // C, E, G and A: by the bass.
        let keys = 1 << 60 | 1 << 64 | 1 << 67 | 1 << 69;
        assert_eq!(band(1 << 45, 0, keys).as_deref(), Some("Am"));
        assert_eq!(band(1 << 48, 0, keys).as_deref(), Some("C"));
    }
}
