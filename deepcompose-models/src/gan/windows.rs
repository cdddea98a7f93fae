//! [`WindowGenerator`]: what accompaniment needs of a generator, and how burn's network gives it.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::{ChordModel, GanCondition, GanConfig, GanError, Generator, Styles};

/// A generator that [`accompany`](super::accompany) can run: burn's [`Generator`], on any device, or a
/// [`PreparedGenerator`](super::PreparedGenerator), on the CPU.
pub trait WindowGenerator {
    /// The sizes of the network.
    fn config(&self) -> &GanConfig;

    /// What chooses the chords of the windows, for a generator that is told of chords; none unless this is overridden.
    fn chord_model(&self) -> Option<ChordModel> {
        None
    }

    /// The styles that a piece is played in, for a generator that has any; none unless this is overridden.
    fn styles(&self) -> Option<Styles> {
        None
    }

    /// Begins a piece that is generated up to `most_windows` windows at a time.
    ///
    /// # Errors
    ///
    /// [`GanError::OutOfRange`] for a number of windows that the generator cannot have.
    fn session(&self, most_windows: usize) -> Result<Box<dyn WindowSession + '_>, GanError>;
}

/// A generator at work on the windows of a piece.
pub trait WindowSession {
    /// Takes what windows are generated under, instead of what was prepared before.
    ///
    /// # Errors
    ///
    /// [`GanError::Shape`] for a list of another length than the windows ask for, and [`GanError::Device`].
    fn prepare(&mut self, input: WindowInput) -> Result<(), GanError>;

    /// Generates some of the windows that are prepared, as one batch. `previous` are the tracks of the window before
    /// each, `[windows, rolls, steps, pitches]` in {−1, +1}; empty for a generator that does not see them.
    ///
    /// # Errors
    ///
    /// [`GanError::Shape`] for windows that are not prepared or previous tracks of another length, and
    /// [`GanError::Device`].
    fn forward(&mut self, windows: Range<usize>, previous: &[f32]) -> Result<WindowOutput<'_>, GanError>;
}

/// What windows are generated under, but for the tracks before them; one entry a window in each list.
#[derive(Debug, Clone, Default)]
pub struct WindowInput {
    /// `[windows, steps, pitches]` in {−1, +1}.
    pub melody: Vec<f32>,
    /// `[windows, 2, steps, pitches]` in {−1, +1}: the roots of the chords, then all their notes; empty for a
    /// generator that is not told of chords.
    pub chords: Vec<f32>,
    /// `[windows, latent channels, steps / 16, pitches / 16]`.
    pub latent: Vec<f32>,
    /// `[windows, attributes]`; empty for a generator that takes none.
    pub attributes: Vec<f32>,
}

/// What was generated.
#[derive(Debug, Clone, Copy)]
pub struct WindowOutput<'a> {
    /// `[windows, rolls, steps, pitches]`: a cell sounds with probability sigmoid(2 · logit).
    pub logits: &'a [f32],
    /// The hyperbolic tangents of the logits.
    pub tracks: &'a [f32],
}

impl WindowGenerator for Generator {
    fn config(&self) -> &GanConfig {
        Self::config(self)
    }

    fn chord_model(&self) -> Option<ChordModel> {
        Self::chord_model(self)
    }

    fn styles(&self) -> Option<Styles> {
        Self::styles(self)
    }

    fn session(&self, most_windows: usize) -> Result<Box<dyn WindowSession + '_>, GanError> {
        if most_windows == 0 {
            return Err(GanError::OutOfRange { field: "most_windows", value: 0.0, accepted: "1 or more" });
        }
        let generator = self.valid();
        let device = generator.devices().first().cloned().unwrap_or_default();
        let (logits, tracks) = (Vec::new(), Vec::new());
        Ok(Box::new(NetworkSession { generator, device, input: WindowInput::default(), logits, tracks }))
    }
}

/// burn's network at work.
struct NetworkSession {
    generator: Generator,
    device: Device,
    input: WindowInput,
    logits: Vec<f32>,
    tracks: Vec<f32>,
}

impl NetworkSession {
    fn windows(&self) -> usize {
        let [_, steps, pitches] = self.generator.config().window_shape();
        self.input.melody.len() / (steps * pitches)
    }
}

/// The entries of some windows in a list that must have `each` numbers for each of `windows`.
fn entries<'a>(
    what: &'static str,
    list: &'a [f32],
    windows: usize,
    each: usize,
    range: &Range<usize>,
) -> Result<&'a [f32], GanError> {
    let part =
        (list.len() == windows * each).then(|| list.get(range.start * each..range.end * each)).flatten();
    part.ok_or_else(|| GanError::Shape { what, expected: vec![windows, each], actual: vec![list.len()] })
}

impl WindowSession for NetworkSession {
    fn prepare(&mut self, input: WindowInput) -> Result<(), GanError> {
        self.input = input;
        let config = self.generator.config();
        let [_, steps, pitches] = config.window_shape();
        let windows = self.windows();
        let all = 0..windows;
        entries("melody", &self.input.melody, windows, steps * pitches, &all)?;
        entries("chords", &self.input.chords, windows, config.chord_rolls() * steps * pitches, &all)?;
        entries("latent", &self.input.latent, windows, config.latent_shape().iter().product(), &all)?;
        entries("attributes", &self.input.attributes, windows, config.attributes(), &all)?;
        Ok(())
    }

    fn forward(&mut self, windows: Range<usize>, previous: &[f32]) -> Result<WindowOutput<'_>, GanError> {
        let config = self.generator.config();
        let [tracks, steps, pitches] = config.window_shape();
        let [channels, rows, columns] = config.latent_shape();
        let (all, batch) = (self.windows(), windows.len());
        if batch == 0 {
            return Err(GanError::Shape { what: "windows", expected: vec![1], actual: vec![0] });
        }
        let melody = entries("melody", &self.input.melody, all, steps * pitches, &windows)?;
        let rolls = config.chord_rolls();
        let chords = entries("chords", &self.input.chords, all, rolls * steps * pitches, &windows)?;
        let latent = entries("latent", &self.input.latent, all, channels * rows * columns, &windows)?;
        let attributes = entries("attributes", &self.input.attributes, all, config.attributes(), &windows)?;
        let before = if config.previous() { tracks * steps * pitches } else { 0 };
        let previous = entries("previous tracks", previous, batch, before, &(0..batch))?;
        let data = |list: &[f32], shape: [usize; 4]| {
            Tensor::<4>::from_data(TensorData::new(list.to_vec(), shape), &self.device)
        };
        let condition = GanCondition {
            melody: data(melody, [batch, 1, steps, pitches]),
            chords: config.chords().then(|| data(chords, [batch, rolls, steps, pitches])),
            previous: config.previous().then(|| data(previous, [batch, tracks, steps, pitches])),
            attributes: (config.attributes() > 0).then(|| {
                let data = TensorData::new(attributes.to_vec(), [batch, config.attributes()]);
                Tensor::from_data(data, &self.device)
            }),
        };
        let logits = self.generator.logits(&condition, data(latent, [batch, channels, rows, columns]))?;
        let read = |tensor: Tensor<4>| -> Result<Vec<f32>, GanError> {
            tensor.try_into_vec_as().map_err(|e| GanError::Device(e.to_string()))
        };
        self.tracks = read(logits.clone().tanh())?;
        self.logits = read(logits)?;
        Ok(WindowOutput { logits: &self.logits, tracks: &self.tracks })
    }
}
