/* Small gray images in the page, as the digit network takes them: 28 by 28 numbers from 0 to 1. */

export const GRID = 28;
export const CELL = 10;

/* The gray levels of a drawing, besides bare paper: so that a short text can hold it exactly. */
const LEVELS = 15;

/* How many empty pixels such a letter stands for: 1 to 46. */
const RUNS = "ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

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

/* Ink on paper, all over a canvas: 0 is white, 1 is black. */
export function paint(canvas, ink, width = GRID) {
  const height = ink.length / width;
  const image = new ImageData(width, height);
  ink.forEach((value, i) => {
    image.data.fill(255 * (1 - value), 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  });
  const small = Object.assign(document.createElement("canvas"), { width, height });
  small.getContext("2d").putImageData(image, 0, 0);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  return context;
}

/* A canvas for such an image, with what it shows in words. */
export function imageCanvas(label) {
  const canvas = Object.assign(document.createElement("canvas"), {
    width: GRID * CELL,
    height: GRID * CELL,
  });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}

/* The nearest value that a drawing can have. */
export function level(value) {
  return Math.round(LEVELS * value) / LEVELS;
}

/* A drawing as text, for a link: levels 1 to f, and letters for runs of empty pixels. The chapters
   write digits in the same way (`demos.as_text`). */
export function asText(ink) {
  const levels = Array.from(ink, (value) => Math.round(LEVELS * value).toString(16)).join("");
  return levels.replace(/0+$/, "").replace(/0{1,46}/g, (run) => RUNS[run.length - 1]);
}

/* The drawing that a text holds, or null where it holds none. */
export function fromText(text) {
  const levels = Array.from(text ?? "", (letter) => {
    const run = RUNS.indexOf(letter) + 1;
    return run ? "0".repeat(run) : letter;
  }).join("");
  if (!/^[0-9a-f]*$/.test(levels) || levels.length > GRID * GRID) return null;
  const ink = new Float32Array(GRID * GRID);
  Array.from(levels, (digit, i) => (ink[i] = parseInt(digit, 16) / LEVELS));
  return ink;
}

/* MNIST's digits are scaled into 20 x 20 pixels and centered by their mass; so is a drawing. */
export function centered(ink) {
  let [left, right, top, bottom] = [GRID, -1, GRID, -1];
  ink.forEach((value, i) => {
    if (value === 0) return;
    left = Math.min(left, i % GRID);
    right = Math.max(right, i % GRID);
    top = Math.min(top, Math.floor(i / GRID));
    bottom = Math.max(bottom, Math.floor(i / GRID));
  });
  const scale = 20 / Math.max(right - left + 1, bottom - top + 1);
  const [centerX, centerY] = [(left + right + 1) / 2, (top + bottom + 1) / 2];
  const scaled = resample(ink, (x, y) => [
    (x - GRID / 2) / scale + centerX,
    (y - GRID / 2) / scale + centerY,
  ]);
  let [mass, massX, massY] = [0, 0, 0];
  scaled.forEach((value, i) => {
    mass += value;
    massX += value * ((i % GRID) + 0.5);
    massY += value * (Math.floor(i / GRID) + 0.5);
  });
  const shiftX = Math.round(massX / mass - GRID / 2);
  const shiftY = Math.round(massY / mass - GRID / 2);
  return resample(scaled, (x, y) => [x + shiftX, y + shiftY]);
}
