// @ts-check
/** Errors first: the hardest queries, the labels most often confused, and doubtful labels. */

import { voteOf } from "./colorings.js";
import { factsOf } from "./data.js";

/** @typedef {{ row: number, words: string }} Listed an item and what is said of it */
/** @typedef {{ from: number, to: number, rows: Int32Array, total: number }} Confused */

/**
 * Rank the items whose neighbors disagree most with their label: fewest same labels first, then
 * the most similar wrong neighbor first. Items that are alone in their class are left out.
 *
 * @param {import("./data.js").Data} data
 * @returns {Listed[]}
 */
export function hardest(data) {
  const found = [];
  for (let row = 0; row < data.n; row += 1) {
    const { label, same, known, bestOther } = factsOf(data, row);
    if (!bestOther || same * 2 >= known || data.labelCounts[label] < 2) continue;
    found.push({ row, words: `${same} of ${known} right`, share: same / known, wrong: bestOther.similarity });
  }
  return found.sort((a, b) => a.share - b.share || b.wrong - a.wrong || a.row - b.row);
}

/**
 * Count how often items of one label have a nearest neighbor of another.
 *
 * @param {import("./data.js").Data} data
 * @returns {Confused[]} the largest count first
 */
export function confusedPairs(data) {
  /** @type {Map<number, number[]>} */
  const found = new Map();
  const width = data.labelNames.length;
  for (let row = 0; data.k && row < data.n; row += 1) {
    const from = data.labels[row];
    const nearest = data.neighbors[row * data.k];
    const to = nearest < data.n ? data.labels[nearest] : -1;
    if (from < 0 || to < 0 || from === to) continue;
    const rows = found.get(from * width + to);
    if (rows) rows.push(row);
    else found.set(from * width + to, [row]);
  }
  return [...found].map(([pair, rows]) => {
    const from = Math.floor(pair / width);
    return { from, to: pair % width, rows: Int32Array.from(rows), total: data.labelCounts[from] };
  }).sort((a, b) => b.rows.length - a.rows.length || b.rows.length / b.total - a.rows.length / a.total);
}

/**
 * List the items whose neighbors agree on one other label: the label may be wrong, or the space.
 *
 * @param {import("./data.js").Data} data
 * @returns {Listed[]} the most one-sided vote first
 */
export function doubtful(data) {
  const found = [];
  for (let row = 0; row < data.n; row += 1) {
    const { label, neighbors, same } = factsOf(data, row);
    const { label: told, votes, cast } = voteOf(data, neighbors);
    if (label < 0 || told < 0 || told === label || votes * 2 <= cast) continue;
    const words = `${votes} of ${cast} say “${data.labelNames[told]}”`;
    found.push({ row, words, lead: (votes - same) / cast, similarity: neighbors[0].similarity });
  }
  return found.sort((a, b) => b.lead - a.lead || b.similarity - a.similarity || a.row - b.row);
}
