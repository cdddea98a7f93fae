//! [`evaluate`] and [`evaluate_chained`]: generated tracks against the ones that were played.

mod chords;

pub use chords::{ChordEvaluation, evaluate_chords};

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::choice::ChoiceRule;
use super::condition::{PitchRange, check_accompaniment};
use super::data::{Augmentation, GanDataset, GanPiece};
use super::genre::{Genre, RoleSet, TrackRole};
use super::grid::{BAR_STEPS, WINDOW_BARS, cells};
use super::latent::latents;
use super::loss::reconstruction_loss;
use super::metrics::{MetricSums, TrackMetrics};
use super::rolls::{SILENCE, Window};
use super::sample::{AccompanyOptions, How, Run, paint};
use super::{GanConfig, GanError, Generator};

/// The bar, from 0, from which bars of a chained evaluation count as late.
const LATE_BAR: usize = 16;

/// Generated tracks against the tracks that were played under the same conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GanEvaluation {
    /// Whether each window was given the tracks generated before it, as in [`accompany`](super::accompany),
    /// and not the ones played before it.
    pub chained: bool,
    /// Windows compared.
    pub windows: usize,
    /// Binary cross-entropy in nats a cell, every cell counted once.
    pub reconstruction_loss: f64,
    /// Of the cells that sounded, how many the generator sounds, 0..=1; by role.
    pub recall: [f64; TrackRole::COUNT],
    /// Of the cells that the generator sounds, how many sounded, 0..=1; by role.
    pub precision: [f64; TrackRole::COUNT],
    /// Metrics of the generated tracks, by role.
    pub generated: [TrackMetrics; TrackRole::COUNT],
    /// Metrics of the tracks that were played, by role.
    pub played: [TrackMetrics; TrackRole::COUNT],
    /// The metrics of late bars, where the evaluation is chained and there are such: whether it drifts.
    pub late: Option<LateBars>,
}

/// Metrics of the bars of long pieces from some bar on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LateBars {
    /// The first bar that counts, from 0.
    pub from_bar: usize,
    /// Metrics of the generated tracks, by role.
    pub generated: [TrackMetrics; TrackRole::COUNT],
    /// Metrics of the tracks that were played, by role.
    pub played: [TrackMetrics; TrackRole::COUNT],
}

/// So many can be drawn at a time.
const MOST_WINDOWS: usize = 1 << 24;

/// Generates `windows` windows drawn from `dataset` (its pieces, not transposed, over the chords that were
/// **played** and with the tracks that were **played** before them) in batches of `batch_size`, and compares them
/// with what was played. The same seed draws the same windows and latents.
///
/// What a generator does with its own tracks before it, [`evaluate_chained`] tells.
///
/// # Errors
///
/// [`GanError::TooLittleData`] for no windows, [`GanError::OutOfRange`] for more than 2²⁴, a batch size of 0 or a generator
/// without the layout of the data, [`GanError::Device`] if the device fails.
pub fn evaluate(
    generator: &Generator,
    dataset: &GanDataset,
    windows: usize,
    batch_size: usize,
    seed: u64,
) -> Result<GanEvaluation, GanError> {
    check_accompaniment(generator.config())?;
    if windows == 0 || dataset.is_empty() {
        return Err(GanError::TooLittleData { windows: 0, needed: 1 });
    }
    if windows > MOST_WINDOWS {
        return Err(GanError::OutOfRange {
            field: "windows",
            value: windows as f64,
            accepted: "at most 16,777,216",
        });
    }
    if batch_size == 0 {
        return Err(GanError::OutOfRange { field: "batch_size", value: 0.0, accepted: "1 or more" });
    }
    let generator = generator.valid();
    let config = generator.config();
    let device = generator.devices().first().cloned().unwrap_or_default();
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let drawn = dataset.draw(windows, rng);
    let styles = generator.styles();
    let mut comparison = Comparison::default();
    for chunk in drawn.chunks(batch_size) {
        let placed = GanDataset::vary(chunk, Augmentation::NONE, rng);
        let batch = dataset.batch(&placed, config, &device);
        let genres: Vec<_> = chunk.iter().map(|window| dataset.genre_of(*window)).collect();
        let [channels, rows, columns] = config.latent_shape();
        let latent = latents(styles.as_ref(), config, &genres, rng);
        let latent =
            Tensor::from_data(TensorData::new(latent, [chunk.len(), channels, rows, columns]), &device);
        let logits = generator.logits(&batch.condition, latent)?;
        comparison.add_loss(logits.clone(), batch.tracks.clone())?;
        let generated = sounding_sets(logits.tanh(), &genres, config)?;
        let played = played_sets(batch.tracks, config)?;
        for (ours, theirs) in generated.iter().zip(&played) {
            for role in TrackRole::ALL {
                comparison.tracks.add(role, &ours[role.index()], &theirs[role.index()]);
            }
        }
    }
    Ok(comparison.evaluation(false))
}

/// Accompanies the melody of every piece of `dataset` from its first bar to its last, just as
/// [`accompany`](super::accompany) does with its default options (threshold 0.5, no variation, over the
/// generator's own chords at temperature 0.35): two bars at a time, each knowing the tracks that the generator
/// itself **made** before. Compares them with what was played.
///
/// The tracks wanted are those that the piece has, as far as its genre has them. The same seed draws the
/// same latents.
///
/// ```
/// use burn::tensor::Device;
/// use deepcompose_core::{Program, Score, Track};
/// use deepcompose_models::gan::{GanConfig, GanDataset, GanPiece, Generator, Genre, evaluate_chained};
/// use rand::SeedableRng;
///
/// let melody = deepcompose_core::InputTrack::OdeToJoy.score();
/// let notes = melody.tracks()[0].notes().to_vec();
/// let mut score = Score::default();
/// score.push_track(Track::new("Melody", Program::MIN).with_notes(notes.clone()));
/// score.push_track(Track::new("Bass", Program::new(33)?).with_notes(notes));
/// let pieces = vec![GanPiece::from_score(&score, Genre::Rock, Some(0))?];
///
/// let config = GanConfig::accompaniment().to_builder().filters(1).latent_channels(1).build()?;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let generator = Generator::new(&config, &mut rng, &Device::default());
/// let evaluation = evaluate_chained(&generator, &GanDataset::new(pieces), 1)?;
/// assert!(evaluation.chained);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`GanError::TooLittleData`] for no pieces, [`GanError::OutOfRange`] for a generator without the layout of
/// the data, [`GanError::Device`] if the device fails.
pub fn evaluate_chained(
    generator: &Generator,
    dataset: &GanDataset,
    seed: u64,
) -> Result<GanEvaluation, GanError> {
    check_accompaniment(generator.config())?;
    if dataset.is_empty() {
        return Err(GanError::TooLittleData { windows: 0, needed: 1 });
    }
    let device = generator.devices().first().cloned().unwrap_or_default().without_autodiff();
    let range = PitchRange::of(generator.config());
    let mut comparison = Comparison::default();
    for (index, piece) in dataset.pieces().iter().enumerate() {
        let rng = &mut piece_rng(seed, index);
        let options = options(piece);
        let roles = options.roles.intersection(RoleSet::of(options.genre));
        let melody = piece.melody();
        let cells = cells(&[], melody.nrows());
        let mut run = Run::new(generator, &options, roles, (melody.view(), &cells), rng)?;
        for (number, bars) in cells.chunks(WINDOW_BARS).enumerate() {
            run.prepare(melody.view(), &[bars], rng)?;
            let logits = as_tensor(run.generate(0, bars)?.to_vec(), generator.config(), &device);
            let first = number * WINDOW_BARS;
            let played = played(piece, first, generator.config());
            // A last bar without a second one counts alone.
            let steps = bars.len() * BAR_STEPS;
            let both = [logits, tensor(&played, range, generator.config(), &device)];
            let [logits, tensor] = both.map(|window| window.narrow(2, 0, steps));
            comparison.add_loss(logits, tensor)?;
            for role in TrackRole::ALL {
                let [ours, theirs] = [&run.previous, &played].map(|w| &w[role.index()][..steps]);
                comparison.tracks.add(role, ours, theirs);
                if first >= LATE_BAR {
                    comparison.late.add(role, ours, theirs);
                }
            }
        }
    }
    Ok(comparison.evaluation(true))
}

/// A stream of random numbers for each piece.
fn piece_rng(seed: u64, index: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index as u64);
    rng
}

fn options(piece: &GanPiece) -> AccompanyOptions {
    AccompanyOptions { roles: piece.roles(), ..AccompanyOptions::new(piece.genre()) }
}

/// What was played from a bar on, of the pitches that the networks see.
fn played(piece: &GanPiece, bar: usize, config: &GanConfig) -> Window {
    let range = PitchRange::of(config);
    let mut window = piece.band(bar as isize, config.onsets());
    window.iter_mut().flatten().for_each(|keys| *keys = range.keys(range.cut(*keys)));
    window
}

fn tensor(window: &Window, range: PitchRange, config: &GanConfig, device: &Device) -> Tensor<4> {
    let [tracks, steps, pitches] = config.window_shape();
    let mut values = vec![-1.0_f32; tracks * steps * pitches];
    for (row, keys) in values.chunks_mut(pitches).zip(window.iter().flatten()) {
        paint(row, range.cut(*keys));
    }
    as_tensor(values, config, device)
}

fn as_tensor(values: Vec<f32>, config: &GanConfig, device: &Device) -> Tensor<4> {
    let [tracks, steps, pitches] = config.window_shape();
    Tensor::from_data(TensorData::new(values, [1, tracks, steps, pitches]), device)
}

/// What sounds of windows in these genres, at threshold 0.5 and after silence.
pub(super) fn sounding_sets(
    tracks: Tensor<4>,
    genres: &[Genre],
    config: &GanConfig,
) -> Result<Vec<Window>, GanError> {
    let values: Vec<f32> = tracks.try_into_vec_as().map_err(|e| GanError::Device(e.to_string()))?;
    let range = PitchRange::of(config);
    let how = How { threshold: 0.5, onsets: config.onsets(), pitches: config.pitches() };
    let window = |(tracks, genre): (&[f32], &Genre)| {
        let mut window = SILENCE;
        for role in TrackRole::ALL {
            how.choose(&ChoiceRule::of(*genre, role), role, tracks, &mut 0, &mut window, |_| true);
        }
        window.iter_mut().flatten().for_each(|keys| *keys = range.keys(*keys));
        window
    };
    let each = config.window_shape().iter().product();
    Ok(values.chunks(each).zip(genres).map(window).collect())
}

/// What sounds of windows that were played, in which a cell is +1 or -1.
fn played_sets(tracks: Tensor<4>, config: &GanConfig) -> Result<Vec<Window>, GanError> {
    let values: Vec<f32> = tracks.try_into_vec_as().map_err(|e| GanError::Device(e.to_string()))?;
    let range = PitchRange::of(config);
    let set = |row: &[f32]| {
        let sounding = row.iter().enumerate().filter(|(_, cell)| **cell > 0.0);
        range.keys(sounding.fold(0, |set, (pitch, _)| set | 1 << pitch))
    };
    let window = |cells: &[f32]| {
        let mut window = SILENCE;
        let rows = window.iter_mut().flatten().zip(cells.chunks(config.pitches()));
        rows.for_each(|(keys, row)| *keys = set(row));
        window
    };
    Ok(values.chunks(config.window_shape().iter().product()).map(window).collect())
}

/// Generated and played tracks, added up by role.
#[derive(Default)]
struct Tracks {
    generated: [MetricSums; TrackRole::COUNT],
    played: [MetricSums; TrackRole::COUNT],
    /// Cells that sound in both, in the generated track, and in the played one.
    hits: [[u64; 3]; TrackRole::COUNT],
    /// Tracks added.
    added: usize,
}

impl Tracks {
    fn add(&mut self, role: TrackRole, generated: &[u128], played: &[u128]) {
        self.added += 1;
        self.generated[role.index()].add(role, generated, BAR_STEPS);
        self.played[role.index()].add(role, played, BAR_STEPS);
        for (a, b) in generated.iter().zip(played) {
            for (sum, set) in self.hits[role.index()].iter_mut().zip([a & b, *a, *b]) {
                *sum += u64::from(set.count_ones());
            }
        }
    }
}

/// What is added up over the windows.
#[derive(Default)]
struct Comparison {
    tracks: Tracks,
    late: Tracks,
    loss: f64,
    /// Windows, one of a single bar as half of one.
    weight: f64,
    windows: usize,
}

impl Comparison {
    fn add_loss(&mut self, logits: Tensor<4>, played: Tensor<4>) -> Result<(), GanError> {
        let [windows, _, steps, _] = logits.dims();
        let mean = reconstruction_loss(logits, played, 1.0)?;
        let mean = mean.try_into_scalar::<f32>().map_err(|e| GanError::Device(e.to_string()))?;
        // A last bar without a second one is half a window.
        let weight = windows as f64 * steps as f64 / (WINDOW_BARS * BAR_STEPS) as f64;
        self.loss += f64::from(mean) * weight;
        self.weight += weight;
        self.windows += windows;
        Ok(())
    }

    fn evaluation(&self, chained: bool) -> GanEvaluation {
        let rate = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        let metrics = |sums: &[MetricSums; TrackRole::COUNT]| sums.map(|s| s.metrics());
        let late = || LateBars {
            from_bar: LATE_BAR,
            generated: metrics(&self.late.generated),
            played: metrics(&self.late.played),
        };
        GanEvaluation {
            chained,
            windows: self.windows,
            reconstruction_loss: self.loss / self.weight.max(f64::MIN_POSITIVE),
            recall: self.tracks.hits.map(|[both, _, theirs]| rate(both, theirs)),
            precision: self.tracks.hits.map(|[both, ours, _]| rate(both, ours)),
            generated: metrics(&self.tracks.generated),
            played: metrics(&self.tracks.played),
            late: (self.late.added > 0).then(late),
        }
    }
}

#[cfg(test)]
mod tests;
