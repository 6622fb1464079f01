// Mouse and fingers on the map: they choose, move and zoom.

// Calls `at` for the film at a pixel, and the other functions as the map is moved; `view` is moved
// here.
export function listenToPointers(canvas, { view, at, hover, zoom, choose, draw, isKnown }) {
  const down = new Map(); // pointers that are down, and their positions
  let moved = 0; // pixels moved since the first came down

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (!down.size) moved = 0;
    down.set(event.pointerId, [event.offsetX, event.offsetY]);
  });
  canvas.addEventListener("pointermove", (event) => {
    const { offsetX: x, offsetY: y } = event;
    const before = down.get(event.pointerId);
    if (!before) {
      hover(at(x, y), x, y);
      return;
    }
    moved += Math.hypot(x - before[0], y - before[1]);
    down.set(event.pointerId, [x, y]);
    hover(-1);
    isKnown();
    // Each of two fingers moves the map half as far; their distance zooms.
    view.x -= (x - before[0]) / view.scale / down.size;
    view.y -= (y - before[1]) / view.scale / down.size;
    if (down.size === 2) {
      const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      const was = Math.hypot(before[0] - other[0], before[1] - other[1]);
      const is = Math.hypot(x - other[0], y - other[1]);
      if (was > 0 && is > 0) zoom(is / was, (x + other[0]) / 2, (y + other[1]) / 2);
    }
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    const isClick = down.size === 1 && moved < 5;
    down.delete(event.pointerId);
    if (!isClick) return;
    const row = at(event.offsetX, event.offsetY);
    choose(row);
  });
  canvas.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    isKnown();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
  }, { passive: false });
}
