//! The Transformer at work: held-out melodies, continued by `extend` from their first half, beside how they really
//! go on.

use std::error::Error;

use deepcompose::Composer;
use deepcompose::core::metrics::{
    Cadence, best_key, cadence, estimate_key, in_scale_rate, note_density_per_beat, on_grid_rate,
    overlapping_area, polyphony_rate, self_similarity,
};
use deepcompose::core::ops::Straddle;
use deepcompose::core::{KeySignature, Note, Score, StepsPerBeat, Tempo, Tick};
use deepcompose::models::compose::TransformerParams;
use deepcompose::models::transformer::TransformerXl;
use deepcompose::models::{data::Piece, pretrained};
use serde::Serialize;

use crate::arguments::Task;
use crate::corpus::continuation;
use crate::plots::BarPanel;
use crate::report::{Outcome, Picture, Report, row, table};

/// Bars that are given, and as many that are to follow.
const BARS: usize = 8;
/// Bars apart, at most, at which similarity is measured.
const LAGS: usize = 8;
/// Songs of which the piano is in the corpus, as in the shipped training.
const POP_SONGS: usize = 200;
/// Melodies hardly ever sound two notes at once.
const MOST_POLYPHONY: f64 = 0.05;
/// An in-scale rate is to be within three points of real continuations'.
const IN_SCALE_TARGET: f64 = 0.03;

#[derive(Serialize)]
struct Extension {
    melodies: usize,
    bars_given: usize,
    measures: Vec<Measured>,
    /// Similarity of bars 1, 2, … apart, over the bars given and those that follow.
    self_similarity_real: Vec<Option<f64>>,
    self_similarity_continued: Vec<Option<f64>>,
    /// Extensions that fell short of the length asked for.
    short: usize,
    /// How whole held-out pieces end, in their own keys; then extensions, in the key that was given: as they break off, and where
    /// they were to end.
    endings_real: Endings,
    endings_cut: Endings,
    endings_natural: Endings,
}

/// How last notes end, as shares.
#[derive(Serialize)]
struct Endings {
    pieces: usize,
    on_tonic: f64,
    on_downbeat: f64,
    /// Tonic and downbeat, held a quarter note at least.
    complete: f64,
    /// Of those on the tonic, from a second, or from a fourth below or fifth above: from the dominant.
    well_approached: f64,
}

impl Endings {
    fn of(endings: &[Cadence]) -> Self {
        let share = |of: &dyn Fn(&Cadence) -> bool, among: &dyn Fn(&Cadence) -> bool| {
            let all = endings.iter().filter(|e| among(e)).count();
            endings.iter().filter(|e| among(e) && of(e)).count() as f64 / all.max(1) as f64
        };
        let all = |_: &Cadence| true;
        let approached = |e: &Cadence| e.approach.is_some_and(|a| [-7, -2, -1, 1, 2, 5].contains(&a));
        Self {
            pieces: endings.len(),
            on_tonic: share(&|e| e.on_tonic, &all),
            on_downbeat: share(&|e| e.on_downbeat, &all),
            complete: share(&|e| e.on_tonic && e.on_downbeat && e.quarters >= 1.0, &all),
            well_approached: share(&approached, &|e| e.on_tonic),
        }
    }
}

/// A measure of what follows the bars that are given.
#[derive(Serialize)]
struct Measured {
    measure: &'static str,
    real: f64,
    continued: f64,
    /// Mean over the melodies of the distance between the measure of what was given and of what follows.
    real_change: f64,
    continued_change: f64,
    overlap: Option<f64>,
}

/// A melody, in one track, with what really follows or with what was generated.
struct Whole {
    score: Score,
    /// Where the new notes begin.
    from: Tick,
    key: KeySignature,
}

impl Whole {
    fn part(&self, new: bool) -> (Score, Vec<Note>) {
        let range = if new { self.from..self.end() } else { Tick::ZERO..self.from };
        let score = self.score.slice(range, Straddle::Keep);
        let notes = score.tracks().iter().flat_map(|t| t.notes()).copied().collect();
        (score, notes)
    }

    fn end(&self) -> Tick {
        self.score.end()
    }

    fn notes(&self) -> Vec<Note> {
        self.score.tracks().iter().flat_map(|t| t.notes()).copied().collect()
    }
}

pub(crate) fn measure(task: &Task<'_>) -> Result<Outcome, Box<dyn Error>> {
    let (model, source) = crate::model::load::<TransformerXl>(task, pretrained::TRANSFORMER)?;
    let config = model.config().clone();
    let pieces = continuation(task.data, POP_SONGS)?.valid;
    let real_endings: Vec<Cadence> = pieces.iter().filter_map(|piece| ending(&piece.score, None)).collect();
    let melodies = melodies(pieces, task.limit);
    if melodies.is_empty() {
        return Err(format!("no held-out melody is {} bars long", 2 * BARS).into());
    }
    let composer = Composer::builder().transformer(model).build()?;
    let (mut real, mut continued, mut short) = (Vec::new(), Vec::new(), 0);
    let (mut cut, mut natural) = (Vec::new(), Vec::new());
    for (index, melody) in melodies.iter().enumerate() {
        let given = melody.slice_bars(0..BARS, Straddle::Keep);
        let bars = melody.slice_bars(BARS..2 * BARS, Straddle::Keep);
        let params = TransformerParams {
            track_extension_duration: bars.duration_seconds().clamp(1.0, TransformerParams::MAX_EXTENSION),
            ..TransformerParams::default()
        };
        let composer = composer.with_seed(task.seed.wrapping_add(index as u64));
        let made = composer.extend(&given, &params)?;
        let ended = composer.extend(&given, &TransformerParams { end_naturally: true, ..params.clone() })?;
        cut.extend(ending(&made.score, Some(&given)));
        natural.extend(ending(&ended.score, Some(&given)));
        let notes: Vec<Note> = given.tracks().iter().flat_map(|t| t.notes()).copied().collect();
        let Some((key, _)) = best_key(&notes) else { continue };
        let line = melody.bars().nth(BARS).map_or(given.end(), |bar| bar.start);
        real.push(Whole { score: melody.clone(), from: line, key });
        let asked = given.duration_seconds() + params.track_extension_duration;
        short += usize::from(made.score.duration_seconds() < asked - 2.0);
        continued.push(Whole { from: given.end(), score: made.score, key });
    }
    let e = Extension {
        melodies: real.len(),
        bars_given: BARS,
        measures: measures(&real, &continued),
        self_similarity_real: similarity(&real),
        self_similarity_continued: similarity(&continued),
        short,
        endings_real: Endings::of(&real_endings),
        endings_cut: Endings::of(&cut),
        endings_natural: Endings::of(&natural),
    };
    let report = Report::new("transformer extension", (&source, &config), task, e.melodies, &e);
    Ok(Outcome { table: report.heading() + &text(&e), json: report.json()?, pictures: vec![picture(&e)] })
}

/// How a score of one track ends, in its own key or that of another.
fn ending(score: &Score, keyed: Option<&Score>) -> Option<Cadence> {
    let alone = score.tracks().iter().filter(|t| !t.notes().is_empty()).count() == 1;
    let notes =
        |score: &Score| -> Vec<Note> { score.tracks().iter().flat_map(|t| t.notes()).copied().collect() };
    let notes_of = notes(score);
    let is_melody = polyphony_rate(score, &notes_of, 2)? <= MOST_POLYPHONY;
    let (key, _) = estimate_key(&notes(keyed.unwrap_or(score)))?;
    (alone && is_melody).then(|| cadence(score, &notes_of, key)).flatten()
}

/// The melodies among some pieces, from their first note's bar on, of the bars that are given and as many again; at
/// 120 quarter notes a minute.
fn melodies(pieces: Vec<Piece>, limit: usize) -> Vec<Score> {
    let cut = |piece: Piece| {
        let mut score = piece.score;
        score.set_tempo(Tempo::from_bpm(120.0).ok()?);
        let notes: Vec<Note> = score.tracks().iter().flat_map(|t| t.notes()).copied().collect();
        let first = notes.iter().map(|n| n.start).min()?;
        let bar = score.bars().take_while(|bar| bar.end <= first).count();
        let score = score.slice_bars(bar..bar + 2 * BARS, Straddle::Keep);
        let last_bar = score.bars().nth(2 * BARS - 1)?;
        let alone = score.tracks().iter().filter(|t| !t.notes().is_empty()).count() == 1;
        let notes: Vec<Note> = score.tracks().iter().flat_map(|t| t.notes()).copied().collect();
        let is_melody = polyphony_rate(&score, &notes, 2)? <= MOST_POLYPHONY;
        (alone && is_melody && score.end() > last_bar.start).then_some(score)
    };
    pieces.into_iter().filter_map(cut).take(limit).collect()
}

type Of = fn(&Score, &[Note], KeySignature) -> Option<f64>;

fn measures(real: &[Whole], continued: &[Whole]) -> Vec<Measured> {
    let all: [(&'static str, Of); 6] = [
        ("in scale", |_, notes, key| in_scale_rate(notes, key)),
        ("notes a beat", |score, notes, _| note_density_per_beat(score, notes)),
        ("mean pitch", |_, notes, _| {
            let sum: f64 = notes.iter().map(|n| f64::from(n.pitch.get())).sum();
            (!notes.is_empty()).then(|| sum / notes.len() as f64)
        }),
        ("on beats", |score, notes, _| on_grid_rate(score, notes, StepsPerBeat::new(1).ok()?)),
        ("on sixteenths", |score, notes, _| on_grid_rate(score, notes, StepsPerBeat::new(4).ok()?)),
        ("mean length, beats", |score, notes, _| {
            let quarter = f64::from(score.ticks_per_quarter().get());
            let sum: f64 = notes.iter().map(|n| f64::from(n.duration.get()) / quarter).sum();
            (!notes.is_empty()).then(|| sum / notes.len() as f64)
        }),
    ];
    let measured = |(measure, of): (&'static str, Of)| {
        let value = |whole: &Whole, new: bool| {
            let (score, notes) = whole.part(new);
            of(&score, &notes, whole.key)
        };
        let values = |wholes: &[Whole]| -> (Vec<f64>, Vec<f64>) {
            let both = wholes.iter().filter_map(|w| Some((value(w, true)?, value(w, false)?)));
            both.map(|(new, given)| (new, (new - given).abs())).unzip()
        };
        let ((real, real_change), (continued, continued_change)) = (values(real), values(continued));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        Measured {
            measure,
            real: mean(&real),
            continued: mean(&continued),
            real_change: mean(&real_change),
            continued_change: mean(&continued_change),
            overlap: overlapping_area(&real, &continued),
        }
    };
    all.map(measured).into()
}

/// Means over the melodies.
fn similarity(wholes: &[Whole]) -> Vec<Option<f64>> {
    let each: Vec<_> = wholes.iter().map(|w| self_similarity(&w.score, &w.notes(), LAGS)).collect();
    (0..LAGS)
        .map(|lag| {
            let values: Vec<f64> = each.iter().filter_map(|curve| curve[lag]).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        })
        .collect()
}

fn text(e: &Extension) -> String {
    let mut rows = vec![row([
        "what follows",
        "real",
        "continued",
        "target",
        "change, real",
        "change, continued",
        "overlap",
    ])];
    for m in &e.measures {
        let target = if m.measure == "in scale" {
            let met = (m.continued - m.real).abs() <= IN_SCALE_TARGET;
            format!("within {IN_SCALE_TARGET}: {}", if met { "met" } else { "missed" })
        } else {
            "real".to_owned()
        };
        rows.push(vec![
            m.measure.to_owned(),
            format!("{:.3}", m.real),
            format!("{:.3}", m.continued),
            target,
            format!("{:.3}", m.real_change),
            format!("{:.3}", m.continued_change),
            m.overlap.map_or("-".to_owned(), |overlap| format!("{overlap:.2}")),
        ]);
    }
    let mut curve =
        vec![vec!["bars apart".to_owned()], vec!["real".to_owned()], vec!["continued".to_owned()]];
    let mut endings = vec![row([
        "the last note",
        "pieces",
        "tonic",
        "downbeat",
        "both, held",
        "tonics from a 2nd or the dominant",
    ])];
    for (name, e) in [
        ("of whole pieces", &e.endings_real),
        ("of extensions", &e.endings_cut),
        ("of extensions that end", &e.endings_natural),
    ] {
        let share = |share: f64| format!("{share:.3}");
        endings.push(vec![
            name.to_owned(),
            e.pieces.to_string(),
            share(e.on_tonic),
            share(e.on_downbeat),
            share(e.complete),
            share(e.well_approached),
        ]);
    }
    let number = |value: &Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
    curve[0].extend((1..=LAGS).map(|lag| lag.to_string()));
    curve[1].extend(e.self_similarity_real.iter().map(number));
    curve[2].extend(e.self_similarity_continued.iter().map(number));
    format!(
        "{} melodies, {BARS} bars given and {BARS} to follow; change: mean distance from the bars given\n{}\nsimilarity \
         of bars, given and following together:\n{}\n{}\n{} of {} extensions end early\n",
        e.melodies,
        table(&rows),
        table(&curve),
        table(&endings),
        e.short,
        e.melodies
    )
}

fn picture(e: &Extension) -> Picture {
    Picture {
        name: "transformer-similarity",
        title: "Transformer: similarity of bars in continued melodies".to_owned(),
        series: vec!["continued", "real"],
        panels: vec![BarPanel {
            title: "share of onsets in common, by bars apart".to_owned(),
            groups: (1..=LAGS).map(|lag| lag.to_string()).collect(),
            values: vec![e.self_similarity_continued.clone(), e.self_similarity_real.clone()],
        }],
    }
}
