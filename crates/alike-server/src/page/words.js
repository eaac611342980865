// What the page says, in the language of its reader. The dictionaries are beside this file and have the same keys.

import { english } from './english.js';
import { chinese } from './chinese.js';

const LANGUAGES = { en: { words: english, tag: 'en' }, zh: { words: chinese, tag: 'zh-Hans' } };

let language = 'en';
let plural = new Intl.PluralRules('en');

/** The first of the reader's languages that the page speaks. */
export const preferred = (languages) =>
  languages.map((name) => name.slice(0, 2).toLowerCase()).find((name) => name in LANGUAGES) ?? 'en';

export const spoken = () => language;

/** Numbers in a text are written as the language writes them; `n` chooses between one and many. */
export function say(key, values = {}) {
  const entry = LANGUAGES[language].words[key];
  const text = typeof entry === 'string' ? entry : entry[plural.select(values.n)] ?? entry.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === 'number' ? number(values[name]) : values[name]));
}

export function number(value, options = {}) {
  return new Intl.NumberFormat(LANGUAGES[language].tag, options).format(value);
}

export const score = (value) => number(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 });

export const percent = (value) => number(value, { style: 'percent', maximumFractionDigits: 1 });

export function bytes(value) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(value, 1)) / 3));
  return number(value / 1000 ** power, { style: 'unit', unit: units[power], maximumFractionDigits: power ? 1 : 0 });
}

/** Speaks a language from here on, and says again what the page's own markup says. */
export function speak(name) {
  language = name;
  plural = new Intl.PluralRules(name);
  document.documentElement.lang = LANGUAGES[name].tag;
  document.title = say('title');
  translate(document);
}

/** Fills what carries `data-say` (text), `data-say-label` (name for screen readers and tooltip) or `data-say-hint`. */
export function translate(root) {
  root.querySelectorAll('[data-say]').forEach((node) => { node.textContent = say(node.dataset.say); });
  root.querySelectorAll('[data-say-hint]').forEach((node) => { node.placeholder = say(node.dataset.sayHint); });
  root.querySelectorAll('[data-say-label]').forEach((node) => {
    node.setAttribute('aria-label', say(node.dataset.sayLabel));
    if (node.matches('button, a')) node.title = say(node.dataset.sayLabel);
  });
}
