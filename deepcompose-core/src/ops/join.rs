//! One score after another.

use std::collections::BTreeMap;

use crate::error::ScoreError;
use crate::ops::remap::remap;
use crate::ops::state::{state_before, without_contents};
use crate::score::{At, ControlChange, PitchBend, Pressure, Score, Track};
use crate::tempo::TempoMap;
use crate::units::{Tick, TicksPerQuarter};

/// Where the second of two scores begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Join {
    /// At the first bar line at or after the end of the first score.
    #[default]
    Bar,
    /// Where the last note of the first score ends.
    End,
}

impl Score {
    /// This score, then `next`.
    ///
    /// A track of `next` goes on with the track of the same name, program and kind, if there is one
    /// (the second such with the second), and is a new track otherwise. Controllers, bend and
    /// aftertouch that the first score leaves at a value go back to rest where a track goes on, so
    /// that `next` sounds as it does alone; registered and other parameters stay. `next` brings its
    /// tempo and metre; a key signature goes on until `next` has one. Events of the first score after
    /// the join are left out.
    ///
    /// If the resolutions differ, the result has their least common multiple, in which both are exact;
    /// if that is over [`TicksPerQuarter::MAX`], the finer one of the two, and the other score is
    /// rounded to it as in [`Score::resample`].
    ///
    /// ```
    /// use deepcompose_core::InputTrack;
    /// use deepcompose_core::ops::{Join, Straddle};
    ///
    /// let score = InputTrack::OdeToJoy.score();
    /// let (first, rest) = (score.slice_bars(0..4, Straddle::Clip), score.slice_bars(4..16, Straddle::Clip));
    /// assert_eq!(first.join(&rest, Join::Bar)?, score);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if something would come past [`Tick::MAX`].
    pub fn join(&self, next: &Self, at: Join) -> Result<Self, ScoreError> {
        let common = common_resolution(self.ticks_per_quarter(), next.ticks_per_quarter());
        let (mut out, next) = (self.resample(common)?, next.resample(common)?);
        let end = out.end();
        let bar = out.meter_map().bar_at(end);
        let join = if at == Join::End || bar.start == end { end } else { bar.end };
        let shifted = remap(&next, |tick| u64::from(tick.get()) + u64::from(join.get()))?;

        out.set_tempo_map(TempoMap::new(chain(out.tempo_map().changes(), next.tempo_map().changes(), join)));
        out.set_time_signatures(chain(out.time_signatures(), next.time_signatures(), join));
        out.set_key_signatures(chain(out.key_signatures(), next.key_signatures(), join));
        let texts = out.texts().iter().filter(|t| t.tick <= join).chain(shifted.texts());
        out.set_texts(texts.cloned().collect());
        let raw = out.raw_events().iter().filter(|e| e.tick <= join).chain(shifted.raw_events());
        out.set_raw_events(raw.cloned().collect());
        join_tracks(out.tracks_mut(), shifted.tracks(), join);
        Ok(out)
    }
}

fn common_resolution(a: TicksPerQuarter, b: TicksPerQuarter) -> TicksPerQuarter {
    let (a32, b32) = (u32::from(a.get()), u32::from(b.get()));
    let (mut divisor, mut rest) = (a32, b32);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    TicksPerQuarter::new(a32 / divisor * b32).unwrap_or(a.max(b))
}

/// What is before the join, then `next` from there on, but for a first item that is in force already.
fn chain<T: Copy + PartialEq>(first: &[At<T>], next: &[At<T>], join: Tick) -> Vec<At<T>> {
    let mut out: Vec<At<T>> = first.iter().filter(|item| item.tick < join).copied().collect();
    let is_in_force = |item: &At<T>| out.last().is_some_and(|last| last.value == item.value);
    let next = if next.first().is_some_and(is_in_force) { next.get(1..).unwrap_or_default() } else { next };
    out.extend(next.iter().map(|n| At { tick: n.tick.saturating_add(join), value: n.value }));
    out
}

fn join_tracks(tracks: &mut Vec<Track>, next: &[Track], join: Tick) {
    let identity = |t: &Track| (t.name().to_owned(), t.program(), t.is_drum());
    let mut waiting = BTreeMap::<_, Vec<usize>>::new();
    for (i, track) in tracks.iter_mut().enumerate().rev() {
        track.retain_events(|tick| tick <= join);
        waiting.entry(identity(track)).or_default().push(i);
    }
    for track in next {
        match waiting.get_mut(&identity(track)).and_then(Vec::pop).and_then(|i| tracks.get_mut(i)) {
            Some(first) => {
                let rest = to_rest(first, join);
                first.extend_events(&rest);
                first.extend_events(track);
                first.extend_notes(track.notes_as_given().copied());
            }
            None => tracks.push(track.clone()),
        }
    }
}

/// Events at `join` that bring back to rest what a track has left at another value.
fn to_rest(track: &Track, join: Tick) -> Track {
    let at = |value| At { tick: join, value };
    let state = state_before(track, join.saturating_add(Tick::saturating(1)));
    let mut out = without_contents(track);
    let controls = state.controls().iter().filter_map(|c| {
        let rest = resting_value(c.value.controller()).filter(|rest| *rest != c.value.value())?;
        ControlChange::new(c.value.controller(), rest).ok().map(|value| At { tick: join, value })
    });
    out.set_controls(controls.collect());
    if !state.pitch_bends().is_empty() {
        out.set_pitch_bends(PitchBend::new(0).map(at).into_iter().collect());
    }
    let pressures = state.pressures().iter().filter_map(|p| {
        let value = p.value.pitch().map_or(Pressure::channel(0), |pitch| Pressure::key(pitch, 0)).ok()?;
        Some(At { tick: join, value })
    });
    out.set_pressures(pressures.collect());
    out
}

/// A controller's value at rest (General MIDI's, and recommended practice RP-015), for those that have
/// one: not bank select, parameter numbers, and data.
fn resting_value(controller: u8) -> Option<u8> {
    match controller {
        0 | 6 | 32 | 38 | 96..=101 | 120.. => None,
        7 => Some(100),
        8 | 10 | 70..=79 => Some(64),
        11 => Some(127),
        91 => Some(40),
        _ => Some(0),
    }
}
