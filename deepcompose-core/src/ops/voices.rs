//! Streams of one note at a time.

use crate::error::ScoreError;
use crate::score::Note;
use crate::units::Tick;

/// The most voices of a track.
const MAX_VOICES: usize = 32;
/// What it costs to cross a voice that sounds, in semitones: more than any leap.
const CROSSING: u32 = 1000;

/// The notes of each voice, the highest voice first.
pub(super) fn separate(notes: &[Note]) -> Result<Vec<Vec<Note>>, ScoreError> {
    let (count, fullest) = most_at_once(notes);
    if count > MAX_VOICES {
        let (value, limit) = (count as u64, MAX_VOICES as u64);
        return Err(ScoreError::Limit { what: "voices of a track", value, limit });
    }
    let mut voice_of: Vec<Option<usize>> = vec![None; notes.len()];
    // Where all voices sound, the lowest note is the lowest voice's.
    let mut seed: Vec<usize> =
        (0..notes.len()).filter(|i| start(&notes[*i]) <= fullest && end(&notes[*i]) > fullest).collect();
    seed.sort_by_key(|i| notes[*i].pitch);
    for (voice, i) in seed.iter().enumerate() {
        voice_of[*i] = Some(voice);
    }
    let first_pitches: Vec<u32> = seed.iter().map(|i| notes[*i].pitch.get().into()).collect();

    // Onward: notes that begin after the seed, in order of onset.
    let after: Vec<Span> =
        spans(notes, |n| (start(n), end(n))).filter(|span| start(&notes[span.note]) > fullest).collect();
    let until = seed.iter().map(|i| end(&notes[*i])).collect();
    grow(after, first_pitches.clone(), until, &mut voice_of);
    // Backward: the same with time turned round, from the notes that ended before the seed.
    let turned = |time: u64| u64::from(Tick::MAX.get()) + 1 - time;
    let mut before: Vec<Span> = spans(notes, |n| (turned(end(n)), turned(start(n))))
        .filter(|span| end(&notes[span.note]) <= fullest)
        .collect();
    before.sort_by_key(|span| (span.start, span.pitch));
    let until = seed.iter().map(|i| turned(start(&notes[*i]))).collect();
    grow(before, first_pitches, until, &mut voice_of);

    let mut voices = vec![Vec::new(); count];
    for (note, voice) in notes.iter().zip(voice_of) {
        if let Some(voice) = voice.and_then(|v| voices.get_mut(v)) {
            voice.push(*note);
        }
    }
    voices.reverse();
    Ok(voices)
}

fn start(note: &Note) -> u64 {
    note.start.get().into()
}

/// The end of a note; one of no length takes a tick.
fn end(note: &Note) -> u64 {
    start(note) + u64::from(note.duration.get().max(1))
}

/// The most notes that sound at once, and the first tick at which so many do.
fn most_at_once(notes: &[Note]) -> (usize, u64) {
    // Ends before onsets of one tick.
    let mut edges: Vec<(u64, i32)> = notes.iter().flat_map(|n| [(start(n), 1), (end(n), -1)]).collect();
    edges.sort_unstable();
    let (mut now, mut most, mut when) = (0, 0, 0);
    for (tick, change) in edges {
        now += change;
        if now > most {
            (most, when) = (now, tick);
        }
    }
    (most.max(0) as usize, when)
}

/// A note in time that runs forwards or backwards.
struct Span {
    note: usize,
    start: u64,
    end: u64,
    pitch: u32,
}

fn spans(notes: &[Note], time: impl Fn(&Note) -> (u64, u64)) -> impl Iterator<Item = Span> {
    notes.iter().enumerate().map(move |(note, n)| {
        let (start, end) = time(n);
        Span { note, start, end, pitch: n.pitch.get().into() }
    })
}

/// Gives each note, in order, to a voice that is free when it begins. `pitches` and `until` are what
/// the voices last sounded and how long.
fn grow(spans: Vec<Span>, mut pitches: Vec<u32>, mut until: Vec<u64>, voice_of: &mut [Option<usize>]) {
    for chord in spans.chunk_by(|a, b| a.start == b.start) {
        let Some(start) = chord.first().map(|span| span.start) else { continue };
        let free: Vec<usize> = (0..until.len()).filter(|v| until[*v] <= start).collect();
        let cost = crossing_costs(&pitches, &until, start);
        let chosen = match_in_order(chord.len(), free.len(), |note, voice| {
            let (span, voice) = (&chord[note], free[voice]);
            let (below, above) = cost[voice];
            let crosses =
                u32::from(below > Some(span.pitch)) + u32::from(above.is_some_and(|a| a < span.pitch));
            span.pitch.abs_diff(pitches[voice]) + CROSSING * crosses
        });
        for (span, voice) in chord.iter().zip(chosen) {
            let voice = free[voice];
            voice_of[span.note] = Some(voice);
            pitches[voice] = span.pitch;
            until[voice] = span.end;
        }
    }
}

/// For each voice, the highest pitch that sounds in a voice below it, and the lowest above.
fn crossing_costs(pitches: &[u32], until: &[u64], start: u64) -> Vec<(Option<u32>, Option<u32>)> {
    let held: Vec<Option<u32>> =
        pitches.iter().zip(until).map(|(pitch, until)| (*until > start).then_some(*pitch)).collect();
    let mut out = vec![(None, None); pitches.len()];
    let mut highest = None;
    for (out, held) in out.iter_mut().zip(&held) {
        out.0 = highest;
        highest = highest.max(*held);
    }
    let mut lowest: Option<u32> = None;
    for (out, held) in out.iter_mut().zip(&held).rev() {
        out.1 = lowest;
        lowest = [lowest, *held].into_iter().flatten().min();
    }
    out
}

/// The cheapest way to give `items` (in order) a place each out of `places` (in order) without
/// crossings: dynamic programming. There are at least as many places as items.
fn match_in_order(items: usize, places: usize, cost: impl Fn(usize, usize) -> u32) -> Vec<usize> {
    let columns = places + 1;
    // best[i][j]: the first i items in the first j places.
    let mut best = vec![u32::MAX; (items + 1) * columns];
    best[..columns].fill(0);
    for i in 1..=items {
        for j in i..=places {
            let here = best[(i - 1) * columns + j - 1].saturating_add(cost(i - 1, j - 1));
            best[i * columns + j] = here.min(best[i * columns + j - 1]);
        }
    }
    let mut chosen = vec![0; items];
    let mut j = places;
    for i in (1..=items).rev() {
        while j > i && best[i * columns + j] == best[i * columns + j - 1] {
            j -= 1;
        }
        j = j.saturating_sub(1);
        chosen[i - 1] = j;
    }
    chosen
}
