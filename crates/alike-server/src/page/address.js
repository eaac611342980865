// What the page shows, as one plain object, and its address: each state can be shared, and back and forward work.
//
// Pictures are named by strings: the id of one in the collection ("7"), or the name of an upload in this tab
// ("u3f9a0c21"), which leads nowhere in another tab.

const VIEWS = ['search', 'browse', 'map'];

const EMPTY = {
  view: 'search', like: [], unlike: [], region: null, recipe: null, second: null,
  label: null, tags: [], k: 30, min: null, min2: null, at: null, lang: null,
};

export const isUpload = (name) => name.startsWith('u');

const number = (text) => (text === null || text === '' || !Number.isFinite(Number(text)) ? null : Number(text));

const names = (texts) => [...new Set(texts)].filter((text) => /^(\d{1,18}|u[0-9a-f]{8})$/.test(text));

function region(text) {
  const parts = (text ?? '').split(',').map(Number);
  const [x, y, w, h] = parts;
  const inside = parts.length === 4 && parts.every((part) => part >= 0 && part <= 1) && w > 0 && h > 0;
  return inside && x + w <= 1.001 && y + h <= 1.001 ? parts : null;
}

/** Where the map is looked at: x and y of the centre, and the zoom. */
function place(text) {
  const parts = (text ?? '').split(',').map(number);
  const [x, y, zoom] = parts;
  const whole = parts.length === 3 && !parts.includes(null);
  return whole && Math.abs(x) <= 2 && Math.abs(y) <= 2 && zoom > 0 ? parts : null;
}

/** The state that a query string says; whatever it says wrongly is left at its default. */
export function parse(query) {
  const said = new URLSearchParams(query);
  const view = said.get('view');
  return settled({
    ...EMPTY,
    view: VIEWS.includes(view) ? view : EMPTY.view,
    like: names(said.getAll('like')),
    unlike: names(said.getAll('unlike')),
    region: region(said.get('region')),
    recipe: said.get('recipe'),
    second: said.get('second'),
    label: said.get('label'),
    tags: said.getAll('tag'),
    k: Math.round(Math.min(1000, Math.max(1, number(said.get('k')) ?? EMPTY.k))),
    min: number(said.get('min')),
    min2: number(said.get('min2')),
    at: place(said.get('at')),
    lang: ['en', 'zh'].includes(said.get('lang')) ? said.get('lang') : null,
  });
}

/** The query string of a state; defaults are left out. */
export function format(state) {
  const said = new URLSearchParams();
  state.like.forEach((name) => said.append('like', name));
  state.unlike.forEach((name) => said.append('unlike', name));
  state.tags.forEach((tag) => said.append('tag', tag));
  if (state.region) said.set('region', state.region.map((part) => Number(part.toFixed(4))).join(','));
  for (const key of ['view', 'recipe', 'second', 'label', 'k', 'min', 'min2', 'lang']) {
    if (state[key] !== null && state[key] !== EMPTY[key]) said.set(key, state[key]);
  }
  if (state.at && state.view === 'map') said.set('at', state.at.join(','));
  const text = said.toString();
  return text ? `?${text}` : '/';
}

/** A region needs exactly one picture, and "not like these" needs something to be like. */
function settled(state) {
  const unlike = state.like.length ? state.unlike.filter((name) => !state.like.includes(name)) : [];
  const single = state.like.length === 1 && unlike.length === 0;
  return { ...state, unlike, region: single ? state.region : null };
}

let current = parse(location.search);
let listener = () => {};

export const state = () => current;

/** Calls `changed(state, before, scroll)` after each change; back and forward say how far down the reader was. */
export function watch(changed) {
  listener = changed;
  // The browser would scroll before the results are there again.
  history.scrollRestoration = 'manual';
  window.addEventListener('popstate', (event) => become(parse(location.search), event.state?.scroll ?? 0));
}

function become(next, scroll) {
  const before = current;
  current = next;
  listener(current, before, scroll);
}

/** Goes on to a changed state; other pictures mean another region. */
export function go(change, { replace = false } = {}) {
  const asked = 'like' in change && !('region' in change) ? { region: null, ...change } : change;
  const next = settled({ ...current, ...asked });
  if (!replace) history.replaceState({ scroll: scrollY }, '');
  history[replace ? 'replaceState' : 'pushState'](null, '', format(next));
  become(next);
}
