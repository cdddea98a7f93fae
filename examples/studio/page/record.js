// Recording on the virtual keyboard or a MIDI keyboard, with a metronome.

import { h, toast, announce } from './dom.js';
import { post } from './api.js';
import * as store from './store.js';
import * as player from './player.js';
import * as mixer from './mixer.js';
import * as technique from './technique.js';
import { keyboard } from './keyboard.js';

let board; let button; let status; let tempo; let beats; let metronome; let assist; let meter;
let program = 0;
/// Seconds; the audio clock may stand still where there is no sound device.
const now = () => performance.now() / 1000;
/// While recording: when beat 1 of bar 1 is.
let recording = null;
const sounding = new Map();

const settings = () => ({ bpm: Math.min(300, Math.max(30, Number(tempo.value) || 100)), beats: Number(beats.value) });

function press(pitch, velocity) {
  sounding.get(pitch)?.();
  sounding.set(pitch, player.keyDown(program, pitch, velocity));
  if (!recording) return;
  recording.open.set(pitch, { start: now() - recording.start, pitch, velocity });
}

function release(pitch) {
  sounding.get(pitch)?.();
  sounding.delete(pitch);
  const note = recording?.open.get(pitch);
  if (!note) return;
  recording.open.delete(pitch);
  const end = now() - recording.start;
  // What was played in the count-in begins with the first bar.
  if (end > 0.02) recording.notes.push({ ...note, start: Math.max(0, note.start), end: Math.max(end, note.start + 0.03) });
}

function start() {
  const { bpm, beats: perBar } = settings();
  const clock = player.audio();
  player.pause();
  const beat = 60 / bpm;
  recording = { start: now() + 0.15 + perBar * beat, beat, perBar, notes: [], open: new Map(), next: -perBar, timer: 0 };
  // Clicks are planned a little ahead, as timers are not exact.
  recording.timer = setInterval(() => {
    for (let wait; (wait = recording.start + recording.next * beat - now()) < 0.15;) {
      if (metronome.checked || recording.next < 0) player.click(clock.currentTime + Math.max(0, wait), recording.next % perBar === 0);
      recording.next++;
    }
    show();
  }, 40);
  button.textContent = 'Stop and keep';
  button.classList.add('recording');
  announce('Recording after one bar of count-in');
}

function show() {
  const at = (now() - recording.start) / recording.beat;
  const beat = Math.floor(at);
  status.textContent = at < 0 ? `Count-in: ${beat + recording.perBar + 1}` : `Bar ${Math.floor(beat / recording.perBar) + 1}, beat ${(beat % recording.perBar) + 1} · ${recording.notes.length} notes`;
  [...meter.children].forEach((dot, i) => dot.classList.toggle('on', ((beat % recording.perBar) + recording.perBar) % recording.perBar === i));
}

async function stop() {
  const done = recording;
  for (const pitch of [...done.open.keys()]) release(pitch);
  clearInterval(done.timer);
  recording = null;
  button.textContent = 'Record';
  button.classList.remove('recording');
  status.textContent = '';
  if (!done.notes.length) { toast('Nothing was played.'); return; }
  try {
    // The tempo that was played to.
    let { score } = await post('/api/record', { bpm: 60 / done.beat, beats_per_bar: done.perBar, program, notes: done.notes });
    if (assist.value !== 'off') {
      const grid = assist.value === 'auto' ? null : Number(assist.value);
      ({ score } = await post('/api/assist', { score, grid, find_tempo: false, strength: 1 }));
    }
    store.addInput('Recording', score);
    technique.setTrack('melody');
    toast(`${done.notes.length} notes recorded.`);
  } catch (error) {
    toast(error.message, 'error');
  }
}

function dots() {
  meter.replaceChildren(...Array.from({ length: Number(beats.value) }, () => h('i')));
}

export function shown(on) {
  board?.setActive(on);
  if (on) player.loadKeys(program).catch(() => {});
  else if (recording) stop();
}

export function build() {
  board = keyboard(press, release);
  tempo = h('input', { type: 'number', min: 30, max: 300, step: 1, value: 100, id: 'record-tempo' });
  beats = h('select', { change: dots, 'aria-label': 'Beats in a bar' }, [2, 3, 4, 5, 6].map((n) => h('option', { value: n, selected: n === 4 }, `${n}/4`)));
  metronome = h('input', { type: 'checkbox', checked: true });
  meter = h('span', { class: 'beats', 'aria-hidden': 'true' });
  assist = h('select', { id: 'record-assist', 'aria-label': 'Rhythm assist' },
    [['auto', 'grid found'], ['1', '1/4'], ['2', '1/8'], ['3', '1/8 triplet'], ['4', '1/16'], ['off', 'off']].map(([v, label]) => h('option', { value: v }, label)));
  button = h('button', { type: 'button', class: 'record wide', id: 'record', click: () => (recording ? stop() : start()) }, 'Record');
  status = h('span', { class: 'soft', role: 'timer' });
  const midi = h('button', { type: 'button', click: async () => {
    const names = await board.connect();
    if (names) midiStatus.textContent = names.length ? names.join(', ') : 'No keyboard is plugged in yet; plug one in and play.';
  } }, 'Use a MIDI keyboard');
  const midiStatus = h('span', { class: 'soft' });
  const choose = mixer.instrumentSelect(program, (p) => { program = p; player.loadKeys(p).catch(() => {}); }, 'Instrument to record with');
  dots();
  return h('div', { class: 'record-panel' },
    h('div', { class: 'row fields' },
      h('label', {}, 'Tempo', h('span', { class: 'with-unit' }, tempo, 'bpm')),
      h('label', {}, 'Metre', beats),
      h('label', {}, 'Rhythm assist', assist)),
    h('label', {}, 'Instrument', choose),
    h('div', { class: 'row' }, h('label', { class: 'check' }, metronome, 'Metronome'), meter),
    button, status,
    board.octaves, board.element,
    h('p', { class: 'soft' }, 'Play with the mouse, by touch, or with the computer keys A W S E D F T G Y H U J K; Z and X change the octave.'),
    h('div', { class: 'row' }, midi, midiStatus));
}
