//! Everything that is measured of bands as `accompany` makes them, genre by genre.

use std::error::Error;

use deepcompose::models::gan::{GanDataset, Generator, Genre};
use serde::Serialize;

use super::bands::{Band, Pair, Piece, again, pairs};
use super::listening::{Joins, Listening, joins, listening, same_bars, two_sample, two_sample_played};
use super::rules::Rules;
use super::tracks::{Comparison, TARGET, compare};
use crate::report::{row, table};

/// Pieces of a genre that are accompanied twice, with different latents.
const TWICE: usize = 4;

#[derive(Serialize)]
pub(crate) struct Genres {
    genres: Vec<GenreReport>,
    /// All genres together.
    listening: Vec<Listening>,
    /// 0.5: played and generated windows cannot be told apart; 1: always.
    two_sample_accuracy: Option<f64>,
    /// The same for the bands that played and those of training pieces.
    two_sample_accuracy_training: Option<f64>,
    within_target: usize,
    /// The same for the training pieces themselves.
    training_within_target: usize,
    comparisons: usize,
    /// Lines between bars that are generated together, and within them.
    joins: BarLines,
}

#[derive(Serialize)]
struct GenreReport {
    genre: Genre,
    pieces: usize,
    tracks: Vec<Comparison>,
    listening: Vec<Listening>,
    two_sample_accuracy: Option<f64>,
    /// The same for the bands that played and those of training pieces.
    two_sample_accuracy_training: Option<f64>,
    /// Share of bars that two bands made with different latents have in common.
    same_bars: f64,
}

#[derive(Serialize)]
struct BarLines {
    generated_between: Vec<Joins>,
    generated_within: Vec<Joins>,
    played_between: Vec<Joins>,
    played_within: Vec<Joins>,
}

/// Accompanies the melodies of all pieces as `accompany` does and measures the bands beside those that played, and
/// beside those of the training pieces.
pub(crate) fn measure(
    (generator, rules): (&Generator, &Rules),
    data: &GanDataset,
    training: Option<&GanDataset>,
    seed: u64,
) -> Result<Genres, Box<dyn Error>> {
    let generator = generator.prepare()?;
    let generator = (&generator, rules);
    let all = pairs(generator, data, seed)?;
    let training = training.map_or_else(Vec::new, |training| as_many(training, data));
    let mut genres = Vec::new();
    for genre in Genre::ALL {
        let indices: Vec<usize> = (0..all.len()).filter(|index| all[*index].piece.genre == genre).collect();
        if indices.is_empty() {
            continue;
        }
        let of: Vec<&Pair> = indices.iter().map(|index| &all[*index]).collect();
        let learnt: Vec<&Piece> = training.iter().filter(|piece| piece.genre == genre).collect();
        let twice = &indices[..indices.len().min(TWICE)];
        let others = again(generator, data, seed, twice)?;
        let first: Vec<&Band> = twice.iter().map(|index| &all[*index].generated).collect();
        genres.push(GenreReport {
            genre,
            pieces: of.len(),
            tracks: compare(&of, &learnt),
            listening: listening(&of),
            two_sample_accuracy: two_sample(&of),
            two_sample_accuracy_training: two_sample_played(&of, &learnt),
            same_bars: same_bars(&first, &others.iter().collect::<Vec<_>>()),
        });
    }
    let every: Vec<&Pair> = all.iter().collect();
    let tracks = || genres.iter().flat_map(|genre| &genre.tracks);
    let made: fn(&Pair) -> &Band = |p| &p.generated;
    let real: fn(&Pair) -> &Band = |p| &p.piece.played;
    Ok(Genres {
        listening: listening(&every),
        two_sample_accuracy: two_sample(&every),
        two_sample_accuracy_training: two_sample_played(&every, &training.iter().collect::<Vec<_>>()),
        within_target: tracks().filter(|comparison| comparison.met()).count(),
        training_within_target: tracks().filter(|comparison| comparison.training_met()).count(),
        comparisons: tracks().count(),
        joins: BarLines {
            generated_between: joins(&every, made, true),
            generated_within: joins(&every, made, false),
            played_between: joins(&every, real, true),
            played_within: joins(&every, real, false),
        },
        genres,
    })
}

/// Of each genre as many of the training pieces as there are of the others, evenly spaced: what they differ by is
/// what chance and the split make of as many bands of the same kind.
fn as_many(training: &GanDataset, others: &GanDataset) -> Vec<Piece> {
    let of = |data: &GanDataset, genre| data.pieces().iter().filter(|piece| piece.genre() == genre).count();
    let mut pieces = Vec::new();
    for genre in Genre::ALL {
        let (all, some) = (of(training, genre), of(others, genre).min(of(training, genre)));
        let with_index = training.pieces().iter().filter(|piece| piece.genre() == genre).enumerate();
        let taken = with_index.filter(|(index, _)| index * some % all.max(1) < some);
        pieces.extend(taken.map(|(_, piece)| Piece::new(piece)));
    }
    pieces
}

impl Genres {
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for genre in &self.genres {
            out += &format!("{}: {} pieces\n", genre.genre, genre.pieces);
            let heads =
                ["track", "measure", "played", "generated", "difference", "target", "overlap", "training"];
            let mut rows = vec![row(heads)];
            for c in &genre.tracks {
                let percent = |share: f64| format!("{:.0} %", 100.0 * share);
                let target = format!("{} {}", percent(TARGET), if c.met() { "met" } else { "missed" });
                rows.push(vec![
                    c.track.clone(),
                    c.measure.to_owned(),
                    format!("{:.3}", c.played),
                    format!("{:.3}", c.generated),
                    c.relative_difference.map_or("-".to_owned(), percent),
                    target,
                    format!("{:.2}", c.overlap),
                    c.training.map_or("-".to_owned(), |training| {
                        format!("{training:.3} {}", if c.training_met() { "met" } else { "missed" })
                    }),
                ]);
            }
            out += &table(&rows);
            out.push('\n');
        }
        let heads = [
            "",
            "listening",
            "by chroma",
            "chords alone",
            "told apart",
            "(training)",
            "same bars",
            "met",
            "(training)",
        ];
        let mut rows = vec![row(heads)];
        for genre in &self.genres {
            let count = |is: fn(&Comparison) -> bool| genre.tracks.iter().filter(|c| is(c)).count();
            let mut cells = vec![genre.genre.to_string()];
            cells.extend(summary(&genre.listening));
            cells.extend([genre.two_sample_accuracy, genre.two_sample_accuracy_training].map(number));
            let met = format!("{} of {}", count(Comparison::met), genre.tracks.len());
            cells.extend([
                format!("{:.3}", genre.same_bars),
                met,
                count(Comparison::training_met).to_string(),
            ]);
            rows.push(cells);
        }
        let mut cells = vec!["all".to_owned()];
        cells.extend(summary(&self.listening));
        cells.extend([self.two_sample_accuracy, self.two_sample_accuracy_training].map(number));
        let met = format!("{} of {}", self.within_target, self.comparisons);
        cells.extend(["".to_owned(), met, self.training_within_target.to_string()]);
        rows.push(cells);
        rows.push(row(["target", "0.80", "0.80", "", "0.50", "", "0.000", "all", ""]));
        out += &table(&rows);
        out += "\n";
        for l in &self.listening {
            for (who, a) in [("played", &l.played), ("generated", &l.generated)] {
                out += &format!(
                    "{}, {who}: {:.3} with their own melody, {:.3} with others', {:.3} two bars late\n",
                    l.measure, a.own, a.shuffled, a.late
                );
            }
        }
        out.push('\n');
        out + &self.joins.text()
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.2}"))
}

fn summary(listening: &[Listening]) -> [String; 3] {
    let share = |index: usize| listening.get(index).and_then(|l| l.share);
    let late = listening.first().and_then(|l| l.share_late);
    [share(0), share(1), late].map(number)
}

impl BarLines {
    fn text(&self) -> String {
        let mut rows = vec![row(["bar lines", "track", "breaks", "leap, semitones"])];
        for (name, joins) in [
            ("generated, between groups", &self.generated_between),
            ("generated, within groups", &self.generated_within),
            ("played, the same lines", &self.played_between),
            ("played, the others", &self.played_within),
        ] {
            for join in joins {
                let leap = join.leap.map_or("-".to_owned(), |leap| format!("{leap:.2}"));
                rows.push(vec![
                    name.to_owned(),
                    join.role.to_string(),
                    format!("{:.3}", join.break_rate),
                    leap,
                ]);
            }
        }
        table(&rows)
    }
}
