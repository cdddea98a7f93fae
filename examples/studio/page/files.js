// Sessions as files, and files dropped on the page.

import { $, chooseFile, download, toast, fileName } from './dom.js';
import { post } from './api.js';
import * as store from './store.js';
import * as input from './input.js';

export function saveSession() {
  const text = JSON.stringify(store.save());
  const root = store.get().entries[0];
  download(new Blob([text], { type: 'application/json' }), `${fileName(root.name)}.studio.json`);
  for (const { score } of store.get().entries) store.keep(score);
}

export async function openSession(file) {
  try {
    let session;
    try {
      session = JSON.parse(await file.text());
    } catch {
      throw new Error('it is not a saved session');
    }
    store.load(await post('/api/session', session));
    toast(`${file.name} is open.`);
  } catch (error) {
    toast(`${file.name} cannot be opened: ${error.message}`, 'error');
  }
}

const openAny = (file) => (/\.json$/i.test(file.name) ? openSession(file) : input.openMidi(file));

export function build(onFile) {
  $('session-save').addEventListener('click', saveSession);
  $('session-open').addEventListener('click', () => chooseFile('.json,.mid,.midi,application/json,audio/midi', openAny));
  let depth = 0;
  const hint = (on) => { $('drop-hint').hidden = !on; };
  document.addEventListener('dragenter', (event) => {
    if ([...event.dataTransfer.types].includes('Files')) { depth++; hint(true); }
  });
  document.addEventListener('dragleave', () => { depth = Math.max(0, depth - 1); if (!depth) hint(false); });
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    depth = 0;
    hint(false);
    const file = event.dataTransfer.files[0];
    if (file) { onFile(file); openAny(file); }
  });
}
