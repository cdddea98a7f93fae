//! [`Limiter`]: keeps peaks under a ceiling without distorting them.

use std::collections::VecDeque;

/// The loudest sample that is given, 1 dB under full scale.
pub(crate) const CEILING: f32 = 0.891_250_9;

/// A look-ahead peak limiter. The gain that a peak needs is reached in a straight line over the time of the look-ahead
/// before it, and given up again slowly.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// Frames that the output is behind the input.
    delay: usize,
    /// How much of the way back to no gain is gone in a frame.
    release: f32,
    waiting: VecDeque<(f32, f32)>,
    /// Gains needed, each with its frame: rising, so that the first is the least within the look-ahead.
    needed: VecDeque<(u64, f32)>,
    /// The held gains whose mean is applied.
    held: VecDeque<f32>,
    sum: f64,
    gain: f32,
    now: u64,
}

impl Limiter {
    pub(crate) fn new(sample_rate: u32) -> Self {
        let delay = (sample_rate as usize / 200).max(1);
        Self {
            delay,
            release: 1.0 - (-1.0 / (0.15 * sample_rate as f32)).exp(),
            waiting: VecDeque::with_capacity(delay + 1),
            needed: VecDeque::new(),
            held: std::iter::repeat_n(1.0, delay).collect(),
            sum: delay as f64,
            gain: 1.0,
            now: 0,
        }
    }

    /// One frame in; the one from `delay` frames before out, once there is one.
    pub(crate) fn push(&mut self, left: f32, right: f32) -> Option<(f32, f32)> {
        let finite = |x: f32| if x.is_finite() { x } else { 0.0 };
        let (left, right) = (finite(left), finite(right));
        let peak = left.abs().max(right.abs());
        let need = if peak > CEILING { CEILING / peak } else { 1.0 };
        while self.needed.back().is_some_and(|(_, gain)| *gain >= need) {
            self.needed.pop_back();
        }
        self.needed.push_back((self.now, need));
        while self.needed.front().is_some_and(|(at, _)| at + (self.delay as u64) < self.now) {
            self.needed.pop_front();
        }
        let least = self.needed.front().map_or(1.0, |(_, gain)| *gain);
        self.gain = if least < self.gain { least } else { self.gain + (least - self.gain) * self.release };
        if self.gain > 0.999_99 {
            self.gain = 1.0;
        }
        self.sum += f64::from(self.gain);
        self.held.push_back(self.gain);
        if let Some(oldest) = self.held.pop_front() {
            self.sum -= f64::from(oldest);
        }
        self.now += 1;
        self.waiting.push_back((left, right));
        if self.waiting.len() <= self.delay {
            return None;
        }
        let gain = (self.sum / self.delay as f64) as f32;
        // The clamp is for rounding only.
        let limited = |x: f32| (x * gain).clamp(-CEILING, CEILING);
        self.waiting.pop_front().map(|(l, r)| (limited(l), limited(r)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(input: &[f32]) -> Vec<f32> {
        let mut limiter = Limiter::new(44_100);
        let padded = input.iter().copied().chain(std::iter::repeat_n(0.0, 220));
        padded.filter_map(|x| limiter.push(x, -x).map(|(l, _)| l)).collect()
    }

    #[test]
    fn what_is_quiet_passes_as_it_is() {
        let quiet: Vec<f32> = (0..5000).map(|i| 0.89 * (i as f32 * 0.1).sin()).collect();
        assert_eq!(run(&quiet), quiet);
    }

    #[test]
    fn peaks_meet_the_ceiling_and_nothing_passes_it() {
        let mut input = vec![0.5_f32; 4000];
        input[2000] = 8.0;
        input[2100] = f32::NAN;
        input[2200] = f32::INFINITY;
        let out = run(&input);
        assert_eq!(out.len(), input.len());
        // The peak itself is at the ceiling: the gain is there in time, and no lower than it must be.
        assert!((out[2000] - CEILING).abs() < 1e-4, "{}", out[2000]);
        assert!(out.iter().all(|x| x.abs() <= CEILING));
        // Untouched until the look-ahead, about a ninth at the peak, on its way back after.
        assert_eq!(out[1700], 0.5);
        assert!((out[1999] / 0.5 - CEILING / 8.0).abs() < 0.01);
        assert!(out[3999] > out[2300]);
    }
}
