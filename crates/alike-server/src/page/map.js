// The view with the map of the collection: its data, its legend, and the same pictures as a list.

import { ask } from './api.js';
import { element, find, thumbnailOf } from './elements.js';
import { watchGestures } from './gestures.js';
import { miniature } from './grid.js';
import { Plot } from './plot.js';
import { percent, say } from './words.js';

const MOST_POINTS = 3000;
const MOST_LISTED = 100;
const HUES = 12;
const SHAPES = 4;

const canvas = find('#map');
const list = find('#map-list');
const plot = new Plot(canvas, () => settle());
let map = null;
let labels = new Map();
let chosenLabel = null;
let running = null;
let settling = 0;
let moved = () => {};

/** Listens to hands and buttons; `search(id)` is called with the picture of a point, `came(place)` when the map stands still. */
export function watchMap(search, came) {
  moved = came;
  watchGestures(canvas, plot, { chosen: (point) => point && search(point.id), hovered: showTip });
  find('#map-in').addEventListener('click', () => plot.zoomAtCentre(1.6));
  find('#map-out').addEventListener('click', () => plot.zoomAtCentre(1 / 1.6));
  find('#map-reset').addEventListener('click', () => plot.reset());
  list.addEventListener('toggle', () => fillList());
  list.addEventListener('click', (event) => {
    const { id } = event.target.closest('button')?.dataset ?? {};
    if (id) search(id);
  });
}

/** Shows the map of a recipe at a place; it is asked for once, and again after `forgetMap`. */
export async function showMap(recipe, collection, place) {
  running?.abort();
  labels = inOrder(collection.labels);
  if (map?.recipe !== recipe) {
    // What is seen meanwhile is another map's.
    map = null;
    running = new AbortController();
    find('#map-about').textContent = say('loading');
    const options = new URLSearchParams({ limit: MOST_POINTS, ...(recipe && { recipe }) });
    map = { ...(await ask(`/api/v1/collection/map?${options}`, { signal: running.signal })), recipe };
    plot.reset();
  }
  draw();
  if (String(place) === String(plot.place)) return;
  if (place) plot.goTo(place);
  else plot.reset();
}

export function forgetMap() {
  map = null;
}

function draw() {
  if (!map) return;
  const explained = map.explained.reduce((sum, part) => sum + part, 0);
  canvas.setAttribute('aria-label', say('mapName', { n: map.points.length, recipe: map.recipe }));
  find('#map-about').textContent = say('mapAbout', { n: map.points.length, explained: percent(explained) });
  plot.show(map.points, styleOf);
  fillLegend();
}

/** The largest labels get the hues that differ most. */
function inOrder(all) {
  const sorted = [...all].sort((a, b) => b.pictures - a.pictures);
  return new Map(sorted.map((label, at) => [label.id, { ...label, hue: at % HUES, shape: Math.floor(at / HUES) % SHAPES }]));
}

function styleOf({ label }) {
  const { hue = null, shape = 0 } = labels.get(label) ?? {};
  return { hue, shape, faded: chosenLabel !== null && label !== chosenLabel };
}

const nameOf = (label) => labels.get(label)?.name ?? label ?? say('unlabelled');

function fillLegend() {
  find('#legend').replaceChildren(...[...labels.values()].map((label) => element('li', {}, legendButton(label))));
}

function legendButton({ id, name, hue, shape }) {
  const swatch = element('i', { className: `swatch shape-${shape}` });
  swatch.style.background = `var(--hue-${hue})`;
  const pressed = id === chosenLabel;
  const toggle = () => {
    chosenLabel = pressed ? null : id;
    draw();
    find(`#legend [data-label="${CSS.escape(id)}"]`).focus();
  };
  return element('button', { type: 'button', data: { label: id }, aria: { pressed }, on: { click: toggle } }, swatch, name ?? id);
}

function showTip(point, at) {
  const tip = find('#map-tip');
  tip.hidden = !point;
  if (!point) return;
  find('img', tip).src = thumbnailOf(point.id, 128);
  find('span', tip).textContent = nameOf(point.label);
  const [width, height] = plot.size;
  tip.style.left = `${at[0] > width / 2 ? at[0] - 160 : at[0] + 16}px`;
  tip.style.top = `${at[1] > height / 2 ? at[1] - 140 : at[1] + 16}px`;
}

/** What is heard and listed follows the map once it stands still. */
function settle() {
  clearTimeout(settling);
  settling = setTimeout(() => {
    sayNearest();
    fillList();
    if (map) moved(plot.place);
  }, 250);
}

function sayNearest() {
  const point = document.activeElement === canvas && plot.nearest();
  const text = point ? say('mapNearest', { id: String(point.id), label: nameOf(point.label) }) : '';
  const nearest = find('#map-nearest');
  if (nearest.textContent !== text) nearest.textContent = text;
}

function fillList() {
  if (!list.open || !map) return;
  const seen = plot.inView();
  const items = seen.slice(0, MOST_LISTED).map(({ id, label }) => {
    const button = miniature(id, say('mapPoint', { id: String(id), label: nameOf(label) }));
    button.dataset.id = id;
    return element('li', {}, button);
  });
  const rest = seen.length - items.length;
  if (rest > 0) items.push(element('li', { className: 'faint', textContent: say('mapRest', { n: rest }) }));
  find('ul', list).replaceChildren(...items);
}
