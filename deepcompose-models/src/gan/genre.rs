//! [`Genre`] and the tracks that a genre's band is made of.

use std::fmt;
use std::str::FromStr;

use deepcompose_core::Program;
use serde::{Deserialize, Serialize};

use super::GanError;

/// A genre in which the GAN accompanies.
///
/// ```
/// use deepcompose_models::gan::{Genre, TrackRole};
///
/// let rock: Genre = "rock".parse()?;
/// let roles: Vec<_> = rock.tracks().iter().map(|t| t.role).collect();
/// assert_eq!(roles, TrackRole::ALL);
/// assert!(rock.tracks()[0].is_drum);
/// # Ok::<(), deepcompose_models::gan::GanError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Genre {
    /// Rock: drums, picked bass, overdriven guitar, organ.
    Rock,
    /// Pop: drums, finger bass, acoustic guitar, piano.
    Pop,
    /// Jazz: drums, double bass, jazz guitar, piano.
    Jazz,
    /// Classical: cello, string ensemble, piano; no drums.
    Classical,
    /// Country: drums, finger bass, steel-string guitar, piano.
    Country,
    /// Reggae: drums, finger bass, clean guitar, organ.
    Reggae,
    /// Electronic dance music: drums, synth bass, saw lead, synth pad.
    Edm,
}

impl Genre {
    /// Every genre, in the order of the network's genre input.
    pub const ALL: [Self; 7] =
        [Self::Rock, Self::Pop, Self::Jazz, Self::Classical, Self::Country, Self::Reggae, Self::Edm];

    /// The genre's place in [`Genre::ALL`], which is what the networks are given.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name in lower case, as [`FromStr`] reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rock => "rock",
            Self::Pop => "pop",
            Self::Jazz => "jazz",
            Self::Classical => "classical",
            Self::Country => "country",
            Self::Reggae => "reggae",
            Self::Edm => "edm",
        }
    }

    /// Where the shipped weights have the genre from; how many patterns there were is in their model card.
    ///
    /// ```
    /// use deepcompose_models::gan::{Genre, Provenance};
    ///
    /// assert_eq!(Genre::Classical.provenance(), Provenance::Composed);
    /// assert_eq!(Genre::Reggae.provenance(), Provenance::Synthetic);
    /// ```
    #[must_use]
    pub const fn provenance(self) -> Provenance {
        match self {
            Self::Classical => Provenance::Composed,
            Self::Rock | Self::Pop | Self::Jazz | Self::Country | Self::Reggae | Self::Edm => {
                Provenance::Synthetic
            }
        }
    }

    /// The accompaniment tracks of the genre, in the order of [`TrackRole::ALL`]. Classical has
    /// three (no drums), every other genre four.
    #[must_use]
    pub const fn tracks(self) -> &'static [AccompanimentTrack] {
        match self {
            Self::Rock => &ROCK,
            Self::Pop => &POP,
            Self::Jazz => &JAZZ,
            Self::Classical => &CLASSICAL,
            Self::Country => &COUNTRY,
            Self::Reggae => &REGGAE,
            Self::Edm => &EDM,
        }
    }
}

/// Where the music comes from that a genre of the shipped weights was learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Provenance {
    /// Music that people wrote or played.
    Composed,
    /// Melodies that people wrote, with bands that a program rendered by rules from a limited number of patterns.
    Synthetic,
}

impl fmt::Display for Genre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Genre {
    type Err = GanError;

    /// Reads a genre's name in any case.
    fn from_str(name: &str) -> Result<Self, GanError> {
        let wanted = name.trim();
        Self::ALL
            .into_iter()
            .find(|g| g.name().eq_ignore_ascii_case(wanted))
            .ok_or_else(|| GanError::UnknownGenre(name.chars().take(64).collect()))
    }
}

/// What a generated track does in the band. Each is one channel of the generator's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackRole {
    /// Percussion; pitches are General MIDI percussion keys.
    Drums,
    /// The lowest voice, one note at a time; two, now and then, in pop and EDM.
    Bass,
    /// Guitar, or what stands in for it: strings in classical music, a synth lead in EDM.
    Guitar,
    /// Piano, organ or pad.
    Keys,
}

impl TrackRole {
    /// Every role, in the order of the generator's output channels.
    pub const ALL: [Self; 4] = [Self::Drums, Self::Bass, Self::Guitar, Self::Keys];

    /// How many roles there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The role's channel.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name in lower case, as [`FromStr`] reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drums => "drums",
            Self::Bass => "bass",
            Self::Guitar => "guitar",
            Self::Keys => "keys",
        }
    }
}

impl fmt::Display for TrackRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for TrackRole {
    type Err = GanError;

    /// Reads a role's name in any case.
    fn from_str(name: &str) -> Result<Self, GanError> {
        let wanted = name.trim();
        Self::ALL.into_iter().find(|r| r.name().eq_ignore_ascii_case(wanted)).ok_or_else(|| {
            GanError::Malformed {
                what: "track role",
                reason: format!(
                    "{:?} is none of drums, bass, guitar, keys",
                    name.chars().take(64).collect::<String>()
                ),
            }
        })
    }
}

/// A set of [`TrackRole`]s: which tracks are to be generated, or which a piece has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Vec<TrackRole>", into = "Vec<TrackRole>")]
pub struct RoleSet(u8);

impl RoleSet {
    /// No role.
    pub const NONE: Self = Self(0);
    /// All four.
    pub const ALL: Self = Self((1 << TrackRole::COUNT) - 1);

    /// The roles that a genre has tracks for.
    #[must_use]
    pub fn of(genre: Genre) -> Self {
        genre.tracks().iter().map(|t| t.role).collect()
    }

    /// The same set with `role` in it.
    #[must_use]
    pub const fn with(self, role: TrackRole) -> Self {
        Self(self.0 | 1 << role.index())
    }

    /// The same set with `role` not in it.
    #[must_use]
    pub const fn without(self, role: TrackRole) -> Self {
        Self(self.0 & !(1 << role.index()))
    }

    /// Whether `role` is in the set.
    #[must_use]
    pub const fn contains(self, role: TrackRole) -> bool {
        self.0 >> role.index() & 1 == 1
    }

    /// Roles that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles, in the order of [`TrackRole::ALL`].
    pub fn iter(self) -> impl Iterator<Item = TrackRole> {
        TrackRole::ALL.into_iter().filter(move |r| self.contains(*r))
    }
}

impl FromIterator<TrackRole> for RoleSet {
    fn from_iter<I: IntoIterator<Item = TrackRole>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Vec<TrackRole>> for RoleSet {
    fn from(roles: Vec<TrackRole>) -> Self {
        roles.into_iter().collect()
    }
}

impl From<RoleSet> for Vec<TrackRole> {
    fn from(set: RoleSet) -> Self {
        set.iter().collect()
    }
}

/// A track of a genre's band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccompanimentTrack {
    /// What it does; also its channel in the generator's output.
    pub role: TrackRole,
    /// Its name, for the track's name event.
    pub name: &'static str,
    /// Its General MIDI program, counted from zero; for drums, the kit.
    pub program: u8,
    /// Whether it is percussion (MIDI channel 10).
    pub is_drum: bool,
}

impl AccompanimentTrack {
    /// The program as a checked value.
    #[must_use]
    pub fn program(&self) -> Program {
        Program::saturating(i64::from(self.program))
    }
}

/// Drums with a kit of General MIDI 2.
const fn drums(kit: u8) -> AccompanimentTrack {
    AccompanimentTrack { role: TrackRole::Drums, name: "Drums", program: kit, is_drum: true }
}

/// Kits by their programs, counted from zero.
const STANDARD: u8 = 0;
const POWER: u8 = 16;
const ELECTRONIC: u8 = 24;
const JAZZ_KIT: u8 = 32;

const fn pitched(role: TrackRole, name: &'static str, program: u8) -> AccompanimentTrack {
    AccompanimentTrack { role, name, program, is_drum: false }
}

use TrackRole::{Bass, Guitar, Keys};

static ROCK: [AccompanimentTrack; 4] = [
    drums(POWER),
    pitched(Bass, "Electric Bass (pick)", 34),
    pitched(Guitar, "Overdriven Guitar", 29),
    pitched(Keys, "Rock Organ", 18),
];
static POP: [AccompanimentTrack; 4] = [
    drums(STANDARD),
    pitched(Bass, "Electric Bass (finger)", 33),
    pitched(Guitar, "Acoustic Guitar (steel)", 25),
    pitched(Keys, "Acoustic Grand Piano", 0),
];
static JAZZ: [AccompanimentTrack; 4] = [
    drums(JAZZ_KIT),
    pitched(Bass, "Acoustic Bass", 32),
    pitched(Guitar, "Electric Guitar (jazz)", 26),
    pitched(Keys, "Acoustic Grand Piano", 0),
];
static CLASSICAL: [AccompanimentTrack; 3] = [
    pitched(Bass, "Cello", 42),
    pitched(Guitar, "String Ensemble 1", 48),
    pitched(Keys, "Acoustic Grand Piano", 0),
];
static COUNTRY: [AccompanimentTrack; 4] = [
    drums(STANDARD),
    pitched(Bass, "Electric Bass (finger)", 33),
    pitched(Guitar, "Acoustic Guitar (steel)", 25),
    pitched(Keys, "Acoustic Grand Piano", 0),
];
static REGGAE: [AccompanimentTrack; 4] = [
    drums(STANDARD),
    pitched(Bass, "Electric Bass (finger)", 33),
    pitched(Guitar, "Electric Guitar (clean)", 27),
    pitched(Keys, "Drawbar Organ", 16),
];
static EDM: [AccompanimentTrack; 4] = [
    drums(ELECTRONIC),
    pitched(Bass, "Synth Bass 1", 38),
    pitched(Guitar, "Lead 2 (sawtooth)", 81),
    pitched(Keys, "Pad 3 (polysynth)", 90),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn names_round_trip_in_any_case() {
        for genre in Genre::ALL {
            assert_eq!(genre.to_string().parse::<Genre>().unwrap(), genre);
            assert_eq!(genre.name().to_uppercase().parse::<Genre>().unwrap(), genre);
            assert_eq!(serde_json::to_string(&genre).unwrap(), format!("\"{genre}\""));
            assert_eq!(Genre::ALL[genre.index()], genre);
        }
        for role in TrackRole::ALL {
            assert_eq!(role.to_string().parse::<TrackRole>().unwrap(), role);
            assert_eq!(TrackRole::ALL[role.index()], role);
        }
        assert!(matches!("polka".parse::<Genre>(), Err(GanError::UnknownGenre(name)) if name == "polka"));
        assert!("".parse::<TrackRole>().is_err());
    }

    // General MIDI level 1 sound set: families of eight programs, counted from zero.
    #[test]
    fn programs_belong_to_the_roles_families() {
        for genre in Genre::ALL {
            for track in genre.tracks() {
                let family = track.program / 8;
                let fits = match (genre, track.role) {
                    // General MIDI 2: 1 standard, 17 power, 25 electronic, 33 jazz; others fall back to standard.
                    (Genre::Rock, TrackRole::Drums) => track.program == 17 - 1,
                    (Genre::Edm, TrackRole::Drums) => track.program == 25 - 1,
                    (Genre::Jazz, TrackRole::Drums) => track.program == 33 - 1,
                    (_, TrackRole::Drums) => track.program == 1 - 1,
                    (Genre::Classical, Bass) => track.program == 42,
                    (_, Bass) => family == 4,
                    (Genre::Classical, Guitar) => family == 6,
                    (Genre::Edm, Guitar) => family == 10,
                    (_, Guitar) => family == 3,
                    (Genre::Edm, Keys) => family == 11,
                    (_, Keys) => family == 0 || family == 2,
                };
                assert!(fits, "{genre} {track:?}");
                assert_eq!(track.is_drum, track.role == TrackRole::Drums);
            }
        }
    }

    #[test]
    fn role_sets() {
        assert_eq!(RoleSet::of(Genre::Rock), RoleSet::ALL);
        assert_eq!(RoleSet::of(Genre::Classical), RoleSet::ALL.without(TrackRole::Drums));
        let set = RoleSet::NONE.with(Keys).with(Bass).with(Bass);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Bass, Keys]);
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["bass","keys"]"#);
        assert_eq!(serde_json::from_str::<RoleSet>(r#"["keys","bass"]"#).unwrap(), set);
        assert_eq!(set.intersection(RoleSet::NONE.with(Bass)), RoleSet::NONE.with(Bass));
        assert!(RoleSet::NONE.is_empty());
    }
}
