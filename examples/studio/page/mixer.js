// The tracks: which one is edited, instrument, mute, solo, volume.

import { $, h, keepingFocus } from './dom.js';
import { isDrum, trackName, pitchName } from './music.js';
import * as store from './store.js';
import * as roll from './roll.js';
import * as player from './player.js';

let instruments = [];

export const setInstruments = (names) => { instruments = names; };
export const instrumentNames = () => instruments;

function setProgram(index, program) {
  const { score } = store.current();
  const tracks = score.tracks.map((track, i) => (i === index ? { ...track, program: { ...track.program, program } } : track));
  store.edit(`Instrument: ${instruments[program]}`, { ...score, tracks });
}

export function instrumentSelect(chosen, onChange, label) {
  const select = h('select', { 'aria-label': label, change: () => onChange(Number(select.value)) });
  for (let family = 0; family < 16; family++) {
    const group = h('optgroup', { label: FAMILIES[family] });
    for (let i = family * 8; i < family * 8 + 8; i++) group.append(h('option', { value: i, selected: i === chosen }, instruments[i]));
    select.append(group);
  }
  return select;
}

const FAMILIES = ['Piano', 'Chromatic percussion', 'Organ', 'Guitar', 'Bass', 'Strings', 'Ensemble', 'Brass', 'Reed', 'Pipe', 'Synth lead', 'Synth pad', 'Synth effects', 'Ethnic', 'Percussive', 'Sound effects'];

function row(track, index, score) {
  const channel = player.channel(index);
  const name = trackName(track, index, instruments);
  const changed = () => { player.mixChanged(score); roll.draw(); };
  const toggle = (kind, letter) => {
    const button = h('button', {
      type: 'button', class: `toggle ${kind}`, 'aria-pressed': channel[kind], 'aria-label': `${kind === 'mute' ? 'Mute' : 'Solo'} ${name}`,
      click: () => { channel[kind] = !channel[kind]; button.setAttribute('aria-pressed', channel[kind]); changed(); },
    }, letter);
    return button;
  };
  const pitches = track.notes.map((n) => n.pitch);
  const range = pitches.length && !isDrum(track) ? ` · ${pitchName(Math.min(...pitches))}–${pitchName(Math.max(...pitches))}` : '';
  const volume = h('input', {
    type: 'range', min: 0, max: 1.5, step: 0.05, value: channel.volume, 'aria-label': `Volume of ${name}`,
    input: () => { channel.volume = Number(volume.value); changed(); },
  });
  const line = h('li', { class: 'track', 'data-track': index });
  const pick = h('button', {
    type: 'button', class: 'track-name', 'aria-pressed': roll.state.active === index, title: 'The track that is edited',
    click: () => { roll.set({ active: index, selection: null }); render(); },
  }, h('i', { class: 'dot' }), h('span', {}, name, h('small', {}, `${track.notes.length} notes${range}`)));
  line.style.setProperty('--colour', roll.trackColour(index));
  line.append(pick,
    isDrum(track) ? h('span', { class: 'kit' }, 'Drum kit') : instrumentSelect(track.program.program, (p) => setProgram(index, p), `Instrument of ${name}`),
    toggle('mute', 'M'), toggle('solo', 'S'), volume);
  return line;
}

export function render() {
  const entry = store.current();
  if (!entry) return;
  keepingFocus($('mixer'), '.track-name', () => {
    $('mixer').replaceChildren(h('ul', { 'aria-label': 'Tracks' }, entry.score.tracks.map((track, i) => row(track, i, entry.score))));
  });
}

roll.set({ silent: (index) => {
  const entry = store.current();
  return entry ? player.gains(entry.score)[index] === 0 : false;
} });
