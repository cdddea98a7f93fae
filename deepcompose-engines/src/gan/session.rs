//! [`GeneratorSession`]: a generator at work on a piece.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::fold::square;
use super::sizes::LEVELS;
use super::weights::expect;
use super::{GeneratorEngine, GeneratorSizes};
use crate::EngineError;
use crate::kernels::gan_conv::{Extent, Finish, Start};
use crate::kernels::gan_map::{LANES, Lanes, MapShape, Maps};
use crate::kernels::gan_tanh::tanh;

/// Slope of the leaky ReLU below zero.
const SLOPE: f32 = 0.2;
/// Most windows of a session.
const MOST_WINDOWS: usize = 1024;

/// What windows are generated under, but for the tracks before them.
///
/// All lists have one entry a window, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct GeneratorInput<'a> {
    /// `[windows, steps, pitches]`, +1 where a note sounds and −1 elsewhere.
    pub melody: &'a [f32],
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
/// session.prepare(&GeneratorInput { melody: &silence, latent: &[0.5; 4], attributes: &[] })?;
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
    engine: Arc<GeneratorEngine>,
    most_windows: usize,
    /// Windows that are prepared.
    windows: usize,
    melody: Vec<f32>,
    latent: Maps,
    embedded: Maps,
    /// What latents and attributes give to the sums of `up[0]`.
    given: Vec<Lanes>,
    /// Output maps, each for one or more windows, and which of them a window's is.
    output_maps: Vec<f32>,
    output_map_of: Vec<usize>,
    /// The rolls in squares of 2 × 2 cells.
    squares: Maps,
    /// Activations of the encoder and of the decoder.
    down: [Maps; LEVELS],
    up: [Maps; LEVELS - 1],
    /// Sums of the last convolution.
    head: Vec<Lanes>,
    logits: Vec<f32>,
    tracks: Vec<f32>,
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
            latent: maps(sizes.latent_channels, LEVELS),
            embedded: maps(sizes.embedded(), LEVELS),
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
        expect(|| "latent".to_owned(), input.latent.len(), windows * sizes.latent_len())?;
        expect(|| "attributes".to_owned(), input.attributes.len(), windows * sizes.attributes)?;
        self.windows = windows;
        self.melody[..input.melody.len()].copy_from_slice(input.melody);
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

    /// The planes that attributes are embedded in, and the maps that they choose, once for equal ones in a row.
    fn prepare_attributes(&mut self, attributes: &[f32]) {
        let Self { engine, windows, embedded, output_maps, output_map_of, .. } = self;
        let (sizes, windows) = (engine.sizes, *windows);
        let mut planes = vec![0.0; sizes.embedded() * sizes.deepest_cells()];
        let mut maps = 0;
        for (window, now) in attributes.chunks_exact(sizes.attributes).enumerate() {
            let changed =
                window == 0 || attributes[(window - 1) * sizes.attributes..][..sizes.attributes] != *now;
            if changed {
                linear(now, &engine.attributes, &mut planes);
                if sizes.output_map {
                    linear(
                        now,
                        &engine.output_map,
                        &mut output_maps[maps * sizes.tracks_len()..][..sizes.tracks_len()],
                    );
                    maps += 1;
                }
            }
            output_map_of[window] = maps.saturating_sub(1);
            write_planes(embedded, [window, windows], sizes.map(LEVELS), &planes);
        }
    }

    /// What latents and attributes give to the first sums of the decoder.
    fn prepare_sums(&mut self) {
        let (engine, windows) = (&self.engine, self.windows);
        let [rows, columns] = engine.sizes.map(LEVELS);
        let inputs = [self.latent.view(windows), self.embedded.view(windows)];
        let inputs = if engine.sizes.attributes > 0 { &inputs[..] } else { &inputs[..1] };
        engine.given.sums(engine.instructions, inputs, Extent { windows, rows, columns }, &mut self.given);
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

    /// Lays the rolls out as squares of 2 × 2 cells. The first square has the first cell in its last corner.
    fn write_squares(&mut self, range: Range<usize>, previous: &[f32]) {
        let GeneratorSizes { steps, pitches, .. } = self.engine.sizes;
        let (rolls, windows) = (self.engine.sizes.rolls(), range.len());
        let melody = &self.melody;
        let [rows, columns] = [steps / 2 + 1, pitches / 2 + 1];
        let lines = (4 * rolls).div_ceil(LANES) * windows * rows;
        let squares = &mut self.squares.data[..lines * columns];
        squares.par_chunks_exact_mut(columns).with_min_len(32).enumerate().for_each(|(line, squares)| {
            let (block, window, row) = (line / rows / windows, line / rows % windows, line % rows);
            for channel in block * LANES..(4 * rolls).min((block + 1) * LANES) {
                let (roll, [below, beside]) = square(channel, rolls);
                let lane = channel % LANES;
                let step = (2 * row + below).checked_sub(1).filter(|step| *step < steps);
                let Some(step) = step else {
                    squares.iter_mut().for_each(|square| square.0[lane] = 0.0);
                    continue;
                };
                let cells = match roll.checked_sub(1) {
                    None => &melody[((range.start + window) * steps + step) * pitches..][..pitches],
                    Some(track) => {
                        &previous[((window * (rolls - 1) + track) * steps + step) * pitches..][..pitches]
                    }
                };
                // Every other cell; the zero before the first, or after the last, is in a square of its own.
                let (edge, inner) = match beside {
                    0 => (0, 1..columns),
                    _ => (columns - 1, 0..columns - 1),
                };
                squares[edge].0[lane] = 0.0;
                for (square, cell) in squares[inner].iter_mut().zip(cells[1 - beside..].iter().step_by(2)) {
                    square.0[lane] = *cell;
                }
            }
        });
    }

    fn encode(&mut self, windows: usize) {
        let Self { engine, squares, down, .. } = self;
        for level in 0..LEVELS {
            let [rows, columns] = engine.sizes.map(level + 1);
            let (before, now) = down.split_at_mut(level);
            let (input, finish) = match before.last() {
                None => (squares.view(windows), Finish::Leaky(SLOPE)),
                Some(maps) => (maps.view(windows), Finish::LeakyAffine(SLOPE, &engine.down_norms[level - 1])),
            };
            engine.down[level].maps(
                engine.instructions,
                &[input],
                Extent { windows, rows, columns },
                Start::Bias,
                finish,
                &mut now[0].data,
            );
        }
    }

    fn decode(&mut self, range: Range<usize>) {
        let Self { engine, down, up, given, head, .. } = self;
        let (windows, instructions) = (range.len(), engine.instructions);
        let extent = |level: usize| {
            let [rows, columns] = engine.sizes.map(level);
            Extent { windows, rows, columns }
        };
        for block in 0..LEVELS - 1 {
            let level = LEVELS - block;
            let (before, now) = up.split_at_mut(block);
            let skip = down[level - 1].view(windows);
            let out = &mut now[0].data;
            let (block, extent) = (&engine.up[block], extent(level));
            match before.last() {
                None => {
                    let start = Start::Sums { sums: given, first: range.start, windows: self.windows };
                    block.maps(instructions, &[skip], extent, start, Finish::Relu, out);
                }
                Some(maps) => {
                    let inputs = [maps.view(windows), skip];
                    block.maps(instructions, &inputs, extent, Start::Bias, Finish::Relu, out);
                }
            }
        }
        let inputs = [up[LEVELS - 2].view(windows), down[0].view(windows)];
        engine.head.sums(instructions, &inputs, extent(1), head);
    }

    /// Puts the last sums in their places, adds the output map, and takes the hyperbolic tangents.
    fn write_output(&mut self, range: Range<usize>) {
        let Self { engine, head, logits, tracks, output_maps, output_map_of, .. } = self;
        let (sizes, windows) = (engine.sizes, range.len());
        let [rows, columns] = sizes.map(1);
        let plane = sizes.melody_len();
        let cells = windows * sizes.tracks_len();
        let (logits, tracks) = (&mut logits[..cells], &mut tracks[..cells]);
        let planes = logits.par_chunks_exact_mut(plane).zip(tracks.par_chunks_exact_mut(plane));
        planes.enumerate().for_each(|(index, (logits, tracks))| {
            let (window, track) = (index / sizes.tracks, index % sizes.tracks);
            for phase in 0..4 {
                let (pass, lane) = engine.head.locate(track, phase);
                let sums = &head[(pass * windows + window) * rows * columns..][..rows * columns];
                for (sums, lines) in
                    sums.chunks_exact(columns).zip(logits.chunks_exact_mut(2 * sizes.pitches))
                {
                    let cells = &mut lines[phase / 2 * sizes.pitches..][..sizes.pitches];
                    for (cells, sum) in cells.chunks_exact_mut(2).zip(sums) {
                        cells[phase % 2] = sum.0[lane];
                    }
                }
            }
            if sizes.output_map {
                let map = &output_maps[output_map_of[range.start + window] * sizes.tracks_len()..];
                for (logit, more) in logits.iter_mut().zip(&map[track * plane..][..plane]) {
                    *logit += more;
                }
            }
            tanh(engine.instructions, logits, tracks);
        });
    }
}

/// `to` = `vector` · `matrix`, one row of the matrix for each number of the vector.
fn linear(vector: &[f32], matrix: &[f32], to: &mut [f32]) {
    to.fill(0.0);
    for (x, row) in vector.iter().zip(matrix.chunks_exact(to.len())) {
        if *x != 0.0 {
            for (sum, weight) in to.iter_mut().zip(row) {
                *sum = x.mul_add(*weight, *sum);
            }
        }
    }
}

/// Writes a window's planes, `[channels, rows, columns]`, into maps.
fn write_planes(maps: &mut Maps, [window, windows]: [usize; 2], [rows, columns]: [usize; 2], planes: &[f32]) {
    for (channel, plane) in planes.chunks_exact(rows * columns).enumerate() {
        let place = maps.place(channel / LANES, window, windows);
        let lines = maps.data[place].chunks_exact_mut(columns + 2);
        for (line, cells) in lines.zip(plane.chunks_exact(columns)) {
            for (lanes, cell) in line[1..].iter_mut().zip(cells) {
                lanes.0[channel % LANES] = *cell;
            }
        }
    }
}
