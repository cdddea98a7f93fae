//! A piano roll as text, for terminals.

use std::fmt;
use std::ops::Range;

use super::PianoRoll;
use crate::meter::TimeSignature;
use crate::units::Pitch;

/// Columns that the pitch label takes, the space after it included.
const LABEL: usize = 5;

impl PianoRoll {
    /// A picture of the roll in lines of at most `width` characters: a row a pitch, high to low,
    /// over the range of pitches used; `#` an onset, `=` a held cell, `.` silence, `|` a bar line.
    /// The first line of each system numbers its bars, as far as the numbers have room. A roll too long
    /// for one line goes on in further systems, broken at bar lines where a bar fits in the width. Bars
    /// are counted from tick 0 in `time_signature` throughout. A width under 8 is taken as 8.
    ///
    /// ```
    /// use deepcompose_core::{Note, PianoRoll, Pitch, StepsPerBeat, Tick, TicksPerQuarter};
    /// use deepcompose_core::{TimeSignature, Velocity};
    ///
    /// let note = |start, pitch| -> Result<Note, deepcompose_core::ScoreError> {
    ///     let (start, duration) = (Tick::new(start)?, Tick::new(480)?);
    ///     Ok(Note { start, pitch: Pitch::new(pitch)?, duration, velocity: Velocity::DEFAULT })
    /// };
    /// let notes = [note(0, 60)?, note(480, 60)?, note(960, 62)?];
    /// let tpq = TicksPerQuarter::DEFAULT;
    /// let roll = PianoRoll::from_notes(&notes, tpq, StepsPerBeat::DEFAULT, 0..16)?;
    /// let picture = "      1\n\
    ///                D4   |........#===....|\n\
    ///                C#4  |................|\n\
    ///                C4   |#===#===........|\n";
    /// assert_eq!(roll.to_text(80, TimeSignature::COMMON), picture);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    #[must_use]
    pub fn to_text(&self, width: usize, time_signature: TimeSignature) -> String {
        let mut out = String::new();
        let used = |pitch: &usize| self.sounding.column(*pitch).iter().any(|s| *s);
        let (Some(low), Some(high)) = ((0..Self::PITCHES).find(used), (0..Self::PITCHES).rfind(used)) else {
            return String::from("(no notes)\n");
        };
        let width = width.saturating_sub(LABEL).max(3);
        for (i, system) in self.systems(width, time_signature).iter().enumerate() {
            if i > 0 {
                out.push('\n');
            }
            self.draw(&mut out, system.clone(), low..=high, time_signature, LABEL + width);
        }
        out
    }

    fn draw(
        &self,
        out: &mut String,
        rows: Range<usize>,
        pitches: std::ops::RangeInclusive<usize>,
        time_signature: TimeSignature,
        width: usize,
    ) {
        let mut numbers = " ".repeat(LABEL);
        let mut column = LABEL;
        for row in rows.clone() {
            if row == rows.start || self.starts_bar(row, time_signature) {
                column += 1;
            }
            if self.starts_bar(row, time_signature) && numbers.len() < column {
                let number = (self.bar_of(row, time_signature) + 1).to_string();
                if column + number.len() <= width {
                    numbers.push_str(&" ".repeat(column - numbers.len()));
                    numbers.push_str(&number);
                }
            }
            column += 1;
        }
        out.push_str(numbers.trim_end());
        out.push('\n');
        for pitch in pitches.rev() {
            out.push_str(&format!("{:<LABEL$}", Pitch::saturating(pitch as i64).name()));
            for row in rows.clone() {
                if row == rows.start || self.starts_bar(row, time_signature) {
                    out.push('|');
                }
                out.push(match (self.onsets[[row, pitch]], self.sounding[[row, pitch]]) {
                    (true, _) => '#',
                    (false, true) => '=',
                    (false, false) => '.',
                });
            }
            out.push_str("|\n");
        }
    }

    /// Rows of each system, every one at most `width` characters with its bar lines.
    fn systems(&self, width: usize, time_signature: TimeSignature) -> Vec<Range<usize>> {
        let mut systems = Vec::new();
        let mut start = 0;
        // The first and the closing bar line.
        let mut taken = 2;
        let mut last_bar = None;
        for row in 0..self.steps() {
            let starts_bar = row > start && self.starts_bar(row, time_signature);
            if starts_bar {
                last_bar = Some(row);
            }
            taken += 1 + usize::from(starts_bar);
            if taken > width {
                let end = last_bar.take().unwrap_or(row);
                systems.push(start..end);
                start = end;
                let lines = (end + 1..=row).filter(|r| self.starts_bar(*r, time_signature)).count();
                taken = 2 + (row + 1 - end) + lines;
            }
        }
        if start < self.steps() {
            systems.push(start..self.steps());
        }
        systems
    }

    /// The bar, from zero, in which a row begins.
    fn bar_of(&self, row: usize, time_signature: TimeSignature) -> u128 {
        let step = (self.start_step as u128) + row as u128;
        step * u128::from(time_signature.denominator())
            / (4 * u128::from(time_signature.numerator()) * u128::from(self.steps_per_beat.get()))
    }

    fn starts_bar(&self, row: usize, time_signature: TimeSignature) -> bool {
        match row.checked_sub(1) {
            Some(before) => self.bar_of(row, time_signature) != self.bar_of(before, time_signature),
            None => {
                let step = self.start_step as u128 * u128::from(time_signature.denominator());
                let bar = 4 * u128::from(time_signature.numerator()) * u128::from(self.steps_per_beat.get());
                step % bar < u128::from(time_signature.denominator())
            }
        }
    }
}

/// [`PianoRoll::to_text`] in 80 columns and 4/4.
impl fmt::Display for PianoRoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(80, TimeSignature::COMMON))
    }
}
