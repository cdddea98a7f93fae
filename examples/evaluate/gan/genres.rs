//! Everything that is measured of bands as `accompany` makes them, genre by genre.

use std::error::Error;

use deepcompose::models::gan::{GanDataset, Generator, Genre};
use serde::Serialize;

use super::bands::{Band, Pair, again, pairs};
use super::listening::{Joins, Listening, joins, listening, same_bars, two_sample};
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
    within_target: usize,
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

/// Accompanies the melodies of all pieces as `accompany` does and measures the bands beside those that played.
pub(crate) fn measure(generator: &Generator, data: &GanDataset, seed: u64) -> Result<Genres, Box<dyn Error>> {
    let generator = generator.prepare()?;
    let all = pairs(&generator, data, seed)?;
    let mut genres = Vec::new();
    for genre in Genre::ALL {
        let indices: Vec<usize> = (0..all.len()).filter(|index| all[*index].genre == genre).collect();
        if indices.is_empty() {
            continue;
        }
        let of: Vec<&Pair> = indices.iter().map(|index| &all[*index]).collect();
        let twice = &indices[..indices.len().min(TWICE)];
        let others = again(&generator, data, seed, twice)?;
        let first: Vec<&Band> = twice.iter().map(|index| &all[*index].generated).collect();
        genres.push(GenreReport {
            genre,
            pieces: of.len(),
            tracks: compare(&of),
            listening: listening(&of),
            two_sample_accuracy: two_sample(&of),
            same_bars: same_bars(&first, &others.iter().collect::<Vec<_>>()),
        });
    }
    let every: Vec<&Pair> = all.iter().collect();
    let tracks = || genres.iter().flat_map(|genre| &genre.tracks);
    let made: fn(&Pair) -> &Band = |p| &p.generated;
    let real: fn(&Pair) -> &Band = |p| &p.played;
    Ok(Genres {
        listening: listening(&every),
        two_sample_accuracy: two_sample(&every),
        within_target: tracks().filter(|comparison| comparison.met()).count(),
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

impl Genres {
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for genre in &self.genres {
            out += &format!("{}: {} pieces\n", genre.genre, genre.pieces);
            let mut rows =
                vec![row(["track", "measure", "played", "generated", "difference", "target", "overlap"])];
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
                ]);
            }
            out += &table(&rows);
            out.push('\n');
        }
        let mut rows =
            vec![row(["", "listening", "by chroma", "chords alone", "told apart", "same bars", "met"])];
        for genre in &self.genres {
            let met = genre.tracks.iter().filter(|c| c.met()).count();
            let met = format!("{met} of {}", genre.tracks.len());
            let mut cells = vec![genre.genre.to_string()];
            cells.extend(summary(&genre.listening, genre.two_sample_accuracy));
            cells.extend([format!("{:.3}", genre.same_bars), met]);
            rows.push(cells);
        }
        let mut cells = vec!["all".to_owned()];
        cells.extend(summary(&self.listening, self.two_sample_accuracy));
        cells.extend(["".to_owned(), format!("{} of {}", self.within_target, self.comparisons)]);
        rows.push(cells);
        rows.push(row(["target", "0.80", "0.80", "", "0.50", "0.000", "all"]));
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

fn summary(listening: &[Listening], told_apart: Option<f64>) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
    let share = |index: usize| listening.get(index).and_then(|l| l.share);
    let late = listening.first().and_then(|l| l.share_late);
    vec![number(share(0)), number(share(1)), number(late), number(told_apart)]
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
