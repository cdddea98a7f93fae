//! Many chorales invented at once.

use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor, TensorData};
use deepcompose_samplers::{SampleScratch, TokenSampler};
use rand::Rng;

use super::dropout::Dropout;
use super::ensemble::{ChoraleEnsemble, moved};
use super::history::{Cells, History, INPUTS, REST, voice_inputs};
use super::network::Memory;
use super::voice::{CELLS, relate, terms};
use crate::error::ModelError;

/// Cells that one call draws at most: 16 million.
const MOST: usize = 1 << 24;
/// Pieces that are invented side by side at most.
const MOST_PIECES: usize = 1 << 14;

/// The pieces as they are heard in one key.
struct Heard {
    semitones: i32,
    histories: Vec<History>,
    /// Of each network.
    memories: Vec<Memory>,
    /// Of each network, the states of the step in progress, `[pieces, d_model]`.
    states: Vec<Tensor<2>>,
}

impl Heard {
    fn new(ensemble: &ChoraleEnsemble, semitones: i32, count: usize) -> Self {
        Self {
            semitones,
            histories: vec![History::new(ensemble.tunes().clone()); count],
            memories: ensemble.networks().iter().map(Memory::new).collect(),
            states: Vec::new(),
        }
    }

    fn begin_step(&mut self, ensemble: &ChoraleEnsemble) {
        let count = self.histories.len();
        let inputs: Vec<i32> =
            self.histories.iter().flat_map(|history| history.inputs([true; 4])).map(i32::from).collect();
        let networks = ensemble.networks().iter().zip(&mut self.memories);
        self.states = networks
            .map(|(network, memory)| {
                let device = network.table.val().device();
                let inputs =
                    Tensor::<2, Int>::from_data(TensorData::new(inputs.clone(), [count, INPUTS]), &device);
                let states = network.states(inputs, Some(memory), &mut Dropout::none());
                states.reshape([count, network.config.d_model])
            })
            .collect();
    }

    /// Adds what each network gives the cells of the voice after those in `above`, to `[pieces, CELLS]`.
    fn add(
        &self,
        ensemble: &ChoraleEnsemble,
        above: &[Vec<u8>],
        to: &mut [[f64; CELLS]],
    ) -> Result<(), ModelError> {
        let (mut rows, mut relations, mut voice) = (Vec::new(), Vec::new(), 0);
        for (history, above) in self.histories.iter().zip(above) {
            voice = above.len();
            let above: Vec<u8> = above.iter().map(|cell| moved(*cell, self.semitones).0).collect();
            history.voice_inputs(&above, &mut rows);
            relate(history.outlook(&above), &above, &mut relations);
        }
        let count = self.histories.len();
        for (network, state) in ensemble.networks().iter().zip(&self.states) {
            let device = state.device();
            let ints = |values: &[i32], width: usize| {
                Tensor::<2, Int>::from_data(TensorData::new(values.to_vec(), [count, width]), &device)
            };
            let (rows, relations) =
                (ints(&rows, voice_inputs(voice)), ints(&relations, CELLS * terms(voice)));
            let logits = network.voices[voice].forward(state.clone(), rows, relations, &mut Dropout::none());
            let heard = softmax(logits, 1).into_data().convert::<f32>().try_into_vec::<f32>();
            let heard = heard.map_err(|e| ModelError::Device(format!("{e:?}")))?;
            for (to, heard) in to.iter_mut().zip(heard.chunks(CELLS)) {
                for (cell, to) in (0..=REST).zip(to) {
                    let (cell, is_there) = moved(cell, self.semitones);
                    if is_there {
                        *to += heard.get(usize::from(cell)).copied().map_or(0.0, f64::from);
                    }
                }
            }
        }
        Ok(())
    }

    fn end_step(&mut self, cells: &[Cells]) {
        for (history, cells) in self.histories.iter_mut().zip(cells) {
            history.push(cells.map(|cell| moved(cell, self.semitones).0));
        }
    }
}

impl ChoraleEnsemble {
    /// Invents so many pieces of so many sixteenths, all at once, each cell drawn by `sampler` from the mixture. To
    /// invent them together is many times faster than one after another; memory grows with their product.
    ///
    /// ```
    /// use deepcompose_models::chorale::ChoraleEnsemble;
    /// use deepcompose_models::{Device, pretrained};
    /// use deepcompose_samplers::{SamplingTechnique, TokenSampler};
    /// use rand::SeedableRng;
    ///
    /// let ensemble = ChoraleEnsemble::new(vec![pretrained::chorale(&Device::default())?])?;
    /// let sampler = TokenSampler::new(SamplingTechnique::Random, 1.0, 1.0)?;
    /// let pieces = ensemble.invent(2, 8, &sampler, &mut rand_chacha::ChaCha8Rng::seed_from_u64(1))?;
    /// assert_eq!((pieces.len(), pieces[1].len()), (2, 8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] for more than 2²⁴ cells or 2¹⁴ pieces, [`ModelError::Device`] where the device gives no numbers.
    pub fn invent<R: Rng + ?Sized>(
        &self,
        count: usize,
        steps: usize,
        sampler: &TokenSampler,
        rng: &mut R,
    ) -> Result<Vec<Vec<Cells>>, ModelError> {
        let all = count.saturating_mul(steps).saturating_mul(4);
        if all > MOST {
            return Err(ModelError::range("cells", all, format!("at most {MOST}")));
        }
        if count > MOST_PIECES {
            return Err(ModelError::range("pieces", count, format!("at most {MOST_PIECES} at once")));
        }
        let mut pieces = vec![Vec::with_capacity(steps); count];
        if all == 0 {
            return Ok(pieces);
        }
        let mut keys: Vec<Heard> =
            self.keys().iter().map(|semitones| Heard::new(self, *semitones, count)).collect();
        let mut scratch = SampleScratch::default();
        for _ in 0..steps {
            keys.iter_mut().for_each(|key| key.begin_step(self));
            let mut above = vec![Vec::with_capacity(4); count];
            for _ in 0..4 {
                let mut sums = vec![[0.0_f64; CELLS]; count];
                for key in &keys {
                    key.add(self, &above, &mut sums)?;
                }
                for (above, sums) in above.iter_mut().zip(sums) {
                    let logits = sums.map(|sum| sum.ln() as f32);
                    let cell = sampler.sample_with(&logits, rng, &mut scratch);
                    let cell = cell.map_err(|e| ModelError::Device(e.to_string()))?;
                    above.push(cell.min(REST.into()) as u8);
                }
            }
            let cells: Vec<Cells> =
                above.iter().map(|cells| std::array::from_fn(|voice| cells[voice])).collect();
            keys.iter_mut().for_each(|key| key.end_step(&cells));
            pieces.iter_mut().zip(cells).for_each(|(piece, cells)| piece.push(cells));
        }
        Ok(pieces)
    }
}
