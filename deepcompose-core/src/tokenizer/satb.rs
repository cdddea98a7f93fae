//! [`SatbTokenizer`]: four voices on a sixteenth grid.

use super::report::{DecodeReport, EncodeReport};
use super::{Decoded, TokenId, TokenType, Tokenizer};
use crate::roll::{PianoRoll, span};
use crate::score::{Note, Score, Track};
use crate::units::{Pitch, Program, StepsPerBeat, Tick, TicksPerQuarter, Velocity};

/// One step of four voices: soprano, alto, tenor, bass; `None` is a rest.
pub type Voices = [Option<Pitch>; 4];

/// Four voices on a sixteenth grid, the protocol on which published likelihoods of Bach's chorales
/// compare (Boulanger-Lewandowski et al. 2012; the 16th-grid split of Huang et al. 2017,
/// *Counterpoint by Convolution*): every step is four tokens, soprano, alto, tenor, bass, each a
/// pitch or a rest.
///
/// | ids | token |
/// |---|---|
/// | 0..128 | `PITCH`, the MIDI pitch |
/// | 128 | `REST` |
/// | 129 | `START` |
/// | 130 | `PAD` |
///
/// As in that protocol, a held note and a repeated one are the same thing: decoding joins equal
/// pitches of neighbouring steps into one note. Velocity, tempo and metre are not encoded.
///
/// **Which notes are which voice.** If the score has exactly one pitched track for each of the
/// names soprano, alto, tenor and bass (in any case, one of them as a word of the track's name),
/// these are the voices. Else, if exactly four pitched tracks have notes, they are the voices from
/// the highest mean pitch to the lowest. In either case a voice that sounds several pitches at
/// once has the highest of them, the bass the lowest. Any other score is taken as one texture and
/// split step by step: the highest pitch is the soprano and the lowest the bass; of those between,
/// the highest is the alto and the lowest the tenor (a single one is the alto); a lone pitch is
/// the soprano.
///
/// Decoding always gives four tracks named after the voices, and gives every voice a place in
/// every step: an id outside the vocabulary is a rest.
///
/// ```
/// use deepcompose_core::{Pitch, SatbTokenizer, Tokenizer};
///
/// let chord = [72, 67, 64, 48].map(|p| Pitch::new(p).ok());
/// let tokens = SatbTokenizer.encode_voices(&[chord, chord]);
/// assert_eq!(tokens, [72, 67, 64, 48, 72, 67, 64, 48]);
/// let decoded = SatbTokenizer.decode(&tokens);
/// assert_eq!(decoded.score.note_count(), 4); // an eighth note in each voice
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SatbTokenizer;

impl SatbTokenizer {
    /// How many tokens there are.
    pub const VOCABULARY_SIZE: usize = 131;
    /// The token of a rest.
    pub const REST_ID: TokenId = 128;
    /// The token that begins a piece.
    pub const START_ID: TokenId = 129;
    /// The token that fills a sequence.
    pub const PAD_ID: TokenId = 130;
    /// The longest piece in steps, as for a piano roll. What lies past it is left out.
    pub const MAX_STEPS: usize = PianoRoll::MAX_STEPS;
    /// The names of the voices, in the order of their tokens.
    pub const VOICE_NAMES: [&'static str; 4] = ["Soprano", "Alto", "Tenor", "Bass"];

    /// Four tokens a step, with no start token.
    #[must_use]
    pub fn encode_voices(&self, voices: &[Voices]) -> Vec<TokenId> {
        let id = |voice: &Option<Pitch>| voice.map_or(Self::REST_ID, u32::from);
        voices.iter().flatten().map(id).collect()
    }

    /// The voices that the tokens say. A step whose last voices are missing gets rests for them.
    #[must_use]
    pub fn decode_voices(&self, tokens: &[TokenId]) -> (Vec<Voices>, DecodeReport) {
        let mut report = DecodeReport::default();
        let mut cells = Vec::with_capacity(tokens.len());
        let mut pads = 0;
        for (index, token) in tokens.iter().enumerate() {
            if *token == Self::PAD_ID {
                pads += 1;
                continue;
            }
            report.misplaced_pad += std::mem::take(&mut pads);
            match *token {
                0..128 => cells.push(Pitch::new(*token).ok()),
                Self::REST_ID => cells.push(None),
                Self::START_ID => report.misplaced_start += usize::from(index > 0),
                _ => {
                    report.unknown_ids += 1;
                    cells.push(None);
                }
            }
        }
        report.missing_voices = cells.len().next_multiple_of(4) - cells.len();
        let voice = |step: &[Option<Pitch>], v: usize| step.get(v).copied().flatten();
        let voices = cells.chunks(4).map(|step| [0, 1, 2, 3].map(|v| voice(step, v))).collect();
        (voices, report)
    }

    /// The four voices of a score, step by step, as the type's documentation says, up to the last
    /// step in which one sounds, and what had to be left out.
    #[must_use]
    pub fn voices(&self, score: &Score) -> (Vec<Voices>, EncodeReport) {
        let tracks: Vec<&Track> = score.tracks().iter().filter(|t| !t.is_drum()).collect();
        let mut report = EncodeReport {
            drums: score.tracks().iter().filter(|t| t.is_drum()).map(|t| t.notes().len()).sum(),
            ..EncodeReport::default()
        };
        let order = voice_tracks(&tracks);
        let parts: Vec<&Track> = match order {
            Some(order) => order.into_iter().filter_map(|i| tracks.get(i).copied()).collect(),
            None => tracks.clone(),
        };
        let notes = |tracks: &[&Track]| tracks.iter().map(|t| t.notes().len()).sum::<usize>();
        report.other_tracks = notes(&tracks) - notes(&parts);

        let range = |n: &Note| span(n, score.ticks_per_quarter(), StepsPerBeat::DEFAULT);
        let ends = parts.iter().flat_map(|t| t.notes()).map(|n| range(n).end);
        let steps = ends.max().unwrap_or(0).min(Self::MAX_STEPS);
        let mut sounding = vec![[0_u128; 4]; steps];
        for (part, track) in parts.iter().enumerate() {
            let voice = if order.is_some() { part } else { 0 };
            // The notes are in order: what earlier ones of a pitch have filled need not be filled again.
            let mut filled = [0; 128];
            for note in track.notes() {
                let range = range(note);
                report.over_limit += usize::from(range.start >= Self::MAX_STEPS);
                let filled: &mut usize = &mut filled[usize::from(note.pitch.get())];
                let cells =
                    sounding.get_mut(range.start.max(*filled)..range.end.min(steps)).unwrap_or_default();
                cells.iter_mut().for_each(|cell| cell[voice] |= 1 << note.pitch.get());
                *filled = range.end.max(*filled);
            }
        }
        let count = |sets: &[u128]| sets.iter().map(|set| set.count_ones() as usize).sum::<usize>();
        let voices: Vec<Voices> = sounding
            .iter()
            .map(|sets| match (order, sets) {
                (Some(_), [s, a, t, b]) => [highest(*s), highest(*a), highest(*t), lowest(*b)],
                (None, [texture, ..]) => split(*texture),
            })
            .collect();
        report.surplus_cells = count(sounding.as_flattened()) - voices.iter().flatten().flatten().count();
        (voices, report)
    }

    /// A score of four voices, each step a sixteenth note, in 4/4 at 120 quarter notes a minute.
    /// Equal pitches of neighbouring steps are one note. What lies past [`Tick::MAX`] is left out.
    #[must_use]
    pub fn score(&self, voices: &[Voices]) -> Score {
        let tpq = TicksPerQuarter::DEFAULT;
        let sixteenth = i64::from(tpq.get()) / 4;
        let tick = |step: usize| Tick::saturating((step as i64).saturating_mul(sixteenth));
        let mut score = Score::new(tpq);
        for (voice, name) in Self::VOICE_NAMES.into_iter().enumerate() {
            let mut notes = Vec::new();
            let mut step = 0;
            for run in voices.chunk_by(|a, b| a[voice] == b[voice]) {
                let start = tick(step);
                step += run.len();
                if let Some(pitch) = run.first().and_then(|first| first[voice])
                    && start < Tick::MAX
                {
                    let duration = tick(step).saturating_sub(start);
                    notes.push(Note { start, pitch, duration, velocity: Velocity::DEFAULT });
                }
            }
            score.push_track(Track::new(name, Program::MIN).with_notes(notes));
        }
        score
    }
}

impl Tokenizer for SatbTokenizer {
    fn vocabulary_size(&self) -> usize {
        Self::VOCABULARY_SIZE
    }

    fn encode(&self, score: &Score) -> Vec<TokenId> {
        let mut tokens = vec![Self::START_ID];
        tokens.extend(self.encode_voices(&self.voices(score).0));
        tokens
    }

    fn decode(&self, tokens: &[TokenId]) -> Decoded {
        let (voices, mut repairs) = self.decode_voices(tokens);
        // A sixteenth is 120 ticks.
        let steps_in_range = (Tick::MAX.get() as usize).div_ceil(120);
        let beyond = voices.get(steps_in_range..).unwrap_or_default();
        repairs.past_end = beyond.iter().flatten().flatten().count();
        Decoded { score: self.score(&voices), repairs }
    }

    fn token_name(&self, token: TokenId) -> Option<String> {
        self.token_type(token).map(|token_type| match token_type {
            TokenType::Start => String::from("START"),
            TokenType::Pad => String::from("PAD"),
            TokenType::Rest => String::from("REST"),
            _ => format!("PITCH_{token}"),
        })
    }

    fn token_type(&self, token: TokenId) -> Option<TokenType> {
        match token {
            0..128 => Some(TokenType::Pitch),
            Self::REST_ID => Some(TokenType::Rest),
            Self::START_ID => Some(TokenType::Start),
            Self::PAD_ID => Some(TokenType::Pad),
            _ => None,
        }
    }

    fn may_follow(&self, before: TokenType, after: TokenType) -> bool {
        use TokenType::{Pad, Pitch, Rest, Start};
        match before {
            Start | Pitch | Rest => matches!(after, Pitch | Rest | Pad),
            Pad => after == Pad,
            _ => false,
        }
    }
}

/// The tracks that are soprano, alto, tenor and bass, if there are such.
fn voice_tracks(tracks: &[&Track]) -> Option<[usize; 4]> {
    let named = |voice: &str| {
        let has = |track: &Track| {
            track.name().split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case(voice))
        };
        let mut found = tracks.iter().enumerate().filter(|(_, t)| has(t)).map(|(i, _)| i);
        found.next().filter(|_| found.next().is_none())
    };
    if let [Some(s), Some(a), Some(t), Some(b)] = SatbTokenizer::VOICE_NAMES.map(named) {
        let mut distinct = [s, a, t, b];
        distinct.sort_unstable();
        if distinct.windows(2).all(|pair| pair[0] != pair[1]) {
            return Some([s, a, t, b]);
        }
    }
    let mut used: Vec<(f64, usize)> = tracks
        .iter()
        .enumerate()
        .filter(|(_, t)| !t.notes().is_empty())
        .map(|(i, t)| {
            let sum: f64 = t.notes().iter().map(|n| f64::from(n.pitch.get())).sum();
            (sum / t.notes().len() as f64, i)
        })
        .collect();
    // Stable: of equal means the track that comes first is the higher voice.
    used.sort_by(|a, b| b.0.total_cmp(&a.0));
    let order: Vec<usize> = used.into_iter().map(|(_, i)| i).collect();
    order.try_into().ok()
}

/// Splits the pitches of one step, a bit each.
fn split(pitches: u128) -> Voices {
    let without = |set: u128, pitch: Option<Pitch>| set & !pitch.map_or(0, |p| 1 << p.get());
    let soprano = highest(pitches);
    let rest = without(pitches, soprano);
    let bass = lowest(rest);
    let rest = without(rest, bass);
    let alto = highest(rest);
    let tenor = lowest(without(rest, alto));
    [soprano, alto, tenor, bass]
}

fn highest(pitches: u128) -> Option<Pitch> {
    pitches.checked_ilog2().and_then(|bit| Pitch::new(bit).ok())
}

fn lowest(pitches: u128) -> Option<Pitch> {
    // Of no pitches at all there are 128 zeros, which is no pitch.
    Pitch::new(pitches.trailing_zeros()).ok()
}

#[cfg(test)]
mod tests;
