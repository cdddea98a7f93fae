//! What encoding left out and decoding mended.

/// What of a score an encoding does not say, or says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EncodeReport {
    /// Notes left out because they belong to a drum track: all such in performance tokens and four voices, in the
    /// REMI family those of a configuration that has programs, but none for drums.
    pub drums: usize,
    /// Notes of other tracks left out because their track is none of the voices, or its program none of the programs.
    pub other_tracks: usize,
    /// Notes left out because the vocabulary has not their pitch.
    pub out_of_range: usize,
    /// Notes left out because another of the same pitch begins at the same time. The performance tokens keep the longest of
    /// them, at the greatest velocity among them; the REMI family, as MidiTok, the first and shortest.
    pub doubled: usize,
    /// Notes ended early because another of the same pitch begins while they sound.
    pub cut: usize,
    /// Notes made longer because they were shorter than the shortest length there is.
    pub lengthened: usize,
    /// Notes left out, or left without their end, because the sequence had reached its longest.
    pub over_limit: usize,
    /// Cells of the grid left out because every voice had another pitch there.
    pub surplus_cells: usize,
}

impl EncodeReport {
    /// Whether every pitched note was encoded as it stands, up to rounding, and in the REMI family up to the longest duration
    /// of its configuration, to which longer notes and in Structured also longer waits are cut. [`drums`](Self::drums)
    /// that were left out do not count.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.other_tracks
            + self.out_of_range
            + self.doubled
            + self.cut
            + self.lengthened
            + self.over_limit
            + self.surplus_cells
            == 0
    }
}

/// How often decoding needed each kind of repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DecodeReport {
    /// Ids outside the vocabulary: skipped, or a rest where a voice is due.
    pub unknown_ids: usize,
    /// Start tokens away from the start, skipped.
    pub misplaced_start: usize,
    /// Pad tokens with something else after them, skipped.
    pub misplaced_pad: usize,
    /// Note-offs of a pitch that did not sound, skipped.
    pub stray_note_offs: usize,
    /// Notes begun while their pitch sounded: the note before is ended there.
    pub restruck: usize,
    /// Notes that ended when they began, left out; MIDI-Like, as MidiTok, keeps them.
    pub zero_length: usize,
    /// Notes with no end, ended where the sequence ends.
    pub unclosed: usize,
    /// Notes past the last tick that a score can hold, left out or cut there.
    pub past_end: usize,
    /// Voices missing from the last step, taken as rests.
    pub missing_voices: usize,
    /// Pitches without the velocity or the duration that belong to them, left out with what they have of it.
    pub incomplete_notes: usize,
    /// Intervals to a pitch outside the range, left out.
    pub impossible_pitches: usize,
    /// Velocities and durations that belong to no note and no pedal, skipped.
    pub stray_parts: usize,
    /// Pedals pressed while down, lifted while up, or without the duration that belongs to them: skipped.
    pub stray_pedals: usize,
    /// Pedals that are never lifted, lifted where the sequence and its last note end.
    pub unclosed_pedals: usize,
    /// Pedals lifted before the time at which they were pressed, lifted at that time: in REMI, where a rest or a time
    /// signature within a bar can take the positions after it back.
    pub reversed_pedals: usize,
}

impl DecodeReport {
    /// Whether nothing had to be repaired.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.total() == 0
    }

    /// All repairs together.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.unknown_ids
            + self.misplaced_start
            + self.misplaced_pad
            + self.stray_note_offs
            + self.restruck
            + self.zero_length
            + self.unclosed
            + self.past_end
            + self.missing_voices
            + self.incomplete_notes
            + self.impossible_pitches
            + self.stray_parts
            + self.stray_pedals
            + self.unclosed_pedals
            + self.reversed_pedals
    }
}
