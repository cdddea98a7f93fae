//! [`Envelope`]: attack, decay, sustain, release.

/// Times in seconds, the sustained level as a part of the peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Adsr {
    /// From silence to the peak, in a straight line.
    pub(super) attack: f32,
    /// The time constant of the fall to the sustained level.
    pub(super) decay: f32,
    pub(super) sustain: f32,
    /// From the level at release to a thousandth of it.
    pub(super) release: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Attack,
    Hold,
    Release,
}

/// The level of one note.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    stage: Stage,
    level: f32,
    rise: f32,
    sustain: f32,
    fall: f32,
    fade: f32,
}

/// Below this a note is over: −80 dB.
const SILENCE: f32 = 1e-4;

impl Envelope {
    pub(super) fn new(adsr: Adsr, sample_rate: f32) -> Self {
        let frames = |seconds: f32| (seconds * sample_rate).max(1.0);
        Self {
            stage: Stage::Attack,
            level: 0.0,
            rise: 1.0 / frames(adsr.attack),
            sustain: adsr.sustain,
            fall: 1.0 - (-1.0 / frames(adsr.decay)).exp(),
            fade: (-(1000_f32.ln()) / frames(adsr.release)).exp(),
        }
    }

    pub(super) fn release(&mut self) {
        self.stage = Stage::Release;
    }

    pub(super) fn is_released(&self) -> bool {
        self.stage == Stage::Release
    }

    /// Has it been let go, or faded by itself, and become too quiet to hear?
    pub(super) fn is_over(&self) -> bool {
        self.stage != Stage::Attack && self.level < SILENCE && (self.is_released() || self.sustain < SILENCE)
    }

    pub(super) fn level(&self) -> f32 {
        self.level
    }

    pub(super) fn next(&mut self) -> f32 {
        match self.stage {
            Stage::Attack => {
                self.level += self.rise;
                if self.level >= 1.0 {
                    self.level = 1.0;
                    self.stage = Stage::Hold;
                }
            }
            Stage::Hold => self.level += (self.sustain - self.level) * self.fall,
            Stage::Release => self.level *= self.fade,
        }
        self.level
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_levels_are_where_the_times_say() {
        let adsr = Adsr { attack: 0.1, decay: 0.2, sustain: 0.5, release: 0.3 };
        let mut envelope = Envelope::new(adsr, 1000.0);
        let levels: Vec<f32> = (0..600).map(|_| envelope.next()).collect();
        assert!((levels[49] - 0.5).abs() < 1e-3);
        assert!((levels[99] - 1.0).abs() < 1e-3);
        // One time constant after the peak: 0.5 + 0.5 / e.
        assert!((levels[299] - 0.683_9).abs() < 2e-3);
        envelope.release();
        let from = envelope.level();
        let level = (0..300).map(|_| envelope.next()).last().unwrap();
        assert!((level / from - 0.001).abs() < 1e-5);
        assert!(!envelope.is_over());
        // From 0.52 to the ten-thousandth that is silence are 74 dB: at 60 dB in 300 frames, 372 frames.
        (0..70).for_each(|_| _ = envelope.next());
        assert!(!envelope.is_over());
        (0..6).for_each(|_| _ = envelope.next());
        assert!(envelope.is_over());
    }
}
