//! The AR-CNN at work: what `enhance` adds to the built-in tracks by default, and what it takes from them.

use std::collections::HashMap;
use std::error::Error;

use deepcompose::core::{Note, Score};
use deepcompose::models::ar_cnn::ArCnn;
use deepcompose::models::pretrained;
use deepcompose::models::weights::Model;
use deepcompose::prelude::{ArCnnParams, Composer, InputTrack};
use serde::Serialize;

use crate::arguments::Task;
use crate::report::{Outcome, Report, row, table};

/// Seeds, from the task's on.
const SEEDS: u64 = 3;
/// Lengths that are told apart, in sixteenths: of one, of two and three, and longer.
const LENGTHS: usize = 3;

/// Notes, counted over all tracks and seeds.
#[derive(Debug, Default, Serialize)]
struct Enhancement {
    /// Of the input.
    input: usize,
    /// Of these, how many are not there any more as they were.
    cut_or_lost: usize,
    /// What is left of them where they were cut, by length: of one sixteenth, of an eighth or so, of a quarter and longer.
    left: [usize; LENGTHS],
    /// What was added, by length.
    added: [usize; LENGTHS],
}

pub(crate) fn measure(task: &Task<'_>) -> Result<Outcome, Box<dyn Error>> {
    let (model, source) = crate::model::load::<ArCnn>(task, pretrained::AR_CNN)?;
    let config = model.config().clone();
    let composer = Composer::builder().ar_cnn(model).build()?;
    let mut found = Enhancement::default();
    for track in InputTrack::ALL {
        let input = track.score();
        for seed in task.seed..task.seed.saturating_add(SEEDS) {
            let made = composer.with_seed(seed).enhance(&input, &ArCnnParams::default())?;
            found.add(&input, &made.score);
        }
    }
    let Enhancement { input, cut_or_lost, left, added } = &found;
    let share = |counts: &[usize; LENGTHS]| {
        let all = counts.iter().sum::<usize>();
        let shares = counts.map(|count| format!("{:.2}", count as f64 / all.max(1) as f64));
        [&[all.to_string()][..], &shares].concat()
    };
    let line = |name: &str, counts| [vec![name.to_owned()], share(counts)].concat();
    let rows = [
        row(["notes", "all", "a sixteenth", "an eighth", "a quarter or longer"]),
        line("added", added),
        line("left of the input's", left),
    ];
    let pieces = InputTrack::ALL.len();
    let report = Report { split: "all", ..Report::new("ar-cnn", (&source, &config), task, pieces, &found) };
    let table = format!(
        "{}{}\n{cut_or_lost} of {input} notes of the input were cut or lost, over seeds {} to {}\n",
        report.heading(),
        table(&rows),
        task.seed,
        task.seed.saturating_add(SEEDS) - 1,
    );
    Ok(Outcome { table, json: report.json()?, pictures: Vec::new() })
}

impl Enhancement {
    fn add(&mut self, input: &Score, made: &Score) {
        let sixteenth = u32::from(input.ticks_per_quarter().get()) / 4;
        let notes =
            |score: &Score| score.tracks().iter().flat_map(|t| t.notes()).copied().collect::<Vec<_>>();
        let [before, after] = [notes(input), notes(made)];
        self.input += before.len();
        self.cut_or_lost += without(&before, &after).len();
        for note in without(&after, &before) {
            let was = |old: &Note| old.pitch == note.pitch && (old.start..old.end()).contains(&note.start);
            let counts = if before.iter().any(was) { &mut self.left } else { &mut self.added };
            let steps = (note.duration.get() + sixteenth / 2) / sixteenth.max(1);
            counts[match steps {
                0 | 1 => 0,
                2 | 3 => 1,
                _ => 2,
            }] += 1;
        }
    }
}

/// The notes that are not in a second list, whatever their velocities; each of those takes one away.
fn without(notes: &[Note], others: &[Note]) -> Vec<Note> {
    let place = |note: &Note| (note.start, note.duration, note.pitch);
    let mut left: HashMap<_, usize> = HashMap::new();
    others.iter().for_each(|note| *left.entry(place(note)).or_default() += 1);
    let is_new = |note: &&Note| match left.get_mut(&place(note)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    notes.iter().filter(is_new).copied().collect()
}
