// @ts-check
/** Build elements; text is always set as text and never parsed, so no item can inject markup. */

/**
 * Make an element: `h("button.card.right", { title: "…" }, child, "text")`.
 *
 * Properties starting with "on" are listeners, others are attributes; `false`, `null` and
 * `undefined` leave an attribute or a child out.
 *
 * @param {string} name
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | false | null | undefined)} children
 * @returns {any}
 */
export function h(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children) if (child || child === "") element.append(child);
  return element;
}

const ICONS = {
  axes: "M3 2.5v10.5h10.5M6 9l2.5-3 2 1.5 2.5-3.5",
  back: "M10 3 5 8l5 5",
  close: "m4 4 8 8m0-8-8 8",
  filter: "M2.5 3.5h11L9.5 8.5v4l-3 1v-5z",
  fit: "M3 6V3h3m4 0h3v3m0 4v3h-3m-4 0H3v-3",
  lasso: "M4.2 10.2C2.8 9.3 2 8.1 2 6.7 2 4.1 4.7 2 8 2s6 2.1 6 4.7-2.7 4.7-6 4.7"
    + "c-1 0-1.9-.2-2.7-.5M4.2 10.2a1.3 1.3 0 1 0 1.1 1.9c.3.9-.2 1.9-1.3 2",
  minus: "M3.5 8h9",
  plus: "M3.5 8h9M8 3.5v9",
  star: "m8 2 1.8 3.8 4.2.5-3.1 2.9.8 4.1L8 11.3l-3.7 2 .8-4.1L2 6.3l4.2-.5z",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Zm3.3-1.2L14 14",
};

/**
 * Draw one of a few line icons in the color of the text around it.
 *
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Write a count with thin separators: 12,345.
 *
 * @param {number} value
 */
export function count(value) {
  return value.toLocaleString("en-US");
}

/**
 * Say how many of something: "1 item", "1,200 items".
 *
 * @param {number} value
 * @param {string} noun
 */
export function plural(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
