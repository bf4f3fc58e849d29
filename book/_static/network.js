/* Runs a small exported Keras network in the page: the counterpart of src/seeing/demos.py.
   An image is a Float32Array in height, width, channel order, with its shape beside it. */

export const FORMAT = "seeing-network-1";

/* The network as the demo's file holds it, with its weights and probes as numbers. */
export function decoded(network) {
  for (const layer of network.layers) {
    for (const name of ["kernel", "bias", "scale", "offset"]) {
      if (name in layer) layer[name] = decode(layer[name]);
    }
  }
  for (const probe of network.probes) probe.image = decode(probe.image);
  return network;
}

/* The probabilities that the network gives an image, one a class. */
export function predict(network, image) {
  return answer(network, image).probabilities;
}

/* The same, with the logits, and the feature maps after each step that sets negative values to 0. */
export function answer(network, image) {
  const [, ...outputs] = traced(network, image);
  const { values: logits } = outputs[outputs.length - 1];
  const maps = outputs.filter(
    (map, i) => network.layers[i].activation === "relu" && map.height > 1
  );
  return { logits, probabilities: softmax(logits), maps };
}

/* The image as a map, and what each layer makes of what it gets. */
export function traced(network, image) {
  const [height, width, channels] = network.input_shape;
  if (image.length !== height * width * channels) {
    throw new Error(`expected ${height * width * channels} numbers, got ${image.length}`);
  }
  const maps = [{ values: image, height, width, channels }];
  network.layers.forEach((layer, i) => maps.push(LAYERS[layer.kind](layer, maps[i])));
  return maps;
}

/* The numbers of a text: float32 in base64. */
export function decode(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

const LAYERS = {
  affine(layer, map) {
    const { scale, offset } = layer;
    const values = map.values.map(
      (value, i) => value * scale[i % scale.length] + offset[i % offset.length]
    );
    return { ...map, values };
  },

  activation: (layer, map) => ({ ...map, values: activate(layer, map.values) }),

  convolution(layer, map) {
    const [kernelHeight, kernelWidth, inputs, outputs] = layer.kernel_shape;
    const [strideY, strideX] = layer.strides;
    const same = layer.padding === "same";
    const height = outputSize(map.height, kernelHeight, strideY, same);
    const width = outputSize(map.width, kernelWidth, strideX, same);
    const top = same ? padBefore(map.height, kernelHeight, strideY, height) : 0;
    const left = same ? padBefore(map.width, kernelWidth, strideX, width) : 0;
    const values = new Float32Array(height * width * outputs);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const target = (y * width + x) * outputs;
        values.set(layer.bias, target);
        for (let ky = 0; ky < kernelHeight; ky++) {
          const sourceY = y * strideY + ky - top;
          if (sourceY < 0 || sourceY >= map.height) continue;
          for (let kx = 0; kx < kernelWidth; kx++) {
            const sourceX = x * strideX + kx - left;
            if (sourceX < 0 || sourceX >= map.width) continue;
            const source = (sourceY * map.width + sourceX) * inputs;
            const kernel = (ky * kernelWidth + kx) * inputs * outputs;
            for (let i = 0; i < inputs; i++) {
              const value = map.values[source + i];
              if (value === 0) continue;
              const row = kernel + i * outputs;
              for (let o = 0; o < outputs; o++) values[target + o] += value * layer.kernel[row + o];
            }
          }
        }
      }
    }
    return { values: activate(layer, values), height, width, channels: outputs };
  },

  maximum_pooling: (layer, map) => pool(layer, map, Math.max, -Infinity, 1),

  average_pooling: (layer, map) =>
    pool(layer, map, (a, b) => a + b, 0, layer.size[0] * layer.size[1]),

  global_average_pooling(layer, map) {
    const values = new Float32Array(map.channels);
    map.values.forEach((value, i) => {
      values[i % map.channels] += value / (map.height * map.width);
    });
    return { values, height: 1, width: 1, channels: map.channels };
  },

  flatten: (layer, map) => ({
    values: map.values,
    height: 1,
    width: 1,
    channels: map.values.length,
  }),

  dense(layer, map) {
    const [inputs, outputs] = layer.kernel_shape;
    const values = Float32Array.from(layer.bias);
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++) values[o] += map.values[i] * layer.kernel[i * outputs + o];
    }
    return { values: activate(layer, values), height: 1, width: 1, channels: outputs };
  },
};

function activate(layer, values) {
  return layer.activation === "relu" ? values.map((value) => Math.max(0, value)) : values;
}

function outputSize(input, kernel, stride, same) {
  return same ? Math.ceil(input / stride) : Math.floor((input - kernel) / stride) + 1;
}

/* How many empty rows or columns a layer puts before those that it gets. */
export function padBefore(input, kernel, stride, output) {
  return Math.floor(Math.max((output - 1) * stride + kernel - input, 0) / 2);
}

function pool(layer, map, combine, start, divisor) {
  const [strideY, strideX] = layer.strides;
  const height = outputSize(map.height, layer.size[0], strideY, false);
  const width = outputSize(map.width, layer.size[1], strideX, false);
  const values = new Float32Array(height * width * map.channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < map.channels; channel++) {
        let result = start;
        for (let py = 0; py < layer.size[0]; py++) {
          for (let px = 0; px < layer.size[1]; px++) {
            const row = y * strideY + py;
            const column = x * strideX + px;
            const index = (row * map.width + column) * map.channels + channel;
            result = combine(result, map.values[index]);
          }
        }
        values[(y * width + x) * map.channels + channel] = result / divisor;
      }
    }
  }
  return { values, height, width, channels: map.channels };
}

export function softmax(logits) {
  const top = Math.max(...logits);
  const exponentials = Array.from(logits, (logit) => Math.exp(logit - top));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / sum);
}
