//! [`harmonise`]: the melodies of held-out pieces are given parts below them.

use deepcompose_core::metrics::{
    self, NOTE_LENGTHS, SPACINGS, VOICES, best_key, dissonance_rate, histogram_mean, histogram_overlap,
    in_scale_rate, note_length_histogram, voice_count, voice_spacing,
};
use deepcompose_core::{KeySignature, Note, PianoRoll, Pitch, Score, StepsPerBeat, Track, Velocity};
use deepcompose_samplers::{EditModel, EditParams, EditUnit, MaxAdd};
use ndarray::Array2;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::sample;
use deepcompose_core::Voices;

use super::voices::four_voices;
use crate::error::ModelError;
use crate::training::{TrainError, step_rng};

/// What a neutral model makes of a piece in four voices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// The piece's negative log-likelihood, nats.
    pub nats: f64,
    /// How many notes that is for.
    pub notes: usize,
}

/// A neutral judge: another model, which tells how likely it finds a piece. It is given the voices of every sixteenth
/// (see [`four_voices`]).
pub type Judge<'a> = dyn Fn(&[Voices]) -> Result<Judgement, ModelError> + 'a;

/// Measures of what is below the melodies of some pieces, and of how it goes with them. Shares and rates are means over
/// the pieces; an overlap is that of the histograms over all pieces with those of the real pieces
/// ([`histogram_overlap`]).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChoraleMeasures {
    /// Cells below the melodies.
    pub cells: usize,
    /// Notes (runs of cells) below the melodies.
    pub notes: usize,
    /// Share of these notes in the scale of the real piece's best key.
    pub in_scale_rate: f64,
    /// [`dissonance_rate`] of all parts.
    pub dissonance_rate: f64,
    /// Mean distance between neighbouring pitches, semitones ([`voice_spacing`]).
    pub spacing: f64,
    /// Overlap of [`voice_spacing`].
    pub spacing_overlap: f64,
    /// Mean number of pitches at once, the melody's included ([`voice_count`]).
    pub voices: f64,
    /// Overlap of [`voice_count`].
    pub voices_overlap: f64,
    /// Mean length of these notes, sixteenths ([`note_length_histogram`]).
    pub note_length: f64,
    /// Overlap of [`note_length_histogram`].
    pub note_length_overlap: f64,
    /// Share of these notes that are one sixteenth long.
    pub sixteenths: f64,
    /// The judge's nats a note, over all pieces together.
    pub nats_per_note: Option<f64>,
}

/// Harmonised melodies beside the real pieces and beside chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Harmonisation {
    /// How many pieces.
    pub pieces: usize,
    /// What the sampler made of the melodies.
    pub generated: ChoraleMeasures,
    /// The pieces themselves.
    pub real: ChoraleMeasures,
    /// The melodies over random notes: the rhythm of the real lower parts, each note at a pitch drawn evenly from
    /// those of the scale within its part's range.
    pub random: ChoraleMeasures,
}

/// How melodies are harmonised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HarmonisationOptions {
    /// Iterations, as a multiple of those that adding all cells takes if windows need about the same number and
    /// nothing is taken back: for single cells one a cell, for runs half of that. 1..=100; 1 by default. What is left
    /// of them when all cells are added takes back what the model finds wrong by then, and adds other cells. There
    /// are up to half a multiple more for the cells that are missing in the end.
    pub passes: f64,
    /// The seed of what is drawn; 1 by default.
    pub seed: u64,
}

impl Default for HarmonisationOptions {
    fn default() -> Self {
        Self { passes: 1.0, seed: 1 }
    }
}

impl HarmonisationOptions {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`].
    pub fn validate(&self) -> Result<(), ModelError> {
        match (1.0..=100.0).contains(&self.passes) {
            true => Ok(()),
            false => Err(ModelError::range("passes", self.passes, "1..=100")),
        }
    }
}

/// Gives the sampler nothing of each piece but its first pitched track, the melody, and lets it add as many cells as
/// the real lower parts have, a removal limit of 0 keeping the melody as it is.
///
/// Creative risk, annealing and unit are those of `params`. The edit ends when the cells are added, but not before
/// the iterations that [`HarmonisationOptions::passes`] gives it.
///
/// # Errors
///
/// [`TrainError::NoData`] for no pieces with something below a melody, [`TrainError::Config`] for a parameter out of
/// range, or a model or judge that fails.
pub fn harmonise<'a, M>(
    model: &M,
    pieces: impl IntoIterator<Item = &'a Score>,
    params: &EditParams,
    options: &HarmonisationOptions,
    judge: Option<&Judge<'_>>,
) -> Result<Harmonisation, TrainError>
where
    M: EditModel<Error = ModelError> + ?Sized,
{
    options.validate()?;
    let seed = options.seed;
    let mut sums: [Sums; 3] = Default::default();
    let mut count = 0;
    for (number, score) in pieces.into_iter().enumerate() {
        let Some(piece) = Piece::new(score)? else { continue };
        count += 1;
        let cells = piece.real.iter().zip(&piece.melody).filter(|(a, b)| **a && !**b).count();
        let unit = if params.unit == EditUnit::Cell { 1 } else { 2 };
        let sounding = piece.melody.iter().filter(|sounds| **sounds).count();
        let once = sample::iterations(cells / unit, piece.melody.nrows(), model.window_steps());
        let times = |factor: f64| ((factor * once as f64) as usize).clamp(1, EditParams::MAX_ITERATIONS);
        let least = ((options.passes - 1.0) * once as f64) as usize;
        let params = EditParams {
            max_remove: 0.0,
            max_add: MaxAdd::Fraction(cells as f64 / sounding as f64),
            iterations: times(options.passes + 0.5),
            ..params.clone()
        };
        let mut rng = step_rng(seed, 6, number);
        let generated =
            sample::edit(model, piece.melody.view(), &params, &mut rng, &mut |done, _, added| {
                done >= least && added >= cells
            })?;
        let random = piece.random(&mut step_rng(seed, 7, number));
        for (sums, roll) in sums.iter_mut().zip([&generated, &piece.real, &random]) {
            sums.add(&piece, roll, judge)?;
        }
    }
    if count == 0 {
        return Err(TrainError::NoData { split: "harmonised" });
    }
    let [generated, real, random] = &sums;
    let of = |sums: &Sums| sums.measures(count, real);
    Ok(Harmonisation { pieces: count, generated: of(generated), real: of(real), random: of(random) })
}

/// A piece and its melody, both `[steps, 128]`.
struct Piece<'a> {
    score: &'a Score,
    key: KeySignature,
    melody: Array2<bool>,
    real: Array2<bool>,
}

impl<'a> Piece<'a> {
    /// `None` for a piece without a melody or without anything below it.
    fn new(score: &'a Score) -> Result<Option<Self>, TrainError> {
        let pitched = || score.tracks().iter().filter(|t| !t.is_drum() && !t.notes().is_empty());
        let (melody, real) = (sample::roll_of(pitched().take(1), score)?, sample::roll_of(pitched(), score)?);
        let key = best_key(&metrics::pitched_notes(score));
        let Some((key, _)) = key.filter(|_| melody != real) else { return Ok(None) };
        Ok(Some(Self { score, key, melody, real }))
    }

    /// The melody over random notes of the scale.
    fn random<R: Rng + ?Sized>(&self, rng: &mut R) -> Array2<bool> {
        let mut roll = self.melody.clone();
        let tracks = self.score.tracks().iter().filter(|t| !t.is_drum() && !t.notes().is_empty());
        for notes in tracks.skip(1).map(Track::notes) {
            let pitches = || notes.iter().map(|note| note.pitch.get());
            let (lowest, highest) = (pitches().min().unwrap_or(0), pitches().max().unwrap_or(0));
            let scale: Vec<u8> = (lowest..=highest)
                .filter(|pitch| in_scale_rate(&[at(*pitch)], self.key) == Some(1.0))
                .collect();
            if scale.is_empty() {
                continue;
            }
            for note in notes {
                let steps =
                    PianoRoll::note_steps(note, self.score.ticks_per_quarter(), StepsPerBeat::DEFAULT);
                let pitch = usize::from(scale[rng.random_range(0..scale.len())]);
                for step in steps {
                    if let Some(cell) = roll.get_mut((step, pitch)) {
                        *cell = true;
                    }
                }
            }
        }
        roll
    }

    /// The notes of a roll, and those that are not the melody's.
    fn notes(&self, roll: &Array2<bool>) -> Result<[Vec<Note>; 2], TrainError> {
        let lower = Array2::from_shape_fn(roll.dim(), |cell| roll[cell] && !self.melody[cell]);
        let notes = |sounding: Array2<bool>| -> Result<Vec<Note>, TrainError> {
            let onsets = Array2::from_elem(sounding.dim(), false);
            let roll = PianoRoll::from_arrays(onsets, sounding, StepsPerBeat::DEFAULT, 0)
                .map_err(|e| TrainError::Config(ModelError::Device(e.to_string())))?;
            Ok(roll.to_notes(self.score.ticks_per_quarter(), Velocity::DEFAULT))
        };
        Ok([notes(roll.clone())?, notes(lower)?])
    }
}

fn at(pitch: u8) -> Note {
    Note {
        start: deepcompose_core::Tick::ZERO,
        duration: deepcompose_core::Tick::ZERO,
        pitch: Pitch::saturating(pitch.into()),
        velocity: Velocity::DEFAULT,
    }
}

/// Sums over pieces.
#[derive(Clone)]
struct Sums {
    cells: usize,
    notes: usize,
    in_scale: Mean,
    dissonance: Mean,
    spacing: [f64; SPACINGS],
    voices: [f64; VOICES],
    lengths: [f64; NOTE_LENGTHS],
    judged: Judgement,
    is_judged: bool,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            cells: 0,
            notes: 0,
            in_scale: Mean::default(),
            dissonance: Mean::default(),
            spacing: [0.0; SPACINGS],
            voices: [0.0; VOICES],
            lengths: [0.0; NOTE_LENGTHS],
            judged: Judgement { nats: 0.0, notes: 0 },
            is_judged: false,
        }
    }
}

/// The mean of what the pieces have.
#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        self.sum += value.unwrap_or(0.0);
        self.count += usize::from(value.is_some());
    }

    /// 0 of nothing.
    fn value(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

fn add<const N: usize>(sum: &mut [f64; N], shares: Option<[f64; N]>) {
    for (sum, share) in sum.iter_mut().zip(shares.unwrap_or([0.0; N])) {
        *sum += share;
    }
}

impl Sums {
    fn add(
        &mut self,
        piece: &Piece<'_>,
        roll: &Array2<bool>,
        judge: Option<&Judge<'_>>,
    ) -> Result<(), TrainError> {
        let [all, lower] = piece.notes(roll)?;
        let score = piece.score;
        self.cells += roll.iter().zip(&piece.melody).filter(|(a, b)| **a && !**b).count();
        self.notes += lower.len();
        self.in_scale.add(in_scale_rate(&lower, piece.key));
        self.dissonance.add(dissonance_rate(score, &all));
        add(&mut self.spacing, voice_spacing(&all));
        add(&mut self.voices, voice_count(&all));
        add(&mut self.lengths, note_length_histogram(score, &lower, StepsPerBeat::DEFAULT));
        if let Some(judge) = judge {
            let Judgement { nats, notes } = judge(&four_voices(piece.melody.view(), roll.view()))?;
            self.judged.nats += nats;
            self.judged.notes += notes;
            self.is_judged = true;
        }
        Ok(())
    }

    /// Means over `pieces` pieces, beside those of the real ones.
    fn measures(&self, pieces: usize, real: &Self) -> ChoraleMeasures {
        let count = pieces as f64;
        let overlap = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a.min(*b)).sum::<f64>() / count;
        ChoraleMeasures {
            cells: self.cells,
            notes: self.notes,
            in_scale_rate: self.in_scale.value(),
            dissonance_rate: self.dissonance.value(),
            spacing: histogram_mean(&self.spacing) / count,
            spacing_overlap: overlap(&self.spacing, &real.spacing),
            voices: histogram_mean(&self.voices) / count,
            voices_overlap: overlap(&self.voices, &real.voices),
            note_length: histogram_mean(&self.lengths) / count,
            note_length_overlap: histogram_overlap(&self.lengths, &real.lengths) / count,
            sixteenths: self.lengths[1] / count,
            nats_per_note: self.is_judged.then(|| self.judged.nats / self.judged.notes.max(1) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::cell::RefCell;

    use deepcompose_core::{Program, Tick};
    use ndarray::ArrayView2;

    use super::*;

    /// Wants the real piece, and nothing else.
    struct Knows(Array2<bool>);

    impl EditModel for Knows {
        type Error = ModelError;

        fn window_steps(&self) -> usize {
            self.0.nrows()
        }

        fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, ModelError> {
            let wanted = |cell: (usize, usize)| if roll[cell] != self.0[cell] { 60.0 } else { -60.0 };
            Ok(Array2::from_shape_fn(roll.dim(), wanted))
        }
    }

    /// C major: a melody of two half notes over two parts of quarters and halves.
    fn score() -> Score {
        let note = |start: u32, length: u32, pitch: u32| Note {
            start: Tick::new(120 * start).unwrap(),
            duration: Tick::new(120 * length).unwrap(),
            pitch: Pitch::new(pitch).unwrap(),
            velocity: Velocity::DEFAULT,
        };
        let mut score = Score::default();
        for notes in [
            vec![note(0, 8, 72), note(8, 8, 71)],
            vec![note(0, 4, 64), note(4, 4, 65), note(8, 8, 62)],
            vec![note(0, 8, 48), note(8, 8, 55)],
        ] {
            score.push_track(Track::new("", Program::MIN).with_notes(notes));
        }
        score
    }

    #[test]
    fn a_model_that_knows_the_piece_is_as_good_as_the_piece() {
        let score = score();
        let real = sample::roll_of(score.tracks().iter(), &score).unwrap();
        let judged = RefCell::new(Vec::new());
        let judge = |voices: &[Voices]| {
            judged.borrow_mut().push(voices.to_vec());
            Ok(Judgement { nats: 3.0, notes: 6 })
        };
        let params = EditParams { creative_risk: 0.5, ..EditParams::default() };
        let options = HarmonisationOptions { passes: 2.0, seed: 5 };
        for unit in [EditUnit::Cell, EditUnit::Run { margin: 1.0, longest: 16, shortest: 1 }] {
            let params = EditParams { unit, ..params.clone() };
            let found = harmonise(&Knows(real.clone()), [&score], &params, &options, Some(&judge)).unwrap();
            assert_eq!(found.generated, found.real, "{unit:?}");
        }
        // By hand: five notes of 32 cells below, all in the scale. The four beats have C E C, C F C and twice G D B:
        // of their twelve pairs one is a dissonance, the fourth C F above the bass.
        let found = harmonise(&Knows(real), [&score], &params, &options, Some(&judge)).unwrap();
        let real = &found.real;
        assert_eq!((found.pieces, real.cells, real.notes), (1, 32, 5));
        assert_eq!((real.in_scale_rate, real.voices, real.sixteenths), (1.0, 3.0, 0.0));
        assert!((real.dissonance_rate - 1.0 / 12.0).abs() < 1e-12, "{}", real.dissonance_rate);
        assert!((real.note_length - 32.0 / 5.0).abs() < 1e-12);
        // 48 64 72 for 4 steps, 48 65 72 for 4, 55 62 71 for 8.
        let spacing = (4.0 * 24.0 + 4.0 * 24.0 + 8.0 * 16.0) / 32.0;
        assert!((real.spacing - spacing).abs() < 1e-12, "{} is not {spacing}", real.spacing);
        assert_eq!((real.spacing_overlap, real.nats_per_note), (1.0, Some(0.5)));
        assert_eq!((found.random.cells, found.random.in_scale_rate), (32, 1.0));
        assert!(found.random.spacing_overlap < 1.0);
        let pitches = judged.borrow()[1][8].map(|pitch| pitch.map_or(-1, |p| i64::from(p.get())));
        assert_eq!((pitches[0], pitches[3]), (71, 55));
    }

    #[test]
    fn pieces_without_lower_parts_are_no_data() {
        let mut alone = Score::default();
        alone.push_track(score().tracks()[0].clone());
        let model = Knows(Array2::from_elem((16, 128), false));
        let found =
            harmonise(&model, [&alone], &EditParams::default(), &HarmonisationOptions::default(), None);
        assert!(matches!(found, Err(TrainError::NoData { .. })), "{found:?}");
    }
}
