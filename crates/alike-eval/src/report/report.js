// Comfort alone: the page says everything without it. Over the curves, the legend reads out precision at that recall.
{
  const svg = document.querySelector("svg.curves");
  const outputs = [...document.querySelectorAll("output[data-series]")];
  const read = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;
    const grid = [...svg.querySelectorAll(".grid line")].filter((l) => l.x1.baseVal.value === l.x2.baseVal.value);
    const [left, right] = [grid[0], grid[grid.length - 1]].map((l) => l.x1.baseVal.value);
    const [top, bottom] = [grid[0].y1.baseVal.value, grid[0].y2.baseVal.value];
    const recall = Math.min(1, Math.max(0, (at - left) / (right - left)));
    for (const output of outputs) {
      const { points } = svg.querySelector(`polyline[data-series="${output.dataset.series}"]`);
      let nearest = points[0];
      for (const point of points) if (Math.abs(point.x - at) < Math.abs(nearest.x - at)) nearest = point;
      const precision = (bottom - nearest.y) / (bottom - top);
      output.textContent = `precision ${precision.toFixed(2)} at recall ${recall.toFixed(2)}`;
    }
  };
  if (svg) {
    svg.addEventListener("pointermove", read);
    svg.addEventListener("pointerleave", () => outputs.forEach((output) => (output.textContent = "")));
  }
}
