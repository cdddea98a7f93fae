// Playing: the server renders each track, the page mixes them.

import { postForBuffer, getBuffer } from './api.js';
import { secondsAt, endTick } from './music.js';
import { toast } from './dom.js';

/// Most seconds of sound kept as separate tracks; longer scores are one mix.
const MOST_STEM_SECONDS = 1500;
const MOST_KEPT_SECONDS = 2 * MOST_STEM_SECONDS;
/// How long a mix is left to settle before it is rendered anew, in milliseconds.
const SETTLE = 200;

let context;
let master;
const buffers = new Map();
const pendingBuffers = new Map();
let playing = null;
/// Whether the sound of what is to be played is being made.
let loading = false;
let resumeAt = 0;
const mix = [];
let onChange = () => {};

export const setListener = (listener) => { onChange = listener; };

export function audio() {
  if (!context) {
    context = new AudioContext();
    master = context.createDynamicsCompressor();
    master.threshold.value = -6;
    master.ratio.value = 6;
    master.connect(context.destination);
  }
  if (context.state === 'suspended') context.resume();
  return context;
}

export const channel = (index) => (mix[index] ??= { mute: false, solo: false, volume: 1 });
export const resetMix = () => { mix.length = 0; };

/// How loud each track is, with mute and solo.
export function gains(score) {
  const soloed = score.tracks.some((_, i) => channel(i).solo);
  return score.tracks.map((_, i) => {
    const { mute, solo, volume } = channel(i);
    return mute || (soloed && !solo) ? 0 : volume;
  });
}

export function mixChanged(score) {
  if (!playing || playing.mixed) {
    clearTimeout(settling);
    settling = setTimeout(() => replay(score), SETTLE);
    return;
  }
  gains(score).forEach((gain, i) => playing.gains[i]?.gain.setTargetAtTime(gain, context.currentTime, 0.015));
}

async function rendered(score, trackGains) {
  const key = JSON.stringify([score.tempo_map, score.ticks_per_quarter, score.tracks.map((t) => [t.program, t.notes, t.controls, t.pitch_bends]), trackGains]);
  if (buffers.has(key)) {
    const buffer = buffers.get(key);
    buffers.delete(key);
    buffers.set(key, buffer);
    return buffer;
  }
  if (!pendingBuffers.has(key)) {
    const job = postForBuffer('/api/audio', { score, gains: trackGains ?? [] })
      .then((bytes) => audio().decodeAudioData(bytes))
      .then((buffer) => {
        buffers.set(key, buffer);
        let seconds = [...buffers.values()].reduce((sum, kept) => sum + kept.duration, 0);
        for (const [old, kept] of buffers) {
          if (seconds <= MOST_KEPT_SECONDS || old === key) break;
          buffers.delete(old);
          seconds -= kept.duration;
        }
        return buffer;
      })
      .finally(() => pendingBuffers.delete(key));
    pendingBuffers.set(key, job);
  }
  return pendingBuffers.get(key);
}

async function stems(score) {
  const seconds = secondsAt(score, endTick(score));
  if (seconds * score.tracks.length > MOST_STEM_SECONDS) return { mixed: true, buffers: [await rendered(score, gains(score))] };
  const alone = (track) => (track.notes.length ? rendered({ ...score, tracks: [track] }) : null);
  return { mixed: false, buffers: await Promise.all(score.tracks.map(alone)) };
}

let turn = 0;
let settling;

/// From a place in seconds, or from where playing is or was when the sound has been made.
export async function play(score, place = null) {
  audio();
  const mine = ++turn;
  loading = true;
  onChange();
  let loaded;
  try {
    loaded = await stems(score);
  } catch (error) {
    if (mine === turn) { loading = false; onChange(); }
    throw error;
  }
  // Something else was asked for while the sound was made.
  if (mine !== turn) return;
  loading = false;
  const from = place ?? position();
  halt();
  const length = secondsAt(score, endTick(score));
  const offset = from >= length - 0.05 ? 0 : Math.max(0, from);
  const at = context.currentTime + 0.03;
  const levels = loaded.mixed ? [1] : gains(score);
  const sources = [];
  const nodes = loaded.buffers.map((buffer, i) => {
    const gain = context.createGain();
    gain.gain.value = levels[i];
    gain.connect(master);
    if (buffer) {
      const source = context.createBufferSource();
      source.buffer = buffer;
      source.connect(gain);
      source.start(at, Math.min(offset, buffer.duration));
      sources.push(source);
    }
    return gain;
  });
  playing = { at, offset, length, sources, gains: nodes, mixed: loaded.mixed };
  onChange();
}

function halt() {
  if (!playing) return;
  playing.sources.forEach((source) => { try { source.stop(); } catch { /* had ended */ } });
  playing.gains.forEach((gain) => gain.disconnect());
  playing = null;
}

export function pause() {
  turn++;
  loading = false;
  resumeAt = position();
  halt();
  onChange();
}

export function seek(seconds, score) {
  resumeAt = Math.max(0, seconds);
  if (playing || loading) again(score, resumeAt);
  onChange();
}

/// The same place in music that has changed.
export function replay(score) {
  if (playing || loading) again(score);
}

/// Where it cannot be played, nothing else is.
const again = (score, place = null) => play(score, place).catch((error) => {
  pause();
  toast(error.message, 'error');
});

export const isPlaying = () => playing !== null;
export const isLoading = () => loading;

/// Where playing is, in seconds.
export function position() {
  if (!playing) return resumeAt;
  const now = playing.offset + Math.max(0, context.currentTime - playing.at);
  if (now > playing.length + 1) {
    halt();
    resumeAt = 0;
    queueMicrotask(onChange);
    return 0;
  }
  return now;
}

// The virtual keyboard: every third key of an instrument in one buffer, the keys between by speed.
const LOWEST_KEY = 36;
const KEY_SECONDS = 3;
const keyBuffers = new Map();

export function loadKeys(program) {
  if (!keyBuffers.has(program)) {
    const job = getBuffer(`/api/keys?program=${program}`).then((bytes) => audio().decodeAudioData(bytes));
    job.catch(() => keyBuffers.delete(program));
    keyBuffers.set(program, job);
  }
  return keyBuffers.get(program);
}

/// Sounds a key; the answer lets go of it.
export function keyDown(program, pitch, velocity = 100) {
  const started = audio().currentTime;
  let release = null;
  let released = false;
  loadKeys(program).then((buffer) => {
    // Too late to be of use.
    if (context.currentTime - started > 0.5) return;
    const key = Math.min(16, Math.max(0, Math.round((pitch - LOWEST_KEY) / 3)));
    const source = context.createBufferSource();
    const gain = context.createGain();
    source.buffer = buffer;
    source.playbackRate.value = 2 ** ((pitch - LOWEST_KEY - 3 * key) / 12);
    gain.gain.value = velocity / 110;
    source.connect(gain).connect(master);
    source.start(0, key * KEY_SECONDS, KEY_SECONDS);
    release = () => {
      gain.gain.setTargetAtTime(0, context.currentTime, 0.06);
      source.stop(context.currentTime + 0.5);
    };
    if (released) setTimeout(release, 120);
  }).catch(() => {});
  return () => { released = true; release?.(); };
}

/// A click of the metronome.
export function click(at, accent) {
  const oscillator = audio().createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = accent ? 1600 : 1100;
  gain.gain.setValueAtTime(0.25, at);
  gain.gain.exponentialRampToValueAtTime(0.001, at + 0.05);
  oscillator.connect(gain).connect(master);
  oscillator.start(at);
  oscillator.stop(at + 0.06);
}
