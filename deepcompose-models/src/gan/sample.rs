//! [`accompany`]: from a melody's roll to the rolls of a band, two bars at a time.

use std::ops::ControlFlow;

use deepcompose_core::Chord;
use ndarray::{Array2, ArrayView2};
use rand::{Rng, RngExt};

use super::choice::ChoiceRule;
use super::condition::{PitchRange, attribute_vector, check_accompaniment, paint_chords};
use super::config::CHORD_ROLLS;
use super::genre::{Genre, RoleSet, TrackRole};
use super::grid::{BAR_STEPS, BarFill, Cell, WINDOW_BARS, filled_cells};
use super::harmony::ChordModel;
use super::latent::latents;
use super::rolls::{SILENCE, Window, begins, onset_roll};
use super::tune::{HALF_BAR, Tune};
use super::windows::{WindowGenerator, WindowInput, WindowSession};
use super::{GanConfig, GanError, Styles};

/// Most steps that a melody may have: over four hours at 120 beats a minute.
pub const MAX_STEPS: usize = 1 << 17;

/// What kind of accompaniment is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct AccompanyOptions {
    /// The genre, for networks that know of genres.
    pub genre: Genre,
    /// The tracks wanted; those that the genre has no track for are left out.
    pub roles: RoleSet,
    /// The binarisation threshold: how probable what sounds must be, over 0 and under 1. See [`accompany`].
    pub threshold: f32,
    /// How much of each group's latent is drawn afresh, 0..=1: 0 keeps one latent for the whole piece, 1 draws a
    /// new one every two bars. For a generator with [`Styles`] it is the probability that a group has another
    /// style than the piece's.
    pub variation: f32,
    /// How each role's sounding pitches are chosen, by [`TrackRole::index`]; [`new`](Self::new) sets what suits its genre.
    pub choice: [ChoiceRule; TrackRole::COUNT],
    /// The chords of the first half bars, two a bar, for generators that are told of chords; those that are `None`, and those of the
    /// half bars that follow, the generator chooses. The first half of a bar is its first eight steps, of a [jig](BarFill::Jig) its
    /// first six; of a [waltz](BarFill::Waltz) the second half has the first one's chord unless it is given. A bar of eight
    /// steps or fewer has no second half: of its two chords the second is passed over. A bar longer than sixteen
    /// counts as the bars that it is cut into.
    pub chords: Vec<Option<Chord>>,
    /// The temperature at which the generator chooses chords, 0..=10: 0 takes the most probable one, 1 draws them
    /// as it learnt them.
    pub chord_temperature: f32,
    /// Lengths of the bars in steps, the last one for all that follow; empty means 4/4.
    pub bar_steps: Vec<usize>,
    /// How each bar is laid over a bar of 4/4, the last one for all that follow; empty means straight.
    pub bar_fills: Vec<BarFill>,
}

impl AccompanyOptions {
    /// Every track of a genre, threshold 0.5, no variation, its own chords at temperature 0.35, 4/4.
    #[must_use]
    pub fn new(genre: Genre) -> Self {
        Self {
            genre,
            roles: RoleSet::of(genre),
            threshold: 0.5,
            variation: 0.0,
            choice: TrackRole::ALL.map(|role| ChoiceRule::of(genre, role)),
            chords: Vec::new(),
            chord_temperature: 0.35,
            bar_steps: Vec::new(),
            bar_fills: Vec::new(),
        }
    }

    fn check(&self) -> Result<(), GanError> {
        if !(self.threshold > 0.0 && self.threshold < 1.0) {
            let value = self.threshold.into();
            return Err(GanError::OutOfRange {
                field: "threshold",
                value,
                accepted: "a number over 0 and under 1",
            });
        }
        if !(0.0..=1.0).contains(&self.variation) {
            let value = self.variation.into();
            return Err(GanError::OutOfRange { field: "variation", value, accepted: "0..=1" });
        }
        if !(0.0..=10.0).contains(&self.chord_temperature) {
            let value = self.chord_temperature.into();
            return Err(GanError::OutOfRange { field: "chord_temperature", value, accepted: "0..=10" });
        }
        self.choice.iter().try_for_each(ChoiceRule::check)?;
        if let Some(steps) = self.bar_steps.iter().find(|n| !(1..=4096).contains(*n)) {
            let value = *steps as f64;
            return Err(GanError::OutOfRange { field: "bar_steps", value, accepted: "1..=4096" });
        }
        Ok(())
    }
}

/// What [`accompany`] generated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accompaniment {
    /// A roll for each wanted role, in the order of [`TrackRole::ALL`].
    pub rolls: Vec<AccompanimentRoll>,
    /// The chords of every bar that was generated, two a bar as in [`AccompanyOptions::chords`], for generators
    /// that are told of chords; a bar without a second half has the first one's chord twice.
    pub chords: Vec<Chord>,
    /// Whether the observer stopped the generation; what follows is then silent.
    pub stopped: bool,
}

/// A generated track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccompanimentRoll {
    /// What it does.
    pub role: TrackRole,
    /// `[steps, 128]`: true while the pitch sounds; of drums, where it is struck.
    pub roll: Array2<bool>,
    /// `[steps, 128]`: true where a note begins, which lasts as long as its pitch sounds and none begins anew. Of drums the same as
    /// `roll`.
    pub onsets: Array2<bool>,
}

impl AccompanimentRoll {
    fn silent(role: TrackRole, steps: usize) -> Self {
        let roll = Array2::from_elem((steps, 128), false);
        Self { role, onsets: roll.clone(), roll }
    }
}

/// Generates the tracks of a band for a melody.
///
/// `melody` is `[steps, 128]` in sixteenth-note steps, of any length up to [`MAX_STEPS`], made as
/// [`StepGrid::sounding_roll`](super::StepGrid::sounding_roll) says. The result has a roll of the
/// same size for each wanted role.
///
/// Bars of other metres than 4/4 are laid over bars of sixteen steps as [`AccompanyOptions::bar_fills`] says. The melody is cut into groups of two bars. Each group is generated knowing the tracks of the
/// group before (silence before the first).
///
/// A generator with [`GanConfig::chords`] plays over chords: those of [`AccompanyOptions::chords`], then its own
/// [`ChordModel`]'s, which reads the melody from eight bars before a half bar to eight after; others pass chords
/// over. One with [`Styles`] plays each group in a style that it draws for the piece, or, as likely as
/// [`AccompanyOptions::variation`], for the group.
///
/// At each step a role sounds as many pitches as it is as probable as the threshold that so many or more sound, and at
/// least as many as have a probability of the threshold by themselves. So a chord that is sure to sound, in one inversion
/// or another, does not fall silent because none of them is likely by itself. Which pitches these are, the role's
/// [`ChoiceRule`] says: the most probable ones, with regard to the half bar and to what sounds already, and no more than it allows.
/// A pitch that sounds on is struck again where a generator with [`GanConfig::onsets`] says so.
///
/// The same generator, melody, options and state of `rng` give the same tracks.
/// `observer` is told after each group how many groups are done and how many there are; it may stop
/// the generation there.
///
/// # Errors
///
/// [`GanError::OutOfRange`] for an option outside its range or a generator without the layout of
/// [`GanConfig::accompaniment`](super::GanConfig::accompaniment), [`GanError::Shape`] for a melody
/// that is not 128 pitches wide, [`GanError::Limit`] for one that is too long,
/// [`GanError::Device`].
pub fn accompany<G: WindowGenerator + ?Sized, R: Rng + ?Sized>(
    generator: &G,
    melody: ArrayView2<'_, bool>,
    options: &AccompanyOptions,
    rng: &mut R,
    observer: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Accompaniment, GanError> {
    options.check()?;
    check_accompaniment(generator.config())?;
    let (steps, width) = melody.dim();
    if width != 128 {
        return Err(GanError::Shape { what: "melody", expected: vec![0, 128], actual: vec![steps, width] });
    }
    if steps > MAX_STEPS {
        return Err(GanError::Limit { what: "steps", value: steps as u64, limit: MAX_STEPS as u64 });
    }
    let roles = options.roles.intersection(RoleSet::of(options.genre));
    let mut rolls: Vec<_> = roles.iter().map(|role| AccompanimentRoll::silent(role, steps)).collect();
    let cells = filled_cells(&options.bar_steps, &options.bar_fills, steps);
    let groups: Vec<&[Cell]> = cells.chunks(WINDOW_BARS).collect();
    let count = groups.len();
    let mut run = Run::new(generator, options, roles, (melody, &cells), rng)?;
    let mut seams = [Seam::default(); TrackRole::COUNT];
    let (mut done, mut bars_done) = (0, 0);
    for groups in groups.chunks(AT_ONCE) {
        run.prepare(melody, groups, rng)?;
        for (index, bars) in groups.iter().enumerate() {
            run.generate(index, bars)?;
            for made in &mut rolls {
                made.write(&run.previous, bars, &mut seams[made.role.index()]);
            }
            done += 1;
            bars_done += bars.len();
            if observer(done, count).is_break() && done < count {
                return Ok(Accompaniment { rolls, chords: run.chords(bars_done), stopped: true });
            }
        }
    }
    Ok(Accompaniment { rolls, chords: run.chords(bars_done), stopped: false })
}

/// Where the next step of a roll joins on.
#[derive(Debug, Clone, Copy, Default)]
struct Seam {
    /// The keys of the step that was written last that sound on through all steps after it that are left out, and are not
    /// struck in any of them.
    held: u128,
}

impl AccompanimentRoll {
    /// Writes what the role sounds in some bars. A note begins where it does in the window, and also where it goes on after steps
    /// that are left out if it was not held through them.
    fn write(&mut self, window: &Window, bars: &[Cell], seam: &mut Seam) {
        let keys = |set: u128| (0..128).filter(move |key| set >> key & 1 == 1);
        let sounding = &window[self.role.index()];
        let onsets = onset_roll(self.role).map_or(sounding, |roll| &window[roll]);
        for (bar, cell) in bars.iter().enumerate() {
            for step in 0..cell.len {
                let (first, at) = (bar * BAR_STEPS, cell.start + step);
                let (place, next) = (first + cell.place(step), first + cell.next_place(step));
                let set = sounding[place];
                keys(set).for_each(|key| self.roll[[at, key]] = true);
                keys(set & (onsets[place] | !seam.held)).for_each(|key| self.onsets[[at, key]] = true);
                let left_out = place + 1..next;
                seam.held = left_out.fold(set, |held, place| held & sounding[place] & !onsets[place]);
            }
        }
    }
}

/// Half bars of a bar.
const HALVES: usize = BAR_STEPS / HALF_BAR;

/// A melody in bars of sixteen steps.
fn tune(melody: ArrayView2<'_, bool>, bars: &[Cell]) -> Tune {
    Tune::new(bars.iter().flat_map(|bar| bar.keys(|step| row_keys(melody, step))))
}

/// The keys that sound in a step.
fn row_keys(melody: ArrayView2<'_, bool>, step: usize) -> u128 {
    let row = melody.row(step);
    row.iter().enumerate().filter(|(_, sounds)| **sounds).fold(0, |keys, (key, _)| keys | 1 << key)
}

/// Groups of bars that are prepared together.
const AT_ONCE: usize = 16;

/// A piece being accompanied, and what is carried from group to group.
pub(super) struct Run<'a> {
    session: Box<dyn WindowSession + 'a>,
    config: &'a GanConfig,
    options: &'a AccompanyOptions,
    roles: RoleSet,
    base: Vec<f32>,
    styles: Option<Styles>,
    /// The chords of the bars that were prepared, and what chooses more of them.
    chords: Vec<Chord>,
    harmony: Option<(ChordModel, Tune)>,
    /// Groups that are prepared.
    groups: usize,
    /// Logits and tracks of the groups generated last, the first of which is `first`.
    logits: Vec<f32>,
    tracks: Vec<f32>,
    first: usize,
    /// The group generated last; silence before the first.
    pub(super) previous: Window,
    /// The cells of its last step.
    last: [u128; TrackRole::COUNT],
}

impl<'a> Run<'a> {
    pub(super) fn new<G: WindowGenerator + ?Sized, R: Rng + ?Sized>(
        generator: &'a G,
        options: &'a AccompanyOptions,
        roles: RoleSet,
        (melody, bars): (ArrayView2<'_, bool>, &[Cell]),
        rng: &mut R,
    ) -> Result<Self, GanError> {
        let config = generator.config();
        let styles = generator.styles();
        let harmony = generator.chord_model().map(|model| (model, tune(melody, bars)));
        Ok(Self {
            session: generator.session(AT_ONCE)?,
            config,
            options,
            roles,
            base: latents(styles.as_ref(), config, &[options.genre], rng),
            styles,
            chords: Vec::new(),
            harmony,
            groups: 0,
            logits: Vec::new(),
            tracks: Vec::new(),
            first: 0,
            previous: SILENCE,
            last: [0; TrackRole::COUNT],
        })
    }

    /// Takes up to [`AT_ONCE`] groups of bars, to be generated in their order.
    pub(super) fn prepare<R: Rng + ?Sized>(
        &mut self,
        melody: ArrayView2<'_, bool>,
        groups: &[&[Cell]],
        rng: &mut R,
    ) -> Result<(), GanError> {
        let attributes = attribute_vector(self.config, self.options.genre, self.roles);
        let mut input = WindowInput::default();
        for bars in groups {
            self.paint_melody(melody, bars, &mut input.melody);
            input.attributes.extend_from_slice(&attributes);
            self.draw_latent(&mut input.latent, rng);
            self.paint_chords(bars, &mut input.chords, rng);
        }
        self.groups = groups.len();
        self.session.prepare(input)
    }

    /// The chords of the first bars, of which all are prepared.
    fn chords(&self, bars: usize) -> Vec<Chord> {
        self.chords.iter().take(bars * HALVES).copied().collect()
    }

    /// The latent of a group of bars.
    fn draw_latent<R: Rng + ?Sized>(&self, out: &mut Vec<f32>, rng: &mut R) {
        let variation = self.options.variation;
        let fresh = latents(self.styles.as_ref(), self.config, &[self.options.genre], rng);
        let (new, old) = match &self.styles {
            // One style or another: between two of them there may be none.
            Some(_) if rng.random::<f32>() < variation => (1.0, 0.0),
            Some(_) => (0.0, 1.0),
            // Shares that keep the variance of the sum.
            None => (variation.sqrt(), (1.0 - variation).sqrt()),
        };
        out.extend(self.base.iter().zip(fresh).map(|(b, f)| old * b + new * f));
    }

    /// The chords of a group of bars, the next one.
    fn paint_chords<R: Rng + ?Sized>(&mut self, bars: &[Cell], out: &mut Vec<f32>, rng: &mut R) {
        let Some((model, tune)) = &self.harmony else { return };
        let AccompanyOptions { genre, chord_temperature, chords: given, .. } = self.options;
        let first = self.chords.len();
        for (bar, half) in bars.iter().flat_map(|bar| (0..HALVES).map(move |half| (bar, half))) {
            // A waltz has one chord a bar, unless two are given.
            let goes_on = bar.fill == BarFill::Waltz && half > 0;
            let chord = match (bar.has_half(half), given.get(self.chords.len()).copied().flatten()) {
                (true, Some(given)) => Some(given),
                (true, None) if goes_on => self.chords.last().copied(),
                (true, None) => model.next(&self.chords, tune, *genre, *chord_temperature, rng),
                // There is no such half: the chord goes on.
                (false, _) => self.chords.last().copied(),
            };
            self.chords.extend(chord);
        }
        // So it does where there is no second bar.
        let mut group = self.chords[first..].to_vec();
        if let Some(last) = group.last().copied() {
            group.resize(WINDOW_BARS * HALVES, last);
        }
        let from = out.len();
        out.resize(from + CHORD_ROLLS * WINDOW_BARS * BAR_STEPS * self.config.pitches(), -1.0);
        paint_chords(self.config, &group, &mut out[from..]);
    }

    fn paint_melody(&self, melody: ArrayView2<'_, bool>, bars: &[Cell], out: &mut Vec<f32>) {
        let pitches = self.config.pitches();
        let range = PitchRange::of(self.config);
        let from = out.len();
        out.resize(from + WINDOW_BARS * BAR_STEPS * pitches, -1.0);
        for (bar, cell) in bars.iter().enumerate() {
            for (step, keys) in cell.keys(|step| row_keys(melody, step)).into_iter().enumerate() {
                paint(&mut out[from + (bar * BAR_STEPS + step) * pitches..][..pitches], range.fold(keys));
            }
        }
    }

    /// Generates a group that is prepared, which is then the previous one, and returns its logits.
    pub(super) fn generate(&mut self, index: usize, bars: &[Cell]) -> Result<&[f32], GanError> {
        let (steps, pitches) = (WINDOW_BARS * BAR_STEPS, self.config.pitches());
        let range = PitchRange::of(self.config);
        self.forward(index, range)?;
        let each = self.config.rolls() * steps * pitches;
        let at = (index - self.first) * each;
        let tracks = &self.tracks[at..at + each];
        self.previous = SILENCE;
        if !self.config.previous() {
            // Groups that know nothing of each other.
            self.last = [0; TrackRole::COUNT];
        }
        let is_there = |step: usize| bars.get(step / BAR_STEPS).is_some_and(|bar| bar.has(step % BAR_STEPS));
        let how = How { threshold: self.options.threshold, onsets: self.config.onsets(), pitches };
        for role in self.roles.iter() {
            let (rule, last) = (&self.options.choice[role.index()], &mut self.last[role.index()]);
            how.choose(rule, role, tracks, last, &mut self.previous, is_there);
        }
        self.previous.iter_mut().flatten().for_each(|keys| *keys = range.keys(*keys));
        Ok(&self.logits[at..at + each])
    }

    /// Runs the network for a group: alone if it knows the tracks before, else with all that are prepared.
    fn forward(&mut self, index: usize, range: PitchRange) -> Result<(), GanError> {
        let pitches = self.config.pitches();
        let mut before = Vec::new();
        let windows = if self.config.previous() {
            before.resize(self.config.rolls() * WINDOW_BARS * BAR_STEPS * pitches, -1.0);
            for (row, keys) in before.chunks_mut(pitches).zip(self.previous.iter().flatten()) {
                paint(row, range.cut(*keys));
            }
            index..index + 1
        } else if index == 0 {
            0..self.groups
        } else {
            return Ok(());
        };
        self.first = windows.start;
        let output = self.session.forward(windows, &before)?;
        if output.logits.iter().any(|logit| logit.is_nan()) {
            return Err(GanError::Logits);
        }
        for (kept, new) in [(&mut self.logits, output.logits), (&mut self.tracks, output.tracks)] {
            kept.clear();
            kept.extend_from_slice(new);
        }
        Ok(())
    }
}

/// How the cells of a window are chosen, whatever the role.
pub(super) struct How {
    pub(super) threshold: f32,
    /// Whether the networks tell where notes begin.
    pub(super) onsets: bool,
    pub(super) pitches: usize,
}

impl How {
    /// Chooses what a role sounds in the steps of a window that are there, and where its notes begin. `tracks` are the hyperbolic
    /// tangents of all rolls; `last` is what the role sounded before, and then what it sounds in the last step.
    pub(super) fn choose(
        &self,
        rule: &ChoiceRule,
        role: TrackRole,
        tracks: &[f32],
        last: &mut u128,
        window: &mut Window,
        is_there: impl Fn(usize) -> bool,
    ) {
        let each = WINDOW_BARS * BAR_STEPS * self.pitches;
        let cells = |roll: usize| tracks.get(roll * each..(roll + 1) * each).unwrap_or_default();
        let sounding = cells(role.index());
        let mut before = *last;
        let sets = rule.sounding(sounding, self.pitches, self.threshold, last, &is_there);
        if let Some(roll) = onset_roll(role) {
            let onsets = if self.onsets {
                rule.onsets((sounding, cells(roll)), self.pitches, &sets, before, is_there)
            } else {
                let there = |(step, set): (usize, &u128)| {
                    let begin = begins(*set, before);
                    before = if is_there(step) { *set } else { before };
                    begin
                };
                sets.iter().enumerate().map(there).collect()
            };
            window[roll].iter_mut().zip(onsets).for_each(|(keys, set)| *keys = set);
        }
        window[role.index()].iter_mut().zip(sets).for_each(|(keys, set)| *keys = set);
    }
}

/// Makes the cells of a set +1.
pub(super) fn paint(row: &mut [f32], mut set: u128) {
    while set != 0 {
        if let Some(cell) = row.get_mut(set.trailing_zeros() as usize) {
            *cell = 1.0;
        }
        set &= set - 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    /// What becomes of two bars of a pattern, one key, of which an `x` sounds and an `X` is struck.
    fn written(pattern: &str, fill: BarFill, role: TrackRole) -> String {
        let cells = filled_cells(&[12], &[fill], 24);
        let mut window = SILENCE;
        for (step, c) in pattern.chars().enumerate() {
            window[role.index()][step] = u128::from(c != '.') << 60;
            if let Some(roll) = onset_roll(role) {
                window[roll][step] = u128::from(c == 'X') << 60;
            }
        }
        let mut made = AccompanimentRoll::silent(role, 24);
        made.write(&window, &cells, &mut Seam::default());
        let text = |(sounds, begins): (&bool, &bool)| match (sounds, begins) {
            (true, true) => 'X',
            (true, false) => 'x',
            (false, false) => '.',
            (false, true) => '?',
        };
        made.roll.column(60).iter().zip(made.onsets.column(60)).map(text).collect()
    }

    #[test]
    fn notes_that_start_again_after_a_cut_are_told_from_held_ones() {
        let waltz = |pattern| written(pattern, BarFill::Waltz, TrackRole::Keys);
        // Held throughout; let go in the third beat and struck again in the fourth; struck in the third and held.
        assert_eq!(waltz("Xxxxxxxxxxxxxxxx................"), "Xxxxxxxxxxxx............");
        assert_eq!(waltz("Xxxxxxxxx...Xxxx................"), "XxxxxxxxXxxx............");
        assert_eq!(waltz("Xxxx.....Xxxxxxx................"), "Xxxx....Xxxx............");
        // Held, and struck anew in the third beat, or in the fourth.
        assert_eq!(waltz("XxxxxxxxxXxxxxxx................"), "XxxxxxxxXxxx............");
        assert_eq!(waltz("XxxxxxxxxxxxXxxx................"), "XxxxxxxxXxxx............");
        // Bar lines have no seam.
        assert_eq!(waltz("............Xxxxxxxx............"), "........Xxxxxxxx........");
        assert_eq!(waltz("............XxxxXxxx............"), "........XxxxXxxx........");
        // A jig has one in the middle and one at its end.
        let jig = |pattern| written(pattern, BarFill::Jig, TrackRole::Keys);
        assert_eq!(jig("Xxxxxx..Xxxxxx..Xxxxxxxxxxxxxxxx"), "XxxxxxXxxxxxXxxxxxxxxxxx");
        // Strokes of drums are never one note.
        assert_eq!(
            written("x...x..xx...x...x...x...x...x...", BarFill::Waltz, TrackRole::Drums),
            "X...X..XX...X...X...X..."
        );
        let straight = "Xxxxxxxxx...xxxx................";
        assert_eq!(written(straight, BarFill::Straight, TrackRole::Keys), "Xxxxxxxxx...............");
    }
}
