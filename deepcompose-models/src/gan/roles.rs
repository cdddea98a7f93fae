//! Which of a score's tracks plays which [`TrackRole`].

use deepcompose_core::{Score, Track, melody_track};

use super::genre::{Genre, RoleSet, TrackRole};

/// The tracks of a score by what they do, as indices into [`Score::tracks`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAssignment {
    /// The melody.
    pub melody: usize,
    /// The tracks of each role, in the order of [`TrackRole::ALL`].
    pub roles: [Vec<usize>; TrackRole::COUNT],
}

impl RoleAssignment {
    /// The tracks of one role.
    #[must_use]
    pub fn tracks(&self, role: TrackRole) -> &[usize] {
        &self.roles[role.index()]
    }

    /// The roles that have a track.
    #[must_use]
    pub fn present(&self) -> RoleSet {
        TrackRole::ALL.into_iter().filter(|r| !self.tracks(*r).is_empty()).collect()
    }
}

/// Assigns the tracks that have notes to roles; `None` if there is no melody.
///
/// In this order, each track once, the melody never:
///
/// 1. Percussion plays drums.
/// 2. A bass program (32..=39), a contrabass (43) or tuba (58), in classical music a cello (42) or
///    bassoon (70), and a track called bass or walk whose program is no guitar, brass, reed or pipe
///    (24..=31, 56..=79), plays bass.
/// 3. Guitars (24..=31), banjo and other plucked strings (104..=107) play guitar; in classical music
///    all other strings and winds (40..=79); in EDM synth leads (80..=87).
/// 4. Pianos, chromatic percussion and organs (0..=23) and synth pads (88..=95) play keys.
/// 5. If nothing plays guitar, the tracks left over do; failing those, and if there are two or more
///    keyboards, the last of them.
/// 6. If nothing plays keys, the tracks still left over do; otherwise they are not used.
#[must_use]
pub fn assign_roles(score: &Score, genre: Genre, melody: Option<usize>) -> Option<RoleAssignment> {
    let melody = match melody {
        Some(index) => Some(index).filter(|i| score.tracks().get(*i).is_some_and(|t| !t.notes().is_empty())),
        None => melody_track(score),
    }?;
    let mut roles: [Vec<usize>; TrackRole::COUNT] = Default::default();
    let mut rest = Vec::new();
    for (index, track) in score.tracks().iter().enumerate() {
        if index == melody || track.notes().is_empty() {
            continue;
        }
        match role_of(track, genre) {
            Some(role) => roles[role.index()].push(index),
            None => rest.push(index),
        }
    }
    let [_, _, guitar, keys] = &mut roles;
    if guitar.is_empty() {
        if !rest.is_empty() {
            guitar.append(&mut rest);
        } else if keys.len() > 1 {
            guitar.extend(keys.pop());
        }
    }
    if keys.is_empty() {
        keys.append(&mut rest);
    }
    Some(RoleAssignment { melody, roles })
}

fn role_of(track: &Track, genre: Genre) -> Option<TrackRole> {
    if track.is_drum() {
        return Some(TrackRole::Drums);
    }
    if is_bass(track, Some(genre)) {
        return Some(TrackRole::Bass);
    }
    match (track.program().get(), genre) {
        (24..=31 | 104..=107, _) => Some(TrackRole::Guitar),
        (40..=79, Genre::Classical) | (80..=87, Genre::Edm) => Some(TrackRole::Guitar),
        (0..=23 | 88..=95, _) => Some(TrackRole::Keys),
        _ => None,
    }
}

fn is_bass(track: &Track, genre: Option<Genre>) -> bool {
    let classical = genre == Some(Genre::Classical);
    !track.is_drum()
        && match track.program().get() {
            32..=39 | 43 | 58 => true,
            42 | 70 if classical => true,
            24..=31 | 56..=79 => false,
            _ => names(track, &["bass", "walk"]),
        }
}

fn names(track: &Track, words: &[&str]) -> bool {
    let name = track.name().to_lowercase();
    words.iter().any(|w| name.contains(w))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use deepcompose_core::{Note, Pitch, Program, Tick, Velocity};

    fn score(tracks: &[(&str, u32, bool, u32)]) -> Score {
        let mut score = Score::default();
        for (name, program, drum, pitch) in tracks {
            let program = Program::new(*program).unwrap();
            let track = if *drum { Track::drums(*name, program) } else { Track::new(*name, program) };
            score.push_track(track.with_notes(vec![Note {
                start: Tick::ZERO,
                pitch: Pitch::new(*pitch).unwrap(),
                duration: Tick::new(480).unwrap(),
                velocity: Velocity::DEFAULT,
            }]));
        }
        score
    }

    fn roles(score: &Score, genre: Genre) -> [Vec<usize>; 4] {
        assign_roles(score, genre, None).unwrap().roles
    }

    #[test]
    fn a_rock_band() {
        let band = score(&[
            ("Melody", 73, false, 72),
            ("Drum", 0, true, 36),
            ("Walk", 33, false, 36),
            ("Chord-Sus", 49, false, 60),
            ("Chord-Guitar", 27, false, 55),
            ("Chord", 3, false, 60),
            ("Bass", 33, false, 31),
        ]);
        assert_eq!(roles(&band, Genre::Rock), [vec![1], vec![2, 6], vec![4], vec![5]]);
    }

    #[test]
    fn an_empty_guitar_takes_what_is_left_then_a_second_keyboard() {
        let strings = score(&[("Melody", 73, false, 72), ("Pad", 49, false, 60), ("Chord", 0, false, 60)]);
        assert_eq!(roles(&strings, Genre::Pop), [vec![], vec![], vec![1], vec![2]]);
        let two = score(&[("Melody", 73, false, 72), ("Chord-1", 2, false, 60), ("Chord", 2, false, 60)]);
        assert_eq!(roles(&two, Genre::Country), [vec![], vec![], vec![2], vec![1]]);
        let one = score(&[("Melody", 73, false, 72), ("Chord", 2, false, 60)]);
        assert_eq!(roles(&one, Genre::Country), [vec![], vec![], vec![], vec![1]]);
    }

    #[test]
    fn a_string_quartet() {
        let quartet = score(&[
            ("Violin I", 40, false, 76),
            ("Violin II", 40, false, 67),
            ("Viola", 41, false, 60),
            ("Violoncello", 42, false, 48),
        ]);
        let assignment = assign_roles(&quartet, Genre::Classical, None).unwrap();
        assert_eq!(assignment.melody, 0);
        assert_eq!(assignment.roles, [vec![], vec![3], vec![1, 2], vec![]]);
        assert_eq!(assignment.present().iter().collect::<Vec<_>>(), [TrackRole::Bass, TrackRole::Guitar]);
    }

    #[test]
    fn a_melody_that_is_not_there_gives_no_roles() {
        let band = score(&[("", 33, false, 90), ("", 0, false, 60), ("", 0, false, 70)]);
        assert_eq!(assign_roles(&band, Genre::Rock, Some(9)), None);
    }
}
