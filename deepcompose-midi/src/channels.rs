//! Which port and channel each track of a score is written to.

use deepcompose_core::{Program, Track};

/// The percussion channel, counted from zero.
pub(crate) const DRUMS: u8 = 9;

/// Ports that the port meta event can name.
const PORTS: usize = 128;

/// Channels of a port that are not percussion.
const MELODIC: [u8; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15];

/// Where a track plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) port: u8,
    pub(crate) channel: u8,
}

/// Where all tracks play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allotment {
    /// One for each track.
    pub(crate) slots: Vec<Slot>,
    /// How many ports are used.
    pub(crate) ports: usize,
}

/// Who plays on the percussion channel of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drummer {
    /// Tracks of this kit that have no controls, so that they do not disturb each other.
    Shared(Program),
    Alone,
}

/// Allots channels port by port, in the order of the tracks.
pub(crate) fn allot(tracks: &[Track]) -> Allotment {
    let mut melodic = 0;
    let mut drummers: Vec<Drummer> = Vec::new();
    let mut ports = 1;
    let slots = tracks.iter().map(|track| {
        let (port, channel) = if track.is_drum() {
            let drummer = if track.controls().is_empty() && track.pitch_bends().is_empty() {
                Drummer::Shared(track.program())
            } else {
                Drummer::Alone
            };
            let found = drummers.iter().position(|d| *d == drummer && drummer != Drummer::Alone);
            let port = found.unwrap_or_else(|| {
                drummers.push(drummer);
                drummers.len() - 1
            });
            (port, DRUMS)
        } else {
            let index: usize = melodic;
            melodic += 1;
            (index / MELODIC.len(), MELODIC.get(index % MELODIC.len()).copied().unwrap_or_default())
        };
        let port = port % PORTS;
        ports = ports.max(port + 1);
        Slot { port: port as u8, channel }
    });
    let slots = slots.collect();
    Allotment { slots, ports }
}

/// A channel of its own for each track on one port, if there are enough.
pub(crate) fn allot_one_port(tracks: &[Track]) -> Option<Vec<Slot>> {
    let drums = tracks.iter().filter(|t| t.is_drum()).count();
    (drums <= 1 && tracks.len() - drums <= MELODIC.len()).then(|| allot(tracks).slots)
}
