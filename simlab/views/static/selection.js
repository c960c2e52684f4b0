// @ts-check
/** The strip that tells what is selected, class by class. */

import { labelOf } from "./data.js";
import { count, h, icon } from "./dom.js";

/**
 * @param {import("./data.js").Data} data
 * @param {() => void} clear
 * @param {(row: number) => HTMLElement} dotOf
 */
export function openSelectionStrip(data, clear, dotOf) {
  const words = h("span.clip");
  const element = h(
    "div.selection", { hidden: true, role: "status" }, words,
    h("button.icon-button", { type: "button", title: "Clear the selection (Esc)",
      "aria-label": "Clear the selection", onclick: clear }, icon("close")),
  );
  return {
    element,
    /** @param {import("./explorer.js").State} state */
    show({ selection }) {
      element.hidden = !selection.length;
      /** @type {Map<string, number[]>} */
      const classes = new Map();
      for (const row of selection) {
        const label = labelOf(data, row);
        const rows = classes.get(label);
        if (rows) rows.push(row);
        else classes.set(label, [row]);
      }
      const listed = [...classes].sort((a, b) => b[1].length - a[1].length);
      const shown = data.labelNames.length ? listed.slice(0, 3) : [];
      const more = listed.length - shown.length;
      words.replaceChildren(
        h("b", {}, `${count(selection.length)} selected`),
        ...shown.map(([label, rows]) => (
          h("span.class", {}, dotOf(rows[0]), `${label} `, h("span.number", {}, count(rows.length)))
        )),
        shown.length && more > 0 ? h("span.muted", {}, `and ${count(more)} more`) : "",
      );
    },
  };
}
