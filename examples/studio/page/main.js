// Puts the parts together.

import { $, h, toast, isTyping } from './dom.js';
import { get } from './api.js';
import * as store from './store.js';
import * as roll from './roll.js';
import * as edit from './edit.js';
import * as player from './player.js';
import * as transport from './transport.js';
import * as mixer from './mixer.js';
import * as input from './input.js';
import * as technique from './technique.js';
import * as results from './results.js';
import * as files from './files.js';

function step(name) {
  document.body.dataset.step = name;
  for (const tab of document.querySelectorAll('.steps button')) tab.setAttribute('aria-selected', tab.dataset.step === name);
  roll.resize();
}

let shown = null;

function refresh(_, what) {
  const entry = store.current();
  const base = results.base();
  const moved = shown && shown.id !== entry.id;
  if (moved) {
    if (entry.parent !== shown.id && shown.parent !== entry.id) player.resetMix();
    edit.setMode(false);
  }
  const stale = shown && shown.score !== entry.score;
  shown = entry;
  const active = Math.min(roll.state.active, entry.score.tracks.length - 1);
  const selection = roll.state.selection;
  const holds = selection && entry.score.tracks[selection.track]?.notes[selection.index];
  if (!roll.state.live) roll.set({ score: entry.score, chords: entry.summary?.chords ?? null, classical: entry.technique?.genre === 'classical', base: base?.score ?? null, active: moved ? 0 : active, selection: holds && what !== 'undo' && what !== 'redo' ? selection : null });
  mixer.render();
  results.render();
  results.legend();
  input.refresh();
  if (what === 'start') technique.render();
  else if (stale) technique.renderTracks();
  technique.refresh();
  transport.refresh();
  if (stale) player.replay(entry.score);
}

const THEMES = ['auto', 'light', 'dark'];
function theme(next) {
  const now = localStorage.getItem('theme') ?? 'auto';
  const chosen = next ? THEMES[(THEMES.indexOf(now) + 1) % 3] : now;
  localStorage.setItem('theme', chosen);
  document.documentElement.dataset.theme = chosen;
  $('theme').textContent = { auto: '◐', light: '☀', dark: '☾' }[chosen];
  $('theme').title = `Colours: ${chosen}`;
  roll.readColours();
}

const SHORTCUTS = [
  ['Space', 'play, pause'], ['Home', 'to the beginning'], ['E', 'edit the melody'], ['N, P', 'next, previous note'],
  ['Arrow keys', 'move the note by a grid step or a semitone (with Shift: an octave)'], ['Shift + ← →', 'shorten, lengthen'],
  ['A', 'add a note'], ['Delete', 'delete the note'], ['Ctrl + Z, Ctrl + Shift + Z', 'undo, redo'], ['X', 'swap the two that are compared'], ['Ctrl + wheel', 'zoom'],
];

function shortcuts() {
  const dialog = $('shortcuts');
  dialog.replaceChildren(h('h2', { id: 'shortcuts-title' }, 'Keys'),
    h('dl', {}, SHORTCUTS.map(([keys, what]) => [h('dt', {}, keys), h('dd', {}, what)])),
    h('form', { method: 'dialog' }, h('button', { class: 'primary' }, 'Close')));
  dialog.showModal();
}

/// Whether the space bar is an element's own.
const hasSpace = ({ tagName, type }) => ['BUTTON', 'SUMMARY'].includes(tagName) || ['checkbox', 'radio'].includes(type);

function keydown(event) {
  if ($('shortcuts').open) return;
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === 'z' && !isTyping(event)) {
    event.preventDefault();
    (event.shiftKey ? store.redo : store.undo)();
  } else if (command && event.key.toLowerCase() === 'y' && !isTyping(event)) {
    event.preventDefault();
    store.redo();
  } else if (command || event.altKey || isTyping(event) || edit.keydown(event)) {
    // Done, or not for us.
  } else if (event.key === ' ' && !hasSpace(event.target)) {
    event.preventDefault();
    transport.toggle();
  } else if (event.key === 'Home') transport.rewind();
  else if (event.key === 'e') { transport.toggleEdit(); $('roll').focus(); }
  else if (event.key === 'x') results.swapBoth();
}

async function start() {
  const about = await get('/api/studio');
  mixer.setInstruments(about.instruments);
  transport.build();
  technique.build(about.techniques, () => step(window.matchMedia('(max-width: 860px)').matches ? 'output' : 'technique'));
  input.build(about, () => step('technique'));
  files.build(() => step('input'));
  results.setListener(() => refresh(store.get(), 'compare'));
  store.subscribe(refresh);
  $('theme').addEventListener('click', () => theme(true));
  $('keys-help').addEventListener('click', shortcuts);
  for (const tab of document.querySelectorAll('.steps button')) tab.addEventListener('click', () => step(tab.dataset.step));
  document.addEventListener('keydown', keydown);
  window.addEventListener('beforeunload', (event) => { if (store.isUnsaved()) event.preventDefault(); });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => roll.readColours());
  theme(false);
  step('input');
  const { name, score } = await get(`/api/tracks/${about.tracks[0].slug}`);
  store.keep(score);
  store.add({ name, score });
  roll.resize();
  document.body.dataset.ready = 'yes';
}

start().catch((error) => toast(error.message, 'error'));
