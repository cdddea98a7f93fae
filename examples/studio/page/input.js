// Step 1: a built-in track, a MIDI file, or a recording; rhythm assist.

import { $, h, toast, segments, chooseFile } from './dom.js';
import { get, post, importMidi } from './api.js';
import { clock, isDrum, trackName, pitchName } from './music.js';
import * as store from './store.js';
import * as record from './record.js';
import * as roll from './roll.js';
import * as mixer from './mixer.js';
import * as technique from './technique.js';

let tracks = [];
let limits = {};
let bodies = {};
let kinds;
let onContinue = () => {};

export async function chooseBuiltIn(slug) {
  try {
    const { name, score } = await get(`/api/tracks/${encodeURIComponent(slug)}`);
    store.keep(score);
    store.addInput(name, score);
    technique.setTrack('melody');
  } catch (error) {
    toast(error.message, 'error');
  }
}

export async function openMidi(file) {
  show('import');
  const status = bodies.import.querySelector('.import-result');
  status.replaceChildren(h('p', { class: 'soft' }, `Reading ${file.name}…`));
  try {
    if (file.size > limits.bytes) throw new Error(`the file is larger than ${limits.bytes >> 20} MiB`);
    const read = await importMidi(file);
    const name = short(file.name.replace(/\.(midi?|kar|rmi)$/i, '')) || 'Imported';
    status.replaceChildren(report(read), ...picker(read, name));
    const playable = read.score.tracks.filter((t) => t.notes.length).length;
    if (playable === 1) use(read.score, name, null);
  } catch (error) {
    status.replaceChildren(h('p', { class: 'error', role: 'alert', id: 'import-error' }, `${file.name} cannot be used: ${error.message}`));
  }
}

/// As much of a name as a saved session takes.
function short(name) {
  const letters = [...name];
  while (new TextEncoder().encode(letters.join('')).length > 200) letters.pop();
  return letters.join('');
}

function report({ damaged, report: text }) {
  if (!text) return h('p', { class: 'good' }, 'The file is in order.');
  return h('details', { class: 'report' },
    h('summary', {}, damaged ? 'The file is damaged; what could be read is here.' : 'Some things in the file were left out.'),
    h('pre', {}, text));
}

/// All tracks of a file, or `only` one; `melody` is the index of what is worked on, among all of them.
function use(score, name, only, melody = null) {
  const tracks = (only == null ? score.tracks : [score.tracks[only]]).filter((t) => t.notes.length);
  const index = melody == null ? -1 : tracks.indexOf(score.tracks[melody]);
  const taken = { ...score, tracks };
  store.keep(taken);
  store.addInput(name, taken);
  technique.setTrack(index < 0 ? 'melody' : { index });
  if (index > 0) { roll.set({ active: index }); mixer.render(); }
  toast(`The input is ${name}.`);
}

/// Which track is the melody, where there are several.
function picker({ score, melody }, name) {
  const playable = score.tracks.map((t, i) => i).filter((i) => score.tracks[i].notes.length);
  if (playable.length < 2) return [];
  let chosen = melody ?? playable[0];
  const group = `melody-${performance.now()}`;
  const list = h('ul', { class: 'choices', role: 'radiogroup', 'aria-label': 'Melody track' }, playable.map((i) => {
    const track = score.tracks[i];
    const pitches = track.notes.map((n) => n.pitch);
    const low = pitches.reduce((a, b) => Math.min(a, b)); const high = pitches.reduce((a, b) => Math.max(a, b));
    return h('li', {}, h('label', {},
      h('input', { type: 'radio', name: group, value: i, checked: i === chosen, disabled: isDrum(track), change: () => { chosen = i; } }),
      h('span', {}, trackName(track, i, mixer.instrumentNames()), i === melody ? h('em', {}, ' likely the melody') : null,
        h('small', {}, isDrum(track) ? `${track.notes.length} strokes` : `${track.notes.length} notes, ${pitchName(low)}–${pitchName(high)}`))));
  }));
  return [h('h3', {}, 'Which track is the melody?'), list, h('div', { class: 'row' },
    h('button', { type: 'button', class: 'primary', id: 'use-track', click: () => use(score, name, chosen) }, 'Use this track'),
    h('button', { type: 'button', id: 'use-all', click: () => use(score, name, null, chosen) }, 'Use all tracks'))];
}

function builtIn() {
  const list = h('div', { class: 'tunes', role: 'group', 'aria-label': 'Built-in tracks' });
  for (const track of tracks) {
    list.append(h('button', { type: 'button', class: 'tune', 'data-slug': track.slug, 'aria-pressed': 'false', click: () => chooseBuiltIn(track.slug) },
      h('span', {}, track.name), h('small', {}, `${track.metre} · ${track.bars} bars · ${track.bpm} bpm · ${clock(track.seconds)}`)));
  }
  return list;
}

function importPanel() {
  return h('div', {},
    h('button', { type: 'button', class: 'drop', id: 'import-file', click: () => chooseFile('.mid,.midi,.kar,.rmi,audio/midi', openMidi) },
      h('strong', {}, 'Choose a MIDI file'), h('span', {}, 'or drop one anywhere on the page')),
    h('div', { class: 'import-result', 'aria-live': 'polite' }));
}

function assist() {
  const grid = h('select', { 'aria-label': 'Grid of rhythm assist' },
    [['', 'found'], [1, '1/4'], [2, '1/8'], [3, '1/8 triplet'], [4, '1/16']].map(([v, label]) => h('option', { value: v }, label)));
  const strength = h('input', { type: 'range', min: 0, max: 1, step: 0.05, value: 1, 'aria-label': 'Strength of rhythm assist' });
  const tempo = h('input', { type: 'checkbox' });
  const button = h('button', { type: 'button', id: 'assist', click: async () => {
    const { id, score } = store.current();
    try {
      const made = await post('/api/assist', {
        score, grid: grid.value ? Number(grid.value) : null, find_tempo: tempo.checked, strength: Number(strength.value),
      });
      if (store.current().id !== id || store.current().score !== score) { toast('The music has changed meanwhile: once more, please.'); return; }
      if (made.moved === 0) { toast('All notes are on the grid already.'); return; }
      store.edit('Rhythm assist', made.score);
      toast(`${made.moved} notes put on a grid of ${made.grid} to the quarter, ${Math.round(made.mean_move * 1000)} ms on average; ${Math.round(made.bpm)} bpm.`);
    } catch (error) {
      toast(error.message, 'error');
    }
  } }, 'Put on the grid');
  return h('details', { class: 'assist' }, h('summary', {}, 'Rhythm assist'),
    h('p', { class: 'soft' }, 'Puts freely played notes on the beat.'),
    h('div', { class: 'row' }, h('label', { class: 'inline' }, 'Grid', grid), h('label', { class: 'inline' }, 'Strength', strength)),
    h('label', { class: 'check' }, tempo, 'Find the tempo, too'), button);
}

export function show(kind) {
  kinds.select(kind);
  for (const [name, body] of Object.entries(bodies)) body.hidden = name !== kind;
  record.shown(kind === 'record');
}

export function refresh() {
  const entry = store.current();
  const root = entry && store.get().entries.find((e) => e.parent == null && e.name === entry.name);
  for (const button of document.querySelectorAll('.tune')) {
    const name = button.firstChild.textContent;
    button.setAttribute('aria-pressed', Boolean(root) && root.name === name);
  }
}

export function build(about, continued) {
  tracks = about.tracks;
  limits = about.limits;
  onContinue = continued;
  bodies = { choose: builtIn(), import: importPanel(), record: record.build() };
  kinds = segments('Kind of input', [['choose', 'Choose'], ['import', 'Import'], ['record', 'Record']], 'choose', show);
  $('input').append(kinds, h('div', { class: 'scroll' }, ...Object.values(bodies), assist()),
    h('div', { class: 'foot' }, h('button', { type: 'button', class: 'primary wide', id: 'continue', click: () => onContinue() }, 'Continue')));
  show('choose');
}
