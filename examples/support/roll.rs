//! [`piano_roll`]: a score as a picture.

use std::path::Path;

use deepcompose::core::Score;
use deepcompose_picture::PianoRollPicture;

use super::PlotResult;

/// Draws a score under a title; see [`PianoRollPicture`].
pub(crate) fn piano_roll(path: &Path, score: &Score, title: &str) -> PlotResult {
    Ok(PianoRollPicture::new(score).title(title).write_svg(path)?)
}
