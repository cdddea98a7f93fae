//! Names of pitches and drums.

pub(crate) const BLACK_KEYS: [u8; 5] = [1, 3, 6, 8, 10];

pub(crate) fn pitch_name(pitch: u8) -> String {
    const NAMES: [&str; 12] = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
    let name = NAMES.get(usize::from(pitch % 12)).copied().unwrap_or_default();
    format!("{name}{}", i32::from(pitch / 12) - 1)
}

/// What General MIDI strikes at the keys from 35 on, shortened.
const DRUMS: [&str; 47] = [
    "bass drum 2",
    "bass drum",
    "side stick",
    "snare",
    "clap",
    "snare 2",
    "low tom",
    "closed hat",
    "floor tom",
    "pedal hat",
    "mid tom",
    "open hat",
    "mid tom 2",
    "high tom",
    "crash",
    "high tom 2",
    "ride",
    "china",
    "ride bell",
    "tambourine",
    "splash",
    "cowbell",
    "crash 2",
    "vibraslap",
    "ride 2",
    "high bongo",
    "low bongo",
    "mute conga",
    "high conga",
    "low conga",
    "high timbale",
    "low timbale",
    "high agogo",
    "low agogo",
    "cabasa",
    "maracas",
    "short whistle",
    "long whistle",
    "short guiro",
    "long guiro",
    "claves",
    "high block",
    "low block",
    "mute cuica",
    "open cuica",
    "mute triangle",
    "open triangle",
];

pub(crate) fn drum_name(pitch: u8) -> String {
    match usize::from(pitch).checked_sub(35).and_then(|i| DRUMS.get(i)) {
        Some(name) => (*name).to_owned(),
        None => format!("drum {pitch}"),
    }
}
