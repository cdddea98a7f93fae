//! Three minimal filtering algorithms for three taps, in one dimension.
//!
//! Each maps a patch of inputs and the taps to as many points, multiplies point by point, and maps the products to
//! outputs. In two dimensions it is applied to columns, then to rows. The first two are those of S. Winograd as
//! A. Lavin and S. Gray use them ("Fast Algorithms for Convolutional Neural Networks", 2015, section 4).

use pulp::Simd;

/// The most points that an algorithm has.
pub(super) const MOST: usize = 6;

/// One of the algorithms. Arrays have room for the largest; only the first entries count.
pub(super) trait Algorithm {
    /// Inputs of a patch, and products.
    const POINTS: usize;
    /// Outputs of a patch.
    const OUTPUTS: usize;
    /// Inputs from a patch to the next. A patch starts an input before its first output's.
    const STEP: usize;

    /// The taps at the points.
    fn weights(taps: [f64; 3]) -> [f64; MOST];

    /// A patch at the points.
    fn inputs<S: Simd>(simd: S, x: [S::f32s; MOST]) -> [S::f32s; MOST];

    /// The outputs of the products.
    fn outputs<S: Simd>(simd: S, m: [S::f32s; MOST]) -> [S::f32s; MOST];
}

/// F(2, 3): two outputs with four products, not six.
pub(super) struct Two;

impl Algorithm for Two {
    const POINTS: usize = 4;
    const OUTPUTS: usize = 2;
    const STEP: usize = 2;

    fn weights([a, b, c]: [f64; 3]) -> [f64; MOST] {
        [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c, 0.0, 0.0]
    }

    #[inline(always)]
    fn inputs<S: Simd>(simd: S, x: [S::f32s; MOST]) -> [S::f32s; MOST] {
        [
            simd.sub_f32s(x[0], x[2]),
            simd.add_f32s(x[1], x[2]),
            simd.sub_f32s(x[2], x[1]),
            simd.sub_f32s(x[1], x[3]),
            x[4],
            x[5],
        ]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; MOST]) -> [S::f32s; MOST] {
        let (sum, difference) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
        [simd.add_f32s(m[0], sum), simd.sub_f32s(difference, m[3]), m[2], m[3], m[4], m[5]]
    }
}

/// F(4, 3): four outputs with six products, not twelve.
pub(super) struct Four;

impl Algorithm for Four {
    const POINTS: usize = 6;
    const OUTPUTS: usize = 4;
    const STEP: usize = 4;

    fn weights([a, b, c]: [f64; 3]) -> [f64; MOST] {
        [
            a / 4.0,
            -(a + b + c) / 6.0,
            -(a - b + c) / 6.0,
            a / 24.0 + b / 12.0 + c / 6.0,
            a / 24.0 - b / 12.0 + c / 6.0,
            c,
        ]
    }

    #[inline(always)]
    fn inputs<S: Simd>(simd: S, x: [S::f32s; MOST]) -> [S::f32s; MOST] {
        let times = |factor, x, y| simd.mul_add_f32s(simd.splat_f32s(factor), x, y);
        let (even, odd) = (times(-4.0, x[2], x[4]), times(-4.0, x[1], x[3]));
        let (near, far) = (simd.sub_f32s(x[4], x[2]), simd.sub_f32s(x[3], x[1]));
        [
            times(4.0, x[0], times(-5.0, x[2], x[4])),
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            times(2.0, far, near),
            times(-2.0, far, near),
            times(4.0, x[1], times(-5.0, x[3], x[5])),
        ]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; MOST]) -> [S::f32s; MOST] {
        let times = |factor, x, y| simd.mul_add_f32s(simd.splat_f32s(factor), x, y);
        let (sum, difference) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
        let (sum2, difference2) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
        [
            simd.add_f32s(m[0], simd.add_f32s(sum, sum2)),
            times(2.0, difference2, difference),
            times(4.0, sum2, sum),
            simd.add_f32s(m[5], times(8.0, difference2, difference)),
            m[4],
            m[5],
        ]
    }
}

/// Three taps over a list in which every number stands twice: two outputs an input with three products.
///
/// With taps a, b, c, the outputs of input x between w and y are a w + (b + c) x and (a + b) x + c y, which are
/// (a + b + c) x − a (x − w) and (a + b + c) x + c (y − x).
pub(super) struct Doubled;

impl Algorithm for Doubled {
    const POINTS: usize = 3;
    const OUTPUTS: usize = 2;
    const STEP: usize = 1;

    fn weights([a, b, c]: [f64; 3]) -> [f64; MOST] {
        [-a, a + b + c, c, 0.0, 0.0, 0.0]
    }

    #[inline(always)]
    fn inputs<S: Simd>(simd: S, x: [S::f32s; MOST]) -> [S::f32s; MOST] {
        [simd.sub_f32s(x[1], x[0]), x[1], simd.sub_f32s(x[2], x[1]), x[3], x[4], x[5]]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; MOST]) -> [S::f32s; MOST] {
        [simd.add_f32s(m[0], m[1]), simd.add_f32s(m[1], m[2]), m[2], m[3], m[4], m[5]]
    }
}
