//! Maps with channels innermost, and rectangles of them.

use crate::EngineError;

/// A feature map: `height × width` pixels of `channels` numbers, `[height, width, channels]` in memory.
///
/// Outside of it everything is zero.
#[derive(Debug, Clone, Copy)]
pub struct Map<'a> {
    data: &'a [f32],
    height: usize,
    width: usize,
    channels: usize,
}

impl<'a> Map<'a> {
    /// A view of `data`.
    ///
    /// # Errors
    ///
    /// [`EngineError::Length`] if `data` has not `height × width × channels` numbers.
    pub fn new(data: &'a [f32], height: usize, width: usize, channels: usize) -> Result<Self, EngineError> {
        check_length("the map", data.len(), &[height, width, channels])?;
        Ok(Self { data, height, width, channels })
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Numbers of a pixel.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// The channels of a pixel, if it is inside.
    #[inline(always)]
    pub(crate) fn pixel(&self, row: isize, column: isize) -> Option<&'a [f32]> {
        let (row, column) = (usize::try_from(row).ok()?, usize::try_from(column).ok()?);
        if row >= self.height || column >= self.width {
            return None;
        }
        let start = (row * self.width + column) * self.channels;
        Some(&self.data[start..start + self.channels])
    }
}

/// A feature map to write to, and which pixels of it a kernel's outputs are.
///
/// Output `(y, x)` of channel `c` goes to row `y × row_step + row`, column `x × column_step + column`, channel
/// `c + channel`. So the phases of a doubled map, and the parts of a concatenation, are written in their places.
#[derive(Debug)]
pub struct MapMut<'a> {
    pub(crate) data: &'a mut [f32],
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) place: Placement,
    /// The row that the data start with.
    first_row: usize,
}

/// Where the outputs of a kernel go in a [`MapMut`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Rows from an output row to the next, 1 or more.
    pub row_step: usize,
    /// Columns from an output column to the next, 1 or more.
    pub column_step: usize,
    /// The row of output row 0.
    pub row: usize,
    /// The column of output column 0.
    pub column: usize,
    /// The channel of output channel 0.
    pub channel: usize,
}

impl Default for Placement {
    /// Output `(y, x, c)` at `(y, x, c)`.
    fn default() -> Self {
        Self { row_step: 1, column_step: 1, row: 0, column: 0, channel: 0 }
    }
}

impl<'a> MapMut<'a> {
    /// A view of `data`, `[height, width, channels]`, outputs at their own places.
    ///
    /// # Errors
    ///
    /// [`EngineError::Length`] if `data` has not `height × width × channels` numbers.
    pub fn new(
        data: &'a mut [f32],
        height: usize,
        width: usize,
        channels: usize,
    ) -> Result<Self, EngineError> {
        check_length("the map to write to", data.len(), &[height, width, channels])?;
        Ok(Self { data, height, width, channels, place: Placement::default(), first_row: 0 })
    }

    /// The same with outputs placed otherwise.
    #[must_use]
    pub fn placed(self, place: Placement) -> Self {
        Self { place, ..self }
    }

    /// Where the output channel 0 of an output pixel is.
    #[inline(always)]
    pub(crate) fn start_of(&self, y: usize, x: usize) -> usize {
        let Placement { row_step, column_step, row, column, channel } = self.place;
        let (row, column) = (y * row_step + row - self.first_row, x * column_step + column);
        (row * self.width + column) * self.channels + channel
    }

    /// The part above output row `row`, and that from it on.
    pub(crate) fn split(self, row: usize) -> (Self, Self) {
        let first_row = row * self.place.row_step + self.place.row;
        let at = (first_row - self.first_row) * self.width * self.channels;
        let (upper, lower) = self.data.split_at_mut(at.min(self.data.len()));
        (Self { data: upper, ..self }, Self { data: lower, first_row, ..self })
    }

    /// The same view for a while.
    pub(crate) fn reborrow(&mut self) -> MapMut<'_> {
        MapMut { data: self.data, ..*self }
    }

    /// Checks that a rectangle of outputs of `channels` channels has its places in here.
    pub(crate) fn check(&self, outputs: Rect, channels: usize) -> Result<(), EngineError> {
        let Placement { row_step, column_step, row, column, channel } = self.place;
        let axis = |field, size: usize, step: usize, first: usize, end: usize| {
            let last = end.saturating_sub(1).checked_mul(step).and_then(|last| last.checked_add(first));
            if step > 0 && (end == 0 || last.is_some_and(|last| last < size)) {
                return Ok(());
            }
            Err(EngineError::OutOfRange {
                field,
                value: format!("{end} with step {step} from {first}"),
                accepted: format!("what lies within a map of {size}"),
            })
        };
        axis("output rows", self.height, row_step, row, outputs.bottom())?;
        axis("output columns", self.width, column_step, column, outputs.right())?;
        axis("output channels", self.channels, 1, channel, channels)
    }
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// The first row.
    pub top: usize,
    /// The first column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Rect {
    /// All of a map.
    #[must_use]
    pub const fn whole(height: usize, width: usize) -> Self {
        Self { top: 0, left: 0, height, width }
    }

    /// From a first pixel to before a last one, `[row, column]` both. Empty if that is not below and right of it.
    #[must_use]
    pub const fn between(first: [usize; 2], end: [usize; 2]) -> Self {
        let [top, left] = first;
        Self { top, left, height: end[0].saturating_sub(top), width: end[1].saturating_sub(left) }
    }

    /// The first `rows` rows, and the others.
    pub(crate) const fn split_rows(self, rows: usize) -> (Self, Self) {
        (Self { height: rows, ..self }, Self { top: self.top + rows, height: self.height - rows, ..self })
    }

    /// The row after the last.
    #[must_use]
    pub const fn bottom(&self) -> usize {
        self.top.saturating_add(self.height)
    }

    /// The column after the last.
    #[must_use]
    pub const fn right(&self) -> usize {
        self.left.saturating_add(self.width)
    }

    /// Whether it has no pixel.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.height == 0 || self.width == 0
    }

    /// The pixels, row by row.
    pub(crate) fn pixels(self) -> impl Iterator<Item = (usize, usize)> {
        (self.top..self.bottom())
            .flat_map(move |row| (self.left..self.right()).map(move |column| (row, column)))
    }
}

pub(crate) fn check_length(what: &str, found: usize, sizes: &[usize]) -> Result<(), EngineError> {
    let expected = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    if expected == Some(found) {
        return Ok(());
    }
    Err(EngineError::Length { what: what.to_owned(), found, expected: expected.unwrap_or(usize::MAX) })
}
