//! Measures of what sounds together.

use crate::score::{Note, Score};
use crate::units::Tick;

/// How many places [`voice_spacing`] has: distances of 0 to 23 semitones, and of two octaves or more.
pub const SPACINGS: usize = 25;

/// How many places [`voice_count`] has: 0 to 7 pitches, and eight or more.
pub const VOICES: usize = 9;

/// The share of dissonances among the pairs of pitches that sound together on the beats, over all beats of the
/// score's metre up to the last note's end. A pitch that began earlier and is held sounds; of a pitch that sounds
/// twice one counts. `None` if no two pitches sound together on a beat.
///
/// A pair is dissonant, octaves left out, if its interval is a second or a seventh (interval classes 1 and 2), a
/// tritone (interval class 6), or a fourth whose lower pitch is the lowest that sounds. These are the dissonances of
/// strict counterpoint, which are prepared and resolved or kept off the beat; a dominant seventh has two among six
/// pairs, and three with its fifth in the bass. The rule hears pitches, not their spelling: an augmented second is a minor third to it.
#[must_use]
pub fn dissonance_rate(score: &Score, notes: &[Note]) -> Option<f64> {
    let spans = spans(notes);
    let end = spans.last()?.end;
    let mut coming = spans.iter().peekable();
    let (mut dissonant, mut pairs) = (0, 0);
    for beat in score.beats().take_while(|beat| beat.start < end) {
        while coming.next_if(|span| span.end <= beat.start).is_some() {}
        let Some(span) = coming.peek().filter(|span| span.start <= beat.start) else { continue };
        let bass = span.pitches.trailing_zeros();
        for low in pitches(span.pitches) {
            for high in pitches(span.pitches).filter(|high| *high > low) {
                pairs += 1;
                dissonant += u64::from(match (high - low) % 12 {
                    1 | 2 | 6 | 10 | 11 => true,
                    5 => low == bass,
                    _ => false,
                });
            }
        }
    }
    super::ratio(dissonant, pairs)
}

/// The distances between pitches that are neighbours in what sounds together, in semitones, as shares of time: place
/// `n` holds distances of `n` semitones, the last one all of [`SPACINGS`] − 1 or more. Each neighbouring pair weighs
/// by the time it sounds. The shares sum to 1. `None` if no two pitches ever sound together.
///
/// In four voices soprano, alto and tenor keep within an octave of their neighbours; wide gaps in the middle and
/// clusters are both signs of a texture without voices.
#[must_use]
pub fn voice_spacing(notes: &[Note]) -> Option<[f64; SPACINGS]> {
    let mut time = [0_u64; SPACINGS];
    for span in spans(notes) {
        let neighbours = pitches(span.pitches).zip(pitches(span.pitches).skip(1));
        for (low, high) in neighbours {
            time[((high - low) as usize).min(SPACINGS - 1)] += span.ticks();
        }
    }
    super::shares(time)
}

/// How many different pitches sound at once, as shares of the time from the first onset to the last end: place `n`
/// holds `n` pitches, the last one [`VOICES`] − 1 or more. The shares sum to 1. `None` without notes that last.
#[must_use]
pub fn voice_count(notes: &[Note]) -> Option<[f64; VOICES]> {
    let mut time = [0_u64; VOICES];
    for span in spans(notes) {
        time[(span.pitches.count_ones() as usize).min(VOICES - 1)] += span.ticks();
    }
    super::shares(time)
}

/// A span of time in which the same pitches sound.
struct Span {
    start: Tick,
    end: Tick,
    /// Bit `p` for MIDI pitch `p`.
    pitches: u128,
}

impl Span {
    fn ticks(&self) -> u64 {
        self.end.saturating_sub(self.start).get().into()
    }
}

/// The spans from the first onset to the last end, in order and without gaps; silence between notes is one too.
fn spans(notes: &[Note]) -> Vec<Span> {
    let ends = |n: &Note| [(n.start, 1), (n.end(), -1)].map(|(t, by)| (t, by, n.pitch.get()));
    let mut edges: Vec<(Tick, i32, u8)> = notes.iter().flat_map(ends).collect();
    edges.sort_unstable();
    let mut counts = [0; 128];
    let mut pitches = 0_u128;
    let mut spans = Vec::new();
    let mut before = edges.first().map_or(Tick::ZERO, |edge| edge.0);
    for (tick, by, pitch) in edges {
        if tick > before {
            spans.push(Span { start: before, end: tick, pitches });
            before = tick;
        }
        let count: &mut i32 = &mut counts[usize::from(pitch)];
        *count += by;
        let bit = 1 << pitch;
        pitches = if *count > 0 { pitches | bit } else { pitches & !bit };
    }
    spans
}

/// The pitches of a set, upwards.
fn pitches(mut set: u128) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros())?;
        set &= set - 1;
        Some(lowest)
    })
}
