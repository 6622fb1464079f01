// Drawings for posters by genre: flat geometry in few colours.
//
// A motif fills a square of 200 by 200, and may go beyond it; one that stands on the ground is
// made by `standing`. It gets a sheet, the colours {ground, tint, a, b, d, ink} and a source of
// chance: r(low, high) is a number, r.pick(list) an entry, r.flip() true or false.

import { SHADOWS, lamp, print } from "./shadows.js";
import { hills, polar, standing, times } from "./sheet.js";
import { STAGES } from "./stages.js";

const couple = (s, c, r) => {
  const turn = r(-50, 50);
  const [dx, dy] = polar(turn, r(24, 38));
  const size = r(56, 68);
  const far = Math.hypot(dx, dy);
  s.disc(100 - dx, 100 - dy, size, c.a);
  s.disc(100 + dx, 100 + dy, size, c.b);
  const [ex, ey] = polar(turn + 90, Math.sqrt(size * size - far * far));
  s.path(`M${100 + ex} ${100 + ey}A${size} ${size} 0 0 0 ${100 - ex} ${100 - ey}A${size} ${size
  } 0 0 0 ${100 + ex} ${100 + ey}Z`, c.ink);
};
const door = standing((s, c, r) => {
  const x = r(50, 110);
  const width = r(34, 46);
  const slant = r(-70, 70);
  s.box(-100, 138, 400, 90, c.tint);
  s.poly([x, 138, x + width, 138, x + width + 34 + slant, 215, x - 34 + slant, 215], c.b);
  s.box(x, 34, width, 104, c.b);
  s.poly([x, 34, x - 16, 24, x - 16, 148, x, 138], c.a);
  s.person(x + width / 2 + r(-4, 4), 146, 56, c.ink);
});
const horizon = standing((s, c, r) => {
  const x = r(55, 145);
  s.disc(x, r(92, 118), r(52, 66), c.b);
  s.box(-100, 130, 400, 100, c.a);
  const walker = x + r(-30, 30);
  s.poly([walker - 4, 140, walker + 4, 140, walker + r(10, 60), 215, walker - r(-20, 20), 215],
    c.tint);
  s.person(walker, 141, 40, c.ink);
});
const stairs = standing((s, c, r) => {
  const n = Math.floor(r(5, 8));
  const [wide, high] = [190 / n, 118 / n];
  const mirror = s.group(r.flip() ? "matrix(-1 0 0 1 200 0)" : "translate(0 0)");
  for (let at = 0; at < n; at += 1) {
    mirror.box(10 + at * wide, 190 - at * high, 400, high + 1, at % 2 ? c.a : c.b);
  }
  mirror.box(-100, 190, 400, 40, c.a);
  const at = Math.floor(r(1, n));
  mirror.person(10 + (at + 0.5) * wide, 190 - at * high, 46, c.ink);
});
const arches = standing((s, c, r) => {
  const x = r(80, 120);
  [c.a, c.b, c.d, c.ink].forEach((fill, at) => {
    const half = 92 - at * r(21, 24);
    const top = 12 + at * 27 + half;
    s.path(`M${x - half} 220V${top}a${half} ${half} 0 0 1 ${2 * half} 0V220Z`, fill);
  });
});
const torn = (s, c, r) => {
  const turn = r(0, 180);
  const [dx, dy] = polar(turn, r(14, 30));
  const [gx, gy] = polar(turn - 90, r(2, 7));
  s.half(100 - dx + gx, 100 - dy + gy, 76, turn, c.a);
  s.half(100 + dx - gx, 100 + dy - gy, 76, turn + 180, c.b);
};
const outsider = (s, c, r) => {
  const n = r.pick([4, 5, 6]);
  const step = 172 / n;
  const [column, row] = [Math.floor(r(0, n)), Math.floor(r(0, n))];
  const square = r.flip();
  for (let y = 0; y < n; y += 1) {
    for (let x = 0; x < n; x += 1) {
      const [cx, cy] = [14 + (x + 0.5) * step, 14 + (y + 0.5) * step];
      if (x === column && y === row) s.disc(cx + r(-3, 3), cy + r(-3, 3), step * 0.46, c.b);
      else if (square) s.box(cx - step * 0.36, cy - step * 0.36, step * 0.72, step * 0.72, c.a);
      else s.disc(cx, cy, step * 0.36, c.a);
    }
  }
};
const tree = standing((s, c, r) => {
  const x = r(70, 130);
  hills(s, [c.tint], r, 176);
  s.line(`M${x} 215V70M${x} 128l${r(16, 26)} -26M${x} 112l${-r(14, 24)} -24`, 5, c.ink);
  times(5, (at) => s.disc(x + r(-34, 34), r(40, 88), r(17, 34), at % 2 ? c.b : c.a));
  times(3, () => s.disc(x + r(-70, 70), r(130, 184), 4, c.a));
});
const windows = (s, c, r) => {
  const [columns, rows] = r.pick([[3, 4], [4, 5], [4, 4]]);
  const lit = Math.floor(r(0, columns * rows));
  const [wide, high] = [176 / columns, 184 / rows];
  times(columns * rows, (at) => {
    const [x, y] = [12 + (at % columns) * wide, 8 + Math.floor(at / columns) * high];
    s.box(x + 5, y + 5, wide - 10, high - 10, at === lit ? c.b : c.a);
    if (at === lit) s.half(x + wide / 2, y + high - 5, Math.min(wide, high) * 0.26, 0, c.ink);
    if (at === lit) s.disc(x + wide / 2, y + high * 0.5, Math.min(wide, high) * 0.13, c.ink);
  });
};

const grin = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-14, 14))} 100 100)`);
  g.disc(100, 100, 88, c.a);
  g.half(100, 106, r(46, 58), 180, c.ground);
  const wink = r.flip();
  g.disc(68, 74, 10, c.ground);
  if (wink) g.line("M118 78Q132 64 146 78", 8, c.ground, "round");
  else g.disc(132, 74, 10, c.ground);
  g.half(100, 138, r(12, 20), 0, c.b);
};
const gentleman = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-12, 12))} 100 100)`);
  g.path("M46 88V74a54 54 0 0 1 108 0V88Z", c.a);
  g.box(46, 74, 108, 14, c.b);
  g.path("M18 88H182Q176 106 148 104H52Q24 106 18 88Z", c.a);
  const low = r(136, 148);
  g.path(`M100 ${low}C112 ${low - 20} 138 ${low - 16} 144 ${low + 6}Q158 ${low + 8} 164 ${low - 8
  }C170 ${low + 30} 118 ${low + 34} 100 ${low + 10}C82 ${low + 34} 30 ${low + 30} 36 ${low - 8
  }Q42 ${low + 8} 56 ${low + 6}C62 ${low - 16} 88 ${low - 20} 100 ${low}Z`, c.ink);
};
const bounce = standing((s, c, r) => {
  const left = r.flip() ? "translate(0 0)" : "matrix(-1 0 0 1 200 0)";
  const g = s.group(left);
  g.line("M-20 70Q20 -10 52 176Q84 40 112 176Q136 90 158 176", 4, c.b);
  g.disc(r(150, 168), 150, r(26, 34), c.a);
  g.box(-100, 178, 400, 60, c.ink);
});
const tiles = (s, c, r) => {
  const n = r.pick([3, 4]);
  const step = 200 / n;
  const inks = [c.a, c.b, c.d, c.a];
  times(n * n, (at) => {
    const [x, y] = [(at % n) * step, Math.floor(at / n) * step];
    const turn = r.pick([0, 90, 180, 270]);
    const [cx, cy] = { 0: [x, y], 90: [x + step, y], 180: [x + step, y + step],
      270: [x, y + step] }[turn];
    const kind = r(0, 1);
    if (kind < 0.62) s.quarter(cx, cy, step, turn, r.pick(inks));
    else if (kind < 0.8) s.disc(x + step / 2, y + step / 2, step / 2, r.pick(inks));
    else if (kind < 0.9) s.half(x + step / 2, y + step / 2, step / 2, turn, r.pick(inks));
  });
};
const balloons = (s, c, r) => {
  [[r(50, 74), r(70, 96), c.b], [r(126, 150), r(60, 90), c.d], [r(88, 112), r(46, 66), c.a]]
    .forEach(([x, y, fill]) => {
      s.line(`M${x} ${y + 40}Q${x + r(-20, 20)} 150 100 215`, 1.5, c.ink);
      s.oval(x, y, 34, 41, fill);
      s.poly([x, y + 38, x - 6, y + 48, x + 6, y + 48], fill);
    });
};

const spiral = (s, c, r) => {
  const turns = r(3.2, 5);
  const points = times(Math.round(turns * 24), (at) => {
    const [dx, dy] = polar(at * 15, 3 + (at * 88) / (turns * 24));
    return `${100 + dx} ${100 + dy}`;
  });
  s.disc(100, 100, 96, c.a);
  s.group(`rotate(${Math.round(r(0, 360))} 100 100)`).line(
    `M${points.join("L")}`, r(5, 8), c.ground);
  s.person(100, 128, 56, c.ink);
};
const sights = (s, c, r) => {
  const [x, y] = [r(86, 114), r(86, 114)];
  s.disc(x, y, 78, c.a);
  s.disc(x, y, 56, c.ground);
  s.disc(x, y, 34, c.a);
  s.line(`M${x} -60V${y - 12}M${x} ${y + 12}V280M-60 ${y}H${x - 12}M${x + 12} ${y}H280`, 3, c.ink);
  s.disc(x + r(-3, 3), y, 7, c.b);
};
const eye = (s, c, r) => {
  const high = r(54, 74);
  s.path(`M6 100Q100 ${100 - 2 * high} 194 100Q100 ${100 + 2 * high} 6 100Z`, c.a);
  const x = 100 + r(-16, 16);
  s.disc(x, 100, high * 0.72, c.b);
  s.disc(x, 100, high * 0.36, c.ink);
  s.disc(x + high * 0.2, 100 - high * 0.22, high * 0.12, c.ground);
};
const shards = (s, c, r) => {
  const [x, y] = [r(70, 130), r(70, 130)];
  const n = Math.floor(r(7, 10));
  times(n, (at) => {
    const from = (at * 360) / n + r(2, 8);
    const to = ((at + 1) * 360) / n - r(2, 8);
    const near = r(6, 22);
    const [ax, ay] = polar((from + to) / 2, near);
    const [bx, by] = polar(from, r(70, 120));
    const [dx, dy] = polar(to, r(70, 120));
    s.poly([x + ax, y + ay, x + bx, y + by, x + dx, y + dy], [c.a, c.b, c.a, c.d][at % 4]);
  });
};
const keyhole = (s, c, r) => {
  const x = r(84, 116);
  s.box(x - 62, 4, 124, 192, c.a, r.pick([0, 62]));
  s.disc(x, 82, 30, c.ground);
  s.poly([x - 12, 92, x + 12, 92, x + 27, 158, x - 27, 158], c.ground);
  s.disc(x + r(-8, 8), 82, 11, c.b);
};

const heart = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-16, 16))} 100 100)`);
  const q = 52;
  g.disc(100 - q * 0.707, 78, q, c.a);
  g.disc(100 + q * 0.707, 78, q, c.b);
  g.poly([100, 78 - q * 0.707, 100 - q * 1.414, 78 + q * 0.707, 100, 78 + q * 2.12], c.a);
  g.poly([100, 78 - q * 0.707, 100 + q * 1.414, 78 + q * 0.707, 100, 78 + q * 2.12], c.b);
  if (r.flip()) g.poly([100, 41, 108, 70, 94, 100, 106, 128, 100, 188, 95, 128, 84, 100, 98, 70], c.ground);
};
const birds = (s, c, r) => {
  const y = r(104, 124);
  s.disc(r(70, 130), r(60, 76), r(48, 60), c.b);
  s.line(`M-100 ${y - 12}Q100 ${y + 14} 300 ${y - 12}`, 2.5, c.ink);
  const x = r(66, 90);
  [[x, 1, c.a], [x + r(44, 58), -1, c.ink]].forEach(([at, side, fill]) => {
    s.path(`M${at - 22 * side} ${y + 20}L${at - 10 * side} ${y - 14}Q${at - 4 * side} ${y - 36} ${
      at + 12 * side} ${y - 30}L${at + 21 * side} ${y - 26}L${at + 14 * side} ${y - 21}Q${
      at + 16 * side} ${y + 2} ${at - 6 * side} ${y + 2}Z`, fill);
  });
};
const umbrella = (s, c, r) => {
  times(16, () => {
    const [x, y] = [r(-10, 200), r(-20, 170)];
    s.line(`M${x} ${y}l-8 22`, 2, c.tint);
  });
  s.half(100, 112, 82, 0, c.a);
  times(4, (at) => s.half(100 - 61.5 + at * 41, 112.5, 20.5, 0, c.ground));
  s.path("M79.500 112A64 80 0 0 1 100 30A64 80 0 0 1 120.500 112A20.500 20.500 0 0 0 79.500 112Z", c.b);
  s.line("M100 100V168q0 14 13 14t13 -14", 5, c.ink);
  s.line("M100 30V20", 4, c.ink);
};
const reflection = (s, c, r) => {
  const x = r(80, 120);
  s.disc(x, 76, 62, c.a);
  s.box(-100, 108, 400, 120, c.ground);
  times(7, (at) => {
    const half = (62 - at * 6) * r(0.6, 1.1);
    s.box(x - half + r(-8, 8), 116 + at * 12, 2 * half, 5, at % 3 === 1 ? c.b : c.a, 2.5);
  });
};
const rose = (s, c, r) => {
  s.line(`M100 90Q${r(80, 120)} 150 100 230`, 6, c.d);
  s.path(`M100 176Q${r(140, 160)} 170 158 132Q112 132 100 176Z`, c.d);
  let [x, y] = [100, 72];
  [64, 50, 38, 26, 15].forEach((size, at) => {
    s.disc(x, y, size, at % 2 ? c.b : c.a);
    const [dx, dy] = polar(r(0, 360), 9);
    [x, y] = [x + dx, y + dy];
  });
};

const burst = (s, c, r) => {
  const n = Math.floor(r(9, 14));
  const turn = r(0, 90);
  s.star(100, 100, n, () => r(48, 58), () => r(84, 118), c.a, turn);
  s.star(100, 100, n, () => r(28, 36), () => r(50, 64), c.b, turn + 12);
  s.disc(100, 100, r(12, 22), c.ink);
};
const speed = (s, c, r) => {
  const g = s.group(`rotate(${r.pick([-24, -30, -38, 28])} 100 100)`);
  times(7, (at) => {
    const y = 22 + at * 24;
    g.box(r(-140, -40), y, r(150, 260), r(6, 15), [c.a, c.b, c.a, c.d][at % 4]);
  });
  g.disc(r(130, 150), 100, r(34, 44), c.ink);
};
const bolt = (s, c, r) => {
  const lean = r(-12, 12);
  s.disc(100, 100, r(76, 90), c.b);
  s.poly([116 + lean, -30, 50, 108, 92, 108, 74 - lean, 230, 152, 82, 108, 82, 150 + lean, -30],
    c.a);
};
const road = standing((s, c, r) => {
  const x = r(80, 120);
  s.disc(x + r(-24, 24), 92, r(38, 56), c.b);
  s.box(-100, 96, 400, 130, c.tint);
  s.poly([x - 3, 96, x + 3, 96, x + 112, 222, x - 112, 222], c.a);
  times(4, (at) => {
    const [y, tall] = [104 + at * at * 10 + at * 6, 6 + at * 7];
    s.poly([x - 0.6 - at * 1.3, y, x + 0.6 + at * 1.3, y, x + 1.4 + at * 2, y + tall,
      x - 1.4 - at * 2, y + tall], c.ground);
  });
});
const chevrons = (s, c, r) => {
  const g = s.group(`rotate(${r.pick([0, -30, 90, -90])} 100 100)`);
  const n = r.pick([3, 4, 5]);
  times(n, (at) => {
    const x = -10 + (at * 170) / n;
    const w = 110 / n;
    g.poly([x, 0, x + w, 0, x + w + 70, 100, x + w, 200, x, 200, x + 70, 100],
      at === n - 1 ? c.b : c.a);
  });
};
const skyline = standing((s, c, r) => {
  s.poly([r(20, 180), 214, r(-60, 30), -60, r(50, 120), -60], c.b);
  let x = -20;
  while (x < 220) {
    const [wide, tall] = [r(18, 40), r(40, 130)];
    s.box(x, 210 - tall, wide + 0.5, tall + 20, c.a);
    if (r.flip()) s.box(x + wide / 2 - 2, 200 - tall, 3, 14, c.a);
    if (r.flip()) s.box(x + 6, 222 - tall, 5, 7, c.b);
    x += wide;
  }
});

export const MOTIFS = {
  Drama: [couple, door, horizon, stairs, arches, torn, outsider, tree, windows, ...STAGES],
  Comedy: [grin, gentleman, bounce, tiles, balloons],
  Thriller: [spiral, sights, eye, shards, keyhole],
  Romance: [heart, birds, umbrella, reflection, rose, couple],
  Action: [burst, speed, bolt, road, chevrons, skyline],
  ...SHADOWS,
  Mystery: [keyhole, lamp, eye, print, door],
  "": [tiles, torn, outsider, arches, chevrons],
};
