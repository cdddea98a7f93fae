// Elements, messages and downloads.

export const $ = (id) => document.getElementById(id);

/// An element. Attributes that are functions are event listeners; true and false set and leave out.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (name === 'value') element.value = value;
    else if (name === 'checked' || name === 'disabled' || name === 'hidden') element[name] = value;
    else if (value !== false && value != null) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/// Draws a part of the page anew; what had the focus there has it again, or `otherwise` has, a selector.
export function keepingFocus(part, otherwise, draw) {
  const at = document.activeElement;
  const held = part.contains(at) && at !== part;
  const row = held ? at.closest('[data-entry], [data-track], [data-parameter]') : null;
  const within = 'button, select, input, summary';
  const rowOf = () => {
    const [name, value] = Object.entries(row.dataset).find(([key]) => ['entry', 'track', 'parameter'].includes(key));
    return part.querySelector(`[data-${name}="${CSS.escape(value)}"]`);
  };
  const index = row ? [...row.querySelectorAll(within)].indexOf(at) : -1;
  draw();
  if (!held) return;
  const again = row ? rowOf()?.querySelectorAll(within)[index] : at.id && part.querySelector(`#${CSS.escape(at.id)}`);
  (again ?? part.querySelector(otherwise))?.focus({ preventScroll: true });
}

let nextId = 0;
export const freshId = (stem) => `${stem}-${++nextId}`;

/// A message that goes away; errors stay longer.
export function toast(text, kind = 'note') {
  const box = h('div', { class: `toast ${kind}` },
    h('span', {}, text),
    h('button', { type: 'button', class: 'quiet icon', 'aria-label': 'Close the message', click: () => box.remove() }, '×'));
  // A note takes the place of the last one; errors stay.
  if (kind === 'note') $('toasts').querySelector('.note')?.remove();
  $('toasts').append(box);
  while ($('toasts').children.length > 4) $('toasts').firstChild.remove();
  setTimeout(() => box.remove(), kind === 'error' ? 15000 : 5000);
}

/// Says something to a screen reader alone.
export function announce(text) {
  $('announcer').textContent = text;
}

export function download(blob, name) {
  const link = h('a', { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/// Lets the user choose a file.
export function chooseFile(accept, then) {
  const input = h('input', { type: 'file', accept, hidden: true, 'data-chooser': '' });
  input.addEventListener('change', () => {
    if (input.files[0]) then(input.files[0]);
    input.remove();
  });
  document.querySelectorAll('[data-chooser]').forEach((old) => old.remove());
  document.body.append(input);
  input.click();
}

/// Buttons of which one is chosen. `options` are [value, label].
export function segments(label, options, chosen, onChoose) {
  const group = h('div', { class: 'segments', role: 'radiogroup', 'aria-label': label });
  const select = (value, focus) => {
    for (const button of group.children) {
      const on = button.dataset.value === String(value);
      button.setAttribute('aria-checked', on);
      button.tabIndex = on ? 0 : -1;
      if (on && focus) button.focus();
    }
  };
  const choose = (value, focus) => { select(value, focus); onChoose(value); };
  options.forEach(([value, text], index) => {
    group.append(h('button', {
      type: 'button', role: 'radio', 'data-value': value, click: () => choose(value),
      keydown: (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        choose(options[(index + step + options.length) % options.length][0], true);
      },
    }, text));
  });
  select(chosen);
  group.select = select;
  return group;
}

/// A file name out of a title.
export const fileName = (title) => title.normalize('NFKD').replace(/\p{M}+/gu, '').replace(/[^\w]+/g, '-').replace(/^-+|-+$/g, '').toLowerCase() || 'music';

export const isTyping = (event) => {
  const { tagName, type } = event.target;
  return tagName === 'SELECT' || tagName === 'TEXTAREA' || (tagName === 'INPUT' && !['range', 'checkbox', 'radio', 'button'].includes(type));
};
