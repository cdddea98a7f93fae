//! Maps in blocks of 16 channels: what the generator's convolutions read and write.

/// Channels of a block.
pub(crate) const LANES: usize = 16;

/// Sixteen channels of one cell, a cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lanes(pub(crate) [f32; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);
}

/// Longest row of a map.
pub(crate) const MOST_COLUMNS: usize = 128;
/// What is above the first row and below the last.
static NOTHING: [Lanes; MOST_COLUMNS + 2] = [Lanes::ZERO; MOST_COLUMNS + 2];

/// Maps of a batch of windows: blocks of 16 channels × windows × rows × cells of a row.
///
/// A row begins and ends with a cell of zeros, so that a convolution need not treat edges apart. Channels
/// beyond the last of the last block are never read.
#[derive(Debug)]
pub(crate) struct Maps {
    pub(crate) data: Vec<Lanes>,
    shape: MapShape,
}

/// Sizes of a map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MapShape {
    pub(crate) channels: usize,
    pub(crate) rows: usize,
    /// Cells of a row, those of zeros included.
    pub(crate) pitch: usize,
    /// Rows of zeros above the first row.
    pub(crate) above: usize,
}

impl MapShape {
    pub(crate) const fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// The shape of maps whose rows have a cell of zeros on either side, under a row of zeros.
    pub(crate) const fn of_map(channels: usize, [rows, columns]: [usize; 2]) -> Self {
        Self { channels, rows, pitch: columns + 2, above: 1 }
    }

    /// Cells of a window in all blocks.
    pub(crate) const fn cells(&self) -> usize {
        self.blocks() * self.rows * self.pitch
    }
}

impl Maps {
    pub(crate) fn new(shape: MapShape, windows: usize) -> Self {
        Self { data: vec![Lanes::ZERO; shape.cells() * windows], shape }
    }

    /// The maps of the first `windows` windows, as they were last written.
    pub(crate) fn view(&self, windows: usize) -> MapView<'_> {
        MapView { data: &self.data, shape: self.shape, windows }
    }

    /// Where a window's rows of a block begin, and how many cells they have.
    pub(crate) fn place(&self, block: usize, window: usize, windows: usize) -> std::ops::Range<usize> {
        let len = self.shape.rows * self.shape.pitch;
        let at = (block * windows + window) * len;
        at..at + len
    }
}

/// Maps to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MapView<'a> {
    data: &'a [Lanes],
    shape: MapShape,
    windows: usize,
}

impl<'a> MapView<'a> {
    /// The blocks, each with how many of its channels there are.
    #[inline(always)]
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let channels = self.shape.channels;
        (0..channels.div_ceil(LANES)).map(move |b| (b, (channels - b * LANES).min(LANES)))
    }

    /// A row of a window; rows count from the first of zeros above.
    #[inline(always)]
    pub(crate) fn row(&self, block: usize, window: usize, row: usize) -> &'a [Lanes] {
        let MapShape { rows, pitch, above, .. } = self.shape;
        match row.checked_sub(above) {
            Some(row) if row < rows => {
                let at = ((block * self.windows + window) * rows + row) * pitch;
                &self.data[at..at + pitch]
            }
            _ => &NOTHING[..pitch],
        }
    }
}
