//! Onsets to steps of a grid, in order.

/// Which steps onsets prefer.
#[derive(Debug, Clone)]
pub(super) struct Preference {
    /// Of onsets about their steps, in seconds squared.
    pub(super) variance: f64,
    /// What an onset on each step of a beat costs more than none, in nats. The first is step 0's.
    pub(super) costs: Vec<f64>,
}

/// Steps for onsets given in steps, in order: each later than the one before, none below 0, and the
/// sum of squared distances the least there is.
///
/// Step *j* less *j* may not fall, so this is isotonic regression, which pooling adjacent violators
/// solves in linear time (Barlow, Bartholomew, Bremner and Brunk 1972). Rounding its answer gives
/// the best whole numbers.
pub(super) fn nearest(onsets: &[f64]) -> Vec<i64> {
    // Mean and number of the pooled onsets.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (j, onset) in onsets.iter().enumerate() {
        let mut pool = (onset - j as f64, 1);
        while let Some((mean, count)) = pools.pop_if(|p| p.0 >= pool.0) {
            let total = count + pool.1;
            pool = ((mean * count as f64 + pool.0 * pool.1 as f64) / total as f64, total);
        }
        pools.push(pool);
    }
    let steps = pools
        .into_iter()
        .flat_map(|(mean, count)| std::iter::repeat_n((mean + 0.5).floor().max(0.0) as i64, count));
    steps.enumerate().map(|(j, step)| step + j as i64).collect()
}

/// The likeliest steps within one of `nearest`, in order like them: by Viterbi's algorithm, with the
/// distance in seconds weighed against the chance of an onset there. `seconds` are those of a step at
/// each onset.
pub(super) fn likeliest(
    onsets: &[f64],
    seconds: &[f64],
    nearest: &[i64],
    preference: &Preference,
) -> Vec<i64> {
    let cost = |onset: f64, seconds: f64, step: i64| {
        let off = (onset - step as f64) * seconds;
        let place = step.rem_euclid(preference.costs.len().max(1) as i64) as usize;
        off * off / (2.0 * preference.variance) + preference.costs.get(place).copied().unwrap_or(0.0)
    };
    // For each onset and each of its three steps: the least cost so far, and the step before.
    let mut table: Vec<[(f64, usize); 3]> = Vec::with_capacity(nearest.len());
    let mut previous: Option<i64> = None;
    for ((onset, seconds), near) in onsets.iter().zip(seconds).zip(nearest) {
        let row = std::array::from_fn(|i| {
            let step = near - 1 + i as i64;
            if step < 0 {
                return (f64::INFINITY, 1);
            }
            let here = cost(*onset, *seconds, step);
            let Some((before, row)) = previous.zip(table.last()) else { return (here, 1) };
            let from = row.iter().enumerate().filter(|(j, _)| before - 1 + (*j as i64) < step);
            let best = from.min_by(|a, b| a.1.0.total_cmp(&b.1.0));
            best.map_or((f64::INFINITY, 1), |(j, (total, _))| (total + here, j))
        });
        table.push(row);
        previous = Some(*near);
    }
    let last = table.last().and_then(|row| (0..3).min_by(|a, b| row[*a].0.total_cmp(&row[*b].0)));
    let mut state = last.unwrap_or(1);
    let mut out = nearest.to_vec();
    for (step, row) in out.iter_mut().zip(&table).rev() {
        *step += state as i64 - 1;
        state = row.get(state).map_or(1, |s| s.1);
    }
    out
}
