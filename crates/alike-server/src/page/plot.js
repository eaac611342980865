// The map itself: points on a canvas that one zooms and moves; close up, they are pictures.

import { thumbnailOf } from './elements.js';

const SMALLEST_ZOOM = 0.5;
const LARGEST_ZOOM = 400;
const MOST_PICTURES = 160;
const KEPT_PICTURES = 600;
const HUES = 12;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export class Plot {
  #canvas;
  #changed;
  #points = [];
  #style = () => ({ hue: 0, shape: 0, faded: false });
  #middleOfAll = [0, 0];
  #reachOfAll = [1, 1];
  #centre = [0, 0];
  #zoom = 1;
  #pictures = new Map();
  #drawing = 0;

  /** `changed()` is called after each drawing. */
  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#changed = changed;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  /** Points have x and y in -1..1; `style(point)` gives the hue and shape of their label, and whether they are faded. */
  show(points, style) {
    this.#points = points;
    this.#style = style;
    this.draw();
  }

  /** Shows all points, as large as they fit. */
  reset() {
    const axes = ['x', 'y'].map((axis) => this.#points.map((point) => point[axis]));
    const ends = axes.map((places) => [Math.min(...places, Infinity), Math.max(...places, -Infinity)]);
    this.#middleOfAll = ends.map(([low, high]) => (low <= high ? (low + high) / 2 : 0));
    this.#reachOfAll = ends.map(([low, high]) => Math.max((high - low) / 2, 0.05));
    this.#centre = this.#middleOfAll;
    this.#zoom = 1;
    this.draw();
  }

  /** Where it is looked at: x and y of the centre, and the zoom, in as many digits as an address takes; null for all of it. */
  get place() {
    if (this.#zoom === 1 && this.#centre === this.#middleOfAll) return null;
    return [...this.#centre.map((part) => Number(part.toFixed(6))), Number(this.#zoom.toFixed(2))];
  }

  goTo([x, y, zoom]) {
    this.#zoom = clamp(zoom, SMALLEST_ZOOM, LARGEST_ZOOM);
    this.#centre = [0, 0];
    this.#moveCentre(x, y);
  }

  /** Zooms by a factor about the centre, and goes to the nearest point where none would be seen. */
  zoomAtCentre(factor) {
    this.zoomBy(factor, this.#middle());
    const nearest = this.nearest();
    if (nearest && this.inView().length === 0) this.#moveCentre(nearest.x - this.#centre[0], nearest.y - this.#centre[1]);
  }

  /** Zooms by a factor about a place on the canvas, in CSS pixels. */
  zoomBy(factor, at) {
    const [x, y] = this.#toMap(at);
    this.#zoom = clamp(this.#zoom * factor, SMALLEST_ZOOM, LARGEST_ZOOM);
    const [x2, y2] = this.#toMap(at);
    this.#moveCentre(x - x2, y - y2);
  }

  /** Moves what is seen by so many CSS pixels. */
  moveBy(dx, dy) {
    const scale = this.#scale();
    this.#moveCentre(-dx / scale, dy / scale);
  }

  #moveCentre(dx, dy) {
    this.#centre = [dx, dy].map((step, axis) => {
      const [middle, reach] = [this.#middleOfAll[axis], this.#reachOfAll[axis]];
      return clamp(this.#centre[axis] + step, middle - reach, middle + reach);
    });
    this.draw();
  }

  get size() {
    return [this.#canvas.clientWidth, this.#canvas.clientHeight];
  }

  #middle() {
    return this.size.map((side) => side / 2);
  }

  #scale() {
    const [width, height] = this.size;
    const [across, down] = this.#reachOfAll;
    return Math.min(width / across, height / down) * 0.47 * this.#zoom;
  }

  #toMap([px, py]) {
    const [mx, my] = this.#middle();
    return [this.#centre[0] + (px - mx) / this.#scale(), this.#centre[1] - (py - my) / this.#scale()];
  }

  #toCanvas({ x, y }) {
    const [mx, my] = this.#middle();
    return [mx + (x - this.#centre[0]) * this.#scale(), my - (y - this.#centre[1]) * this.#scale()];
  }

  inView() {
    const [width, height] = this.size;
    return this.#points.filter((point) => {
      const [px, py] = this.#toCanvas(point);
      return px >= 0 && py >= 0 && px <= width && py <= height;
    });
  }

  /** The point nearest to a place on the canvas, if one lies within `reach` pixels; later ones are drawn on top. */
  nearest(at = this.#middle(), reach = Infinity) {
    let best = null;
    let least = reach;
    for (const point of this.#points) {
      const [px, py] = this.#toCanvas(point);
      const far = Math.hypot(px - at[0], py - at[1]);
      if (far <= least) [best, least] = [point, far];
    }
    return best;
  }

  /** Half a picture's side while pictures are shown, or the reach of a finger. */
  get reach() {
    return Math.max(16, this.#side(this.inView().length) / 2);
  }

  /** Pictures fill about half of what is seen, and are none while there are too many. */
  #side(count) {
    const [width, height] = this.size;
    return count > MOST_PICTURES ? 0 : clamp(Math.sqrt((width * height * 0.5) / Math.max(count, 1)), 24, 112);
  }

  draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    const [width, height] = this.size;
    const ratio = devicePixelRatio;
    Object.assign(this.#canvas, { width: width * ratio, height: height * ratio });
    const pen = this.#canvas.getContext('2d');
    pen.scale(ratio, ratio);
    const seen = this.inView();
    const side = this.#side(seen.length);
    const colours = this.#colours();
    for (const faded of [true, false]) {
      pen.globalAlpha = faded ? 0.15 : 1;
      seen.forEach((point) => {
        const style = this.#style(point);
        if (style.faded === faded) this.#paintPoint(pen, point, style, side, colours);
      });
    }
    if (document.activeElement === this.#canvas) this.#paintAim(pen, Math.max(9, side * 0.6), colours.ink);
    this.#changed();
  }

  #colours() {
    const style = getComputedStyle(this.#canvas);
    const hues = Array.from({ length: HUES }, (_, hue) => style.getPropertyValue(`--hue-${hue}`));
    return { hues, ink: style.getPropertyValue('--ink'), none: style.getPropertyValue('--faint') };
  }

  #paintPoint(pen, point, { hue, shape }, side, colours) {
    const [px, py] = this.#toCanvas(point);
    pen.fillStyle = hue === null ? colours.none : colours.hues[hue % HUES];
    const picture = side ? this.#picture(point.id) : null;
    if (picture?.complete && picture.naturalWidth) paintPicture(pen, picture, px, py, side);
    else paintShape(pen, shape, px, py, side ? 6 : 4);
  }

  /** Those asked for longest ago go first. */
  #picture(id) {
    let picture = this.#pictures.get(id);
    if (!picture) {
      picture = new Image();
      picture.addEventListener('load', () => this.draw());
      picture.src = thumbnailOf(id, 128);
    }
    this.#pictures.delete(id);
    this.#pictures.set(id, picture);
    if (this.#pictures.size > KEPT_PICTURES) this.#pictures.delete(this.#pictures.keys().next().value);
    return picture;
  }

  #paintAim(pen, radius, ink) {
    const point = this.nearest();
    const [mx, my] = this.#middle();
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    for (const [dx, dy] of [[8, 0], [0, 8]]) line(pen, mx - dx, my - dy, mx + dx, my + dy);
    if (!point) return;
    pen.beginPath();
    pen.arc(...this.#toCanvas(point), radius, 0, 2 * Math.PI);
    pen.stroke();
  }
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

/** A picture in a frame of its label's colour. */
function paintPicture(pen, picture, px, py, side) {
  const part = side / Math.max(picture.naturalWidth, picture.naturalHeight);
  const [width, height] = [picture.naturalWidth * part, picture.naturalHeight * part];
  pen.fillRect(px - width / 2 - 2, py - height / 2 - 2, width + 4, height + 4);
  pen.drawImage(picture, px - width / 2, py - height / 2, width, height);
}

/** Round, square, triangle, diamond: labels that must share a hue differ in shape. */
function paintShape(pen, shape, px, py, radius) {
  pen.beginPath();
  if (shape === 0) pen.arc(px, py, radius, 0, 2 * Math.PI);
  else if (shape === 1) pen.rect(px - radius * 0.85, py - radius * 0.85, radius * 1.7, radius * 1.7);
  else corners(shape === 2 ? 3 : 4).forEach(([cx, cy]) => pen.lineTo(px + cx * radius * 1.2, py + cy * radius * 1.2));
  pen.fill();
}

const corners = (count) =>
  Array.from({ length: count }, (_, at) => [Math.sin((2 * Math.PI * at) / count), -Math.cos((2 * Math.PI * at) / count)]);
