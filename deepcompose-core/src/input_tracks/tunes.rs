//! The notes of the built-in tunes. Lengths are in sixteenths; a line is a bar.

use crate::meter::Mode::{self, Major, Minor};

/// A pitch and a length in sixteenths.
type Step = (u8, u8);

/// One tune.
pub(super) struct Tune {
    /// Quarter notes a minute.
    pub(super) quarters_a_minute: f64,
    /// Time signature.
    pub(super) time: (u32, u32),
    /// Key signature.
    pub(super) key: (i8, Mode),
    /// Sixteenths of rest before the pick-up.
    pub(super) rest: u8,
    /// The notes, phrase after phrase.
    pub(super) phrases: &'static [&'static [Step]],
}

#[rustfmt::skip]
mod phrases {
    use super::Step;

    pub(super) const ODE_A: &[Step] = &[
        (66, 4), (66, 4), (67, 4), (69, 4),
        (69, 4), (67, 4), (66, 4), (64, 4),
        (62, 4), (62, 4), (64, 4), (66, 4),
        (66, 6), (64, 2), (64, 8),
    ];
    pub(super) const ODE_A_END: &[Step] = &[
        (66, 4), (66, 4), (67, 4), (69, 4),
        (69, 4), (67, 4), (66, 4), (64, 4),
        (62, 4), (62, 4), (64, 4), (66, 4),
        (64, 6), (62, 2), (62, 8),
    ];
    /// The return comes in a beat early: its first note is tied over the bar line.
    pub(super) const ODE_B_AND_RETURN: &[Step] = &[
        (64, 4), (64, 4), (66, 4), (62, 4),
        (64, 4), (66, 2), (67, 2), (66, 4), (62, 4),
        (64, 4), (66, 2), (67, 2), (66, 4), (64, 4),
        (62, 4), (64, 4), (57, 4), (66, 8),
        (66, 4), (67, 4), (69, 4),
        (69, 4), (67, 4), (66, 4), (64, 4),
        (62, 4), (62, 4), (64, 4), (66, 4),
        (64, 6), (62, 2), (62, 8),
    ];

    pub(super) const TWINKLE_A: &[Step] = &[
        (60, 4), (60, 4), (67, 4), (67, 4),
        (69, 4), (69, 4), (67, 8),
        (65, 4), (65, 4), (64, 4), (64, 4),
        (62, 4), (62, 4), (60, 8),
    ];
    pub(super) const TWINKLE_B: &[Step] = &[
        (67, 4), (67, 4), (65, 4), (65, 4),
        (64, 4), (64, 4), (62, 8),
    ];

    pub(super) const LARGO: &[Step] = &[
        (65, 6), (68, 2), (68, 8),
        (65, 6), (63, 2), (61, 8),
        (63, 6), (65, 2), (68, 6), (65, 2),
        (63, 16),
        (65, 6), (68, 2), (68, 8),
        (65, 6), (63, 2), (61, 8),
        (63, 4), (65, 4), (63, 6), (61, 2),
        (61, 16),
    ];

    pub(super) const DECK_A: &[Step] = &[
        (72, 6), (70, 2), (69, 4), (67, 4),
        (65, 4), (67, 4), (69, 4), (65, 4),
        (67, 2), (69, 2), (70, 2), (67, 2), (69, 6), (67, 2),
        (65, 4), (64, 4), (65, 8),
    ];
    pub(super) const DECK_B: &[Step] = &[
        (67, 6), (69, 2), (70, 4), (67, 4),
        (69, 6), (70, 2), (72, 4), (67, 4),
        (69, 2), (71, 2), (72, 4), (74, 2), (76, 2), (77, 4),
        (76, 4), (74, 4), (72, 8),
    ];
    pub(super) const DECK_A_END: &[Step] = &[
        (72, 6), (70, 2), (69, 4), (67, 4),
        (65, 4), (67, 4), (69, 4), (65, 4),
        (74, 2), (74, 2), (74, 2), (74, 2), (72, 6), (70, 2),
        (69, 4), (67, 4), (65, 8),
    ];

    pub(super) const WISH_VERSE: &[Step] = &[
        (62, 4),
        (67, 4), (67, 2), (69, 2), (67, 2), (66, 2),
        (64, 4), (64, 4), (64, 4),
        (69, 4), (69, 2), (71, 2), (69, 2), (67, 2),
        (66, 4), (62, 4), (62, 4),
        (71, 4), (71, 2), (72, 2), (71, 2), (69, 2),
        (67, 4), (64, 4), (62, 2), (62, 2),
        (64, 4), (69, 4), (66, 4),
        (67, 8),
    ];
    pub(super) const WISH_REFRAIN: &[Step] = &[
        (62, 4),
        (67, 4), (67, 4), (67, 4),
        (66, 8), (66, 4),
        (67, 4), (66, 4), (64, 4),
        (62, 8), (69, 4),
        (71, 4), (69, 4), (67, 4),
        (74, 4), (62, 4), (62, 2), (62, 2),
        (64, 4), (69, 4), (66, 4),
        (67, 12),
    ];

    pub(super) const FRERE: &[Step] = &[
        (65, 4), (67, 4), (69, 4), (65, 4),
        (65, 4), (67, 4), (69, 4), (65, 4),
        (69, 4), (70, 4), (72, 8),
        (69, 4), (70, 4), (72, 8),
        (72, 2), (74, 2), (72, 2), (70, 2), (69, 4), (65, 4),
        (72, 2), (74, 2), (72, 2), (70, 2), (69, 4), (65, 4),
        (65, 4), (60, 4), (65, 8),
        (65, 4), (60, 4), (65, 8),
    ];

    pub(super) const GREENSLEEVES_VERSE: &[Step] = &[
        (69, 2),
        (72, 4), (74, 2), (76, 3), (78, 1), (76, 2),
        (74, 4), (71, 2), (67, 3), (69, 1), (71, 2),
        (72, 4), (69, 2), (69, 3), (68, 1), (69, 2),
        (71, 4), (68, 2), (64, 4), (69, 2),
        (72, 4), (74, 2), (76, 3), (78, 1), (76, 2),
        (74, 4), (71, 2), (67, 3), (69, 1), (71, 2),
        (72, 3), (71, 1), (69, 2), (68, 3), (66, 1), (68, 2),
        (69, 6), (69, 6),
    ];
    pub(super) const GREENSLEEVES_REFRAIN: &[Step] = &[
        (79, 6), (79, 3), (78, 1), (76, 2),
        (74, 4), (71, 2), (67, 3), (69, 1), (71, 2),
        (72, 4), (69, 2), (69, 3), (68, 1), (69, 2),
        (71, 4), (68, 2), (64, 6),
        (79, 6), (79, 3), (78, 1), (76, 2),
        (74, 4), (71, 2), (67, 3), (69, 1), (71, 2),
        (72, 3), (71, 1), (69, 2), (68, 3), (66, 1), (68, 2),
        (69, 6), (69, 6),
    ];

    pub(super) const AMAZING_GRACE: &[Step] = &[
        (62, 4),
        (67, 8), (71, 2), (67, 2),
        (71, 8), (69, 4),
        (67, 8), (64, 4),
        (62, 8), (62, 4),
        (67, 8), (71, 2), (67, 2),
        (71, 8), (69, 4),
        (74, 12 + 8), (71, 4),
        (74, 6), (71, 2), (74, 2), (71, 2),
        (67, 8), (62, 4),
        (64, 6), (67, 2), (67, 2), (64, 2),
        (62, 8), (62, 4),
        (67, 8), (71, 2), (67, 2),
        (71, 8), (69, 4),
        (67, 12 + 12),
    ];

    pub(super) const AULD_VERSE: &[Step] = &[
        (60, 4),
        (65, 6), (64, 2), (65, 4), (69, 4),
        (67, 6), (65, 2), (67, 4), (69, 4),
        (65, 6), (65, 2), (69, 4), (72, 4),
        (74, 12), (74, 4),
        (72, 6), (69, 2), (69, 4), (65, 4),
        (67, 6), (65, 2), (67, 4), (69, 4),
        (65, 6), (62, 2), (62, 4), (60, 4),
        (65, 12),
    ];
    pub(super) const AULD_REFRAIN: &[Step] = &[
        (74, 4),
        (72, 6), (69, 2), (69, 4), (65, 4),
        (67, 6), (65, 2), (67, 4), (74, 4),
        (72, 6), (69, 2), (69, 4), (72, 4),
        (74, 12), (74, 4),
        (72, 6), (69, 2), (69, 4), (65, 4),
        (67, 6), (65, 2), (67, 4), (69, 4),
        (65, 6), (62, 2), (62, 4), (60, 4),
        (65, 16),
    ];

    pub(super) const SILENT_NIGHT: &[Step] = &[
        (67, 3), (69, 1), (67, 2), (64, 6),
        (67, 3), (69, 1), (67, 2), (64, 6),
        (74, 4), (74, 2), (71, 6),
        (72, 4), (72, 2), (67, 6),
        (69, 4), (69, 2), (72, 3), (71, 1), (69, 2),
        (67, 3), (69, 1), (67, 2), (64, 6),
        (69, 4), (69, 2), (72, 3), (71, 1), (69, 2),
        (67, 3), (69, 1), (67, 2), (64, 6),
        (74, 4), (74, 2), (77, 3), (74, 1), (71, 2),
        (72, 6), (76, 6),
        (72, 3), (67, 1), (64, 2), (67, 3), (65, 1), (62, 2),
        (60, 12),
    ];

    pub(super) const MINUET_A: &[Step] = &[
        (74, 4), (67, 2), (69, 2), (71, 2), (72, 2),
        (74, 4), (67, 4), (67, 4),
        (76, 4), (72, 2), (74, 2), (76, 2), (78, 2),
        (79, 4), (67, 4), (67, 4),
        (72, 4), (74, 2), (72, 2), (71, 2), (69, 2),
        (71, 4), (72, 2), (71, 2), (69, 2), (67, 2),
    ];
    pub(super) const MINUET_HALF_CLOSE: &[Step] = &[
        (66, 4), (67, 2), (69, 2), (71, 2), (67, 2),
        (69, 12),
    ];
    pub(super) const MINUET_CLOSE: &[Step] = &[
        (69, 4), (71, 2), (69, 2), (67, 2), (66, 2),
        (67, 12),
    ];

    pub(super) const LUNE_A: &[Step] = &[
        (67, 4), (67, 4), (67, 4), (69, 4),
        (71, 8), (69, 8),
        (67, 4), (71, 4), (69, 4), (69, 4),
        (67, 16),
    ];
    pub(super) const LUNE_B: &[Step] = &[
        (69, 4), (69, 4), (69, 4), (69, 4),
        (64, 8), (64, 8),
        (69, 4), (67, 4), (66, 4), (64, 4),
        (62, 16),
    ];
}

use phrases::*;

pub(super) const ODE_TO_JOY: Tune = Tune {
    quarters_a_minute: 120.0,
    time: (4, 4),
    key: (2, Major),
    rest: 0,
    phrases: &[ODE_A, ODE_A_END, ODE_B_AND_RETURN],
};

pub(super) const TWINKLE_TWINKLE: Tune = Tune {
    quarters_a_minute: 100.0,
    time: (4, 4),
    key: (0, Major),
    rest: 0,
    phrases: &[TWINKLE_A, TWINKLE_B, TWINKLE_B, TWINKLE_A],
};

pub(super) const NEW_WORLD_LARGO: Tune =
    Tune { quarters_a_minute: 52.0, time: (4, 4), key: (-5, Major), rest: 0, phrases: &[LARGO] };

pub(super) const DECK_THE_HALLS: Tune = Tune {
    quarters_a_minute: 132.0,
    time: (4, 4),
    key: (-1, Major),
    rest: 0,
    phrases: &[DECK_A, DECK_A, DECK_B, DECK_A_END],
};

pub(super) const WE_WISH_YOU: Tune = Tune {
    quarters_a_minute: 132.0,
    time: (3, 4),
    key: (1, Major),
    rest: 8,
    phrases: &[WISH_VERSE, WISH_REFRAIN],
};

pub(super) const FRERE_JACQUES: Tune =
    Tune { quarters_a_minute: 112.0, time: (4, 4), key: (-1, Major), rest: 0, phrases: &[FRERE] };

pub(super) const GREENSLEEVES: Tune = Tune {
    quarters_a_minute: 90.0,
    time: (6, 8),
    key: (0, Minor),
    rest: 10,
    phrases: &[GREENSLEEVES_VERSE, GREENSLEEVES_REFRAIN],
};

pub(super) const AMAZING_GRACE: Tune = Tune {
    quarters_a_minute: 84.0,
    time: (3, 4),
    key: (1, Major),
    rest: 8,
    phrases: &[phrases::AMAZING_GRACE],
};

pub(super) const AULD_LANG_SYNE: Tune = Tune {
    quarters_a_minute: 96.0,
    time: (4, 4),
    key: (-1, Major),
    rest: 12,
    phrases: &[AULD_VERSE, AULD_REFRAIN],
};

pub(super) const SILENT_NIGHT: Tune = Tune {
    quarters_a_minute: 66.0,
    time: (6, 8),
    key: (0, Major),
    rest: 0,
    phrases: &[phrases::SILENT_NIGHT],
};

pub(super) const MINUET_IN_G: Tune = Tune {
    quarters_a_minute: 116.0,
    time: (3, 4),
    key: (1, Major),
    rest: 0,
    phrases: &[MINUET_A, MINUET_HALF_CLOSE, MINUET_A, MINUET_CLOSE],
};

pub(super) const AU_CLAIR_DE_LA_LUNE: Tune = Tune {
    quarters_a_minute: 108.0,
    time: (4, 4),
    key: (1, Major),
    rest: 0,
    phrases: &[LUNE_A, LUNE_A, LUNE_B, LUNE_A],
};
