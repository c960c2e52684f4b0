// @ts-check
/** Two strips: the selection with its classes, and the hardest queries to start from. */

import { hardest, labelOf } from "./data.js";
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

/**
 * @param {import("./data.js").Data} data
 * @param {import("./thumbs.js").Thumbs} thumbs
 * @param {(row: number) => void} go
 * @param {(row: number) => HTMLElement} dotOf
 */
export function openHardest(data, thumbs, go, dotOf) {
  const found = hardest(data, 30);
  const list = h("div.row", {}, ...found.map(({ row, same, known }) => {
    const label = labelOf(data, row);
    const text = data.texts.length ? data.texts[row] : data.ids[row];
    return h(
      "button.hard", {
        type: "button", "data-row": row, onclick: () => go(row),
        title: [label, text].filter(Boolean).join("\n"),
        "aria-label": `${label}: ${same} of ${known} neighbors share its label`,
      },
      thumbs.has && thumbs.of(row),
      h("span.words", {},
        h("span.name", {}, dotOf(row), h("span.clip", {}, label)),
        !thumbs.has && h("span.text.clip", {}, text),
        h("span.number", {}, `${same} of ${known}`)),
    );
  }));
  const lead = found.length
    ? "most of their neighbors have another label"
    : "none: most neighbors of every item share its label";
  const element = h(
    "div.hardest", { role: "region", "aria-label": "Hardest queries", hidden: !data.labelNames.length || !data.k },
    h("div.strip-head", {}, h("h3", {}, "Hardest queries"), h("span.muted", {}, lead)), list,
  );
  return {
    element,
    first: found[0]?.row ?? 0,
    /** @param {number} query */
    show(query) {
      for (const one of list.children) one.classList.toggle("current", Number(one.dataset.row) === query);
    },
  };
}
