//! [`Reverb`]: a room.

/// Delays of the network in seconds, no two with a common period.
const DELAYS: [f32; 8] = [0.0297, 0.0371, 0.0411, 0.0437, 0.0533, 0.0601, 0.0687, 0.0719];

/// A feedback delay network of eight lines with a Householder matrix (Jot and Chaigne 1991), damped in the treble.
#[derive(Debug)]
pub(crate) struct Reverb {
    lines: [Line; 8],
}

#[derive(Debug)]
struct Line {
    buffer: Vec<f32>,
    at: usize,
    gain: f32,
    damped: f32,
}

impl Reverb {
    /// A room in which a sound takes about 1.4 seconds to fall by 60 dB.
    pub(crate) fn new(sample_rate: u32) -> Self {
        let lines = DELAYS.map(|seconds| {
            let frames = ((seconds * sample_rate as f32) as usize).max(1);
            Line { buffer: vec![0.0; frames], at: 0, gain: 10_f32.powf(-3.0 * seconds / 1.4), damped: 0.0 }
        });
        Self { lines }
    }

    /// Adds the room's answer to `send`.
    pub(crate) fn process(&mut self, send: &[f32], left: &mut [f32], right: &mut [f32]) {
        for ((x, l), r) in send.iter().zip(left).zip(right) {
            let mut heard = [0.0; 8];
            for (y, line) in heard.iter_mut().zip(&mut self.lines) {
                let out = line.buffer.get(line.at).copied().unwrap_or_default();
                line.damped += 0.55 * (out - line.damped);
                *y = line.damped * line.gain;
            }
            let mixed = heard.iter().sum::<f32>() * 0.25;
            for (index, (y, line)) in heard.iter().zip(&mut self.lines).enumerate() {
                if let Some(cell) = line.buffer.get_mut(line.at) {
                    // The tiny number keeps what dies away from becoming denormal and slow.
                    *cell = x + y - mixed + 1e-18;
                }
                line.at = if line.at + 1 < line.buffer.len() { line.at + 1 } else { 0 };
                let sign = if index & 2 == 0 { 0.35 } else { -0.35 };
                if index % 2 == 0 { *l += sign * y } else { *r += sign * y }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impulse_dies_away_at_the_stated_rate_or_faster() {
        let mut reverb = Reverb::new(44_100);
        let mut send = vec![0.0; 88_200];
        send[0] = 1.0;
        let (mut left, mut right) = (vec![0.0; 88_200], vec![0.0; 88_200]);
        reverb.process(&send, &mut left, &mut right);
        let energy = |from: f64, to: f64| {
            let range = (from * 44_100.0) as usize..(to * 44_100.0) as usize;
            left[range].iter().map(|x| x * x).sum::<f32>()
        };
        // 60 dB in 1.4 s is 43 dB in a second: a factor of at least 10^4.
        assert!(energy(0.1, 0.3) > 0.0);
        assert!(energy(1.1, 1.3) < 1e-4 * energy(0.1, 0.3));
        assert_ne!(left, right);
    }
}
