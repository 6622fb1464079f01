// Zooming by keys and buttons, which have no pointer to zoom at: a film always stays in sight.

import { nearestIn } from "./grid.js";

const ALL = 2; // sides of the map: a reach beyond all films

// Zooms so that a film stays where it is: the chosen one if it is within `edge`, the free part of
// the canvas, else the one there that is nearest to its middle. Where there is none, the nearest of
// all is brought there.
export function zoomInSight(factor, chosen, view, edge, places, grid, isShown) {
  const x = (row) => view.toX(places.xs[row]), y = (row) => view.toY(places.ys[row]);
  const middle = view.at((edge.left + edge.right) / 2, (edge.top + edge.bottom) / 2);
  let row = chosen >= 0 && isWithin(edge, x(chosen), y(chosen)) ? chosen
    : nearestIn(grid, ...middle, ALL, (one) => isShown(one) && isWithin(edge, x(one), y(one)));
  if (row < 0) {
    row = nearestIn(grid, ...middle, ALL, isShown);
    if (row >= 0) view.centre(places.xs[row], places.ys[row], edge);
  }
  if (row < 0) view.zoomBy(factor);
  else view.zoomBy(factor, x(row), y(row));
}

export function isWithin(edge, x, y) {
  return x > edge.left && x < edge.right && y > edge.top && y < edge.bottom;
}
