// Joins the parts: a state from the address, the collection from the server, and what is shown of both.

import { format, go, isUpload, state, watch } from './address.js';
import { ask } from './api.js';
import { browse, glance } from './collection.js';
import { Column, showTrouble } from './column.js';
import { element, find } from './elements.js';
import { atHand, join, leaveBrowsing, showExamples, watchExamples } from './examples.js';
import { addUpload, manageImage } from './manage.js';
import { forgetMap, showMap, watchMap } from './map.js';
import { keepThreshold, recipeOf, showOptions, THRESHOLDS, watchOptions } from './options.js';
import { choosePicture, watchPictures } from './query.js';
import { keep, upload } from './uploads.js';
import { preferred, say, speak, spoken } from './words.js';

let collection = null;
let browsed = null;
let toast = 0;

const searchFrom = (id) => go({ view: 'search', like: [String(id)], unlike: [], ...leaveBrowsing() });

const keepPlace = (at) => state().view === 'map' && String(at) !== String(state().at) && go({ at }, { replace: true });

const does = {
  search: (image) => searchFrom(image.id),
  like: (image) => join('like', [String(image.id)]),
  unlike: (image) => join('unlike', [String(image.id)]),
  manage: (image) => manageImage(image, collection, changed),
};

const columns = THRESHOLDS.map((key) => {
  const column = new Column({ ...does, threshold: (value) => keepThreshold(key, value), again: () => searchAgain(column) });
  return column;
});

function start() {
  find('#columns').append(...columns.map((column) => column.element));
  watch(render);
  watchOptions();
  watchExamples(manageQuery);
  watchMap(searchFrom, keepPlace);
  watchPictures(put, () => tell(say('notPictures')));
  watchHeader();
  document.addEventListener('keydown', pressed);
  speak(languageOf(state()));
  load();
}

async function load() {
  try {
    collection = await ask('/api/v1/collection');
    render(state(), null);
  } catch (error) {
    showTrouble(find('#trouble'), error, load);
  }
}

const languageOf = ({ lang }) => lang ?? preferred(navigator.languages);

async function render(now, before, scroll) {
  if (languageOf(now) !== spoken()) {
    speak(languageOf(now));
    before = null;
  }
  find('#trouble').hidden = true;
  showHeader(now);
  // The collection may not have come yet: what waits for it is shown when it does.
  if (!collection) return;
  for (const view of ['search', 'browse', 'map']) find(`#view-${view}`).hidden = view !== now.view;
  showOptions(now, collection);
  if (before && (before.view !== now.view || String(before.like) !== String(now.like))) scrollTo(0, 0);
  await { search: renderSearch, browse: renderBrowse, map: renderMap }[now.view](now, before);
  if (scroll !== undefined && state() === now) scrollTo(0, scroll);
}

function renderSearch(now, before) {
  const asking = now.like.length > 0 && atHand(now);
  find('#view-search').classList.toggle('empty', !asking);
  find('#columns').hidden = !asking;
  find('#glance').hidden = asking;
  showExamples(asking ? now : { like: [], unlike: [], region: null });
  if (!asking) return renderGlance(now);
  if (!before) columns.forEach((column) => column.redraw());
  return searchColumns(now);
}

function renderGlance(now) {
  columns.forEach((column) => forget(column));
  find('#glance').replaceChildren(...glance(collection, does));
  if (now.like.length === 0) return;
  find('#trouble').replaceChildren(element('p', { textContent: say('lost') }));
  find('#trouble').hidden = false;
}

function forget(column) {
  column.stop();
  column.asked = null;
}

/** Each column searches only when what it is asked has changed; a threshold alone dims. */
async function searchColumns(now) {
  const recipes = [recipeOf(now, collection), now.second];
  const { like, unlike, region, label, tags, k } = now;
  find('#columns').classList.toggle('two', Boolean(now.second));
  await Promise.all(columns.map((column, at) => {
    column.element.hidden = at === 1 && !now.second;
    if (column.element.hidden) return forget(column);
    const asked = JSON.stringify([recipes[at], like, unlike, region, label, tags, k]);
    if (asked === column.asked) return column.dim(now[THRESHOLDS[at]]);
    column.asked = asked;
    return column.search(now, recipes[at], now[THRESHOLDS[at]]);
  }));
  if (state() === now) columns.forEach((column, at) => column.compare(now.second ? columns[1 - at].hits : []));
}

function searchAgain(column) {
  forget(column);
  searchColumns(state());
}

function renderBrowse(now, before) {
  const asked = JSON.stringify([now.label, now.tags]);
  if (before && asked === browsed) return;
  browsed = asked;
  return browse(find('#view-browse'), collection, does, (error) => {
    browsed = null;
    showTrouble(find('#trouble'), error, () => render(state(), null));
  });
}

function renderMap(now) {
  return showMap(recipeOf(now, collection), collection, now.at).catch((error) => {
    if (error.name !== 'AbortError') showTrouble(find('#trouble'), error, () => render(state(), null));
  });
}

function showHeader(now) {
  find('#collection-name').textContent = collection?.name ?? '';
  find('#report').hidden = !collection?.report;
  find('#language').textContent = say('language');
  find('#language').lang = spoken() === 'en' ? 'zh-Hans' : 'en';
  for (const link of document.querySelectorAll('nav [data-view]')) {
    link.href = format({ ...now, view: link.dataset.view });
    if (link.dataset.view === now.view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function watchHeader() {
  // With a key held, a link opens where the browser wants it.
  const follow = (link, act) => link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    act();
  });
  document.querySelectorAll('nav [data-view]').forEach((link) => follow(link, () => go({ view: link.dataset.view })));
  follow(find('#home'), () => go({ view: 'search', like: [], unlike: [], label: null, tags: [] }));
  follow(find('#skip'), () => find('#main').focus());
  find('#language').addEventListener('click', () => go({ lang: spoken() === 'en' ? 'zh' : 'en' }));
}

function pressed(event) {
  if (event.target.closest('input, select, textarea, dialog') || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '/') {
    event.preventDefault();
    choosePicture();
  } else if (event.key === 'Escape') find('#tags').open = false;
}

function put(files, adding) {
  const names = files.map(keep);
  if (adding && state().like.length) join('like', names);
  else go({ view: 'search', like: names, unlike: [], ...leaveBrowsing() });
}

async function manageQuery(name) {
  if (isUpload(name)) {
    addUpload(upload(name), collection, (what) => changed({ ...what, instead: name }));
    return;
  }
  try {
    does.manage(await ask(`/api/v1/images/${name}`));
  } catch (error) {
    showTrouble(find('#trouble'), error);
  }
}

/** Shows the collection as it is after a change: an upload that was added has an id now, and its address can be shared. */
async function changed({ text, image, instead, gone }) {
  tell(text);
  forgetMap();
  browsed = null;
  columns.forEach(forget);
  collection = await ask('/api/v1/collection').catch(() => collection);
  const { like, unlike, region } = state();
  const now = (names) => names.map((name) => (name === instead ? String(image.id) : name)).filter((name) => name !== String(gone));
  go({ like: now(like), unlike: now(unlike), region }, { replace: true });
}

/** Says something for some seconds, to be seen and heard. */
function tell(text) {
  clearTimeout(toast);
  find('#heard').textContent = text;
  toast = setTimeout(() => { find('#heard').textContent = ''; }, 8000);
}

start();
