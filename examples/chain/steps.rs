//! A file of techniques.

use std::path::Path;

use deepcompose::Technique;

/// Techniques that a file may have.
const MOST: usize = 32;

/// Reads a JSON list of techniques.
pub(crate) fn read(path: &Path) -> Result<Vec<Technique>, String> {
    let about = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| about(&e))?;
    let steps: Vec<Technique> = serde_json::from_str(&text).map_err(|e| about(&e))?;
    match steps.len() {
        1..=MOST => Ok(steps),
        count => Err(about(&format!("{count} steps: 1 to {MOST} are accepted"))),
    }
}

/// What a step does.
#[allow(dead_code)] // Tests read files only.
pub(crate) fn name(step: &Technique) -> &'static str {
    match step {
        Technique::ArCnn(_) => "enhance (AR-CNN)",
        Technique::Gan(_) => "accompany (GAN)",
        Technique::Transformer(_) => "extend (Transformer)",
    }
}
