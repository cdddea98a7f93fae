//! A two-sample test: can a simple classifier tell two sets of windows apart?

/// One thing that is classified.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What belongs together, such as the windows of one piece: never divided between training and testing.
    pub group: usize,
    /// Numbers that describe it; as many in every sample.
    pub features: Vec<f64>,
}

/// Strength of the pull of each weight towards zero, on features of variance 1.
const RIDGE: f64 = 1.0;
/// Newton steps; the loss is convex and a handful are enough.
const STEPS: usize = 25;

/// The accuracy, 0 to 1, with which logistic regression tells `real` from `generated` samples that it was not
/// trained on: 0.5 if they cannot be told apart, 1 if always (a classifier two-sample test, Lopez-Paz and Oquab
/// 2017). The mean of the two kinds' accuracies, so that their numbers need not be equal.
///
/// Groups are dealt to `folds` folds in order of their numbers; each fold is classified by a regression on the
/// others, with features scaled to mean 0 and variance 1 there. Features that are not finite count as the mean.
///
/// `None` for fewer than two folds or groups, for samples of one kind only, where those of one kind are all in one
/// fold, so that the others teach nothing of it, and for samples with different numbers of features or with none.
///
/// ```
/// use deepcompose_core::metrics::{Sample, two_sample_accuracy};
///
/// let samples = |shift: f64| -> Vec<Sample> {
///     (0..40).map(|i| Sample { group: i, features: vec![(i % 7) as f64 + shift] }).collect()
/// };
/// assert_eq!(two_sample_accuracy(&samples(0.0), &samples(20.0), 4), Some(1.0));
/// let same = two_sample_accuracy(&samples(0.0), &samples(0.0), 4).unwrap();
/// assert!((0.3..=0.7).contains(&same));
/// ```
#[must_use]
pub fn two_sample_accuracy(real: &[Sample], generated: &[Sample], folds: usize) -> Option<f64> {
    let width = real.first()?.features.len();
    let all: Vec<(&Sample, bool)> =
        real.iter().map(|s| (s, true)).chain(generated.iter().map(|s| (s, false))).collect();
    if width == 0 || generated.is_empty() || all.iter().any(|(s, _)| s.features.len() != width) {
        return None;
    }
    let mut groups: Vec<usize> = all.iter().map(|(s, _)| s.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let folds = folds.min(groups.len());
    if folds < 2 {
        return None;
    }
    let fold = |sample: &Sample| groups.partition_point(|g| *g < sample.group) % folds;
    let mut right = [0_u64; 2];
    for held in 0..folds {
        let train: Vec<(&Sample, bool)> = all.iter().filter(|(s, _)| fold(s) != held).copied().collect();
        if [true, false].into_iter().any(|kind| train.iter().all(|(_, is_real)| *is_real != kind)) {
            return None;
        }
        let model = Logistic::fit(&train, width);
        for (sample, is_real) in all.iter().filter(|(s, _)| fold(s) == held) {
            right[usize::from(*is_real)] += u64::from((model.score(sample) > 0.0) == *is_real);
        }
    }
    let [made, played] = [right[0] as f64 / generated.len() as f64, right[1] as f64 / real.len() as f64];
    Some(f64::midpoint(made, played))
}

/// Logistic regression with a ridge penalty, by Newton's method.
struct Logistic {
    mean: Vec<f64>,
    scale: Vec<f64>,
    /// The constant last.
    weights: Vec<f64>,
}

impl Logistic {
    fn fit(samples: &[(&Sample, bool)], width: usize) -> Self {
        let column = |i: usize| samples.iter().map(move |(s, _)| s.features[i]).filter(|x| x.is_finite());
        let mut model =
            Self { mean: vec![0.0; width], scale: vec![0.0; width], weights: vec![0.0; width + 1] };
        for i in 0..width {
            let n = column(i).count().max(1) as f64;
            let mean = column(i).sum::<f64>() / n;
            let deviation = (column(i).map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
            model.mean[i] = mean;
            model.scale[i] = if deviation > 1e-12 { 1.0 / deviation } else { 0.0 };
        }
        let rows: Vec<(Vec<f64>, f64)> =
            samples.iter().map(|(s, real)| (model.row(s), f64::from(u8::from(*real)))).collect();
        // Each kind weighs the same in all.
        let count = |kind: f64| rows.iter().filter(|(_, y)| *y == kind).count().max(1) as f64;
        let shares = [0.0, 1.0].map(|kind| rows.len() as f64 / (2.0 * count(kind)));
        for _ in 0..STEPS {
            let mut gradient: Vec<f64> = model.weights.iter().map(|w| -RIDGE * w).collect();
            let mut curvature = vec![vec![0.0; width + 1]; width + 1];
            for (i, row) in curvature.iter_mut().enumerate() {
                row[i] = RIDGE;
            }
            for (row, y) in &rows {
                let p = 1.0 / (1.0 + (-dot(row, &model.weights)).exp());
                let share = shares[usize::from(*y > 0.5)];
                for (i, x) in row.iter().enumerate() {
                    gradient[i] += share * (y - p) * x;
                    for (cell, z) in curvature[i].iter_mut().zip(row) {
                        *cell += share * p * (1.0 - p) * x * z;
                    }
                }
            }
            let step = solve(curvature, gradient);
            for (weight, change) in model.weights.iter_mut().zip(&step) {
                *weight += change;
            }
            if step.iter().all(|change| change.abs() < 1e-9) {
                break;
            }
        }
        model
    }

    fn row(&self, sample: &Sample) -> Vec<f64> {
        let scaled = sample.features.iter().zip(self.mean.iter().zip(&self.scale));
        let scaled = scaled.map(|(x, (mean, scale))| if x.is_finite() { (x - mean) * scale } else { 0.0 });
        scaled.chain([1.0]).collect()
    }

    fn score(&self, sample: &Sample) -> f64 {
        dot(&self.row(sample), &self.weights)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves a symmetric positive definite system by Gaussian elimination, which needs no exchange of rows there.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for pivot in 0..n {
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let (row, lead) = (&above[pivot], above[pivot][pivot]);
        for (offset, other) in below.iter_mut().enumerate() {
            let factor = other[pivot] / lead;
            for (cell, value) in other.iter_mut().zip(row).skip(pivot) {
                *cell -= factor * value;
            }
            right[pivot + 1 + offset] -= factor * right[pivot];
        }
    }
    for pivot in (0..n).rev() {
        let known: f64 = (pivot + 1..n).map(|i| matrix[pivot][i] * right[i]).sum();
        right[pivot] = (right[pivot] - known) / matrix[pivot][pivot];
    }
    right
}
