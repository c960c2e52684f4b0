// @ts-check
/** Which map: one that came along, or two axes of one's own, each from one thing to another. */

import { h, icon } from "./dom.js";

/**
 * @typedef {object} Layout
 * @property {string} name
 * @property {Float32Array} xy
 * @property {boolean} [isFormula] whether its axes mean something by themselves
 */

const NOTHING = "";
const QUERY = "query";

/**
 * An axis is a formula, "this minus that": the similarity to one direction less that to another.
 *
 * @param {import("./data.js").Data} data
 * @param {import("./sketch.js").Sketch} sketch
 * @param {object} events
 * @param {() => Layout[]} events.layouts that came along
 * @param {() => number} events.query
 * @param {(layout: Layout) => void} events.place
 */
export function openAxes(data, sketch, events) {
  const close = h("button.icon-button", { type: "button", "aria-label": "Close maps", onclick: () => toggle(false) },
    icon("close"));
  const choice = h("div.choice", { role: "group", "aria-label": "Map" });
  const told = h("p.muted", { role: "status" });
  const across = axis("Right", 0);
  const along = axis("Up", 1);
  const apply = h("button.plain", { type: "button", onclick: () => formula() }, "Draw these axes");
  const canFormula = sketch.has && data.labelNames.length > 1;
  const sheet = h("div.sheet.axes", { role: "dialog", "aria-label": "Maps", hidden: true },
    h("div.sheet-head", {}, h("h3", {}, "Map"), close), choice,
    canFormula && h("div.formula", {}, h("h3", {}, "Axes of your own"),
      h("p.muted", {}, "Each axis is one thing minus another: similarity to the first, less that to the second."),
      across.element, along.element, apply, told));
  const button = h("button.plain", { type: "button", title: "Choose the map, or axes of your own (m)",
    "aria-expanded": "false", onclick: () => toggle(sheet.hidden) }, icon("axes"), "Map");
  /** @type {Layout | null} */
  let chosen = null;

  /** @param {string} name @param {number} at */
  function axis(name, at) {
    /** @param {string} said @param {string} value */
    const select = (said, value) => {
      const element = h("select", { "aria-label": `${name}: ${said}` },
        h("option", { value: NOTHING }, "nothing"), h("option", { value: QUERY }, "the query"),
        ...data.labelNames.map((label, code) => h("option", { value: String(code) }, label)));
      element.value = value;
      return element;
    };
    const names = data.labelNames.length;
    const more = select("more like", names > 2 * at ? String(2 * at) : NOTHING);
    const less = select("less like", names > 2 * at + 1 ? String(2 * at + 1) : NOTHING);
    return { more, less, element: h("label.axis", {}, h("span.muted", {}, name), more, "−", less) };
  }

  /** @param {string} value */
  const pointOf = (value) => (
    value === QUERY ? sketch.pointOf(events.query()) : sketch.centerOf(Number(value))
  );

  /** @param {{ more: HTMLSelectElement, less: HTMLSelectElement }} one */
  function placesOn({ more, less }) {
    const sum = new Float32Array(data.n);
    for (const [value, sign] of /** @type {[string, number][]} */ ([[more.value, 1], [less.value, -1]])) {
      if (value === NOTHING) continue;
      for (const [row, near] of sketch.near(pointOf(value)).entries()) sum[row] += sign * near;
    }
    return sum;
  }

  /** @param {{ more: HTMLSelectElement, less: HTMLSelectElement }} one */
  function wordsOf({ more, less }) {
    const [a, b] = [more, less].map((select) => select.selectedOptions[0].textContent);
    if (more.value === NOTHING && less.value === NOTHING) return "nothing";
    return less.value === NOTHING ? `${a}` : more.value === NOTHING ? `− ${b}` : `${a} − ${b}`;
  }

  function formula() {
    const used = [across.more, across.less, along.more, along.less].map(({ value }) => value);
    if (used.includes(QUERY) && events.query() < 0) {
      told.textContent = "Choose a point first: an axis uses the query.";
      return;
    }
    const empty = [across, along].every(({ more, less }) => more.value === less.value);
    told.textContent = empty ? "Choose two different things for at least one axis." : "";
    if (empty) return;
    const [right, up] = [placesOn(across), placesOn(along)];
    const xy = Float32Array.from({ length: 2 * data.n }, (_, at) => (at % 2 ? up : right)[at >> 1]);
    pick({ name: `right: ${wordsOf(across)}; up: ${wordsOf(along)}`, xy, isFormula: true });
  }

  /** @param {Layout} layout */
  function pick(layout) {
    chosen = layout;
    events.place(layout);
    offer();
  }

  function offer() {
    choice.replaceChildren(...events.layouts().map((layout) => h(
      "button.plain", { type: "button", "aria-pressed": String(layout.name === chosen?.name), onclick: () => pick(layout) },
      layout.name,
    )));
  }

  /** @param {boolean} open */
  function toggle(open) {
    sheet.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) offer();
    (open ? close : button).focus({ preventScroll: true });
  }

  return { button, sheet, toggle, pick, isFormula: () => Boolean(chosen?.isFormula) };
}
