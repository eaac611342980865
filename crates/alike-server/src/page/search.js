// From a state to the request that answers it: by id, by the bytes of one picture, or by several of both kinds.

import { isUpload } from './address.js';
import { ask, askJson } from './api.js';
import { upload } from './uploads.js';

/** The results of a state under a recipe; `patience` holds `signal` and `onWait` of `ask`. */
export function search(state, recipe, patience) {
  const options = optionsOf(state, recipe);
  const { like, unlike } = state;
  const all = [...like, ...unlike];
  if (all.length === 1) return searchOne(like[0], options, patience);
  if (all.some(isUpload)) {
    return ask(`/api/v1/search?${options}`, { ...patience, method: 'POST', body: parts(like, unlike) });
  }
  return askJson(`/api/v1/search?${options}`, 'POST', { like: like.map(Number), unlike: unlike.map(Number) }, patience);
}

function optionsOf(state, recipe) {
  const options = new URLSearchParams({ k: state.k });
  if (recipe) options.set('recipe', recipe);
  if (state.label !== null) options.set('label', state.label);
  state.tags.forEach((tag) => options.append('tag', tag));
  if (state.region) options.set('region', state.region.map((part) => Number(part.toFixed(4))).join(','));
  return options;
}

function searchOne(name, options, patience) {
  if (!isUpload(name)) return ask(`/api/v1/images/${name}/similar?${options}`, patience);
  const { blob } = upload(name);
  return ask(`/api/v1/search?${options}`, { ...patience, method: 'POST', body: blob, headers: { 'Content-Type': typeOf(blob) } });
}

function parts(like, unlike) {
  const form = new FormData();
  const add = (name, part) => (isUpload(name) ? form.append(part, upload(name).blob) : form.append(`${part}_id`, name));
  like.forEach((name) => add(name, 'like'));
  unlike.forEach((name) => add(name, 'unlike'));
  return form;
}

/** What the browser takes a file for may be anything; the server looks at the content anyway. */
export const typeOf = (blob) => (blob.type.startsWith('image/') ? blob.type : 'application/octet-stream');
