// @ts-check
/** What the colors mean: one button for each class, or a scale from low to high. */

import { figure } from "./colorings.js";
import { count, h, plural } from "./dom.js";
import { gradient } from "./scale.js";

/** @param {import("./colors.js").Swatch} swatch @param {boolean} dark */
export function dot(swatch, dark) {
  const element = h(`i.dot.${swatch.shape}`, { "aria-hidden": "true" });
  element.style.background = dark ? swatch.dark : swatch.light;
  return element;
}

/**
 * @param {import("./sketch.js").Sketch} sketch
 * @param {(slot: number) => void} isolate
 */
export function openLegend(sketch, isolate) {
  const element = h("div.legend", { role: "group", "aria-label": "Legend" });

  /** @param {import("./explorer.js").State} state @param {number} slot */
  function entry({ paint, isolated, dark }, slot) {
    const swatch = paint.swatches[slot];
    return h(
      "button.entry", {
        type: "button", "aria-pressed": String(isolated === slot),
        title: `${plural(swatch.count, "item")}; click to show only these`,
        onclick: () => isolate(slot),
      },
      dot(swatch, dark), h("span.clip", {}, swatch.name), h("span.number", {}, count(swatch.count)),
    );
  }

  /** @param {import("./explorer.js").State} state */
  function scale(state) {
    const { paint, dark } = state;
    if (!paint.range) {
      const lead = paint.kind === "similarity" ? "Choose a point: colors show how near all others are to it." : "No numbers here.";
      return [h("span.muted.lead", {}, lead)];
    }
    const [low, high, below, above] = paint.range;
    const [from, to] = [`${below ? "≤ " : ""}${figure(low)}`, `${above ? "≥ " : ""}${figure(high)}`];
    const bar = h("i.bar", { "aria-hidden": "true" });
    bar.style.background = gradient(dark);
    const last = paint.swatches.length - 1;
    return [
      h("span.scale", { role: "img", "aria-label": `${paint.name}, from ${from} to ${to}` },
        h("span.number", {}, from), bar, h("span.number", {}, to)),
      h("span.muted.clip", {}, paint.name),
      paint.kind === "similarity" && sketch.error >= 0.005
        && h("span.muted", { title: "Neighbors are exact; other similarities come from a sketch of the vectors." },
          `(others than neighbors ± ${sketch.error.toFixed(2)})`),
      paint.swatches[last].count > 0 && entry(state, last),
    ].filter(Boolean);
  }

  return {
    element,
    /** @param {import("./explorer.js").State} state */
    show(state) {
      const { paint } = state;
      element.replaceChildren(...(paint.numeric ? scale(state) : paint.swatches.map((_, slot) => entry(state, slot))));
      element.hidden = paint.swatches.length < 2 && !paint.name;
    },
  };
}
