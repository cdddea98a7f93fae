//! What is measured of generated tracks against the training data's own values.

use serde::{Deserialize, Serialize};

use super::genre::TrackRole;

const MAJOR_SCALE: u16 = 0b1010_1011_0101;

/// Averages over the windows of one track.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TrackMetrics {
    /// Share of bars in which nothing sounds, 0..=1.
    pub empty_bar_rate: f64,
    /// Different pitches sounding in a bar, over all bars.
    pub pitches_per_bar: f64,
    /// Share of sounding cells whose pitch class lies in the major scale (or its relative natural
    /// minor) that fits the window's track best, 0..=1. `None` for drums, and if nothing sounds.
    pub in_scale_rate: Option<f64>,
    /// Share of cells (a pitch at a step) that sound, 0..=1.
    pub density: f64,
}

/// Sums from which [`TrackMetrics`] are computed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MetricSums {
    bars: usize,
    empty_bars: usize,
    pitches: usize,
    cells: usize,
    sounding: usize,
    pitched: usize,
    in_scale: usize,
}

impl MetricSums {
    /// Adds one window of one track: a set of pitches a step.
    pub(crate) fn add(&mut self, role: TrackRole, window: &[u128], bar_steps: usize) {
        for bar in window.chunks(bar_steps) {
            let pitches = bar.iter().fold(0, |all, set| all | set);
            self.bars += 1;
            self.empty_bars += usize::from(pitches == 0);
            self.pitches += pitches.count_ones() as usize;
        }
        let sounding: usize = window.iter().map(|set| set.count_ones() as usize).sum();
        self.cells += window.len() * 128;
        self.sounding += sounding;
        if role != TrackRole::Drums {
            self.pitched += sounding;
            self.in_scale += best_scale_cells(window);
        }
    }

    pub(crate) fn metrics(&self) -> TrackMetrics {
        let rate = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        TrackMetrics {
            empty_bar_rate: rate(self.empty_bars, self.bars),
            pitches_per_bar: rate(self.pitches, self.bars),
            in_scale_rate: (self.pitched > 0).then(|| rate(self.in_scale, self.pitched)),
            density: rate(self.sounding, self.cells),
        }
    }
}

fn best_scale_cells(window: &[u128]) -> usize {
    let mut classes = [0_usize; 12];
    for set in window {
        for (pitch, count) in (0..128).zip((0..12).cycle()) {
            classes[count] += (set >> pitch & 1) as usize;
        }
    }
    let inside = |tonic: usize| {
        (0..12).filter(|degree| MAJOR_SCALE >> degree & 1 == 1).map(|d| classes[(tonic + d) % 12]).sum()
    };
    (0..12).map(inside).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn hand_worked_window() {
        // Two bars of four steps. First bar: C E G for one step, C for another. Second bar: empty.
        let chord = 1 << 60 | 1 << 64 | 1 << 67;
        let window = [chord, 1 << 60, 0, 0, 0, 0, 0, 0_u128];
        let mut sums = MetricSums::default();
        sums.add(TrackRole::Keys, &window, 4);
        let expected = TrackMetrics {
            empty_bar_rate: 0.5,
            pitches_per_bar: 1.5,
            in_scale_rate: Some(1.0),
            density: 4.0 / (8.0 * 128.0),
        };
        assert_eq!(sums.metrics(), expected);

        // C, C sharp and D: at best two of the three are in one major scale.
        let mut sums = MetricSums::default();
        sums.add(TrackRole::Bass, &[1 << 36 | 1 << 37 | 1 << 38], 1);
        assert_eq!(sums.metrics().in_scale_rate, Some(2.0 / 3.0));

        // E natural minor has the notes of G major.
        let mut sums = MetricSums::default();
        let minor = [64, 66, 67, 69, 71, 72, 74].iter().fold(0_u128, |set, p| set | 1 << p);
        sums.add(TrackRole::Guitar, &[minor], 1);
        assert_eq!(sums.metrics().in_scale_rate, Some(1.0));

        let mut sums = MetricSums::default();
        sums.add(TrackRole::Drums, &[1 << 36], 1);
        assert_eq!(sums.metrics().in_scale_rate, None);
        assert_eq!(MetricSums::default().metrics(), TrackMetrics::default());
    }
}
