//! Samplers for music models: the next token, or the next edit of a piano roll, drawn from plain
//! logits.
//!
//! Nothing here knows a neural network. A sampler is a checked, immutable value; logits and a
//! random number generator go in, a token or an edit comes out. Models are reached through
//! small traits, above all [`TokenModel`] and [`EditModel`], so any model can be brought, and every sampler
//! can be tested against a distribution that is known.
//!
//! # Tour
//!
//! | to | use |
//! |---|---|
//! | draw one token from logits | [`TokenSampler::sample`] |
//! | see the exact distribution drawn from | [`TokenSampler::distribution`] |
//! | continue a prompt with a model | [`generate_tokens`] |
//! | continue it several times at once | [`generate_several`] |
//! | hold performance tokens to their grammar, a duration, the longest rest and note | [`PerformanceConstraints`] |
//! | let them end on a note of a pitch class, at a time | [`EndingConstraints`] |
//! | prefer what recalls the music of some time before | [`Recall`] |
//! | hold REMI, TSD, MIDI-Like and Structured tokens to their grammar | [`GrammarConstraint`] |
//! | make rules of your own | [`Constraint`] |
//! | add and remove notes of a piano roll with a model | [`EditSampler::edit`] |
//! | let a model of edits keep what it computed | [`EditSession`] |
//!
//! ```
//! use deepcompose_samplers::{SamplingTechnique, TokenSampler};
//! use rand::SeedableRng;
//!
//! // Half of the tokens, a little less daring than the model; the last token is masked.
//! let sampler = TokenSampler::new(SamplingTechnique::TopK, 0.5, 0.9)?;
//! let logits = [2.0, -1.0, 0.5, 1.0, f32::NEG_INFINITY];
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
//! let token = sampler.sample(&logits, &mut rng)?;
//! assert!(token == 0 || token == 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Settings
//!
//! | setting | where | range | default |
//! |---|---|---|---|
//! | sampling technique | [`TokenSampler::new`] | [top-k, nucleus, random](SamplingTechnique) | |
//! | sampling threshold | [`TokenSampler::new`] | 0 < x ≤ 1 | |
//! | creative risk | [`TokenSampler::new`] | x > 0, finite | |
//! | duration | [`PerformanceLimits`] | 0 or more time units | |
//! | maximum rest | [`PerformanceLimits`] | 0 or more time units | no limit |
//! | maximum note length | [`PerformanceLimits`] | 1 or more time units | no limit |
//! | polyphony | [`PerformanceLimits`] | 1 or more notes | no limit |
//! | pitch range of new notes | [`PerformanceLimits`] | within 21..=108 | 21..=108 |
//! | bonus of what recalls the past | [`Recall::new`] | nats, finite | |
//! | maximum input notes to remove | [`EditParams`] | 0 ≤ x ≤ 1 of the input's cells | 0.7 |
//! | maximum notes to add | [`MaxAdd`] | a count a window, or x ≥ 0 of the input's cells | 90 |
//! | sampling iterations | [`EditParams`] | 0..=100 000 | 90 |
//! | creative risk of edits | [`EditParams`] | x > 0, finite | 0.8 |
//! | annealing of edits | [`EditParams`] | 0 < x ≤ 1 | 1 |
//! | unit of edits | [`EditUnit`] | a cell, or a run: margin ≥ 0 nats, longest ≥ 1 step, shortest 1..=longest | a cell |
//! | pitch range of edits | [`EditParams`] | within 0..=127 | 21..=108 |
//! | window alignment | [`EditParams`] | 1 or more steps | 16 |
//! | session memory | [`EditParams`] | bytes; one session at least | 512 MiB |
//!
//! [`EditParams`], [`MaxAdd`], [`EditUnit`], [`PerformanceLimits`] and [`FinalNote`] are plain data, which serde reads and
//! writes; what is read is checked where a sampler or a constraint is made of it, as everything else.
//!
//! # Rules hold by construction
//!
//! What a [`Constraint`] or a budget forbids is masked before the draw, so there is nothing to trim
//! afterwards. [`PerformanceConstraints`] shows why its rules never leave a model without a token
//! to choose and never let it run on without time passing.
//!
//! # Reproducibility
//!
//! Each token and each edit takes one `f64` from the rng and nothing else does, so the same seed
//! gives the same result with the same logits, on every machine: the exponential function is this
//! crate's own, made of operations that IEEE 754 defines to the last bit, and all sums have one
//! order. Tests pin drawn values: a change of them is a breaking change.
//!
//! # Speed
//!
//! Nothing is sorted. [`generate_tokens`], an edit and [`TokenSampler::sample_with`] keep the memory that
//! they draw in, and a draw allocates nothing once that has grown to what it asks for; what is generated,
//! constraints and models have memory of their own. The work is done in vector instructions that are
//! chosen at run time (AVX-512, AVX2, NEON); without fused multiply-adds in hardware it is slow, and the
//! same.
//!
//! # Input safety
//!
//! Logits come from models, so they are taken as they come:
//!
//! | logits | outcome |
//! |---|---|
//! | none | [`SampleError::Empty`] |
//! | NaN | [`SampleError::NotANumber`], with the index |
//! | +∞ | [`SampleError::PositiveInfinity`], with the index |
//! | −∞ | masked: that candidate is never drawn |
//! | all −∞ | [`SampleError::AllMasked`]; an edit pass does nothing instead |
//! | any finite numbers, however large | a draw; the softmax cannot overflow |
//! | the wrong number or shape | [`GenerateError::LogitCount`], [`GenerateError::BatchLogitCount`], [`EditError::LogitShape`] |
//!
//! A constraint masks whatever a token's logit is, so of what it forbids NaN and +∞ are not seen. An
//! [`EditSampler`] looks at all cells of a window, those that may not be edited included.
//!
//! Nothing public panics. Settings are checked once, when a sampler is built, and a
//! [`SamplerError`] names the setting and its range. Token sequences given to a constraint may hold
//! any ids. A model's window is at most [`MAX_WINDOW_STEPS`] long; memory grows with the roll, the
//! window, the iterations and the token budget, all of which the caller sets. The crate has no
//! unsafe code.

mod constraint;
mod edit;
mod ending;
mod error;
mod generate;
mod grammar;
mod performance;
mod recall;
mod rounding;
mod several;
mod softmax;
mod technique;
mod token;
mod token_model;

pub use constraint::{Constraint, Unconstrained};
pub use edit::{
    Edit, EditError, EditModel, EditOutcome, EditParams, EditProgress, EditSampler, EditSession, EditUnit,
    MAX_WINDOW_STEPS, MaxAdd,
};
pub use ending::{EndingConstraints, FinalNote};
pub use error::{SampleError, SamplerError};
pub use generate::{GenerateError, Generated, Progress, StopReason, generate_tokens};
pub use grammar::GrammarConstraint;
pub use performance::{PerformanceConstraints, PerformanceLimits};
pub use recall::{HeardNote, Recall, RecallSpan};
pub use several::{ForkModel, TokenBatch, generate_several};
pub use technique::SamplingTechnique;
pub use token::{SampleScratch, TokenSampler};
pub use token_model::{TokenId, TokenModel};
