// Drawings for posters of the genres of other places, times and worlds; see motifs.js.

import { hills, polar, standing, times } from "./sheet.js";

const peaks = standing((s, c, r) => {
  s.disc(r(40, 160), r(40, 80), r(26, 44), c.b);
  [[r(20, 50), r(60, 84), 96, c.d], [r(150, 186), r(70, 92), 90, c.d],
    [r(84, 122), r(20, 44), 128, c.a]].forEach(([x, y, half, fill], at) => {
    s.poly([x, y, x + half, 220, x - half, 220], fill);
    if (at < 2) return;
    const low = y + 42;
    const edge = (half * 42) / (220 - y);
    s.poly([x, y, x + edge, low, x + edge * 0.4, low - 12, x, low + 6, x - edge * 0.4, low - 10,
      x - edge, low], c.ink);
  });
});
const compass = (s, c, r) => {
  const turn = r(-30, 30);
  s.ring(100, 100, 90, 3, c.b);
  s.star(100, 100, 4, 17, 62, c.b, turn - 45);
  s.star(100, 100, 4, 17, 92, c.a, turn);
  s.disc(100, 100, 9, c.ground);
};
const boat = standing((s, c, r) => {
  const x = r(80, 120);
  s.disc(x + r(-50, 50), r(66, 86), r(50, 66), c.b);
  s.poly([x - 4, 26, x - 4, 128, x - r(50, 64), 128], c.ink);
  s.poly([x + 4, r(40, 52), x + 4, 128, x + r(36, 48), 128], c.a);
  s.path(`M${x - 62} 136H${x + 58}Q${x + 48} 164 ${x + 26} 166H${x - 34}Q${x - 56} 160 ${x - 62
  } 136Z`, c.a);
  times(3, (row) => s.path(`M-60 230V${156 + row * 17}${"q10 9 20 0t20 0".repeat(8)}V230Z`,
    [c.d, c.a, c.d][row]));
});
const trail = standing((s, c, r) => {
  const x = r(80, 130);
  s.disc(x, 70, r(34, 50), c.b);
  hills(s, [c.d, c.a], r, 92);
  s.path(`M${x} 118C${x + 46} 132 ${x - 50} 146 ${x - 20} 164C${x + 70} 180 ${x - 70} 196 ${
    x - 80} 226H${x + 30}C${x + 10} 200 ${x + 94} 176 ${x} 160C${x - 20} 144 ${x + 62} 134 ${
    x + 3} 118Z`, c.ground);
});
const airship = (s, c, r) => {
  const x = r(84, 116);
  const size = r(58, 68);
  s.disc(x, 78, size, c.a);
  [0.62, 0.24].forEach((part, at) => s.oval(x, 78, size * part, size, at ? c.a : c.b));
  s.poly([x - size * 0.72, 118, x + size * 0.72, 118, x + 14, 166, x - 14, 166], c.a);
  s.poly([x - size * 0.4, 126, x + size * 0.4, 126, x + 8, 166, x - 8, 166], c.b);
  s.box(x - 14, 172, 28, 21, c.ink, 4);
};

const planet = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-34, 34))} 100 100)`);
  const size = r(50, 62);
  const [wide, thin] = [r(88, 100), r(20, 30)];
  const ring = (side) => g.line(`M${100 - wide} 100A${wide} ${thin} 0 0 ${side} ${100 + wide} 100`,
    7, c.b);
  ring(1);
  g.disc(100, 100, size, c.a);
  g.half(100, 100, size, r(20, 160), c.d);
  ring(0);
};
const orbits = (s, c, r) => {
  s.disc(100, 100, r(18, 30), c.a);
  [44, 66, 88, 112].forEach((size, at) => {
    s.ring(100, 100, size, 1.5, c.ink);
    const [dx, dy] = polar(r(0, 360), size);
    s.disc(100 + dx, 100 + dy, r(5, 14), at % 2 ? c.a : c.b);
  });
};
const rocket = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-30, 38))} 100 100)`);
  g.poly([86, 150, 114, 150, 122, 300, 78, 300], c.b);
  g.path("M72 116L52 150V168L74 152ZM128 116L148 150V168L126 152Z", c.d);
  g.path("M100 -6C138 34 140 98 124 154H76C60 98 62 34 100 -6Z", c.a);
  g.disc(100, r(66, 84), 14, c.ground);
};
const monolith = standing((s, c, r) => {
  const x = r(80, 120);
  s.disc(x, r(40, 64), r(40, 54), c.b);
  s.box(-100, 150, 400, 80, c.tint);
  s.box(x - 25, 50, 50, 116, c.a);
  s.poly([x + 25, 50, x + 37, 56, x + 37, 158, x + 25, 166], c.d);
  s.person(x - r(44, 66), 168, 26, c.ink);
});
const saucer = standing((s, c, r) => {
  const x = r(76, 124);
  s.poly([x - 24, 66, x + 24, 66, x + 84, 204, x - 84, 204], c.b);
  s.half(x, 52, 28, 0, c.d);
  s.oval(x, 60, 72, 17, c.a);
  s.box(-100, 200, 400, 30, c.a);
  s.person(x + r(-24, 24), 202, 40, c.ink);
});
const lens = (s, c, r) => {
  [[92, c.a], [74, c.ink], [60, c.a], [r(36, 46), c.d], [r(18, 26), c.b]].forEach(
    ([size, fill]) => s.disc(100, 100, size, fill));
  s.disc(100 + r(14, 24), 100 - r(14, 24), 7, c.ground);
};

const aperture = (s, c, r) => {
  const turn = r(0, 60);
  s.disc(100, 100, 92, c.a);
  const hole = r(26, 44);
  const corners = times(6, (at) => polar(turn + at * 60, hole).map((d) => d + 100));
  s.poly(corners.flat(), c.b);
  corners.forEach(([x, y], at) => {
    const [dx, dy] = polar(turn + at * 60 + 120, 110);
    s.line(`M${x} ${y}l${-dx} ${-dy}`, 3, c.ground);
  });
};
const finder = (s, c, r) => {
  s.disc(100 + r(-26, 26), 100 + r(-10, 10), r(44, 56), c.a);
  s.line("M14 54V20H52M148 20H186V54M186 146V180H148M52 180H14V146", 6, c.ink);
  s.disc(166, 42, 8, c.b);
  s.line(`M92 100h16M100 92v16`, 2.5, c.ink);
};
const relief = (s, c, r) => {
  const bumps = times(9, () => r(0.82, 1.18));
  times(7, (at) => {
    const size = 104 - at * 14;
    const points = bumps.map((bump, n) => polar(n * 40, size * (bump * (7 - at) + at) / 7)
      .map((d) => d + 100));
    const middle = ([x, y], [u, v]) => `${(x + u) / 2} ${(y + v) / 2}`;
    const d = points.map((point, n) => `Q${point[0]} ${point[1]} ${
      middle(point, points[(n + 1) % 9])}`).join("");
    s.path(`M${middle(points[8], points[0])}${d}Z`, at % 2 ? c.ground : [c.a, c.a, c.b, c.a][at / 2]);
  });
};
const bars = standing((s, c, r) => {
  const n = r.pick([7, 9, 11]);
  const step = 184 / n;
  const odd = Math.floor(r(0, n));
  times(n, (at) => s.box(8 + at * step + 2, 210 - r(40, 190), step - 4, 240,
    at === odd ? c.b : c.a));
});
const globe = (s, c, r) => {
  s.disc(100, 100, 90, c.a);
  const g = s.group(`rotate(${Math.round(r(-28, 28))} 100 100)`);
  [30, 64].forEach((rx) => g.add("ellipse", { cx: 100, cy: 100, rx, ry: 90, fill: "none",
    stroke: c.ground, "stroke-width": 3 }));
  g.line("M100 10V190M10 100H190M24 54H176M24 146H176", 3, c.ground);
  const [dx, dy] = polar(r(0, 360), r(20, 56));
  s.disc(100 + dx, 100 + dy, 13, c.b);
};

const home = standing((s, c, r) => {
  const x = r(80, 120);
  hills(s, [c.d], r, 168);
  s.poly([x - 74, 104, x, r(36, 48), x + 74, 104], c.b);
  s.box(x - 58, 103, 116, 110, c.a);
  s.box(x - 14, 150, 28, 80, c.ground, 14);
  [-36, 22].forEach((at) => s.box(x + at, 116, 15, 18, c.ground));
  times(3, (at) => s.disc(x + 44 + at * 13, 52 - at * 19, 7 + at * 4, c.d));
});
const kite = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-34, 34))} 100 80)`);
  g.poly([100, -4, 152, 62, 100, 62], c.a);
  g.poly([100, -4, 48, 62, 100, 62], c.b);
  g.poly([152, 62, 100, 148, 100, 62], c.d);
  g.poly([48, 62, 100, 148, 100, 62], c.a);
  g.line("M100 148q26 22 0 44t0 44t0 44", 2.5, c.ink);
};
const nested = standing((s, c, r) => {
  let x = 6;
  [r(38, 44), r(28, 34), r(18, 23)].forEach((half, at) => {
    const top = 190 - half * 3.2;
    s.path(`M${x} 190V${top + half}a${half} ${half} 0 0 1 ${2 * half} 0V190Z`,
      [c.a, c.b, c.d][at]);
    s.disc(x + half, top + half * 1.02, half * 0.56, c.ground);
    [-1, 1].forEach((side) => s.disc(x + half + side * half * 0.2, top + half, half * 0.08, c.ink));
    x += 2 * half + 5;
  });
  s.box(-100, 190, 400, 40, c.ink);
});
const rainbow = standing((s, c, r) => {
  const x = r(60, 140);
  const inks = [c.a, c.b, c.d, c.a, c.b];
  inks.forEach((fill, at) => s.half(x, 200, 150 - at * 22, 0, fill));
  s.half(x, 200, 40, 0, c.ground);
  hills(s, [c.ink], r, 196);
});

const castle = standing((s, c, r) => {
  s.disc(r(50, 150), r(56, 80), r(40, 54), c.b);
  [[34, r(84, 110), 30], [136, r(90, 112), 32], [76, r(50, 66), 46]].forEach(([x, top, wide], at) => {
    const fill = at === 2 ? c.a : c.d;
    s.box(x, top, wide, 170, fill);
    s.poly([x - 6, top, x + wide / 2, top - wide * 1.05, x + wide + 6, top], at === 2 ? c.ink : c.a);
    s.box(x + wide / 2 - 3, top + 16, 6, 14, c.ground, 3);
  });
  hills(s, [c.a], r, 182);
});
const moon = (s, c, r) => {
  const turn = r(-40, 20);
  const [dx, dy] = polar(turn, 34);
  s.disc(100, 100, 84, c.a);
  s.disc(100 + dx, 100 + dy, 68, c.ground);
  s.star(100 + dx * r(0.7, 1.4), 100 + dy, r.pick([4, 5, 8]), 12, r(26, 36), c.b, r(-90, 0));
};
const sword = (s, c, r) => {
  s.star(100, 92, 16, 54, r(90, 108), c.d, r(0, 20));
  s.disc(100, 92, 50, c.b);
  s.poly([90, 34, 110, 34, 110, 186, 100, 212, 90, 186], c.a);
  s.poly([100, 34, 110, 34, 110, 186, 100, 212], c.ink);
  s.box(62, 26, 76, 11, c.a, 5);
  s.box(94, -16, 12, 44, c.ink);
  s.disc(100, -16, 11, c.a);
};
const scales = (s, c, r) => {
  const n = r.pick([4, 5]);
  const size = 100 / n;
  for (let row = 2 * n + 1; row >= -1; row -= 1) {
    for (let at = -1; at <= n; at += 1) {
      const [x, y] = [(2 * at + 1 + (row & 1)) * size, 10 + row * size];
      s.disc(x, y, size, r.pick([c.a, c.a, c.d, c.b]));
      s.disc(x, y - size * 0.3, size * 0.6, c.ground);
    }
  }
};
const toadstool = standing((s, c, r) => {
  const x = r(88, 112);
  s.path(`M${x - 18} 96Q${x - 14} 160 ${x - 30} 220H${x + 30}Q${x + 14} 160 ${x + 18} 96Z`, c.ink);
  s.path(`M${x - 86} 112C${x - 84} 6 ${x + 84} 6 ${x + 86} 112Q${x} 132 ${x - 86} 112Z`, c.a);
  [[-44, 82, 13], [4, 58, 17], [48, 88, 12], [-4, 100, 8]].forEach(([dx, y, size]) =>
    s.disc(x + dx + r(-6, 6), y, size, c.ground));
  hills(s, [c.d], r, 192);
});

const creature = standing((s, c, r) => {
  const [wide, top] = [r(60, 82), r(36, 66)];
  s.path(`M${100 - wide} 230V${top + wide}a${wide} ${wide} 0 0 1 ${2 * wide} 0V230Z`, c.a);
  const eyes = r.pick([1, 2, 2, 3]);
  times(eyes, (at) => {
    const x = 100 + (at - (eyes - 1) / 2) * 40;
    s.disc(x, top + wide, eyes === 1 ? 28 : 17, c.ground);
    s.disc(x + r(-5, 5), top + wide + r(-4, 4), eyes === 1 ? 12 : 8, c.ink);
  });
  s.half(100, top + wide + 40, r(12, 24), 180, c.b);
});
const shapes = (s, c, r) => {
  s.path(`M${r(20, 50)} 60C60 ${r(-20, 20)} ${r(120, 150)} 10 150 60S${r(180, 200)} 150 120 ${
    r(160, 180)}S10 140 ${r(30, 40)} 60Z`, c.a);
  s.disc(r(130, 160), r(40, 70), r(18, 28), c.b);
  s.box(r(30, 60), r(110, 140), r(40, 60), r(24, 40), c.d, 12);
  s.half(r(110, 140), r(130, 150), r(20, 28), r.pick([0, 90, 180]), c.b);
  s.line(`M30 ${r(170, 190)}q18 -30 36 0t36 0t36 0t36 0`, 5, c.ink, "round");
};
const jump = (s, c, r) => {
  const high = r(24, 50);
  times(5, (at) => {
    const x = 16 + at * 42;
    const y = 160 - Math.sin((at * Math.PI) / 4) * (120 - high);
    const squash = at % 4 ? 1 : 0.62;
    s.oval(x, y + (1 - squash) * 20, 22 / squash, 22 * squash, at === 4 ? c.b : at % 2 ? c.d : c.a);
  });
  s.box(-100, 178, 400, 6, c.ink);
};

const columns = standing((s, c, r) => {
  const n = r.pick([3, 4, 5]);
  const step = 168 / n;
  const broken = Math.floor(r(0, n));
  s.poly([4, 62, 100, r(8, 26), 196, 62], c.a);
  s.box(8, 66, 184, 12, c.b);
  times(n, (at) => {
    const x = 16 + (at + 0.2) * step;
    const top = at === broken ? r(120, 150) : 82;
    s.poly([x, top, x + step * 0.6, top + (at === broken ? 16 : 0), x + step * 0.6, 220, x, 220],
      c.a);
  });
  s.box(-100, 192, 400, 40, c.b);
});
const crown = (s, c, r) => {
  const y = r(-6, 6);
  s.poly([24, 160, 10, 58 + y, 58, 100, 100, 30 - y, 142, 100, 190, 58 + y, 176, 160], c.a);
  s.box(24, 166, 152, 16, c.b);
  [[10, 58 + y], [100, 30 - y], [190, 58 + y]].forEach(([x, at]) => s.disc(x, at, 12, c.b));
  s.disc(100, 124, r(12, 18), c.ground);
};

const record = (s, c, r) => {
  s.disc(100, 100, 96, c.a);
  [80, 66, 52].forEach((size) => s.ring(100, 100, size + r(-4, 4), 1.5, c.ground));
  s.disc(100, 100, 34, c.b);
  s.disc(100, 100, 6, c.ground);
  s.line(`M${r(176, 196)} -10V70L${r(138, 150)} 132`, 6, c.ink, "round");
};
const keys = (s, c, r) => {
  const g = s.group(`rotate(${r.pick([0, -18, 16])} 100 100)`);
  const odd = Math.floor(r(0, 8));
  times(10, (at) => g.box(-60 + at * 32, -60, 29, 280, at - 1 === odd ? c.b : c.a));
  times(10, (at) => {
    if (at % 7 !== 2 && at % 7 !== 6) g.box(-60 + at * 32 + 20, -60, 20, 190, c.ground);
  });
};
const waves = (s, c, r) => {
  times(13, (at) => {
    const tall = r(20, 96) * Math.sin(((at + 1) * Math.PI) / 14);
    s.box(8 + at * 14.4, 100 - tall, 9, 2 * tall, at % 4 === 1 ? c.b : c.a, 4.5);
  });
};

const beams = standing((s, c, r) => {
  [[r(10, 40), r(60, 150), c.b], [r(160, 190), r(40, 140), c.d]].forEach(([x, to, fill]) =>
    s.poly([x - 5, 184, x + 5, 184, to + 36, -120, to - 36, -120], fill));
  times(3, (at) => {
    const [x, y] = [r(50, 80) + at * 34, 34 + at * 16];
    s.poly([x, y, x - 26, y + 13, x - 6, y + 11, x, y + 22, x + 6, y + 11, x + 26, y + 13], c.ink);
  });
  hills(s, [c.a], r, 184);
});
const helmet = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-14, 14))} 100 100)`);
  g.path("M34 108C34 20 166 20 166 108L190 124Q186 132 176 130H24Q14 132 10 124Z", c.a);
  g.line("M50 130Q62 188 100 190T150 130", 5, c.ink);
  g.star(100, 86, 5, 8, 20, c.b);
};
const poppy = standing((s, c, r) => {
  const x = r(84, 116);
  s.line(`M${x} 90Q${x + r(-24, 24)} 150 ${x} 220`, 4, c.ink);
  times(4, (at) => {
    const [dx, dy] = polar(45 + at * 90 + r(-10, 10), 30);
    s.disc(x + dx, 76 + dy, r(38, 44), at % 2 ? c.b : c.a);
  });
  s.disc(x, 76, 17, c.ink);
});

const mesa = standing((s, c, r) => {
  const x = r(60, 140);
  s.disc(x, r(80, 104), r(54, 68), c.b);
  s.poly([-60, 220, -60, 122, -8, 122, 2, 100, 46, 100, 58, 150, 76, 220], c.d);
  s.poly([130, 220, 138, 136, 150, 112, 186, 112, 196, 130, 280, 130, 280, 220], c.d);
  s.box(-100, 176, 400, 60, c.a);
  const at = r(70, 130);
  s.line(`M${at} 200V104M${at} 160h-22v-26M${at} 146h20v-24`, 10, c.ink, "round");
});
const badge = (s, c, r) => {
  const n = r.pick([5, 6]);
  const turn = -90 + r(-12, 12);
  s.star(100, 100, n, n === 5 ? 44 : 54, 90, c.a, turn);
  times(n, (at) => {
    const [dx, dy] = polar(turn + (at * 360) / n, 90);
    s.disc(100 + dx, 100 + dy, 9, c.a);
  });
  s.disc(100, 100, 30, c.ground);
  s.disc(100 + r(-9, 9), 100 + r(-9, 9), 8, c.b);
};
const wheel = (s, c, r) => {
  const n = r.pick([6, 8, 10]);
  const turn = r(0, 60);
  s.ring(100, 100, 86, 12, c.a);
  s.line(times(n, (at) => {
    const [dx, dy] = polar(turn + (at * 360) / n, 86);
    return `M100 100l${dx} ${dy}`;
  }).join(""), 7, c.a);
  s.disc(100, 100, 20, c.b);
};
const set = standing((s, c, r) => {
  const y = r(52, 64);
  s.line(`M100 ${y}L${r(50, 76)} 6M100 ${y}L${r(124, 150)} 6`, 4, c.ink);
  s.box(14, y, 172, 124, c.a, 16);
  const inks = [c.b, c.d, c.ground, c.b, c.d];
  inks.forEach((fill, at) => s.box(30 + at * 22, y + 16, 22.3, 92, fill));
  [r(30, 40), r(54, 64)].forEach((at) => s.disc(164, y + at, 8, c.ground));
  s.line(`M56 ${y + 124}l-12 30M144 ${y + 124}l12 30`, 6, c.ink);
});

export const SCENES = {
  Adventure: [peaks, compass, boat, trail, airship],
  "Science Fiction": [planet, orbits, rocket, monolith, saucer, lens],
  Documentary: [aperture, finder, relief, bars, globe],
  Family: [home, kite, nested, rainbow, airship],
  Fantasy: [castle, moon, sword, scales, toadstool],
  Animation: [creature, shapes, jump, kite, rainbow],
  History: [columns, crown, sword],
  Foreign: [globe, airship, boat],
  Music: [record, keys, waves],
  War: [beams, helmet, poppy],
  Western: [mesa, badge, wheel],
  "TV Movie": [set, waves, lens],
};
