// Step 3: inputs and results side by side, comparing two of them.

import { $, h, toast, keepingFocus } from './dom.js';
import { post } from './api.js';
import { keyName, clock, noteCount } from './music.js';
import * as store from './store.js';
import * as technique from './technique.js';

/// 'parent', 'none', or the number of an entry.
let compareWith = 'parent';
let onCompare = () => {};

/// The entry that the one shown is compared with.
export function base() {
  // What is gone, or shown itself.
  const isOther = ({ id }) => String(id) === compareWith && id !== store.get().current;
  if (!['parent', 'none'].includes(compareWith) && !store.get().entries.some(isOther)) compareWith = 'parent';
  if (compareWith === 'none') return undefined;
  if (compareWith === 'parent') return store.parent();
  return store.entry(Number(compareWith));
}

function card(entry, index) {
  const on = entry.id === store.get().current;
  const { summary } = entry;
  const from = entry.parent != null ? store.entry(entry.parent) : null;
  const detail = summary
    ? `+${summary.notes_added} −${summary.notes_removed} · seed ${entry.seed}`
    : `${noteCount(entry.score)} notes`;
  const before = store.get().entries[index - 1];
  const only = store.get().entries.length < 2;
  return h('li', { class: on ? 'card on' : 'card', 'data-entry': entry.id },
    h('button', { type: 'button', class: 'card-main', 'aria-pressed': on, click: () => { store.show(entry.id); technique.takeFrom(entry); } },
      h('strong', {}, `${entry.name}${entry.edited ? ' ✎' : ''}`),
      summary?.chords ? h('small', { class: 'chords', title: 'The chords that the band plays over' }, summary.chords) : null,
      h('small', {}, !from ? `input · ${detail}` : from === before ? detail : `from ${from.name} · ${detail}`)),
    only ? null : h('button', { type: 'button', class: 'quiet icon remove', 'aria-label': `Remove ${entry.name}`, click: () => store.remove(entry.id) }, '×'));
}

function compare() {
  const { entries, current } = store.get();
  const others = entries.filter((e) => e.id !== current);
  if (!others.length) return null;
  const other = base();
  const select = h('select', { id: 'compare', change: () => { compareWith = select.value; onCompare(); } },
    h('option', { value: 'parent' }, 'its input'), h('option', { value: 'none' }, 'nothing'),
    others.map((e) => h('option', { value: e.id }, `${entries.indexOf(e) + 1}: ${e.name}`)));
  select.value = compareWith;
  const swap = h('button', { type: 'button', id: 'swap', disabled: !other, title: 'Show and play the other one (X)', click: swapBoth }, 'Swap');
  const figures = h('button', { type: 'button', id: 'figures', disabled: !other, 'aria-expanded': 'false', click: () => showFigures(other) }, 'Figures');
  return h('div', { class: 'compare' }, h('label', { class: 'inline' }, 'Compare with', select), swap, figures);
}

/// Shows the other of the two, and compares it with this one.
export function swapBoth() {
  const other = base();
  if (!other) return;
  const here = store.get().current;
  compareWith = String(here);
  store.show(other.id);
}

async function showFigures(other) {
  const dialog = $('shortcuts');
  const here = store.current();
  try {
    const [a, b] = await post('/api/measure', { scores: [here.score, other.score] });
    const share = (v) => (v == null ? '–' : `${Math.round(v * 100)} %`);
    const rows = [
      ['Notes', (m) => m.notes], ['Length', (m) => clock(m.seconds)], ['Tracks', (m) => m.tracks],
      ['Key that fits best', (m) => keyName(m.key)], ['Notes in that key', (m) => share(m.in_key)],
      ['Time with two or more notes', (m) => share(m.polyphony)], ['Empty bars', (m) => share(m.empty_bars)],
      ['Pitch-class entropy', (m) => (m.pitch_entropy == null ? '–' : `${m.pitch_entropy.toFixed(2)} bits`)],
      ['Groove consistency', (m) => share(m.groove)],
    ];
    dialog.replaceChildren(
      h('h2', { id: 'shortcuts-title' }, 'Compared'),
      h('table', {}, h('thead', {}, h('tr', {}, h('td'), h('th', { scope: 'col' }, here.name), h('th', { scope: 'col' }, other.name))),
        h('tbody', {}, rows.map(([name, of]) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, of(a)), h('td', {}, of(b)))))),
      h('form', { method: 'dialog' }, h('button', { class: 'primary' }, 'Close')));
    dialog.showModal();
  } catch (error) {
    toast(error.message, 'error');
  }
}

export function render() {
  const { entries } = store.get();
  keepingFocus($('results'), '.card.on .card-main', () => {
    $('results').replaceChildren(
      h('ol', { class: 'cards', 'aria-label': 'Inputs and results' }, entries.map(card)),
      ...[compare()].filter(Boolean));
  });
  $('results').querySelector('.card.on')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

export function legend() {
  const other = base();
  const parts = other
    ? [h('span', { class: 'key kept' }, 'kept'), h('span', { class: 'key new' }, 'new'), h('span', { class: 'key gone' }, 'removed'), h('span', { class: 'soft' }, `against “${other.name}”`)]
    : [h('span', { class: 'soft' }, 'Click the ruler to move the cursor. “Edit melody” changes notes.')];
  $('legend').replaceChildren(...parts);
}

export const setListener = (listener) => { onCompare = listener; };
