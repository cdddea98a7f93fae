// Playback, editing mode, zoom, undo and downloads.

import { $, h, toast, download, fileName } from './dom.js';
import { postForBlob } from './api.js';
import { clock, secondsAt, endTick, tickAt } from './music.js';
import * as store from './store.js';
import * as roll from './roll.js';
import * as edit from './edit.js';
import * as player from './player.js';

const icon = (path) => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
};
const PLAY = 'M7 4.5v15l13-7.5z';
const PAUSE = 'M6 5h4.5v14H6zM13.5 5H18v14h-4.5z';
const START = 'M5 5h3v14H5zM20 5v14L9 12z';
const UNDO = 'M9 7V3L2 9l7 6v-4c5 0 8 1.500 10 6 0-6-3-10-10-10z';
const REDO = 'M15 7V3l7 6-7 6v-4c-5 0-8 1.500-10 6 0-6 3-10 10-10z';

let playButton; let time; let undoButton; let redoButton; let editButton; let gridSelect; let zoomLabel;
let frameRequest = 0;

const music = () => store.current()?.score;

export async function toggle() {
  if (player.isPlaying() || player.isLoading()) { player.pause(); return; }
  try {
    await player.play(music());
  } catch (error) {
    toast(error.message, 'error');
  }
}

export const rewind = () => { player.seek(0, music()); roll.followSeconds(0); };

function tick() {
  const score = music();
  if (!score) return;
  const at = player.position();
  roll.set({ cursor: at });
  const bar = roll.revealed().bars.findLastIndex((b) => b.start <= tickAt(score, at) + 1);
  time.textContent = `${clock(at)} / ${clock(secondsAt(score, endTick(score)))}`;
  time.dataset.bar = `bar ${Math.max(0, bar) + 1}`;
  cancelAnimationFrame(frameRequest);
  if (player.isPlaying()) {
    roll.followSeconds(at);
    frameRequest = requestAnimationFrame(tick);
  }
}

export function refresh() {
  const playing = player.isPlaying() || player.isLoading();
  playButton.setAttribute('aria-busy', player.isLoading() && !player.isPlaying());
  playButton.replaceChildren(icon(playing ? PAUSE : PLAY));
  playButton.setAttribute('aria-label', playing ? 'Pause' : 'Play');
  playButton.setAttribute('aria-pressed', playing);
  undoButton.disabled = !store.canUndo();
  redoButton.disabled = !store.canRedo();
  undoButton.title = store.canUndo() ? `Undo: ${store.undoLabel()} (Ctrl+Z)` : 'Nothing to undo';
  redoButton.title = store.canRedo() ? `Redo: ${store.redoLabel()} (Ctrl+Shift+Z)` : 'Nothing to redo';
  showZoom();
  tick();
}

async function save(kind, button) {
  const entry = store.current();
  button.disabled = true;
  try {
    if (kind === 'mid') download(await postForBlob('/api/midi', { score: entry.score }), `${fileName(entry.name)}.mid`);
    else download(await postForBlob('/api/audio', { score: entry.score, gains: player.gains(entry.score) }), `${fileName(entry.name)}.wav`);
  } catch (error) {
    toast(error.message, 'error');
  }
  button.disabled = false;
}

/// By a factor, or to all of it.
function zoom(by) {
  const before = roll.zoomNow();
  roll.set({ zoom: null });
  const most = Math.max(16, 4 * roll.zoomNow());
  roll.set({ zoom: by === 0 ? 1 : Math.min(most, Math.max(1, before * by)) });
  showZoom();
}

function showZoom() {
  const now = roll.zoomNow();
  zoomLabel.textContent = now === 1 ? 'Fit' : `${now.toFixed(now < 10 && now % 1 ? 1 : 0)}×`;
}

export function toggleEdit() {
  edit.setMode(!roll.state.edit);
}

export function build() {
  playButton = h('button', { type: 'button', id: 'play', class: 'round primary', click: toggle });
  time = h('span', { class: 'time', id: 'time' });
  const midi = h('button', { type: 'button', id: 'download-midi', click: (e) => save('mid', e.currentTarget) }, 'Download MIDI');
  const wav = h('button', { type: 'button', id: 'download-wav', click: (e) => save('wav', e.currentTarget) }, 'WAV');
  $('transport').append(
    h('button', { type: 'button', class: 'round quiet', 'aria-label': 'To the beginning', click: rewind }, icon(START)),
    playButton, time, h('span', { class: 'grow' }), midi, wav);

  undoButton = h('button', { type: 'button', id: 'undo', class: 'quiet icon', 'aria-label': 'Undo', click: store.undo }, icon(UNDO));
  redoButton = h('button', { type: 'button', id: 'redo', class: 'quiet icon', 'aria-label': 'Redo', click: store.redo }, icon(REDO));
  editButton = h('button', { type: 'button', id: 'edit', 'aria-pressed': 'false', click: () => { toggleEdit(); $('roll').focus(); } }, 'Edit melody');
  gridSelect = h('select', { id: 'grid', 'aria-label': 'Grid for editing', change: () => edit.setGrid(Number(gridSelect.value)) },
    [[1, '1/4'], [2, '1/8'], [3, '1/8 triplet'], [4, '1/16'], [6, '1/16 triplet'], [8, '1/32']].map(([steps, label]) => h('option', { value: steps, selected: steps === 4 }, label)));
  zoomLabel = h('button', { type: 'button', class: 'quiet zoom-label', 'aria-label': 'Fit all of it', click: () => zoom(0) }, 'Fit');
  $('toolbar').append(
    editButton, h('label', { class: 'inline grid-choice', hidden: true }, 'Grid', gridSelect),
    undoButton, redoButton, h('p', { class: 'legend', id: 'legend' }),
    h('button', { type: 'button', class: 'quiet icon', 'aria-label': 'Zoom out', click: () => zoom(1 / 1.5) }, '−'), zoomLabel,
    h('button', { type: 'button', class: 'quiet icon', 'aria-label': 'Zoom in', click: () => zoom(1.5) }, '+'));
  edit.setListeners({
    seek: (seconds) => player.seek(seconds, music()),
    mode: (on) => {
      editButton.setAttribute('aria-pressed', on);
      editButton.textContent = on ? 'Done editing' : 'Edit melody';
      gridSelect.parentElement.hidden = !on;
    },
  });
  $('roll-frame').addEventListener('wheel', (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2);
  }, { passive: false });
  player.setListener(refresh);
}

