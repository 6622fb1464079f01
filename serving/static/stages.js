// More drawings for posters of drama, the most frequent genre; see motifs.js.

import { polar, standing, times } from "./sheet.js";

const letter = (s, c, r) => {
  const g = s.group(`rotate(${Math.round(r(-16, 16))} 100 100)`);
  const rise = r(14, 44);
  g.box(34, 62 - rise, 132, 110, c.ink, 2);
  times(4, (at) => g.box(50, 76 - rise + at * 14, r(54, 100), 4, c.ground));
  g.box(14, 76, 172, 106, c.a);
  g.poly([14, 182, 88, 122, 112, 122, 186, 182], c.b);
  g.disc(100, 138, r(12, 17), c.d);
};
const chair = standing((s, c, r) => {
  const x = r(70, 104);
  s.poly([r(104, 126), -40, r(180, 220), -40, r(150, 190), 220, x - r(30, 60), 220], c.tint);
  s.box(-100, 176, 400, 60, c.a);
  s.line(`M${x - 10} 52L${x} 124V192M${x - 3} 124H${x + 62}M${x + 58} 124V192`, 7, c.ink, "round");
  s.line(`M${x - 9} 60L${x - 4} 94`, 13, c.ink, "round");
  s.box(x + 2, 112, 56, 10, c.d, 4);
  s.poly([x, 190, x + 58, 190, x + 58 + r(40, 80), 216, x + r(40, 70), 216], c.b);
});
const boat = (s, c, r) => {
  const [x, y] = [r(70, 124), r(112, 132)];
  s.disc(r(40, 160), y - r(52, 70), r(26, 42), c.b);
  s.box(-100, y, 400, 300, c.a);
  s.path(`M${x - 34} ${y - 12}H${x + 34}Q${x + 24} ${y + 6} ${x} ${y + 6}T${x - 34} ${y - 12}Z`, c.ink);
  s.person(x + r(-10, 10), y - 4, 40, c.ink);
  s.line(`M${x + 6} ${y - 26}L${x + 46} ${y + 12}`, 2.5, c.ink);
  times(6, (at) => s.box(x - 30 + at * 3 + r(-8, 8), y + 16 + at * 12, r(24, 60) - at * 3, 3, c.tint, 1.5));
};
const clock = (s, c, r) => {
  s.disc(100, 100, 90, c.a);
  s.disc(100, 100, 76, c.ground);
  times(12, (at) => {
    const [[x, y], [u, v]] = [polar(at * 30, at % 3 ? 66 : 58), polar(at * 30, 71)];
    s.line(`M${100 + x} ${100 + y}L${100 + u} ${100 + v}`, at % 3 ? 3 : 6, c.ink);
  });
  const [[hx, hy], [mx, my]] = [polar(r(0, 360), 38), polar(r(0, 360), 60)];
  s.line(`M100 100L${100 + hx} ${100 + hy}`, 9, c.ink, "round");
  s.line(`M100 100L${100 + mx} ${100 + my}`, 5, c.b, "round");
  s.disc(100, 100, 8, c.b);
};
const curtain = standing((s, c, r) => {
  const x = r(86, 114);
  s.poly([x - 6, -60, x + 6, -60, x + 44, 204, x - 44, 204], c.tint);
  s.oval(x, 202, 50, 9, c.b);
  s.person(x, 202, r(58, 74), c.ink);
  times(4, (at) => [-1, 1].forEach((side) => {
    const [from, open] = [100 + side * (128 - at * 17), r(4, 14)];
    s.path(`M${from} -80H${from - side * 26}Q${from - side * 30} 90 ${from - side * (8 - open)} 226H${
      from}Z`, at % 2 ? c.b : c.a);
  }));
});
const candle = (s, c, r) => {
  const [x, tall] = [r(84, 116), r(70, 108)];
  const top = 214 - tall;
  times(3, (at) => s.disc(x, top - 34, 92 - at * 26, [c.tint, c.a, c.b][at]));
  s.path(`M${x} ${top - 66}Q${x + 20} ${top - 34} ${x + 11} ${top - 20}A12 12 0 0 1 ${x - 11} ${
    top - 20}Q${x - 18} ${top - 40} ${x} ${top - 66}Z`, c.ground);
  s.line(`M${x} ${top - 20}V${top + 4}`, 3, c.ink);
  s.box(x - 17, top, 34, 260, c.ink, 3);
  s.box(x + r(2, 8), top, 7, r(24, 50), c.d, 3);
};
const ladder = standing((s, c, r) => {
  const [x, lean] = [r(50, 90), r(30, 56)];
  s.disc(x + lean + r(10, 40), 44, r(34, 46), c.b);
  s.box(-100, 196, 400, 40, c.a);
  times(9, (at) => {
    const [along, y] = [x + (lean * at) / 9, 186 - at * 18];
    s.line(`M${along - 14} ${y}H${along + 14}`, 4, c.ink);
  });
  s.line(`M${x - 16} 200L${x + lean - 14} 22M${x + 16} 200L${x + lean + 16} 22`, 4.5, c.ink);
  s.person(r(140, 180), 198, 48, c.a === c.ink ? c.b : c.ink);
});
const bridge = (s, c, r) => {
  const [n, y] = [r.pick([2, 3, 4]), r(96, 116)];
  const wide = 240 / n;
  s.disc(r(50, 150), y - r(40, 60), r(24, 36), c.b);
  const spans = times(n, (at) => `M${-20 + at * wide + 8} ${y + 46}a${wide / 2 - 8} ${
    wide / 2 - 8} 0 0 1 ${wide - 16} 0Z`).join("");
  s.box(-100, y - 22, 400, 68, c.a);
  s.path(spans, c.ground);
  s.box(-100, y + 46, 400, 200, c.tint);
  times(5, (at) => s.box(r(-20, 120), y + 58 + at * 14, r(40, 90), 3, c.a, 1.5));
  s.person(r(60, 140), y - 21, 34, c.ink);
};

export const STAGES = [letter, chair, boat, clock, curtain, candle, ladder, bridge];
