//! Bands made as `accompany` makes them, and the bands that were played, as notes of one kind.

use std::error::Error;
use std::ops::ControlFlow;

use deepcompose::core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
use deepcompose::models::gan::{
    AccompanyOptions, GanDataset, GanPiece, Genre, RoleSet, TrackRole, WindowGenerator, accompany,
};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::rules::Rules;

/// Steps of a bar.
pub(crate) const BAR: usize = 16;
/// Bars that are generated together.
pub(crate) const GROUP: usize = 2;
/// Ticks of a sixteenth at 480 a quarter.
const STEP: usize = 120;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A band's tracks over the length of its piece.
pub(crate) struct Band {
    pub(crate) rolls: [Array2<bool>; TrackRole::COUNT],
    /// Where notes begin; held ones that are struck again too.
    pub(crate) onsets: [Array2<bool>; TrackRole::COUNT],
    pub(crate) notes: [Vec<Note>; TrackRole::COUNT],
}

/// A piece with the band that played.
pub(crate) struct Piece {
    pub(crate) genre: Genre,
    /// The roles that the band has.
    pub(crate) roles: RoleSet,
    /// As long as the piece, in 4/4; what measures of time are relative to.
    pub(crate) score: Score,
    pub(crate) melody: Vec<Note>,
    pub(crate) played: Band,
}

/// A piece and the band that was generated for it, which has the same roles.
pub(crate) struct Pair {
    pub(crate) piece: Piece,
    pub(crate) generated: Band,
}

impl Band {
    fn new(rolls: [Array2<bool>; TrackRole::COUNT], onsets: [Array2<bool>; TrackRole::COUNT]) -> Self {
        let notes = TrackRole::ALL.map(|role| {
            let (sounds, begins) = (&rolls[role.index()], &onsets[role.index()]);
            notes(sounds, |cell| begins[cell])
        });
        Self { rolls, onsets, notes }
    }

    /// The notes of some roles, in order.
    pub(crate) fn of(&self, roles: &[TrackRole]) -> Vec<Note> {
        let mut notes: Vec<Note> = roles.iter().flat_map(|r| &self.notes[r.index()]).copied().collect();
        notes.sort_unstable();
        notes
    }

    /// All but the drums.
    pub(crate) fn harmony(&self) -> Vec<Note> {
        self.of(&TrackRole::ALL[1..])
    }
}

/// The notes of a roll: a run of cells is one, or several, if others begin in it.
fn notes(roll: &Array2<bool>, begins: impl Fn([usize; 2]) -> bool) -> Vec<Note> {
    let mut notes = Vec::new();
    let steps = roll.nrows();
    for pitch in 0..roll.ncols() {
        let mut step = 0;
        while step < steps {
            let from = step;
            step += 1;
            if roll[[from, pitch]] {
                while step < steps && roll[[step, pitch]] && !begins([step, pitch]) {
                    step += 1;
                }
                notes.push(Note {
                    start: Tick::saturating((from * STEP) as i64),
                    duration: Tick::saturating(((step - from) * STEP) as i64),
                    pitch: Pitch::saturating(pitch as i64),
                    velocity: Velocity::DEFAULT,
                });
            }
        }
    }
    notes.sort_unstable();
    notes
}

/// Accompanies a piece's melody from its first bar to its last.
fn accompanied<G: WindowGenerator>(
    (generator, rules): (&G, &Rules),
    piece: &GanPiece,
    seed: u64,
    stream: u64,
) -> Result<Band> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let melody = piece.melody();
    let options = AccompanyOptions {
        roles: piece.roles(),
        choice: rules.of(piece.genre()),
        ..AccompanyOptions::new(piece.genre())
    };
    let go_on = &mut |_, _| ControlFlow::Continue(());
    let made = accompany(generator, melody.view(), &options, &mut rng, go_on)?;
    let mut rolls = TrackRole::ALL.map(|_| Array2::from_elem(melody.dim(), false));
    let mut onsets = rolls.clone();
    for track in made.rolls {
        rolls[track.role.index()] = track.roll;
        onsets[track.role.index()] = track.onsets;
    }
    Ok(Band::new(rolls, onsets))
}

impl Piece {
    pub(crate) fn new(piece: &GanPiece) -> Self {
        let length = Note {
            start: Tick::ZERO,
            duration: Tick::saturating((piece.bars() * BAR * STEP) as i64),
            pitch: Pitch::saturating(60),
            velocity: Velocity::DEFAULT,
        };
        let mut score = Score::default();
        score.push_track(Track::new("Length", Program::MIN).with_notes(vec![length]));
        Self {
            genre: piece.genre(),
            roles: piece.roles().intersection(RoleSet::of(piece.genre())),
            score,
            melody: notes(&piece.melody(), |_| false),
            played: Band::new(
                TrackRole::ALL.map(|role| piece.track(role)),
                TrackRole::ALL.map(|role| piece.onsets(role)),
            ),
        }
    }
}

/// Every piece of the data with its two bands.
pub(crate) fn pairs<G: WindowGenerator>(
    generator: (&G, &Rules),
    data: &GanDataset,
    seed: u64,
) -> Result<Vec<Pair>> {
    let pair = |(index, piece): (usize, &GanPiece)| {
        let generated = accompanied(generator, piece, seed, index as u64)?;
        Ok(Pair { piece: Piece::new(piece), generated })
    };
    data.pieces().iter().enumerate().map(pair).collect()
}

/// The bands of some pieces with other latents than [`pairs`] has with this seed.
pub(crate) fn again<G: WindowGenerator>(
    generator: (&G, &Rules),
    data: &GanDataset,
    seed: u64,
    pieces: &[usize],
) -> Result<Vec<Band>> {
    let other = |index: &usize| {
        let stream = u64::MAX - *index as u64;
        accompanied(generator, &data.pieces()[*index], seed, stream)
    };
    pieces.iter().map(other).collect()
}
