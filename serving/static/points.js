// Draws many round points directly into the pixels of a canvas. The canvas's own functions draw
// one shape at a time, which takes ten frames for 45,000 points.

const STEPS = 4; // places of a point's middle within a pixel, on each side
const OPAQUE = 256;

export class Pixels {
  constructor(width, height) {
    this.image = new ImageData(width, height);
    this.values = new Uint32Array(this.image.data.buffer); // of each pixel, red in the low byte
  }

  clear(colour) {
    this.values.fill(colour);
  }

  // Returns a function that draws points of a radius; at `strength` 1 they are opaque.
  points(radius, strength) {
    const { width, height } = this.image;
    const { values } = this;
    const side = 2 * Math.ceil(radius + 1);
    const masks = masksOf(radius, side, strength * OPAQUE);
    return (x, y, colour) => {
      const left = Math.floor(x) - side / 2, top = Math.floor(y) - side / 2;
      if (left < 0 || top < 0 || left + side > width || top + side > height) return;
      const step = Math.floor((y % 1) * STEPS) * STEPS + Math.floor((x % 1) * STEPS);
      const odd = colour & 0xff00ff, even = colour >>> 8 & 0xff00ff;
      for (let row = 0, at = step * side * side; row < side; row += 1) {
        for (let place = (top + row) * width + left, end = place + side; place < end; place += 1) {
          const cover = masks[at++];
          if (!cover) continue;
          // Blends two bytes at a time: red and blue, green and opacity.
          const under = values[place];
          values[place] = (Math.imul(odd, cover)
              + Math.imul(under & 0xff00ff, OPAQUE - cover) >>> 8 & 0xff00ff)
            | (Math.imul(even, cover)
              + Math.imul(under >>> 8 & 0xff00ff, OPAQUE - cover) & 0xff00ff00);
        }
      }
    };
  }
}

// Converts "rgb(1, 2, 3)" or "#010203" to the value of an opaque pixel.
export function pixelOf(colour) {
  const [red, green, blue] = colour[0] === "#"
    ? colour.match(/\w\w/g).map((digits) => parseInt(digits, 16)) : colour.match(/\d+/g).map(Number);
  return (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
}

// Returns how far a point covers each pixel around it, for each subpixel position of its centre.
function masksOf(radius, side, most) {
  const masks = new Uint16Array(STEPS * STEPS * side * side);
  let at = 0;
  for (let step = 0; step < STEPS * STEPS; step += 1) {
    const x = side / 2 + (step % STEPS + 0.5) / STEPS;
    const y = side / 2 + (Math.floor(step / STEPS) + 0.5) / STEPS;
    for (let place = 0; place < side * side; place += 1) {
      const away = Math.hypot(place % side + 0.5 - x, Math.floor(place / side) + 0.5 - y);
      masks[at++] = Math.round(Math.min(Math.max(radius + 0.5 - away, 0), 1) * most);
    }
  }
  return masks;
}
