//! The Music Studio: a page to compose in, and the server behind it.
//!
//! The page keeps the music; the server holds the models and the sound. Every request brings the score it is about as
//! JSON, which the library checks as it reads it, so nothing is kept between requests but who is composing.
//!
//! | module | what |
//! |---|---|
//! | [`command`] | the program's options |
//! | [`server`] | routes, state |
//! | [`page`] | the page's files, embedded |
//! | [`guard`] | `Host` and `Origin` checks, security headers |
//! | [`guide`] | techniques, parameters and presets with their help texts, as one table |
//! | [`compose`], [`queue`] | compositions as streams of events, one at a time for a client |
//! | [`input`], [`recording`] | MIDI import; notes played in the page, rhythm assist |
//! | [`audio`], [`sound`] | mixing and WAV; the renderer behind it |
//! | [`session`], [`measure`] | saved sessions; figures to compare two results |
//! | [`limits`], [`reply`] | what a request may ask for; refusals as JSON |

pub mod audio;
pub mod command;
pub mod compose;
pub mod guard;
pub mod guide;
pub mod input;
pub mod instruments;
pub mod limits;
pub mod measure;
pub mod page;
pub mod queue;
pub mod recording;
pub mod reply;
pub mod server;
pub mod session;
pub mod sound;
