/* Small gray images in the page, as the digit network takes them: 28 by 28 numbers from 0 to 1. */

export const GRID = 28;
export const CELL = 10;

/* Bilinear resampling: place(x, y) says where in the source a target pixel's center lies. What
   lies outside is 0. */
export function resample(source, place) {
  const at = (x, y) => (x < 0 || y < 0 || x >= GRID || y >= GRID ? 0 : source[y * GRID + x]);
  return source.map((_, i) => {
    const [x, y] = place((i % GRID) + 0.5, Math.floor(i / GRID) + 0.5);
    const [x0, y0] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
    const [dx, dy] = [x - 0.5 - x0, y - 0.5 - y0];
    return (
      (1 - dy) * ((1 - dx) * at(x0, y0) + dx * at(x0 + 1, y0)) +
      dy * ((1 - dx) * at(x0, y0 + 1) + dx * at(x0 + 1, y0 + 1))
    );
  });
}

/* Ink on paper: 0 is white, 1 is black. */
export function paint(canvas, ink) {
  const context = canvas.getContext("2d");
  ink.forEach((value, i) => {
    const gray = Math.round(255 * (1 - value));
    context.fillStyle = `rgb(${gray} ${gray} ${gray})`;
    context.fillRect((i % GRID) * CELL, Math.floor(i / GRID) * CELL, CELL, CELL);
  });
  return context;
}
