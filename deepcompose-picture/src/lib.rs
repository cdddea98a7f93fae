//! Pictures of scores: piano rolls as SVG, and with the feature `png` as PNG.
//!
//! ```
//! use deepcompose_core::InputTrack;
//! use deepcompose_picture::PianoRollPicture;
//!
//! let svg = PianoRollPicture::new(&InputTrack::OdeToJoy.score()).title("Ode to Joy").to_svg()?;
//! # Ok::<(), deepcompose_picture::PictureError>(())
//! ```
//!
//! | to | use |
//! |---|---|
//! | draw a score, or some of its bars | [`PianoRollPicture`] |
//! | see what a technique changed | [`PianoRollPicture::compared_with`], [`compare`] |
//! | draw for a dark page, or know the colours of tracks | [`Theme`] |
//! | have PNG (feature `png`) | `PianoRollPicture::to_png`, `png_of_svg` |
//!
//! The SVG is written by this crate, a few kinds of elements of plain text, so that without `png` it depends on no
//! library of graphics. Names from files are escaped. A picture has at most [`PianoRollPicture::MAX_BARS`] bars, and a
//! score in it at most [`PianoRollPicture::MAX_NOTES`] notes; a PNG at most 64 million pixels.

mod compare;
mod error;
mod layout;
mod names;
#[cfg(feature = "png")]
mod png;
mod roll;
mod svg;
mod theme;

pub use compare::{Comparison, compare};
pub use error::PictureError;
#[cfg(feature = "png")]
pub use png::png_of_svg;
pub use roll::PianoRollPicture;
pub use theme::Theme;
