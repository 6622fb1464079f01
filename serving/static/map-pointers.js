// The pointer, two fingers, the wheel and the keyboard on the map.

const STILL = 5; // pixels that a pointer may move in a click

// Calls what `act` has: hover(x, y), leave(), move(dx, dy), zoom(factor, x, y), click(x, y).
export function listenToPointers(canvas, act) {
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
      act.hover(x, y);
      return;
    }
    moved += Math.hypot(x - before[0], y - before[1]);
    down.set(event.pointerId, [x, y]);
    act.leave();
    if (moved < STILL) return;
    // Each of two fingers moves the map half as far; their distance zooms.
    act.move((x - before[0]) / down.size, (y - before[1]) / down.size);
    if (down.size === 2) {
      const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      const was = Math.hypot(before[0] - other[0], before[1] - other[1]);
      const is = Math.hypot(x - other[0], y - other[1]);
      if (was > 0 && is > 0) act.zoom(is / was, (x + other[0]) / 2, (y + other[1]) / 2);
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    const isClick = down.size === 1 && moved < STILL;
    down.delete(event.pointerId);
    if (isClick) act.click(event.offsetX, event.offsetY);
  });
  canvas.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => act.leave());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    act.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX,
      event.offsetY);
  }, { passive: false });
}

// Calls the function of a key that is pressed on the map alone.
export function listenToKeys(canvas, keys) {
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    keys[event.key]();
    event.preventDefault();
  });
}
