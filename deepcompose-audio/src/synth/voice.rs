//! [`Voice`]: one sounding note.

use super::drums::{self, Drum};
use super::envelope::{Adsr, Envelope};
use super::filter::{Filter, Kind};
use super::noise::Noise;
use super::partials::Partials;
use super::patch::{Body, Patch, Source, Vibrato};
use super::pluck::{self, Pluck};
use super::waves::{Spectrum, Waves, at, step};

/// Cycles that are read over and over.
#[derive(Debug)]
struct Wave {
    bright: Spectrum,
    dark: Spectrum,
    brightness: (f32, f32, f32),
    /// A phase and a ratio to the note's pitch each.
    oscillators: Vec<(u32, f32)>,
}

#[derive(Debug)]
enum Tone {
    Wave(Wave),
    Pluck(Box<Pluck>),
    Partials(Box<Partials>),
    Noise(Filter),
    Drum(Box<Drum>),
}

/// What a voice needs to know to sound.
pub(super) struct Surroundings<'a> {
    pub(super) waves: &'a mut Waves,
    pub(super) sample_rate: f32,
    /// In semitones.
    pub(super) bend: f32,
    /// The modulation wheel, 0..=1.
    pub(super) modulation: f32,
}

#[derive(Debug)]
pub(super) struct Voice {
    pub(super) track: usize,
    pub(super) id: u32,
    pub(super) pitch: u8,
    pub(super) is_drum: bool,
    /// Where it stands, −1..=1.
    pub(super) place: f32,
    /// The gains left and right that were last used.
    pub(super) gains: Option<(f32, f32)>,
    force: f32,
    loudness: f32,
    patch: Patch,
    envelope: Envelope,
    /// Made when it first sounds: of very many notes at once most never do.
    tone: Option<Tone>,
    noise: Noise,
    frames: u64,
}

impl Voice {
    pub(super) fn new(
        (track, id): (usize, u32),
        program: u8,
        is_drum: bool,
        (pitch, velocity): (u8, u8),
        sample_rate: f32,
    ) -> Self {
        let mut patch = Patch::of(program);
        if is_drum {
            // Drums ring as they do, whenever they are let go.
            patch = Patch {
                envelope: Adsr { attack: 0.0002, decay: 1.0, sustain: 1.0, release: 1.0 },
                tremolo: 0.0,
                gain: 1.0,
                ..patch
            };
        }
        let force = f32::from(velocity) / 127.0;
        let place = match patch.source {
            _ if is_drum => drums::place(pitch),
            // As a player hears a piano: low strings on the left.
            Source::Partials(Body::Piano | Body::BrightPiano) => (f32::from(pitch) - 64.0) / 160.0,
            _ => 0.0,
        };
        Self {
            track,
            id,
            pitch,
            is_drum,
            place,
            gains: None,
            force,
            loudness: force.powf(1.6) * patch.gain,
            patch,
            envelope: Envelope::new(patch.envelope, sample_rate),
            tone: None,
            noise: Noise::new(
                id.wrapping_mul(128).wrapping_add(u32::from(pitch)).wrapping_add(track as u32 * 7919),
            ),
            frames: 0,
        }
    }

    pub(super) fn release(&mut self) {
        if !self.is_drum {
            self.envelope.release();
        }
    }

    /// Silenced by another drum of its group.
    pub(super) fn choke(&mut self) {
        if let Some(Tone::Drum(drum)) = &mut self.tone {
            drum.choke();
        }
    }

    /// How much would be missed: those let go least.
    pub(super) fn weight(&self) -> f32 {
        let level = if self.tone.is_none() { 1.0 } else { self.envelope.level() * self.ring() };
        self.loudness * level * if self.envelope.is_released() { 0.25 } else { 1.0 }
    }

    pub(super) fn is_over(&self) -> bool {
        self.tone.is_some() && (self.envelope.is_over() || self.ring() < 1e-4)
    }

    /// What is left of a tone that dies by itself, against 1 at the start.
    fn ring(&self) -> f32 {
        match &self.tone {
            Some(Tone::Partials(partials)) => partials.level(),
            Some(Tone::Drum(drum)) => drum.level(),
            _ => 1.0,
        }
    }

    fn hertz(&self) -> f32 {
        440.0 * 2_f32.powf((f32::from(self.pitch) - 69.0) / 12.0)
    }

    fn build(&mut self, sample_rate: f32) -> Tone {
        if self.is_drum {
            return Tone::Drum(Box::new(Drum::new(self.pitch, self.force, sample_rate, self.noise.clone())));
        }
        let hertz = self.hertz();
        match self.patch.source {
            Source::Wave { bright, dark, brightness, unison: (count, cents) } => {
                let middle = (count.max(1) - 1) as f32 / 2.0;
                let oscillator = |i: usize| {
                    let ratio = 2_f32.powf((i as f32 - middle) * cents / 1200.0);
                    // Not all begin together, or a note would begin louder than it goes on.
                    ((i as u32).wrapping_mul(0x5A82_7999), ratio)
                };
                let oscillators = (0..count.max(1)).map(oscillator).collect();
                let brightness = (brightness.0 * (0.4 + 0.6 * self.force), brightness.1, brightness.2);
                Tone::Wave(Wave { bright, dark, brightness, oscillators })
            }
            Source::Pluck { ring, damping, position, drive } => {
                let string = pluck::String { hertz, ring, damping, position, drive, force: self.force };
                match Pluck::new(string, sample_rate, self.noise.clone()) {
                    Some(pluck) => Tone::Pluck(Box::new(pluck)),
                    None => {
                        let short = Adsr { attack: 0.0005, decay: 0.06, sustain: 0.0, release: 0.05 };
                        self.envelope = Envelope::new(short, sample_rate);
                        let (bright, dark) = (Spectrum::Sine, Spectrum::Sine);
                        let oscillators = vec![(0, 1.0)];
                        Tone::Wave(Wave { bright, dark, brightness: (0.0, 0.0, 1.0), oscillators })
                    }
                }
            }
            Source::Partials(body) => {
                Tone::Partials(Box::new(Partials::new(body, self.pitch, hertz, self.force, sample_rate)))
            }
            Source::Noise { hertz, q } => {
                let centre = hertz * 2_f32.powf((f32::from(self.pitch) - 60.0) / 24.0);
                Tone::Noise(Filter::new(Kind::Band, centre, q, sample_rate))
            }
        }
    }

    /// Fills `out`, in mono.
    pub(super) fn render(&mut self, out: &mut [f32], around: &mut Surroundings<'_>) {
        let sample_rate = around.sample_rate;
        let mut tone = match self.tone.take() {
            Some(tone) => tone,
            None => self.build(sample_rate),
        };
        let seconds = self.frames as f32 / sample_rate;
        let ratio = 2_f32.powf((around.bend + self.vibrato(seconds, around.modulation) / 100.0) / 12.0);
        match &mut tone {
            Tone::Wave(wave) => wave.render(out, self.hertz() * ratio, seconds, around),
            Tone::Pluck(pluck) => pluck.render(out, ratio),
            Tone::Partials(partials) => partials.render(out, ratio),
            Tone::Noise(filter) => out.iter_mut().for_each(|x| *x = filter.next(self.noise.next()) * 1.4),
            Tone::Drum(drum) => drum.render(out),
        }
        self.tone = Some(tone);
        let wave = (seconds * 5.0 * std::f32::consts::TAU).sin();
        let loudness = self.loudness * (1.0 - self.patch.tremolo * (0.5 - 0.5 * wave));
        let breath = self.patch.breath;
        for x in out.iter_mut() {
            if breath > 0.0 && !self.is_drum {
                *x += breath * self.noise.next();
            }
            *x *= self.envelope.next() * loudness;
        }
        self.frames += out.len() as u64;
    }

    /// In cents.
    fn vibrato(&self, seconds: f32, modulation: f32) -> f32 {
        let Vibrato { hertz, cents, delay } = self.patch.vibrato;
        if self.is_drum || (cents == 0.0 && modulation == 0.0) {
            return 0.0;
        }
        let there = ((seconds - delay) / 0.4).clamp(0.0, 1.0);
        (cents * there + 50.0 * modulation) * (seconds * hertz * std::f32::consts::TAU).sin()
    }
}

impl Wave {
    fn render(&mut self, out: &mut [f32], hertz: f32, seconds: f32, around: &mut Surroundings<'_>) {
        out.fill(0.0);
        let (from, to, time) = self.brightness;
        let brightness = to + (from - to) * (-seconds / time).exp();
        let scale = 1.0 / (self.oscillators.len() as f32).sqrt();
        let tables = (around.waves.table(self.bright, hertz), around.waves.table(self.dark, hertz));
        let (Some(bright), Some(dark)) = tables else { return };
        for (phase, ratio) in &mut self.oscillators {
            let step = step(hertz * *ratio, around.sample_rate);
            for x in out.iter_mut() {
                let soft = at(&dark, *phase);
                *x += scale * (soft + brightness * (at(&bright, *phase) - soft));
                *phase = phase.wrapping_add(step);
            }
        }
    }
}
