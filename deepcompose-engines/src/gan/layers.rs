//! The layers of the generator, one after the other, in a session's memory.

use std::ops::Range;

use rayon::prelude::*;

use super::fold::square;
use super::sizes::LEVELS;
use super::{GeneratorSession, GeneratorSizes};
use crate::kernels::gan_conv::{Extent, Finish, Start};
use crate::kernels::gan_linear::linear;
use crate::kernels::gan_map::{LANES, Maps};
use crate::kernels::gan_tanh::tanh;

/// Slope of the leaky ReLU below zero.
const SLOPE: f32 = 0.2;

impl GeneratorSession {
    /// The planes that attributes are embedded in, and the maps that they choose, once for equal ones in a row.
    pub(super) fn prepare_attributes(&mut self, attributes: &[f32]) {
        let Self { engine, windows, embedded, planes, output_maps, output_map_of, .. } = self;
        let (sizes, windows) = (engine.sizes, *windows);
        let mut maps = 0;
        for (window, now) in attributes.chunks_exact(sizes.attributes).enumerate() {
            let changed =
                window == 0 || attributes[(window - 1) * sizes.attributes..][..sizes.attributes] != *now;
            if changed {
                linear(engine.instructions, now, &engine.attributes, planes);
                if sizes.output_map {
                    let map = &mut output_maps[maps * sizes.tracks_len()..][..sizes.tracks_len()];
                    linear(engine.instructions, now, &engine.output_map, map);
                    maps += 1;
                }
            }
            output_map_of[window] = maps.saturating_sub(1);
            write_planes(embedded, [window, windows], sizes.map(LEVELS), planes);
        }
    }

    /// What latents and attributes give to the first sums of the decoder.
    pub(super) fn prepare_sums(&mut self) {
        let (engine, windows) = (&self.engine, self.windows);
        let [rows, columns] = engine.sizes.map(LEVELS);
        let inputs = [self.latent.view(windows), self.embedded.view(windows)];
        let inputs = if engine.sizes.attributes > 0 { &inputs[..] } else { &inputs[..1] };
        engine.given.sums(engine.instructions, inputs, Extent { windows, rows, columns }, &mut self.given);
    }

    /// Lays the rolls out as squares of 2 × 2 cells. The first square has the first cell in its last corner.
    pub(super) fn write_squares(&mut self, range: Range<usize>, previous: &[f32]) {
        let GeneratorSizes { steps, pitches, .. } = self.engine.sizes;
        let (rolls, windows) = (self.engine.sizes.rolls(), range.len());
        let (melody, chords) = (&self.melody, &self.chords);
        let (given, tracks) = (self.engine.sizes.chord_rolls(), self.engine.sizes.tracks);
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
                let row_of = |row: usize| (row * steps + step) * pitches..(row * steps + step + 1) * pitches;
                let cells = match roll.checked_sub(1) {
                    None => &melody[row_of(range.start + window)],
                    Some(chord) if chord < given => &chords[row_of((range.start + window) * given + chord)],
                    Some(other) => &previous[row_of(window * tracks + other - given)],
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

    pub(super) fn encode(&mut self, windows: usize) {
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

    pub(super) fn decode(&mut self, range: Range<usize>) {
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
    pub(super) fn write_output(&mut self, range: Range<usize>) {
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

/// Writes a window's planes, `[channels, rows, columns]`, into maps.
pub(super) fn write_planes(
    maps: &mut Maps,
    [window, windows]: [usize; 2],
    [rows, columns]: [usize; 2],
    planes: &[f32],
) {
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
