//! [`GeneratorSession`]: a generator at work on a piece.

use std::ops::Range;
use std::sync::Arc;

use super::GeneratorEngine;
use super::layers::write_planes;
use super::sizes::LEVELS;
use super::weights::expect;
use crate::EngineError;
use crate::kernels::gan_map::{Lanes, MapShape, Maps};

/// Most windows of a session.
const MOST_WINDOWS: usize = 1024;

/// What windows are generated under, but for the tracks before them.
///
/// All lists have one entry a window, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct GeneratorInput<'a> {
    /// `[windows, steps, pitches]`, +1 where a note sounds and −1 elsewhere.
    pub melody: &'a [f32],
    /// `[windows, 2, steps, pitches]`, +1 where a root, then where a note of the chord lies, and −1 elsewhere;
    /// empty for a generator that is not told of chords.
    pub chords: &'a [f32],
    /// `[windows, latent channels, steps / 16, pitches / 16]`.
    pub latent: &'a [f32],
    /// `[windows, attributes]`; empty for a generator that takes none.
    pub attributes: &'a [f32],
}

/// What was generated for some windows.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct GeneratorOutput<'a> {
    /// `[windows, tracks, steps, pitches]`: a cell sounds with probability sigmoid(2 · logit).
    pub logits: &'a [f32],
    /// The hyperbolic tangents of the logits.
    pub tracks: &'a [f32],
}

/// Runs a [`GeneratorEngine`] on the windows of a piece, with memory of its own that is allocated once.
///
/// [`prepare`](Self::prepare) takes what is known of the windows beforehand and computes, for all of them at once, what
/// depends on nothing else; [`forward`](Self::forward) generates some of them, as one batch. Windows that do not know
/// those before them are best generated together, since weights are then read once for all; so are the same windows of
/// several variations of a piece.
///
/// A window's numbers are the same to the bit whatever windows it is generated with, whatever the instructions and the
/// number of threads, which are those of the rayon pool that the call is made in.
///
/// ```
/// use std::sync::Arc;
///
/// use deepcompose_engines::gan::{
///     ConvWeights, GeneratorEngine, GeneratorInput, GeneratorSession, GeneratorSizes, GeneratorWeights, NormWeights,
/// };
///
/// let sizes = GeneratorSizes {
///     steps: 32,
///     pitches: 16,
///     tracks: 2,
///     filters: 1,
///     latent_channels: 1,
///     attributes: 0,
///     attribute_channels: 1,
///     chords: false,
///     previous: true,
///     output_map: false,
/// };
/// let conv = |inputs: usize, outputs: usize| ConvWeights {
///     weight: vec![0.1; inputs * outputs * 16],
///     bias: vec![0.0; outputs],
/// };
/// let norm = |channels: usize| NormWeights {
///     gamma: vec![1.0; channels],
///     beta: vec![0.0; channels],
///     mean: vec![0.0; channels],
///     variance: vec![1.0; channels],
///     epsilon: 1e-5,
/// };
/// let weights = GeneratorWeights {
///     down: [conv(3, 1), conv(1, 2), conv(2, 4), conv(4, 8)],
///     down_norms: [norm(2), norm(4), norm(8)],
///     up: [conv(9, 4), conv(8, 2), conv(4, 1)],
///     up_norms: [norm(4), norm(2), norm(1)],
///     head: conv(2, 2),
///     attributes: Vec::new(),
///     output_map: Vec::new(),
/// };
/// let engine = Arc::new(GeneratorEngine::new(&sizes, &weights)?);
///
/// // Two windows, the second knowing what the first became.
/// let mut session = GeneratorSession::new(engine, 2)?;
/// let silence = vec![-1.0; 2 * sizes.melody_len()];
/// session.prepare(&GeneratorInput { melody: &silence, chords: &[], latent: &[0.5; 4], attributes: &[] })?;
/// let mut previous = vec![-1.0; sizes.tracks_len()];
/// for window in 0..2 {
///     let output = session.forward(window..window + 1, &previous)?;
///     for (cell, value) in previous.iter_mut().zip(output.tracks) {
///         *cell = if *value >= 0.0 { 1.0 } else { -1.0 };
///     }
/// }
/// # Ok::<(), deepcompose_engines::EngineError>(())
/// ```
#[derive(Debug)]
pub struct GeneratorSession {
    pub(super) engine: Arc<GeneratorEngine>,
    most_windows: usize,
    /// Windows that are prepared.
    pub(super) windows: usize,
    pub(super) melody: Vec<f32>,
    pub(super) chords: Vec<f32>,
    pub(super) latent: Maps,
    pub(super) embedded: Maps,
    /// The planes of one window's attributes.
    pub(super) planes: Vec<f32>,
    /// What latents and attributes give to the sums of `up[0]`.
    pub(super) given: Vec<Lanes>,
    /// Output maps, each for one or more windows, and which of them a window's is.
    pub(super) output_maps: Vec<f32>,
    pub(super) output_map_of: Vec<usize>,
    /// The rolls in squares of 2 × 2 cells.
    pub(super) squares: Maps,
    /// Activations of the encoder and of the decoder.
    pub(super) down: [Maps; LEVELS],
    pub(super) up: [Maps; LEVELS - 1],
    /// Sums of the last convolution.
    pub(super) head: Vec<Lanes>,
    pub(super) logits: Vec<f32>,
    pub(super) tracks: Vec<f32>,
}

impl GeneratorSession {
    /// A session for up to `most_windows` windows at a time.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for no windows, or more than 1024.
    pub fn new(engine: Arc<GeneratorEngine>, most_windows: usize) -> Result<Self, EngineError> {
        if !(1..=MOST_WINDOWS).contains(&most_windows) {
            return Err(EngineError::OutOfRange {
                field: "most_windows",
                value: most_windows.to_string(),
                accepted: format!("1..={MOST_WINDOWS}"),
            });
        }
        let sizes = engine.sizes;
        let maps = |channels, level| Maps::new(channels, sizes.map(level), most_windows);
        let (encoder, decoder) = (sizes.encoder(), sizes.decoder());
        let positions = |level: usize| sizes.map(level).iter().product::<usize>() * most_windows;
        let [rows, columns] = sizes.map(1).map(|side| side + 1);
        let squares = MapShape { channels: 4 * sizes.rolls(), rows, pitch: columns, above: 0 };
        let cells = sizes.tracks_len() * most_windows;
        Ok(Self {
            most_windows,
            windows: 0,
            melody: vec![0.0; sizes.melody_len() * most_windows],
            chords: vec![0.0; sizes.chords_len() * most_windows],
            latent: maps(sizes.latent_channels, LEVELS),
            embedded: maps(sizes.embedded(), LEVELS),
            planes: vec![0.0; sizes.embedded() * sizes.deepest_cells()],
            given: vec![Lanes::ZERO; engine.given.passes.len() * positions(LEVELS)],
            output_maps: vec![0.0; if sizes.output_map { cells } else { 0 }],
            output_map_of: vec![0; most_windows],
            squares: Maps::with_shape(squares, most_windows),
            down: [0, 1, 2, 3].map(|level| maps(encoder[level][1], level + 1)),
            up: [0, 1, 2].map(|block| maps(decoder[block][1], LEVELS - 1 - block)),
            head: vec![Lanes::ZERO; engine.head.passes.len() * positions(1)],
            logits: vec![0.0; cells],
            tracks: vec![0.0; cells],
            engine,
        })
    }

    /// The engine that the session runs.
    #[must_use]
    pub const fn engine(&self) -> &Arc<GeneratorEngine> {
        &self.engine
    }

    /// Windows that are prepared, and may be generated.
    #[must_use]
    pub const fn windows(&self) -> usize {
        self.windows
    }

    /// Takes what windows are generated under, instead of what was prepared before.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for no windows, or more than the session is for, as the melody's length says;
    /// [`EngineError::Length`] for a list that has not one entry a window. What was prepared before stays then.
    pub fn prepare(&mut self, input: &GeneratorInput<'_>) -> Result<(), EngineError> {
        let sizes = self.engine.sizes;
        let windows = input.melody.len() / sizes.melody_len();
        expect(|| "melody".to_owned(), input.melody.len(), windows * sizes.melody_len())?;
        if !(1..=self.most_windows).contains(&windows) {
            return Err(EngineError::OutOfRange {
                field: "windows",
                value: windows.to_string(),
                accepted: format!("1..={}", self.most_windows),
            });
        }
        expect(|| "chords".to_owned(), input.chords.len(), windows * sizes.chords_len())?;
        expect(|| "latent".to_owned(), input.latent.len(), windows * sizes.latent_len())?;
        expect(|| "attributes".to_owned(), input.attributes.len(), windows * sizes.attributes)?;
        self.windows = windows;
        self.melody[..input.melody.len()].copy_from_slice(input.melody);
        self.chords[..input.chords.len()].copy_from_slice(input.chords);
        for window in 0..windows {
            let latent = &input.latent[window * sizes.latent_len()..][..sizes.latent_len()];
            write_planes(&mut self.latent, [window, windows], sizes.map(LEVELS), latent);
        }
        if sizes.attributes > 0 {
            self.prepare_attributes(input.attributes);
        }
        rayon::scope(|_| self.prepare_sums());
        Ok(())
    }

    /// Generates some of the windows that are prepared.
    ///
    /// `previous` are the tracks of the window before each, `[windows, tracks, steps, pitches]` of +1 where a note sounds
    /// and −1 elsewhere; empty for a generator that does not see them.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for windows that are not prepared, or none; [`EngineError::Length`] for previous tracks
    /// of another length.
    pub fn forward(
        &mut self,
        windows: Range<usize>,
        previous: &[f32],
    ) -> Result<GeneratorOutput<'_>, EngineError> {
        let sizes = self.engine.sizes;
        if windows.is_empty() || windows.end > self.windows {
            return Err(EngineError::OutOfRange {
                field: "windows",
                value: format!("{windows:?}"),
                accepted: format!("a range within 0..{}, not empty,", self.windows),
            });
        }
        let expected = if sizes.previous { windows.len() * sizes.tracks_len() } else { 0 };
        expect(|| "previous tracks".to_owned(), previous.len(), expected)?;
        // All of it on a thread of the pool, so that the layers need not be handed over one by one.
        rayon::scope(|_| {
            self.write_squares(windows.clone(), previous);
            self.encode(windows.len());
            self.decode(windows.clone());
            self.write_output(windows.clone());
        });
        let cells = windows.len() * sizes.tracks_len();
        Ok(GeneratorOutput { logits: &self.logits[..cells], tracks: &self.tracks[..cells] })
    }
}
