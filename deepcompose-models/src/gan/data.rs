//! Training data: pieces on the sixteenth grid, and the windows cut from them.

use burn::tensor::{Device, Tensor, TensorData};
use deepcompose_core::{Chord, Score};
use ndarray::Array2;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::condition::{PitchRange, attribute_vector, paint_chords};
use super::config::CHORD_ROLLS;
use super::genre::{Genre, RoleSet, TrackRole};
use super::grid::{BAR_STEPS, Cell, StepGrid, WINDOW_BARS, filled_cells};
use super::roles::{RoleAssignment, assign_roles};
use super::rolls::{BAND_ROLLS, BandStep, SILENCE, Window, is_pitched, onset_roll, with_gap};
use super::roots::without_roots;
use super::sample::paint;
use super::tune::{FEATURES, HALF_BAR, Tune, heard};
use super::{GanCondition, GanConfig, GanError};
use crate::data::column::Column;
use crate::data::content::Hasher;

/// A piece ready to be cut into windows: for every sixteenth-note step, the set of pitches that the
/// melody and each role sound, and those of each pitched role of which a note begins, 128 bytes a step.
///
/// The melody is made as [`StepGrid::sounding_roll`] says; drums have their onsets only. A bar
/// of fewer than 16 steps fills the start of a window's bar, one of 12 as [`StepGrid::bar_fills`] says; a longer one is
/// cut in nearly equal parts.
#[derive(Debug, Clone)]
pub struct GanPiece {
    genre: Genre,
    roles: RoleSet,
    /// Bars of 16 steps.
    steps: Column<BandStep>,
}

impl GanPiece {
    /// Cuts a score to the grid, with its tracks assigned by [`assign_roles`]. `melody` is the index
    /// of the melody's track, or `None` to have it found.
    ///
    /// # Errors
    ///
    /// [`GanError::Condition`] if there is no melody or nothing that accompanies it,
    /// [`GanError::Limit`] for a score of more than [`MAX_BARS`](super::MAX_BARS) bars.
    pub fn from_score(score: &Score, genre: Genre, melody: Option<usize>) -> Result<Self, GanError> {
        let assignment = assign_roles(score, genre, melody)
            .ok_or(GanError::Condition("the score has no melody track with notes"))?;
        Self::from_assignment(score, genre, &assignment)
    }

    /// The same with the roles given.
    ///
    /// # Errors
    ///
    /// As [`GanPiece::from_score`]. Tracks that the score does not have count as empty.
    pub fn from_assignment(
        score: &Score,
        genre: Genre,
        assignment: &RoleAssignment,
    ) -> Result<Self, GanError> {
        let grid = StepGrid::of(score, score.end())?;
        let notes = |indices: &[usize]| {
            let tracks = indices.iter().filter_map(|i| score.tracks().get(*i));
            tracks.flat_map(|t| t.notes()).copied().collect::<Vec<_>>()
        };
        let melody = grid.sounding(&notes(&[assignment.melody]));
        let tracks = TrackRole::ALL.map(|role| {
            let (sounding, onsets) = grid.held(&notes(assignment.tracks(role)));
            (role, sounding, onsets)
        });
        let sounds = |(_, sounding, _): &&(_, Vec<u128>, _)| sounding.iter().any(|set| *set != 0);
        let roles: RoleSet = tracks.iter().filter(sounds).map(|(role, ..)| *role).collect();
        if melody.iter().all(|s| *s == 0) {
            return Err(GanError::Condition("the melody track has no notes"));
        }
        if roles.is_empty() {
            return Err(GanError::Condition("no track accompanies the melody"));
        }
        let mut steps: Vec<BandStep> = Vec::new();
        for cell in filled_cells(grid.bar_steps(), grid.bar_fills(genre), grid.steps()) {
            let mut bar = [[0; 1 + BAND_ROLLS]; BAR_STEPS];
            let mut write = |row: usize, keys: [u128; BAR_STEPS]| {
                bar.iter_mut().zip(keys).for_each(|(step, keys)| step[row] = keys);
            };
            write(0, cell.keys(|step| melody[step]));
            for (role, sounding, onsets) in &tracks {
                match onset_roll(*role) {
                    Some(roll) => {
                        write(1 + role.index(), cell.keys(|step| sounding[step]));
                        write(1 + roll, strokes(&cell, onsets));
                    }
                    None => write(1 + role.index(), strokes(&cell, onsets)),
                }
            }
            steps.extend(bar);
        }
        Ok(Self { genre, roles, steps: steps.into() })
    }

    /// A piece of these steps; what follows the last whole bar is left out.
    pub(crate) const fn from_column(genre: Genre, roles: RoleSet, steps: Column<BandStep>) -> Self {
        Self { genre, roles, steps }
    }

    pub(crate) const fn steps(&self) -> &Column<BandStep> {
        &self.steps
    }

    /// The piece's genre.
    #[must_use]
    pub const fn genre(&self) -> Genre {
        self.genre
    }

    /// The roles that sound anywhere in the piece.
    #[must_use]
    pub const fn roles(&self) -> RoleSet {
        self.roles
    }

    /// Bars of 16 steps.
    #[must_use]
    pub fn bars(&self) -> usize {
        self.steps.len() / BAR_STEPS
    }

    /// The melody, `[steps, 128]`, in sixteenths and bars of 16 steps: true while a pitch sounds, with the last step
    /// of a note left out where its pitch follows again. What [`accompany`](super::accompany) takes.
    #[must_use]
    pub fn melody(&self) -> Array2<bool> {
        self.roll(0)
    }

    /// What was played in a role, `[steps, 128]`: true while a pitch sounds, or, of drums, where it is struck. Silence
    /// for a role that the piece does not have.
    #[must_use]
    pub fn track(&self, role: TrackRole) -> Array2<bool> {
        self.roll(1 + role.index())
    }

    /// Where the notes of a role begin, `[steps, 128]`; of drums the same as [`track`](Self::track).
    #[must_use]
    pub fn onsets(&self, role: TrackRole) -> Array2<bool> {
        self.roll(1 + onset_roll(role).unwrap_or(role.index()))
    }

    fn roll(&self, channel: usize) -> Array2<bool> {
        let mut roll = Array2::from_elem((self.bars() * BAR_STEPS, 128), false);
        for (mut row, sets) in roll.rows_mut().into_iter().zip(self.steps.iter()) {
            for (pitch, cell) in row.iter_mut().enumerate() {
                *cell = sets[channel] >> pitch & 1 == 1;
            }
        }
        roll
    }

    /// A step; past either end there is silence.
    fn step(&self, step: isize) -> BandStep {
        let step = usize::try_from(step).ok().and_then(|step| self.steps.get(step));
        step.unwrap_or([0; 1 + BAND_ROLLS])
    }

    /// The steps of the window that starts at `bar`.
    fn window(&self, bar: isize) -> impl Iterator<Item = BandStep> {
        let first = bar * BAR_STEPS as isize;
        (first..first + (WINDOW_BARS * BAR_STEPS) as isize).map(|step| self.step(step))
    }

    /// The rolls of the band in the window that starts at `bar`: with those of onsets, or without, but with the gaps that notes are
    /// told apart by.
    pub(super) fn band(&self, bar: isize, onsets: bool) -> Window {
        let mut window = SILENCE;
        for (step, [_, band @ ..]) in self.window(bar).enumerate() {
            window.iter_mut().zip(band).for_each(|(roll, set)| roll[step] = set);
        }
        if !onsets {
            let [_, after @ ..] = self.step((bar + WINDOW_BARS as isize) * BAR_STEPS as isize);
            for (role, roll) in TrackRole::ALL.into_iter().filter_map(|role| Some((role, onset_roll(role)?)))
            {
                for step in 0..window[roll].len() {
                    let next = window[roll].get(step + 1).copied().unwrap_or(after[roll]);
                    let (sounding, begin) = (window[role.index()][step], window[roll][step]);
                    window[role.index()][step] = with_gap(sounding, begin, next);
                }
                window[roll].fill(0);
            }
        }
        window
    }
}

/// Of a track's strokes, which are not held, those in each step of the window's bar.
fn strokes(cell: &Cell, onsets: &[u128]) -> [u128; BAR_STEPS] {
    let mut strokes = [0; BAR_STEPS];
    (0..cell.len).for_each(|step| strokes[cell.place(step)] = onsets[cell.start + step]);
    strokes
}

/// How windows are varied each time they are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Augmentation {
    /// Transposition, up to this many semitones either way; drums stay.
    pub(crate) transpose: u8,
    /// Probability of a window being given silence for its previous tracks.
    pub(crate) previous_dropout: f32,
}

impl Augmentation {
    pub(crate) const NONE: Self = Self { transpose: 0, previous_dropout: 0.0 };
}

/// Windows of 2 bars, hopped by bar, of many pieces.
///
/// Windows in which nothing accompanies are left out. Split pieces, not windows, into training
/// and validation sets: neighbouring windows share a bar.
#[derive(Debug, Clone)]
pub struct GanDataset {
    pieces: Vec<GanPiece>,
    chords: Vec<PieceChords>,
    /// Roles of the larger bands of each genre, at least.
    most_roles: [usize; Genre::ALL.len()],
    /// Windows of each genre: piece and first bar.
    windows: [Vec<(u32, u32)>; Genre::ALL.len()],
}

/// What is known of a piece's chords.
#[derive(Debug, Clone)]
pub(crate) struct PieceChords {
    pub(super) tune: Tune,
    /// What the band sounds in each half bar.
    pub(super) heard: Vec<Option<Chord>>,
    /// The same with the chord before where it is silent; at the start, the first one that follows.
    pub(super) held: Vec<Chord>,
    /// The first half bar in which the band sounds.
    first: usize,
}

impl PieceChords {
    fn of(piece: &GanPiece) -> Self {
        let steps: Vec<BandStep> = piece.steps.iter().collect();
        let heard: Vec<Option<Chord>> = steps
            .chunks(HALF_BAR)
            .map(|half| heard(half.iter().map(|[_, _, bass, guitar, keys, ..]| [*bass, *guitar, *keys])))
            .collect();
        let first = heard.iter().flatten().next().copied().or(Chord::from_index(0));
        let held = heard.iter().scan(first, |before, chord| {
            *before = chord.or(*before);
            *before
        });
        let held = held.collect();
        let first = heard.iter().position(Option::is_some).unwrap_or(heard.len());
        Self { tune: Tune::new(steps.iter().map(|step| step[0])), heard, held, first }
    }

    /// The chord of a half bar, if it is known by then.
    pub(super) fn known(&self, half: usize) -> Option<Chord> {
        self.held.get(half).copied().filter(|_| half >= self.first)
    }

    /// The chords of a window's half bars; the last one of all where the piece has ended.
    fn window(&self, bar: u32) -> impl Iterator<Item = Chord> {
        let first = bar as usize * HALVES;
        let last = self.held.last().copied();
        (first..first + WINDOW_BARS * HALVES).filter_map(move |half| self.held.get(half).copied().or(last))
    }
}

/// How many of the roles that its genre has a piece has.
fn wanted_roles(piece: &GanPiece) -> usize {
    piece.roles.intersection(RoleSet::of(piece.genre)).iter().count()
}

/// The most roles that pieces have of which at least an eighth of these windows are.
fn most_roles(pieces: &[GanPiece], windows: &[(u32, u32)]) -> usize {
    let mut counts = [0_usize; TrackRole::COUNT + 1];
    for piece in windows.iter().filter_map(|(piece, _)| pieces.get(*piece as usize)) {
        counts[wanted_roles(piece)] += 1;
    }
    let mut larger = 0;
    for (roles, count) in counts.iter().enumerate().rev() {
        larger += count;
        if 8 * larger >= windows.len().max(1) {
            return roles;
        }
    }
    0
}

/// Half bars of a bar.
const HALVES: usize = BAR_STEPS / HALF_BAR;

/// Half bars of the windows of a batch, and the chord of each.
#[derive(Debug, Clone)]
pub(crate) struct ChordBatch {
    /// `[half bars, 12, FEATURES]`.
    pub(crate) features: Tensor<3>,
    /// 1 for the [chord](Chord::index) that the band sounds, `[half bars, 24]`; all 0 where it is silent.
    pub(crate) heard: Tensor<2>,
}

/// A batch of training windows.
#[derive(Debug, Clone)]
pub(crate) struct GanBatch {
    /// What the windows are to be generated under.
    pub(crate) condition: GanCondition,
    /// The tracks as played, +1 or −1, `[batch, rolls, steps, pitches]`.
    pub(crate) tracks: Tensor<4>,
}

/// Where a drawn window comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WindowIndex {
    piece: u32,
    bar: u32,
}

/// What a window is told of the tracks before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Previous {
    /// What was played.
    Played,
    /// Silence.
    Silent,
    /// These, as they are: what a generator made.
    Made(Box<Window>),
}

/// A window of a batch: where it comes from and how it is varied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) window: WindowIndex,
    /// Semitones up; drums stay.
    pub(crate) shift: i32,
    pub(crate) previous: Previous,
}

impl GanDataset {
    /// A dataset of all windows of these pieces.
    #[must_use]
    pub fn new(pieces: Vec<GanPiece>) -> Self {
        let mut windows: [Vec<(u32, u32)>; Genre::ALL.len()] = Default::default();
        for (index, piece) in pieces.iter().enumerate() {
            for bar in 0..piece.bars().saturating_sub(WINDOW_BARS - 1) {
                let sounds =
                    piece.window(bar as isize).any(|[_, tracks @ ..]| tracks.iter().any(|t| *t != 0));
                if sounds {
                    windows[piece.genre.index()].push((index as u32, bar as u32));
                }
            }
        }
        let chords = pieces.iter().map(PieceChords::of).collect();
        let most_roles = Genre::ALL.map(|genre| most_roles(&pieces, &windows[genre.index()]));
        Self { pieces, chords, most_roles, windows }
    }

    /// How many windows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.windows.iter().map(Vec::len).sum()
    }

    /// Whether there is no window.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many windows there are of one genre.
    #[must_use]
    pub fn genre_len(&self, genre: Genre) -> usize {
        self.windows[genre.index()].len()
    }

    /// The pieces.
    #[must_use]
    pub fn pieces(&self) -> &[GanPiece] {
        &self.pieces
    }

    /// What is known of each piece's chords.
    pub(super) fn chords(&self) -> &[PieceChords] {
        &self.chords
    }

    /// 16 hex digits that tell these data from others: a hash of every piece's genre, roles and steps. The same
    /// for a prepared corpus and for the same pieces in memory.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Hasher::new("bands");
        for piece in &self.pieces {
            hash.text(piece.genre.name());
            hash.number(piece.roles.iter().map(|role| 1 << role.index()).sum());
            hash.hash(&piece.steps.digest());
        }
        hash.fingerprint()
    }

    /// Draws windows with replacement: a genre, evenly of those that have any, then a window of it.
    pub(crate) fn draw<R: Rng + ?Sized>(&self, count: usize, rng: &mut R) -> Vec<WindowIndex> {
        let genres: Vec<_> = self.windows.iter().filter(|w| !w.is_empty()).collect();
        if genres.is_empty() {
            return Vec::new();
        }
        (0..count)
            .map(|_| {
                let windows = genres[rng.random_range(0..genres.len())];
                let (piece, bar) = windows[rng.random_range(0..windows.len())];
                WindowIndex { piece, bar }
            })
            .collect()
    }

    /// Windows, each varied at random.
    pub(crate) fn vary<R: Rng + ?Sized>(
        windows: &[WindowIndex],
        augmentation: Augmentation,
        rng: &mut R,
    ) -> Vec<Placed> {
        let reach = i32::from(augmentation.transpose);
        let vary = |window: &WindowIndex| {
            let shift = if reach == 0 { 0 } else { rng.random_range(-reach..=reach) };
            let silent = rng.random::<f32>() < augmentation.previous_dropout;
            let previous = if silent { Previous::Silent } else { Previous::Played };
            Placed { window: *window, shift, previous }
        };
        windows.iter().map(vary).collect()
    }

    /// The window right after another of its piece, if it lies in the piece.
    pub(crate) fn after(&self, window: WindowIndex) -> Option<WindowIndex> {
        let bar = window.bar + WINDOW_BARS as u32;
        let bars = self.pieces.get(window.piece as usize)?.bars();
        (bar as usize + WINDOW_BARS <= bars).then_some(WindowIndex { bar, ..window })
    }

    /// Whether there is such a window.
    pub(crate) fn holds(&self, window: WindowIndex) -> bool {
        self.pieces.get(window.piece as usize).is_some_and(|piece| (window.bar as usize) < piece.bars())
    }

    /// The genre of the piece that a window is of.
    pub(crate) fn genre_of(&self, window: WindowIndex) -> Genre {
        self.pieces.get(window.piece as usize).map_or(Genre::Rock, |piece| piece.genre)
    }

    /// Whether the band of the piece that a window is of is one of the larger ones of its genre.
    pub(crate) fn has_most_roles(&self, window: WindowIndex) -> bool {
        let piece = self.pieces.get(window.piece as usize);
        piece.is_some_and(|piece| wanted_roles(piece) >= self.most_roles[piece.genre.index()])
    }

    /// The roles of the piece that a window is of.
    pub(crate) fn roles_of(&self, window: WindowIndex) -> RoleSet {
        self.pieces.get(window.piece as usize).map_or_else(RoleSet::default, |piece| piece.roles)
    }

    /// The windows as tensors, `pitches` from the lowest up, in the layout of [`GanConfig::accompaniment`], with the parts of the
    /// condition that `config` has a place for.
    pub(crate) fn batch(&self, windows: &[Placed], config: &GanConfig, device: &Device) -> GanBatch {
        let (size, pitches) = (windows.len(), config.pitches());
        let range = PitchRange::of(config);
        let steps = WINDOW_BARS * BAR_STEPS;
        let cells = steps * pitches;
        let mut melody = vec![-1.0_f32; size * cells];
        let channels = config.rolls();
        let mut tracks = vec![-1.0_f32; size * channels * cells];
        let mut previous = tracks.clone();
        let mut chords = vec![-1.0_f32; size * config.chord_rolls() * cells];
        let mut attributes = Vec::with_capacity(size * config.attributes());
        for (index, Placed { window, shift, previous: before }) in windows.iter().enumerate() {
            let piece = &self.pieces[window.piece as usize];
            let (shift, bar) = (*shift, window.bar as isize);
            for (step, [tune, ..]) in piece.window(bar).enumerate() {
                let tune = range.fold(shifted(tune, shift));
                paint(&mut melody[(index * steps + step) * pitches..][..pitches], tune);
            }
            let write = |window: &Window, to: &mut [f32]| {
                let rows = to[index * channels * cells..][..channels * cells].chunks_mut(pitches);
                rows.zip(window.iter().flatten()).for_each(|(row, keys)| paint(row, range.cut(*keys)));
            };
            let played = |bar: isize| band_shifted(piece.band(bar, config.onsets()), shift);
            write(&played(bar), &mut tracks);
            match before {
                Previous::Silent => {}
                Previous::Played => write(&played(bar - WINDOW_BARS as isize), &mut previous),
                Previous::Made(made) => write(made, &mut previous),
            }
            if config.chords() {
                let played: Vec<Chord> = self.chords_of(*window, shift);
                paint_chords(
                    config,
                    &played,
                    &mut chords[index * CHORD_ROLLS * cells..][..CHORD_ROLLS * cells],
                );
            }
            attributes.extend(attribute_vector(config, piece.genre, piece.roles));
        }
        let rolls = |values: Vec<f32>, channels: usize| {
            Tensor::from_data(TensorData::new(values, [size, channels, steps, pitches]), device)
        };
        GanBatch {
            condition: GanCondition {
                melody: rolls(melody, 1),
                chords: config.chords().then(|| rolls(chords, CHORD_ROLLS)),
                previous: config.previous().then(|| rolls(previous, channels)),
                attributes: (config.attributes() > 0).then(|| {
                    Tensor::from_data(TensorData::new(attributes, [size, config.attributes()]), device)
                }),
            },
            tracks: rolls(tracks, channels),
        }
    }

    /// The chord of each half bar of a window, transposed.
    pub(crate) fn chords_of(&self, window: WindowIndex, shift: i32) -> Vec<Chord> {
        let of = self.chords.get(window.piece as usize);
        of.into_iter().flat_map(|of| of.window(window.bar)).map(|chord| chord.transposed(shift)).collect()
    }

    /// What the chords of the windows' half bars are chosen by, and which the bands sound.
    pub(crate) fn chord_batch(&self, windows: &[Placed], device: &Device) -> ChordBatch {
        let halves = windows.len() * WINDOW_BARS * HALVES;
        let mut features = Vec::with_capacity(halves * 12 * FEATURES);
        let mut heard = vec![0.0_f32; halves * Chord::COUNT];
        let mut rows = heard.chunks_mut(Chord::COUNT);
        for Placed { window, .. } in windows {
            let (piece, of) = (&self.pieces[window.piece as usize], &self.chords[window.piece as usize]);
            let first = window.bar as usize * HALVES;
            for half in first..first + WINDOW_BARS * HALVES {
                of.tune.features(half, |half| of.known(half), piece.genre, &mut features);
                if let (Some(row), Some(Some(chord))) = (rows.next(), of.heard.get(half)) {
                    row[chord.index()] = 1.0;
                }
            }
        }
        ChordBatch {
            features: Tensor::from_data(TensorData::new(features, [halves, 12, FEATURES]), device),
            heard: Tensor::from_data(TensorData::new(heard, [halves, Chord::COUNT]), device),
        }
    }

    /// The tracks as played, [without their roots](without_roots), `[batch, rolls, steps, pitches]` of +1 and −1. Keys that this
    /// moves below or above those that the networks see are lost.
    pub(crate) fn rootless(&self, windows: &[Placed], config: &GanConfig, device: &Device) -> Tensor<4> {
        let (size, pitches) = (windows.len(), config.pitches());
        let range = PitchRange::of(config);
        let [tracks, steps, _] = config.window_shape();
        let mut values = vec![-1.0_f32; size * tracks * steps * pitches];
        let mut rows = values.chunks_mut(pitches.max(1));
        for Placed { window, shift, .. } in windows {
            let piece = &self.pieces[window.piece as usize];
            let played = band_shifted(piece.band(window.bar as isize, config.onsets()), *shift);
            let chords = self.chords_of(*window, *shift);
            let moved = without_roots(&played, &chords);
            for (set, row) in moved.iter().take(tracks).flatten().zip(&mut rows) {
                paint(row, range.cut(*set));
            }
        }
        Tensor::from_data(TensorData::new(values, [size, tracks, steps, pitches]), device)
    }
}

/// The set moved by `shift` semitones; what leaves the range is lost.
const fn shifted(set: u128, shift: i32) -> u128 {
    if shift >= 0 { set << shift } else { set >> -shift }
}

/// A window with all but its drums moved.
fn band_shifted(mut window: Window, shift: i32) -> Window {
    for (_, roll) in window.iter_mut().enumerate().filter(|(roll, _)| is_pitched(*roll)) {
        roll.iter_mut().for_each(|set| *set = shifted(*set, shift));
    }
    window
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use deepcompose_core::{At, Note, Pitch, Program, Tick, TimeSignature, Track, Velocity};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Notes as (sixteenth, length in sixteenths, pitch).
    fn track(track: Track, notes: &[(u32, u32, u32)]) -> Track {
        let note = |(start, length, pitch): &(u32, u32, u32)| Note {
            start: Tick::new(start * 120).unwrap(),
            pitch: Pitch::new(*pitch).unwrap(),
            duration: Tick::new(length * 120).unwrap(),
            velocity: Velocity::DEFAULT,
        };
        track.with_notes(notes.iter().map(note).collect())
    }

    /// Four bars: the melody holds a pitch of its own in each bar, the bass one an octave below in
    /// all but the last, drums strike each bar's first step.
    fn four_bars() -> Score {
        let mut score = Score::default();
        let tune: Vec<_> = (0..4).map(|bar| (bar * 16, 16, 60 + bar)).collect();
        let low: Vec<_> = (0..3).map(|bar| (bar * 16, 8, 48 + bar)).collect();
        let strokes: Vec<_> = (0..4).map(|bar| (bar * 16, 4, 36)).collect();
        score.push_track(track(Track::new("Melody", Program::MIN), &tune));
        score.push_track(track(Track::new("Bass", Program::new(33).unwrap()), &low));
        score.push_track(track(Track::drums("Drums", Program::MIN), &strokes));
        score
    }

    /// Sounding (channel, step, pitch) of each item of a batch.
    fn sounding(rolls: &Tensor<4>) -> Vec<Vec<(usize, usize, usize)>> {
        let [_, channels, steps, pitches] = rolls.dims();
        let values: Vec<f32> = rolls.clone().try_into_vec_as().unwrap();
        assert!(values.iter().all(|v| v.abs() == 1.0));
        let place = |i: usize| (i / (steps * pitches), i / pitches % steps, i % pitches);
        let item = |v: &[f32]| (0..v.len()).filter(|i| v[*i] > 0.0).map(place).collect();
        values.chunks(channels * steps * pitches).map(item).collect()
    }

    /// All 128 pitches, so that a pitch is its own index, and a roll a role.
    fn wide() -> GanConfig {
        let wide = GanConfig::accompaniment().to_builder().pitches(128).lowest_pitch(0);
        wide.onsets(false).build().unwrap()
    }

    fn batch(dataset: &GanDataset, bars: &[u32], augmentation: Augmentation, seed: u64) -> GanBatch {
        let windows: Vec<_> = bars.iter().map(|bar| WindowIndex { piece: 0, bar: *bar }).collect();
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let placed = GanDataset::vary(&windows, augmentation, rng);
        dataset.batch(&placed, &wide(), &Device::flex())
    }

    #[test]
    fn windows_hold_what_was_played_and_what_came_before() {
        let piece = GanPiece::from_score(&four_bars(), Genre::Jazz, None).unwrap();
        assert_eq!(piece.bars(), 4);
        assert_eq!(piece.roles().iter().collect::<Vec<_>>(), [TrackRole::Drums, TrackRole::Bass]);
        let cells = |roll: Array2<bool>| roll.iter().filter(|cell| **cell).count();
        // Four bars held, three times eight steps, four strokes.
        assert_eq!((cells(piece.melody()), cells(piece.track(TrackRole::Bass))), (64, 24));
        assert_eq!((cells(piece.track(TrackRole::Drums)), cells(piece.track(TrackRole::Keys))), (4, 0));
        assert!(piece.melody()[[63, 63]] && piece.track(TrackRole::Bass)[[16, 49]]);
        let dataset = GanDataset::new(vec![piece]);
        assert_eq!((dataset.len(), dataset.genre_len(Genre::Jazz)), (3, 3));

        let batch = batch(&dataset, &[0, 1, 2], Augmentation::NONE, 0);
        let held = |channel: usize, from: usize, length: usize, pitch: usize| {
            (from..from + length).map(move |step| (channel, step, pitch))
        };
        let (tunes, bands) = (sounding(&batch.condition.melody), sounding(&batch.tracks));
        for bar in 0..3 {
            let tune: Vec<_> = held(0, 0, 16, 60 + bar).chain(held(0, 16, 16, 61 + bar)).collect();
            assert_eq!(tunes[bar], tune);
            let mut band = vec![(0, 0, 36), (0, 16, 36)];
            band.extend(held(1, 0, 8, 48 + bar));
            if bar < 2 {
                band.extend(held(1, 16, 8, 49 + bar));
            }
            assert_eq!(bands[bar], band);
        }
        let previous = sounding(&batch.condition.previous.unwrap());
        assert_eq!(previous[0], []);
        // The window from bar 1 comes after the one from bar −1: silence, then bar 0.
        let mut before: Vec<_> = vec![(0, 16, 36)];
        before.extend(held(1, 16, 8, 48));
        assert_eq!(previous[1], before);
        assert_eq!(previous[2], bands[0]);

        let attributes: Vec<f32> = batch.condition.attributes.unwrap().try_into_vec_as().unwrap();
        assert_eq!(attributes[..11], [0., 0., 1., 0., 0., 0., 0., 1., 1., 0., 0.]);
    }

    // The bass has C, C sharp and D, each in the first half of its bar; then it is silent.
    // A bar of 3/4: the bass holds through, the keys have a quarter a beat, a drum is struck on each. Pop is laid as a waltz, what
    // sounds at the end of the second beat held through the one that is left out; classical as it is.
    #[test]
    fn waltzes_are_laid_as_they_are_generated() {
        let mut score = Score::default();
        let value = TimeSignature::new(3, 4).unwrap();
        score.set_time_signatures(vec![At { tick: Tick::ZERO, value }]);
        let note = |start: u32, duration: u32, pitch: u32| Note {
            start: Tick::new(480 * start).unwrap(),
            duration: Tick::new(480 * duration).unwrap(),
            pitch: Pitch::new(pitch).unwrap(),
            velocity: Velocity::DEFAULT,
        };
        let three = |pitch: u32| (0..3).map(|beat| note(beat, 1, pitch + beat)).collect::<Vec<_>>();
        score.push_track(Track::new("Melody", Program::MIN).with_notes(three(72)));
        score.push_track(Track::drums("Drums", Program::MIN).with_notes(three(36)));
        score.push_track(Track::new("Bass", Program::new(33).unwrap()).with_notes(vec![note(0, 3, 40)]));
        let rows = |genre| {
            let piece = GanPiece::from_score(&score, genre, Some(0)).unwrap();
            let text = |roll: Array2<bool>, pitch: usize| {
                roll.column(pitch).iter().map(|sounds| if *sounds { 'x' } else { '.' }).collect::<String>()
            };
            let drums = piece.track(TrackRole::Drums);
            let melody = [72, 73, 74].map(|pitch| text(piece.melody(), pitch));
            (melody, [37, 38].map(|key| text(drums.clone(), key)), text(piece.track(TrackRole::Bass), 40))
        };
        let (melody, strokes, bass) = rows(Genre::Pop);
        assert_eq!(melody, ["xxxx............", "....xxxxxxxx....", "............xxxx"]);
        assert_eq!(strokes, ["....x...........", "............x..."]);
        assert_eq!(bass, "xxxxxxxxxxxxxxxx");
        let (melody, strokes, bass) = rows(Genre::Classical);
        assert_eq!(melody, ["xxxx............", "....xxxx........", "........xxxx...."]);
        assert_eq!((strokes[1].as_str(), bass.as_str()), ("........x.......", "xxxxxxxxxxxx...."));
    }

    // Two eighths of one pitch that touch, and two sixteenths; over a bar line at the end of the window, and one of a pitch by itself.
    #[test]
    fn notes_that_touch_are_told_apart_by_onsets_or_by_gaps() {
        let mut score = four_bars();
        let low = [(0, 2, 40), (2, 2, 40), (8, 1, 41), (9, 1, 41), (30, 2, 42), (32, 4, 42), (36, 4, 42)];
        score.tracks_mut()[1] = track(Track::new("Bass", Program::new(33).unwrap()), &low);
        let piece = GanPiece::from_score(&score, Genre::Jazz, Some(0)).unwrap();
        let steps = |roll: &[u128], pitch: u32| -> Vec<usize> {
            (0..roll.len()).filter(|step| roll[*step] >> pitch & 1 == 1).collect()
        };
        let [_, bass, _, _, onsets, ..] = piece.band(0, true);
        assert_eq!((steps(&bass, 40), steps(&onsets, 40)), (vec![0, 1, 2, 3], vec![0, 2]));
        assert_eq!((steps(&bass, 41), steps(&onsets, 41)), (vec![8, 9], vec![8, 9]));
        assert_eq!((steps(&bass, 42), steps(&onsets, 42)), (vec![30, 31], vec![30]));
        let [_, bass, _, _, onsets, ..] = piece.band(0, false);
        // A note of one step has no room for a gap; the last step of the window gives way to the note after it.
        assert_eq!([40, 41, 42].map(|pitch| steps(&bass, pitch)), [vec![0, 2, 3], vec![8, 9], vec![30]]);
        assert_eq!(onsets, [0; 32]);
        let begins = |roll: Array2<bool>, pitch: usize| {
            roll.column(pitch).iter().enumerate().filter(|(_, x)| **x).map(|(s, _)| s).collect::<Vec<_>>()
        };
        assert_eq!(begins(piece.onsets(TrackRole::Bass), 42), [30, 32, 36]);
        assert_eq!(piece.onsets(TrackRole::Drums), piece.track(TrackRole::Drums));
        // Batches have a roll more for each pitched role.
        let dataset = GanDataset::new(vec![piece]);
        let told = wide().to_builder().onsets(true).build().unwrap();
        let window = WindowIndex { piece: 0, bar: 2 };
        let placed = [Placed { window, shift: 3, previous: Previous::Played }];
        let batch = dataset.batch(&placed, &told, &Device::flex());
        assert_eq!(batch.tracks.dims(), [1, 7, 32, 128]);
        let found = &sounding(&batch.tracks)[0];
        let of = |roll: usize| {
            found.iter().filter(|(r, ..)| *r == roll).map(|(_, s, p)| (*s, *p)).collect::<Vec<_>>()
        };
        assert_eq!(of(1), (0..8).map(|step| (step, 45)).collect::<Vec<_>>());
        assert_eq!(of(4), [(0, 45), (4, 45)]);
        let before = &sounding(&batch.condition.previous.unwrap())[0];
        assert!(
            before.contains(&(4, 2, 43)) && before.contains(&(1, 31, 45)) && !before.contains(&(4, 31, 45))
        );
        let heard = sounding(&dataset.rootless(&placed, &told, &Device::flex()));
        assert_eq!(heard[0].iter().filter(|(roll, ..)| *roll == 4).count(), 2);
    }

    #[test]
    fn windows_hold_the_chords_that_were_played() {
        let dataset = GanDataset::new(vec![GanPiece::from_score(&four_bars(), Genre::Jazz, None).unwrap()]);
        let names = |bar: u32, shift: i32| {
            let chords = dataset.chords_of(WindowIndex { piece: 0, bar }, shift);
            chords.iter().map(Chord::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!([names(0, 0), names(1, 0), names(2, 0)], ["C C C# C#", "C# C# D D", "D D D D"]);
        assert_eq!(names(1, -3), "A# A# B B");
        // Past the end the last one goes on.
        assert_eq!(names(3, 0), "D D D D");

        let placed =
            [Placed { window: WindowIndex { piece: 0, bar: 1 }, shift: 2, previous: Previous::Silent }];
        let batch = dataset.batch(&placed, &wide(), &Device::flex());
        let mut expected = Vec::new();
        for (roll, classes) in [(0, [[3, 3, 3], [4, 4, 4]]), (1, [[3, 7, 10], [4, 8, 11]])] {
            for step in 0..32 {
                let in_bar = |pitch: &usize| classes[step / 16].contains(&(pitch % 12));
                expected.extend((0..128).filter(in_bar).map(|pitch| (roll, step, pitch)));
            }
        }
        assert_eq!(sounding(&batch.condition.chords.unwrap())[0], expected);
        // A bass of D sharp, then of E, each moved to C.
        let moved = sounding(&dataset.rootless(&placed, &wide(), &Device::flex()));
        let bass: Vec<_> =
            moved[0].iter().filter(|(track, ..)| *track == 1).map(|(_, s, p)| (*s, *p)).collect();
        assert_eq!(bass, (0..8).chain(16..24).map(|step| (step, 48)).collect::<Vec<_>>());
    }

    #[test]
    fn chords_are_learnt_where_the_band_sounds() {
        // The bass enters in the second bar.
        let mut score = four_bars();
        let low: Vec<_> = (1..3).map(|bar| (bar * 16, 8, 48 + bar)).collect();
        let mut bass = track(Track::new("Bass", Program::new(33).unwrap()), &low);
        let tracks: Vec<Track> =
            score.tracks().iter().filter(|track| track.name() != "Bass").cloned().collect();
        bass.set_name("Bass");
        score = Score::default();
        tracks.into_iter().chain([bass]).for_each(|track| score.push_track(track));
        let dataset = GanDataset::new(vec![GanPiece::from_score(&score, Genre::Jazz, None).unwrap()]);
        let known = &dataset.chords()[0];
        let name = |chord: Option<Chord>| chord.map(|chord| chord.to_string());
        assert_eq!(known.heard.iter().filter(|chord| chord.is_some()).count(), 2);
        // What is painted before is the first chord; what a chord is chosen by is not.
        assert_eq!(name(known.held.first().copied()).as_deref(), Some("C#"));
        assert_eq!(
            [0, 1, 2, 3, 4].map(|half| name(known.known(half)).unwrap_or_default()),
            ["", "", "C#", "C#", "D"]
        );
        let placed = GanDataset::vary(
            &[0, 1].map(|bar| WindowIndex { piece: 0, bar }),
            Augmentation::NONE,
            &mut ChaCha8Rng::seed_from_u64(0),
        );
        let batch = dataset.chord_batch(&placed, &Device::flex());
        let heard: Vec<f32> = batch.heard.try_into_vec_as().unwrap();
        let right: Vec<_> =
            heard.chunks(Chord::COUNT).map(|row| row.iter().position(|x| *x == 1.0)).collect();
        // Of eight half bars the third, and in the second window the first and third, sound.
        let chord = |name: &str| Some(name.parse::<Chord>().unwrap().index());
        assert_eq!(right, [None, None, chord("C#"), None, chord("C#"), None, chord("D"), None]);
        assert_eq!(heard.iter().sum::<f32>(), 3.0);
        let features: Vec<f32> = batch.features.try_into_vec_as().unwrap();
        let mut expected = Vec::new();
        known.tune.features(4, |half| known.known(half), Genre::Jazz, &mut expected);
        // The second window's third half bar, or the fifth of the piece.
        assert_eq!(features[6 * expected.len()..7 * expected.len()], expected);
    }

    #[test]
    fn styles_come_from_the_larger_bands() {
        let piece = |has_bass: bool| {
            let mut score = Score::default();
            for track in four_bars().tracks().iter().filter(|track| has_bass || track.name() != "Bass") {
                score.push_track(track.clone());
            }
            GanPiece::from_score(&score, Genre::Jazz, None).unwrap()
        };
        let with = |large: usize, small: usize| {
            let pieces = (0..large).map(|_| piece(true)).chain((0..small).map(|_| piece(false)));
            let dataset = GanDataset::new(pieces.collect());
            let last = WindowIndex { piece: (large + small - 1) as u32, bar: 0 };
            let first = WindowIndex { piece: 0, bar: 0 };
            [first, last].map(|window| dataset.has_most_roles(window))
        };
        // A quarter of the windows, an eighth, and a ninth, which is too few to be all that is played.
        assert_eq!(with(1, 3), [true, false]);
        assert_eq!(with(1, 7), [true, false]);
        assert_eq!(with(1, 8), [true, true]);
        assert_eq!(with(0, 2), [true, true]);
    }

    #[test]
    fn a_narrow_window_folds_the_melody_and_cuts_the_tracks() {
        let piece = GanPiece::from_score(&four_bars(), Genre::Jazz, None).unwrap();
        let dataset = GanDataset::new(vec![piece]);
        let window = WindowIndex { piece: 0, bar: 2 };
        let windows = [Placed { window, shift: 0, previous: Previous::Played }];
        // Keys 36..=51: the melody's 62 and 63 come down an octave, the bass's 50 stays.
        let narrow = wide().to_builder().pitches(16).lowest_pitch(36).build().unwrap();
        let batch = dataset.batch(&windows, &narrow, &Device::flex());
        let tune = &sounding(&batch.condition.melody)[0];
        assert_eq!((tune[0].2, tune[31].2), (50 - 36, 51 - 36));
        let band = &sounding(&batch.tracks)[0];
        assert!(band.contains(&(0, 0, 0)) && band.contains(&(1, 0, 50 - 36)));
    }

    #[test]
    fn transposition_moves_all_but_drums_together() {
        let piece = GanPiece::from_score(&four_bars(), Genre::Jazz, None).unwrap();
        let dataset = GanDataset::new(vec![piece]);
        let augmentation = Augmentation { transpose: 6, previous_dropout: 0.5 };
        let batch = batch(&dataset, &[2; 400], augmentation, 9);
        let previous = sounding(&batch.condition.previous.unwrap());
        let (tunes, bands) = (sounding(&batch.condition.melody), sounding(&batch.tracks));
        let mut shifts = [0_usize; 13];
        let mut silent = 0;
        for item in 0..400 {
            let tune = tunes[item][0].2;
            assert!(bands[item].contains(&(0, 0, 36)));
            assert!(bands[item].contains(&(1, 0, tune - 12)));
            let before = &previous[item];
            silent += usize::from(before.is_empty());
            assert!(before.is_empty() || before.contains(&(1, 0, tune - 14)));
            shifts[tune + 6 - 62] += 1;
        }
        // Even over 13 shifts: chi-square with 12 degrees of freedom, 0.1 % point 32.9.
        let expected = 400.0 / 13.0;
        let chi: f64 = shifts.iter().map(|n| (*n as f64 - expected).powi(2) / expected).sum();
        assert!(chi < 32.9, "{shifts:?}");
        // Binomial(400, 0.5): five standard deviations are 50.
        assert!((150..=250).contains(&silent), "{silent}");
    }

    #[test]
    fn a_window_may_follow_what_was_made() {
        let piece = GanPiece::from_score(&four_bars(), Genre::Jazz, None).unwrap();
        let dataset = GanDataset::new(vec![piece]);
        let first = WindowIndex { piece: 0, bar: 0 };
        let next = dataset.after(first).unwrap();
        assert_eq!(next, WindowIndex { piece: 0, bar: 2 });
        // Four bars: there are none from bar 4 on, nor a whole window from bar 3.
        assert_eq!((dataset.after(next), dataset.after(WindowIndex { piece: 0, bar: 1 })), (None, None));
        assert_eq!(dataset.roles_of(next).iter().collect::<Vec<_>>(), [TrackRole::Drums, TrackRole::Bass]);
        let mut made = Box::new(SILENCE);
        made[0][5] = 1 << 42;
        made[3][31] = 1 << 70 | 1 << 74;
        // What was made is not moved, as it was made for the window that is.
        let placed = Placed { window: next, shift: 3, previous: Previous::Made(made) };
        let batch = dataset.batch(&[placed], &wide(), &Device::flex());
        let previous = sounding(&batch.condition.previous.unwrap());
        assert_eq!(previous[0], [(0, 5, 42), (3, 31, 70), (3, 31, 74)]);
        assert_eq!(sounding(&batch.condition.melody)[0][0], (0, 0, 62 + 3));
    }

    #[test]
    fn genres_are_drawn_evenly() {
        let jazz = GanPiece::from_score(&four_bars(), Genre::Jazz, None).unwrap();
        let rock = GanPiece::from_score(&four_bars(), Genre::Rock, None).unwrap();
        let dataset = GanDataset::new(vec![jazz.clone(), jazz.clone(), jazz, rock]);
        assert_eq!(dataset.len(), 12);
        let drawn = dataset.draw(1000, &mut ChaCha8Rng::seed_from_u64(4));
        let rock = drawn.iter().filter(|w| w.piece == 3).count();
        // Binomial(1000, 0.5): five standard deviations are 79.
        assert!((421..=579).contains(&rock), "{rock}");
    }

    #[test]
    fn odd_bars_are_laid_into_windows() {
        let mut score = four_bars();
        score.set_time_signatures(vec![At { tick: Tick::ZERO, value: TimeSignature::new(3, 4).unwrap() }]);
        let piece = GanPiece::from_score(&score, Genre::Classical, None).unwrap();
        // 64 sixteenths are five bars of 12 and a third of another.
        assert_eq!(piece.bars(), 6);
        let steps: Vec<_> = piece.steps.iter().collect();
        assert!(steps.chunks(16).all(|bar| bar[12..].iter().all(|s| *s == [0; 8])));
        assert_eq!(steps[16][0], 1 << 60);
        assert_eq!(steps[20][0], 1 << 61);
    }

    #[test]
    fn scores_without_melody_or_band_are_refused() {
        let refused = |score: &Score| {
            matches!(GanPiece::from_score(score, Genre::Rock, None), Err(GanError::Condition(_)))
        };
        assert!(refused(&Score::default()));
        let mut alone = Score::default();
        alone.push_track(track(Track::new("Melody", Program::MIN), &[(0, 4, 60)]));
        assert!(refused(&alone));
        assert!(GanDataset::new(Vec::new()).is_empty());
    }
}
