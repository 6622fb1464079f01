// Moves all points to other places.

const TIME = 700; // milliseconds
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

// Calls `show` in each frame with the places by then, and true at the end, until it returns false.
export function glide(from, to, show) {
  const began = performance.now();
  const xs = from.xs.slice(), ys = from.ys.slice();
  requestAnimationFrame(function move(now) {
    const part = isStill.matches ? 1 : Math.min(Math.max((now - began) / TIME, 0), 1);
    const eased = part * part * (3 - 2 * part);
    for (let row = 0; row < xs.length; row += 1) {
      xs[row] = from.xs[row] + (to.xs[row] - from.xs[row]) * eased;
      ys[row] = from.ys[row] + (to.ys[row] - from.ys[row]) * eased;
    }
    if (show(part < 1 ? { xs, ys } : to, part === 1) && part < 1) requestAnimationFrame(move);
  });
}
