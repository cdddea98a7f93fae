//! [`GeneratorSession`]: a generator at work on a piece.

use std::ops::Range;
use std::sync::Arc;

use super::layers::write_planes;
use super::sizes::LEVELS;
use super::weights::expect;
use super::{GeneratorEngine, GeneratorSizes};
use crate::EngineError;
use crate::kernels::gan_map::{Lanes, MapShape, Maps};

/// Most windows of a session.
const MOST_WINDOWS: usize = 1024;
/// Most bytes that a session has for its windows. Those of the largest generators take 94 MB each.
const MOST_BYTES: u64 = 1 << 32;

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
    /// [`EngineError::OutOfRange`] for no windows, or more than 1024, or more than 2³² bytes are enough for.
    pub fn new(engine: Arc<GeneratorEngine>, most_windows: usize) -> Result<Self, EngineError> {
        let limit = windows_with_room(&engine);
        if !(1..=limit).contains(&most_windows) {
            return Err(EngineError::OutOfRange {
                field: "most_windows",
                value: most_windows.to_string(),
                accepted: format!("1..={limit}"),
            });
        }
        let sizes = engine.sizes;
        let maps = |shape| Maps::new(shape, most_windows);
        let Shapes { latent, embedded, squares, down, up } = Shapes::new(&sizes);
        let [given, head] = sums_a_window(&engine).map(|sums| vec![Lanes::ZERO; sums * most_windows]);
        let cells = sizes.tracks_len() * most_windows;
        Ok(Self {
            most_windows,
            windows: 0,
            melody: vec![0.0; sizes.melody_len() * most_windows],
            chords: vec![0.0; sizes.chords_len() * most_windows],
            latent: maps(latent),
            embedded: maps(embedded),
            planes: vec![0.0; sizes.embedded() * sizes.deepest_cells()],
            given,
            output_maps: vec![0.0; if sizes.output_map { cells } else { 0 }],
            output_map_of: vec![0; most_windows],
            squares: maps(squares),
            down: down.map(maps),
            up: up.map(maps),
            head,
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

/// The shapes of a session's maps.
struct Shapes {
    latent: MapShape,
    embedded: MapShape,
    squares: MapShape,
    down: [MapShape; LEVELS],
    up: [MapShape; LEVELS - 1],
}

impl Shapes {
    fn new(sizes: &GeneratorSizes) -> Self {
        let maps = |channels, level| MapShape::of_map(channels, sizes.map(level));
        let (encoder, decoder) = (sizes.encoder(), sizes.decoder());
        let [rows, columns] = sizes.map(1).map(|side| side + 1);
        Self {
            latent: maps(sizes.latent_channels, LEVELS),
            embedded: maps(sizes.embedded(), LEVELS),
            squares: MapShape { channels: 4 * sizes.rolls(), rows, pitch: columns, above: 0 },
            down: [0, 1, 2, 3].map(|level| maps(encoder[level][1], level + 1)),
            up: [0, 1, 2].map(|block| maps(decoder[block][1], LEVELS - 1 - block)),
        }
    }
}

/// For how many sums of a window there is room, what latents and attributes give and those of the last convolution.
fn sums_a_window(engine: &GeneratorEngine) -> [usize; 2] {
    let positions = |level: usize| engine.sizes.map(level).iter().product::<usize>();
    [engine.given.passes.len() * positions(LEVELS), engine.head.passes.len() * positions(1)]
}

/// Bytes that a session has for each of its windows.
fn bytes_a_window(engine: &GeneratorEngine) -> u64 {
    let sizes = &engine.sizes;
    let Shapes { latent, embedded, squares, down, up } = Shapes::new(sizes);
    let maps = [latent, embedded, squares].into_iter().chain(down).chain(up);
    let lanes = maps.map(|shape| shape.cells()).sum::<usize>() + sums_a_window(engine).iter().sum::<usize>();
    // Logits, their hyperbolic tangents, and what is added to them.
    let tracks = if sizes.output_map { 3 } else { 2 };
    let numbers = sizes.melody_len() + sizes.chords_len() + tracks * sizes.tracks_len();
    (lanes * size_of::<Lanes>() + numbers * size_of::<f32>() + size_of::<usize>()) as u64
}

/// How many windows a session may have.
fn windows_with_room(engine: &GeneratorEngine) -> usize {
    let windows = MOST_BYTES / bytes_a_window(engine);
    usize::try_from(windows).map_or(MOST_WINDOWS, |windows| windows.min(MOST_WINDOWS))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::{ConvWeights, GeneratorWeights, NormWeights};
    use super::*;

    fn engine(sizes: GeneratorSizes) -> GeneratorEngine {
        let conv = |[inputs, outputs]: [usize; 2]| ConvWeights {
            weight: vec![0.0; inputs * outputs * 16],
            bias: vec![0.0; outputs],
        };
        let norm = |[_, channels]: [usize; 2]| NormWeights {
            gamma: vec![1.0; channels],
            beta: vec![0.0; channels],
            mean: vec![0.0; channels],
            variance: vec![1.0; channels],
            epsilon: 1e-5,
        };
        let (encoder, decoder) = (sizes.encoder(), sizes.decoder());
        let map = if sizes.output_map { sizes.attributes * sizes.tracks_len() } else { 0 };
        let weights = GeneratorWeights {
            down: encoder.map(conv),
            down_norms: [1, 2, 3].map(|level| norm(encoder[level])),
            up: [0, 1, 2].map(|block| conv(decoder[block])),
            up_norms: [0, 1, 2].map(|block| norm(decoder[block])),
            head: conv(decoder[3]),
            attributes: vec![0.0; sizes.attributes * sizes.embedded() * sizes.deepest_cells()],
            output_map: vec![0.0; map],
        };
        GeneratorEngine::new(&sizes, &weights).unwrap()
    }

    const PLAIN: GeneratorSizes = GeneratorSizes {
        steps: 32,
        pitches: 16,
        tracks: 2,
        filters: 1,
        latent_channels: 1,
        attributes: 0,
        attribute_channels: 1,
        chords: false,
        previous: true,
        output_map: false,
    };

    /// The lengths of what a session has, in bytes, without the planes of one window's attributes.
    fn allocated(session: &GeneratorSession) -> u64 {
        let GeneratorSession { melody, chords, output_maps, logits, tracks, .. } = session;
        let numbers: usize =
            [melody, chords, output_maps, logits, tracks].iter().map(|list| list.len()).sum();
        let maps = [&session.latent, &session.embedded, &session.squares];
        let maps = maps.into_iter().chain(&session.down).chain(&session.up);
        let lanes =
            maps.map(|maps| maps.data.len()).sum::<usize>() + session.given.len() + session.head.len();
        (numbers * 4 + lanes * 64 + session.output_map_of.len() * size_of::<usize>()) as u64
    }

    // In cells of 16 channels: 2 × 3 of the latent, 17 × 9 squares of 3 rolls, the encoder's 16 × 10, 8 × 6, 4 × 4 and 2 × 3,
    // the decoder's but for the last of these, and the sums of 2 and of 128 positions. In numbers: 32 × 16 of the melody,
    // and twice of both tracks.
    #[test]
    fn the_memory_of_a_window_is_known_by_hand() {
        let cells = 6 + 153 + (160 + 48 + 16 + 6) + (160 + 48 + 16) + 2 + 128;
        let bytes = bytes_a_window(&engine(PLAIN));
        assert_eq!(bytes, cells * 64 + 5 * 512 * 4 + size_of::<usize>() as u64);
        assert_eq!(windows_with_room(&engine(PLAIN)), 1024);
    }

    #[test]
    fn all_that_is_allocated_is_counted() {
        let all = GeneratorSizes {
            pitches: 48,
            tracks: 5,
            filters: 6,
            latent_channels: 20,
            attributes: 3,
            attribute_channels: 18,
            chords: true,
            output_map: true,
            ..PLAIN
        };
        for sizes in [PLAIN, all] {
            let engine = Arc::new(engine(sizes));
            for windows in [1, 3] {
                let session = GeneratorSession::new(Arc::clone(&engine), windows).unwrap();
                assert_eq!(allocated(&session), windows as u64 * bytes_a_window(&engine));
            }
        }
    }

    #[test]
    fn long_windows_are_fewer() {
        let engine =
            engine(GeneratorSizes { steps: 512, pitches: 128, tracks: 16, previous: false, ..PLAIN });
        // 16.8 MB each.
        assert_eq!(windows_with_room(&engine), 255);
        match GeneratorSession::new(Arc::new(engine), 256) {
            Err(EngineError::OutOfRange { field: "most_windows", accepted, .. }) => {
                assert_eq!(accepted, "1..=255");
            }
            other => panic!("{:?}", other.err()),
        }
    }
}
