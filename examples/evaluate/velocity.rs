//! The velocity network: velocities of held-out bands beside those that were played.

use std::error::Error;

use deepcompose::models::gan::TrackRole;
use deepcompose::models::pretrained;
use deepcompose::models::velocity::{VelocityNetwork, evaluate};
use deepcompose::models::weights::Model;

use crate::arguments::Task;
use crate::report::{Outcome, Report, row, table};

pub(crate) fn measure(task: &Task<'_>) -> Result<Outcome, Box<dyn Error>> {
    let (network, source) = crate::model::load::<VelocityNetwork>(task, pretrained::VELOCITY)?;
    let data = crate::input::velocities(task)?;
    let found = evaluate(&network.model(), &data);
    let mut rows = vec![row(["", "notes", "played", "deviation", "error", "explained", "accents"])];
    let (mut explained, mut accents) = (Vec::new(), Vec::new());
    for genre in &found {
        for (role, part) in TrackRole::ALL.into_iter().zip(&genre.parts) {
            let Some(part) = part else { continue };
            explained.push(part.explained);
            accents.push(part.accents);
            rows.push(vec![
                format!("{} {role}", genre.genre),
                part.notes.to_string(),
                format!("{:.1}", part.mean),
                format!("{:.1}", part.deviation),
                format!("{:.1}", part.error),
                format!("{:.2}", part.explained),
                format!("{:.2}", part.accents),
            ]);
        }
    }
    let mean = |of: &[f64]| format!("{:.2}", of.iter().sum::<f64>() / of.len().max(1) as f64);
    rows.push(row(["mean", "", "", "", "", &mean(&explained), &mean(&accents)]));
    let report =
        Report::new("velocity", (&source, Model::config(&network)), task, data.pieces().len(), &found);
    let mut text = report.heading();
    text += &table(&rows);
    text += "played: mean of the velocities that were played, and their deviation; error: root of the mean squared difference;\n\
        explained: share of their variance that the network explains; accents: the same within each piece.\n";
    Ok(Outcome { table: text, json: report.json()?, pictures: Vec::new() })
}
