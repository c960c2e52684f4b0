// @ts-check
/** What lies under the pointer: picture, label, id, text, and class in the coloring in use. */

import { wordOf } from "./colorings.js";
import { labelOf } from "./data.js";
import { h } from "./dom.js";

/**
 * @param {import("./data.js").Data} data
 * @param {import("./thumbs.js").Thumbs} thumbs
 * @param {(row: number) => HTMLElement} dotOf
 */
export function openTooltip(data, thumbs, dotOf) {
  const element = h("div.tooltip", { hidden: true, "aria-hidden": "true" });
  return {
    element,
    /** @param {import("./explorer.js").State} state @param {number} x @param {number} y */
    show({ hover: row, query, coloring, facts }, x, y) {
      element.hidden = row < 0 || row === query; // the panel tells all about the query
      if (element.hidden) return;
      const text = data.texts.length ? data.texts[row] : "";
      const neighbor = facts?.neighbors.find((one) => one.row === row);
      const word = coloring && coloring.codes !== data.labels ? wordOf(coloring, row) : "";
      element.replaceChildren(
        ...(thumbs.has ? [thumbs.of(row)] : []),
        h("div.words", {},
          h("div.name", {}, data.labelNames.length > 0 && dotOf(row),
            h("span.clip", {}, data.labelNames.length ? labelOf(data, row) : data.ids[row])),
          data.labelNames.length > 0 && h("div.muted.clip", {}, data.ids[row]),
          text && h("div.text", {}, text),
          word && h("div.muted", {}, `${coloring?.name}: ${word}`),
          neighbor && h("div.muted", {}, `neighbor ${neighbor.rank}, similarity ${neighbor.similarity.toFixed(3)}`)),
      );
      const host = element.parentElement;
      if (!host) return;
      const { offsetWidth: width, offsetHeight: height } = element;
      const left = x + 16 + width > host.clientWidth ? x - width - 14 : x + 16;
      const top = Math.min(Math.max(y - height / 2, 6), host.clientHeight - height - 6);
      element.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
    },
  };
}
