// @ts-check
/** The row of controls above the map, the legend below it, and the page of keys. */

import { count, h, icon, plural } from "./dom.js";

const KEYS = [
  ["Click", "make a point the query"],
  ["← → ↑ ↓", "walk the neighbors"],
  ["Enter", "make the neighbor the query"],
  ["Alt + ←", "back to the query before"],
  ["Drag, wheel", "move and zoom; far in, pictures appear"],
  ["+  −  0", "zoom in, zoom out, show all"],
  ["Shift + drag", "lasso: add to the selection"],
  ["Alt + drag", "lasso: take from the selection"],
  ["/", "search label, id and text"],
  ["l   c", "lasso on or off; choose the color"],
  ["Esc", "clear, one step at a time"],
];

/**
 * @typedef {object} ToolbarEvents
 * @property {(words: string) => void} search
 * @property {(step: number) => void} nextMatch
 * @property {(index: number) => void} color
 * @property {() => void} toggleLasso
 * @property {(slot: number) => void} isolate
 */

/**
 * @param {import("./data.js").Data} data
 * @param {number} start coloring to begin with
 * @param {ToolbarEvents} events
 */
export function openToolbar(data, start, events) {
  const input = h("input.words", {
    type: "search", placeholder: "Search label, id, text", "aria-label": "Search label, id and text",
    oninput: () => events.search(input.value),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") events.nextMatch(event.shiftKey ? -1 : 1);
    },
  });
  const found = h("span.found", { "aria-live": "polite" });
  const options = data.colorings.map(({ name }, index) => h("option", { value: index }, name));
  const select = h("select", { "aria-label": "Color by", onchange: () => events.color(Number(select.value)) },
    ...options);
  select.value = String(start);
  const lasso = h(
    "button.plain", { type: "button", "aria-pressed": "false", title: "Draw around points (l, or Shift + drag)",
      onclick: events.toggleLasso }, icon("lasso"), "Lasso",
  );
  const close = h("button.icon-button", { type: "button", "aria-label": "Close help", onclick: () => help(false) },
    icon("close"));
  const sheet = h(
    "div.help", { role: "dialog", "aria-label": "Keys and gestures", hidden: true },
    h("div.help-head", {}, h("h3", {}, "Keys and gestures"), close),
    h("dl", {}, ...KEYS.flatMap(([keys, act]) => [h("dt", {}, keys), h("dd", {}, act)])),
    h("p.muted", {}, "The map is a flat sketch; neighbors and similarities come from the original space."),
  );
  const ask = h("button.plain.ask", { type: "button", title: "Keys and gestures (?)", "aria-label": "Help",
    onclick: () => help(sheet.hidden) }, "?");

  /** @param {boolean} open */
  function help(open) {
    sheet.hidden = !open;
    (open ? close : ask).focus({ preventScroll: true });
  }

  const element = h(
    "div.toolbar", {},
    h("div.search", {}, icon("search"), input, found),
    options.length > 1 && h("label.color-by", {}, "Color by", select),
    h("span.spring"), lasso, ask, sheet,
  );
  const legend = h("div.legend", { role: "group", "aria-label": "Legend" });

  return {
    element, legend, sheet, input, select, help,
    /** @param {import("./explorer.js").State} state */
    show(state) {
      lasso.setAttribute("aria-pressed", String(state.lassoing));
      const { matches, match } = state;
      found.textContent = !matches ? "" : !matches.length ? "no match"
        : match < 0 ? plural(matches.length, "match").replace("matchs", "matches")
          : `${count(match + 1)} of ${count(matches.length)}`;
      found.title = matches?.length ? "Enter shows the next match" : "";
    },
    /** @param {import("./explorer.js").State} state */
    showLegend(state) {
      const { paint } = state;
      legend.replaceChildren(...paint.swatches.map((swatch, slot) => h(
        "button.entry", {
          type: "button", "aria-pressed": String(state.isolated === slot),
          title: `${plural(swatch.count, "item")}; click to show only these`,
          onclick: () => events.isolate(slot),
        },
        dot(swatch, state.dark), h("span.clip", {}, swatch.name),
        h("span.number", {}, count(swatch.count)),
      )));
      legend.hidden = paint.swatches.length < 2 && !paint.name;
    },
  };
}

/** @param {import("./colors.js").Swatch} swatch @param {boolean} dark */
export function dot(swatch, dark) {
  const element = h(`i.dot.${swatch.shape}`, { "aria-hidden": "true" });
  element.style.background = dark ? swatch.dark : swatch.light;
  return element;
}
