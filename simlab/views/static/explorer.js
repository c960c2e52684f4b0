// @ts-check
/**
 * The explorer: a map of items and the neighbors of one of them. Everything happens in the page;
 * Python only hears which item is the query and which items are selected.
 */

import { openAxes } from "./axes.js";
import { listColorings, measureSimilarity } from "./colorings.js";
import { isDark, paintOf, startColoring } from "./colors.js";
import { bytesOf, factsOf, labelOf, missingOf, readData, search } from "./data.js";
import { h, plural } from "./dom.js";
import { openFilters } from "./filters.js";
import { openHelp } from "./help.js";
import { listenToKeys } from "./keys.js";
import { dot, openLegend } from "./legend.js";
import { openLists } from "./lists.js";
import { openMap } from "./map.js";
import { openPanel } from "./panel.js";
import { paintBy } from "./scale.js";
import { openSelectionStrip } from "./selection.js";
import { openSketch } from "./sketch.js";
import { openStanding, standingOut } from "./standing.js";
import { openThumbs } from "./thumbs.js";
import { openToolbar } from "./toolbar.js";
import { openTooltip } from "./tooltip.js";

/**
 * @typedef {object} State
 * @property {number} query row of the query, or -1
 * @property {import("./data.js").Facts | null} facts of the query
 * @property {number[]} history rows that were the query before
 * @property {number} hover row under the pointer on the map, or -1
 * @property {number} pointed row of the neighbor card under the pointer, or -1
 * @property {Int32Array} selection rows chosen by lasso or filter
 * @property {number[]} bookmarks rows that were kept
 * @property {Int32Array | null} matches rows that were searched for, or null without a search
 * @property {string} matchName what was searched for, in words
 * @property {number} match place of the query among the matches, or -1
 * @property {number} isolated slot of the legend that is shown alone, or -1
 * @property {import("./filters.js").Filters} filters
 * @property {Uint8Array | null} passed 1 for each item that passes search and filters
 * @property {Int32Array} found rows that pass; empty when nothing is asked
 * @property {Uint8Array | null} strong 1 for each item that stands out; null when all do
 * @property {import("./colorings.js").Coloring | null} coloring
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
  const sketch = openSketch(model, data);
  const colorings = listColorings(data, sketch, model.get("colorings"));
  const start = startColoring(data, colorings);
  const labelPaint = paintOf(data.labelNames.length ? colorings[0] : null, data.n);
  const dotOf = (/** @type {number} */ row) => dot(labelPaint.swatches[labelPaint.slots[row]], state.dark);
  const none = new Int32Array();
  /** @type {State} */
  const state = {
    query: -1, facts: null, history: [], hover: -1, pointed: -1, selection: none, bookmarks: [],
    matches: null, matchName: "", match: -1, isolated: -1, filters: new Map(), passed: null, found: none,
    strong: null, lassoing: false, dark: isDark(), coloring: colorings[start] ?? null,
    paint: paintBy(colorings[start] ?? null, data.n),
  };
  let goingBack = false;

  const map = openMap(data, thumbs, { pick: go, hover, lasso }, signal);
  const panel = openPanel(data, thumbs, { go, back, point, seekMissing, bookmark }, dotOf);
  const legend = openLegend(sketch, isolate);
  const help = openHelp();
  const filters = openFilters(colorings, filter);
  const axes = openAxes(data, sketch, { layouts, place, query: () => state.query });
  const toolbar = openToolbar(colorings, start, { filters, axes, help }, { search: find, nextMatch, color, toggleLasso });
  const standing = openStanding(data, {
    unfind, isolate, filter, selectAll, clear, leave: () => map.surface.focus({ preventScroll: true }),
  });
  const chosen = openSelectionStrip(data, () => select([]), dotOf);
  const lists = openLists(data, thumbs, { go, point, seek }, dotOf);
  const tooltip = openTooltip(data, thumbs, dotOf);
  const spoken = h("div.spoken", { "aria-live": "polite" });
  const root = h(
    "div.simlab-explorer", { "data-lm-suppress-shortcuts": "true" },
    header(data),
    toolbar.element, standing.element,
    h("div.main", {}, h("div.left", {}, map.element, legend.element), panel.element),
    lists.element, spoken,
  );
  map.element.append(chosen.element, tooltip.element);

  /** Recompute what stands out, and draw all of it. */
  function refresh() {
    state.passed = standing.show(state);
    const { passed } = state;
    const order = state.matches ?? Int32Array.from({ length: data.n }, (_, row) => row);
    state.found = passed ? order.filter((row) => passed[row]) : none;
    state.strong = standingOut(passed, state.selection, data.n);
    toolbar.show(state);
    filters.show(state.filters);
    chosen.show(state);
    lists.show(state);
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
    panel.show(state, lists.first);
    measureSimilarity(colorings, sketch, row, state.facts);
    if (state.coloring?.kind === "similarity") repaint();
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
    const name = words.trim() && `“${words.trim()}”`;
    Object.assign(state, { matches: search(data, words), matchName: name, match: -1 });
    if (name) lists.turnTo("Found");
    refresh();
  }

  function unfind() {
    toolbar.input.value = "";
    find("");
  }

  /** @param {Int32Array} rows to show as if they were searched for @param {string} name */
  function seek(rows, name) {
    toolbar.input.value = "";
    Object.assign(state, { matches: rows, matchName: name, match: -1 });
    lists.turnTo("Found");
    refresh();
  }

  /** Show the items of the query's label that are not among its neighbors, the most similar first. */
  function seekMissing() {
    const rows = missingOf(data, state.query);
    if (sketch.has) {
      const near = sketch.near(sketch.pointOf(state.query));
      rows.sort((a, b) => near[b] - near[a]);
    }
    seek(rows, `“${labelOf(data, state.query)}”, not among the neighbors of ${data.ids[state.query]}`);
  }

  /** @param {number} step */
  function nextMatch(step) {
    const total = state.matches?.length ?? 0;
    if (!state.matches || !total) return;
    state.match = state.match < 0 && step < 0 ? total - 1 : (state.match + step + total) % total;
    go(state.matches[state.match]);
    refresh();
  }

  function repaint() {
    Object.assign(state, { paint: paintBy(state.coloring, data.n), isolated: -1 });
    legend.show(state);
  }

  /** @param {number} index */
  function color(index) {
    state.coloring = colorings[index];
    repaint();
    refresh();
  }

  /** @param {number} slot */
  function isolate(slot) {
    state.isolated = state.isolated === slot ? -1 : slot;
    legend.show(state);
    if (state.isolated >= 0) lists.turnTo("Found");
    refresh();
  }

  /** @param {import("./colorings.js").Coloring} coloring @param {import("./filters.js").Wanted | null} wanted */
  function filter(coloring, wanted) {
    if (wanted) state.filters.set(coloring, wanted);
    else state.filters.delete(coloring);
    if (wanted) lists.turnTo("Found");
    refresh();
  }

  /** Take every search and filter off. */
  function clear() {
    state.filters.clear();
    state.isolated = -1;
    legend.show(state);
    unfind();
  }

  function bookmark() {
    const { query: row, bookmarks } = state;
    if (row < 0) return;
    model.set("bookmarks", bookmarks.includes(row) ? bookmarks.filter((one) => one !== row) : [...bookmarks, row]);
    model.save_changes();
  }

  /** Python has another map, for instance because a better one is ready; axes of one's own stay. */
  function relocate() {
    if (!axes.isFormula()) axes.pick(layouts()[0]);
  }

  /** Say what Python is still computing. */
  function tell() {
    map.progress.textContent = model.get("progress");
    map.progress.hidden = !model.get("progress");
  }

  function layouts() {
    /** @type {{ name: string, xy: DataView }[]} */
    const given = [{ name: model.get("projection"), xy: model.get("xy") }, ...model.get("other_maps")];
    return given.map(({ name, xy }) => ({ name: name || "map", xy: new Float32Array(bytesOf(xy)) }));
  }

  /** @param {import("./axes.js").Layout} layout */
  function place({ name, xy, isFormula }) {
    map.place(xy);
    map.caption.textContent = isFormula ? name : `${name} · a flat sketch of the space`;
  }

  function toggleLasso() {
    state.lassoing = !state.lassoing;
    refresh();
  }

  /** @param {number[]} rows @param {import("./pointer.js").LassoKind} how */
  function lasso(rows, how) {
    const kept = new Set(how === "replace" ? [] : state.selection);
    const { passed } = state; // what is faded is not meant
    for (const row of passed ? rows.filter((one) => passed[one]) : rows) if (how === "subtract") kept.delete(row); else kept.add(row);
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

  function selectAll() {
    if (state.passed) select([...state.found].sort((a, b) => a - b));
  }

  /** Undo one thing, the most passing first. */
  function escape() {
    const open = [help, filters, axes].find(({ sheet }) => !sheet.hidden);
    if (open) open.toggle(false);
    else if (state.lassoing) toggleLasso();
    else if (state.matches) unfind();
    else if (state.selection.length) select([]);
    else if (state.isolated >= 0 || state.filters.size) clear();
    else if (state.query >= 0) go(-1);
  }

  /** Draw again in the colors of the page when it turns dark or light. */
  function recolor() {
    if (root.dataset.theme && state.dark === isDark()) return;
    state.dark = isDark();
    root.dataset.theme = state.dark ? "dark" : "light";
    legend.show(state);
    panel.show(state, lists.first);
    refresh();
    map.draw(); // at once, because paper does not wait for the next frame
  }

  listenToKeys(root, { map, panel, toolbar, help, filters, axes },
    { back, escape, toggleLasso, selectAll, bookmark }, signal);
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
    "change:bookmarks": () => {
      state.bookmarks = model.get("bookmarks");
      panel.keep(state);
      lists.show(state);
    },
    "change:xy": relocate,
    "change:projection": relocate,
    "change:progress": tell,
  };
  for (const [event, act] of Object.entries(heard)) model.on(event, act);

  el.append(root);
  root.__simlab = { point: map.point, query: () => state.query };
  relocate();
  tell();
  state.bookmarks = model.get("bookmarks");
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

export default { render };
