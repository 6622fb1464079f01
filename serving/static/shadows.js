// Drawings for posters of horror and crime; see motifs.js.

import { polar, standing, times } from "./sheet.js";

function zigzag(from, to, y, depth, n, side) {
  const step = (to - from) / n;
  return times(n, (at) => [from + at * step, y, from + (at + 0.5) * step, y + depth * side])
    .flat().concat([to, y]);
}

const house = standing((s, c, r) => {
  const x = r(70, 130);
  s.disc(x + r(-34, 34), r(62, 80), r(44, 60), c.b);
  s.path(`M-100 220Q${x - 60} 200 ${x - 26} 150H${x + 30}Q${x + 60} 200 300 220Z`, c.a);
  s.poly([x - 22, 152, x - 22, 98, x - 30, 98, x - 8, 70, x - 4, 74, x - 4, 60, x + 2, 60, x + 2,
    82, x + 12, 92, x + 28, 104, x + 22, 104, x + 22, 152], c.a);
  s.box(x - 12, 104, 9, 14, c.b);
});
const claws = (s, c, r) => {
  const lean = r(18, 46) * (r.flip() ? 1 : -1);
  times(4, (at) => {
    const x = 34 + at * 44 + r(-4, 4);
    const [top, low] = [r(-4, 30), r(168, 204)];
    s.path(`M${x + lean} ${top}Q${x + r(14, 24)} 100 ${x - lean} ${low}Q${x - r(2, 10)} 100 ${
      x + lean} ${top}Z`, at === 2 ? c.b : c.a);
  });
};
const drips = (s, c, r) => {
  const ends = times(6, (at) => [-20 + at * 40, r(50, 178)]);
  const d = `M-20 -120V60${ends.map(([x, y]) => `H${x + 6}V${y}a11 11 0 0 0 22 0V${r(34, 62)}`).join("")
  }H260V-120Z`;
  s.path(d, c.a);
  s.disc(r(30, 170), r(176, 192), 8, c.a);
};
const watchers = (s, c, r) => {
  const n = Math.floor(r(5, 8));
  times(n, (at) => {
    const [x, y] = [30 + ((at * 67) % 140) + r(-12, 12), 16 + (at * 172) / n + r(-6, 6)];
    const size = r(9, 15);
    [x - size * 1.2, x + size * 1.2].forEach((cx) => {
      s.oval(cx, y, size, size * 0.8, at === 2 ? c.b : c.a);
      s.oval(cx, y, size * 0.28, size * 0.72, c.ground);
    });
  });
};
const knife = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(18, 44)) * (r.flip() ? 1 : -1)} 100 100)`);
  g.path("M84 -46Q128 20 124 124H84Z", c.a);
  g.box(78, 124, 52, 9, c.ink);
  g.box(88, 133, 30, 74, c.b, 6);
  g.path("M84 124v34a6 6 0 0 1 -12 0q0 -12 12 -34Z", c.d);
};
const jaws = (s, c, r) => {
  const n = r.pick([5, 6, 7]);
  s.disc(100, 104, r(30, 44), c.b);
  s.poly([-40, -90, ...zigzag(-40, 240, 44, r(40, 56), n, 1), 240, -90], c.a);
  s.poly([-40, 290, ...zigzag(-40, 240, 160, r(40, 56), n, -1), 240, 290], c.a);
};

const fedora = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-14, 6))} 100 100)`);
  g.path("M48 92C54 40 66 26 84 30Q100 40 116 28C138 24 148 52 152 92Z", c.a);
  g.path("M46 80Q100 94 152 80L153 96Q100 110 45 96Z", c.b);
  g.path("M4 104Q46 84 100 96T198 92Q160 122 100 116T4 104Z", c.a);
  g.path("M60 122Q100 130 142 120Q146 170 108 196L92 196Q62 170 60 122Z", c.ink);
  g.box(66, r(140, 148), 60, 5, c.ground);
};
export const print = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-24, 24))} 100 100)`);
  times(8, (at) => {
    const [rx, ry] = [8 + at * 10, 12 + at * 12];
    const [from, to] = [r(100, 170), r(370, 440)];
    const [ax, ay] = polar(from, 1);
    const [bx, by] = polar(to, 1);
    g.line(`M${100 + ax * rx} ${104 + ay * ry}A${rx} ${ry} 0 ${to - from > 180 ? 1 : 0} 1 ${
      100 + bx * rx} ${104 + by * ry}`, 5, at === 3 ? c.b : c.a, "round");
  });
};
export const lamp = standing((s, c, r) => {
  const x = r(60, 140);
  s.poly([x - 8, 40, x + 8, 40, x + 92, 206, x - 92, 206], c.b);
  s.box(-100, 200, 400, 30, c.ink);
  const post = x + (x < 100 ? 60 : -60);
  s.line(`M${post} 204V44Q${post} 24 ${x} 30`, 4, c.ink);
  s.half(x, 44, 15, 0, c.ink);
  s.person(x + r(-26, 26), 202, 62, c.a);
});
const bullets = standing((s, c, r) => {
  const n = r.pick([3, 4, 5]);
  const step = 180 / n;
  const odd = Math.floor(r(0, n));
  times(n, (at) => {
    const [x, w] = [10 + at * step + step * 0.16, step * 0.68];
    const top = 50 + (at === odd ? r(20, 36) : 0);
    s.path(`M${x} ${top + w * 1.2}Q${x} ${top + w * 0.3} ${x + w / 2} ${top}Q${x + w} ${
      top + w * 0.3} ${x + w} ${top + w * 1.2}Z`, at === odd ? c.ink : c.b);
    s.box(x, top + w * 1.2 + 3, w, 240, c.a);
  });
});
const cut = (s, c, r) => {
  const blocks = [[14, 10, 74, 92], [96, 4, 90, 66], [10, 110, 62, 82], [80, 78, 60, 116],
    [148, 80, 42, 112]];
  blocks.forEach(([x, y, w, h], at) => s.poly([x + r(-8, 8), y + r(-8, 8), x + w + r(-8, 8),
    y + r(-8, 8), x + w + r(-8, 8), y + h + r(-8, 8), x + r(-8, 8), y + h + r(-8, 8)],
  [c.a, c.b, c.a, c.d, c.a][at]));
  const [x, y] = [r(64, 130), r(62, 120)];
  s.star(x, y, 9, () => r(9, 14), () => r(20, 34), c.ink);
  s.disc(x, y, 7, c.ground);
};
const gem = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-18, 18))} 100 100)`);
  g.poly([50, 40, 150, 40, 190, 86, 100, 186, 10, 86], c.a);
  g.poly([50, 40, 76, 86, 10, 86], c.b);
  g.poly([100, 40, 124, 86, 76, 86], c.ink);
  g.poly([150, 40, 190, 86, 124, 86], c.d);
  g.poly([76, 86, 124, 86, 100, 186], c.b);
};

export const SHADOWS = {
  Horror: [house, claws, drips, watchers, knife, jaws],
  Crime: [fedora, print, lamp, bullets, cut, gem],
};
