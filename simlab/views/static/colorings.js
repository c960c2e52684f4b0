// @ts-check
/** Every way to color and filter the items: as given, and as their neighbors turned out. */

import { bytesOf, factsOf } from "./data.js";

/**
 * @typedef {object} Coloring
 * @property {string} name
 * @property {"outcome" | "share" | "vote" | "similarity"} [kind] none for labels and columns
 * @property {string[]} names of the classes; empty for numbers
 * @property {Int32Array} codes one class for each item, or -1; empty for numbers
 * @property {Float32Array | null} values one number for each item, or NaN; null for classes
 * @property {number[]} [ranks] which classes have colors first, if not by their own counts
 */

const NONE = new Int32Array();

/**
 * List all colorings of the items: by label, by the given columns, by how neighbors turned out.
 *
 * @param {import("./data.js").Data} data
 * @param {import("./sketch.js").Sketch} sketch
 * @param {{ name: string, names?: string[], codes?: DataView, values?: DataView }[]} given
 * @returns {Coloring[]}
 */
export function listColorings(data, sketch, given) {
  /** @type {Coloring[]} */
  const listed = given.map(({ name, names = [], codes, values }) => ({
    name, names, codes: new Int32Array(bytesOf(codes)),
    values: values ? new Float32Array(bytesOf(values)) : null,
  }));
  if (data.labelNames.length) {
    listed.unshift({ name: "label", names: data.labelNames, codes: data.labels, values: null });
    if (data.k) listed.push(...turnedOut(data));
  }
  if (sketch.has) {
    const values = new Float32Array(data.n).fill(NaN);
    listed.push({ name: "similarity to the query", kind: "similarity", names: [], codes: NONE, values });
  }
  return listed;
}

/** @param {import("./data.js").Data} data @returns {Coloring[]} */
function turnedOut(data) {
  const vote = new Int32Array(data.n).fill(-1);
  const nearest = new Int32Array(data.n).fill(-1);
  const share = new Int32Array(data.n).fill(-1);
  for (let row = 0; row < data.n; row += 1) {
    const { neighbors, same, known } = factsOf(data, row);
    vote[row] = voteOf(data, neighbors).label;
    if (!known) continue;
    if (neighbors[0].outcome !== "unknown") nearest[row] = neighbors[0].outcome === "same" ? 0 : 1;
    if (same === 0) share[row] = 0;
    else if (same === known) share[row] = 4;
    else share[row] = 1 + Math.min(2, Math.floor((3 * same) / known));
  }
  const shares = ["none", "under ⅓", "⅓ to ⅔", "over ⅔", "all"];
  const outcomes = ["✓ same label", "✗ other label"];
  const names = data.labelNames;
  return [
    { name: "prediction (vote of neighbors)", kind: "vote", names, codes: vote, values: null, ranks: data.labelCounts },
    { name: "nearest neighbor right or wrong", kind: "outcome", names: outcomes, codes: nearest, values: null },
    { name: "share of same-label neighbors", kind: "share", names: shares, codes: share, values: null },
  ];
}

/**
 * Let the neighbors vote: one voice each; of equal counts the more similar win.
 *
 * @param {import("./data.js").Data} data
 * @param {import("./data.js").Neighbor[]} neighbors
 * @returns {{ label: number, votes: number, cast: number }} label -1 if none has a label
 */
export function voteOf(data, neighbors) {
  /** @type {Map<number, { votes: number, similarity: number }>} */
  const told = new Map();
  let cast = 0;
  for (const { row, similarity } of neighbors) {
    const label = data.labels.length ? data.labels[row] : -1;
    if (label < 0) continue;
    const one = told.get(label) ?? { votes: 0, similarity: 0 };
    told.set(label, { votes: one.votes + 1, similarity: one.similarity + similarity });
    cast += 1;
  }
  const [first] = [...told].sort(([, a], [, b]) => b.votes - a.votes || b.similarity - a.similarity);
  return first ? { label: first[0], votes: first[1].votes, cast } : { label: -1, votes: 0, cast };
}

/**
 * Fill in how near each item is to the query: as searched for its neighbors, sketched for others.
 *
 * @param {Coloring[]} colorings
 * @param {import("./sketch.js").Sketch} sketch
 * @param {number} query row, or -1
 * @param {import("./data.js").Facts | null} facts
 */
export function measureSimilarity(colorings, sketch, query, facts) {
  const coloring = colorings.find(({ kind }) => kind === "similarity");
  if (!coloring?.values) return;
  if (query < 0) coloring.values.fill(NaN);
  else coloring.values.set(sketch.near(sketch.pointOf(query)));
  for (const { row, similarity } of facts?.neighbors ?? []) coloring.values[row] = similarity;
  if (query >= 0) coloring.values[query] = 1;
}

/**
 * Say in words what a coloring says of one item.
 *
 * @param {Coloring} coloring
 * @param {number} row
 * @returns {string} empty if it says nothing
 */
export function wordOf({ kind, names, codes, values }, row) {
  if (!values) return codes[row] >= 0 ? names[codes[row]] : "";
  if (Number.isNaN(values[row])) return "";
  return figure(kind === "similarity" ? Math.round(100 * values[row]) / 100 : values[row]);
}

/**
 * Write a number with three digits that matter, more if it is large.
 *
 * @param {number} value
 */
export function figure(value) {
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size && (size < 1e-3 || size >= 1e7)) return sign + size.toExponential(2);
  return sign + size.toLocaleString("en-US", size < 1000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 });
}

/**
 * Find the smallest and the largest number.
 *
 * @param {Float32Array} values NaN counts as none
 * @returns {[number, number] | null} null if there are none
 */
export function rangeOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** @typedef {[number, number, boolean, boolean]} Bulk low, high, and whether values lie beyond */

/**
 * Find the range of most numbers, so that a few far away do not take all colors: without the
 * lowest and the highest 2 in 100, of twenty numbers or more.
 *
 * @param {Float32Array} values NaN counts as none
 * @returns {Bulk | null} null if there are none
 */
export function bulkOf(values) {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const last = sorted.length - 1;
  if (last < 0) return null;
  const cut = last < 20 ? 0 : Math.floor(last * 0.02);
  const [low, high] = [sorted[cut], sorted[last - cut]];
  if (low === high) return [sorted[0], sorted[last], false, false];
  return [low, high, sorted[0] < low, sorted[last] > high];
}
