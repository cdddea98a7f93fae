// Step 2: technique, parameters, presets, seed; running a composition.

import { $, h, toast, segments, freshId, announce, keepingFocus } from './dom.js';
import { client, post, stream } from './api.js';
import { isDrum, trackName, endTick } from './music.js';
import * as store from './store.js';
import * as roll from './roll.js';
import * as edit from './edit.js';
import * as mixer from './mixer.js';

let techniques = [];
let chosen = 'ar-cnn';
/// The values of each technique's parameters.
const values = {};
let fieldErrors = new Map();
let running = null;
let seed; let form; let runButton; let againButton; let about; let kinds; let onRun = () => {};

const technique = () => techniques.find((t) => t.id === chosen);
const parameterOf = (name) => technique().parameters.find((p) => p.name === name);

function valueOf(name) { return values[chosen][name]; }
function setValue(name, value) {
  values[chosen][name] = value;
  fieldErrors.get(name)?.replaceChildren();
}

const dice = () => crypto.getRandomValues(new Uint32Array(1))[0] % 1000000;

function field(parameter) {
  const id = freshId(parameter.name);
  const help = h('p', { class: 'help', id: `${id}-help`, hidden: true }, parameter.help);
  const info = h('button', {
    type: 'button', class: 'info', 'aria-expanded': 'false', 'aria-controls': `${id}-help`, 'aria-label': `About ${parameter.label}`,
    click: () => { help.hidden = !help.hidden; info.setAttribute('aria-expanded', !help.hidden); },
  }, 'i');
  const error = h('p', { class: 'error', role: 'alert' });
  fieldErrors.set(parameter.name, error);
  const { body, range, inline } = control(parameter, id);
  // Several boxes have a heading, one control a label.
  const title = parameter.control.kind === 'roles' ? h('span', { class: 'label', id: `${id}-label` }, parameter.label) : h('label', { for: id }, parameter.label);
  return h('div', { class: 'parameter', 'data-parameter': parameter.name },
    h('div', { class: 'parameter-head' }, title, info, inline), body,
    range ? h('p', { class: 'range' }, range) : null, help, error);
}

function slider(parameter, id, { min, max, step, accepted }, get, put, unit) {
  const clamp = (v) => Math.min(max, Math.max(min, v));
  const number = h('input', {
    type: 'number', id, step, value: get(), 'aria-describedby': `${id}-help`,
    // An empty field is one that is being written; left so, it has its value back.
    input: () => { if (number.value !== '') { put(Number(number.value)); line.value = clamp(Number(number.value)); } },
    blur: () => { if (number.value === '') number.value = get(); },
  });
  const line = h('input', {
    type: 'range', min, max, step, 'aria-label': parameter.label,
    input: () => { number.value = line.value; put(Number(line.value)); },
  });
  line.value = clamp(get());
  return { number: h('span', { class: 'with-unit' }, number, unit || null), line, accepted };
}

/** A JSON value as the text of an option: the same whatever the order of its keys and the digits of its numbers. */
function asText(value) {
  if (typeof value === 'number') return String(Math.fround(value));
  if (typeof value !== 'object' || value === null) return String(value);
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, asText(inner)]));
}

function control(parameter, id) {
  const { control: kind, name } = parameter;
  const shownDefault = typeof parameter.default === 'number' ? `${parameter.default}${parameter.unit ? ` ${parameter.unit}` : ''}` : parameter.default;
  if (kind.kind === 'number') {
    const { number, line, accepted } = slider(parameter, id, kind, () => valueOf(name), (v) => setValue(name, v), parameter.unit);
    return { body: line, inline: number, range: `${accepted} · default ${shownDefault}` };
  }
  if (kind.kind === 'notes') return notesControl(parameter, id, kind);
  if (kind.kind === 'choice') {
    const options = kind.options.map((o) => h('option', { value: asText(o.value), selected: asText(o.value) === asText(valueOf(name)) }, o.label));
    const note = h('p', { class: 'range' });
    const chosen = () => kind.options.find((o) => asText(o.value) === select.value);
    const tell = () => { note.textContent = chosen()?.help ?? ''; };
    const select = h('select', { id, 'aria-describedby': `${id}-help`, change: () => { setValue(name, chosen()?.value ?? select.value); tell(); } }, options);
    tell();
    return { body: [select, note] };
  }
  if (kind.kind === 'roles') {
    const boxes = kind.options.map((o) => {
      const box = h('input', { type: 'checkbox', checked: valueOf(name).includes(o.value), change: () => {
        const others = valueOf(name).filter((v) => v !== o.value);
        setValue(name, box.checked ? [...others, o.value] : others);
      } });
      return h('label', { class: 'check', title: `In: ${o.help}` }, box, o.label);
    });
    return { body: h('div', { class: 'row wrap', role: 'group', 'aria-labelledby': `${id}-label`, 'aria-describedby': `${id}-help` }, boxes) };
  }
  if (kind.kind === 'track') {
    const { score, name: title } = source();
    const trackText = (v) => (typeof v === 'object' ? `index:${v.index}` : v);
    const select = h('select', { id, change: () => {
      const text = select.value;
      setValue(name, text.startsWith('index:') ? { index: Number(text.slice(6)) } : text);
    } }, h('option', { value: 'melody' }, 'The melody'), h('option', { value: 'all' }, 'All tracks but drums'),
    score.tracks.map((t, i) => (isDrum(t) ? null : h('option', { value: `index:${i}` }, `${i + 1}: ${trackName(t, i, mixer.instrumentNames())}`))));
    const now = valueOf(name);
    if (!hasTrack(now, score)) select.append(h('option', { value: trackText(now) }, `${now.index + 1}: not in ${title}`));
    select.value = trackText(now);
    return { body: select };
  }
  if (kind.kind === 'text') {
    const input = h('input', { type: 'text', id, value: valueOf(name), placeholder: kind.example, 'aria-describedby': `${id}-help`, spellcheck: 'false', input: () => setValue(name, input.value) });
    return { body: input, range: kind.accepted };
  }
  const input = h('input', { type: 'number', id, min: 0, step: 1, value: valueOf(name) ?? '', placeholder: 'none', input: () => setValue(name, input.value === '' ? null : Number(input.value)) });
  return { body: input };
}

/// A count, or a percentage.
function notesControl(parameter, id, kind) {
  const { name } = parameter;
  const isPercent = () => typeof valueOf(name) === 'string';
  const holder = h('div', {});
  const inline = h('span', { class: 'row' });
  const draw = () => {
    const percent = isPercent();
    const { number, line } = slider(parameter, id, { min: 0, max: percent ? kind.max_percent : kind.max_count, step: 1 },
      () => parseFloat(valueOf(name)), (v) => setValue(name, percent ? `${v}%` : Math.round(v)), '');
    const unit = h('select', { 'aria-label': 'Notes or per cent', change: () => {
      const now = parseFloat(valueOf(name));
      setValue(name, unit.value === '%' ? `${now}%` : Math.round(now));
      draw();
    } }, h('option', { value: '', selected: !percent }, 'notes'), h('option', { value: '%', selected: percent }, '%'));
    inline.replaceChildren(number, unit);
    holder.replaceChildren(line);
  };
  draw();
  return { body: holder, inline, range: `${kind.accepted}, as sixteenths for 8 bars or % of the input's · default ${parameter.default}` };
}

/// Whether a score has the tracks that a parameter names.
const hasTrack = (value, score) => typeof value !== 'object' || (score.tracks[value.index] && !isDrum(score.tracks[value.index]));

/// What a run works on: the input of the result that is shown, or what is shown.
const source = (again = false) => (again && store.parent()) || store.current();

export function render() {
  if (!store.current()) return;
  const now = technique();
  about.textContent = now.help;
  fieldErrors = new Map();
  const preset = h('select', { id: 'preset', change: () => {
    const found = now.presets[Number(preset.value)];
    if (!found) return;
    const { technique: _, ...fields } = found.technique;
    values[chosen] = structuredClone(fields);
    render();
    $('preset').value = preset.value;
    $('preset-help').textContent = found.help;
    $('preset').focus();
  } }, h('option', { value: '' }, 'Choose…'), now.presets.map((p, i) => h('option', { value: i }, p.name)));
  const basic = now.parameters.filter((p) => !p.advanced).map(field);
  const advanced = now.parameters.filter((p) => p.advanced).map(field);
  const wasOpen = form.querySelector('details')?.open ?? false;
  const draw = () => form.replaceChildren(
    h('div', { class: 'parameter' }, h('div', { class: 'parameter-head' }, h('label', { for: 'preset' }, 'Preset')), preset, h('p', { class: 'range', id: 'preset-help' })),
    ...basic, h('details', { open: wasOpen }, h('summary', {}, 'More'), advanced));
  keepingFocus(form, '#preset', draw);
  refresh();
}

const trackParameter = (of = technique()) => of.parameters.find((p) => p.control.kind === 'track');

/// The tracks to choose from, of another score.
export function renderTracks() {
  const parameter = trackParameter();
  const now = parameter && form.querySelector(`[data-parameter="${parameter.name}"]`);
  if (now) keepingFocus(form, '#preset', () => now.replaceWith(field(parameter)));
}

/// What every technique works on: a track by its index, or 'melody' where that was a track of another input; 'all' stays.
export function setTrack(value) {
  for (const t of techniques) {
    const parameter = trackParameter(t);
    const isOfOne = (v) => typeof v === 'object';
    if (parameter && (isOfOne(value) || isOfOne(values[t.id][parameter.name]))) values[t.id][parameter.name] = structuredClone(value);
  }
  renderTracks();
}

/// What the buttons say.
export function refresh() {
  const entry = store.current();
  if (!entry || !runButton) return;
  const { verb } = technique();
  const parent = store.parent(entry);
  runButton.textContent = running ? `${verb}, next` : parent ? `${verb} this result` : verb;
  againButton.hidden = !parent;
  againButton.textContent = `${verb} ${parent && parent.parent == null ? 'the input' : `“${parent?.name ?? ''}”`} again`;
  $('applies').textContent = `Works on: ${entry.name}`;
}

/// Shows the technique and the parameters of a result.
export function takeFrom(entry) {
  if (!entry.technique) return;
  const { technique: id, ...fields } = entry.technique;
  chosen = id;
  values[id] = structuredClone(fields);
  if (entry.seed != null) seed.value = entry.seed;
  kinds.select(id);
  render();
}

/// Says what is wrong beside the parameter that it is about, if that can be seen.
function say(error) {
  const box = error.field && fieldErrors.get(error.field);
  if (!box) { toast(error.message, 'error'); return; }
  box.textContent = error.message;
  box.closest('details')?.setAttribute('open', '');
  box.scrollIntoView({ block: 'center' });
}

async function run(again) {
  const from = source(again);
  const parameter = trackParameter();
  const wanted = parameter && valueOf(parameter.name);
  if (parameter && !hasTrack(wanted, from.score)) {
    say({ field: parameter.name, message: `${from.name} has no track ${wanted.index + 1} with a melody` });
    return;
  }
  const now = { technique: chosen, ...structuredClone(values[chosen]) };
  const title = technique();
  const used = Math.max(0, Math.floor(Number(seed.value) || 0));
  const job = { abort: new AbortController(), id: null, title, from, session: store.session(), live: null };
  const first = !running;
  const ended = { done: false };
  if (first) running = job;
  refresh();
  try {
    await stream('/api/compose', { client, seed: used, score: from.score, technique: now }, job.abort.signal, (name, data) => {
      if (name === 'queued') {
        job.id = data.job;
        onRun();
        if (data.ahead) toast(`${title.name} is queued: ${data.ahead} before it.`);
      } else if (name === 'started') begin(job);
      else if (name === 'progress') progress(job, data);
      else if (name === 'failed') { ended.done = true; toast(data.error, 'error'); }
      else if (name === 'stopped') ended.done = true;
      else if (name === 'done') {
        ended.done = true;
        finish(job, now, used, data);
      }
    });
    if (!ended.done) toast('The composition broke off.', 'error');
  } catch (error) {
    if (error.name !== 'AbortError') say(error);
  }
  // What it worked on may still be on the roll.
  if (rest(job)) store.retell();
  refresh();
}

/// Nothing is at work any more, if it was this; whether it was.
function rest(job) {
  if (running !== job) return false;
  running = null;
  roll.set({ live: null });
  $('progress').hidden = true;
  return true;
}

function begin(job) {
  running = job;
  const { score } = job.from;
  job.live = { cells: new Map(), notes: [], recent: [], pitches: new Set(), end: endTick(score) };
  $('progress').hidden = false;
  $('progress-bar').removeAttribute('value');
  $('progress-text').textContent = `${job.title.name} is working…`;
  edit.setMode(false);
  roll.set({ score, base: null, selection: null, live: job.live });
  announce(`${job.title.name} has begun`);
}

function progress(job, { done, total, cells, notes }) {
  const { live } = job;
  $('progress-bar').max = Math.max(1, total);
  $('progress-bar').value = done;
  const recent = [];
  let grown = false;
  for (const [start, duration, pitch, on] of cells) {
    const cell = { start, duration, pitch, on };
    live.cells.set(`${start}:${pitch}`, cell);
    recent.push(cell);
    if (!live.pitches.has(pitch)) { live.pitches.add(pitch); grown = true; }
  }
  for (const [track, start, duration, pitch, velocity] of notes) {
    const note = { track, start, duration, pitch, velocity };
    live.notes.push(note);
    recent.push(note);
    live.end = Math.max(live.end, start + duration);
    live.pitches.add(pitch);
    grown = true;
  }
  live.recent = [...live.recent, ...recent].slice(-8);
  const what = live.notes.length ? `${live.notes.length} notes` : live.cells.size ? `${live.cells.size} cells touched` : '';
  const percent = Math.round((100 * done) / Math.max(1, total));
  $('progress-text').textContent = `${job.title.name} · ${percent} %${what ? ` · ${what}` : ''}`;
  if (grown) roll.set({ live });
  else roll.draw();
  if (notes.length) roll.follow(live.end, 0.95);
}

function finish(job, now, used, { score, summary }) {
  const label = now.technique === 'gan' ? `GAN ${parameterName(now)}` : job.title.name;
  rest(job);
  // It may be gone, by an undo or another input or session.
  const parent = job.session === store.session() && store.entry(job.from.id) ? job.from.id : null;
  store.add({ name: label, parent, technique: now, seed: used, summary, score });
  if (now.technique !== 'transformer') roll.followSeconds(0);
  const stopped = summary.stop === 'stopped' ? 'Stopped: ' : summary.stop === 'token-budget' ? 'The token budget ran out: ' : '';
  const text = `${stopped}${summary.notes_added} notes added, ${summary.notes_removed} removed in ${summary.took < 0.1 ? `${Math.round(summary.took * 1000)} ms` : `${summary.took.toFixed(1)} s`}.`;
  toast(text);
}

function parameterName(now) {
  const genre = techniques.find((t) => t.id === 'gan').parameters.find((p) => p.name === 'genre');
  return genre.control.options.find((o) => o.value === now.genre)?.label.toLowerCase() ?? now.genre;
}

async function stop() {
  if (!running?.id) return;
  try {
    await post('/api/stop', { client, job: running.id });
  } catch (error) {
    toast(error.message, 'error');
  }
}

export const choose = (id) => { chosen = id; kinds.select(id); render(); };

export function build(list, ran) {
  techniques = list;
  onRun = ran;
  for (const t of techniques) values[t.id] = Object.fromEntries(t.parameters.map((p) => [p.name, structuredClone(p.default)]));
  kinds = segments('Technique', techniques.map((t) => [t.id, t.name]), chosen, choose);
  about = h('p', { class: 'soft' });
  form = h('form', { novalidate: true, submit: (event) => { event.preventDefault(); run(false); } });
  seed = h('input', { type: 'number', id: 'seed', min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, value: 7 });
  runButton = h('button', { type: 'button', class: 'primary wide', id: 'run', click: () => run(false) });
  againButton = h('button', { type: 'button', class: 'wide', id: 'run-again', click: () => run(true) });
  const newSeed = h('input', { type: 'checkbox', id: 'new-seed' });
  for (const button of [runButton, againButton]) button.addEventListener('click', () => { if (newSeed.checked) setTimeout(() => { seed.value = dice(); }); });
  $('technique').append(kinds,
    h('div', { class: 'scroll' }, about, form),
    h('div', { class: 'foot' },
      h('div', { class: 'row seed' }, h('label', { for: 'seed' }, 'Seed'), seed,
        h('button', { type: 'button', class: 'icon dice', id: 'dice', 'aria-label': 'Another seed at random', title: 'Another seed at random', click: () => { seed.value = dice(); announce(`Seed ${seed.value}`); } }, '⚄'),
        h('label', { class: 'check' }, newSeed, 'new each time')),
      h('p', { class: 'range', id: 'applies' }), runButton, againButton));
  $('stop').addEventListener('click', stop);
}
