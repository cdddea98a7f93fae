//! Whether the band listens: to the melody, to itself over bar lines, and to its latent.

use deepcompose::core::metrics::{Sample, Segment, chord_tone_rate, chroma_correlation, two_sample_accuracy};
use deepcompose::core::{Note, Score};
use deepcompose::models::gan::TrackRole;
use serde::Serialize;

use super::bands::{BAR, Band, GROUP, Pair, Piece};

/// Agreement of bands with melodies, 0 to 1 or −1 to 1.
#[derive(Debug, Serialize)]
pub(crate) struct Agreement {
    /// With the melody that is theirs.
    pub(crate) own: f64,
    /// With the melodies of other pieces of the genre.
    pub(crate) shuffled: f64,
    /// With their own melody two bars late.
    pub(crate) late: f64,
}

/// Agreement of played and of generated bands, and of both differences the share.
#[derive(Debug, Serialize)]
pub(crate) struct Listening {
    pub(crate) measure: &'static str,
    pub(crate) played: Agreement,
    pub(crate) generated: Agreement,
    /// (own − shuffled) of the generated over that of the played. 1: as much as a real band.
    pub(crate) share: Option<f64>,
    /// The same with the piece's own melody two bars late: what hangs on the chords and not on the key.
    pub(crate) share_late: Option<f64>,
}

type Measure = fn(&Score, &[Note], &[Note], Segment) -> Option<f64>;

/// Other melodies that a band is compared with, at most.
const OTHERS: usize = 4;

/// Of pieces of one genre, or of several genres: others are of the same genre.
pub(crate) fn listening(pairs: &[&Pair]) -> Vec<Listening> {
    let measures: [(&'static str, Measure); 2] =
        [("chord tones", chord_tone_rate), ("chroma correlation", chroma_correlation)];
    let of = |(name, measure): (&'static str, Measure)| {
        let [played, generated] = [|p: &Pair| p.piece.played.harmony(), |p: &Pair| p.generated.harmony()]
            .map(|harmony| agreement(pairs, harmony, measure));
        let share = |from: fn(&Agreement) -> f64| {
            let difference = |a: &Agreement| a.own - from(a);
            (difference(&played).abs() > 1e-6).then(|| difference(&generated) / difference(&played))
        };
        let (share, share_late) = (share(|a| a.shuffled), share(|a| a.late));
        Listening { measure: name, played, generated, share, share_late }
    };
    measures.map(of).into()
}

fn agreement(pairs: &[&Pair], harmony: fn(&Pair) -> Vec<Note>, measure: Measure) -> Agreement {
    let (mut own, mut shuffled, mut late) = (Mean::default(), Mean::default(), Mean::default());
    for (index, pair) in pairs.iter().enumerate() {
        let band = harmony(pair);
        own.add(measure(&pair.piece.score, &pair.piece.melody, &band, Segment::Beat));
        let following = pairs.iter().cycle().skip(index + 1).take(pairs.len() - 1);
        for other in following.filter(|other| other.piece.genre == pair.piece.genre).take(OTHERS) {
            shuffled.add(measure(&pair.piece.score, &other.piece.melody, &band, Segment::Beat));
        }
        let two_bars = deepcompose::core::Tick::saturating(2 * BAR as i64 * 120);
        let delayed: Vec<Note> = pair
            .piece
            .melody
            .iter()
            .map(|n| Note { start: n.start.saturating_add(two_bars), ..*n })
            .collect();
        late.add(measure(&pair.piece.score, &delayed, &band, Segment::Beat));
    }
    Agreement { own: own.value(), shuffled: shuffled.value(), late: late.value() }
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    fn value(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

/// What happens at bar lines: between groups of bars that are generated together, and within them.
#[derive(Debug, Serialize)]
pub(crate) struct Joins {
    pub(crate) role: TrackRole,
    /// Share of the lines at which the track sounds in only one of the two bars.
    pub(crate) break_rate: f64,
    /// Mean distance in semitones between the last bass note before the line and the first after it.
    pub(crate) leap: Option<f64>,
}

/// Joins of drums and bass at the lines for which `between` holds: of the lines between groups, or of those within.
pub(crate) fn joins(pairs: &[&Pair], band: fn(&Pair) -> &Band, between: bool) -> Vec<Joins> {
    [TrackRole::Drums, TrackRole::Bass]
        .into_iter()
        .map(|role| {
            let (mut breaks, mut leap) = (Mean::default(), Mean::default());
            for pair in pairs.iter().filter(|pair| pair.piece.roles.contains(role)) {
                let roll = &band(pair).rolls[role.index()];
                let sounding = |step: usize| (0..128).find(|pitch| roll[[step, *pitch]]);
                for line in (1..roll.nrows() / BAR).filter(|line| line.is_multiple_of(GROUP) == between) {
                    let before = ((line - 1) * BAR..line * BAR).rev().find_map(sounding);
                    let after = (line * BAR..(line + 1) * BAR).find_map(sounding);
                    if before.is_some() || after.is_some() {
                        breaks.add(Some(f64::from(u8::from(before.is_none() || after.is_none()))));
                    }
                    if let (TrackRole::Bass, Some(a), Some(b)) = (role, before, after) {
                        leap.add(Some(a.abs_diff(b) as f64));
                    }
                }
            }
            let leap = (leap.count > 0).then(|| leap.value());
            Joins { role, break_rate: breaks.value(), leap }
        })
        .collect()
}

/// Of the bars in which two bands for the same melodies play anything, the share that are the same in all tracks.
pub(crate) fn same_bars(one: &[&Band], other: &[&Band]) -> f64 {
    let mut same = Mean::default();
    for (a, b) in one.iter().zip(other) {
        let bars = a.rolls[0].nrows() / BAR;
        for bar in 0..bars {
            let cut = |band: &Band| {
                let rows = bar * BAR..(bar + 1) * BAR;
                let cells = |role: TrackRole| -> Vec<bool> {
                    rows.clone().flat_map(|step| band.rolls[role.index()].row(step).to_vec()).collect()
                };
                TrackRole::ALL.map(cells)
            };
            let (x, y) = (cut(a), cut(b));
            if x.iter().chain(&y).any(|track| track.iter().any(|cell| *cell)) {
                same.add(Some(f64::from(u8::from(x == y))));
            }
        }
    }
    same.value()
}

/// How well played and generated windows of two bars are told apart by what is measured of them.
pub(crate) fn two_sample(pairs: &[&Pair]) -> Option<f64> {
    two_sample_accuracy(
        &samples(pairs.iter().map(|pair| &pair.piece.played)),
        &samples(pairs.iter().map(|pair| &pair.generated)),
        FOLDS,
    )
}

/// How well the windows of two bars of these bands and of those of training pieces are told apart.
pub(crate) fn two_sample_played(pairs: &[&Pair], training: &[&Piece]) -> Option<f64> {
    two_sample_accuracy(
        &samples(pairs.iter().map(|pair| &pair.piece.played)),
        &samples(training.iter().map(|piece| &piece.played)),
        FOLDS,
    )
}

/// Parts of the pieces, each of which is judged by what the others teach.
const FOLDS: usize = 5;

fn samples<'a>(bands: impl Iterator<Item = &'a Band>) -> Vec<Sample> {
    let of = |(group, band): (usize, &'a Band)| {
        let windows = band.rolls[0].nrows() / (GROUP * BAR);
        (0..windows).map(move |window| Sample { group, features: features(band, window) })
    };
    bands.enumerate().flat_map(of).collect()
}

/// Numbers that describe two bars of a band: eight a track.
fn features(band: &Band, window: usize) -> Vec<f64> {
    let steps = GROUP * BAR;
    let first = window * steps;
    let mut out = Vec::new();
    for role in TrackRole::ALL {
        let (roll, onset) = (&band.rolls[role.index()], &band.onsets[role.index()]);
        let mut used = 0_u128;
        let mut classes = 0_u16;
        let (mut cells, mut onsets, mut on_beats, mut on_eighths, mut full, mut sum) = (0, 0, 0, 0, 0, 0);
        for step in first..first + steps {
            let mut sounding = 0;
            for pitch in (0..128).filter(|pitch| roll[[step, *pitch]]) {
                used |= 1 << pitch;
                classes |= 1 << (pitch % 12);
                sum += pitch;
                sounding += 1;
                let begins = onset[[step, pitch]] || step == 0 || !roll[[step - 1, pitch]];
                onsets += usize::from(begins);
                on_beats += usize::from(begins && step.is_multiple_of(4));
                on_eighths += usize::from(begins && step.is_multiple_of(2));
            }
            cells += sounding;
            full += usize::from(sounding >= 2);
        }
        let share = |part: usize| part as f64 / onsets.max(1) as f64;
        out.extend([
            f64::from(used.count_ones()),
            f64::from(classes.count_ones()),
            onsets as f64,
            cells as f64 / onsets.max(1) as f64,
            share(on_beats),
            share(on_eighths),
            full as f64 / steps as f64,
            if cells > 0 { sum as f64 / cells as f64 } else { f64::NAN },
        ]);
    }
    out
}
