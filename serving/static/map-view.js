// What part of the map is seen, and where things lie on the screen.

const MAX_ZOOM = 400;
const MIN_ZOOM = 0.6;
const PART = 0.92; // of the shorter side, which the whole map takes

export class View {
  constructor() {
    // The point of the map at the middle of the canvas, and the side of the map in pixels.
    Object.assign(this, { x: 0.5, y: 0.5, scale: 1, width: 1, height: 1, whole: 0 });
    this.isMoved = false; // by hand: then it stands in the address
  }

  resize(width, height) {
    const before = this.whole;
    Object.assign(this, { width, height, whole: Math.min(width, height) * PART });
    this.scale = before ? this.scale * this.whole / before : this.whole;
  }

  get isClosest() {
    return this.zoom > MAX_ZOOM * 0.99;
  }

  get zoom() {
    return this.scale / this.whole;
  }

  toX(x) {
    return (x - this.x) * this.scale + this.width / 2;
  }

  toY(y) {
    return (y - this.y) * this.scale + this.height / 2;
  }

  // Returns the place of the map at a pixel.
  at(x, y) {
    return [(x - this.width / 2) / this.scale + this.x, (y - this.height / 2) / this.scale + this.y];
  }

  zoomBy(factor, x = this.width / 2, y = this.height / 2) {
    const scale = Math.min(Math.max(this.scale * factor, this.whole * MIN_ZOOM),
      this.whole * MAX_ZOOM);
    this.x += (x - this.width / 2) * (1 / this.scale - 1 / scale);
    this.y += (y - this.height / 2) * (1 / this.scale - 1 / scale);
    this.scale = scale;
    this.isMoved = true;
  }

  move(x, y) {
    this.x -= x / this.scale;
    this.y -= y / this.scale;
    this.isMoved = true;
  }

  showAll() {
    Object.assign(this, { x: 0.5, y: 0.5, scale: this.whole, isMoved: false });
  }

  // Shows a place in the middle of the part of the canvas that `free` leaves.
  centre(x, y, free) {
    this.x = x - ((free.left + free.right) / 2 - this.width / 2) / this.scale;
    this.y = y - ((free.top + free.bottom) / 2 - this.height / 2) / this.scale;
  }

  // Shows an area of the map within `free`.
  fit(xs, ys, free) {
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
    const scale = 0.7 * Math.min((free.right - free.left) / Math.max(right - left, 1e-3),
      (free.bottom - free.top) / Math.max(bottom - top, 1e-3));
    this.scale = Math.min(Math.max(scale, this.whole * 0.9), this.whole * 12);
    this.centre((left + right) / 2, (top + bottom) / 2, free);
  }

  get address() {
    return [this.x.toFixed(4), this.y.toFixed(4), this.zoom.toFixed(2)].join(",");
  }

  // Restores what `address` returned; returns false for anything else.
  restore(address) {
    const [x, y, zoom] = (address ?? "").split(",").map(Number);
    if (![x, y, zoom].every(Number.isFinite)) return false;
    const inside = (value) => Math.min(Math.max(value, 0), 1);
    Object.assign(this, { x: inside(x), y: inside(y), isMoved: true,
      scale: this.whole * Math.min(Math.max(zoom, MIN_ZOOM), MAX_ZOOM) });
    return true;
  }

  // Restores the view of an address, or else one of an entry of the history, which no hand made.
  restoreOf(given, seen) {
    if (this.restore(given.get("view"))) return true;
    const isKnown = Boolean(seen) && this.restore(seen);
    this.isMoved = false;
    return isKnown;
  }
}
