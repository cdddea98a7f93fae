//! The rolls of a band: what each role sounds, and where its notes begin.

use super::genre::TrackRole;
use super::grid::{BAR_STEPS, WINDOW_BARS};

/// Rolls of a band: what sounds in each of [`TrackRole::ALL`], then where notes begin in each of them but the drums, of which
/// every cell is a stroke.
pub(crate) const BAND_ROLLS: usize = 2 * TrackRole::COUNT - 1;

/// The pitches of one step: the melody's, then those of a band's rolls.
#[cfg(any(test, feature = "train"))]
pub(crate) type BandStep = [u128; 1 + BAND_ROLLS];

/// Two bars of a band's rolls: a set of pitches a step. For networks without [`GanConfig::onsets`](super::GanConfig::onsets)
/// the rolls of onsets are empty, or not looked at.
pub(crate) type Window = [[u128; WINDOW_BARS * BAR_STEPS]; BAND_ROLLS];

/// A window in which nothing sounds.
pub(crate) const SILENCE: Window = [[0; WINDOW_BARS * BAR_STEPS]; BAND_ROLLS];

/// The roll that tells where the notes of a role begin, if it has one.
pub(crate) const fn onset_roll(role: TrackRole) -> Option<usize> {
    match role {
        TrackRole::Drums => None,
        _ => Some(TrackRole::COUNT - 1 + role.index()),
    }
}

/// Whether a roll is one of pitches, which are transposed, and not of drums.
#[cfg(any(test, feature = "train"))]
pub(crate) const fn is_pitched(roll: usize) -> bool {
    roll != TrackRole::Drums.index()
}

/// What is left to sound where a note that another of its pitch follows without a gap gives up its last step, by which the two
/// can be told from one held note; a note of a single step keeps it. `onsets` are where notes begin in the step, `next` in the one
/// that follows.
pub(crate) const fn with_gap(sounding: u128, onsets: u128, next: u128) -> u128 {
    sounding & !(next & !onsets)
}

/// Where notes begin that are told apart by gaps alone: in each step that sounds, what does not in the one before.
pub(crate) const fn begins(sounding: u128, before: u128) -> u128 {
    sounding & !before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pitched_role_has_a_roll_of_onsets() {
        let rolls: Vec<_> = TrackRole::ALL.into_iter().map(onset_roll).collect();
        assert_eq!(rolls, [None, Some(4), Some(5), Some(6)]);
        assert!((0..BAND_ROLLS).filter(|roll| is_pitched(*roll)).eq(1..7));
    }

    // Pitches 0 to 3: held, held and struck again in the next step, of this step alone and struck again, silent.
    #[test]
    fn a_note_gives_up_its_last_step_to_one_that_follows() {
        assert_eq!(with_gap(0b0111, 0b0100, 0b0110), 0b0101);
        assert_eq!(begins(0b0111, 0b0011), 0b0100);
    }
}
