// Words on the map: regions in large letters, titles of films in small ones; none covers another.

const AREA = 30000; // square pixels for each title shown at once
const FEWEST = 14; // titles shown on a small screen
const TRIED = 900; // most films whose titles are tried
const HEIGHT = 22; // pixels of a title's box
const GAP = 7; // pixels kept free on both sides of a title: two in a row are read as two
const LEVELS = [1.6, 4]; // zooms from which the regions of the second and the third level show
const FADE = 0.14; // natural logarithm of the zoom's distance from those within which they fade
const FAINTEST = 0.35; // opacity there

export class Labels {
  constructor(drawing, films) {
    Object.assign(this, { drawing, films, drawn: [],
      widths: new Float32Array(films.n + films.beyond) });
    // A font that comes late has other widths than the one in its place.
    document.fonts.ready.then(() => this.widths.fill(0));
  }

  // Forgets the titles from a row on: other films may take their rows.
  forget(row) {
    this.widths.fill(0, row);
  }

  // Paints labels outside of `taken`, boxes [left, top, right, bottom] in pixels.
  paint(places, first, regions, isStrong, taken) {
    this.taken = [...taken];
    this.drawn = [];
    this.named = new Set();
    this.titles(first, places, first.length);
    this.regions(regions);
    const { width, height } = this.drawing.view;
    const most = Math.max(Math.round(width * height / AREA), FEWEST);
    this.titles(this.inSight(places, isStrong), places, most);
  }

  titles(rows, { xs, ys }, most) {
    const { drawing, films, widths } = this;
    const { context, view, look } = drawing;
    Object.assign(context, { font: look.font, textBaseline: "middle", textAlign: "left",
      lineJoin: "round", strokeStyle: look.paper, lineWidth: 4, fillStyle: look.ink });
    let n = 0;
    for (const row of rows) {
      if (this.named.has(row) || row >= films.titles.length) continue; // or not known yet
      widths[row] ||= context.measureText(films.titles[row]).width;
      const radius = drawing.radiusOf(row, films) + 5;
      const x = view.toX(xs[row]), y = view.toY(ys[row]);
      // On the right of the point, else on its left.
      const left = [x + radius, x - radius - widths[row]].find((from) => this.take(
        [from - GAP, y - HEIGHT / 2, from + widths[row] + GAP, y + HEIGHT / 2], films.titles[row]));
      if (left === undefined) continue;
      context.strokeText(films.titles[row], left, y);
      context.fillText(films.titles[row], left, y);
      this.named.add(row);
      n += 1;
      if (n === most) break;
    }
  }

  regions(regions) {
    const { context, view, look } = this.drawing;
    const level = LEVELS.filter((zoom) => view.zoom >= zoom).length;
    const away = Math.min(...LEVELS.map((zoom) => Math.abs(Math.log(view.zoom / zoom))));
    context.globalAlpha = Math.min(Math.max(away / FADE, FAINTEST), 1);
    const size = Math.max(Math.min(view.width / 60, 19) - level, 13);
    Object.assign(context, { font: `600 ${size}px ${look.serif}`, textBaseline: "middle",
      textAlign: "center", lineJoin: "round", strokeStyle: look.paper, lineWidth: 6,
      fillStyle: look.accent });
    for (const { x: atX, y: atY, words } of regions[level] ?? []) {
      const x = view.toX(atX), half = context.measureText(words).width / 2 + 6;
      // In the middle of the region, else a line below or above.
      const y = [0, 1, -1].map((lines) => view.toY(atY) + lines * 1.4 * size).find(
        (middle) => this.take([x - half, middle - 0.75 * size, x + half, middle + 0.75 * size],
          words, "region"));
      if (y === undefined) continue;
      context.strokeText(words, x, y);
      context.fillText(words, x, y);
    }
    context.globalAlpha = 1;
  }

  // Takes a box if it lies on the canvas and overlaps no other; returns true if so.
  take(box, words, of = "film") {
    const { width, height } = this.drawing.view;
    const [left, top, right, bottom] = box;
    if (left < 0 || top < 0 || right > width || bottom > height) return false;
    if (this.taken.some((other) => left < other[2] && other[0] < right
        && top < other[3] && other[1] < bottom)) return false;
    this.taken.push(box);
    this.drawn.push({ words, box, of });
    return true;
  }

  // Returns films in sight, those of most votes first.
  inSight({ xs, ys }, isStrong) {
    const { view } = this.drawing;
    const found = [];
    for (let row = 0; row < this.films.n && found.length < TRIED; row += 1) {
      const x = view.toX(xs[row]), y = view.toY(ys[row]);
      if (x > 0 && x < view.width && y > 0 && y < view.height && isStrong(row)) found.push(row);
    }
    return found;
  }
}
