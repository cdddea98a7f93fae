//! [`SoundFont`]: instruments from a file.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deepcompose_core::Track;
use rustysynth::{Synthesizer, SynthesizerSettings};

use crate::error::AudioError;
use crate::options::RenderOptions;
use crate::timeline::Event;

/// Where Linux distributions put SoundFonts, and what the one for everything is called.
const FOLDERS: [&str; 4] = [
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",
    "/usr/share/soundfonts/sf2",
    "/usr/local/share/soundfonts",
];
const NAMES: [&str; 8] = [
    "default.sf2",
    "default-GM.sf2",
    "FluidR3_GM.sf2",
    "FluidR3_GM2-2.sf2",
    "GeneralUser-GS.sf2",
    "GeneralUser.sf2",
    "TimGM6mb.sf2",
    "freepats-general-midi.sf2",
];

/// A SoundFont 2 file (`.sf2`), read whole. A copy costs nothing.
///
/// ```no_run
/// use deepcompose_audio::{Instruments, SoundFont};
///
/// let instruments = match SoundFont::find() {
///     Some(path) => Instruments::SoundFont(SoundFont::open(path)?),
///     None => Instruments::BuiltIn,
/// };
/// # Ok::<(), deepcompose_audio::AudioError>(())
/// ```
#[derive(Clone)]
pub struct SoundFont {
    font: Arc<rustysynth::SoundFont>,
}

impl std::fmt::Debug for SoundFont {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoundFont").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl SoundFont {
    /// The longest file that is read, in bytes: 1 GiB.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`] if it cannot be read, [`AudioError::Limit`] if it is longer than [`SoundFont::MAX_BYTES`],
    /// [`AudioError::SoundFont`] if it is none, broken, or compressed (`.sf3`).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        let path = path.as_ref();
        let io = |e| AudioError::io(path, e);
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        read(BufReader::new(file), length, Some(path))
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// As [`SoundFont::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AudioError> {
        read(Cursor::new(bytes), bytes.len() as u64, None)
    }

    /// The first General MIDI SoundFont where Linux distributions install them (`/usr/share/sounds/sf2`,
    /// `/usr/share/soundfonts`, …): one with a known name, else the first in the order of the alphabet.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        find_in(&FOLDERS.map(Path::new))
    }

    /// What the file calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        self.font.get_info().get_bank_name()
    }
}

fn find_in(folders: &[&Path]) -> Option<PathBuf> {
    let known = folders.iter().flat_map(|folder| NAMES.map(|name| folder.join(name)));
    known.into_iter().find(|path| path.is_file()).or_else(|| {
        let entries = folders.iter().filter_map(|folder| folder.read_dir().ok()).flatten().flatten();
        let is_font =
            |p: &PathBuf| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("sf2")) && p.is_file();
        entries.map(|entry| entry.path()).filter(is_font).min()
    })
}

fn read(mut source: impl Read + Seek, length: u64, path: Option<&Path>) -> Result<SoundFont, AudioError> {
    let broken = |what: String| AudioError::SoundFont { path: path.map(Path::to_owned), what };
    if length > SoundFont::MAX_BYTES {
        return Err(AudioError::Limit {
            what: "bytes of a SoundFont",
            value: length,
            limit: SoundFont::MAX_BYTES,
        });
    }
    check_chunks(&mut source, length).map_err(broken)?;
    // What the reader does not check in a broken file ends in a panic of its own.
    match catch_unwind(AssertUnwindSafe(|| rustysynth::SoundFont::new(&mut source))) {
        Ok(Ok(font)) if font.get_presets().is_empty() => {
            Err(broken("no instruments in the SoundFont".to_owned()))
        }
        Ok(Ok(font)) if most_regions(&font) > MOST_REGIONS => {
            Err(broken(format!("a note of the SoundFont asks for more than {MOST_REGIONS} samples")))
        }
        Ok(Ok(font)) => Ok(SoundFont { font: Arc::new(font) }),
        Ok(Err(error)) => Err(broken(error.to_string())),
        Err(_) => Err(broken("broken SoundFont".to_owned())),
    }
}

/// Regions of instruments that the reader goes through for a note at most. Large pianos have some thousands.
const MOST_REGIONS: usize = 1 << 16;

/// How many regions it goes through for a note of the preset that has most.
fn most_regions(font: &rustysynth::SoundFont) -> usize {
    let of_instrument = |region: &rustysynth::PresetRegion| {
        font.get_instruments().get(region.get_instrument_id()).map_or(0, |i| i.get_regions().len())
    };
    let of_preset = |preset: &rustysynth::Preset| {
        preset.get_regions().iter().map(of_instrument).fold(0_usize, usize::saturating_add)
    };
    font.get_presets().iter().map(of_preset).max().unwrap_or(0)
}

/// Every chunk ends within the file, and the zones of presets and instruments are in order: lengths and differences are trusted for
/// allocations after this.
fn check_chunks(source: &mut (impl Read + Seek), length: u64) -> Result<(), String> {
    let mut head = [0; 12];
    let whole = source.read_exact(&mut head);
    if whole.is_err() || !head.starts_with(b"RIFF") || !head.ends_with(b"sfbk") {
        return Err("no SoundFont 2 file".to_owned());
    }
    let failed = |e: std::io::Error| format!("broken SoundFont: {e}");
    let mut at = 12;
    while at + 8 <= length {
        let mut head = [0; 8];
        source.seek(SeekFrom::Start(at)).map_err(failed)?;
        source.read_exact(&mut head).map_err(failed)?;
        let size = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        if at + 8 + size > length {
            return Err(format!("broken SoundFont: the chunk at byte {at} ends behind the file"));
        }
        // The reader knows no padding: it would go on elsewhere.
        if size % 2 == 1 {
            return Err(format!("broken SoundFont: the chunk at byte {at} has an odd length"));
        }
        if head.starts_with(b"pbag") || head.starts_with(b"ibag") {
            let mut zones = Vec::new();
            source.by_ref().take(size).read_to_end(&mut zones).map_err(failed)?;
            if !zones.chunks_exact(4).map(|zone| u16::from_le_bytes([zone[0], zone[1]])).is_sorted() {
                return Err(format!(
                    "broken SoundFont: the zones of the chunk at byte {at} are out of order"
                ));
            }
        }
        // Into a list, past anything else.
        at += if head.starts_with(b"LIST") { 12 } else { 8 + size };
    }
    source.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(())
}

/// A player a track, so that controls of one never touch another, however many there are. What a broken file asks of
/// one, and it does not check, ends in a panic of its own: that track is silent from then on.
pub(crate) struct Players {
    /// For each track that is heard, what plays it.
    players: Vec<Option<Player>>,
    /// How much room there is to hear.
    reverb: f32,
    scratch: (Vec<f32>, Vec<f32>),
}

impl std::fmt::Debug for Players {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Players").field("tracks", &self.players.len()).finish_non_exhaustive()
    }
}

/// What plays a track.
struct Player {
    synth: Synthesizer,
    is_drum: bool,
    gain: f32,
    /// The note that each key sounds: the last one struck. Its player ends all notes of a key at once.
    sounding: [Option<u32>; 128],
}

/// The lowest sample rate that its player takes.
const MIN_RATE: u32 = 16_000;

/// Tracks that a SoundFont plays at once, at most.
pub(crate) const PLAYERS: usize = 256;
/// Samples that a track sounds at once, at most: as many as its player takes.
const POLYPHONY: usize = 256;

impl Players {
    pub(crate) fn new(
        font: &SoundFont,
        tracks: &[Track],
        gains: &[f32],
        sample_rate: u32,
        gain: f32,
        reverb: f32,
    ) -> Result<Self, AudioError> {
        if sample_rate < MIN_RATE {
            let (field, value) = ("sample rate (frames a second) with a SoundFont", f64::from(sample_rate));
            return Err(AudioError::OutOfRange { field, value, min: MIN_RATE.into(), max: 192_000.0 });
        }
        let heard = |(track, gain): &(&Track, &f32)| **gain > 0.0 && !track.notes().is_empty();
        let count = tracks.iter().zip(gains).filter(heard).count();
        if count > PLAYERS {
            let what = "tracks that a SoundFont plays at once";
            return Err(AudioError::Limit { what, value: count as u64, limit: PLAYERS as u64 });
        }
        let mut settings = SynthesizerSettings::new(sample_rate.min(192_000) as i32);
        settings.maximum_polyphony = POLYPHONY;
        settings.enable_reverb_and_chorus = reverb > 0.0;
        let player = |(track, track_gain): (&Track, &f32)| -> Result<_, AudioError> {
            if !heard(&(track, track_gain)) {
                return Ok(None);
            }
            let mut synth = Synthesizer::new(&font.font, &settings)
                .map_err(|e| AudioError::SoundFont { path: None, what: e.to_string() })?;
            let channel = channel(track.is_drum());
            synth.process_midi_message(channel, 0xC0, i32::from(track.program().get()), 0);
            // The usual send is 40 of 127.
            synth.process_midi_message(channel, 0xB0, REVERB.into(), reverb_send(40, reverb));
            let gain = track_gain * gain;
            Ok(Some(Player { synth, is_drum: track.is_drum(), gain, sounding: [None; 128] }))
        };
        let players = tracks.iter().zip(gains).map(player).collect::<Result<_, _>>()?;
        Ok(Self { players, reverb, scratch: (Vec::new(), Vec::new()) })
    }

    pub(crate) fn event(&mut self, track: u32, event: Event) {
        let Some(place) = self.players.get_mut(track as usize) else { return };
        let Some(player) = place else { return };
        let message = match event {
            Event::NoteOff { id, pitch } => match player.sounding.get_mut(usize::from(pitch)) {
                Some(sounding) if *sounding == Some(id) => {
                    *sounding = None;
                    (0x80, i32::from(pitch), 64)
                }
                // Its key was struck again since.
                _ => return,
            },
            // The pedal has become the lengths of the notes.
            Event::Control { controller: 64, .. } => return,
            Event::Control { controller: REVERB, value } => {
                (0xB0, REVERB.into(), reverb_send(value, self.reverb))
            }
            Event::Control { controller, value } => (0xB0, i32::from(controller), i32::from(value)),
            Event::Bend(bend) => {
                let bend = i32::from(bend) + 8192;
                (0xE0, bend & 0x7F, bend >> 7)
            }
            Event::NoteOn { id, pitch, velocity } => {
                if let Some(sounding) = player.sounding.get_mut(usize::from(pitch))
                    && sounding.replace(id).is_some()
                    && !player.send((0x80, i32::from(pitch), 64))
                {
                    *place = None;
                    return;
                }
                (0x90, i32::from(pitch), i32::from(velocity))
            }
        };
        if !player.send(message) {
            *place = None;
        }
    }

    /// Adds to `left` and `right`, which are of one length.
    pub(crate) fn render(&mut self, left: &mut [f32], right: &mut [f32]) {
        let frames = left.len().min(right.len());
        self.scratch.0.resize(frames, 0.0);
        self.scratch.1.resize(frames, 0.0);
        for player in &mut self.players {
            let Some(Player { synth, gain, .. }) = player else { continue };
            let (scratch_left, scratch_right) = (&mut self.scratch.0, &mut self.scratch.1);
            if catch_unwind(AssertUnwindSafe(|| synth.render(scratch_left, scratch_right))).is_err() {
                *player = None;
                continue;
            }
            let (l, r) = (left.iter_mut().zip(&self.scratch.0), right.iter_mut().zip(&self.scratch.1));
            l.chain(r).for_each(|(sum, x)| *sum += x * *gain);
        }
    }
}

impl Player {
    /// Whether its player survives a message.
    fn send(&mut self, (command, a, b): (i32, i32, i32)) -> bool {
        let (channel, synth) = (channel(self.is_drum), &mut self.synth);
        catch_unwind(AssertUnwindSafe(|| synth.process_midi_message(channel, command, a, b))).is_ok()
    }
}

/// How much of a track goes to the reverb.
const REVERB: u8 = 91;

/// What its player is told of the room for a value of [`REVERB`], which it takes as it is with the usual room.
fn reverb_send(value: u8, reverb: f32) -> i32 {
    (f32::from(value) * reverb / RenderOptions::default().reverb).round().clamp(0.0, 127.0) as i32
}

fn channel(is_drum: bool) -> i32 {
    if is_drum { Synthesizer::PERCUSSION_CHANNEL as i32 } else { 0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_known_name_goes_before_others_and_fonts_before_none() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::create_dir(&a).unwrap();
        std::fs::create_dir(&b).unwrap();
        assert_eq!(find_in(&[&a, &b]), None);
        std::fs::write(a.join("readme.txt"), "").unwrap();
        std::fs::write(a.join("zither.SF2"), "").unwrap();
        std::fs::write(a.join("piano.sf2"), "").unwrap();
        assert_eq!(find_in(&[&a, &b, Path::new("/no/such/folder")]), Some(a.join("piano.sf2")));
        std::fs::write(b.join("FluidR3_GM.sf2"), "").unwrap();
        assert_eq!(find_in(&[&a, &b]), Some(b.join("FluidR3_GM.sf2")));
    }
}
