//! [`InputTrack`]: melodies that are built in.

mod tunes;

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::meter::{KeySignature, TimeSignature};
use crate::score::{At, Note, Score, Track};
use crate::tempo::Tempo;
use crate::units::{Pitch, Program, Tick, TicksPerQuarter, Velocity};
use tunes::Tune;

/// A built-in melody: one monophonic piano track, with its tempo, time signature and key
/// signature. All are in the public domain and typed in as notes.
///
/// A tune with a pick-up begins with a rest, so that its first downbeat falls on a bar line; its
/// last note is held to the end of its bar. So every tune is a whole number of bars.
///
/// ```
/// use deepcompose_core::InputTrack;
///
/// let track: InputTrack = "ode-to-joy".parse()?;
/// let score = track.score();
/// assert_eq!(track.name(), "Ode to Joy");
/// assert_eq!(score.note_count(), 62);
/// # Ok::<(), deepcompose_core::UnknownInputTrack>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InputTrack {
    /// Beethoven, Symphony no. 9, the theme of the finale: D major, 4/4, 16 bars.
    OdeToJoy,
    /// Traditional (*Ah! vous dirai-je, maman*): C major, 4/4, 12 bars.
    TwinkleTwinkle,
    /// Dvořák, Symphony no. 9 *From the New World*, the theme of the Largo: D flat major, 4/4, 8
    /// bars.
    NewWorldLargo,
    /// Traditional, Welsh (*Nos Galan*): F major, 4/4, 16 bars.
    DeckTheHalls,
    /// Traditional, English: G major, 3/4 with a pick-up, 17 bars.
    WeWishYouAMerryChristmas,
    /// Traditional, French: F major, 4/4, 8 bars.
    FrereJacques,
    /// Traditional, English: A minor, 6/8 with a pick-up, 17 bars.
    Greensleeves,
    /// *New Britain*, traditional, American: G major, 3/4 with a pick-up, 17 bars.
    AmazingGrace,
    /// Traditional, Scottish: F major, 4/4 with a pick-up, 17 bars.
    AuldLangSyne,
    /// Franz Xaver Gruber: C major, 6/8, 12 bars.
    SilentNight,
    /// Christian Petzold, from the notebook for Anna Magdalena Bach: G major, 3/4, 16 bars.
    MinuetInG,
    /// Traditional, French: G major, 4/4, 16 bars.
    AuClairDeLaLune,
}

/// A name that no [`InputTrack`] has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no input track {0:?}: the input tracks are {list}", list = slugs())]
pub struct UnknownInputTrack(pub String);

impl InputTrack {
    /// Every track.
    pub const ALL: [Self; 12] = [
        Self::OdeToJoy,
        Self::TwinkleTwinkle,
        Self::NewWorldLargo,
        Self::DeckTheHalls,
        Self::WeWishYouAMerryChristmas,
        Self::FrereJacques,
        Self::Greensleeves,
        Self::AmazingGrace,
        Self::AuldLangSyne,
        Self::SilentNight,
        Self::MinuetInG,
        Self::AuClairDeLaLune,
    ];

    /// The name in print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OdeToJoy => "Ode to Joy",
            Self::TwinkleTwinkle => "Twinkle Twinkle Little Star",
            Self::NewWorldLargo => "New World Largo",
            Self::DeckTheHalls => "Deck the Halls",
            Self::WeWishYouAMerryChristmas => "We Wish You a Merry Christmas",
            Self::FrereJacques => "Frère Jacques",
            Self::Greensleeves => "Greensleeves",
            Self::AmazingGrace => "Amazing Grace",
            Self::AuldLangSyne => "Auld Lang Syne",
            Self::SilentNight => "Silent Night",
            Self::MinuetInG => "Minuet in G",
            Self::AuClairDeLaLune => "Au clair de la lune",
        }
    }

    /// The name in file names and on command lines: lower-case words joined by hyphens.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::OdeToJoy => "ode-to-joy",
            Self::TwinkleTwinkle => "twinkle-twinkle",
            Self::NewWorldLargo => "new-world-largo",
            Self::DeckTheHalls => "deck-the-halls",
            Self::WeWishYouAMerryChristmas => "we-wish-you-a-merry-christmas",
            Self::FrereJacques => "frere-jacques",
            Self::Greensleeves => "greensleeves",
            Self::AmazingGrace => "amazing-grace",
            Self::AuldLangSyne => "auld-lang-syne",
            Self::SilentNight => "silent-night",
            Self::MinuetInG => "minuet-in-g",
            Self::AuClairDeLaLune => "au-clair-de-la-lune",
        }
    }

    /// The notes.
    #[must_use]
    pub fn score(self) -> Score {
        let tune = self.tune();
        let tpq = TicksPerQuarter::DEFAULT;
        let sixteenth = i64::from(tpq.get()) / 4;
        let mut notes = Vec::new();
        let mut start = Tick::saturating(i64::from(tune.rest) * sixteenth);
        for (pitch, sixteenths) in tune.phrases.iter().copied().flatten() {
            let duration = Tick::saturating(i64::from(*sixteenths) * sixteenth);
            let pitch = Pitch::saturating(i64::from(*pitch));
            notes.push(Note { start, pitch, duration, velocity: Velocity::DEFAULT });
            start = start.saturating_add(duration);
        }
        let mut score = Score::new(tpq);
        // The tables hold valid values only: a test builds every score and compares.
        if let Ok(tempo) = Tempo::from_bpm(tune.quarters_a_minute) {
            score.set_tempo(tempo);
        }
        if let Ok(value) = TimeSignature::try_from(tune.time) {
            score.set_time_signatures(vec![At { tick: Tick::ZERO, value }]);
        }
        if let Ok(value) = KeySignature::try_from(tune.key) {
            score.set_key_signatures(vec![At { tick: Tick::ZERO, value }]);
        }
        score.push_track(Track::new("Melody", Program::MIN).with_notes(notes));
        score
    }

    const fn tune(self) -> &'static Tune {
        match self {
            Self::OdeToJoy => &tunes::ODE_TO_JOY,
            Self::TwinkleTwinkle => &tunes::TWINKLE_TWINKLE,
            Self::NewWorldLargo => &tunes::NEW_WORLD_LARGO,
            Self::DeckTheHalls => &tunes::DECK_THE_HALLS,
            Self::WeWishYouAMerryChristmas => &tunes::WE_WISH_YOU,
            Self::FrereJacques => &tunes::FRERE_JACQUES,
            Self::Greensleeves => &tunes::GREENSLEEVES,
            Self::AmazingGrace => &tunes::AMAZING_GRACE,
            Self::AuldLangSyne => &tunes::AULD_LANG_SYNE,
            Self::SilentNight => &tunes::SILENT_NIGHT,
            Self::MinuetInG => &tunes::MINUET_IN_G,
            Self::AuClairDeLaLune => &tunes::AU_CLAIR_DE_LA_LUNE,
        }
    }
}

/// Takes a track's slug or name. Upper and lower case are the same, and so are spaces, hyphens and
/// underscores.
impl FromStr for InputTrack {
    type Err = UnknownInputTrack;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let plain = |name: &str| name.trim().to_lowercase().replace([' ', '_'], "-");
        let wanted = plain(s);
        Self::ALL
            .into_iter()
            .find(|track| track.slug() == wanted || plain(track.name()) == wanted)
            .ok_or_else(|| UnknownInputTrack(s.to_owned()))
    }
}

/// The name in print.
impl std::fmt::Display for InputTrack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

fn slugs() -> String {
    InputTrack::ALL.map(InputTrack::slug).join(", ")
}

#[cfg(test)]
mod tests;
