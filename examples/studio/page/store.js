// What the page knows: inputs and results, which of them is shown, and a history of it all with undo and redo.
// A state is never changed, only replaced; so undo is a list of old ones.

const MOST_STEPS = 200;

let state = { entries: [], current: 0 };
let past = [];
let future = [];
let nextId = 1;
let sessions = 0;
/// Scores that can be had again: built-in ones, files, what is in a saved session.
const kept = new WeakSet();
const listeners = new Set();

export const get = () => state;
export const current = () => state.entries.find((e) => e.id === state.current);
export const entry = (id) => state.entries.find((e) => e.id === id);
export const parent = (e = current()) => (e && e.parent != null ? entry(e.parent) : undefined);
/// How many sessions were opened: numbers of entries are those of the last one.
export const session = () => sessions;
export const subscribe = (listener) => listeners.add(listener);
export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;
export const undoLabel = () => past.at(-1)?.label;
export const redoLabel = () => future.at(-1)?.label;

function tell(what) {
  for (const listener of listeners) listener(state, what);
}

function change(label, next) {
  past.push({ label, state });
  if (past.length > MOST_STEPS) past.shift();
  future = [];
  state = next;
  tell(label);
}

/// An input or a result, which is then shown.
export function add(fields) {
  const made = { id: nextId++, parent: null, technique: null, seed: null, summary: null, edited: false, ...fields };
  const next = { entries: [...state.entries, made], current: made.id };
  if (state.entries.length === 0) { state = next; tell('start'); } else change(made.name, next);
  return made;
}

/// Another input in place of everything that was not worked on yet, or beside it.
export function addInput(name, score) {
  const only = state.entries.length === 1 && state.entries[0];
  if (only && !only.edited) {
    const made = { id: nextId++, parent: null, technique: null, seed: null, summary: null, edited: false, name, score };
    change(`Input: ${name}`, { entries: [made], current: made.id });
  } else add({ name, score });
}

/// Another score in the entry that is shown.
export function edit(label, score) {
  change(label, { ...state, entries: state.entries.map((e) => (e.id === state.current ? { ...e, score, edited: true } : e)) });
}

/// Shows an entry. Looking is not undone.
export function show(id) {
  state = { ...state, current: id };
  tell('show');
}

/// Tells again what is shown.
export const retell = () => tell('show');

/// Removes an entry; what was made of it comes from its parent then.
export function remove(id) {
  const gone = entry(id);
  if (!gone || state.entries.length < 2) return;
  const entries = state.entries.filter((e) => e.id !== id)
    .map((e) => (e.parent === id ? { ...e, parent: gone.parent } : e));
  const shown = state.current === id ? gone.parent ?? entries.at(-1).id : state.current;
  change(`Remove ${gone.name}`, { entries, current: shown });
}

export function undo() {
  const step = past.pop();
  if (!step) return;
  future.push({ label: step.label, state });
  state = step.state;
  tell('undo');
}

export function redo() {
  const step = future.pop();
  if (!step) return;
  past.push({ label: step.label, state });
  state = step.state;
  tell('redo');
}

export const keep = (score) => { kept.add(score); };
/// Whether something would be lost with the page.
export const isUnsaved = () => state.entries.some((e) => !kept.has(e.score));

export const save = () => ({ format: 'deepcompose-studio-1', current: state.current, entries: state.entries });

export function load(session) {
  sessions++;
  nextId = Math.max(nextId, ...session.entries.map((e) => e.id + 1));
  for (const { score } of session.entries) keep(score);
  change('Open a session', { entries: session.entries, current: session.current });
}
