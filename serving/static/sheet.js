// Flat shapes for drawings, as SVG elements without ids: many drawings stand on one page.

export function node(name, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, typeof value === "number" ? Math.round(value * 10) / 10 : value);
  }
  return made;
}

// Draws shapes into an element. Lengths are user units, turns are degrees clockwise.
export class Sheet {
  constructor(root) {
    this.root = root;
  }

  add(name, attributes) {
    const made = node(name, attributes);
    this.root.append(made);
    return made;
  }

  group(transform) {
    return new Sheet(this.add("g", { transform }));
  }

  disc(cx, cy, r, fill) {
    this.add("circle", { cx, cy, r, fill });
  }

  ring(cx, cy, r, width, stroke) {
    this.add("circle", { cx, cy, r, fill: "none", stroke, "stroke-width": width });
  }

  oval(cx, cy, rx, ry, fill) {
    this.add("ellipse", { cx, cy, rx, ry, fill });
  }

  box(x, y, width, height, fill, rx = 0) {
    this.add("rect", { x, y, width, height, fill, ...(rx ? { rx } : {}) });
  }

  // Fills the polygon through the points x, y, x, y, ...
  poly(points, fill) {
    this.add("polygon", { points: points.map((at) => Math.round(at * 10) / 10).join(" "), fill });
  }

  path(d, fill) {
    this.add("path", { d: rounded(d), fill });
  }

  line(d, width, stroke, cap = "butt") {
    this.add("path", { d: rounded(d), fill: "none", stroke, "stroke-width": width,
      "stroke-linecap": cap, "stroke-linejoin": cap === "round" ? "round" : "miter" });
  }

  // Half a disc; without a turn its flat side is below.
  half(x, y, r, turn, fill) {
    const [dx, dy] = polar(turn, r);
    this.path(`M${x - dx} ${y - dy}A${r} ${r} 0 0 1 ${x + dx} ${y + dy}Z`, fill);
  }

  // A quarter of a disc; without a turn the one at the lower right of its corner.
  quarter(x, y, r, turn, fill) {
    const [dx, dy] = polar(turn, r);
    this.path(`M${x} ${y}L${x + dx} ${y + dy}A${r} ${r} 0 0 1 ${x - dy} ${y + dx}Z`, fill);
  }

  // A star; with radii that differ from point to point it looks cut with scissors.
  star(x, y, n, inner, outer, fill, turn = -90) {
    const points = [];
    for (let at = 0; at < 2 * n; at += 1) {
      const radius = at % 2 ? inner : outer;
      const [dx, dy] = polar(turn + (at * 180) / n,
        typeof radius === "function" ? radius() : radius);
      points.push(x + dx, y + dy);
    }
    this.poly(points, fill);
  }

  // A person seen from far, standing on a point.
  person(x, y, height, fill) {
    const unit = height / 8;
    this.disc(x, y - 7 * unit, unit, fill);
    this.path(`M${x - 1.3 * unit} ${y}L${x - 1.5 * unit} ${y - 4.6 * unit}Q${x} ${y - 7 * unit} ${
      x + 1.5 * unit} ${y - 4.6 * unit}L${x + 1.3 * unit} ${y}Z`, fill);
  }
}

export function polar(turn, radius) {
  const angle = (turn * Math.PI) / 180;
  return [Math.cos(angle) * radius, Math.sin(angle) * radius];
}

function rounded(d) {
  return d.replace(/-?\d+\.\d+(e-\d+)?/g, (number) => Math.round(number * 10) / 10);
}

// Marks a motif that stands on the lower edge.
export const standing = (draw) => Object.assign(draw, { stands: true });
export const times = (n, each) => Array.from({ length: n }, (_, at) => each(at));

// Draws hills behind each other, the farthest first.
export function hills(s, colours, r, top) {
  colours.forEach((fill, at) => {
    const y = top + at * 30;
    s.path(`M-100 220V${y + r(-12, 12)}C${r(-20, 30)} ${y - r(20, 50)} ${r(60, 90)} ${y + r(10, 40)
    } ${r(110, 140)} ${y}S${r(200, 240)} ${y - r(0, 40)} 300 ${y + r(-10, 20)}V220Z`, fill);
  });
}
