// @ts-check
/** Read the traits of an explorer, and answer questions about its items and their neighbors. */

/**
 * @typedef {{ row: number, rank: number, similarity: number, outcome: Outcome }} Neighbor
 * @typedef {"same" | "other" | "unknown"} Outcome
 * @typedef {{
 *   neighbors: Neighbor[], label: number, same: number, known: number, firstWrong: number,
 *   bestSame: Neighbor | null, bestOther: Neighbor | null, missing: number,
 * }} Facts
 * @typedef {{
 *   n: number, k: number, xy: Float32Array, neighbors: Uint32Array, similarities: Float32Array,
 *   labels: Int32Array, labelNames: string[], labelCounts: number[], ids: string[],
 *   texts: string[], similarity: string, title: string, note: string,
 * }} Data
 */

/**
 * Copy a binary trait, because its place in the message may not be aligned for typed arrays.
 *
 * @param {DataView | undefined} view
 * @returns {ArrayBuffer}
 */
export function bytesOf(view) {
  if (!view) return new ArrayBuffer(0);
  return /** @type {ArrayBuffer} */ (
    view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)
  );
}

/**
 * @param {any} model
 * @returns {Data}
 */
export function readData(model) {
  const xy = new Float32Array(bytesOf(model.get("xy")));
  const neighbors = new Uint32Array(bytesOf(model.get("neighbors")));
  const labels = new Int32Array(bytesOf(model.get("label_codes")));
  const labelNames = model.get("label_names");
  const n = xy.length / 2;
  const labelCounts = new Array(labelNames.length).fill(0);
  for (const code of labels) if (code >= 0) labelCounts[code] += 1;
  return {
    n,
    k: n ? neighbors.length / n : 0,
    xy,
    neighbors,
    similarities: new Float32Array(bytesOf(model.get("similarities"))),
    labels,
    labelNames,
    labelCounts,
    ids: model.get("ids"),
    texts: model.get("texts"),
    similarity: model.get("similarity"),
    title: model.get("title"),
    note: model.get("note"),
  };
}

/**
 * Say how the neighbors of one item turned out against its own label.
 *
 * @param {Data} data
 * @param {number} row
 * @returns {Facts}
 */
export function factsOf(data, row) {
  const label = data.labels.length ? data.labels[row] : -1;
  /** @type {Facts} */
  const facts = {
    neighbors: [], label, same: 0, known: 0, firstWrong: 0, bestSame: null, bestOther: null,
    missing: 0,
  };
  for (let at = row * data.k; at < (row + 1) * data.k; at += 1) {
    const other = data.neighbors[at];
    if (other >= data.n) break; // padding: this item has fewer neighbors than others
    const code = data.labels.length ? data.labels[other] : -1;
    /** @type {Outcome} */
    const outcome = label < 0 || code < 0 ? "unknown" : code === label ? "same" : "other";
    const rank = facts.neighbors.length + 1;
    const neighbor = { row: other, rank, similarity: data.similarities[at], outcome };
    facts.neighbors.push(neighbor);
    if (outcome === "unknown") continue;
    facts.known += 1;
    if (outcome === "same") {
      facts.same += 1;
      facts.bestSame ??= neighbor;
    } else {
      facts.bestOther ??= neighbor;
      facts.firstWrong ||= rank;
    }
  }
  if (label >= 0) facts.missing = data.labelCounts[label] - 1 - facts.same;
  return facts;
}

/**
 * List the items that share the label of the query but are not among its neighbors.
 *
 * @param {Data} data
 * @param {number} query
 */
export function missingOf(data, query) {
  const listed = new Set(factsOf(data, query).neighbors.map(({ row }) => row)).add(query);
  const found = [];
  for (let row = 0; row < data.n; row += 1) {
    if (data.labels[row] === data.labels[query] && !listed.has(row)) found.push(row);
  }
  return Int32Array.from(found);
}

/** @param {Data} data @param {number} row */
export function labelOf(data, row) {
  const code = data.labels.length ? data.labels[row] : -1;
  return code < 0 ? "no label" : data.labelNames[code];
}

/**
 * Find the items whose label, id or text contains the words searched for.
 *
 * @param {Data} data
 * @param {string} words
 * @returns {Int32Array | null} null when nothing is searched for
 */
export function search(data, words) {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return null;
  const labels = data.labelNames.map((name) => name.toLowerCase().includes(wanted));
  const found = [];
  for (let row = 0; row < data.n; row += 1) {
    const hit = (data.labels.length && labels[data.labels[row]])
      || data.ids[row].toLowerCase().includes(wanted)
      || (data.texts.length && data.texts[row].toLowerCase().includes(wanted));
    if (hit) found.push(row);
  }
  return Int32Array.from(found);
}
