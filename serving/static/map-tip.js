// The box beside the pointer that names the film under it.

export class Tip {
  constructor(box, canvas) {
    Object.assign(this, { box, canvas });
  }

  hide() {
    this.box.hidden = true;
  }

  // Names a film beside a pixel of the canvas; hides the box for row -1.
  show(row, films, x, y) {
    const { box, canvas } = this;
    box.hidden = row < 0;
    if (row < 0) return;
    box.querySelector(".title").textContent = films.titles[row];
    box.querySelector(".year").textContent = films.years[row] || "";
    box.querySelector(".genres").textContent = films.genresOf(row).join(", ");
    box.style.left = `${Math.min(x + 14, canvas.clientWidth - box.offsetWidth - 8)}px`;
    box.style.top = `${Math.min(y + 14, canvas.clientHeight - box.offsetHeight - 8)}px`;
  }
}
