//! Operations on scores, one after the other.

use arbitrary::{Result, Unstructured};
use deepcompose_core::ops::{BeatGrid, GridStep, Join, Overlaps, PitchOverflow, Quantiser, Straddle, TrimTo};
use deepcompose_core::{Pitch, Score, Tempo, TempoMap, TicksPerQuarter, Track, melody_track};

use super::scores::{any_score, any_tick, check_written};
use deepcompose_midi::canonical;

/// Operations with any arguments, in any order, leave a valid score.
pub fn apply(bytes: &[u8]) {
    let _ = try_apply(&mut Unstructured::new(bytes));
}

fn try_apply(u: &mut Unstructured<'_>) -> Result<()> {
    let mut score = any_score(u)?;
    for _ in 0..8 {
        if u.is_empty() {
            break;
        }
        score = one(&score, u)?;
        // Joining doubles: a few notes are enough.
        if score.note_count() > 2000 || score.tracks().len() > 200 {
            break;
        }
    }
    let text = serde_json::to_string(&score).expect("a score is JSON");
    assert_eq!(serde_json::from_str::<Score>(&text).expect("as it was written"), score);
    check_written(&canonical(&score));
    Ok(())
}

/// One operation; what it refuses leaves the score as it was.
fn one(score: &Score, u: &mut Unstructured<'_>) -> Result<Score> {
    let same = || score.clone();
    Ok(match u.arbitrary::<u8>()? % 18 {
        0 => score.slice(any_tick(u)?..any_tick(u)?, straddle(u)?),
        1 => score.slice_bars(u.arbitrary()?..u.arbitrary()?, straddle(u)?),
        2 => score.slice_beats(u.arbitrary()?..u.arbitrary()?, straddle(u)?),
        3 => score.slice_seconds(u.arbitrary()?..u.arbitrary()?, straddle(u)?),
        4 => score.trim(*u.choose(&[TrimTo::Bar, TrimTo::Beat, TrimTo::Note])?),
        5 => score.pad(any_tick(u)?).unwrap_or_else(|_| same()),
        6 => score.join(score, *u.choose(&[Join::Bar, Join::End])?).unwrap_or_else(|_| same()),
        7 => {
            let range = Pitch::saturating(u.arbitrary::<u8>()?.into())
                ..=Pitch::saturating(u.arbitrary::<u8>()?.into());
            let overflow = *u.choose(&[PitchOverflow::Refuse, PitchOverflow::Drop, PitchOverflow::Octave])?;
            score.transpose(u.arbitrary()?, range, overflow).map_or_else(|_| same(), |(score, _)| score)
        }
        8 => quantiser(u)?.map_or_else(same, |quantiser| score.quantise(&quantiser)),
        9 => {
            let resolution = TicksPerQuarter::saturating(u.arbitrary::<u16>()?.into());
            score.resample(resolution).unwrap_or_else(|_| same())
        }
        10 => score.scale_tempo(u.arbitrary()?).unwrap_or_else(|_| same()),
        11 => {
            let tempo = Tempo::from_micros(u.arbitrary()?).unwrap_or_default();
            score.retime(TempoMap::constant(tempo)).unwrap_or_else(|_| same())
        }
        12 => beat_grid(u)?.and_then(|grid| score.align_to_beats(&grid).ok()).unwrap_or_else(same),
        13 => score.merge_tracks(&u.arbitrary::<[usize; 3]>()?.map(|i| i % 8)).unwrap_or_else(|_| same()),
        14 => score.merge_same_programs(),
        15 => score.sort_tracks().without_empty_tracks().0,
        _ => {
            let index = melody_track(score).unwrap_or(0);
            let Ok(track) = score.track(index) else { return Ok(same()) };
            score.replace_track(index, parts(track, u)?).unwrap_or_else(|_| same())
        }
    })
}

fn parts(track: &Track, u: &mut Unstructured<'_>) -> Result<Vec<Track>> {
    Ok(match u.arbitrary::<u8>()? % 6 {
        0 => track.split_at_pitch(Pitch::MIDDLE_C).to_vec(),
        1 => track.split_hands().to_vec(),
        2 => track.split_voices().unwrap_or_default(),
        3 => track.split_drums().into_iter().map(|(_, track)| track).collect(),
        4 => vec![track.without_duplicates().0],
        _ => vec![track.resolve_overlaps(*u.choose(&[Overlaps::Cut, Overlaps::Merge, Overlaps::Drop])?).0],
    })
}

fn straddle(u: &mut Unstructured<'_>) -> Result<Straddle> {
    u.choose(&[Straddle::Clip, Straddle::Drop, Straddle::Keep]).copied()
}

fn quantiser(u: &mut Unstructured<'_>) -> Result<Option<Quantiser>> {
    let step = GridStep::new(u.arbitrary::<u16>()?.into(), u.arbitrary::<u16>()?.into());
    let [strength, swing] = u.arbitrary::<[f64; 2]>()?;
    let quantiser = Quantiser::new(step.unwrap_or(GridStep::EIGHTH));
    let quantiser =
        quantiser.with_strength(strength.abs() % 1.0).and_then(|q| q.with_swing(swing.abs() % 1.0));
    Ok(quantiser.ok())
}

fn beat_grid(u: &mut Unstructured<'_>) -> Result<Option<BeatGrid>> {
    let mut now = f64::from(u.arbitrary::<i16>()?) / 100.0;
    let mut times = Vec::new();
    for _ in 0..2 + u.arbitrary::<u8>()? % 6 {
        now += f64::from(u.arbitrary::<u16>()?) / 10_000.0;
        times.push(now);
    }
    let grid = BeatGrid::new(times);
    let (downbeat, beats) = (usize::from(u.arbitrary::<u8>()?), u32::from(u.arbitrary::<u8>()?));
    let grid = grid.and_then(|grid| grid.with_bars(downbeat, beats));
    Ok(grid.ok())
}
