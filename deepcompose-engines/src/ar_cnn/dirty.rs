//! What of a map has changed.

use crate::kernels::Rect;

/// The rectangle grown by a pixel on every side, inside of a map.
pub(super) fn grown(rect: Rect, [height, width]: [usize; 2]) -> Rect {
    if rect.is_empty() {
        return rect;
    }
    Rect::between(
        [rect.top.saturating_sub(1), rect.left.saturating_sub(1)],
        [height.min(rect.bottom() + 1), width.min(rect.right() + 1)],
    )
}

/// The pixels of the map of half the size that a rectangle reaches.
pub(super) fn halved(rect: Rect) -> Rect {
    if rect.is_empty() {
        return Rect::whole(0, 0);
    }
    Rect::between([rect.top / 2, rect.left / 2], [rect.bottom().div_ceil(2), rect.right().div_ceil(2)])
}

/// Copies a rectangle of `from` to `to`, maps of the same width and channels. Gives back the smallest rectangle that
/// holds all pixels that changed, to the bit.
pub(super) fn merge(to: &mut [f32], from: &[f32], rect: Rect, width: usize, channels: usize) -> Rect {
    let (mut first, mut end) = ([usize::MAX; 2], [0; 2]);
    for row in rect.top..rect.bottom() {
        let line = (row * width + rect.left) * channels..(row * width + rect.right()) * channels;
        let (to, from) = (&mut to[line.clone()], &from[line]);
        let pixels = || to.chunks_exact(channels).zip(from.chunks_exact(channels));
        let Some(left) = pixels().position(differ) else { continue };
        // From the right: there is one, that found from the left at the latest.
        let right = rect.width - pixels().rev().position(differ).unwrap_or_default();
        (first[0], end[0]) = (first[0].min(row), row + 1);
        (first[1], end[1]) = (first[1].min(rect.left + left), end[1].max(rect.left + right));
        to.copy_from_slice(from);
    }
    if end[0] == 0 { Rect::whole(0, 0) } else { Rect::between(first, end) }
}

fn differ((a, b): (&[f32], &[f32])) -> bool {
    // No early end inside of a pixel: this way it is done with vectors.
    a.iter().zip(b).fold(0, |bits, (a, b)| bits | (a.to_bits() ^ b.to_bits())) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_grows_up_to_the_border_and_halves_outwards() {
        let rect = Rect::between([0, 3], [2, 7]);
        assert_eq!(grown(rect, [8, 8]), Rect::between([0, 2], [3, 8]));
        assert_eq!(grown(rect, [2, 7]), Rect::between([0, 2], [2, 7]));
        assert_eq!(halved(rect), Rect::between([0, 1], [1, 4]));
        assert!(grown(Rect::whole(0, 0), [8, 8]).is_empty());
        assert!(halved(Rect::between([3, 3], [3, 5])).is_empty());
    }

    #[test]
    fn merging_says_what_changed_to_the_bit() {
        // Two rows of three pixels of two channels.
        let mut to = [0.0_f32; 12];
        let mut from = to;
        from[3] = 1.0;
        from[8] = -0.0;
        from[11] = 2.0;
        // The last column is not asked for.
        assert_eq!(merge(&mut to, &from, Rect::whole(2, 2), 3, 2), Rect::between([0, 1], [2, 2]));
        assert_eq!(to[3], 1.0);
        assert!(to[8].is_sign_negative());
        assert_eq!(to[11], 0.0);
        assert!(merge(&mut to, &from, Rect::whole(2, 2), 3, 2).is_empty());
        assert_eq!(merge(&mut to, &from, Rect::whole(2, 3), 3, 2), Rect::between([1, 2], [2, 3]));
    }
}
