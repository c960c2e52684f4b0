// @ts-check
/** Lists of items to start from: errors first, then what was found, selected and kept. */

import { labelOf } from "./data.js";
import { count, h } from "./dom.js";
import { confusedPairs, doubtful, hardest } from "./errors.js";

const PAGE = 40; // items shown before one asks for more
const CONFUSED = "Confused labels";
const NO_ROWS = new Int32Array();

/**
 * @typedef {object} List
 * @property {string} name
 * @property {boolean} counted whether the tab says how many there are
 * @property {(state: import("./explorer.js").State) => ArrayLike<number>} rows
 * @property {(at: number) => string} [words] what is said of the item at a place of the list
 * @property {string} lead what the list holds
 * @property {string} empty what to do when it is empty
 */

/**
 * @param {import("./data.js").Data} data
 * @param {import("./thumbs.js").Thumbs} thumbs
 * @param {object} events
 * @param {(row: number) => void} events.go
 * @param {(row: number) => void} events.point
 * @param {(rows: Int32Array, name: string) => void} events.seek
 * @param {(row: number) => HTMLElement} dotOf
 */
export function openLists(data, thumbs, events, dotOf) {
  const judged = data.labelNames.length > 0 && data.k > 0;
  const hard = judged ? hardest(data) : [];
  const pairs = judged ? confusedPairs(data) : [];
  const doubted = judged ? doubtful(data) : [];
  /** @param {import("./errors.js").Listed[]} listed */
  const told = (listed) => {
    const rows = Int32Array.from(listed, ({ row }) => row);
    return { rows: () => rows, words: (/** @type {number} */ at) => listed[at].words };
  };
  /** @type {List[]} */
  const errors = [
    { name: "Hardest queries", counted: false, ...told(hard),
      lead: "most of their neighbors have another label", empty: "None: most neighbors of every item share its label." },
    { name: CONFUSED, counted: false, rows: () => NO_ROWS,
      lead: "items whose nearest neighbor has another label", empty: "None: the nearest neighbor of every item shares its label." },
    { name: "Doubtful labels", counted: false, ...told(doubted),
      lead: "their neighbors agree on one other label: look again at the label, or at the space",
      empty: "None: nowhere do most neighbors agree on another label." },
  ];
  /** @type {List[]} */
  const lists = [
    ...(judged ? errors : []),
    { name: "Found", counted: true, rows: ({ found }) => found, lead: "items that pass search and filters",
      empty: "Search, filter or click an entry of the legend, and the items are listed here." },
    { name: "Selected", counted: true, rows: ({ selection }) => selection, lead: "items you chose; with a kernel, explorer.selected",
      empty: "Draw a lasso, or filter and press “Select these”." },
    { name: "Bookmarks", counted: true, rows: ({ bookmarks }) => bookmarks, lead: "items you kept",
      empty: "Keep the query with the star next to it, or with the key b." },
  ];
  let active = 0;
  let shown = PAGE;
  /** @type {import("./explorer.js").State | null} */
  let state = null;
  const tabs = lists.map((list, at) => h("button.tab", {
    type: "button", role: "tab", onclick: () => open(at), onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.stopPropagation();
      open((at + step + lists.length) % lists.length);
      tabs[active].focus();
    },
  }, list.name));
  const lead = h("p.muted");
  const row = h("div.row", { role: "tabpanel" });
  const element = h("div.lists", { role: "region", "aria-label": "Lists of items" },
    h("div.tabs", { role: "tablist", "aria-label": "Lists of items" }, ...tabs), lead, row);

  /** @param {number} at */
  function open(at) {
    [active, shown] = [at, PAGE];
    row.scrollLeft = 0;
    draw();
  }

  /** @param {number} at row of the item @param {string} words said of it */
  function card(at, words) {
    const label = labelOf(data, at);
    const labeled = data.labelNames.length > 0;
    const text = data.texts.length ? data.texts[at] : "";
    return h(
      `button.item${at === state?.query ? ".current" : ""}`, {
        type: "button", "data-row": at, onclick: () => events.go(at),
        onpointerenter: () => events.point(at), onpointerleave: () => events.point(-1),
        onfocus: () => events.point(at), onblur: () => events.point(-1),
        title: [label, data.ids[at], text].filter(Boolean).join("\n"),
        "aria-label": [labeled && label, data.ids[at], words].filter(Boolean).join(", "),
      },
      thumbs.has && thumbs.of(at),
      h("span.words", {},
        h("span.name", {}, labeled && dotOf(at), h("span.clip", {}, labeled ? label : data.ids[at])),
        !thumbs.has && text && h("span.text.clip", {}, text),
        h("span.number.clip", {}, words || (labeled ? data.ids[at] : ""))),
    );
  }

  /** @param {import("./errors.js").Confused} pair */
  function pairCard({ from, to, rows, total }) {
    const [one, other] = [data.labelNames[from], data.labelNames[to]];
    const name = `“${one}” with nearest neighbor “${other}”`;
    return h(
      "button.item.pair", {
        type: "button", title: `${name}: ${rows.length} of ${total}`, "aria-label": `${name}: ${rows.length} of ${total}`,
        onclick: () => { events.seek(rows, name); },
      },
      h("span.words", {}, h("span.name", {}, dotOf(rows[0]), h("span.clip", {}, one)),
        h("span.name", {}, "→ ", dotOf(data.neighbors[rows[0] * data.k]), h("span.clip", {}, other))),
      h("span.number", {}, `${count(rows.length)} of ${count(total)}`),
    );
  }

  function draw() {
    if (!state) return;
    const list = lists[active];
    const isPairs = list.name === CONFUSED;
    const rows = list.rows(state);
    const total = isPairs ? pairs.length : rows.length;
    for (const [at, tab] of tabs.entries()) {
      tab.setAttribute("aria-selected", String(at === active));
      tab.tabIndex = at === active ? 0 : -1;
      const n = lists[at].counted ? lists[at].rows(state).length : 0;
      tab.replaceChildren(lists[at].name, n ? h("span.number", {}, count(n)) : "");
    }
    lead.textContent = total ? `${count(total)}${isPairs ? " pairs" : ""} · ${list.lead}` : list.empty;
    const cards = isPairs ? pairs.slice(0, shown).map(pairCard)
      : Array.from({ length: Math.min(total, shown) }, (_, at) => card(rows[at], list.words?.(at) ?? ""));
    const more = h("button.plain", { type: "button", onclick: () => {
      shown += PAGE;
      draw();
    } }, `Show ${count(Math.min(PAGE, total - shown))} more`);
    const focused = document.activeElement instanceof HTMLElement && row.contains(document.activeElement)
      ? document.activeElement.dataset.row : undefined;
    row.replaceChildren(...cards, ...(total > shown ? [more] : []));
    if (focused) row.querySelector(`[data-row="${focused}"]`)?.focus({ preventScroll: true });
  }

  return {
    element,
    /** The row to start with: the hardest query. */
    first: hard[0]?.row ?? 0,
    /** @param {string} name of a list to bring to the front */
    turnTo(name) {
      const at = lists.findIndex((list) => list.name === name);
      if (at >= 0 && at !== active) [active, shown] = [at, PAGE];
    },
    /** @param {import("./explorer.js").State} now */
    show(now) {
      state = now;
      draw();
    },
  };
}
