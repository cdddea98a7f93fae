// The piano roll on a canvas: notes of all tracks, what is new and what is gone, the cursor, and what a model is doing.

import { $ } from './dom.js';
import { bars, chordsOf, endTick, secondsAt, tickAt, isBlack, isDrum, pitchName, difference } from './music.js';

const RULER = 24;
const CHORDS = 18;
const KEYS = 44;
const MIN_ROWS = 25;

const canvas = $('roll');
const frame = $('roll-frame');
const space = $('roll-space');
const pen = canvas.getContext('2d');

/// What is drawn. `live` is `{ cells: Map, notes: [], recent: [] }` while a model works.
const view = {
  score: null, chords: null, classical: false, base: null, changes: null, active: 0, selection: null, drag: null, live: null, cursor: 0,
  silent: () => false, edit: false,
  // 1 shows all of it. Without a number it is that, or as much of it as can be seen well.
  zoom: null,
};
let bounds = { low: 48, high: 84, end: 0, bars: [], chords: [] };
/// Height of what is above the notes: bar numbers, and chords where they are known.
let header = RULER;
let colours = {};
let scale = 1;
let size = { width: 0, height: 0 };
let queued = false;

export function set(changes) {
  Object.assign(view, changes);
  if ('score' in changes || 'chords' in changes || 'base' in changes || 'live' in changes || 'edit' in changes) measure();
  if ('zoom' in changes) fit();
  draw();
}

export const state = view;

function measure() {
  const { score, base, live } = view;
  if (!score) return;
  view.changes = base ? difference(score, base) : null;
  let low = 127; let high = 0;
  let end = Math.max(endTick(score), base ? endTick(base) : 0, live?.end ?? 0);
  const see = (note) => { low = Math.min(low, note.pitch); high = Math.max(high, note.pitch); };
  for (const track of score.tracks) track.notes.forEach(see);
  if (base) for (const track of base.tracks) track.notes.forEach(see);
  if (live) live.pitches.forEach((pitch) => see({ pitch }));
  if (low > high) { low = 60; high = 72; }
  low -= 2; high += 2;
  const missing = MIN_ROWS - (high - low + 1);
  if (missing > 0) { low -= Math.floor(missing / 2); high += Math.ceil(missing / 2); }
  low = Math.max(0, low); high = Math.min(127, high);
  let list = bars(score, Math.max(end, 1));
  // Room to write into.
  if (view.edit) list = bars(score, list.at(-1).start + list.at(-1).length * 3);
  const last = list.at(-1);
  end = Math.max(end, last ? last.start + last.length : end);
  const chords = chordsOf(view.live ? null : view.chords, list, score.ticks_per_quarter, view.classical);
  header = chords.length ? RULER + CHORDS : RULER;
  bounds = { low, high, end, bars: list, chords };
  fit();
}

/// At a zoom of 1.
const perTick = () => Math.max(50, size.width - KEYS) / Math.max(1, bounds.end);

export const zoomNow = () => view.zoom ?? Math.max(1, 26 / (perTick() * (bounds.bars[0]?.length ?? 1920)));

function fit() {
  scale = perTick() * zoomNow();
  space.style.width = `${Math.ceil(bounds.end * scale + KEYS)}px`;
}

export function resize() {
  const box = frame.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  size = { width: frame.clientWidth || box.width, height: frame.clientHeight || box.height };
  canvas.width = Math.round(size.width * ratio);
  canvas.height = Math.round(size.height * ratio);
  canvas.style.width = `${size.width}px`;
  canvas.style.height = `${size.height}px`;
  fit();
  draw();
}

export function readColours() {
  const style = getComputedStyle(document.body);
  const read = (name) => style.getPropertyValue(name).trim();
  const swatch = document.createElement('span');
  swatch.hidden = true;
  document.body.append(swatch);
  const resolve = (name) => { swatch.style.color = ''; swatch.style.color = `var(${name})`; return getComputedStyle(swatch).color; };
  colours = {
    back: resolve('--roll'), black: resolve('--roll-black'), line: resolve('--roll-line'), bar: resolve('--roll-bar'),
    ink: resolve('--ink'), soft: resolve('--soft'), accent: resolve('--accent'), key: resolve('--key'), keyInk: resolve('--key-ink'),
    gone: resolve('--gone'), tracks: Array.from({ length: 8 }, (_, i) => resolve(`--track-${i}`)),
    font: read('--font') || 'sans-serif',
  };
  swatch.remove();
  draw();
}

export const trackColour = (index) => `var(--track-${index % 8})`;

const rowHeight = () => (size.height - header) / (bounds.high - bounds.low + 1);
const x = (tick) => KEYS + tick * scale - frame.scrollLeft;
const y = (pitch) => header + (bounds.high - pitch) * rowHeight();

export const tickOf = (px) => Math.max(0, (px - KEYS + frame.scrollLeft) / scale);
export const pitchOf = (py) => Math.min(127, Math.max(0, bounds.high - Math.floor((py - header) / rowHeight())));

export function draw() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => { queued = false; paint(); });
}

function paint() {
  if (!view.score || !colours.tracks) return;
  const ratio = window.devicePixelRatio || 1;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = colours.back;
  pen.fillRect(0, 0, size.width, size.height);
  grid();
  pen.save();
  pen.beginPath();
  pen.rect(KEYS, header, size.width - KEYS, size.height - header);
  pen.clip();
  notes();
  if (view.live) live();
  pen.restore();
  keyboard();
  ruler();
  cursor();
}

function grid() {
  const height = rowHeight();
  for (let pitch = bounds.low; pitch <= bounds.high; pitch++) {
    if (isBlack(pitch)) {
      pen.fillStyle = colours.black;
      pen.fillRect(KEYS, y(pitch), size.width, height);
    } else if (pitch % 12 === 0) {
      pen.fillStyle = colours.line;
      pen.fillRect(KEYS, y(pitch) + height - 1, size.width, 1);
    }
  }
  for (const bar of bounds.bars) {
    if (x(bar.start + bar.length) < KEYS || x(bar.start) > size.width) continue;
    if (bar.beat * scale > 9) {
      pen.fillStyle = colours.line;
      for (let tick = bar.start + bar.beat; tick < bar.start + bar.length; tick += bar.beat) {
        pen.fillRect(Math.round(x(tick)), header, 1, size.height);
      }
    }
    pen.fillStyle = colours.bar;
    pen.fillRect(Math.round(x(bar.start)), header, 1, size.height);
  }
}

function box(note, drum) {
  const height = rowHeight();
  const left = x(note.start);
  const width = drum ? Math.max(3, Math.min(note.duration * scale, 8)) : Math.max(2.5, note.duration * scale - 1);
  return [left, y(note.pitch) + 0.5, width, Math.max(2, height - 1)];
}

function shape([left, top, width, height]) {
  pen.beginPath();
  pen.roundRect(left, top, width, height, Math.min(3, height / 2, width / 2));
}

function notes() {
  const { score, base, changes, selection, drag } = view;
  if (changes) {
    pen.setLineDash([3, 2]);
    pen.lineWidth = 1;
    pen.strokeStyle = colours.gone;
    changes.forEach(({ removed }) => removed.forEach((note) => { shape(box(note, false)); pen.stroke(); }));
    pen.setLineDash([]);
  }
  const order = score.tracks.map((_, i) => i).sort((a, b) => (a === view.active) - (b === view.active));
  for (const index of order) {
    const track = score.tracks[index];
    const colour = colours.tracks[index % 8];
    const dim = view.silent(index) ? 0.25 : 1;
    const drum = isDrum(track);
    track.notes.forEach((note, i) => {
      const left = x(note.start);
      if (left > size.width || left + note.duration * scale < KEYS - 4) return;
      const selected = selection && selection.track === index && selection.index === i;
      const shown = selected && drag ? drag.note : note;
      const isNew = !base || changes[index]?.fresh[i];
      const rect = box(shown, drum);
      shape(rect);
      pen.fillStyle = colour;
      pen.globalAlpha = dim * (isNew ? 1 : 0.5);
      pen.fill();
      // What is small would be nothing but outline.
      if (base && isNew && rect[3] > 3.5 && rect[2] > 6) {
        pen.globalAlpha = dim * 0.8;
        pen.lineWidth = 1;
        pen.strokeStyle = colours.ink;
        pen.stroke();
      }
      if (selected) {
        pen.globalAlpha = 1;
        shape([rect[0] - 2, rect[1] - 2, rect[2] + 4, rect[3] + 4]);
        pen.lineWidth = 2;
        pen.strokeStyle = colours.accent;
        pen.stroke();
      }
      pen.globalAlpha = 1;
    });
  }
  if (drag?.isNew) {
    shape(box(drag.note, false));
    pen.fillStyle = colours.accent;
    pen.fill();
  }
}

function live() {
  const { cells, notes: made, recent } = view.live;
  for (const cell of cells.values()) {
    const rect = box(cell, false);
    shape(rect);
    if (cell.on) {
      pen.fillStyle = colours.accent;
      pen.fill();
    } else {
      pen.fillStyle = colours.back;
      pen.fill();
      pen.setLineDash([3, 2]);
      pen.lineWidth = 1;
      pen.strokeStyle = colours.gone;
      pen.stroke();
      pen.setLineDash([]);
    }
  }
  for (const note of made) {
    shape(box(note, false));
    pen.fillStyle = colours.tracks[note.track % 8];
    pen.fill();
    pen.lineWidth = 1.25;
    pen.strokeStyle = colours.ink;
    pen.stroke();
  }
  recent.forEach((note, i) => {
    const [left, top, width, height] = box(note, false);
    pen.globalAlpha = (i + 1) / recent.length;
    pen.lineWidth = 2;
    pen.strokeStyle = colours.accent;
    shape([left - 3, top - 3, width + 6, height + 6]);
    pen.stroke();
    pen.globalAlpha = 1;
  });
}

function keyboard() {
  const height = rowHeight();
  pen.fillStyle = colours.key;
  pen.fillRect(0, header, KEYS - 1, size.height);
  pen.textBaseline = 'middle';
  pen.font = `10px ${colours.font}`;
  for (let pitch = bounds.low; pitch <= bounds.high; pitch++) {
    if (isBlack(pitch)) {
      pen.fillStyle = colours.keyInk;
      pen.fillRect(0, y(pitch), KEYS * 0.55, height);
    }
    if (pitch % 12 === 0) {
      pen.fillStyle = colours.keyInk;
      pen.textAlign = 'right';
      pen.fillText(pitchName(pitch), KEYS - 5, y(pitch) + height / 2);
    }
  }
}

function ruler() {
  pen.fillStyle = colours.back;
  pen.fillRect(0, 0, size.width, header);
  pen.fillStyle = colours.bar;
  pen.fillRect(0, header - 1, size.width, 1);
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  pen.font = `11px ${colours.font}`;
  const every = Math.max(1, 2 ** Math.ceil(Math.log2(30 / ((bounds.bars[0]?.length ?? 1) * scale))));
  bounds.bars.forEach((bar, i) => {
    const left = x(bar.start);
    if (left < KEYS - 2 || left > size.width) return;
    pen.fillStyle = colours.bar;
    pen.fillRect(Math.round(left), i % every ? RULER - 5 : RULER - 12, 1, 12);
    if (i % every) return;
    pen.fillStyle = colours.soft;
    pen.fillText(String(i + 1), left + 4, RULER / 2);
  });
  chordNames();
}

/// Names that there is room for, up to the next one; where they are crowded, those that begin a bar.
function chordNames() {
  pen.fillStyle = colours.ink;
  let free = KEYS;
  for (const { tick, name, first } of bounds.chords) {
    const left = x(tick) + 4;
    if (left < KEYS || left > size.width || left < free) continue;
    const next = first ? bounds.chords.find((c) => c.tick > tick && c.first) : null;
    const width = pen.measureText(name).width;
    if (next && left + width > x(next.tick)) continue;
    pen.fillText(name, left, RULER + CHORDS / 2 - 2);
    free = left + width + 4;
  }
}

function cursor() {
  const at = x(tickAt(view.score, view.cursor));
  if (at < KEYS - 1 || at > size.width) return;
  pen.fillStyle = colours.accent;
  pen.fillRect(at - 0.75, RULER - 2, 1.5, size.height);
  pen.beginPath();
  pen.moveTo(at - 6, 4);
  pen.lineTo(at + 6, 4);
  pen.lineTo(at, RULER - 3);
  pen.fill();
}

/// Scrolls so that a place is seen.
export function follow(tick, margin = 0.85) {
  const at = x(tick);
  if (at > size.width * margin) frame.scrollLeft += at - size.width * 0.3;
  else if (at < KEYS) frame.scrollLeft += at - KEYS - 20;
}

export const followSeconds = (seconds) => follow(tickAt(view.score, seconds));
export const secondsOf = (px) => secondsAt(view.score, tickOf(px));
export const isRuler = (py) => py < header;

/// The note under a point, the active track's first: `{ track, index, edge }`.
export function hit(px, py) {
  const order = view.score.tracks.map((_, i) => i).sort((a, b) => (b === view.active) - (a === view.active));
  for (const track of order) {
    const list = view.score.tracks[track].notes;
    for (let index = list.length - 1; index >= 0; index--) {
      const [left, top, width, height] = box(list[index], isDrum(view.score.tracks[track]));
      const slack = 2;
      if (px >= left - slack && px <= left + width + 4 && py >= top - slack && py <= top + height + slack) {
        return { track, index, edge: px > left + width - Math.min(7, width * 0.4) };
      }
    }
  }
  return null;
}

export const revealed = () => ({ ...bounds });

frame.addEventListener('scroll', draw);
new ResizeObserver(resize).observe(frame);
