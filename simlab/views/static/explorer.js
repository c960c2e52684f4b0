// @ts-check
/**
 * The explorer: a map of items and the neighbors of one of them. Everything happens in the page;
 * Python only hears which item is the query and which items are selected.
 */

import { isDark, paintOf, startColoring } from "./colors.js";
import { bytesOf, factsOf, labelOf, readData, search } from "./data.js";
import { h, plural } from "./dom.js";
import { listenToKeys } from "./keys.js";
import { openMap } from "./map.js";
import { openPanel } from "./panel.js";
import { openHardest, openSelectionStrip } from "./strips.js";
import { openThumbs } from "./thumbs.js";
import { dot, openToolbar } from "./toolbar.js";
import { openTooltip } from "./tooltip.js";

/**
 * @typedef {object} State
 * @property {number} query row of the query, or -1
 * @property {import("./data.js").Facts | null} facts of the query
 * @property {number[]} history rows that were the query before
 * @property {number} hover row under the pointer on the map, or -1
 * @property {number} pointed row of the neighbor card under the pointer, or -1
 * @property {Int32Array} selection rows inside the lasso
 * @property {Int32Array | null} matches rows that were found, or null without a search
 * @property {number} match place of the query among the matches, or -1
 * @property {number} isolated slot of the legend that is shown alone, or -1
 * @property {Uint8Array | null} strong 1 for each item that stands out; null when all do
 * @property {import("./colors.js").Paint} paint
 * @property {boolean} lassoing whether a plain drag draws a lasso
 * @property {boolean} dark
 */

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  const cleaning = new AbortController();
  const { signal } = cleaning;
  const data = readData(model);
  const thumbs = openThumbs(model, () => map.show(state, false));
  const start = startColoring(data);
  /** @type {State} */
  const state = {
    query: -1, facts: null, history: [], hover: -1, pointed: -1, selection: new Int32Array(),
    matches: null, match: -1, isolated: -1, strong: null, lassoing: false, dark: isDark(),
    paint: paintOf(data.colorings[start] ?? null, data.n),
  };
  let goingBack = false;
  const dotOf = (/** @type {number} */ row) => dot(labelPaint.swatches[labelPaint.slots[row]], state.dark);
  const labelPaint = paintOf(data.labelNames.length ? data.colorings[0] : null, data.n);

  const map = openMap(data, thumbs, { pick: go, hover, lasso }, signal);
  const panel = openPanel(data, thumbs, { go, back, point, seek }, dotOf);
  const toolbar = openToolbar(data, start, { search: find, nextMatch, color, toggleLasso, isolate });
  const chosen = openSelectionStrip(data, () => select([]), dotOf);
  const hard = openHardest(data, thumbs, go, dotOf);
  const tooltip = openTooltip(data, thumbs, dotOf);
  const spoken = h("div.spoken", { "aria-live": "polite" });
  const root = h(
    "div.simlab-explorer", { "data-lm-suppress-shortcuts": "true" },
    header(data),
    toolbar.element,
    h("div.main", {}, h("div.left", {}, map.element, toolbar.legend), panel.element),
    hard.element, spoken,
  );
  map.element.append(chosen.element, tooltip.element);

  /** Recompute what stands out, and draw all of it. */
  function refresh() {
    state.strong = standingOut(state, data.n);
    toolbar.show(state);
    chosen.show(state);
    map.show(state, true);
  }

  /** @param {number} row */
  function go(row) {
    if (row === state.query) return;
    model.set("query", row);
    model.save_changes();
  }

  function back() {
    const row = state.history.pop();
    if (row === undefined) return;
    goingBack = true;
    go(row);
    goingBack = false;
  }

  /** The query changed, here or in Python. */
  function follow() {
    const asked = model.get("query");
    const row = asked >= 0 && asked < data.n ? asked : -1;
    if (!goingBack && state.query >= 0 && row >= 0) state.history.push(state.query);
    if (row < 0) state.history = [];
    hover(-1, 0, 0);
    Object.assign(state, { query: row, pointed: -1, facts: row < 0 ? null : factsOf(data, row) });
    panel.show(state, hard.first);
    hard.show(row);
    refresh();
    if (!state.facts) return;
    const { same, known } = state.facts;
    spoken.textContent = `Query ${labelOf(data, row)}, ${data.ids[row]}: `
      + (known ? `${same} of ${known} neighbors share its label.` : "its neighbors have no labels.");
  }

  /** @param {number} row @param {number} x @param {number} y */
  function hover(row, x, y) {
    if (row === state.hover) return;
    state.hover = row;
    tooltip.show(state, x, y);
    panel.highlight(row);
    map.show(state, false);
  }

  /** @param {number} row */
  function point(row) {
    state.pointed = row;
    map.show(state, false);
  }

  /** @param {string} words */
  function find(words) {
    Object.assign(state, { matches: search(data, words), match: -1 });
    refresh();
  }

  /** @param {Int32Array} rows to show as if they were searched for */
  function seek(rows) {
    Object.assign(state, { matches: rows, match: -1 });
    refresh();
  }

  /** @param {number} step */
  function nextMatch(step) {
    const total = state.matches?.length ?? 0;
    if (!state.matches || !total) return;
    state.match = state.match < 0 && step < 0 ? total - 1 : (state.match + step + total) % total;
    go(state.matches[state.match]);
    refresh();
  }

  /** @param {number} index */
  function color(index) {
    Object.assign(state, { paint: paintOf(data.colorings[index], data.n), isolated: -1 });
    toolbar.showLegend(state);
    refresh();
  }

  /** @param {number} slot */
  function isolate(slot) {
    state.isolated = state.isolated === slot ? -1 : slot;
    toolbar.showLegend(state);
    refresh();
  }

  function toggleLasso() {
    state.lassoing = !state.lassoing;
    refresh();
  }

  /** @param {number[]} rows @param {import("./pointer.js").LassoKind} how */
  function lasso(rows, how) {
    const kept = new Set(how === "replace" ? [] : state.selection);
    for (const row of rows) if (how === "subtract") kept.delete(row); else kept.add(row);
    state.lassoing = false;
    select([...kept].sort((a, b) => a - b));
  }

  /** @param {ArrayLike<number>} rows */
  function select(rows) {
    const codes = Int32Array.from(rows);
    model.set("selection", new DataView(codes.buffer));
    model.save_changes();
    state.selection = codes;
    spoken.textContent = codes.length ? `${plural(codes.length, "item")} selected.` : "Nothing selected.";
    refresh();
  }

  /** Undo one thing, the most passing first. */
  function escape() {
    if (!toolbar.sheet.hidden) toolbar.help(false);
    else if (state.lassoing) toggleLasso();
    else if (state.matches) {
      toolbar.input.value = "";
      find("");
    } else if (state.selection.length) select([]);
    else if (state.isolated >= 0) isolate(state.isolated);
    else if (state.query >= 0) go(-1);
  }

  /** Draw again in the colors of the page when it turns dark or light. */
  function recolor() {
    if (root.dataset.theme && state.dark === isDark()) return;
    state.dark = isDark();
    root.dataset.theme = state.dark ? "dark" : "light";
    toolbar.showLegend(state);
    panel.show(state, hard.first);
    for (const one of root.querySelectorAll(".hard")) {
      one.querySelector(".dot")?.replaceWith(dotOf(Number(one.dataset.row)));
    }
    refresh();
    map.draw(); // at once, because paper does not wait for the next frame
  }

  listenToKeys(root, { map, panel, toolbar, back, escape, toggleLasso }, signal);
  const themes = new MutationObserver(recolor);
  themes.observe(document.body, {
    attributes: true, attributeFilter: ["class", "data-jp-theme-name", "data-jp-theme-light"],
  });
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", recolor, { signal });
  }
  /** @type {Record<string, () => void>} */
  const heard = {
    "change:query": follow,
    "change:selection": () => {
      state.selection = new Int32Array(bytesOf(model.get("selection")));
      refresh();
    },
    "change:xy": () => map.place(new Float32Array(bytesOf(model.get("xy")))),
    "change:projection": () => { map.caption.textContent = captionOf(model.get("projection")); },
  };
  for (const [event, act] of Object.entries(heard)) model.on(event, act);

  el.append(root);
  root.__simlab = { point: map.point, query: () => state.query };
  heard["change:projection"]();
  state.selection = new Int32Array(bytesOf(model.get("selection")));
  follow();
  recolor();

  return () => {
    cleaning.abort();
    themes.disconnect();
    for (const [event, act] of Object.entries(heard)) model.off(event, act);
    thumbs.close();
    root.remove();
  };
}

/** @param {import("./data.js").Data} data */
function header(data) {
  const facts = [
    plural(data.n, "item"),
    data.labelNames.length > 0 && plural(data.labelNames.length, "label"),
    data.k > 0 && `${data.k} neighbors each, by ${data.similarity} similarity`,
  ].filter(Boolean).join(" · ");
  return h("header", {},
    h("div.title", {}, data.title && h("h2", {}, data.title), h("span.muted", {}, facts)),
    data.note && h("p.note", {}, data.note));
}

/** @param {string} projection */
function captionOf(projection) {
  return projection ? `${projection} · a flat sketch of the space` : "a flat sketch of the space";
}

/**
 * Mark the items that pass every filter in use: selection, search, legend.
 *
 * @param {State} state
 * @param {number} n
 */
function standingOut({ selection, matches, isolated, paint }, n) {
  const filters = [selection.length ? selection : null, matches].filter((rows) => rows !== null);
  if (!filters.length && isolated < 0) return null;
  const strong = new Uint8Array(n);
  for (const rows of filters) for (const row of rows) strong[row] += 1;
  for (let row = 0; row < n; row += 1) {
    const passes = strong[row] === filters.length && (isolated < 0 || paint.slots[row] === isolated);
    strong[row] = passes ? 1 : 0;
  }
  return strong;
}

export default { render };
