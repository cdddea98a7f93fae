//! [`Drum`]: the General MIDI percussion keys.

use std::f32::consts::TAU;

use super::filter::{Filter, Kind};
use super::noise::Noise;

/// A tone that falls in pitch and dies away.
#[derive(Debug, Clone, Copy)]
struct Fall {
    /// Hz at the start and later.
    from: f32,
    to: f32,
    /// The time constant between, in seconds.
    sweep: f32,
    /// Seconds to fall by 60 dB.
    ring: f32,
    level: f32,
}

/// A part made of noise or of metal.
#[derive(Debug, Clone, Copy)]
struct Burst {
    kind: Kind,
    hertz: f32,
    q: f32,
    ring: f32,
    level: f32,
}

/// How a key sounds.
#[derive(Debug, Clone, Copy)]
struct Recipe {
    tones: [Fall; 2],
    noise: Burst,
    metal: Burst,
    /// How often the noise is struck, and how many seconds apart.
    strokes: (u8, f32),
}

const NO_TONE: Fall = Fall { from: 0.0, to: 0.0, sweep: 0.01, ring: 0.01, level: 0.0 };
const NO_BURST: Burst = Burst { kind: Kind::High, hertz: 1000.0, q: 0.7, ring: 0.01, level: 0.0 };
const NOTHING: Recipe =
    Recipe { tones: [NO_TONE, NO_TONE], noise: NO_BURST, metal: NO_BURST, strokes: (1, 0.0) };

const fn fall(from: f32, to: f32, sweep: f32, ring: f32, level: f32) -> Fall {
    Fall { from, to, sweep, ring, level }
}

const fn burst(kind: Kind, hertz: f32, q: f32, ring: f32, level: f32) -> Burst {
    Burst { kind, hertz, q, ring, level }
}

/// A skin with a little of the stick.
const fn skin(hertz: f32, ring: f32, level: f32) -> Recipe {
    Recipe {
        tones: [
            fall(hertz * 1.5, hertz, 0.03, ring, level),
            fall(hertz * 2.4, hertz * 1.6, 0.03, ring * 0.4, level * 0.3),
        ],
        noise: burst(Kind::Band, hertz * 8.0, 0.7, 0.06, level * 0.35),
        ..NOTHING
    }
}

/// A pair of tones without a fall.
const fn pair(a: f32, b: f32, ring: f32, level: f32) -> Recipe {
    Recipe { tones: [fall(a, a, 0.01, ring, level), fall(b, b, 0.01, ring * 0.7, level * 0.6)], ..NOTHING }
}

const fn cymbal(corner: f32, ring: f32, metal: f32, noise: f32) -> Recipe {
    Recipe {
        metal: burst(Kind::High, corner, 0.8, ring, metal),
        noise: burst(Kind::High, corner * 0.8, 0.7, ring * 0.8, noise),
        ..NOTHING
    }
}

const fn rattle(hertz: f32, ring: f32, level: f32, strokes: (u8, f32)) -> Recipe {
    Recipe { noise: burst(Kind::Band, hertz, 1.0, ring, level), strokes, ..NOTHING }
}

fn recipe(key: u8) -> Recipe {
    match key {
        35 | 36 => Recipe {
            tones: [
                fall(if key == 36 { 170.0 } else { 130.0 }, 48.0, 0.028, 0.55, 1.15),
                fall(1800.0, 300.0, 0.004, 0.02, 0.3),
            ],
            noise: burst(Kind::Low, 2500.0, 0.7, 0.03, 0.25),
            ..NOTHING
        },
        31 | 37 => {
            Recipe { noise: burst(Kind::Band, 2200.0, 1.5, 0.07, 0.7), ..pair(1720.0, 480.0, 0.09, 0.4) }
        }
        38 | 40 => Recipe {
            tones: [fall(260.0, 185.0, 0.02, 0.22, 0.6), fall(440.0, 330.0, 0.02, 0.14, 0.35)],
            noise: burst(Kind::High, if key == 38 { 1400.0 } else { 2200.0 }, 0.6, 0.32, 0.55),
            ..NOTHING
        },
        39 => rattle(1250.0, 0.3, 1.6, (4, 0.011)),
        41 => skin(82.0, 0.7, 0.9),
        43 => skin(98.0, 0.65, 0.9),
        45 => skin(116.0, 0.6, 0.85),
        47 => skin(139.0, 0.55, 0.85),
        48 => skin(165.0, 0.5, 0.8),
        50 => skin(200.0, 0.45, 0.8),
        42 => cymbal(7000.0, 0.1, 0.9, 0.4),
        44 => cymbal(6000.0, 0.12, 0.7, 0.35),
        46 => cymbal(6500.0, 0.8, 0.45, 0.2),
        49 => cymbal(3600.0, 2.2, 0.35, 0.35),
        57 => cymbal(4200.0, 2.0, 0.35, 0.35),
        52 => cymbal(2600.0, 1.6, 0.5, 0.3),
        55 => cymbal(5000.0, 0.9, 0.35, 0.35),
        51 | 59 => Recipe {
            tones: [fall(5300.0, 5300.0, 0.1, 0.5, 0.07), fall(3170.0, 3170.0, 0.1, 0.4, 0.07)],
            ..cymbal(if key == 51 { 5200.0 } else { 4600.0 }, 1.6, 0.26, 0.08)
        },
        53 => Recipe {
            tones: [fall(2230.0, 2230.0, 0.1, 1.2, 0.22), fall(3410.0, 3410.0, 0.1, 1.0, 0.18)],
            ..cymbal(5200.0, 1.2, 0.15, 0.04)
        },
        54 => Recipe { strokes: (3, 0.018), ..cymbal(8000.0, 0.2, 0.3, 0.4) },
        56 => pair(545.0, 815.0, 0.35, 0.5),
        58 => rattle(3300.0, 0.16, 1.1, (14, 0.035)),
        60 => skin(420.0, 0.22, 0.75),
        61 => skin(310.0, 0.25, 0.8),
        62 => skin(340.0, 0.1, 0.9),
        63 => skin(330.0, 0.35, 0.75),
        64 => skin(220.0, 0.4, 0.8),
        65 => Recipe { metal: burst(Kind::Band, 3000.0, 1.0, 0.2, 0.2), ..skin(480.0, 0.35, 0.7) },
        66 => Recipe { metal: burst(Kind::Band, 2400.0, 1.0, 0.2, 0.2), ..skin(360.0, 0.4, 0.7) },
        67 => pair(940.0, 2560.0, 0.45, 0.45),
        68 => pair(700.0, 1910.0, 0.5, 0.45),
        69 => rattle(7000.0, 0.1, 0.8, (2, 0.03)),
        70 | 82 => rattle(8000.0, 0.08, 0.9, (1, 0.0)),
        71 => pair(2350.0, 2410.0, 0.3, 0.35),
        72 => pair(2350.0, 2410.0, 1.2, 0.35),
        73 => rattle(3500.0, 0.03, 1.1, (6, 0.012)),
        74 => rattle(3500.0, 0.03, 1.1, (16, 0.02)),
        75 => pair(2480.0, 2500.0, 0.08, 0.6),
        76 => pair(960.0, 1650.0, 0.12, 0.6),
        77 => pair(700.0, 1230.0, 0.14, 0.6),
        78 => Recipe { tones: [fall(420.0, 720.0, 0.05, 0.25, 0.6), NO_TONE], ..NOTHING },
        79 => Recipe { tones: [fall(600.0, 320.0, 0.1, 0.4, 0.6), NO_TONE], ..NOTHING },
        80 => pair(5150.0, 8010.0, 0.15, 0.35),
        81 => pair(5150.0, 8010.0, 1.8, 0.3),
        83 | 84 => Recipe { strokes: (5, 0.03), ..cymbal(8500.0, 0.3, 0.3, 0.25) },
        85 => pair(1500.0, 2300.0, 0.06, 0.7),
        86 => skin(120.0, 0.15, 1.0),
        87 => skin(75.0, 0.8, 0.95),
        _ => rattle(1000.0 + 40.0 * f32::from(key), 0.1, 0.9, (1, 0.0)),
    }
}

/// Where a drum of the kit stands, −1 (left)..=1, as the drummer's audience sees it.
pub(super) fn place(key: u8) -> f32 {
    match key {
        42 | 44 | 46 => 0.3,
        49 | 55 => 0.4,
        51 | 52 | 53 | 57 | 59 => -0.4,
        48 | 50 => 0.25,
        45 | 47 => 0.0,
        41 | 43 => -0.3,
        54 | 56 | 69 | 70 | 82 => -0.25,
        60..=68 => 0.2,
        _ => 0.0,
    }
}

/// Keys that silence each other: a hi-hat that closes, a whistle, a guiro, a cuica, a triangle, a surdo.
pub(super) fn group(key: u8) -> Option<u8> {
    match key {
        42 | 44 | 46 => Some(0),
        71 | 72 => Some(1),
        73 | 74 => Some(2),
        78 | 79 => Some(3),
        80 | 81 => Some(4),
        86 | 87 => Some(5),
        _ => None,
    }
}

#[derive(Debug)]
struct Tone {
    fall: Fall,
    phase: f32,
    excess: f32,
    excess_loss: f32,
    level: f32,
    loss: f32,
}

#[derive(Debug)]
struct Hiss {
    filter: Filter,
    level: f32,
    loss: f32,
}

/// A drum that has been struck.
#[derive(Debug)]
pub(super) struct Drum {
    tones: [Tone; 2],
    noise: Hiss,
    metal: Hiss,
    /// Phases of the squares that metal is made of; a cycle is 2^32.
    squares: [(u32, u32); 6],
    strokes_left: u8,
    stroke_frames: u32,
    until_stroke: u32,
    stroke_level: f32,
    source: Noise,
    sample_rate: f32,
    choke: f32,
    choked: f32,
}

impl Drum {
    pub(super) fn new(key: u8, force: f32, sample_rate: f32, source: Noise) -> Self {
        let recipe = recipe(key);
        let loss = |seconds: f32| 10_f32.powf(-3.0 / (seconds * sample_rate).max(1.0));
        let hiss = |burst: Burst, level: f32| {
            // Hit softly, a drum is duller.
            let hertz =
                if burst.kind == Kind::High { burst.hertz } else { burst.hertz * (0.7 + 0.3 * force) };
            Hiss {
                filter: Filter::new(burst.kind, hertz, burst.q, sample_rate),
                level: burst.level * level,
                loss: loss(burst.ring),
            }
        };
        let tone = |fall: Fall| Tone {
            fall,
            phase: 0.0,
            excess: fall.from - fall.to,
            excess_loss: (-1.0 / (fall.sweep * sample_rate)).exp(),
            level: fall.level,
            loss: loss(fall.ring),
        };
        // The oscillators of an early drum machine's cymbals, in Hz, an octave up.
        let squares = [411.0, 609.0, 739.0, 1045.0, 1080.0, 1600.0]
            .map(|hertz| (0, super::waves::step(hertz, sample_rate)));
        Self {
            tones: recipe.tones.map(tone),
            noise: hiss(recipe.noise, 0.7 + 0.3 * force),
            metal: hiss(recipe.metal, 1.0),
            squares,
            strokes_left: recipe.strokes.0.saturating_sub(1),
            stroke_frames: (recipe.strokes.1 * sample_rate) as u32,
            until_stroke: (recipe.strokes.1 * sample_rate) as u32,
            stroke_level: recipe.noise.level * (0.7 + 0.3 * force),
            source,
            sample_rate,
            choke: 1.0,
            choked: 1.0,
        }
    }

    /// Dies away within a few hundredths of a second.
    pub(super) fn choke(&mut self) {
        self.choke = 10_f32.powf(-3.0 / (0.03 * self.sample_rate));
    }

    pub(super) fn render(&mut self, out: &mut [f32]) {
        for x in out {
            let mut sum = 0.0;
            for tone in self.tones.iter_mut().filter(|t| t.level > 1e-5) {
                tone.phase += (tone.fall.to + tone.excess) / self.sample_rate;
                tone.phase -= tone.phase.floor();
                tone.excess *= tone.excess_loss;
                tone.level *= tone.loss;
                sum += tone.level * (TAU * tone.phase).sin();
            }
            if self.strokes_left > 0 {
                self.until_stroke = self.until_stroke.saturating_sub(1);
                if self.until_stroke == 0 {
                    self.strokes_left -= 1;
                    self.until_stroke = self.stroke_frames;
                    self.noise.level = self.stroke_level;
                }
            }
            if self.noise.level > 1e-5 {
                self.noise.level *= self.noise.loss;
                sum += self.noise.level * self.noise.filter.next(self.source.next());
            }
            if self.metal.level > 1e-5 {
                let mut square = 0.0;
                for (phase, step) in &mut self.squares {
                    *phase = phase.wrapping_add(*step);
                    square += if *phase < 1 << 31 { 0.25 } else { -0.25 };
                }
                self.metal.level *= self.metal.loss;
                sum += self.metal.level * self.metal.filter.next(square);
            }
            self.choked *= self.choke;
            *x = sum * self.choked;
        }
    }

    /// How strong it still is.
    pub(super) fn level(&self) -> f32 {
        let tones: f32 = self.tones.iter().map(|t| t.level).sum();
        let to_come = if self.strokes_left > 0 { 1.0 } else { 0.0 };
        self.choked * (tones + self.noise.level + self.metal.level + to_come)
    }
}
