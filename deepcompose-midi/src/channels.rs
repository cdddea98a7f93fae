//! Which port and channel each track of a score is written to.

use deepcompose_core::Track;

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

/// Allots channels port by port, in the order of the tracks.
pub(crate) fn allot(tracks: &[Track]) -> Allotment {
    let (mut melodic, mut drummers) = (0, 0);
    // The percussion channels of each kit whose tracks have no controls, bends or aftertouch, so that
    // they do not disturb each other.
    let mut shared: [Option<usize>; 128] = [None; 128];
    let mut ports = 1;
    let slots = tracks.iter().map(|track| {
        let (port, channel) = if track.is_drum() {
            let is_plain =
                track.controls().is_empty() && track.pitch_bends().is_empty() && track.pressures().is_empty();
            let mut next = || {
                drummers += 1;
                drummers - 1
            };
            let port: usize = match shared.get_mut(usize::from(track.program().get())) {
                Some(kit) if is_plain => *kit.get_or_insert_with(next),
                _ => next(),
            };
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
