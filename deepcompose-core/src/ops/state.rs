//! The state that an instrument is in at a tick.

use std::collections::BTreeMap;

use crate::score::{At, ControlChange, Text, TextKind, Track};
use crate::units::{Pitch, Tick};

/// Reset all controllers.
const RESET: u8 = 121;

/// An empty track of the same name and instrument.
pub(super) fn without_contents(track: &Track) -> Track {
    if track.is_drum() {
        Track::drums(track.name(), track.program())
    } else {
        Track::new(track.name(), track.program())
    }
}

/// A track without notes whose events, all at tick 0, bring an instrument into the state that
/// `track` has brought it into before `tick`: controllers, registered and other parameters, bend
/// and aftertouch that are not at rest, system exclusive messages, and texts that name something.
pub(super) fn state_before(track: &Track, tick: Tick) -> Track {
    let mut out = without_contents(track);
    let controls = control_state(before(track.controls(), tick, |c| c.tick));
    out.set_controls(controls.into_iter().map(at_start).collect());
    // Bend and aftertouch are at rest where all controllers were reset, which is read before them at the same tick.
    let reset = before(track.controls(), tick, |c| c.tick).iter().rfind(|c| c.value.controller() == RESET);
    let reset = reset.map_or(Tick::ZERO, |c| c.tick);
    let bend = before(track.pitch_bends(), tick, |b| b.tick).last().filter(|b| b.tick >= reset);
    let bend = bend.map(|b| at_start(b.value));
    out.set_pitch_bends(bend.filter(|b| b.value.get() != 0).into_iter().collect());
    let mut pressures = BTreeMap::<Option<Pitch>, _>::new();
    for pressure in before(track.pressures(), tick, |p| p.tick).iter().filter(|p| p.tick >= reset) {
        pressures.insert(pressure.value.pitch(), pressure.value);
    }
    out.set_pressures(pressures.into_values().filter(|p| p.value() > 0).map(at_start).collect());
    out.set_texts(names(before(track.texts(), tick, |t| t.tick)));
    let raw = before(track.raw_events(), tick, |e| e.tick).iter();
    out.set_raw_events(raw.map(|e| at_start(e.value.clone())).collect());
    out
}

/// Texts that name something rather than mark a moment, at tick 0.
pub(super) fn names(texts: &[At<Text>]) -> Vec<At<Text>> {
    let moment =
        |kind| matches!(kind, TextKind::Text | TextKind::Lyric | TextKind::Marker | TextKind::CuePoint);
    texts.iter().filter(|t| !moment(t.value.kind())).map(|t| at_start(t.value.clone())).collect()
}

pub(super) fn before<T>(items: &[T], tick: Tick, at: impl Fn(&T) -> Tick) -> &[T] {
    &items[..items.partition_point(|item| at(item) < tick)]
}

pub(super) fn at_start<T>(value: T) -> At<T> {
    At { tick: Tick::ZERO, value }
}

/// The control changes that leave the same state as these: the last of each controller, each
/// parameter's data, and the parameter number that is selected at the end. Channel mode messages
/// (120..=127) are events of a moment; 121 resets what came before it but for the volume, pan and
/// bank (recommended practice RP-015).
pub(super) fn control_state(controls: &[At<ControlChange>]) -> Vec<ControlChange> {
    let mut last = BTreeMap::<u8, ControlChange>::new();
    let mut parameters = Parameters::default();
    for control in controls.iter().map(|c| c.value) {
        match control.controller() {
            6 | 38 | 96..=101 => parameters.apply(control),
            121 => {
                last.retain(|controller, _| is_kept_by_reset(*controller));
                parameters.selected = [None; 4];
            }
            120 | 122.. => {}
            controller => {
                last.insert(controller, control);
            }
        }
    }
    // Bank select and its like first, in order of their numbers; parameters last.
    last.into_values().chain(parameters.into_controls()).collect()
}

/// Controllers that "reset all controllers" leaves as they are.
fn is_kept_by_reset(controller: u8) -> bool {
    matches!(controller, 0 | 7 | 10 | 32 | 39 | 42 | 70..=79 | 91..=95)
}

/// Registered and non-registered parameters: what is selected, and the data that each was given.
#[derive(Debug, Default)]
struct Parameters {
    /// Controllers 98 to 101.
    selected: [Option<u8>; 4],
    data: BTreeMap<[Option<u8>; 4], Vec<ControlChange>>,
}

impl Parameters {
    fn apply(&mut self, control: ControlChange) {
        let controller = control.controller();
        match controller {
            98..=101 => {
                // A number of one kind deselects the other kind.
                let other = if controller < 100 { 2 } else { 0 };
                self.selected[other] = None;
                self.selected[other + 1] = None;
                self.selected[usize::from(controller - 98)] = Some(control.value());
            }
            // Data entry replaces what was set before; steps up and down add to it.
            6 | 38 => {
                let data = self.data.entry(self.selected).or_default();
                data.retain(|d| matches!((controller, d.controller()), (38, 6)));
                data.push(control);
            }
            _ => self.data.entry(self.selected).or_default().push(control),
        }
    }

    fn into_controls(self) -> Vec<ControlChange> {
        let select = |selected: [Option<u8>; 4]| {
            // The high half first, as is usual.
            [(99, selected[1]), (98, selected[0]), (101, selected[3]), (100, selected[2])]
                .into_iter()
                .filter_map(|(controller, value)| ControlChange::new(controller, value?).ok())
        };
        let mut out = Vec::new();
        for (selected, data) in self.data {
            out.extend(select(selected));
            out.extend(data);
        }
        out.extend(select(self.selected));
        out
    }
}
