//! [`Synth`]: the built-in synthesiser.
//!
//! General MIDI programs by their families: read cycles with few enough harmonics, plucked strings, partials that ring,
//! noise; drums by their keys. Everything is made from numbers in this module, and the same every time.

mod drums;
mod envelope;
mod filter;
mod noise;
mod partials;
mod patch;
mod pluck;
mod voice;
mod waves;

use deepcompose_core::Track;

use crate::reverb::Reverb;
use crate::timeline::Event;
use voice::{Surroundings, Voice};
use waves::Waves;

/// Notes that sound at once, at most; of more, the quietest give way.
pub(crate) const VOICES: usize = 160;
/// Frames that are rendered with one set of control values, at most.
pub(crate) const GRAIN: usize = 64;
/// The level of one loud note, so that a band stays under the limiter.
const HEADROOM: f32 = 0.42;

/// The state of a track's channel.
#[derive(Debug, Clone)]
struct Channel {
    program: u8,
    is_drum: bool,
    gain: f32,
    volume: u8,
    expression: u8,
    pan: u8,
    modulation: u8,
    reverb: u8,
    /// −8192..=8191.
    bend: i16,
    /// Semitones and cents.
    bend_range: (u8, u8),
    /// The parameter that data entry sets; 127, 127 is none.
    parameter: (u8, u8),
}

impl Channel {
    fn new(track: &Track, gain: f32) -> Self {
        Self {
            program: track.program().get(),
            is_drum: track.is_drum(),
            gain,
            volume: 100,
            expression: 127,
            pan: 64,
            modulation: 0,
            reverb: 40,
            bend: 0,
            bend_range: (2, 0),
            parameter: (127, 127),
        }
    }

    fn control(&mut self, controller: u8, value: u8) {
        match controller {
            1 => self.modulation = value,
            6 if self.parameter == (0, 0) => self.bend_range.0 = value,
            7 => self.volume = value,
            10 => self.pan = value,
            11 => self.expression = value,
            38 if self.parameter == (0, 0) => self.bend_range.1 = value,
            91 => self.reverb = value,
            98 | 99 => self.parameter = (127, 127),
            100 => self.parameter.1 = value,
            101 => self.parameter.0 = value,
            // Reset all controllers, as RP-015 has it.
            121 => {
                self.modulation = 0;
                self.expression = 127;
                self.bend = 0;
                self.parameter = (127, 127);
            }
            _ => {}
        }
    }

    fn semitones(&self) -> f32 {
        let range = f32::from(self.bend_range.0) + f32::from(self.bend_range.1) / 100.0;
        f32::from(self.bend) / 8192.0 * range
    }

    /// Volume and expression go by 40 log (General MIDI level 2), the pan by equal power.
    fn gains(&self, place: f32) -> (f32, f32) {
        let square = |x: u8| (f32::from(x) / 127.0).powi(2);
        let gain = self.gain * square(self.volume) * square(self.expression);
        let pan = (f32::from(self.pan.max(1)) - 64.0) / 63.0;
        // A drum or a key stands aside within what the pan leaves.
        let pan = (pan + place * (1.0 - pan.abs())).clamp(-1.0, 1.0);
        let angle = (pan + 1.0) * std::f32::consts::FRAC_PI_4;
        (gain * angle.cos(), gain * angle.sin())
    }
}

#[derive(Debug)]
pub(crate) struct Synth {
    sample_rate: f32,
    channels: Vec<Channel>,
    voices: Vec<Voice>,
    waves: Waves,
    reverb: Reverb,
    reverb_gain: f32,
    gain: f32,
}

impl Synth {
    pub(crate) fn new(tracks: &[Track], gains: &[f32], sample_rate: u32, gain: f32, reverb: f32) -> Self {
        Self {
            sample_rate: sample_rate as f32,
            channels: tracks.iter().zip(gains).map(|(track, gain)| Channel::new(track, *gain)).collect(),
            voices: Vec::with_capacity(VOICES),
            waves: Waves::new(sample_rate as f32),
            reverb: Reverb::new(sample_rate),
            // The usual send is 40 of 127.
            reverb_gain: reverb * 127.0 / 40.0,
            gain: gain * HEADROOM,
        }
    }

    pub(crate) fn event(&mut self, track: u32, event: Event) {
        let track = track as usize;
        let Some(channel) = self.channels.get_mut(track) else { return };
        match event {
            Event::Control { controller: 120, .. } => self.voices.retain(|v| v.track != track),
            Event::Control { controller: 123..=127, .. } => {
                self.voices.iter_mut().filter(|v| v.track == track).for_each(Voice::release);
            }
            Event::Control { controller, value } => channel.control(controller, value),
            Event::Bend(bend) => channel.bend = bend,
            Event::NoteOff { id, .. } => {
                let mut of_note = self.voices.iter_mut().filter(|v| v.track == track && v.id == id);
                of_note.by_ref().for_each(Voice::release);
            }
            Event::NoteOn { id, pitch, velocity } => {
                let (program, is_drum) = (channel.program, channel.is_drum);
                if let Some(group) = drums::group(pitch).filter(|_| is_drum) {
                    let same = |v: &&mut Voice| v.is_drum && drums::group(v.pitch) == Some(group);
                    self.voices.iter_mut().filter(same).for_each(Voice::choke);
                }
                let voice = Voice::new((track, id), program, is_drum, (pitch, velocity), self.sample_rate);
                self.start(voice);
            }
        }
    }

    fn start(&mut self, voice: Voice) {
        if self.voices.len() < VOICES {
            self.voices.push(voice);
            return;
        }
        let lightest = self.voices.iter_mut().min_by(|a, b| a.weight().total_cmp(&b.weight()));
        if let Some(least) = lightest.filter(|least| least.weight() <= voice.weight()) {
            *least = voice;
        }
    }

    /// Adds at most [`GRAIN`] frames to `left` and `right`.
    pub(crate) fn render(&mut self, left: &mut [f32], right: &mut [f32]) {
        let frames = left.len().min(right.len()).min(GRAIN);
        let mut scratch = [0.0; GRAIN];
        let mut send = [0.0; GRAIN];
        // Gains move to their new value with a time constant of 5 ms.
        let stay = (-(frames as f32) / (0.005 * self.sample_rate)).exp();
        for voice in &mut self.voices {
            let Some(channel) = self.channels.get(voice.track) else { continue };
            let mut around = Surroundings {
                waves: &mut self.waves,
                sample_rate: self.sample_rate,
                bend: channel.semitones(),
                modulation: f32::from(channel.modulation) / 127.0,
            };
            let out = scratch.get_mut(..frames).unwrap_or_default();
            voice.render(out, &mut around);
            let (l, r) = channel.gains(voice.place);
            let goal = (l * self.gain, r * self.gain);
            let before = voice.gains.unwrap_or(goal);
            let after = (goal.0 + (before.0 - goal.0) * stay, goal.1 + (before.1 - goal.1) * stay);
            voice.gains = Some(after);
            let slope = 1.0 / frames.max(1) as f32;
            let wet = self.reverb_gain * f32::from(channel.reverb) / 127.0;
            for (i, (((x, l), r), s)) in
                out.iter().zip(left.iter_mut()).zip(right.iter_mut()).zip(&mut send).enumerate()
            {
                let part = (i + 1) as f32 * slope;
                let (a, b) = (
                    x * (before.0 + (after.0 - before.0) * part),
                    x * (before.1 + (after.1 - before.1) * part),
                );
                *l += a;
                *r += b;
                *s += (a + b) * wet;
            }
        }
        self.voices.retain(|v| !v.is_over());
        if self.reverb_gain > 0.0 {
            self.reverb.process(send.get(..frames).unwrap_or_default(), left, right);
        }
    }
}
