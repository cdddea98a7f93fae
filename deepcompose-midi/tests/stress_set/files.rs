//! Makes the files, byte by byte, without the crate's writer.

/// A Standard MIDI File header.
pub fn header(format: u16, tracks: u16, division: u16) -> Vec<u8> {
    let mut out = b"MThd\0\0\0\x06".to_vec();
    for field in [format, tracks, division] {
        out.extend(field.to_be_bytes());
    }
    out
}

/// The events of one file track.
#[derive(Default)]
pub struct Events(Vec<u8>);

impl Events {
    pub fn new() -> Self {
        Self::default()
    }

    /// `count` times what `event` adds.
    pub fn repeat(count: usize, mut event: impl FnMut(&mut Self, usize)) -> Self {
        let mut events = Self::new();
        for i in 0..count {
            event(&mut events, i);
        }
        events
    }

    /// An event after `delta` ticks: its bytes, status first.
    pub fn event(&mut self, delta: u32, bytes: &[u8]) -> &mut Self {
        let mut started = false;
        for shift in [21, 14, 7, 0] {
            let seven = (delta >> shift) as u8 & 0x7F;
            started |= seven > 0 || shift == 0;
            if started {
                self.0.push(if shift == 0 { seven } else { seven | 0x80 });
            }
        }
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn on(&mut self, delta: u32, pitch: usize) -> &mut Self {
        self.event(delta, &[0x90, pitch as u8 & 0x7F, 80])
    }

    pub fn off(&mut self, delta: u32, pitch: usize) -> &mut Self {
        self.event(delta, &[0x80, pitch as u8 & 0x7F, 0])
    }

    pub fn control(&mut self, delta: u32, controller: u8, value: u8) -> &mut Self {
        self.event(delta, &[0xB0, controller, value])
    }

    pub fn program(&mut self, delta: u32, program: usize) -> &mut Self {
        self.event(delta, &[0xC0, program as u8 & 0x7F])
    }

    /// A meta event of fewer than 128 bytes.
    pub fn meta(&mut self, delta: u32, kind: u8, data: &[u8]) -> &mut Self {
        self.event(delta, &[&[0xFF, kind, data.len() as u8], data].concat())
    }

    /// The track chunk, with an end of track at the last event's tick.
    pub fn chunk(&mut self) -> Vec<u8> {
        self.meta(0, 0x2F, &[]);
        [b"MTrk".as_slice(), &(self.0.len() as u32).to_be_bytes(), &self.0].concat()
    }

    /// A type 0 file of this track, 480 ticks a quarter note.
    pub fn file(&mut self) -> Vec<u8> {
        [header(0, 1, 480), self.chunk()].concat()
    }
}

/// A type 1 file of 480 ticks a quarter note with a track for each index.
pub fn tracks(count: usize, mut track: impl FnMut(&mut Events, usize)) -> Vec<u8> {
    let mut out = header(1, count as u16, 480);
    for i in 0..count {
        let mut events = Events::new();
        track(&mut events, i);
        out.extend(events.chunk());
    }
    out
}

/// `count` notes, one after the other, of changing pitch and length.
pub fn notes(count: usize) -> Vec<u8> {
    Events::repeat(count, |e, i| {
        e.on((i % 3) as u32, i * 7).off(1 + (i % 200) as u32, i * 7);
    })
    .file()
}

/// A note, with `between` before its end.
pub fn around(between: impl FnOnce(&mut Events)) -> Vec<u8> {
    let mut events = Events::new();
    events.on(0, 60);
    between(&mut events);
    events.off(10, 60).file()
}
