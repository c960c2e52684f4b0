// @ts-check
/** Filters: classes to keep of a coloring, or a range of its numbers. */

import { figure, rangeOf } from "./colorings.js";
import { count, h, icon } from "./dom.js";

/**
 * @typedef {Set<number> | [number, number]} Wanted classes, or the lowest and highest number
 * @typedef {Map<import("./colorings.js").Coloring, Wanted>} Filters
 */

/**
 * Tell whether an item passes a filter; an item without a value passes none.
 *
 * @param {import("./colorings.js").Coloring} coloring
 * @param {Wanted} wanted
 * @param {number} row
 */
export function passes({ codes, values }, wanted, row) {
  if (wanted instanceof Set) return wanted.has(codes[row]);
  return values !== null && values[row] >= wanted[0] && values[row] <= wanted[1];
}

/**
 * Say a filter in words.
 *
 * @param {import("./colorings.js").Coloring} coloring
 * @param {Wanted} wanted
 */
export function filterWords({ name, names }, wanted) {
  if (!(wanted instanceof Set)) {
    if (wanted[0] === -Infinity) return `${name} up to ${figure(wanted[1])}`;
    if (wanted[1] === Infinity) return `${name} from ${figure(wanted[0])}`;
    return `${name} from ${figure(wanted[0])} to ${figure(wanted[1])}`;
  }
  const kept = [...wanted].sort((a, b) => a - b).map((code) => names[code]);
  return `${name} is ${kept.slice(0, 3).join(" or ")}${kept.length > 3 ? ` or ${kept.length - 3} more` : ""}`;
}

/**
 * @param {import("./colorings.js").Coloring[]} colorings
 * @param {(coloring: import("./colorings.js").Coloring, wanted: Wanted | null) => void} filter
 */
export function openFilters(colorings, filter) {
  const options = colorings.map(({ name }, index) => h("option", { value: index }, name));
  const select = h("select", { "aria-label": "Column to filter by", onchange: () => offer() }, ...options);
  const body = h("div.values");
  const close = h("button.icon-button", { type: "button", "aria-label": "Close filters", onclick: () => toggle(false) },
    icon("close"));
  const sheet = h("div.sheet.filters", { role: "dialog", "aria-label": "Filters", hidden: true },
    h("div.sheet-head", {}, h("h3", {}, "Show only"), close), select, body);
  const button = h("button.plain", { type: "button", title: "Show only some items (f)", "aria-expanded": "false",
    onclick: () => toggle(sheet.hidden) }, icon("filter"), "Filter");
  /** @type {Filters} */
  let active = new Map();
  /** @type {Wanted | undefined} */
  let offered; // what the sheet shows, so that it is built anew only when others change it

  /** @param {import("./colorings.js").Coloring} coloring @param {Wanted | null} wanted */
  function ask(coloring, wanted) {
    offered = wanted ?? undefined;
    filter(coloring, wanted);
  }

  /** @param {boolean} open */
  function toggle(open) {
    sheet.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) offer();
    (open ? select : button).focus({ preventScroll: true });
  }

  function offer() {
    const coloring = colorings[Number(select.value)];
    offered = active.get(coloring);
    if (coloring) body.replaceChildren(...(coloring.values ? range(coloring) : classes(coloring)));
  }

  /** @param {import("./colorings.js").Coloring} coloring */
  function classes(coloring) {
    const { names, codes } = coloring;
    const counts = new Array(names.length).fill(0);
    for (const code of codes) if (code >= 0) counts[code] += 1;
    const wanted = active.get(coloring);
    const kept = wanted instanceof Set ? wanted : new Set();
    return names.map((name, code) => {
      const box = h("input", { type: "checkbox", checked: kept.has(code), onchange: () => {
        if (box.checked) kept.add(code); else kept.delete(code);
        ask(coloring, kept.size ? new Set(kept) : null);
      } });
      return h("label.value", {}, box, h("span.clip", {}, name), h("span.number", {}, count(counts[code])));
    });
  }

  /** @param {import("./colorings.js").Coloring} coloring */
  function range(coloring) {
    const all = coloring.values && rangeOf(coloring.values);
    if (!all) return [h("p.muted", {}, "No numbers yet: choose a point first.")];
    const wanted = active.get(coloring);
    const now = Array.isArray(wanted) ? wanted : [-Infinity, Infinity];
    /** @param {string} name @param {number} value @param {number} end */
    const box = (name, value, end) => h("input", {
      type: "number", step: "any", "aria-label": name, placeholder: figure(end),
      value: Number.isFinite(value) ? value : "", onchange: change,
    });
    const [from, to] = [box("From", now[0], all[0]), box("To", now[1], all[1])];
    const told = h("p.muted", { role: "alert" });
    function change() {
      const low = from.value === "" ? -Infinity : Number(from.value);
      const high = to.value === "" ? Infinity : Number(to.value);
      told.textContent = low > high ? "The first number must not be above the second." : "";
      if (low > high) return;
      ask(coloring, low === -Infinity && high === Infinity ? null : [low, high]);
    }
    return [h("div.range", {}, from, "to", to), told];
  }

  return {
    button, sheet, toggle,
    /** @param {Filters} now */
    show(now) {
      active = now;
      button.setAttribute("aria-pressed", String(now.size > 0));
      if (!sheet.hidden && now.get(colorings[Number(select.value)]) !== offered) offer();
    },
  };
}
