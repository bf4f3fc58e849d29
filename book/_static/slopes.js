/* The way back through an exported Keras network: how a loss changes with each pixel of an image.
   The counterpart, in the page, of a gradient tape that watches the image; see network.js. */

import { padBefore, softmax, traced } from "./network.js";

/* The slope of the cross-entropy in every pixel, for the class that is given by its place. */
export function slope(network, image, label) {
  const maps = traced(network, image);
  const probabilities = softmax(maps[maps.length - 1].values);
  /* In each logit the slope is its probability, less 1 for the class itself. */
  let values = Float32Array.from(probabilities, (one, i) => (i === label ? one - 1 : one));
  for (let i = network.layers.length - 1; i >= 0; i--) {
    const layer = network.layers[i];
    if (layer.activation === "relu") values = whereAbove(maps[i + 1].values, values);
    values = BACK[layer.kind](layer, maps[i], maps[i + 1], values);
  }
  return values;
}

/* A step that sets negative values to 0 lets slopes through where it left something. */
function whereAbove(outputs, slopes) {
  return slopes.map((value, i) => (outputs[i] > 0 ? value : 0));
}

/* From the slopes in what a layer gives to those in what it gets. */
const BACK = {
  affine: ({ scale }, before, after, slopes) =>
    slopes.map((value, i) => value * scale[i % scale.length]),

  activation: (layer, before, after, slopes) => slopes,

  convolution(layer, before, after, slopes) {
    const [kernelHeight, kernelWidth, inputs, outputs] = layer.kernel_shape;
    const [strideY, strideX] = layer.strides;
    const same = layer.padding === "same";
    const top = same ? padBefore(before.height, kernelHeight, strideY, after.height) : 0;
    const left = same ? padBefore(before.width, kernelWidth, strideX, after.width) : 0;
    const found = new Float32Array(before.values.length);
    const some = new Int32Array(outputs); // those of a place's outputs whose slope is not 0
    for (let y = 0; y < after.height; y++) {
      for (let x = 0; x < after.width; x++) {
        const source = (y * after.width + x) * outputs;
        let count = 0;
        for (let o = 0; o < outputs; o++) if (slopes[source + o] !== 0) some[count++] = o;
        if (!count) continue;
        for (let ky = 0; ky < kernelHeight; ky++) {
          const targetY = y * strideY + ky - top;
          if (targetY < 0 || targetY >= before.height) continue;
          for (let kx = 0; kx < kernelWidth; kx++) {
            const targetX = x * strideX + kx - left;
            if (targetX < 0 || targetX >= before.width) continue;
            const target = (targetY * before.width + targetX) * inputs;
            const kernel = (ky * kernelWidth + kx) * inputs * outputs;
            for (let i = 0; i < inputs; i++) {
              const row = kernel + i * outputs;
              let sum = 0;
              for (let k = 0; k < count; k++) {
                sum += slopes[source + some[k]] * layer.kernel[row + some[k]];
              }
              found[target + i] += sum;
            }
          }
        }
      }
    }
    return found;
  },

  /* All of the slope goes to the largest value of a window, to the first where several are. */
  maximum_pooling: (layer, before, after, slopes) =>
    spread(layer, before, after, slopes, (found, places, value) => {
      let best = places[0];
      for (const place of places) if (before.values[place] > before.values[best]) best = place;
      found[best] += value;
    }),

  average_pooling: (layer, before, after, slopes) =>
    spread(layer, before, after, slopes, (found, places, value) => {
      for (const place of places) found[place] += value / places.length;
    }),

  global_average_pooling: (layer, before, after, slopes) =>
    before.values.map((_, i) => slopes[i % before.channels] / (before.height * before.width)),

  flatten: (layer, before, after, slopes) => slopes,

  dense(layer, before, after, slopes) {
    const [inputs, outputs] = layer.kernel_shape;
    const found = new Float32Array(inputs);
    for (let i = 0; i < inputs; i++) {
      let sum = 0;
      for (let o = 0; o < outputs; o++) sum += slopes[o] * layer.kernel[i * outputs + o];
      found[i] = sum;
    }
    return found;
  },
};

/* For each window of a pooling, give its slope to the places that it lies on. */
function spread(layer, before, after, slopes, give) {
  const [strideY, strideX] = layer.strides;
  const [across, down] = [layer.size[1], layer.size[0]];
  const found = new Float32Array(before.values.length);
  const places = Array(across * down).fill(0);
  slopes.forEach((value, i) => {
    if (value === 0) return;
    const channel = i % after.channels;
    const window = Math.floor(i / after.channels);
    const row = Math.floor(window / after.width) * strideY;
    const column = (window % after.width) * strideX;
    for (let k = 0; k < places.length; k++) {
      const place = (row + Math.floor(k / across)) * before.width + column + (k % across);
      places[k] = place * before.channels + channel;
    }
    give(found, places, value);
  });
  return found;
}
