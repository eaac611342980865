// The box on the query picture: drawn, moved and resized by mouse, finger or arrow keys. All in fractions of the picture.

import { percent, say } from './words.js';

const SMALLEST = 0.03;
const FIRST = [0.25, 0.25, 0.5, 0.5];
const STEP = 0.02;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export class RegionBox {
  #frame;
  #box;
  #changed;
  #region = null;
  #drag = null;
  #settling = 0;

  /** `changed(region)` is called when a new region, or none, has come to rest. */
  constructor(frame, box, changed) {
    this.#frame = frame;
    this.#box = box;
    this.#changed = changed;
    frame.addEventListener('pointerdown', (event) => this.#press(event));
    frame.addEventListener('pointermove', (event) => this.#move(event));
    frame.addEventListener('pointerup', () => this.#release());
    frame.addEventListener('pointercancel', () => this.#cancel());
    box.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Shows a region, or none, without telling anyone. */
  show(region) {
    if (this.#drag) return;
    clearTimeout(this.#settling);
    this.#region = region;
    this.#draw();
  }

  /** A first box in the middle, for those who don't draw one. */
  start() {
    this.#region ??= FIRST;
    this.#draw();
    this.#box.focus();
    this.#changed(this.#region);
  }

  clear() {
    clearTimeout(this.#settling);
    this.#region = null;
    this.#draw();
    this.#changed(null);
  }

  #draw() {
    const region = this.#region;
    this.#box.hidden = !region;
    this.#frame.classList.toggle('partly', Boolean(region));
    if (!region) return;
    const [x, y, w, h] = region;
    const sides = { left: x, top: y, width: w, height: h };
    Object.entries(sides).forEach(([side, part]) => { this.#box.style[side] = `${part * 100}%`; });
    this.#box.setAttribute('aria-label', say('region', { x: percent(x), y: percent(y), w: percent(w), h: percent(h) }));
  }

  #at(event) {
    const frame = this.#frame.getBoundingClientRect();
    return [clamp((event.clientX - frame.left) / frame.width, 0, 1), clamp((event.clientY - frame.top) / frame.height, 0, 1)];
  }

  /** A corner pulls against the one opposite, the box moves, elsewhere a new box is drawn. */
  #press(event) {
    const onBox = this.#box.contains(event.target);
    // A finger on the picture scrolls the page: it draws only once there is a box.
    if (event.button !== 0 || (event.pointerType === 'touch' && !this.#region)) return;
    const at = this.#at(event);
    const corner = event.target.dataset?.corner?.split(' ').map(Number);
    const [x, y, w, h] = this.#region ?? [];
    if (corner) this.#drag = { from: [x + (1 - corner[0]) * w, y + (1 - corner[1]) * h] };
    else if (onBox) this.#drag = { grip: [at[0] - x, at[1] - y] };
    else this.#drag = { from: at };
    Object.assign(this.#drag, { before: this.#region, moved: false });
    this.#frame.setPointerCapture(event.pointerId);
  }

  #move(event) {
    if (!this.#drag) return;
    const at = this.#at(event);
    this.#region = this.#drag.grip ? moved(this.#region, at, this.#drag.grip) : between(this.#drag.from, at);
    this.#drag.moved = true;
    this.#draw();
  }

  #release() {
    if (!this.#drag) return;
    const { before, moved: hasMoved } = this.#drag;
    this.#drag = null;
    if (!hasMoved) return;
    const [, , w, h] = this.#region;
    if (w < SMALLEST || h < SMALLEST) this.show(before);
    else this.#changed(this.#region);
  }

  #cancel() {
    const { before } = this.#drag ?? {};
    this.#drag = null;
    if (before !== undefined) this.show(before);
  }

  #key(event) {
    if (['Delete', 'Backspace', 'Escape'].includes(event.key)) this.clear();
    else if (!this.#nudge(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #nudge({ key, shiftKey }) {
    const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[key];
    if (!step) return false;
    const [x, y, w, h] = this.#region;
    this.#region = shiftKey
      ? [x, y, clamp(w + step[0], SMALLEST, 1 - x), clamp(h + step[1], SMALLEST, 1 - y)]
      : [clamp(x + step[0], 0, 1 - w), clamp(y + step[1], 0, 1 - h), w, h];
    this.#draw();
    // A held key would search at each step.
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#changed(this.#region), 350);
    return true;
  }
}

const between = ([x0, y0], [x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];

const moved = ([, , w, h], at, grip) => [clamp(at[0] - grip[0], 0, 1 - w), clamp(at[1] - grip[1], 0, 1 - h), w, h];
