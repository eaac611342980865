// What hands do on the map: wheel, drag, pinch, click, keys.

const KEY_ZOOM = 1.4;
const STILL = 5;

/** Lets a canvas zoom and move a plot; `chosen(point)` is called for a click or Enter, `hovered(point, at)` for a pointer. */
export function watchGestures(canvas, plot, { chosen, hovered }) {
  const pointers = new Map();
  let travelled = 0;
  const at = (event) => [event.offsetX, event.offsetY];

  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    plot.zoomBy(Math.exp(-event.deltaY * lines * 0.002), at(event));
  }, { passive: false });

  canvas.addEventListener('pointerdown', (event) => {
    if (pointers.size === 0) travelled = 0;
    pointers.set(event.pointerId, at(event));
    canvas.setPointerCapture(event.pointerId);
    hovered(null);
  });

  canvas.addEventListener('pointermove', (event) => {
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType === 'mouse') hovered(plot.nearest(at(event), plot.reach), at(event));
      return;
    }
    const before = [...pointers.values()];
    travelled += distance(pointers.get(event.pointerId), at(event));
    pointers.set(event.pointerId, at(event));
    follow(plot, before, [...pointers.values()]);
  });

  canvas.addEventListener('pointerup', (event) => {
    const click = pointers.size === 1 && travelled < STILL;
    pointers.delete(event.pointerId);
    const point = click && plot.nearest(at(event), plot.reach);
    if (point) chosen(point);
  });
  canvas.addEventListener('pointercancel', (event) => pointers.delete(event.pointerId));
  canvas.addEventListener('pointerleave', () => hovered(null));
  canvas.addEventListener('keydown', (event) => press(event, plot, chosen));
  ['focus', 'blur'].forEach((name) => canvas.addEventListener(name, () => plot.draw()));
}

const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);

const between = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);

/** One finger moves, two also zoom about the place between them. */
function follow(plot, before, after) {
  const [from, to] = [between(before), between(after)];
  plot.moveBy(to[0] - from[0], to[1] - from[1]);
  if (after.length === 2) plot.zoomBy(distance(...after) / Math.max(1, distance(...before)), to);
}

function press(event, plot, chosen) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = Math.min(...plot.size) * 0.15;
  const does = {
    ArrowLeft: () => plot.moveBy(step, 0),
    ArrowRight: () => plot.moveBy(-step, 0),
    ArrowUp: () => plot.moveBy(0, step),
    ArrowDown: () => plot.moveBy(0, -step),
    '+': () => plot.zoomAtCentre(KEY_ZOOM),
    '=': () => plot.zoomAtCentre(KEY_ZOOM),
    '-': () => plot.zoomAtCentre(1 / KEY_ZOOM),
    0: () => plot.reset(),
    Enter: () => chosen(plot.nearest()),
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}
