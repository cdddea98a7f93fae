//! [`Theme`]: colours for light and dark pages.

use serde::{Deserialize, Serialize};

/// On what ground a picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Dark on white.
    #[default]
    Light,
    /// Light on near-black.
    Dark,
}

impl Theme {
    /// The colours of tracks in order, as CSS has them (`#rrggbb`); a ninth track has the first again. They can be told
    /// apart by the colour-blind too.
    #[must_use]
    pub const fn track_colors(self) -> [&'static str; 8] {
        match self {
            Self::Light => {
                ["#2e6cb2", "#e28326", "#2c9468", "#c44054", "#825aa8", "#7a624c", "#56aace", "#a0a03c"]
            }
            Self::Dark => {
                ["#6aa9ee", "#f2a65a", "#5cc79a", "#ef7d8e", "#b893de", "#c0a58b", "#8bd0ee", "#d3d36e"]
            }
        }
    }

    pub(crate) fn track_color(self, track: usize) -> &'static str {
        let colors = self.track_colors();
        colors.get(track % colors.len()).copied().unwrap_or("#888888")
    }

    pub(crate) const fn ground(self) -> &'static str {
        match self {
            Self::Light => "#ffffff",
            Self::Dark => "#15181d",
        }
    }

    pub(crate) const fn ink(self) -> &'static str {
        match self {
            Self::Light => "#262a30",
            Self::Dark => "#e6e9ed",
        }
    }

    pub(crate) const fn faint(self) -> &'static str {
        match self {
            Self::Light => "#626a74",
            Self::Dark => "#9aa4b0",
        }
    }

    pub(crate) const fn grid(self) -> &'static str {
        match self {
            Self::Light => "#e2e5e9",
            Self::Dark => "#2a3038",
        }
    }

    pub(crate) const fn bar_line(self) -> &'static str {
        match self {
            Self::Light => "#a8afb8",
            Self::Dark => "#525c68",
        }
    }

    pub(crate) const fn black_key(self) -> &'static str {
        match self {
            Self::Light => "#f4f6f8",
            Self::Dark => "#1b1f26",
        }
    }
}
