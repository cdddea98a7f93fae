//! Pictures as SVG, drawn with plotters: piano rolls, loss curves, bar charts, lines over logarithmic axes.
//!
//! A module that examples share: `#[path = "../support/plots.rs"] mod plots;`. No font need be installed to
//! draw; whoever shows the picture has one. Files appear whole or not at all.

// Each example uses a part.
#![allow(dead_code, unused_imports)]

mod axis;
mod bars;
mod canvas;
mod curves;
pub(crate) mod files;
mod lines;
mod roll;
pub(crate) mod run_log;

use std::error::Error;

pub(crate) use bars::{BarPanel, bar_chart};
pub(crate) use curves::loss_curves;
pub(crate) use lines::{Lines, log_lines};
pub(crate) use roll::piano_roll;

/// What drawing or writing a picture fails of.
pub(crate) type PlotResult = Result<(), Box<dyn Error>>;
