// The pictures asked about, beside the results: the one with its region, or several as chips.

import { go, isUpload, state } from './address.js';
import { ask } from './api.js';
import { element, find, icon, showPath, thumbnailOf } from './elements.js';
import { RegionBox } from './region.js';
import { upload } from './uploads.js';
import { say } from './words.js';

const regionBox = new RegionBox(find('#frame'), find('#region'), (region) => go({ region }));
let shown = null;

/** Listens to the panel's buttons; `manage(name)` opens what else can be done with the query picture. */
export function watchExamples(manage) {
  find('#region-start').addEventListener('click', () => regionBox.start());
  find('#region-clear').addEventListener('click', () => regionBox.clear());
  find('#query-more').addEventListener('click', () => manage(state().like[0]));
  find('#query-clear').addEventListener('click', () => go({ like: [], unlike: [] }));
  find('#query-picture').addEventListener('error', () => showUnseen(true));
  find('#query-picture').addEventListener('load', () => showUnseen(false));
}

/** Whether all pictures of a state are at hand: uploads are only in the tab they were put into. */
export const atHand = ({ like, unlike }) => [...like, ...unlike].every((name) => !isUpload(name) || upload(name));

/** Joins "like" or "unlike"; a picture is in one of them only. */
export function join(side, names) {
  const { like, unlike } = state();
  const kept = { like, unlike };
  if (side === 'unlike' && like.length === 0) return;
  for (const key of ['like', 'unlike']) kept[key] = kept[key].filter((name) => !names.includes(name));
  kept[side] = [...kept[side], ...names];
  if (kept.like.length) go({ view: 'search', ...kept, ...leaveBrowsing() });
}

/** A label that one browsed by would hide most of what looks alike. */
export const leaveBrowsing = () => (state().view === 'browse' ? { label: null, tags: [] } : {});

export function showExamples({ like, unlike, region }) {
  const single = like.length === 1 && unlike.length === 0;
  find('#query').hidden = like.length === 0;
  find('#region-start').hidden = !single || Boolean(region);
  find('#region-help').hidden = !single || Boolean(region);
  find('#region-clear').hidden = !region;
  find('#unshared').hidden = ![...like, ...unlike].some(isUpload);
  showPicture(like[0]);
  regionBox.show(region);
  showChips('like', single ? [] : like);
  showChips('unlike', unlike);
}

const sourceOf = (name, side) => (isUpload(name) ? upload(name)?.url ?? '' : thumbnailOf(name, side));

function showPicture(name) {
  if (name === undefined) {
    shown = null;
    return;
  }
  find('#query-picture').alt = say('queryPicture', { name: nameOf(name) });
  if (name === shown) return;
  shown = name;
  find('#query-picture').src = sourceOf(name, 640);
  showPath(find('#query-path'), isUpload(name) ? nameOf(name) : '');
  if (!isUpload(name)) sayPath(name);
}

const nameOf = (name) => (isUpload(name) ? upload(name)?.file || say('yourPicture') : name);

/** The path is a nicety: the results say it when the picture is gone. */
async function sayPath(name) {
  const image = await ask(`/api/v1/images/${name}`).catch(() => null);
  if (image && shown === name) showPath(find('#query-path'), image.path);
}

function showUnseen(unseen) {
  find('#query-unseen').hidden = !unseen;
  find('#frame').hidden = unseen;
}

function showChips(side, names) {
  const box = find(`#${side}`);
  box.hidden = names.length === 0;
  find('ul', box).replaceChildren(...names.map((name) => chip(side, name)));
}

function chip(side, name) {
  const text = say(side === 'like' ? 'dropLike' : 'dropUnlike', { name: nameOf(name) });
  const leave = () => go({ [side]: state()[side].filter((other) => other !== name) });
  return element('li', {},
    element('button', { type: 'button', title: text, aria: { label: text }, on: { click: leave } },
      element('img', { src: sourceOf(name, 128), alt: '', width: 56, height: 56 }), icon('close')));
}
