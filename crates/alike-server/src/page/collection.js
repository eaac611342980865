// The collection at a glance, and its pictures label by label.

import { go, state } from './address.js';
import { ask } from './api.js';
import { element, find } from './elements.js';
import { extendGrid, fillGrid, watchGrid } from './grid.js';
import { bytes, number, say } from './words.js';

const PAGE = 60;

/** Counts, labels and recipes; what one sees before the first search. */
export function glance(collection, does) {
  if (collection.pictures === 0) return [element('p', { className: 'note', textContent: say('emptyCollection') })];
  return [
    element('h2', { textContent: say('startFrom') }),
    starters(collection, does),
    element('h2', { textContent: say('glance') }),
    facts(collection),
    labelButtons(collection, state().label),
    recipesTable(collection.recipes),
  ];
}

function facts({ pictures, bytes: size, labels }) {
  const all = [say('pictures', { n: pictures }), say('onDisk', { size: bytes(size) })];
  if (labels.length) all.push(say('labelsCount', { n: labels.length }));
  return element('p', { className: 'facts' }, ...all.map((fact) => element('span', { textContent: fact })));
}

function recipesTable(recipes) {
  const head = ['recipes', 'kind', 'dims', 'size'].map((key) => element('th', { scope: 'col', textContent: say(key) }));
  const row = ({ recipe, canonical, kind, dims, bytes: size }) =>
    element('tr', {}, element('th', { scope: 'row', textContent: recipe, title: canonical }),
      element('td', { textContent: say(kind === 'code' ? 'code' : 'vector') }),
      element('td', { textContent: say(kind === 'code' ? 'bits' : 'values', { n: dims }) }),
      element('td', { textContent: bytes(size) }));
  return element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...recipes.map(row)));
}

/** An address may say a label by its name. */
function labelButtons({ labels, pictures }, chosen) {
  const button = (label, text, count) => {
    const on = { click: () => go({ view: 'browse', label }) };
    const pressed = state().view === 'browse' && [label, text].includes(chosen);
    return element('li', {}, element('button', { type: 'button', aria: { pressed }, on },
      text, element('span', { className: 'faint', textContent: number(count) })));
  };
  return element('ul', { className: 'labels', aria: { label: say('labels') } }, button(null, say('allPictures'), pictures),
    ...labels.map(({ id, name, pictures: count }) => button(id, name ?? id, count)));
}

function tagButtons({ tags }) {
  const chosen = state().tags;
  const button = ({ tag, pictures }) => {
    const pressed = chosen.includes(tag);
    const toggled = pressed ? chosen.filter((other) => other !== tag) : [...chosen, tag];
    return element('li', {}, element('button', { type: 'button', aria: { pressed }, on: { click: () => go({ tags: toggled }) } },
      tag, element('span', { className: 'faint', textContent: number(pictures) })));
  };
  const title = element('li', { className: 'faint', textContent: say('tags') });
  return element('ul', { className: 'labels' }, title, ...tags.map(button));
}

/** A few pictures from all over the collection, to begin with. */
function starters({ pictures }, does) {
  const list = element('ol', { className: 'grid', role: 'list' });
  watchGrid(list);
  const places = Math.min(12, pictures);
  const one = (at) => ask(`/api/v1/images?limit=1&offset=${Math.floor((at * pictures) / places)}`);
  Promise.all(Array.from({ length: places }, (_, at) => one(at)))
    .then((pages) => fillGrid(list, pages.flatMap(({ images }) => images), does))
    .catch(() => list.remove());
  return list;
}

let running = null;

/** Fills the view that browses; `trouble(error)` is told what went wrong. */
export function browse(root, collection, does, trouble) {
  running?.abort();
  running = new AbortController();
  const list = element('ol', { className: 'grid', role: 'list' });
  const shown = element('p', { className: 'faint', role: 'status', textContent: say('loading') });
  const more = element('button', { type: 'button', textContent: say('showMore'), hidden: true });
  watchGrid(list);
  root.replaceChildren(element('h2', { textContent: say('glance') }), facts(collection), recipesTable(collection.recipes),
    labelButtons(collection, state().label), ...(collection.tags.length ? [tagButtons(collection)] : []), shown, list, more);
  const { signal } = running;
  const next = async () => {
    // Pressed twice, it would show the same pictures twice.
    more.disabled = true;
    await page(list, shown, more, does, signal).catch((error) => error.name === 'AbortError' || trouble(error));
    more.disabled = false;
  };
  more.addEventListener('click', next);
  return next();
}

async function page(list, shown, more, does, signal) {
  const { label, tags } = state();
  const offset = list.children.length;
  const options = new URLSearchParams({ offset, limit: PAGE });
  if (label !== null) options.set('label', label);
  tags.forEach((tag) => options.append('tag', tag));
  const { total, images } = await ask(`/api/v1/images?${options}`, { signal });
  extendGrid(list, images, does);
  shown.textContent = say('showing', { shown: list.children.length, n: total });
  more.hidden = list.children.length >= total;
  // The button that was pressed may be gone, and the new pictures are what its presser wants.
  if (offset && images.length) find('.picture', list.children[offset]).focus();
}
