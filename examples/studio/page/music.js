// Reading scores: ticks and seconds, bars, names.

export const endTick = (score) =>
  score.tracks.reduce((end, track) => track.notes.reduce((e, n) => Math.max(e, n.start + n.duration), end), 0);

export const noteCount = (score) => score.tracks.reduce((sum, track) => sum + track.notes.length, 0);

export function secondsAt(score, tick) {
  let seconds = 0;
  const map = score.tempo_map;
  for (let i = 0; i < map.length && map[i].tick < tick; i++) {
    const until = i + 1 < map.length ? Math.min(tick, map[i + 1].tick) : tick;
    seconds += (until - map[i].tick) * map[i].value / 1e6 / score.ticks_per_quarter;
  }
  return seconds;
}

export function tickAt(score, seconds) {
  const map = score.tempo_map;
  let left = seconds;
  for (let i = 0; ; i++) {
    const perTick = map[i].value / 1e6 / score.ticks_per_quarter;
    const span = i + 1 < map.length ? (map[i + 1].tick - map[i].tick) * perTick : Infinity;
    if (left <= span) return map[i].tick + left / perTick;
    left -= span;
  }
}

/// Bars up to a tick: `{ start, length, beat }`.
export function bars(score, until) {
  const list = [];
  const signatures = score.time_signatures;
  let tick = 0;
  for (let i = 0; i < signatures.length && tick < until; i++) {
    const [numerator, denominator] = signatures[i].value;
    const beat = score.ticks_per_quarter * 4 / denominator;
    const end = i + 1 < signatures.length ? signatures[i + 1].tick : Infinity;
    while (tick < Math.min(end, until) && list.length < 10000) {
      const length = Math.min(beat * numerator, end - tick);
      list.push({ start: tick, length, beat });
      tick += length;
    }
  }
  return list;
}

const NAMES = ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B'];
/// Where in a bar its second chord begins: in the middle, but after two quarters of 3/4, and of 6/8 in classical music, whose bars are
/// not laid out by beats.
function secondChord({ length, beat }, quarter, classical) {
  const isLong = length > 4 * quarter;
  const inBeats = length === 3 * quarter && beat < quarter && !classical;
  return isLong || inBeats ? length / 2 : Math.min(length, 2 * quarter);
}

/// The chords of a text such as "Am F | C", over bars: `{ tick, name, first }`. One that goes on is not said again.
export function chordsOf(text, list, quarter, classical) {
  const chords = [];
  for (const [i, bar] of (text ? text.split('|') : []).entries()) {
    if (!list[i]) break;
    const { start } = list[i];
    const second = secondChord(list[i], quarter, classical);
    bar.trim().split(/\s+/).forEach((name, half) => {
      if (name && name !== chords.at(-1)?.name) chords.push({ tick: start + half * second, name, first: half === 0 });
    });
  }
  return chords;
}

export const pitchName = (pitch) => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);
export const isBlack = (pitch) => [1, 3, 6, 8, 10].includes(pitch % 12);

const MAJOR = ['C♭', 'G♭', 'D♭', 'A♭', 'E♭', 'B♭', 'F', 'C', 'G', 'D', 'A', 'E', 'B', 'F♯', 'C♯'];
const MINOR = ['A♭', 'E♭', 'B♭', 'F', 'C', 'G', 'D', 'A', 'E', 'B', 'F♯', 'C♯', 'G♯', 'D♯', 'A♯'];
export const keyName = (key) => (key ? `${(key[1] === 'minor' ? MINOR : MAJOR)[key[0] + 7]} ${key[1]}` : '–');

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

export const isDrum = (track) => track.program.is_drum;

/// The same score with another list of notes in a track.
export function withNotes(score, index, notes) {
  const sorted = [...notes].sort((a, b) => a.start - b.start || a.pitch - b.pitch);
  return { ...score, tracks: score.tracks.map((track, i) => (i === index ? { ...track, notes: sorted } : track)) };
}

const noteKey = (n) => `${n.start}:${n.pitch}:${n.duration}:${n.velocity}`;

/// What became of `base` in `score`: by track, which notes are new, and which of the base are gone.
export function difference(score, base) {
  return score.tracks.map((track, i) => {
    const before = base.tracks[i]?.notes ?? [];
    const left = new Map();
    for (const n of before) left.set(noteKey(n), (left.get(noteKey(n)) ?? 0) + 1);
    const fresh = track.notes.map((n) => {
      const count = left.get(noteKey(n)) ?? 0;
      if (count > 0) left.set(noteKey(n), count - 1);
      return count === 0;
    });
    const removed = [];
    for (const n of before) {
      const count = left.get(noteKey(n)) ?? 0;
      if (count > 0) { removed.push(n); left.set(noteKey(n), count - 1); }
    }
    return { fresh, removed };
  });
}

/// A track for a person.
export const trackName = (track, index, instruments) =>
  track.name || (isDrum(track) ? 'Drums' : instruments[track.program.program]) || `Track ${index + 1}`;
