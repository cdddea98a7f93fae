//! Velocities for a band: how hard each note is played, from what the band plays.
//!
//! The [GAN](crate::gan) writes which notes sound, not how loud. A [`VelocityModel`] reads the rhythm of a band bar by
//! bar (all its parts together, so that an accent of the snare and one of the guitar know of each other) and gives
//! each note a velocity: a small network of three layers, the same for every genre and part, trained on bands
//! whose velocities are known by `fit`.
//!
//! ```
//! # #[cfg(feature = "pretrained")] {
//! use deepcompose_core::{Note, Pitch, Tick, TicksPerQuarter, Score, Velocity};
//! use deepcompose_models::gan::{Genre, StepGrid};
//! use deepcompose_models::{Device, pretrained};
//!
//! let model = pretrained::velocity(&Device::default())?.model();
//! // A bar of eighths on the closed hi-hat, with a bass drum on one and three, a snare drum on two and four.
//! let note = |step: u32, key: u8| -> Result<Note, deepcompose_core::ScoreError> {
//!     let (start, duration) = (Tick::new(120 * step)?, Tick::new(120)?);
//!     Ok(Note { start, duration, pitch: Pitch::new(key.into())?, velocity: Velocity::DEFAULT })
//! };
//! let mut parts: [Vec<Note>; 4] = Default::default();
//! for step in (0..16).step_by(2) {
//!     parts[0].push(note(step, 42)?);
//!     if step % 4 == 0 {
//!         parts[0].push(note(step, if step % 8 == 0 { 36 } else { 38 })?);
//!     }
//! }
//! let grid = StepGrid::of(&Score::new(TicksPerQuarter::DEFAULT), Tick::new(1920)?)?;
//! model.play(Genre::Pop, &grid, &mut parts, Velocity::new(80)?, 1.0);
//! // Both drums are struck harder than the hi-hat.
//! let [hat, kick, snare] = [42, 36, 38].map(|key| {
//!     parts[0].iter().find(|note| note.pitch.get() == key).map_or(0, |note| note.velocity.get())
//! });
//! assert!(hat < kick.min(snare));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `band` | a band's notes on the grid, and what of them a velocity is told by |
//! | `network` | [`VelocityNetwork`], its [`VelocityConfig`] and its weights |
//! | `model` | [`VelocityModel`]: the same without tensors, which plays |
//! | `data`, `fit` | `VelocityPiece`, `VelocityDataset`; `fit`, `VelocityTraining` (feature `train`) |
//! | `evaluate` | `evaluate`: against velocities that were played (feature `train`) |

mod band;
#[cfg(feature = "train")]
mod data;
#[cfg(feature = "train")]
mod evaluate;
#[cfg(feature = "train")]
mod fit;
mod model;
mod network;

#[cfg(feature = "train")]
pub use data::{VelocityDataset, VelocityPiece};
#[cfg(feature = "train")]
pub use evaluate::{GenreVelocities, PartVelocities, evaluate};
#[cfg(feature = "train")]
pub use fit::{VelocityTraining, fit};
pub use model::VelocityModel;
pub(crate) use model::dynamic;
pub use network::{VelocityConfig, VelocityNetwork};
