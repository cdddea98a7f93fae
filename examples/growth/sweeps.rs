//! What is varied, and over which values.

/// One size that is varied while all else stays.
pub(crate) struct Sweep {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What is varied.
    pub(crate) along: &'static str,
    /// What is measured at each value.
    pub(crate) lines: &'static [&'static str],
    pub(crate) values: &'static [usize],
    /// The largest value with `--quick`.
    pub(crate) quick: usize,
}

const BARS: &[usize] = &[8, 16, 40, 80, 200, 400, 800];

pub(crate) const SWEEPS: &[Sweep] = &[
    Sweep {
        name: "enhance",
        title: "AR-CNN, shipped: input length, 4 sampling iterations",
        along: "bars",
        lines: &["enhance"],
        values: BARS,
        quick: 80,
    },
    Sweep {
        name: "accompany",
        title: "GAN, shipped: input length",
        along: "bars",
        lines: &["accompany"],
        values: BARS,
        quick: 200,
    },
    Sweep {
        name: "extend",
        title: "Transformer, shipped: length of the extension",
        along: "seconds",
        lines: &["extend"],
        values: &[2, 4, 8, 15, 30],
        quick: 15,
    },
    Sweep {
        name: "tracks",
        title: "Techniques on all tracks together, 8 bars",
        along: "tracks",
        lines: &["enhance", "extend", "accompany"],
        values: &[1, 2, 4, 8, 16],
        quick: 8,
    },
    Sweep {
        name: "tokens",
        title: "From MIDI bytes to REMI tokens, 64 bars",
        along: "tracks",
        lines: &["read", "encode"],
        values: &[1, 4, 16, 64, 256],
        quick: 64,
    },
    Sweep {
        name: "vocabulary",
        title: "Drawing a token",
        along: "logits",
        lines: &["top-k", "nucleus", "random"],
        values: &[310, 1_000, 3_162, 10_000, 31_623, 100_000],
        quick: 100_000,
    },
    Sweep {
        name: "threads",
        title: "Threads: 16 bars enhanced and accompanied, 20 seconds extended",
        along: "threads",
        lines: &["enhance", "extend", "accompany"],
        values: &[1, 2],
        quick: 2,
    },
    Sweep {
        name: "batch",
        title: "Transformer, shipped: a token for each of several sequences, context full",
        along: "sequences",
        lines: &["decode"],
        values: &[1, 2, 4, 8, 16],
        quick: 8,
    },
];
