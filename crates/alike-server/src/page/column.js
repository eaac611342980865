// One recipe's results: asks, says how it goes, shows the grid, and dims what is below the threshold.

import { ApiError } from './api.js';
import { element, find, fromTemplate } from './elements.js';
import { dimBelow, fillGrid, markUnshared, watchGrid } from './grid.js';
import { search } from './search.js';
import { number, percent, say, score, translate } from './words.js';

/** No score is below it. */
const NOTHING = -1;

const STEP = 0.005;

export class Column {
  /** What it was asked last, in a form of its owner's, who so knows whether to ask again. */
  asked = null;
  #root = fromTemplate('column');
  #list = find('.grid', this.#root);
  #slider = find('input', this.#root);
  #does;
  #running = null;
  #results = null;
  #threshold = null;

  /** `does` is what a grid wants, `threshold(value)` for a slider that came to rest, and `again()` for what failed. */
  constructor(does) {
    this.#does = does;
    watchGrid(this.#list);
    this.#slider.addEventListener('input', () => this.dim(this.#chosen()));
    this.#slider.addEventListener('change', () => does.threshold(this.#chosen()));
  }

  get element() {
    return this.#root;
  }

  get hits() {
    return this.#results?.hits ?? [];
  }

  /** Searches anew, and ends what was running. */
  async search(state, recipe, threshold) {
    this.stop();
    const running = new AbortController();
    this.#running = running;
    this.#threshold = threshold;
    find('h2', this.#root).textContent = say('results', { recipe });
    this.#begin();
    try {
      const results = await search(state, recipe, { signal: running.signal, onWait: (...wait) => this.#wait(...wait) });
      if (!running.signal.aborted) this.#show(results);
    } catch (error) {
      if (!running.signal.aborted) this.#fail(error);
    } finally {
      if (this.#running === running) this.#rest();
    }
  }

  stop() {
    this.#running?.abort();
    this.#rest();
  }

  /** Says everything again, in the language of now. */
  redraw() {
    translate(this.#root);
    if (this.#results) this.#show(this.#results);
  }

  /** Marks what another column doesn't have; with nothing to compare with, nothing. */
  compare(others) {
    markUnshared(this.#list, this.hits, others);
  }

  /** Below a score, or, for null, below what the recipe's calibration calls similar, if it has one. */
  dim(threshold) {
    this.#threshold = threshold;
    const above = dimBelow(this.#list, this.hits, threshold ?? this.#unrelatedBelow());
    find('output', this.#root).textContent = this.#thresholdText(above);
    this.#sayNothing(above);
  }

  /** Null where nobody knows; where no score is high enough, all are below. */
  #unrelatedBelow() {
    const meaning = this.#results?.meaning;
    return meaning ? meaning.similar_from ?? Infinity : null;
  }

  #thresholdText(n) {
    if (this.#threshold === NOTHING) return say('undimmed');
    if (this.#threshold !== null) return say('above', { threshold: score(this.#threshold), n });
    return this.#unrelatedBelow() === null ? say('undimmed') : say('likely', { n });
  }

  /** The lowest place dims nothing; what is usual, the address needn't say, and one step beside it is meant for it. */
  #chosen() {
    const [value, least] = [Number(this.#slider.value), Number(this.#slider.min)];
    const usual = Math.min(this.#unrelatedBelow() ?? least, 1);
    if (value <= least) return usual <= least ? null : NOTHING;
    return Math.abs(value - usual) <= STEP ? null : value;
  }

  #begin() {
    translate(this.#root);
    // Not on the column: its status line is to be heard meanwhile.
    this.#list.setAttribute('aria-busy', 'true');
    find('.progress', this.#root).hidden = false;
    find('.trouble', this.#root).hidden = true;
    find('.nothing', this.#root).hidden = true;
    find('.summary', this.#root).textContent = say('searching');
  }

  #rest() {
    this.#running = null;
    this.#list.removeAttribute('aria-busy');
    find('.progress', this.#root).hidden = true;
  }

  #wait(seconds, next, tries) {
    find('.summary', this.#root).textContent = say('busy', { seconds, next, tries });
  }

  #show(results) {
    this.#results = results;
    fillGrid(this.#list, results.hits, this.#does);
    find('h2', this.#root).textContent = say('results', { recipe: results.recipe });
    find('h2', this.#root).title = results.canonical;
    find('.summary', this.#root).textContent = summary(results);
    this.#scaleSlider();
    this.dim(this.#threshold);
  }

  /** From just below the weakest hit, where nothing is dimmed, to the highest score there is. */
  #scaleSlider() {
    const threshold = this.#threshold ?? this.#unrelatedBelow();
    const shown = threshold === null || threshold < 0 ? 1 : threshold;
    const lowest = Math.min(...this.hits.map((hit) => hit.score), shown);
    find('.threshold', this.#root).hidden = this.hits.length === 0;
    Object.assign(this.#slider, { min: Math.floor(lowest * 20 - 0.001) / 20, max: 1, step: STEP });
    this.#slider.value = Math.min(threshold ?? this.#slider.min, 1);
  }

  #sayNothing(above) {
    const others = this.hits.filter((hit) => !hit.is_query);
    const nothing = find('.nothing', this.#root);
    nothing.hidden = above > 0;
    if (above > 0) return;
    const why = others.length ? this.#whyNothing(others[0]) : say('nothingAtAll');
    nothing.replaceChildren(element('strong', { textContent: say('nothing') }), ` ${why}`);
  }

  #whyNothing({ score: best, probability }) {
    return this.#threshold === null
      ? say('nothingLikely', { best: score(best), probability: percent(probability) })
      : say('nothingAbove', { best: score(best), threshold: score(this.#threshold) });
  }

  #fail(error) {
    this.#results = null;
    this.#list.replaceChildren();
    find('.threshold', this.#root).hidden = true;
    find('.summary', this.#root).textContent = '';
    showTrouble(find('.trouble', this.#root), error, () => this.#does.again());
  }
}

/** Fills a box with what went wrong, in the server's words, and a way to try again. */
export function showTrouble(box, error, again) {
  if (!(error instanceof ApiError)) console.error(error);
  const message = error.code === 'unreachable' ? say('unreachable') : say('serverSays', { message: error.message });
  const retry = again && element('button', { type: 'button', textContent: say('again'), on: { click: again } });
  box.replaceChildren(element('p', { textContent: message }), ...(retry ? [retry] : []));
  box.hidden = false;
}

function summary({ hits, took_ms: ms, scan }) {
  const found = say('summary', { n: hits.length, ms: number(ms, { maximumFractionDigits: ms < 10 ? 1 : 0 }) });
  const how = scan.kind === 'exact' ? say('exact') : say('inexact', { scan: scan.kind, recall: percent(scan.recall) });
  return `${found}, ${how}`;
}
