//! Operations on scores: methods of [`Score`](crate::Score) and [`Track`](crate::Track), and the
//! types that say how.
//!
//! Each leaves its input as it is and gives a new score. All that has a time goes along with the
//! notes: tempo, signatures, controls, bends, aftertouch, texts and raw events.
//!
//! | to | use |
//! |---|---|
//! | cut out a part | [`Score::slice`](crate::Score::slice), [`slice_bars`](crate::Score::slice_bars), [`slice_beats`](crate::Score::slice_beats), [`slice_seconds`](crate::Score::slice_seconds) |
//! | take silence away, or put some before | [`Score::trim`](crate::Score::trim), [`pad`](crate::Score::pad) |
//! | play one score after another | [`Score::join`](crate::Score::join) |
//! | transpose | [`Score::transpose`](crate::Score::transpose) |
//! | move notes to a grid | [`Score::quantise`](crate::Score::quantise) with a [`Quantiser`] |
//! | change the resolution | [`Score::resample`](crate::Score::resample) |
//! | change the tempo | [`Score::set_tempo`](crate::Score::set_tempo), [`scale_tempo`](crate::Score::scale_tempo); [`retime`](crate::Score::retime) keeps the seconds |
//! | give a recording bars and beats | [`Score::align_to_beats`](crate::Score::align_to_beats) with a [`BeatGrid`]; [`RhythmAssist`](crate::rhythm::RhythmAssist) if the beats are not known |
//! | merge, order and drop tracks | [`Score::merge_tracks`](crate::Score::merge_tracks), [`merge_same_programs`](crate::Score::merge_same_programs), [`sort_tracks`](crate::Score::sort_tracks), [`without_empty_tracks`](crate::Score::without_empty_tracks) |
//! | split a track | [`Track::split_at_pitch`](crate::Track::split_at_pitch), [`split_hands`](crate::Track::split_hands), [`split_voices`](crate::Track::split_voices), [`split_drums`](crate::Track::split_drums) |
//! | mend notes | [`Track::without_duplicates`](crate::Track::without_duplicates), [`resolve_overlaps`](crate::Track::resolve_overlaps) |
//! | pick the melody | [`melody_track`](crate::melody_track) |
//! | know where a tick is | [`Score::position`](crate::Score::position), [`MeterMap`](crate::MeterMap), [`Score::bars`](crate::Score::bars), [`beats`](crate::Score::beats) |
//!
//! ```
//! use deepcompose_core::ops::{GridStep, PitchOverflow, Quantiser, Straddle};
//! use deepcompose_core::{InputTrack, Pitch};
//!
//! // Bars 5 to 8, a fourth higher, on swung eighths.
//! let score = InputTrack::OdeToJoy.score();
//! let part = score.slice_bars(4..8, Straddle::Clip);
//! let (higher, changed) = part.transpose(5, Pitch::MIN..=Pitch::MAX, PitchOverflow::Refuse)?;
//! assert_eq!(changed, 0);
//! let swung = higher.quantise(&Quantiser::new(GridStep::EIGHTH).with_swing(2.0 / 3.0)?);
//! assert_eq!(swung.note_count(), part.note_count());
//! # Ok::<(), deepcompose_core::ScoreError>(())
//! ```

mod align;
mod clean;
mod hands;
mod join;
mod quantise;
pub(crate) mod remap;
mod resample;
mod slice;
mod split;
mod state;
mod tracks;
mod transpose;
mod voices;

pub use align::BeatGrid;
pub use clean::Overlaps;
pub use join::Join;
pub use quantise::{GridStep, Quantiser};
pub use slice::{Straddle, TrimTo};
pub use split::DrumPiece;
pub use transpose::PitchOverflow;

#[cfg(test)]
mod tests;
