//! The values that tokens stand for: durations, velocities, tempos, …
//!
//! Each is worked out as MidiTok works it out with NumPy, to the last bit.

use super::config::{BeatResolution, TokenizerConfig};

/// A length of time in beats: `beat` whole ones and `position` parts of `resolution`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BeatTime {
    pub(super) beat: u32,
    pub(super) position: u32,
    pub(super) resolution: u32,
}

impl BeatTime {
    /// In ticks, rounded down.
    pub(super) fn ticks(self, ticks_per_beat: i64) -> i64 {
        let resolution = i64::from(self.resolution);
        (i64::from(self.beat) * resolution + i64::from(self.position)) * ticks_per_beat / resolution
    }
}

impl std::fmt::Display for BeatTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.beat, self.position, self.resolution)
    }
}

/// Every time of some ranges but the first, zero, and their very end.
pub(super) fn beat_times(ranges: &[BeatResolution]) -> Vec<BeatTime> {
    let positions = |r: &BeatResolution| {
        let resolution = r.resolution;
        (r.from..r.to).flat_map(move |beat| {
            (0..resolution).map(move |position| BeatTime { beat, position, resolution })
        })
    };
    let end = ranges.last().map(|r| BeatTime { beat: r.to, position: 0, resolution: r.resolution });
    ranges.iter().flat_map(positions).skip(1).chain(end).collect()
}

/// `count` numbers from `start` to `stop`, as `numpy.linspace`.
fn linspace(start: f64, stop: f64, count: u32) -> Vec<f64> {
    let intervals = count.saturating_sub(1);
    let step = (stop - start) / f64::from(intervals);
    let value = |i: u32| {
        if i == intervals && i > 0 { stop } else { f64::from(i) * step + start }
    };
    match intervals {
        0 => vec![start; count as usize],
        _ => (0..count).map(value).collect(),
    }
}

/// As `numpy.geomspace`.
fn geomspace(start: f64, stop: f64, count: u32) -> Vec<f64> {
    let mut values: Vec<f64> =
        linspace(start.log10(), stop.log10(), count).into_iter().map(|power| 10_f64.powf(power)).collect();
    if let Some(first) = values.first_mut() {
        *first = start;
    }
    if count > 1
        && let Some(last) = values.last_mut()
    {
        *last = stop;
    }
    values
}

/// The velocities, ascending.
pub(super) fn velocities(config: &TokenizerConfig) -> Vec<u8> {
    let all = linspace(0.0, 127.0, config.num_velocities + 1);
    all.into_iter().skip(1).map(|v| v.floor() as u8).collect()
}

/// The tempos in quarter notes a minute, ascending, to a hundredth.
pub(super) fn tempos(config: &TokenizerConfig) -> Vec<f64> {
    let (slow, fast) = config.tempo_range;
    let spread = if config.log_tempos { geomspace } else { linspace };
    spread(slow, fast, config.num_tempos).into_iter().map(|t| (t * 100.0).round_ties_even() / 100.0).collect()
}

/// The pitch bends, ascending.
pub(super) fn pitch_bends(config: &TokenizerConfig) -> Vec<i32> {
    let (low, high, count) = config.pitch_bend_range;
    linspace(low.into(), high.into(), count).into_iter().map(|v| v.floor() as i32).collect()
}

/// Controllers whose value is a point on a scale, as MidiTok lists them.
const CONTINUOUS: [u8; 23] =
    [1, 2, 4, 5, 7, 8, 10, 11, 64, 67, 71, 72, 73, 74, 75, 76, 77, 78, 91, 92, 93, 94, 95];
/// Controllers that are on or off.
const SWITCHES: [u8; 5] = [65, 66, 68, 69, 122];

/// Whether saying a controller's value again at the same time changes nothing.
pub(super) fn is_repeatable(controller: u8) -> bool {
    CONTINUOUS.contains(&controller) || matches!(controller, 65 | 66 | 68 | 69)
}

/// The values of a controller, ascending.
pub(super) fn controller_values(controller: u8, config: &TokenizerConfig) -> Vec<u8> {
    if CONTINUOUS.contains(&controller) {
        let values = linspace(0.0, 127.0, config.control_change_n_bins);
        values.into_iter().map(|v| v.round_ties_even() as u8).collect()
    } else if SWITCHES.contains(&controller) {
        vec![0, 127]
    } else {
        (0..128).collect()
    }
}

/// The index of the value nearest to `wanted`, the greater of two as near. `values` ascend.
pub(super) fn nearest(values: &[f64], wanted: f64) -> usize {
    let after = values.partition_point(|v| *v < wanted);
    let distance = |at: usize| values.get(at).map_or(f64::INFINITY, |v| (wanted - v).abs());
    match after.checked_sub(1) {
        Some(before) if after == values.len() || distance(before) < distance(after) => before,
        _ => after,
    }
}

/// [`nearest`] for whole numbers.
pub(super) fn nearest_int<T: Copy + Into<i64>>(values: &[T], wanted: i64) -> usize {
    let after = values.partition_point(|v| (*v).into() < wanted);
    let distance = |at: usize| values.get(at).map_or(i64::MAX, |v| (wanted - (*v).into()).abs());
    match after.checked_sub(1) {
        Some(before) if after == values.len() || distance(before) < distance(after) => before,
        _ => after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numpys() {
        let config = TokenizerConfig::default();
        // numpy.linspace(0, 127, 33, dtype=numpy.intc)[1:5] and [-2:]
        let velocities = velocities(&config);
        assert_eq!((&velocities[..4], &velocities[30..]), ([3, 7, 11, 15].as_slice(), [123, 127].as_slice()));
        // numpy.linspace(40, 250, 32).round(2)
        let tempos = super::tempos(&config);
        assert_eq!((tempos[1], tempos[12], tempos[31]), (46.77, 121.29, 250.0));
        // numpy.geomspace(40, 250, 32).round(2)
        let log = super::tempos(&TokenizerConfig { log_tempos: true, ..config.clone() });
        assert_eq!((log[1], log[18], log[31]), (42.44, 115.93, 250.0));
        // numpy.linspace(-8192, 8191, 32, dtype=numpy.int32)
        let bends = pitch_bends(&config);
        assert_eq!((bends[0], bends[1], bends[16], bends[31]), (-8192, -7664, 263, 8191));
        // numpy.rint(numpy.linspace(0, 127, 32))
        assert_eq!(controller_values(7, &config)[..5], [0, 4, 8, 12, 16]);
    }

    #[test]
    fn the_nearest_of_two_as_near_is_the_greater() {
        assert_eq!(nearest(&[1.0, 3.0], 2.0), 1);
        assert_eq!([0, 1, 4, 5, 6, 99].map(|v| nearest_int(&[1_i64, 3, 6], v)), [0, 0, 1, 2, 2, 2]);
    }

    #[test]
    fn times_end_with_the_last_beat() {
        let times = beat_times(&TokenizerConfig::default().beat_res);
        let name = |i: usize| times[i].to_string();
        assert_eq!(
            (times.len(), name(0), name(31), name(63)),
            (64, "0.1.8".into(), "4.0.4".into(), "12.0.4".into())
        );
        assert_eq!(times[0].ticks(12), 1);
    }
}
