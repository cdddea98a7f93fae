//! [`Partials`]: bodies that are struck and ring.

use std::f32::consts::{PI, TAU};

use super::patch::Body;

/// Partials at most.
const MOST: usize = 24;

/// A sum of sines that die away, each a number turned and shrunk in every frame.
#[derive(Debug)]
pub(super) struct Partials {
    re: [f32; MOST],
    im: [f32; MOST],
    cos: [f32; MOST],
    sin: [f32; MOST],
    /// Radians and loss in a frame.
    turns: [(f32, f32); MOST],
    ratio: f32,
}

/// Frequency in parts of the note's, amplitude, seconds to fall by 60 dB.
type Partial = (f32, f32, f32);

impl Partials {
    pub(super) fn new(body: Body, pitch: u8, hertz: f32, force: f32, sample_rate: f32) -> Self {
        let partials: Vec<Partial> = of(body, pitch, force)
            .into_iter()
            .filter(|(ratio, _, _)| ratio * hertz < 0.45 * sample_rate)
            .take(MOST)
            .collect();
        let power: f32 = partials.iter().map(|(_, amplitude, _)| amplitude * amplitude / 2.0).sum();
        let scale = 0.3 / power.sqrt().max(1e-6);
        let mut made = Self {
            re: [0.0; MOST],
            im: [0.0; MOST],
            cos: [0.0; MOST],
            sin: [0.0; MOST],
            turns: [(0.0, 0.0); MOST],
            ratio: 0.0,
        };
        let slots = made.re.iter_mut().zip(&mut made.turns);
        for ((re, turn), (ratio, amplitude, ring)) in slots.zip(partials) {
            *re = amplitude * scale;
            *turn = (TAU * ratio * hertz / sample_rate, 10_f32.powf(-3.0 / (ring * sample_rate)));
        }
        made
    }

    /// Fills `out`, with the pitch at `ratio` times what it was.
    pub(super) fn render(&mut self, out: &mut [f32], ratio: f32) {
        if ratio != self.ratio {
            self.ratio = ratio;
            for ((cos, sin), (turn, loss)) in self.cos.iter_mut().zip(&mut self.sin).zip(self.turns) {
                let turn = (turn * ratio).min(0.9 * PI);
                (*cos, *sin) = (turn.cos() * loss, turn.sin() * loss);
            }
        }
        for x in out {
            let mut sums = [0.0; 8];
            for (((re, im), (cos, sin)), at) in
                self.re.iter_mut().zip(&mut self.im).zip(self.cos.iter().zip(&self.sin)).zip(0..MOST)
            {
                let turned = *re * cos - *im * sin;
                *im = *re * sin + *im * cos;
                *re = turned;
                sums[at % 8] += *im;
            }
            *x = sums.iter().sum();
        }
    }

    /// How strong it still is, against 1 at the start.
    pub(super) fn level(&self) -> f32 {
        let power: f32 = self.re.iter().zip(&self.im).map(|(re, im)| re * re + im * im).sum();
        (power / 2.0).sqrt() / 0.3
    }
}

/// Rings shorter the higher it is, from `seconds` at the A of 220 Hz.
fn ring(seconds: f32, pitch: u8) -> f32 {
    seconds * 2_f32.powf((57.0 - f32::from(pitch)) / 20.0)
}

fn of(body: Body, pitch: u8, force: f32) -> Vec<Partial> {
    let table = |rows: &[Partial], seconds: f32| -> Vec<Partial> {
        rows.iter()
            .map(|(ratio, amplitude, part)| (*ratio, *amplitude, ring(seconds, pitch) * part))
            .collect()
    };
    match body {
        Body::Piano => strings(pitch, force, 0.3),
        Body::BrightPiano => strings(pitch, force, 0.12),
        Body::ElectricPiano => table(
            &[
                (1.0, 1.0, 1.0),
                (2.0, 0.3 * force, 0.6),
                (3.0, 0.18 * force, 0.4),
                (4.0, 0.08 * force, 0.3),
                (14.2, 0.18 * force, 0.06),
            ],
            4.5,
        ),
        Body::Marimba => table(&[(1.0, 1.0, 1.0), (3.98, 0.3 * force, 0.25), (9.9, 0.12 * force, 0.1)], 0.9),
        Body::Vibraphone => {
            table(&[(1.0, 1.0, 1.0), (4.0, 0.25 * force, 0.4), (10.0, 0.08 * force, 0.1)], 6.0)
        }
        // Ratios of a free bar: Fletcher and Rossing, The Physics of Musical Instruments, section 2.
        Body::Glockenspiel => table(
            &[(1.0, 1.0, 1.0), (2.756, 0.4, 0.5), (5.404, 0.3 * force, 0.25), (8.933, 0.15 * force, 0.12)],
            5.0,
        ),
        Body::Bell => table(
            &[
                (0.5, 0.5, 1.4),
                (1.0, 1.0, 1.0),
                (1.2, 0.35, 0.8),
                (1.5, 0.3, 0.6),
                (2.0, 0.7, 0.6),
                (2.67, 0.3 * force, 0.4),
                (3.0, 0.3 * force, 0.35),
                (4.0, 0.25 * force, 0.25),
            ],
            6.0,
        ),
        Body::SteelDrum => table(
            &[(1.0, 1.0, 1.0), (2.0, 0.6, 0.8), (3.01, 0.3 * force, 0.4), (4.1, 0.2 * force, 0.25)],
            1.6,
        ),
        // The preferred modes of kettledrums, the same book, section 18.
        Body::Membrane => table(
            &[
                (1.0, 1.0, 1.0),
                (1.5, 0.5, 0.8),
                (1.98, 0.35 * force, 0.6),
                (2.44, 0.2 * force, 0.5),
                (0.85, 0.3, 0.15),
            ],
            0.9,
        ),
        Body::Block => table(&[(1.0, 1.0, 1.0), (2.6, 0.5, 0.6), (4.2, 0.3 * force, 0.4)], 0.3),
    }
}

/// Struck strings: stiff, so that partials are a little sharp, and two a note, so that they beat.
fn strings(pitch: u8, force: f32, softness: f32) -> Vec<Partial> {
    let height = (f32::from(pitch) - 21.0) / 88.0;
    let stiffness = 4e-5 * 2_f32.powf((f32::from(pitch) - 33.0) / 10.0).min(12.0);
    let slope = softness + 0.35 * height + 0.4 * (1.0 - force);
    let mut partials = Vec::with_capacity(MOST);
    for k in 1..=16_u8 {
        let n = f32::from(k);
        // The hammer strikes at an eighth of the length.
        let amplitude = (-(n - 1.0) * slope).exp() * ((PI * n / 8.0).sin().abs() + 0.08);
        let ratio = n * ((1.0 + stiffness * n * n) / (1.0 + stiffness)).sqrt();
        let seconds = ring(6.0, pitch) / (1.0 + 0.3 * (n - 1.0));
        if k <= 8 {
            // A third of a cent each side: together in tune.
            partials.push((ratio * 0.999_8, amplitude * 0.55, seconds));
            partials.push((ratio * 1.000_2, amplitude * 0.45, seconds * 0.7));
        } else {
            partials.push((ratio, amplitude, seconds));
        }
    }
    partials
}
