// @ts-check
/** What stands out and why: each search and filter as a chip, the count, and what to do with it. */

import { count, h, icon } from "./dom.js";
import { filterWords, passes } from "./filters.js";

/** @typedef {{ words: string, passes: (row: number) => boolean, drop: () => void }} Claim */

/**
 * @typedef {object} StandingEvents
 * @property {() => void} unfind
 * @property {(slot: number) => void} isolate
 * @property {(coloring: import("./colorings.js").Coloring, wanted: null) => void} filter
 * @property {() => void} clear
 * @property {() => void} selectAll
 * @property {() => void} leave move the focus on, when the button that had it is gone
 */

/**
 * List what is asked of an item to stand out, apart from the selection.
 *
 * @param {import("./explorer.js").State} state
 * @param {StandingEvents} events
 * @returns {Claim[]}
 */
function claimsOf({ matches, matchName, isolated, paint, filters }, events) {
  const found = [];
  if (matches) {
    const rows = new Set(matches);
    found.push({ words: matchName, passes: (/** @type {number} */ row) => rows.has(row), drop: events.unfind });
  }
  if (isolated >= 0) {
    const { name } = paint.swatches[isolated];
    found.push({
      words: name.startsWith("no ") || !paint.name ? name : `${paint.name} is ${name}`,
      passes: (/** @type {number} */ row) => paint.slots[row] === isolated, drop: () => events.isolate(isolated),
    });
  }
  for (const [coloring, wanted] of filters) {
    found.push({
      words: filterWords(coloring, wanted),
      passes: (/** @type {number} */ row) => passes(coloring, wanted, row), drop: () => events.filter(coloring, null),
    });
  }
  return found;
}

/**
 * @param {import("./data.js").Data} data
 * @param {StandingEvents} events
 */
export function openStanding(data, events) {
  const element = h("div.standing", { role: "status", hidden: true });
  const pick = h("button.link", { type: "button", title: "Select all of these (a)", onclick: events.selectAll },
    "Select these");
  const clear = h("button.link", { type: "button", title: "Show all items", onclick: events.clear }, "Clear");

  /** @param {Claim} claim */
  const chip = ({ words, drop }) => h("span.chip", {}, h("span.clip", { title: words }, words),
    h("button.icon-button", { type: "button", title: "Remove", "aria-label": `Remove: ${words}`, onclick: drop }, icon("close")));

  return {
    element,
    /**
     * Mark the items that pass every search and filter, and say how many there are.
     *
     * @param {import("./explorer.js").State} state
     * @returns {Uint8Array | null} null when nothing is asked
     */
    show(state) {
      const claims = claimsOf(state, events);
      const left = element.contains(document.activeElement);
      element.hidden = !claims.length;
      if (left && !claims.length) events.leave();
      if (!claims.length) return null;
      const passed = Uint8Array.from({ length: data.n }, (_, row) => (
        claims.every((claim) => claim.passes(row)) ? 1 : 0
      ));
      const total = passed.reduce((sum, one) => sum + one, 0);
      const said = total ? `${count(total)} of ${count(data.n)} items` : `None of ${count(data.n)} items`;
      pick.hidden = !total;
      element.replaceChildren(h("b", {}, said), ...claims.map(chip), pick, clear);
      if (left && !element.contains(document.activeElement)) events.leave();
      return passed;
    },
  };
}

/**
 * Mark what stands out on the map: what passes and, if anything is selected, is selected.
 *
 * @param {Uint8Array | null} passed
 * @param {Int32Array} selection
 * @param {number} n
 */
export function standingOut(passed, selection, n) {
  if (!selection.length) return passed;
  const strong = new Uint8Array(n);
  for (const row of selection) strong[row] = passed ? passed[row] : 1;
  return strong;
}
