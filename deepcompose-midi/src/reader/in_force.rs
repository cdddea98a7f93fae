//! The controls in force on a channel.

use deepcompose_core::{ControlChange, Pitch, PitchBend, Pressure};

/// A control change, a pitch bend or aftertouch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Control {
    Change(ControlChange),
    Bend(PitchBend),
    Pressure(Pressure),
}

impl Control {
    /// Of a channel message (the upper half of its status byte) whose data bytes are at most 127.
    pub(super) fn of_message(message: u8, [first, second]: [u8; 2]) -> Option<Self> {
        match message {
            0xA => Pressure::key(Pitch::saturating(first.into()), second).ok().map(Self::Pressure),
            0xB => ControlChange::new(first, second).ok().map(Self::Change),
            0xD => Pressure::channel(first).ok().map(Self::Pressure),
            0xE => {
                let bend = (i16::from(second) << 7 | i16::from(first)) - 8192;
                PitchBend::new(bend).ok().map(Self::Bend)
            }
            _ => None,
        }
    }
}

/// Sustain, portamento, sostenuto, soft, legato, hold 2.
pub(super) const PEDALS: std::ops::RangeInclusive<u8> = 64..=69;

/// The controls in force on a channel or in a part, where they were ever set.
#[derive(Debug, Default)]
pub(super) struct InForce {
    /// Controller and value, in order of controller.
    values: Vec<(u8, u8)>,
    bend: Option<PitchBend>,
}

impl InForce {
    pub(super) fn set(&mut self, control: Control) {
        match control {
            Control::Bend(bend) => self.bend = Some(bend),
            // Pressure on a key ends with its note; that on a channel is only of the notes then down.
            Control::Pressure(_) => {}
            Control::Change(c) if c.controller() == Self::RESET => self.reset(),
            Control::Change(c) => match self.values.binary_search_by_key(&c.controller(), |(n, _)| *n) {
                Ok(i) => {
                    if let Some(slot) = self.values.get_mut(i) {
                        slot.1 = c.value();
                    }
                }
                Err(i) => self.values.insert(i, (c.controller(), c.value())),
            },
        }
    }

    const RESET: u8 = 121;

    /// What "reset all controllers" sets (MIDI Association, RP-015).
    fn reset(&mut self) {
        for (controller, value) in &mut self.values {
            match controller {
                1 | 64..=67 => *value = 0,
                11 => *value = 127,
                _ => {}
            }
        }
        self.bend = self.bend.and_then(|_| PitchBend::new(0).ok());
    }

    fn get(&self, controller: u8) -> Option<u8> {
        let found = self.values.binary_search_by_key(&controller, |(n, _)| *n).ok()?;
        self.values.get(found).map(|(_, value)| *value)
    }

    pub(super) fn is_down(&self, pedal: u8) -> bool {
        self.get(pedal).is_some_and(|value| value >= 64)
    }

    /// What must be set here to be as on `channel`. Bank selects belong to their program change,
    /// data entry and parameter numbers have no value apart from their order, and channel mode
    /// messages are no state: these are left out.
    pub(super) fn missing_from(&self, channel: &Self) -> Vec<Control> {
        let is_state = |n: u8| !matches!(n, 0 | 32 | 6 | 38 | 96..=101 | 120..=127);
        let changes = channel.values.iter().filter(|(n, value)| is_state(*n) && self.get(*n) != Some(*value));
        let mut missing: Vec<_> = changes
            .filter_map(|(n, value)| ControlChange::new(*n, *value).ok())
            .map(Control::Change)
            .collect();
        if self.bend != channel.bend {
            missing.extend(channel.bend.map(Control::Bend));
        }
        missing
    }
}
