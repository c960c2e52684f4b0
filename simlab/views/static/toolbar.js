// @ts-check
/** The row of controls above the map. */

import { count, h, icon, plural } from "./dom.js";

/**
 * @typedef {object} ToolbarEvents
 * @property {(words: string) => void} search
 * @property {(step: number) => void} nextMatch
 * @property {(index: number) => void} color
 * @property {() => void} toggleLasso
 */

/** @typedef {{ button: HTMLElement, sheet: HTMLElement }} Sheet a button and what it opens */

/**
 * @param {import("./colorings.js").Coloring[]} colorings
 * @param {number} start coloring to begin with
 * @param {{ filters: Sheet, axes: Sheet, help: Sheet }} sheets
 * @param {ToolbarEvents} events
 */
export function openToolbar(colorings, start, { filters, axes, help }, events) {
  const input = h("input.words", {
    type: "search", placeholder: "Search label, id, text", "aria-label": "Search label, id and text",
    oninput: () => events.search(input.value),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") events.nextMatch(event.shiftKey ? -1 : 1);
    },
  });
  const found = h("span.found", { "aria-live": "polite" });
  const options = colorings.map(({ name }, index) => h("option", { value: index }, name));
  const select = h("select", { "aria-label": "Color by", onchange: () => events.color(Number(select.value)) },
    ...options);
  select.value = String(start);
  const lasso = h(
    "button.plain", { type: "button", "aria-pressed": "false", title: "Draw around points (l, or Shift + drag)",
      onclick: events.toggleLasso }, icon("lasso"), "Lasso",
  );
  const element = h(
    "div.toolbar", {},
    h("div.search", {}, icon("search"), input, found),
    options.length > 1 && h("label.color-by", {}, "Color by", select),
    h("span.spring"), axes.button, options.length > 0 && filters.button, lasso, help.button,
    axes.sheet, filters.sheet, help.sheet,
  );

  return {
    element, input, select,
    /** @param {import("./explorer.js").State} state */
    show(state) {
      lasso.setAttribute("aria-pressed", String(state.lassoing));
      const { matches, match } = state;
      found.textContent = !matches ? "" : !matches.length ? "no match"
        : match < 0 ? plural(matches.length, "match").replace("matchs", "matches")
          : `${count(match + 1)} of ${count(matches.length)}`;
      found.title = matches?.length ? "Enter shows the next match" : "";
    },
  };
}
