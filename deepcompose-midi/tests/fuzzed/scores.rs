//! Scores: made up, as JSON, and written.

use arbitrary::{Result, Unstructured};
use deepcompose_core::{
    At, ControlChange, KeySignature, Mode, Note, Pitch, PitchBend, Program, Score, Tempo, TempoMap, Tick,
    TicksPerQuarter, TimeSignature, Track, Velocity,
};
use deepcompose_midi::{Limits, Reader, canonical, to_bytes, to_bytes_type0};

/// A score can be written, and what is written reads as the same score.
pub fn write(bytes: &[u8]) {
    if let Ok(score) = any_score(&mut Unstructured::new(bytes)) {
        check_written(&canonical(&score));
    }
}

/// Any text is a score or none, and a score of text is as good as any.
pub fn json(bytes: &[u8]) {
    let Ok(score) = serde_json::from_slice::<Score>(bytes) else { return };
    let text = serde_json::to_string(&score).expect("a score is JSON");
    assert_eq!(serde_json::from_str::<Score>(&text).expect("as it was written"), score);
    // What a file cannot say twice is said once after the first writing.
    if let Ok(written) = to_bytes(&score) {
        survives_writing(&read(&written));
    }
}

/// A score that was read is written and read again as it is.
pub fn survives_writing(score: &Score) {
    let written = to_bytes(score).expect("what was read can be written");
    assert_eq!(&read(&written), score);
}

/// A valid score can be written, and reads with the same notes.
pub fn check_written(score: &Score) {
    let Ok(written) = to_bytes(score) else { return };
    let back = read(&written);
    assert_eq!(back.ticks_per_quarter(), score.ticks_per_quarter());
    assert_eq!(notes(&back), notes(score));
    assert_eq!(back.tempo_map(), score.tempo_map());
    if let Ok(written) = to_bytes_type0(score) {
        assert_eq!(notes(&read(&written)), notes(score));
    }
    survives_writing(&back);
}

fn read(bytes: &[u8]) -> Score {
    let reader = Reader::new().limits(Limits::unlimited());
    reader.read_bytes(bytes).expect("what was written can be read").0
}

/// All notes with what plays them, in order.
fn notes(score: &Score) -> Vec<(bool, Program, Note)> {
    let of = |t: &Track| t.notes().iter().map(|n| (t.is_drum(), t.program(), *n)).collect::<Vec<_>>();
    let mut notes: Vec<_> = score.tracks().iter().flat_map(of).collect();
    notes.sort_unstable();
    notes
}

/// A score of up to some ten tracks.
pub fn any_score(u: &mut Unstructured<'_>) -> Result<Score> {
    let mut score = Score::new(TicksPerQuarter::saturating(i64::from(u.arbitrary::<u16>()?)));
    let tempos = some(u, |u| Ok(Tempo::from_micros(u.arbitrary()?).unwrap_or_default()))?;
    score.set_tempo_map(TempoMap::new(tempos));
    score.set_time_signatures(some(u, |u| {
        Ok(TimeSignature::new(u.arbitrary::<u8>()?.into(), 1 << (u.arbitrary::<u8>()? % 7))
            .unwrap_or_default())
    })?);
    score.set_key_signatures(some(u, |u| {
        let key = KeySignature::new(u.int_in_range(-7..=7)?, Mode::Minor);
        key.map_err(|_| arbitrary::Error::IncorrectFormat)
    })?);
    for _ in 0..u.arbitrary::<u8>()? % 12 {
        score.push_track(any_track(u)?);
    }
    Ok(score)
}

fn any_track(u: &mut Unstructured<'_>) -> Result<Track> {
    let program = Program::saturating(i64::from(u.arbitrary::<u8>()? % 4));
    let name = if u.arbitrary()? { u.arbitrary::<&str>()? } else { "" };
    let mut track = if u.ratio(1, 4)? { Track::drums(name, program) } else { Track::new(name, program) };
    track.set_notes(any_notes(u)?);
    track.set_controls(some(u, |u| {
        let [controller, value] = u.arbitrary()?;
        ControlChange::new(controller, value).map_err(|_| arbitrary::Error::IncorrectFormat)
    })?);
    track.set_pitch_bends(some(u, |u| {
        PitchBend::new(u.arbitrary()?).map_err(|_| arbitrary::Error::IncorrectFormat)
    })?);
    Ok(track)
}

/// Notes that often meet: of few pitches, near each other.
pub fn any_notes(u: &mut Unstructured<'_>) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    while u.ratio(7, 8)? && notes.len() < 64 {
        notes.push(Note {
            start: any_tick(u)?,
            pitch: Pitch::saturating(if u.ratio(1, 2)? { 60 } else { i64::from(u.arbitrary::<u8>()?) }),
            duration: any_tick(u)?,
            velocity: Velocity::saturating(u.arbitrary::<u8>()?.into()),
        });
    }
    Ok(notes)
}

/// Most are early, some anywhere.
pub fn any_tick(u: &mut Unstructured<'_>) -> Result<Tick> {
    let tick = match u.arbitrary::<u8>()? % 4 {
        0 => i64::from(u.arbitrary::<u8>()?),
        1 | 2 => i64::from(u.arbitrary::<u16>()?),
        _ => i64::from(u.arbitrary::<u32>()?),
    };
    Ok(Tick::saturating(tick))
}

fn some<T>(
    u: &mut Unstructured<'_>,
    mut value: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<At<T>>> {
    (0..u.arbitrary::<u8>()? % 5).map(|_| Ok(At { tick: any_tick(u)?, value: value(u)? })).collect()
}
