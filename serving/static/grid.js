// The point nearest to a place, by a grid instead of comparing all points; and the next one ahead.

const CELLS = 128; // cells on a side; with 45,000 points about three in a cell

// Sorts points into the cells of a grid over the square from 0 to 1. The points of cell c are
// rows[first[c]] to rows[first[c + 1]].
export function gridOf(xs, ys) {
  const cell = (value) => Math.min(Math.floor(value * CELLS), CELLS - 1);
  const first = new Uint32Array(CELLS * CELLS + 1);
  for (let row = 0; row < xs.length; row += 1) first[cell(ys[row]) * CELLS + cell(xs[row]) + 1] += 1;
  for (let at = 0; at < CELLS * CELLS; at += 1) first[at + 1] += first[at];
  const next = first.slice();
  const rows = new Uint32Array(xs.length);
  for (let row = 0; row < xs.length; row += 1) {
    rows[next[cell(ys[row]) * CELLS + cell(xs[row])]++] = row;
  }
  return { xs, ys, first, rows };
}

// Returns the point nearest to (x, y) within `reach` for which `counts` is true, or -1.
export function nearestIn({ xs, ys, first, rows }, x, y, reach, counts) {
  const cell = (value) => Math.min(Math.max(Math.floor(value * CELLS), 0), CELLS - 1);
  let best = -1, least = reach;
  for (let row = cell(y - reach); row <= cell(y + reach); row += 1) {
    for (let column = cell(x - reach); column <= cell(x + reach); column += 1) {
      const at = row * CELLS + column;
      for (let place = first[at]; place < first[at + 1]; place += 1) {
        const film = rows[place];
        const distance = Math.hypot(xs[film] - x, ys[film] - y);
        if (distance < least && counts(film)) [best, least] = [film, distance];
      }
    }
  }
  return best;
}

// Returns the point nearest to that of `from` in the direction (dx, dy), at most 45 degrees off,
// for which `counts` is true, or `from`.
export function nextIn({ xs, ys }, from, dx, dy, counts) {
  let best = from, least = Infinity;
  for (let row = 0; row < xs.length; row += 1) {
    const x = xs[row] - xs[from], y = ys[row] - ys[from];
    const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (ahead <= 0 || aside > ahead || !counts(row)) continue;
    if (ahead + aside < least) [best, least] = [row, ahead + aside];
  }
  return best;
}
