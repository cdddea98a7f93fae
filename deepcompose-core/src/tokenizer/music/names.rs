//! The names of tokens, which are MidiTok's.

use std::collections::HashSet;

use super::config::TokenizerConfig;
use super::vocabulary::{BAR_END, Entry, Vocabulary};
use crate::tokenizer::{TokenId, TokenType};

impl Vocabulary {
    /// The name that MidiTok gives the token.
    pub(super) fn name(&self, id: TokenId, config: &TokenizerConfig) -> Option<String> {
        let Entry { kind, value } = self.entry(id)?;
        let at = value as usize;
        let values = &self.values;
        let pitch = |low: u8| (u32::from(low) + value).to_string();
        let text = match kind {
            TokenType::Start | TokenType::End | TokenType::Pad | TokenType::Mask | TokenType::Special => {
                return self.special_names.get(at).cloned();
            }
            TokenType::Bar if value == BAR_END => "End".to_owned(),
            TokenType::Bar if config.max_bar_embedding.is_none() => "None".to_owned(),
            TokenType::Bar | TokenType::Position => value.to_string(),
            TokenType::Pitch | TokenType::NoteOn | TokenType::NoteOff => pitch(config.pitch_range.0),
            TokenType::PitchDrum | TokenType::DrumOn | TokenType::DrumOff => {
                pitch(config.drums_pitch_range.0)
            }
            TokenType::Velocity => values.velocities.get(at)?.to_string(),
            TokenType::TimeShift if self.time_shifts.len() > values.durations.len() as u32 => at
                .checked_sub(1)
                .map_or(Some("0.0.1".to_owned()), |at| Some(values.durations.get(at)?.to_string()))?,
            TokenType::Duration | TokenType::TimeShift => values.durations.get(at)?.to_string(),
            TokenType::Rest => values.rests.get(at)?.to_string(),
            TokenType::PitchIntervalTime | TokenType::PitchIntervalChord => {
                (i64::from(value) - i64::from(config.max_pitch_interval)).to_string()
            }
            TokenType::Chord => values.chords.get(at)?.clone(),
            // As Python: always with a point.
            TokenType::Tempo => format!("{:?}", values.tempos.get(at)?),
            TokenType::Pedal | TokenType::PedalOff if !config.use_programs => "0".to_owned(),
            TokenType::Program | TokenType::Pedal | TokenType::PedalOff => {
                values.programs.get(at)?.to_string()
            }
            TokenType::TimeSignature => {
                let (upper, lower) = values.time_signatures.get(at)?;
                format!("{upper}/{lower}")
            }
            TokenType::KeySignature => format!("{}:{}", i64::from(value / 2) - 7, value % 2),
            TokenType::PitchBend => values.pitch_bends.get(at)?.to_string(),
            TokenType::ControlChange => {
                let (number, value) = self.control_change(value)?;
                format!("{number}-{value}")
            }
        };
        Some(format!("{}_{text}", type_name(kind)))
    }

    /// A name that a special token has, and a token of the music too.
    pub(super) fn name_of_two(&self, config: &TokenizerConfig) -> Option<String> {
        let special: HashSet<&str> = self.special_names.iter().map(String::as_str).collect();
        // Most begin as no type of the music does; then no name needs to be put together.
        let types: HashSet<&str> = special.iter().filter_map(|name| name.split('_').next()).collect();
        let music = (0..).take(self.len()).skip(self.special_names.len());
        let of_type = music.filter(|id| self.entry(*id).is_some_and(|e| types.contains(type_name(e.kind))));
        of_type.filter_map(|id| self.name(id, config)).find(|name| special.contains(name.as_str()))
    }
}

/// MidiTok's names of the types that are not special.
const fn type_name(kind: TokenType) -> &'static str {
    match kind {
        TokenType::NoteOn => "NoteOn",
        TokenType::NoteOff => "NoteOff",
        TokenType::TimeShift => "TimeShift",
        TokenType::Velocity => "Velocity",
        TokenType::Pitch => "Pitch",
        TokenType::Rest => "Rest",
        TokenType::Bar => "Bar",
        TokenType::Position => "Position",
        TokenType::Duration => "Duration",
        TokenType::Program => "Program",
        TokenType::Tempo => "Tempo",
        TokenType::TimeSignature => "TimeSig",
        TokenType::KeySignature => "KeySig",
        TokenType::Chord => "Chord",
        TokenType::Pedal => "Pedal",
        TokenType::PedalOff => "PedalOff",
        TokenType::PitchBend => "PitchBend",
        TokenType::ControlChange => "ControlChange",
        TokenType::PitchIntervalTime => "PitchIntervalTime",
        TokenType::PitchIntervalChord => "PitchIntervalChord",
        TokenType::PitchDrum => "PitchDrum",
        TokenType::DrumOn => "DrumOn",
        TokenType::DrumOff => "DrumOff",
        TokenType::Start => "BOS",
        TokenType::End => "EOS",
        TokenType::Pad => "PAD",
        TokenType::Mask => "MASK",
        TokenType::Special => "Special",
    }
}
