// Requests to the studio's server.

/// What the server says is wrong, with the parameter it is about.
export class Refusal extends Error {
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal('The studio does not answer. Is it still running?');
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Refusal(said.error ?? `The studio answered ${response.status}.`, said.field);
}

const json = (body, signal) => ({
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal,
});

export const get = async (path) => (await send(path)).json();
export const post = async (path, body, signal) => (await send(path, json(body, signal))).json();
export const postForBlob = async (path, body, signal) => (await send(path, json(body, signal))).blob();
export const postForBuffer = async (path, body, signal) => (await send(path, json(body, signal))).arrayBuffer();
export const getBuffer = async (path) => (await send(path)).arrayBuffer();

export const importMidi = async (file) =>
  (await send('/api/import', { method: 'POST', headers: { 'content-type': 'audio/midi' }, body: file })).json();

/// This page, to the server's queue.
export const client = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

/// Posts, and calls `onEvent(name, data)` for every server-sent event of the answer.
export async function stream(path, body, signal, onEvent) {
  const response = await send(path, json(body, signal));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const messages = (rest + value).split('\n\n');
    rest = messages.pop();
    for (const message of messages) {
      let name = 'message';
      const data = [];
      for (const line of message.split('\n')) {
        if (line.startsWith('event:')) name = line.slice(6).trim();
        else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
      }
      if (data.length) onEvent(name, JSON.parse(data.join('\n')));
    }
  }
}
