// A virtual keyboard for mouse, touch and computer keys, and MIDI keyboards through Web MIDI.

import { h, isTyping, toast } from './dom.js';
import { isBlack, pitchName } from './music.js';

const COMPUTER = ['a', 'w', 's', 'e', 'd', 'f', 't', 'g', 'y', 'h', 'u', 'j', 'k', 'o', 'l', 'p', ';'];
const KEYS = 25;

/// `press(pitch, velocity)` and `release(pitch)` are told of every key.
export function keyboard(press, release) {
  let lowest = 60;
  let active = false;
  const held = new Map();
  const element = h('div', { class: 'keys', role: 'group', 'aria-label': 'Virtual keyboard' });
  const label = h('span', { class: 'octave-label' });

  const down = (pitch, velocity, source) => {
    if (held.has(source)) up(source);
    held.set(source, pitch);
    element.querySelector(`[data-pitch="${pitch}"]`)?.classList.add('down');
    press(pitch, velocity);
  };
  const up = (source) => {
    const pitch = held.get(source);
    if (pitch == null) return;
    held.delete(source);
    if (![...held.values()].includes(pitch)) {
      element.querySelector(`[data-pitch="${pitch}"]`)?.classList.remove('down');
      release(pitch);
    }
  };

  function draw() {
    for (const source of [...held.keys()]) up(source);
    element.replaceChildren();
    let white = 0;
    const whites = Array.from({ length: KEYS }, (_, i) => lowest + i).filter((p) => !isBlack(p)).length;
    for (let i = 0; i < KEYS; i++) {
      const pitch = lowest + i;
      const black = isBlack(pitch);
      const key = h('button', {
        type: 'button', class: black ? 'black' : 'white', 'data-pitch': pitch, 'aria-label': pitchName(pitch), tabindex: i === 0 ? 0 : -1,
        keydown: (event) => {
          if ((event.key === ' ' || event.key === 'Enter') && !event.repeat) { event.preventDefault(); down(pitch, 90, 'focus'); }
          const next = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
          if (next) { event.preventDefault(); event.stopPropagation(); element.querySelector(`[data-pitch="${pitch + next}"]`)?.focus(); }
        },
        keyup: (event) => { if (event.key === ' ' || event.key === 'Enter') up('focus'); },
        blur: () => up('focus'),
      }, pitch % 12 === 0 ? h('small', {}, pitchName(pitch)) : COMPUTER[i] && !black ? h('small', { class: 'faint' }, COMPUTER[i].toUpperCase()) : null);
      if (black) key.style.left = `calc(${(white / whites) * 100}% - ${36 / whites}%)`;
      else {
        key.style.left = `${(white / whites) * 100}%`;
        key.style.width = `${100 / whites}%`;
        white++;
      }
      if (black) key.style.width = `${66 / whites}%`;
      element.append(key);
    }
    label.textContent = `${pitchName(lowest)}–${pitchName(lowest + KEYS - 1)}`;
  }

  const keyOf = (event) => {
    const target = document.elementFromPoint(event.clientX, event.clientY);
    return element.contains(target) ? Number(target.closest('[data-pitch]')?.dataset.pitch) : NaN;
  };
  element.addEventListener('pointerdown', (event) => {
    const pitch = keyOf(event);
    if (Number.isNaN(pitch)) return;
    event.preventDefault();
    element.setPointerCapture(event.pointerId);
    // Near the front edge a key is louder.
    const box = event.target.closest('[data-pitch]').getBoundingClientRect();
    down(pitch, Math.round(60 + 50 * Math.min(1, Math.max(0, (event.clientY - box.top) / box.height))), `pointer${event.pointerId}`);
  });
  element.addEventListener('pointermove', (event) => {
    const source = `pointer${event.pointerId}`;
    if (!held.has(source)) return;
    const pitch = keyOf(event);
    if (pitch !== held.get(source)) { up(source); if (!Number.isNaN(pitch)) down(pitch, 85, source); }
  });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) element.addEventListener(end, (event) => up(`pointer${event.pointerId}`));
  element.addEventListener('contextmenu', (event) => event.preventDefault());

  const shift = (by) => { lowest = Math.min(96, Math.max(24, lowest + by)); draw(); };
  document.addEventListener('keydown', (event) => {
    if (!active || event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    // Out of sight, as on the other steps of a narrow page, it has no keys.
    if (element.offsetParent === null) return;
    // On the roll the same keys edit.
    if (document.activeElement?.id === 'roll') return;
    const key = event.key.toLowerCase();
    if (!['z', 'x', ...COMPUTER].includes(key)) return;
    event.stopPropagation();
    if (key === 'z') shift(-12);
    else if (key === 'x') shift(12);
    else { down(lowest + COMPUTER.indexOf(key), 90, `key${key}`); }
  }, true);
  document.addEventListener('keyup', (event) => up(`key${event.key.toLowerCase()}`), true);

  async function connect() {
    if (!navigator.requestMIDIAccess) { toast('This browser has no Web MIDI.', 'error'); return null; }
    try {
      const access = await navigator.requestMIDIAccess();
      const listen = () => {
        for (const port of access.inputs.values()) {
          port.onmidimessage = ({ data: [status, pitch, velocity] }) => {
            const kind = status & 0xf0;
            if (kind === 0x90 && velocity > 0) down(pitch, velocity, `midi${pitch}`);
            else if (kind === 0x80 || kind === 0x90) up(`midi${pitch}`);
          };
        }
      };
      access.onstatechange = listen;
      listen();
      return [...access.inputs.values()].map((port) => port.name);
    } catch {
      toast('The browser does not let the page use MIDI keyboards.', 'error');
      return null;
    }
  }

  draw();
  const octaves = h('div', { class: 'row octaves' },
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'An octave down', click: () => shift(-12) }, '◂'), label,
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'An octave up', click: () => shift(12) }, '▸'));
  return { element, octaves, connect, setActive: (on) => { active = on; if (!on) for (const source of [...held.keys()]) up(source); } };
}
