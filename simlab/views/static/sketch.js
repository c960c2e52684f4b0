// @ts-check
/** The sketch of the vectors: near enough for colors and axes, never used for neighbors. */

import { bytesOf } from "./data.js";

/**
 * @typedef {object} Sketch
 * @property {boolean} has whether there is one
 * @property {number} error in cosine similarity, of 95 of 100 pairs
 * @property {(row: number) => Float32Array} pointOf the unit vector of an item
 * @property {(label: number) => Float32Array} centerOf the mean direction of a label
 * @property {(point: Float32Array) => Float32Array} near similarity of every item to a point
 */

/**
 * @param {any} model
 * @param {import("./data.js").Data} data
 * @returns {Sketch}
 */
export function openSketch(model, data) {
  const codes = new Int8Array(bytesOf(model.get("sketch")));
  const scale = model.get("sketch_scale");
  const axes = data.n ? codes.length / data.n : 0;

  /** @param {Iterable<number>} rows */
  function direction(rows) {
    const sum = new Float32Array(axes);
    for (const row of rows) {
      for (let axis = 0; axis < axes; axis += 1) sum[axis] += codes[row * axes + axis];
    }
    const length = Math.hypot(...sum) || 1;
    return sum.map((part) => part / length);
  }

  return {
    has: axes > 0,
    error: model.get("sketch_error"),
    // Not made a unit again: what the dropped axes held is missing from both sides of a product.
    pointOf: (row) => Float32Array.from(codes.subarray(row * axes, (row + 1) * axes), (code) => code * scale),
    centerOf: (label) => direction(
      Array.from(data.labels.keys()).filter((row) => data.labels[row] === label),
    ),
    near(point) {
      const found = new Float32Array(data.n);
      for (let row = 0; row < data.n; row += 1) {
        let product = 0;
        for (let axis = 0; axis < axes; axis += 1) product += codes[row * axes + axis] * point[axis];
        found[row] = product * scale;
      }
      return found;
    },
  };
}
