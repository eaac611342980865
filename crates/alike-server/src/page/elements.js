// Small ways to make and find elements. Data only ever become text here, never markup.

export const find = (selector, root = document) => root.querySelector(selector);

/** An element with properties; `on` holds listeners, `data` data attributes, `aria` ARIA attributes. */
export function element(tag, { on = {}, data = {}, aria = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  Object.entries(on).forEach(([event, listener]) => made.addEventListener(event, listener));
  Object.entries(data).forEach(([name, value]) => { made.dataset[name] = value; });
  Object.entries(aria).forEach(([name, value]) => made.setAttribute(`aria-${name}`, value));
  made.append(...children);
  return made;
}

/** One of the drawings in the page's sprite; it says nothing to a screen reader: its button does. */
export function icon(name) {
  const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#icon-${name}`);
  drawing.setAttribute('class', 'icon');
  drawing.setAttribute('aria-hidden', 'true');
  drawing.append(use);
  return drawing;
}

/** Shows a path; where there is little room, the folders are cut short and the name is not. */
export function showPath(box, path) {
  const cut = path.lastIndexOf('/', path.length - 2) + 1;
  box.replaceChildren(element('span', { textContent: path.slice(0, cut) }), element('span', { textContent: path.slice(cut) }));
  box.title = path;
}

export const fromTemplate = (id) => find(`#${id}`).content.firstElementChild.cloneNode(true);

export const fileOf = (id) => `/api/v1/images/${id}/file`;

export const thumbnailOf = (id, side) => `/api/v1/images/${id}/thumbnail?side=${side}`;

/** The parts of a select; keeps what is chosen, and shows it even where it isn't among the choices. */
export function fillSelect(select, choices, chosen) {
  const known = choices.some(({ value }) => value === chosen);
  const all = known ? choices : [...choices, { value: chosen, text: chosen }];
  select.replaceChildren(...all.map(({ value, text }) => element('option', { value, textContent: text })));
  select.value = chosen;
}
