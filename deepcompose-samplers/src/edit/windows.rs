//! How a piece of any length is covered by windows of the model's length.

use std::ops::Range;

/// One window of a piece. All steps are counted from the beginning of the piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    /// The first step of the model's input.
    pub(super) start: usize,
    /// The steps that this window, and no other, edits.
    pub(super) core: Range<usize>,
}

/// The windows of `window_steps` that cover `steps`, hopping by half a window or the largest
/// multiple of `alignment` below that. Each step is in the core of exactly one window: the one
/// whose centre is nearest (the later one of two). So in the middle of a piece a quarter of a
/// window or more of context lies on either side of a core. The last window may reach past the
/// end of the piece, by less than `alignment`.
pub(super) fn windows(steps: usize, window_steps: usize, alignment: usize) -> Vec<Window> {
    let half = (window_steps / 2).max(1);
    // A unit that no hop can be a multiple of is no use.
    let unit = if alignment <= half { alignment.max(1) } else { 1 };
    let hop = half / unit * unit;
    let last = steps.saturating_sub(window_steps).div_ceil(unit) * unit;
    let starts: Vec<usize> = (0..last).step_by(hop).chain([last]).collect();
    // Midway between the centres of neighbours.
    let boundaries = starts.windows(2).map(|pair| (pair[0] + pair[1] + window_steps) / 2);
    let begins = [0].into_iter().chain(boundaries.clone());
    let ends = boundaries.chain([steps]);
    starts.iter().zip(begins.zip(ends)).map(|(&start, (from, to))| Window { start, core: from..to }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    fn window(start: usize, core: Range<usize>) -> Window {
        Window { start, core }
    }

    #[test]
    fn what_fits_takes_one_window() {
        assert_eq!(windows(128, 128, 16), [window(0, 0..128)]);
        assert_eq!(windows(1, 128, 16), [window(0, 0..1)]);
        assert_eq!(windows(0, 128, 16), [window(0, 0..0)]);
    }

    #[test]
    fn long_pieces_hop_by_half_a_window() {
        // 16 bars: centres at 64, 128, 192.
        assert_eq!(windows(256, 128, 16), [window(0, 0..96), window(64, 96..160), window(128, 160..256)]);
        // One step more: the last window begins with the next bar, and reaches past the end.
        assert_eq!(
            windows(257, 128, 16),
            [window(0, 0..96), window(64, 96..160), window(128, 160..200), window(144, 200..257)]
        );
    }

    #[test]
    fn windows_begin_with_bars_of_any_length() {
        // 3/4 in sixteenths: bars of 12 steps, five of which fit half a window.
        let starts: Vec<usize> = windows(300, 128, 12).iter().map(|w| w.start).collect();
        assert_eq!(starts, [0, 60, 120, 180]);
        // A bar longer than half a window cannot be kept to.
        let starts: Vec<usize> = windows(300, 128, 100).iter().map(|w| w.start).collect();
        assert_eq!(starts, [0, 64, 128, 172]);
    }

    proptest! {
        #[test]
        fn every_step_is_edited_by_exactly_one_window_that_sees_it(
            steps in 1_usize..2000,
            window_steps in 1_usize..200,
            alignment in 1_usize..100,
        ) {
            let windows = windows(steps, window_steps, alignment);
            let mut owners = vec![0; steps];
            for w in &windows {
                prop_assert!(w.core.start < w.core.end);
                prop_assert!(w.start <= w.core.start && w.core.end <= w.start + window_steps);
                w.core.clone().for_each(|step| owners[step] += 1);
            }
            prop_assert!(owners.iter().all(|n| *n == 1));
        }

        #[test]
        fn seams_have_context_on_both_sides(
            steps in 129_usize..2000,
            alignment in 1_usize..=16,
        ) {
            for pair in windows(steps, 128, alignment).windows(2) {
                let seam = pair[0].core.end;
                prop_assert_eq!(seam, pair[1].core.start);
                prop_assert!(pair[0].start + 128 - seam >= 32);
                prop_assert!(seam - pair[1].start >= 32);
            }
        }
    }
}
