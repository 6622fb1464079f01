// Draws the points, the chosen film with lines to its nearest, and the star of a text.

import { Pixels, pixelOf } from "./points.js";

const FAINT = 0.1, STRONG = 0.88; // opacity of points
const SIZES = 6; // sizes of points by votes

export class Drawing {
  constructor(canvas, view) {
    Object.assign(this, { canvas, view, context: canvas.getContext("2d") });
  }

  // Takes the room of the canvas on the page.
  resize() {
    const { canvas, view } = this;
    view.resize(canvas.clientWidth, canvas.clientHeight);
    canvas.width = Math.round(view.width * devicePixelRatio);
    canvas.height = Math.round(view.height * devicePixelRatio);
    this.pixels = new Pixels(canvas.width, canvas.height);
  }

  // Takes the colours of the page, and again whenever they change; calls `draw` then.
  follow(draw) {
    this.restyle();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.restyle();
      draw();
    });
  }

  restyle() {
    const { color: ink, backgroundColor: paper, fontFamily } = getComputedStyle(document.body);
    const root = getComputedStyle(document.documentElement);
    this.look = { ink, paper, accent: root.getPropertyValue("--accent").trim(),
      soft: root.getPropertyValue("--soft").trim(),
      font: `600 13px ${fontFamily}`, serif: root.getPropertyValue("--serif") };
  }

  // Radius of a point of the middle size in pixels: points stay apart where there are many.
  radius(n) {
    return Math.min(Math.max(this.view.scale / Math.sqrt(n) / 6, 1.3), 7);
  }

  // Returns the radius of the point of a film.
  radiusOf(row, films) {
    return this.radius(films.n) * factor(sizeOf(films.votes[row]));
  }

  points(films, { xs, ys }, { groups, colours }, isStrong, hasFaint) {
    const { pixels, view, look, canvas } = this;
    const values = colours.map(pixelOf);
    pixels.clear(pixelOf(look.paper));
    const scale = view.scale * devicePixelRatio;
    const left = view.x * scale - canvas.width / 2, top = view.y * scale - canvas.height / 2;
    const radius = this.radius(films.n) * devicePixelRatio;
    for (const isFaint of hasFaint ? [true, false] : [false]) {
      const paint = Array.from({ length: SIZES }, (_, size) => pixels.points(
        radius * factor(size), isFaint ? FAINT : STRONG));
      // Films with most votes are painted last, above the others.
      for (let row = films.n - 1; row >= 0; row -= 1) {
        if (hasFaint && isStrong(row) === isFaint) continue;
        paint[sizeOf(films.votes[row])](xs[row] * scale - left, ys[row] * scale - top,
          values[groups[row]]);
      }
    }
    this.context.putImageData(pixels.image, 0, 0);
    this.context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  }

  // Lines from a place to films; that to `lit` is thicker.
  lines(from, rows, { xs, ys }, lit) {
    const { context, view, look } = this;
    context.strokeStyle = look.accent;
    for (const row of rows) {
      context.globalAlpha = row === lit ? 1 : 0.55;
      context.lineWidth = row === lit ? 3 : 1.5;
      context.beginPath();
      context.moveTo(view.toX(from[0]), view.toY(from[1]));
      context.lineTo(view.toX(xs[row]), view.toY(ys[row]));
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  ring(row, films, { xs, ys }, width = 2) {
    const { context, view, look } = this;
    const radius = this.radiusOf(row, films) + 3;
    for (const [colour, thick] of [[look.paper, width + 3], [look.ink, width]]) {
      context.strokeStyle = colour;
      context.lineWidth = thick;
      context.beginPath();
      context.arc(view.toX(xs[row]), view.toY(ys[row]), radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // Returns the box of a star, [left, top, right, bottom] in pixels.
  starBox([x, y], half = 14) {
    const { view } = this;
    return [view.toX(x) - half, view.toY(y) - half, view.toX(x) + half, view.toY(y) + half];
  }

  // A star of five rays where a text would lie.
  star([x, y], size = 13) {
    const { context, view, look } = this;
    context.beginPath();
    for (let corner = 0; corner < 10; corner += 1) {
      const away = corner % 2 ? size * 0.45 : size;
      const angle = Math.PI * (corner / 5 - 0.5);
      context.lineTo(view.toX(x) + away * Math.cos(angle), view.toY(y) + away * Math.sin(angle));
    }
    context.closePath();
    context.lineJoin = "round";
    context.strokeStyle = look.paper;
    context.lineWidth = 5;
    context.stroke();
    context.fillStyle = look.accent;
    context.fill();
  }
}

function sizeOf(votes) {
  return Math.min(Math.floor(votes / 28), SIZES - 1); // the byte of 9,000 votes is 158
}

function factor(size) {
  return 0.7 + size * 0.16;
}
