//! The controls in force on a channel.

use deepcompose_core::{ControlChange, PitchBend};

/// A control change or a pitch bend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Control {
    Change(ControlChange),
    Bend(PitchBend),
}

/// Sustain, portamento, sostenuto, soft, legato, hold 2.
pub(super) const PEDALS: std::ops::RangeInclusive<u8> = 64..=69;

/// The controls in force on a channel or in a part, where they were ever set.
#[derive(Debug)]
pub(super) struct InForce {
    /// The value of each controller, [`UNSET`] where there is none.
    values: [u8; 128],
    bend: Option<PitchBend>,
}

/// No value of a controller.
const UNSET: u8 = u8::MAX;

impl Default for InForce {
    fn default() -> Self {
        Self { values: [UNSET; 128], bend: None }
    }
}

impl InForce {
    pub(super) fn set(&mut self, control: Control) {
        match control {
            Control::Bend(bend) => self.bend = Some(bend),
            Control::Change(c) if c.controller() == Self::RESET => self.reset(),
            Control::Change(c) => {
                if let Some(value) = self.values.get_mut(usize::from(c.controller())) {
                    *value = c.value();
                }
            }
        }
    }

    const RESET: u8 = 121;

    /// What "reset all controllers" sets (MIDI Association, RP-015).
    fn reset(&mut self) {
        for (controller, value) in self.values.iter_mut().enumerate().filter(|(_, value)| **value != UNSET) {
            match controller {
                1 | 64..=67 => *value = 0,
                11 => *value = 127,
                _ => {}
            }
        }
        self.bend = self.bend.and_then(|_| PitchBend::new(0).ok());
    }

    fn get(&self, controller: u8) -> Option<u8> {
        self.values.get(usize::from(controller)).copied().filter(|value| *value != UNSET)
    }

    pub(super) fn is_down(&self, pedal: u8) -> bool {
        self.get(pedal).is_some_and(|value| value >= 64)
    }

    /// What must be set here to be as on `channel`. Bank selects belong to their program change,
    /// data entry and parameter numbers have no value apart from their order, and channel mode
    /// messages are no state: these are left out.
    pub(super) fn missing_from(&self, channel: &Self) -> Vec<Control> {
        let is_state = |n: u8| !matches!(n, 0 | 32 | 6 | 38 | 96..=101 | 120..=127);
        let changes = (0..).zip(channel.values.iter().zip(&self.values));
        let mut missing: Vec<_> = changes
            .filter(|(n, (theirs, own))| is_state(*n) && **theirs != UNSET && own != theirs)
            .filter_map(|(n, (theirs, _))| ControlChange::new(n, *theirs).ok())
            .map(Control::Change)
            .collect();
        if self.bend != channel.bend {
            missing.extend(channel.bend.map(Control::Bend));
        }
        missing
    }
}
