// @ts-check
/** The page of keys and gestures. */

import { h, icon } from "./dom.js";

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
  ["l   f   c", "lasso on or off; filter; choose the color"],
  ["a", "select all items that are found"],
  ["b", "bookmark the query, or take it off"],
  ["m", "choose the map or axes of your own"],
  ["Esc", "clear, one step at a time"],
];

export function openHelp() {
  const close = h("button.icon-button", { type: "button", "aria-label": "Close help", onclick: () => toggle(false) },
    icon("close"));
  const sheet = h(
    "div.sheet.help", { role: "dialog", "aria-label": "Keys and gestures", hidden: true },
    h("div.sheet-head", {}, h("h3", {}, "Keys and gestures"), close),
    h("dl", {}, ...KEYS.flatMap(([keys, act]) => [h("dt", {}, keys), h("dd", {}, act)])),
    h("p.muted", {}, "The map is a flat sketch; neighbors and similarities come from the original space."),
  );
  const button = h("button.plain.ask", { type: "button", title: "Keys and gestures (?)", "aria-label": "Help",
    onclick: () => toggle(sheet.hidden) }, "?");

  /** @param {boolean} open */
  function toggle(open) {
    sheet.hidden = !open;
    (open ? close : button).focus({ preventScroll: true });
  }

  return { button, sheet, toggle };
}
