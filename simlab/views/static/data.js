// @ts-check
/** Read the traits of an explorer, and answer questions about its items and their neighbors. */

/**
 * @typedef {{ name: string, names: string[], codes: Int32Array, kind?: "outcome" | "share" }} Coloring
 * @typedef {{ row: number, rank: number, similarity: number, outcome: Outcome }} Neighbor
 * @typedef {"same" | "other" | "unknown"} Outcome
 * @typedef {{
 *   neighbors: Neighbor[], label: number, same: number, known: number, firstWrong: number,
 *   bestSame: Neighbor | null, bestOther: Neighbor | null, missing: number,
 * }} Facts
 * @typedef {{
 *   n: number, k: number, xy: Float32Array, neighbors: Uint32Array, similarities: Float32Array,
 *   labels: Int32Array, labelNames: string[], labelCounts: number[], ids: string[],
 *   texts: string[], colorings: Coloring[], projection: string, similarity: string,
 *   title: string, note: string,
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
  const data = {
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
    colorings: /** @type {Coloring[]} */ ([]),
    projection: model.get("projection"),
    similarity: model.get("similarity"),
    title: model.get("title"),
    note: model.get("note"),
  };
  data.colorings = colorings(data, model.get("colorings"));
  return data;
}

/**
 * List every way to color the map: by label, by the given columns, by how neighbors turned out.
 *
 * @param {Data} data
 * @param {{ name: string, names: string[], codes: DataView }[]} given
 * @returns {Coloring[]}
 */
function colorings(data, given) {
  const listed = given.map(({ name, names, codes }) => (
    { name, names, codes: new Int32Array(bytesOf(codes)) }
  ));
  if (!data.labelNames.length) return listed;
  const label = { name: "label", names: data.labelNames, codes: data.labels };
  return [label, ...listed, ...(data.k ? outcomeColorings(data) : [])];
}

/** @param {Data} data @returns {Coloring[]} */
function outcomeColorings(data) {
  const nearest = new Int32Array(data.n).fill(-1);
  const share = new Int32Array(data.n).fill(-1);
  for (let row = 0; row < data.n; row += 1) {
    const { neighbors, same, known } = factsOf(data, row);
    if (!known) continue;
    if (neighbors[0].outcome !== "unknown") nearest[row] = neighbors[0].outcome === "same" ? 0 : 1;
    if (same === 0) share[row] = 0;
    else if (same === known) share[row] = 4;
    else share[row] = 1 + Math.min(2, Math.floor((3 * same) / known));
  }
  const names = ["none", "under ⅓", "⅓ to ⅔", "over ⅔", "all"];
  return [
    {
      name: "nearest neighbor right or wrong", kind: "outcome",
      names: ["✓ same label", "✗ other label"], codes: nearest,
    },
    { name: "share of same-label neighbors", kind: "share", names, codes: share },
  ];
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
 * Rank the items whose neighbors disagree most with their label: fewest same labels first, then
 * the most similar wrong neighbor first. Items that are alone in their class are left out.
 *
 * @param {Data} data
 * @param {number} most
 * @returns {{ row: number, same: number, known: number }[]}
 */
export function hardest(data, most) {
  const found = [];
  for (let row = 0; row < data.n; row += 1) {
    const { label, same, known, bestOther } = factsOf(data, row);
    if (!bestOther || same * 2 >= known || data.labelCounts[label] < 2) continue;
    found.push({ row, same, known, share: same / known, wrong: bestOther.similarity });
  }
  found.sort((a, b) => a.share - b.share || b.wrong - a.wrong || a.row - b.row);
  return found.slice(0, most);
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
