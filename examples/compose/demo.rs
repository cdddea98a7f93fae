//! Ode to Joy through every technique, and through Transformer → GAN.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use deepcompose::core::StepsPerBeat;
use deepcompose::prelude::*;

use crate::report::{self, Bar, Row};
use crate::stdout::say;

pub(crate) fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let composer = Composer::builder().seed(7).build()?;
    let melody = InputTrack::OdeToJoy.score();
    crate::write(&folder.join("input.mid"), &melody)?;

    let mut rows = Vec::new();
    let mut make = |name: &str, input: &Score, technique: Technique| -> Result<Score, Box<dyn Error>> {
        let begun = Instant::now();
        let mut bar = Bar::new();
        let made = composer.compose_with(input, &technique, &mut |p| bar.show(p))?;
        bar.clear();
        let path = folder.join(name);
        crate::write(&path, &made)?;
        rows.push(Row::new(&path, &made, begun.elapsed()));
        Ok(made.into_score())
    };
    let enhanced = make("enhanced.mid", &melody, Technique::ArCnn(ArCnnParams::default()))?;
    let extended = make("extended.mid", &melody, Technique::Transformer(TransformerParams::default()))?;
    let rock = Technique::Gan(GanParams::new(Genre::Rock));
    make("rock.mid", &melody, rock.clone())?;
    let band = make("extended-rock.mid", &extended, rock)?;

    report::print(&rows);
    for (title, score) in [("Ode to Joy", &melody), ("enhanced", &enhanced), ("extended, then rock", &band)] {
        say!("\n{title}");
        picture(score)?;
    }
    Ok(())
}

/// The first five bars of the melodic tracks as text.
fn picture(score: &Score) -> Result<(), Box<dyn Error>> {
    let metre = score.time_signatures().first().map(|s| s.value).unwrap_or_default();
    let roll = PianoRoll::from_score(score, StepsPerBeat::DEFAULT)?;
    let bars = 5 * 16;
    say!("{}", roll.slice(0..bars).to_text(bars + 16, metre));
    Ok(())
}
