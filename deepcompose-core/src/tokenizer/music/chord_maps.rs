//! The chords that are known unless a configuration says otherwise.

/// MidiTok's chord qualities, in its order: intervals in semitones above the lowest note.
pub(super) fn default_chord_maps() -> Vec<(String, Vec<u8>)> {
    let maps: [(&str, &[u8]); 14] = [
        ("min", &[0, 3, 7]),
        ("maj", &[0, 4, 7]),
        ("dim", &[0, 3, 6]),
        ("aug", &[0, 4, 8]),
        ("sus2", &[0, 2, 7]),
        ("sus4", &[0, 5, 7]),
        ("7dom", &[0, 4, 7, 10]),
        ("7min", &[0, 3, 7, 10]),
        ("7maj", &[0, 4, 7, 11]),
        ("7halfdim", &[0, 3, 6, 10]),
        ("7dim", &[0, 3, 6, 9]),
        ("7aug", &[0, 4, 8, 11]),
        ("9maj", &[0, 4, 7, 10, 14]),
        ("9min", &[0, 4, 7, 10, 13]),
    ];
    maps.into_iter().map(|(name, intervals)| (name.to_owned(), intervals.to_vec())).collect()
}
