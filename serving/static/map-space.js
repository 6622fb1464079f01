// Where on the canvas there is room.

// Returns the boxes of what stands on the map, [left, top, right, bottom] in pixels of the canvas.
export function covered(canvas) {
  const origin = canvas.getBoundingClientRect();
  return [...document.querySelectorAll(".over:not([hidden])")].map((one) => {
    const box = one.getBoundingClientRect();
    return [box.left - origin.left, box.top - origin.top, box.right - origin.left,
      box.bottom - origin.top];
  }).filter(([left, top, right, bottom]) => right > left && bottom > top);
}

// Returns the part of the canvas that the panel leaves, beside it or above the sheet of a phone.
export function free({ isOpen, box }, { width, height }) {
  if (!isOpen) return { left: 60, top: 90, right: width - 60, bottom: height - 60 };
  if (box.offsetWidth > width * 0.6) {
    return { left: 40, top: 80, right: width - 40, bottom: height - box.offsetHeight - 20 };
  }
  return { left: box.offsetWidth + 50, top: 60, right: width - 60, bottom: height - 40 };
}
