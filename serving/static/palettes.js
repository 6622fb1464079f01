// Colours of posters: five that go together, a light and a dark one first.

const PALETTES = [
  "f3e9d8 1a1a1a d7301f f08a24 7a1f1a", "f4ead0 14213d e0a526 c8502d 5b7a8c",
  "f6efe3 10302f e8674a 2a8c82 f2b84b", "fbeae4 3b1230 d94f70 f29b88 7d2a5b",
  "eaf2f4 0f2a43 2f7fb5 f4b63f e4573d", "eff0e0 16281d 3c7a4b d9b44a b5532c",
  "f6e3c5 3a1d14 d9722e a63a24 e8b04c", "e9e4f0 15122b 5b4bb3 e86f9a f3b562",
  "efeae2 121212 8b8680 c9c1b4 b3261e", "f2f5d8 16181d b9cc2c 2f9e8f ef5a3c",
  "fff1e6 2b1b3d ff6b6b ffc145 3fb8ae", "f1e4da 170a0c a31621 5c0f1a d9a79c",
  "eef3f6 101c2c 8fb7cf 3d6f94 c94f3d", "f0e2c6 2e2118 a8753a 6f4a2a c9a66b",
  "e8f4ec 12332b 58b28b f2c14e e2604b", "f4f0ff 0c0c3a 3d35d9 ff5d5d f7c948",
  "efe9d2 23251a 7a7d3c b6933b 8c3b2a", "fde8d7 1b2b4b 4a7fb0 f28f6b fbc687",
  "ece8ff 140b2e ff3d81 2dc7d2 7a3cff", "f7e7da 2b1714 c4573a e3a083 3f6c6b",
  "f5ecd6 131313 c9a227 7d6320 e6d7a3", "f0ecf7 22203a 9a86c9 5f9e7d f0c05a",
  "faf3ea 1c1c1c d11f2a f0b7a4 7a0f16", "e9efe9 0b2b33 1f6f78 f29e4c d6452f",
  "fde7ea 17141a f04e78 f7a8b8 3e8e9e",
].map((colours) => colours.split(" ").map((colour) => `#${colour}`));

const OF_GENRE = { // numbers of palettes
  Drama: [1, 2, 8, 12, 13, 17, 19, 21, 23], Comedy: [4, 9, 10, 14, 17, 24],
  Thriller: [0, 8, 11, 12, 20, 23], Romance: [3, 17, 19, 22, 24], Action: [0, 1, 4, 6, 15, 23],
  Horror: [0, 8, 11, 18, 22], Crime: [0, 1, 8, 16, 20, 22], Documentary: [1, 4, 12, 13, 16, 23],
  Adventure: [2, 5, 6, 14, 17, 23], "Science Fiction": [7, 12, 15, 18, 23],
  Mystery: [7, 8, 13, 20, 21], Family: [2, 4, 10, 14, 21], Fantasy: [3, 5, 7, 18, 21],
  Animation: [2, 9, 10, 14, 15, 24], Foreign: [1, 17, 19, 23], History: [6, 13, 16, 20],
  Music: [0, 7, 15, 18, 24], War: [5, 8, 13, 16], Western: [1, 6, 13, 19],
  "TV Movie": [4, 9, 14, 17], "": [1, 2, 4, 8, 15, 22],
};

// Chooses colours for a genre; the ground is light, dark or one of the strong ones.
export function coloursOf(genre, r) {
  const palette = PALETTES[r.pick(OF_GENRE[genre] ?? OF_GENRE[""])];
  const [light, dark, ...strong] = palette;
  const kind = r(0, 1);
  const ground = kind < 0.36 ? light : kind < 0.62 ? dark : r.pick(strong);
  const rest = palette.filter((colour) => colour !== ground)
    .sort((one, other) => contrast(other, ground) - contrast(one, ground));
  const ink = inkOn(ground, light, dark);
  const [a, b, d] = rest.filter((colour) => colour !== ink);
  return { ground, ink, a, b, d: d ?? b, tint: mixed(ground, d ?? b, 0.4), light, dark };
}

// Returns the one of two colours that is read better on a ground, or black or white.
export function inkOn(ground, ...inks) {
  const order = (colours) => [...colours].sort(
    (one, other) => contrast(other, ground) - contrast(one, ground))[0];
  const best = order(inks);
  return contrast(best, ground) >= 4.6 ? best : order(["#000000", "#ffffff"]);
}

function channels(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

function mixed(one, other, part) {
  const to = channels(other);
  return `#${channels(one).map((value, at) => Math.round(value + (to[at] - value) * part)
    .toString(16).padStart(2, "0")).join("")}`;
}

// The contrast of WCAG 2, from 1 to 21.
function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour) {
  const [red, green, blue] = channels(colour).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
