//! The GAN's technique.

use deepcompose_core::{Chord, ChordSheet, ChordSheetError, Note, Pitch, Score, Tick, Track, Velocity};
use deepcompose_samplers::StopReason;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::ending::Ending;
use super::error::ComposeError;
use super::params::check;
use super::tracks::Selected;
use super::{Composition, Observer, Progress, TrackSelection};
use crate::gan::{
    self, AccompanimentRoll, AccompanyOptions, Genre, RoleSet, StepGrid, TrackRole, WindowGenerator, parts_of,
};
use crate::velocity::{VelocityModel, dynamic};

/// Parameters of [`accompany`].
///
/// | field | range | default |
/// |---|---|---|
/// | `genre` | rock, pop, jazz, classical, country, reggae, edm | rock |
/// | `seed` | any, or none to take the composer's | none |
/// | `binarisation_threshold` | above 0, below 1 | 0.5 |
/// | `tracks` | a list of drums, bass, guitar, keys | all that the genre has |
/// | `variation` | 0..=1 | 0 |
/// | `chords` | a [`ChordSheet`] | none: the model chooses them |
/// | `chord_temperature` | 0..=10 | 0.35 |
/// | `dynamics` | 0..=1 | 1 |
/// | `end_naturally` | | no |
/// | `track` | | the melody |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GanParams {
    /// The genre.
    pub genre: Genre,
    /// The seed of the chords and of the latent. If not set, the rng that is passed in goes on.
    pub seed: Option<u64>,
    /// A cell of a generated roll becomes a note if its probability is at least this: lower values give
    /// more notes.
    pub binarisation_threshold: f64,
    /// Which tracks are generated; those that the genre does not have are left out.
    pub tracks: RoleSet,
    /// How likely two bars have a style of their own: 0 keeps one style for the whole piece.
    pub variation: f64,
    /// The chords of the first bars; those of the bars that follow, the model chooses. Each of a bar's two chords
    /// has half of it: of a bar of up to sixteen sixteenths the first eight are the first half (of one of 6/8, but in
    /// classical music, the first six), longer ones are cut into such bars first; of a bar of eight or fewer all of it has the
    /// first chord. In 3/4, but for classical music, the model chooses one a bar.
    pub chords: ChordSheet,
    /// The temperature at which the model chooses chords: 0 takes the most probable ones, higher values more unusual ones.
    pub chord_temperature: f64,
    /// How much the velocities of the new notes differ: 1 as much as the melody's and a [`VelocityModel`] say, 0 not at all.
    pub dynamics: f64,
    /// Whether the band comes to an end with the melody: from its last note to the end of its bar all parts hold a chord, under one stroke
    /// of the drums, and are silent afterwards. The chord is the tonic's triad of the melody's key if the last note is one of
    /// it and `chords` does not say otherwise, else the one that the model chooses.
    pub end_naturally: bool,
    /// Which track is accompanied.
    pub track: TrackSelection,
}

impl Default for GanParams {
    fn default() -> Self {
        Self::new(Genre::Rock)
    }
}

impl GanParams {
    /// The defaults, in a genre.
    #[must_use]
    pub const fn new(genre: Genre) -> Self {
        Self {
            genre,
            seed: None,
            binarisation_threshold: 0.5,
            tracks: RoleSet::ALL,
            variation: 0.0,
            chords: ChordSheet::EMPTY,
            chord_temperature: 0.35,
            dynamics: 1.0,
            end_naturally: false,
            track: TrackSelection::Melody,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Parameter`], naming the field, its value and the accepted range.
    pub fn validate(&self) -> Result<(), ComposeError> {
        let threshold = self.binarisation_threshold;
        check("binarisation_threshold", threshold, threshold > 0.0 && threshold < 1.0, "0 < threshold < 1")?;
        check("variation", self.variation, (0.0..=1.0).contains(&self.variation), "0..=1")?;
        let temperature = self.chord_temperature;
        check("chord_temperature", temperature, (0.0..=10.0).contains(&temperature), "0..=10")?;
        check("dynamics", self.dynamics, (0.0..=1.0).contains(&self.dynamics), "0..=1")?;
        let wanted = self.tracks.intersection(RoleSet::of(self.genre));
        check("tracks", 0.0, !wanted.is_empty(), "at least one track that the genre has")?;
        Ok(())
    }
}

/// Adds the tracks of a genre's band to the input, whose own tracks are kept as they are.
///
/// The selected track is laid on a grid of sixteenths bar by bar ([`StepGrid`]), so that pick-ups and metres other
/// than 4/4 keep their bar lines, and but for classical music, whose corpus has all metres, a bar of 3/4 or 6/8 leaves out those steps
/// of a pattern in 4/4 that make it one of three or two beats ([`BarFill`](crate::gan::BarFill)); the band is generated two bars at a time, each group knowing the one before,
/// over chords that are given or that the model chooses ([`Summary::chords`](super::Summary::chords)). Under way
/// the observer counts groups. New notes are a little softer than the melody, and grow and fade with it from bar to bar; `velocities`
/// gives them accents and the parts their levels, in the genres that it knows.
///
/// # Errors
///
/// [`ComposeError`]: a parameter out of range, an input with no notes or too long, or a model that
/// failed.
pub fn accompany<G: WindowGenerator + ?Sized, R: Rng + ?Sized>(
    generator: &G,
    velocities: Option<&VelocityModel>,
    input: &Score,
    params: &GanParams,
    rng: &mut R,
    observer: &mut Observer<'_>,
) -> Result<Composition, ComposeError> {
    if let Some(seed) = params.seed {
        let (params, mut rng) = (GanParams { seed: None, ..params.clone() }, ChaCha8Rng::seed_from_u64(seed));
        return accompany(generator, velocities, input, &params, &mut rng, observer);
    }
    params.validate()?;
    let selected = Selected::new(params.track, input)?;
    let notes = selected.notes();
    let grid = StepGrid::of(input, input.end()).map_err(ComposeError::model)?;
    let ending = if params.end_naturally { Ending::of(&notes, &grid, params.genre) } else { None };
    let mut chords: Vec<Option<Chord>> =
        laid_out(&params.chords, grid.bar_steps()).into_iter().map(Some).collect();
    if let Some(ending) = &ending {
        ending.ask(&mut chords);
    }
    let options = AccompanyOptions {
        roles: params.tracks,
        // Which is between 0 and 1, but may be rounded to one of them.
        threshold: (params.binarisation_threshold as f32).clamp(f32::MIN_POSITIVE, 1.0 - f32::EPSILON),
        variation: params.variation as f32,
        chords,
        chord_temperature: params.chord_temperature as f32,
        bar_steps: grid.bar_steps().to_vec(),
        bar_fills: grid.bar_fills(params.genre).to_vec(),
        ..AccompanyOptions::new(params.genre)
    };
    let melody = grid.sounding_roll(&notes);
    let mut band = gan::accompany(generator, melody.view(), &options, rng, &mut |done, total| {
        observer(Progress { done, total, events: &[] })
    })
    .map_err(ComposeError::model)?;

    if let Some(ending) = ending.filter(|_| !band.stopped) {
        ending.play(&mut band);
    }

    let level = softer(&notes);
    let mut parts = TrackRole::ALL.map(|role| {
        let made = band.rolls.iter().find(|made| made.role == role);
        made.map_or_else(Vec::new, |made| part_notes(made, &grid, level))
    });
    let relative =
        velocities.and_then(|model| model.relative(params.genre, &grid, parts.each_ref().map(Vec::as_slice)));
    let swell = swell(&notes, &grid);
    for (role, part) in parts.iter_mut().enumerate() {
        for (index, note) in part.iter_mut().enumerate() {
            let accent = relative.as_ref().and_then(|all| all[role].get(index)).copied().unwrap_or(1.0);
            let loud = swell.get(grid.bar_at(note.start)).copied().unwrap_or(1.0);
            note.velocity = dynamic(level, [accent, loud], params.dynamics);
        }
    }
    let mut score = input.clone();
    for track in params.genre.tracks() {
        if !band.rolls.iter().any(|made| made.role == track.role) {
            continue;
        }
        let mut part = if track.is_drum {
            Track::drums(track.name, track.program())
        } else {
            Track::new(track.name, track.program())
        };
        part.set_notes(std::mem::take(&mut parts[track.role.index()]));
        score.push_track(part);
    }
    let stop = if band.stopped { StopReason::Stopped } else { StopReason::DurationReached };
    let mut composition = Composition::new(input, score, stop);
    composition.summary.chords = sheet(&band.chords, grid.bar_steps()).map_err(ComposeError::model)?;
    Ok(composition)
}

/// The chords of a sheet for the half bars that the generator sees: a bar that is cut into parts has its first
/// chord in the first half of them, the second in the others.
fn laid_out(sheet: &ChordSheet, bar_steps: &[usize]) -> Vec<Chord> {
    let bars = sheet.bars().iter().zip(bar_steps);
    bars.flat_map(|(chords, steps)| chords.iter().flat_map(|chord| [*chord].repeat(parts_of(*steps))))
        .collect()
}

/// The reverse, of the bars that were generated.
fn sheet(chords: &[Chord], bar_steps: &[usize]) -> Result<ChordSheet, ChordSheetError> {
    let mut left = chords;
    let mut bars = Vec::new();
    for steps in bar_steps {
        let parts = parts_of(*steps);
        let Some((bar, rest)) = left.split_at_checked(2 * parts) else { break };
        bars.push([bar[0], bar[parts]]);
        left = rest;
    }
    ChordSheet::new(bars)
}

/// Nine tenths of the mean velocity.
fn softer(notes: &[Note]) -> Velocity {
    let sum: i64 = notes.iter().map(|n| i64::from(n.velocity.get())).sum();
    Velocity::saturating(sum * 9 / (10 * notes.len().max(1) as i64))
}

/// How loud the melody is around each bar, in that bar and those beside it, as a ratio to its mean velocity. Around bars in which it
/// is silent it is as loud as it was, or as it comes to be.
fn swell(notes: &[Note], grid: &StepGrid) -> Vec<f64> {
    let mut bars = vec![(0.0, 0.0); grid.bar_steps().len()];
    for note in notes {
        if let Some((sum, count)) = bars.get_mut(grid.bar_at(note.start)) {
            (*sum, *count) = (*sum + f64::from(note.velocity.get()), *count + 1.0);
        }
    }
    let mean = |bars: &[(f64, f64)]| {
        let (sum, count) = bars.iter().fold((0.0, 0.0), |(s, c), (sum, count)| (s + sum, c + count));
        (count > 0.0).then(|| sum / count)
    };
    let whole = mean(&bars).unwrap_or(1.0);
    let around = (0..bars.len()).map(|bar| mean(&bars[bar.saturating_sub(1)..(bar + 2).min(bars.len())]));
    let around: Vec<Option<f64>> = around.collect();
    let mut last = around.iter().flatten().next().copied().unwrap_or(whole);
    around
        .into_iter()
        .map(|loud| {
            last = loud.unwrap_or(last);
            last / whole
        })
        .collect()
}

/// A note from each onset as long as its pitch sounds and none begins anew; for drums, of a step each.
fn part_notes(made: &AccompanimentRoll, grid: &StepGrid, velocity: Velocity) -> Vec<Note> {
    let AccompanimentRoll { role, roll, onsets } = made;
    let mut notes = Vec::new();
    for (pitch, (sounds, begins)) in roll.columns().into_iter().zip(onsets.columns()).enumerate() {
        for step in (0..sounds.len()).filter(|step| begins[*step]) {
            let is_over = |next: &usize| !sounds[*next] || begins[*next];
            let end = match role {
                TrackRole::Drums => step + 1,
                _ => (step + 1..sounds.len()).find(is_over).unwrap_or(sounds.len()),
            };
            let (start, stop) = (grid.tick_at(step), grid.tick_at(end));
            notes.push(Note {
                start,
                pitch: Pitch::saturating(pitch as i64),
                duration: Tick::saturating(i64::from(stop.saturating_sub(start).get()).max(1)),
                velocity,
            });
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::ops::ControlFlow;

    use burn::tensor::Device;
    use deepcompose_core::{At, Program, TimeSignature};

    use super::*;
    use crate::gan::{GanConfig, Generator};

    fn chords(text: &str) -> String {
        let sheet: ChordSheet = text.parse().unwrap();
        sheet.half_bars().map(|chord| chord.to_string()).collect::<Vec<_>>().join(" ")
    }

    // Four bars of quarters at 40, then four bars of two halves at 100: their mean is 60. A bar is as loud as it and those beside
    // it: bars 4 and 5 of (40 · 8 + 100 · 2) / 10 = 52 and (40 · 4 + 100 · 4) / 8 = 70.
    #[test]
    fn a_band_grows_with_the_melody() {
        let note = |quarter: u32, quarters: u32, velocity: u32| Note {
            start: Tick::new(480 * quarter).unwrap(),
            duration: Tick::new(480 * quarters).unwrap(),
            pitch: Pitch::new(60).unwrap(),
            velocity: Velocity::new(velocity).unwrap(),
        };
        let soft = (0..16).map(|quarter| note(quarter, 1, 40));
        let loud = (8..16).map(|half| note(2 * half, 2, 100));
        let notes: Vec<Note> = soft.chain(loud).collect();
        // Two bars more, in which it is silent.
        let grid = StepGrid::of(&Score::default(), Tick::new(1920 * 10).unwrap()).unwrap();
        let found: Vec<f64> =
            swell(&notes, &grid).iter().map(|ratio| (60.0 * ratio * 1e6).round() / 1e6).collect();
        assert_eq!(found, [40., 40., 40., 52., 70., 100., 100., 100., 100., 100.]);
        // Before it begins it is as loud as it will be.
        let late: Vec<Note> = vec![note(16, 1, 50), note(32, 1, 100)];
        let found: Vec<f64> = swell(&late, &grid).iter().map(|ratio| 75.0 * ratio).collect();
        assert_eq!(found, [50., 50., 50., 50., 50., 50., 50., 100., 100., 100.]);

        // Quartets have no accents of their own: nine tenths of the melody, bar by bar.
        let config =
            GanConfig::accompaniment().to_builder().filters(2).latent_channels(2).styles(2).build().unwrap();
        let generator = Generator::new(&config, &mut ChaCha8Rng::seed_from_u64(1), &Device::flex());
        let mut score = Score::default();
        score.push_track(Track::new("Melody", Program::MIN).with_notes(notes));
        let band = |dynamics| {
            let params = GanParams { dynamics, ..GanParams::new(Genre::Classical) };
            let rng = &mut ChaCha8Rng::seed_from_u64(2);
            accompany(&generator, None, &score, &params, rng, &mut |_| ControlFlow::Continue(())).unwrap()
        };
        let loudness = [36, 36, 36, 47, 63, 90, 90, 90];
        let played = band(1.0);
        let new = || played.tracks()[1..].iter().flat_map(|track| track.notes());
        assert!(new().count() > 20);
        for note in new() {
            assert_eq!(note.velocity.get(), loudness[note.start.get() as usize / 1920]);
        }
        assert!(band(0.0).tracks()[1..].iter().flat_map(|t| t.notes()).all(|n| n.velocity.get() == 54));
    }

    // Bars of 4/4, 5/4 (cut into two), 2/4, and 13/4 (into four) have 16, 20, 8 and 52 sixteenths.
    #[test]
    fn sheets_are_laid_out_over_the_bars_that_the_generator_sees() {
        let sheet_of_four: ChordSheet = "C F | G Am | D E | Em Dm".parse().unwrap();
        let laid: Vec<Chord> = laid_out(&sheet_of_four, &[16, 20, 8, 52, 16]);
        let names: Vec<String> = laid.iter().map(Chord::to_string).collect();
        assert_eq!(names.join(" "), "C F G G Am Am D E Em Em Em Em Dm Dm Dm Dm");
        assert_eq!(sheet(&laid, &[16, 20, 8, 52, 16]).unwrap(), sheet_of_four);
        // A bar that is not whole is left out.
        assert_eq!(sheet(&laid[..5], &[16, 20, 8, 52]).unwrap().to_string(), "C F");
    }

    // Whatever the metre: the chords that are given come back, as far as the bars have halves.
    #[test]
    fn given_chords_are_played_over_in_every_metre() {
        let config =
            GanConfig::accompaniment().to_builder().filters(2).latent_channels(2).styles(2).build().unwrap();
        let generator = Generator::new(&config, &mut ChaCha8Rng::seed_from_u64(1), &Device::flex());
        for (metre, halves) in
            [((4, 4), true), ((3, 4), true), ((12, 8), true), ((5, 4), true), ((2, 4), false)]
        {
            let mut score = Score::default();
            let signature = TimeSignature::new(metre.0, metre.1).unwrap();
            score.set_time_signatures(vec![At { tick: Tick::ZERO, value: signature }]);
            let bar = 1920 * metre.0 / metre.1;
            let note = |bar_number: u32| Note {
                start: Tick::new(bar_number * bar).unwrap(),
                duration: Tick::new(bar).unwrap(),
                pitch: Pitch::new(60 + bar_number).unwrap(),
                velocity: Velocity::DEFAULT,
            };
            score.push_track(Track::new("Melody", Program::MIN).with_notes((0..5).map(note).collect()));
            let params =
                GanParams { chords: "C F | G Am | Dm".parse().unwrap(), ..GanParams::new(Genre::Pop) };
            let rng = &mut ChaCha8Rng::seed_from_u64(2);
            let run = |stop_at: usize, rng: &mut ChaCha8Rng| {
                let observer = &mut |p: Progress<'_>| {
                    if p.done == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                accompany(&generator, None, &score, &params, rng, observer).unwrap().summary.chords
            };
            let found = run(0, rng);
            assert_eq!(found.bars().len(), 5, "{metre:?}");
            let expected = if halves { "C F | G Am | Dm" } else { "C | G | Dm" };
            let first = ChordSheet::new(found.bars()[..3].to_vec()).unwrap();
            assert_eq!(chords(&first.to_string()), chords(expected), "{metre:?}");
            // Stopped after a group of two of the bars that the generator sees.
            let parts = parts_of((16 * metre.0 / metre.1) as usize);
            assert_eq!(run(1, rng).bars().len(), 2 / parts, "{metre:?}");
        }
    }

    #[test]
    fn a_seed_of_its_own_goes_before_the_rng() {
        let config =
            GanConfig::accompaniment().to_builder().filters(2).latent_channels(2).styles(2).build().unwrap();
        let generator = Generator::new(&config, &mut ChaCha8Rng::seed_from_u64(1), &Device::flex());
        let melody = deepcompose_core::InputTrack::OdeToJoy.score();
        let band = |seed, rng: u64| {
            let params = GanParams { seed, ..GanParams::new(Genre::Pop) };
            let rng = &mut ChaCha8Rng::seed_from_u64(rng);
            accompany(&generator, None, &melody, &params, rng, &mut |_| ControlFlow::Continue(()))
                .unwrap()
                .score
        };
        assert_eq!(band(Some(7), 1), band(Some(7), 2));
        assert_eq!(band(Some(7), 1), band(None, 7));
        assert_ne!(band(None, 1), band(None, 2));
    }
}
