//! [`Pluck`]: a string, plucked.

use std::f32::consts::TAU;

use super::noise::Noise;

/// A delay line as long as the string, with a filter in its loop (Karplus and Strong 1983; tuned as in Jaffe and Smith
/// 1983, but by cubic interpolation, so that it can be bent).
#[derive(Debug)]
pub(super) struct Pluck {
    line: Vec<f32>,
    write: usize,
    last: f32,
    /// Frames of one turn, unbent.
    period: f32,
    damping: f32,
    loss: f32,
    drive: f32,
    /// Frames that the loop's filter takes at the unbent pitch.
    filter_delay: f32,
}

/// How a string is made and plucked.
#[derive(Debug, Clone, Copy)]
pub(super) struct String {
    pub(super) hertz: f32,
    pub(super) ring: f32,
    pub(super) damping: f32,
    pub(super) position: f32,
    pub(super) drive: f32,
    /// How hard, 0..=1: the harder, the brighter.
    pub(super) force: f32,
}

impl Pluck {
    /// A string that has just been plucked; none where the pitch is too high for a delay line.
    pub(super) fn new(string: String, sample_rate: f32, mut noise: Noise) -> Option<Self> {
        let period = sample_rate / string.hertz;
        if period < 8.0 {
            return None;
        }
        let s = string.damping;
        let w = TAU / period;
        // The loop's filter is (1 − s) + s z⁻¹.
        let filter_delay = (s * w.sin()).atan2(1.0 - s + s * w.cos()) / w;
        let filter_gain = ((1.0 - s).powi(2) + s * s + 2.0 * s * (1.0 - s) * w.cos()).sqrt();
        let ring = string.ring * (110.0 / string.hertz).sqrt();
        let turn = 10_f32.powf(-3.0 / (string.hertz * ring));
        let loss = (turn / filter_gain).min(0.999_95);

        let turn_frames = period.ceil() as usize;
        let mut shape = Vec::with_capacity(turn_frames);
        let (rough, softness) = (0.2 + 0.4 * string.force, 0.75 - 0.6 * string.force);
        let mut smooth = 0.0;
        for n in 0..turn_frames {
            let along = n as f32 / period;
            let triangle = if along < string.position {
                along / string.position
            } else {
                (1.0 - along) / (1.0 - string.position)
            };
            smooth += (noise.next() - smooth) * (1.0 - softness);
            shape.push((1.0 - rough) * (triangle - 0.5) + rough * smooth);
        }
        let mean = shape.iter().sum::<f32>() / turn_frames as f32;
        let power = shape.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / turn_frames as f32;
        let scale = 0.3 / power.sqrt().max(1e-6);
        shape.iter_mut().for_each(|x| *x = (*x - mean) * scale);

        // Room for bends down to half the pitch.
        let length = (2.0 * period) as usize + 8;
        let mut line = vec![0.0; length];
        for back in 1..=turn_frames + 3 {
            let from = (2 * turn_frames - back % turn_frames) % turn_frames;
            if let (Some(cell), Some(x)) = (line.get_mut(length - back), shape.get(from)) {
                *cell = *x;
            }
        }
        Some(Self { line, write: 0, last: 0.0, period, damping: s, loss, drive: string.drive, filter_delay })
    }

    /// Fills `out`, with the pitch at `ratio` times what it was.
    pub(super) fn render(&mut self, out: &mut [f32], ratio: f32) {
        let length = self.line.len();
        let delay = (self.period / ratio - self.filter_delay).clamp(2.0, (length - 4) as f32);
        let whole = delay as usize;
        let d = delay - whole as f32;
        // Lagrange's cubic through the samples one before to two behind.
        let weights = [
            -d * (d - 1.0) * (d - 2.0) / 6.0,
            (d + 1.0) * (d - 1.0) * (d - 2.0) / 2.0,
            -(d + 1.0) * d * (d - 2.0) / 2.0,
            (d + 1.0) * d * (d - 1.0) / 6.0,
        ];
        for x in out {
            let mut read = (self.write + length + 1 - whole) % length;
            let mut sum = 0.0;
            for weight in weights {
                sum += weight * self.line.get(read).copied().unwrap_or_default();
                read = if read == 0 { length - 1 } else { read - 1 };
            }
            let y = self.loss * ((1.0 - self.damping) * sum + self.damping * self.last);
            self.last = sum;
            if let Some(cell) = self.line.get_mut(self.write) {
                *cell = y + 1e-18;
            }
            self.write = if self.write + 1 < length { self.write + 1 } else { 0 };
            *x = if self.drive > 0.0 { 0.6 * (self.drive * 2.0 * y).tanh() } else { y };
        }
    }
}
