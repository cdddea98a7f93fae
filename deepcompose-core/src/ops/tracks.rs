//! Merging, ordering and dropping tracks.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::ScoreError;
use crate::ops::state::without_contents;
use crate::score::{Score, Track};

impl Score {
    /// The score with these tracks merged into the first one named, which keeps its name and program.
    /// Notes and events are put together as they are: notes of one pitch may overlap
    /// ([`Track::resolve_overlaps`]), and controls of different tracks now act on one. An index named
    /// twice counts once.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NoSuchTrack`]; [`ScoreError::MixedDrums`] for drums with others.
    pub fn merge_tracks(&self, indices: &[usize]) -> Result<Self, ScoreError> {
        let mut seen = BTreeSet::new();
        let order: Vec<usize> = indices.iter().copied().filter(|i| seen.insert(*i)).collect();
        let tracks = order.iter().map(|i| self.track(*i)).collect::<Result<Vec<_>, _>>()?;
        let (Some(first), Some(into)) = (tracks.first(), order.first()) else {
            return Ok(self.clone());
        };
        if let Some(i) = tracks.iter().position(|t| t.is_drum() != first.is_drum()) {
            let other = order.get(i).copied().unwrap_or_default();
            return Err(ScoreError::MixedDrums { first: *into, other });
        }
        let merged = gather(&tracks);
        let mut out = self.without_tracks();
        for (i, track) in self.tracks().iter().enumerate() {
            if i == *into {
                out.push_track(merged.clone());
            } else if !seen.contains(&i) {
                out.push_track(track.clone());
            }
        }
        Ok(out)
    }

    /// The score with one track for each program (drum kits apart), each where the first of its
    /// tracks was; see [`Score::merge_tracks`].
    ///
    /// ```
    /// use deepcompose_core::{InputTrack, Program, Track};
    ///
    /// let mut score = InputTrack::OdeToJoy.score();
    /// score.push_track(Track::new("bass", Program::new(32)?));
    /// score.push_track(Track::new("more piano", Program::MIN));
    /// assert_eq!(score.merge_same_programs().tracks().len(), 2);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    #[must_use]
    pub fn merge_same_programs(&self) -> Self {
        let mut groups = Vec::<Vec<&Track>>::new();
        let mut group_of = BTreeMap::new();
        for track in self.tracks() {
            let group = *group_of.entry((track.is_drum(), track.program())).or_insert(groups.len());
            match groups.get_mut(group) {
                Some(group) => group.push(track),
                None => groups.push(vec![track]),
            }
        }
        let mut out = self.without_tracks();
        *out.tracks_mut() = groups.iter().map(|group| gather(group)).collect();
        out
    }

    /// The score with `parts` in place of one track: what [`Track::split_hands`] and the like gave.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NoSuchTrack`].
    pub fn replace_track(
        &self,
        index: usize,
        parts: impl IntoIterator<Item = Track>,
    ) -> Result<Self, ScoreError> {
        self.track(index)?;
        let mut out = self.clone();
        out.tracks_mut().splice(index..=index, parts);
        Ok(out)
    }

    /// The score with its tracks in order: drums last, then by program, then by name; equals stay in
    /// the order they have.
    #[must_use]
    pub fn sort_tracks(&self) -> Self {
        let mut out = self.clone();
        out.tracks_mut().sort_by(|a, b| {
            let key = |t: &Track| (t.is_drum(), t.program());
            key(a).cmp(&key(b)).then_with(|| a.name().cmp(b.name()))
        });
        out
    }

    /// The score without the tracks that have no notes, and how many those were. Their controls,
    /// texts and raw events go with them.
    #[must_use]
    pub fn without_empty_tracks(&self) -> (Self, usize) {
        let mut out = self.clone();
        out.tracks_mut().retain(|track| !track.notes().is_empty());
        let removed = self.tracks().len() - out.tracks().len();
        (out, removed)
    }
}

/// The notes and events of all tracks in one like the first.
fn gather(tracks: &[&Track]) -> Track {
    fn all<'a, T: Clone + 'a>(tracks: &[&'a Track], list: impl Fn(&'a Track) -> &'a [T]) -> Vec<T> {
        tracks.iter().flat_map(|track| list(track)).cloned().collect()
    }
    let mut out = tracks.first().map(|first| without_contents(first)).unwrap_or_default();
    out.set_notes(tracks.iter().flat_map(|track| track.notes_as_given()).copied().collect());
    out.set_controls(all(tracks, Track::controls));
    out.set_pitch_bends(all(tracks, Track::pitch_bends));
    out.set_pressures(all(tracks, Track::pressures));
    out.set_texts(all(tracks, Track::texts));
    out.set_raw_events(all(tracks, Track::raw_events));
    out
}
