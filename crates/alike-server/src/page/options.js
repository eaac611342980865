// How to search: recipes, label, tags, number of results; what there is to choose from comes from the collection.

import { go, state } from './address.js';
import { element, fillSelect, find } from './elements.js';
import { number, say } from './words.js';

const COUNTS = [12, 30, 60, 100, 200, 500];

/** Each choice becomes part of the state, and so of the address. */
export function watchOptions() {
  const changes = {
    recipe: (value) => ({ recipe: value, min: null, at: null }),
    second: (value) => ({ second: value || null, min2: null }),
    label: (value) => ({ label: value || null }),
    k: (value) => ({ k: Number(value) }),
  };
  for (const [name, change] of Object.entries(changes)) {
    find(`#${name}`).addEventListener('change', (event) => go(change(event.target.value)));
  }
  find('#map-recipe').addEventListener('change', (event) => go(changes.recipe(event.target.value)));
  find('#options').addEventListener('submit', (event) => event.preventDefault());
  find('#tags').addEventListener('change', () => {
    go({ tags: [...find('#tags').querySelectorAll('input:checked')].map(({ value }) => value) });
  });
}

/** The recipe of a state: what it says, or the collection's first. */
export const recipeOf = ({ recipe }, collection) => recipe ?? collection.recipes[0]?.recipe ?? null;

export function showOptions(now, collection) {
  const recipes = collection.recipes.map(({ recipe }) => ({ value: recipe, text: recipe }));
  for (const id of ['#recipe', '#map-recipe']) fillSelect(find(id), recipes, recipeOf(now, collection) ?? '');
  fillSelect(find('#second'), [{ value: '', text: say('noSecond') }, ...recipes], now.second ?? '');
  fillSelect(find('#label'), labelChoices(collection), chosenLabel(now, collection));
  fillSelect(find('#k'), COUNTS.map((count) => ({ value: String(count), text: number(count) })), String(now.k));
  showTags(now, collection);
}

function labelChoices({ labels }) {
  const named = labels.map(({ id, name, pictures }) => ({ value: id, text: `${name ?? id} (${number(pictures)})` }));
  return [{ value: '', text: say('anyLabel') }, ...named];
}

/** An address may say a label by its name. */
function chosenLabel({ label }, { labels }) {
  if (label === null) return '';
  return labels.find(({ id, name }) => id === label || name === label)?.id ?? label;
}

function showTags({ tags }, collection) {
  const box = find('#tags');
  const known = collection.tags.map(({ tag }) => tag);
  const all = [...known, ...tags.filter((tag) => !known.includes(tag))];
  box.hidden = all.length === 0;
  find('summary', box).textContent = tags.length ? say('tagsChosen', { n: tags.length }) : say('tags');
  find('div', box).replaceChildren(...all.map((tag) => tagChoice(tag, tags.includes(tag))));
}

const tagChoice = (tag, checked) =>
  element('label', {}, element('input', { type: 'checkbox', value: tag, checked }), ` ${tag}`);

/** The thresholds of the two columns lie under these names in a state. */
export const THRESHOLDS = ['min', 'min2'];

export const keepThreshold = (key, value) => value !== state()[key] && go({ [key]: value }, { replace: true });
