// Pictures as cards: built once from a template, images loaded as they come into sight, moved through by arrow keys.

import { element, fileOf, find, fromTemplate, showPath, thumbnailOf } from './elements.js';
import { percent, say, score } from './words.js';

const labelText = (image) => image.label_name ?? image.label ?? say('unlabelled');

/**
 * Fills a list with the cards of images or hits. `does` says what happens on `search`, `like`, `unlike` and
 * `manage`, each called with the image.
 */
export function fillGrid(list, images, does) {
  const held = list.contains(document.activeElement);
  list.replaceChildren(...images.map((image) => card(image, does)));
  makeReachable(list);
  // Who searched by a key from a card goes on from the first of the new ones.
  if (held) find('.picture', list)?.focus({ preventScroll: true });
}

export function extendGrid(list, images, does) {
  list.append(...images.map((image) => card(image, does)));
  makeReachable(list);
}

function card(image, does) {
  const made = fromTemplate('card');
  made.dataset.id = image.id;
  fillPicture(find('.picture', made), image, does);
  fillText(made, image);
  fillActions(made, image, does);
  return made;
}

function fillPicture(button, image, does) {
  const picture = find('img', button);
  picture.width = image.width;
  picture.height = image.height;
  picture.src = thumbnailOf(image.id, 256);
  const scored = image.score !== undefined;
  const said = { rank: image.rank, label: labelText(image), path: image.path, score: scored && scoreText(image) };
  button.setAttribute('aria-label', say(scored ? 'cardScored' : 'cardPlain', said));
  button.title = say('searchFrom');
  button.addEventListener('click', () => does.search(image));
}

/** With its verdict, where the recipe is calibrated. */
const scoreText = ({ score: value, verdict }) => (verdict ? `${score(value)}, ${say(verdict)}` : score(value));

function fillText(made, image) {
  find('.score', made).textContent = image.score === undefined ? '' : score(image.score);
  find('.score', made).title = image.verdict ? say('verdict', { verdict: say(image.verdict), probability: percent(image.probability) }) : '';
  find('.label', made).textContent = labelText(image);
  find('.label', made).classList.toggle('faint', image.label === null);
  find('.mark', made).textContent = image.is_query ? say('isQuery') : '';
  showPath(find('.path', made), image.path);
  made.classList.toggle('is-query', Boolean(image.is_query));
}

function fillActions(made, image, does) {
  const actions = { like: 'moreLike', unlike: 'lessLike', more: 'change', open: 'open' };
  for (const [name, key] of Object.entries(actions)) {
    const action = find(`.${name}`, made);
    const text = say(key, { path: image.path });
    action.setAttribute('aria-label', text);
    action.title = text;
  }
  find('.open', made).href = fileOf(image.id);
  find('.like', made).addEventListener('click', () => does.like(image));
  find('.unlike', made).addEventListener('click', () => does.unlike(image));
  find('.more', made).addEventListener('click', () => does.manage(image));
}

/** Only one card's buttons are in the order of Tab: 200 cards would be a thousand stops. */
function makeReachable(list) {
  if (!find('.card.current', list) && list.firstElementChild) makeCurrent(list, list.firstElementChild);
}

function makeCurrent(list, next) {
  const before = find('.card.current', list);
  for (const [one, order] of [[before, -1], [next, 0]]) {
    one?.classList.toggle('current', order === 0);
    one?.querySelectorAll('button, a').forEach((stop) => { stop.tabIndex = order; });
  }
}

/** Keys and focus of a list of cards; called once for each list. */
export function watchGrid(list) {
  list.addEventListener('focusin', (event) => {
    const focused = event.target.closest('.card');
    if (focused && !focused.classList.contains('current')) makeCurrent(list, focused);
  });
  list.addEventListener('keydown', (event) => {
    const focused = event.target.closest('.card');
    if (!focused || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = neighbour(list, focused, event.key);
    const pressed = { '+': '.like', '-': '.unlike', o: '.open', O: '.open' }[event.key];
    if (!target && !pressed) return;
    event.preventDefault();
    if (target) find('.picture', target).focus();
    else find(pressed, focused).click();
  });
}

function neighbour(list, from, key) {
  const cards = list.children;
  const at = [...cards].indexOf(from);
  const row = columns(list);
  const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - row, ArrowDown: at + row, Home: 0, End: cards.length - 1 };
  const to = steps[key];
  return to === undefined ? null : cards[Math.min(cards.length - 1, Math.max(0, to))];
}

const columns = (list) => getComputedStyle(list).gridTemplateColumns.split(' ').length;

/** Dims the cards that score below a threshold and returns how many others, the query aside, are left. */
export function dimBelow(list, hits, threshold) {
  let above = 0;
  hits.forEach((hit, at) => {
    const weak = threshold !== null && hit.score < threshold;
    list.children[at].classList.toggle('weak', weak);
    if (!weak && !hit.is_query) above += 1;
  });
  return above;
}

/** Marks the hits that another list of hits doesn't have. */
export function markUnshared(list, hits, others) {
  const shared = new Set(others.map(({ id }) => id));
  hits.forEach((hit, at) => {
    const unshared = others.length > 0 && !shared.has(hit.id);
    if (!hit.is_query) find('.mark', list.children[at]).textContent = unshared ? say('onlyHere') : '';
  });
}

/** The images of a list of elements left to the reader of a screen: a small picture and a name in a button. */
export const miniature = (id, text, on) =>
  element('button', { type: 'button', className: 'miniature', on: { click: on } },
    element('img', { src: thumbnailOf(id, 64), alt: '', loading: 'lazy', width: 40, height: 40 }), text);
