// Editing the melody on the roll, with mouse, touch and keys.

import { $, announce, isTyping } from './dom.js';
import { pitchName, withNotes, isDrum, tickAt } from './music.js';
import * as store from './store.js';
import * as roll from './roll.js';
import * as player from './player.js';

const canvas = $('roll');
let gridSteps = 4;
let onSeek = () => {};
let onMode = () => {};

export const setListeners = (listeners) => { onSeek = listeners.seek; onMode = listeners.mode; };
export const setGrid = (steps) => { gridSteps = steps; };

const score = () => roll.state.score;
const gridTicks = () => Math.max(1, Math.round(score().ticks_per_quarter / gridSteps));
const snap = (tick) => Math.round(tick / gridTicks()) * gridTicks();
const snapDown = (tick) => Math.floor(tick / gridTicks()) * gridTicks();
const notes = (track) => score().tracks[track].notes;
const chosen = () => {
  const { selection } = roll.state;
  return selection ? notes(selection.track)?.[selection.index] : undefined;
};

/// Nothing is edited while notes come.
export function setMode(wanted) {
  const edit = wanted && !roll.state.live;
  roll.set({ edit, selection: edit ? roll.state.selection : null });
  canvas.classList.toggle('editing', edit);
  onMode(edit);
}

const sameNote = (a, b) => a.start === b.start && a.pitch === b.pitch && a.duration === b.duration && a.velocity === b.velocity;

function describe(note) {
  const beat = note.start / score().ticks_per_quarter + 1;
  return `${pitchName(note.pitch)}, quarter ${beat.toFixed(2).replace(/\.?0+$/, '')}, ${(note.duration / score().ticks_per_quarter).toFixed(2).replace(/\.?0+$/, '')} quarters long`;
}

function select(track, index) {
  roll.set({ selection: index == null ? null : { track, index }, active: track });
  const note = chosen();
  if (note) {
    roll.follow(note.start, 0.95);
    announce(describe(note));
  }
}

function sound(track, pitch) {
  const { program, is_drum: drum } = score().tracks[track].program;
  if (drum) return;
  const release = player.keyDown(program, pitch, 90);
  setTimeout(release, 220);
}

/// Puts `note` in place of the chosen one, or beside the others; chooses it.
function put(label, track, note, replaced) {
  const list = notes(track).filter((_, i) => i !== replaced);
  const next = withNotes(score(), track, [...list, note]);
  store.edit(label, next);
  select(track, next.tracks[track].notes.findIndex((n) => sameNote(n, note)));
}

function remove() {
  const { selection } = roll.state;
  if (!selection) return;
  const list = notes(selection.track).filter((_, i) => i !== selection.index);
  store.edit('Delete a note', withNotes(score(), selection.track, list));
  select(selection.track, list.length ? Math.min(selection.index, list.length - 1) : null);
}

function move(ticks, semitones, longer) {
  const { selection } = roll.state;
  const note = chosen();
  if (!note) return;
  const start = Math.max(0, note.start + ticks);
  const pitch = Math.min(127, Math.max(0, note.pitch + semitones));
  const duration = Math.max(1, longer ? Math.max(gridTicks(), note.duration + longer) : note.duration);
  if (start === note.start && pitch === note.pitch && duration === note.duration) return;
  put(longer ? 'Change a length' : 'Move a note', selection.track, { ...note, start, pitch, duration }, selection.index);
  if (semitones) sound(selection.track, pitch);
}

function addAtCursor() {
  const track = roll.state.active;
  const near = chosen() ?? notes(track).at(-1);
  const start = chosen() ? near.start + near.duration : snapDown(tickAt(score(), player.position()));
  put('Add a note', track, { start, pitch: near?.pitch ?? 60, duration: Math.max(gridTicks(), near?.duration ?? 0), velocity: near?.velocity ?? 80 });
  sound(track, near?.pitch ?? 60);
}

function step(by) {
  const { selection, active } = roll.state;
  const list = notes(active);
  if (!list.length) return;
  const from = selection && selection.track === active ? selection.index : by > 0 ? -1 : list.length;
  select(active, Math.min(list.length - 1, Math.max(0, from + by)));
  sound(active, chosen().pitch);
}

export function keydown(event) {
  if (isTyping(event) || !roll.state.edit || roll.state.live || event.ctrlKey || event.metaKey || event.altKey) return false;
  const grid = gridTicks();
  const actions = {
    ArrowUp: () => move(0, event.shiftKey ? 12 : 1),
    ArrowDown: () => move(0, event.shiftKey ? -12 : -1),
    ArrowLeft: () => (event.shiftKey ? move(0, 0, -grid) : move(-grid, 0)),
    ArrowRight: () => (event.shiftKey ? move(0, 0, grid) : move(grid, 0)),
    Delete: remove, Backspace: remove, n: () => step(1), p: () => step(-1), a: addAtCursor, Enter: addAtCursor,
    Escape: () => select(roll.state.active, null),
  };
  const action = actions[event.key];
  if (!action || document.activeElement !== canvas) return false;
  event.preventDefault();
  action();
  return true;
}

function point(event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function begin(event) {
  if (!score() || event.button !== 0) return;
  const [px, py] = point(event);
  if (roll.isRuler(py) || !roll.state.edit) {
    if (event.pointerType === 'touch' && !roll.isRuler(py)) return;
    onSeek(roll.secondsOf(px));
    return;
  }
  if (roll.state.live) return;
  canvas.setPointerCapture(event.pointerId);
  const found = roll.hit(px, py);
  if (found) {
    select(found.track, found.index);
    const note = chosen();
    sound(found.track, note.pitch);
    roll.set({ drag: { note, from: note, tick: roll.tickOf(px), pitch: roll.pitchOf(py), edge: found.edge, track: found.track, index: found.index } });
  } else {
    const track = roll.state.active;
    const start = snapDown(roll.tickOf(px));
    const note = { start, pitch: roll.pitchOf(py), duration: gridTicks(), velocity: 80 };
    roll.set({ selection: null, drag: { note, from: note, tick: start, isNew: true, edge: true, track } });
    sound(track, note.pitch);
  }
}

function drag(event) {
  const held = roll.state.drag;
  const [px, py] = point(event);
  if (!held) {
    if (roll.state.edit && score()) {
      const found = roll.isRuler(py) ? null : roll.hit(px, py);
      canvas.style.cursor = found ? (found.edge ? 'ew-resize' : 'grab') : 'crosshair';
    } else canvas.style.cursor = '';
    return;
  }
  const moved = roll.tickOf(px) - held.tick;
  const { from } = held;
  if (held.edge) {
    const end = snap(roll.tickOf(px)) || gridTicks();
    const duration = Math.abs(moved) < gridTicks() / 2 ? from.duration : Math.max(gridTicks(), end - from.start);
    held.note = { ...from, duration };
  } else {
    const start = Math.abs(moved) < gridTicks() / 2 ? from.start : Math.max(0, from.start + snap(moved));
    const pitch = Math.min(127, Math.max(0, from.pitch + roll.pitchOf(py) - held.pitch));
    if (pitch !== held.note.pitch) sound(held.track, pitch);
    held.note = { ...from, start, pitch };
  }
  roll.draw();
}

function end() {
  const held = roll.state.drag;
  if (!held) return;
  roll.set({ drag: null });
  if (held.isNew) put('Add a note', held.track, held.note);
  else if (!sameNote(held.note, held.from)) put(held.edge ? 'Change a length' : 'Move a note', held.track, held.note, held.index);
}

canvas.addEventListener('pointerdown', begin);
canvas.addEventListener('pointermove', drag);
canvas.addEventListener('pointerup', end);
canvas.addEventListener('pointercancel', () => roll.set({ drag: null }));
canvas.addEventListener('dblclick', (event) => {
  if (!roll.state.edit) return;
  const [px, py] = point(event);
  if (roll.hit(px, py)) remove();
});

export const canEdit = (track) => !isDrum(track);
