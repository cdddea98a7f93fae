//! Editing a piano roll cell by cell: what an AR-CNN's logits are for.

mod budget;
mod error;
mod model;
mod params;
mod pass;
mod sampler;
mod sessions;
mod windows;

pub use error::EditError;
pub use model::{EditModel, EditSession};
pub use params::{EditParams, EditUnit, MaxAdd};
pub use sampler::{Edit, EditOutcome, EditProgress, EditSampler, MAX_WINDOW_STEPS};
