//! [`Patch`]: how each General MIDI program sounds.

use super::envelope::Adsr;
use super::waves::Spectrum;

/// An instrument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Patch {
    pub(super) source: Source,
    pub(super) envelope: Adsr,
    pub(super) vibrato: Vibrato,
    /// A wave in loudness, five times a second, as a part of it.
    pub(super) tremolo: f32,
    /// Breath or bow noise, as a part of the tone.
    pub(super) breath: f32,
    pub(super) gain: f32,
}

/// Where the tone comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    /// A cycle read over and over, from a bright one to a dark one.
    Wave {
        bright: Spectrum,
        dark: Spectrum,
        /// How bright at the start and later, 0..=1, and the time constant in seconds between.
        brightness: (f32, f32, f32),
        /// How many play together, and how far apart in cents.
        unison: (usize, f32),
    },
    /// A plucked string (Karplus and Strong 1983, with the extensions of Jaffe and Smith 1983).
    Pluck {
        /// Seconds for the A of 110 Hz to fall by 60 dB.
        ring: f32,
        /// Treble lost on each turn, 0 (none)..=0.5 (all).
        damping: f32,
        /// Where it is plucked, as a part of its length.
        position: f32,
        /// Overdrive, 0 for none.
        drive: f32,
    },
    /// Partials that ring and die: bars, bells, tines, and the strings of a piano.
    Partials(Body),
    /// Noise about a frequency, in Hz, that the key moves a little; with the width of the band.
    Noise { hertz: f32, q: f32 },
}

/// Which partials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// Stiff strings, struck.
    Piano,
    /// Brighter: upright, honky-tonk.
    BrightPiano,
    /// A tine and its bell.
    ElectricPiano,
    /// A bar tuned to 1 : 4 : 10, of wood.
    Marimba,
    /// The same of metal, ringing.
    Vibraphone,
    /// A free metal bar.
    Glockenspiel,
    /// A tube, or a church bell.
    Bell,
    /// A tuned pan.
    SteelDrum,
    /// A skin.
    Membrane,
    /// A block of wood, a bell without pitch.
    Block,
}

/// A wave in pitch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Vibrato {
    pub(super) hertz: f32,
    pub(super) cents: f32,
    /// Seconds until it is there.
    pub(super) delay: f32,
}

const STILL: Vibrato = Vibrato { hertz: 5.0, cents: 0.0, delay: 0.4 };
const GENTLE: Vibrato = Vibrato { hertz: 5.2, cents: 7.0, delay: 0.5 };
const WIDE: Vibrato = Vibrato { hertz: 5.6, cents: 12.0, delay: 0.45 };

const fn adsr(attack: f32, decay: f32, sustain: f32, release: f32) -> Adsr {
    Adsr { attack, decay, sustain, release }
}

const fn struck(body: Body, release: f32, gain: f32) -> Patch {
    Patch {
        source: Source::Partials(body),
        envelope: adsr(0.001, 1.0, 1.0, release),
        vibrato: STILL,
        tremolo: 0.0,
        breath: 0.0,
        gain,
    }
}

const fn plucked(ring: f32, damping: f32, position: f32, gain: f32) -> Patch {
    Patch {
        source: Source::Pluck { ring, damping, position, drive: 0.0 },
        envelope: adsr(0.0005, 1.0, 1.0, 0.12),
        vibrato: STILL,
        tremolo: 0.0,
        breath: 0.0,
        gain,
    }
}

const fn driven(drive: f32, gain: f32) -> Patch {
    let string = plucked(9.0, 0.16, 0.22, gain);
    Patch { source: Source::Pluck { ring: 9.0, damping: 0.16, position: 0.22, drive }, ..string }
}

const fn wave(bright: Spectrum, dark: Spectrum, brightness: (f32, f32, f32), envelope: Adsr) -> Patch {
    Patch {
        source: Source::Wave { bright, dark, brightness, unison: (1, 0.0) },
        envelope,
        vibrato: STILL,
        tremolo: 0.0,
        breath: 0.0,
        gain: 1.0,
    }
}

const fn together(patch: Patch, count: usize, cents: f32) -> Patch {
    match patch.source {
        Source::Wave { bright, dark, brightness, .. } => {
            Patch { source: Source::Wave { bright, dark, brightness, unison: (count, cents) }, ..patch }
        }
        _ => patch,
    }
}

const fn noise(hertz: f32, q: f32, envelope: Adsr) -> Patch {
    Patch {
        source: Source::Noise { hertz, q },
        envelope,
        vibrato: STILL,
        tremolo: 0.0,
        breath: 0.0,
        gain: 1.0,
    }
}

impl Patch {
    /// The instrument of a program, counted from zero.
    pub(super) fn of(program: u8) -> Self {
        match program {
            0..=15 => keys(program),
            16..=23 => organs(program),
            24..=39 => strings_plucked(program),
            40..=55 => strings_and_voices(program),
            56..=79 => winds(program),
            80..=103 => synthesisers(program),
            104..=111 => folk(program),
            _ => percussion_and_effects(program),
        }
    }
}

fn keys(program: u8) -> Patch {
    match program {
        0 | 2 => struck(Body::Piano, 0.22, 1.0),
        1 | 3 => struck(Body::BrightPiano, 0.22, 0.9),
        4 | 5 => struck(Body::ElectricPiano, 0.25, 0.9),
        6 => plucked(5.0, 0.05, 0.11, 0.8),
        7 => plucked(3.0, 0.1, 0.07, 0.85),
        8..=10 => struck(Body::Glockenspiel, 1.6, 0.6),
        11 => Patch { tremolo: 0.25, ..struck(Body::Vibraphone, 0.9, 0.8) },
        12 | 13 => struck(Body::Marimba, 0.6, 1.0),
        14 => struck(Body::Bell, 3.0, 0.6),
        _ => plucked(4.0, 0.12, 0.15, 0.9),
    }
}

fn organs(program: u8) -> Patch {
    let held = adsr(0.008, 0.1, 1.0, 0.06);
    let turning = Vibrato { hertz: 6.2, cents: 4.0, delay: 0.3 };
    match program {
        19 => Patch {
            gain: 0.6,
            ..together(
                wave(Spectrum::Organ, Spectrum::SoftOrgan, (0.7, 0.7, 1.0), adsr(0.04, 0.1, 1.0, 0.25)),
                2,
                3.0,
            )
        },
        20..=23 => Patch {
            gain: 0.55,
            ..together(
                wave(Spectrum::Nasal, Spectrum::SoftSaw, (0.6, 0.5, 0.3), adsr(0.04, 0.1, 1.0, 0.09)),
                2,
                if program == 22 { 0.0 } else { 7.0 },
            )
        },
        _ => Patch {
            vibrato: turning,
            tremolo: 0.06,
            gain: 0.6,
            ..wave(Spectrum::Organ, Spectrum::SoftOrgan, (1.0, 0.85, 0.1), held)
        },
    }
}

fn strings_plucked(program: u8) -> Patch {
    let bass = |bright, release| Patch {
        gain: 1.1,
        ..wave(bright, Spectrum::Mellow, (0.8, 0.15, 0.25), adsr(0.004, 1.6, 0.35, release))
    };
    match program {
        24 => plucked(4.0, 0.3, 0.3, 1.05),
        25 => plucked(6.0, 0.14, 0.2, 0.95),
        26 => plucked(5.0, 0.36, 0.35, 1.1),
        27 => plucked(7.0, 0.2, 0.25, 1.0),
        28 => Patch { envelope: adsr(0.0005, 0.06, 0.0, 0.05), ..plucked(2.0, 0.4, 0.2, 1.4) },
        29 => driven(3.0, 0.62),
        30 => driven(9.0, 0.5),
        31 => plucked(8.0, 0.08, 0.5, 0.9),
        32 => plucked(3.5, 0.42, 0.35, 1.5),
        33 => plucked(6.0, 0.36, 0.3, 1.45),
        34 => plucked(7.0, 0.22, 0.15, 1.3),
        35 => plucked(8.0, 0.32, 0.4, 1.4),
        36 | 37 => plucked(4.0, 0.15, 0.08, 1.25),
        38 => bass(Spectrum::Saw, 0.08),
        _ => bass(Spectrum::Square, 0.08),
    }
}

fn strings_and_voices(program: u8) -> Patch {
    let bowed = |attack, cents| Patch {
        vibrato: GENTLE,
        breath: 0.02,
        gain: 0.75,
        ..together(
            wave(Spectrum::Saw, Spectrum::Mellow, (0.2, 0.5, 0.15), adsr(attack, 0.3, 0.85, 0.18)),
            1,
            cents,
        )
    };
    let section = |attack, cents| Patch {
        gain: 0.7,
        vibrato: GENTLE,
        ..together(
            wave(Spectrum::SoftSaw, Spectrum::Mellow, (0.3, 0.75, 0.3), adsr(attack, 0.5, 0.9, 0.35)),
            3,
            cents,
        )
    };
    let voices = Patch {
        vibrato: GENTLE,
        breath: 0.03,
        gain: 0.7,
        ..together(
            wave(Spectrum::Voice, Spectrum::Mellow, (0.6, 0.8, 0.3), adsr(0.09, 0.4, 0.9, 0.3)),
            3,
            9.0,
        )
    };
    match program {
        40..=43 => bowed(0.07, 0.0),
        44 => Patch { tremolo: 0.45, ..section(0.06, 9.0) },
        45 => plucked(1.4, 0.34, 0.3, 1.2),
        46 => plucked(5.0, 0.22, 0.4, 1.0),
        47 => struck(Body::Membrane, 0.9, 1.1),
        48 => section(0.1, 10.0),
        49 => section(0.2, 10.0),
        50 | 51 => section(0.09, 14.0),
        55 => Patch {
            gain: 0.7,
            ..together(
                wave(Spectrum::Brass, Spectrum::SoftSaw, (1.0, 0.4, 0.15), adsr(0.004, 0.25, 0.0, 0.3)),
                3,
                14.0,
            )
        },
        _ => voices,
    }
}

fn winds(program: u8) -> Patch {
    let brass = |attack, gain| Patch {
        vibrato: GENTLE,
        gain,
        ..wave(Spectrum::Brass, Spectrum::Mellow, (0.1, 0.8, 0.06), adsr(attack, 0.25, 0.85, 0.1))
    };
    let reed = |bright, attack, breath| Patch {
        vibrato: WIDE,
        breath,
        gain: 0.65,
        ..wave(bright, Spectrum::Mellow, (0.4, 0.75, 0.08), adsr(attack, 0.2, 0.9, 0.09))
    };
    let pipe = |breath, bright| Patch {
        vibrato: GENTLE,
        breath,
        gain: 0.75,
        ..wave(bright, Spectrum::Sine, (0.7, 0.3, 0.12), adsr(0.05, 0.2, 0.9, 0.1))
    };
    match program {
        56 => brass(0.03, 0.62),
        57 | 58 => brass(0.045, 0.75),
        59 => Patch {
            gain: 0.6,
            ..wave(Spectrum::Nasal, Spectrum::Brass, (0.6, 0.9, 0.06), adsr(0.03, 0.2, 0.85, 0.09))
        },
        60 => Patch {
            gain: 0.8,
            ..wave(Spectrum::Brass, Spectrum::Mellow, (0.1, 0.35, 0.1), adsr(0.06, 0.3, 0.85, 0.14))
        },
        61 => together(brass(0.035, 0.65), 3, 9.0),
        62 | 63 => Patch {
            gain: 0.6,
            ..together(
                wave(Spectrum::Saw, Spectrum::Mellow, (0.9, 0.5, 0.3), adsr(0.02, 0.4, 0.8, 0.15)),
                3,
                12.0,
            )
        },
        64..=67 => reed(Spectrum::SoftSaw, 0.035, 0.05),
        68 | 69 => reed(Spectrum::Nasal, 0.04, 0.02),
        70 => reed(Spectrum::Nasal, 0.05, 0.02),
        71 => Patch { vibrato: STILL, ..reed(Spectrum::Clarinet, 0.04, 0.02) },
        72 | 74 | 78 | 79 => pipe(0.05, Spectrum::Triangle),
        75..=77 => pipe(0.22, Spectrum::Triangle),
        _ => pipe(0.1, Spectrum::Mellow),
    }
}

fn synthesisers(program: u8) -> Patch {
    let lead = |bright, cents| Patch {
        vibrato: GENTLE,
        gain: 0.55,
        ..together(wave(bright, Spectrum::Mellow, (1.0, 0.7, 0.4), adsr(0.006, 0.4, 0.85, 0.12)), 2, cents)
    };
    let pad = |bright, attack| Patch {
        gain: 0.65,
        ..together(wave(bright, Spectrum::Mellow, (0.2, 0.7, 1.2), adsr(attack, 1.0, 0.9, 0.9)), 3, 12.0)
    };
    let glassy = |attack| Patch {
        gain: 0.6,
        ..together(
            wave(Spectrum::Triangle, Spectrum::Sine, (1.0, 0.3, 0.5), adsr(attack, 1.2, 0.5, 1.1)),
            3,
            8.0,
        )
    };
    match program {
        80 => lead(Spectrum::Square, 5.0),
        81 => lead(Spectrum::Saw, 9.0),
        82 => Patch { breath: 0.06, ..lead(Spectrum::Triangle, 3.0) },
        83 => Patch { breath: 0.2, ..lead(Spectrum::Pulse, 4.0) },
        84 => driven(5.0, 0.55),
        85 => Patch { gain: 0.6, ..lead(Spectrum::Voice, 6.0) },
        86 | 87 => lead(Spectrum::Saw, 14.0),
        88 | 98 | 99 => glassy(0.02),
        89 | 94 => pad(Spectrum::SoftSaw, 0.35),
        90 => pad(Spectrum::Saw, 0.05),
        91 => pad(Spectrum::Voice, 0.3),
        92 => pad(Spectrum::Nasal, 0.3),
        93 | 95 | 97 | 101 | 103 => pad(Spectrum::Pulse, 0.4),
        96 => glassy(0.004),
        _ => glassy(0.12),
    }
}

fn folk(program: u8) -> Patch {
    match program {
        104 => plucked(6.0, 0.05, 0.05, 0.8),
        105 => plucked(1.2, 0.12, 0.12, 1.1),
        106 => plucked(1.6, 0.16, 0.1, 1.1),
        107 => plucked(4.0, 0.16, 0.12, 0.95),
        108 => struck(Body::Marimba, 0.5, 0.95),
        109 => Patch {
            gain: 0.5,
            ..together(
                wave(Spectrum::Nasal, Spectrum::Saw, (0.8, 0.8, 1.0), adsr(0.02, 0.1, 1.0, 0.06)),
                2,
                5.0,
            )
        },
        110 => Patch {
            vibrato: WIDE,
            breath: 0.03,
            gain: 0.7,
            ..wave(Spectrum::Saw, Spectrum::Mellow, (0.3, 0.6, 0.1), adsr(0.05, 0.3, 0.85, 0.14))
        },
        _ => Patch {
            vibrato: WIDE,
            gain: 0.55,
            ..wave(Spectrum::Nasal, Spectrum::Saw, (0.9, 0.8, 0.2), adsr(0.02, 0.1, 0.95, 0.07))
        },
    }
}

fn percussion_and_effects(program: u8) -> Patch {
    match program {
        112 => struck(Body::Glockenspiel, 1.8, 0.6),
        113 | 115 => struck(Body::Block, 0.3, 1.5),
        114 => struck(Body::SteelDrum, 0.7, 0.8),
        116..=118 => struck(Body::Membrane, 0.5, 1.1),
        119 => noise(5000.0, 0.5, adsr(1.2, 0.1, 0.0, 0.1)),
        120 => Patch { gain: 2.0, ..noise(2500.0, 2.0, adsr(0.01, 0.06, 0.0, 0.05)) },
        121 => noise(1800.0, 0.9, adsr(0.08, 0.3, 0.4, 0.2)),
        122 => Patch { tremolo: 0.3, ..noise(700.0, 0.4, adsr(0.8, 1.0, 0.7, 1.2)) },
        123 | 124 => Patch {
            vibrato: Vibrato { hertz: 9.0, cents: 180.0, delay: 0.02 },
            gain: 0.6,
            ..wave(Spectrum::Triangle, Spectrum::Sine, (0.5, 0.5, 1.0), adsr(0.01, 0.3, 0.7, 0.1))
        },
        125 => Patch { tremolo: 0.9, gain: 1.8, ..noise(260.0, 0.7, adsr(0.3, 1.0, 0.9, 0.5)) },
        126 => noise(1500.0, 0.5, adsr(0.3, 1.0, 0.8, 0.8)),
        _ => noise(900.0, 0.4, adsr(0.001, 0.2, 0.0, 0.3)),
    }
}
