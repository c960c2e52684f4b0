// @ts-check
/** Curves of several runs over their epochs, as SVG: colors and dashes tell them apart. */

/**
 * @typedef {object} Series
 * @property {[number, number][]} points epoch and value
 * @property {string} color
 * @property {string} dash
 * @property {number | null} best epoch to mark
 * @property {boolean} faint
 */

const WIDTH = 460, HEIGHT = 210, LEFT = 46, RIGHT = 12, TOP = 10, BOTTOM = 30;

/**
 * Make an SVG element.
 *
 * @param {string} name
 * @param {Record<string, string | number>} props
 * @param {...(Node | string)} children
 */
export function svg(name, props, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(props)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/**
 * Open a chart; `show` draws it anew.
 *
 * @param {string} name
 * @param {(epoch: number | null) => void} hover hears which epoch is under the pointer
 */
export function openChart(name, hover) {
  const element = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  let last = 1;
  element.addEventListener("pointermove", (event) => {
    const box = element.getBoundingClientRect();
    const across = ((/** @type {PointerEvent} */ (event).clientX - box.left) / box.width) * WIDTH;
    const epoch = Math.round(((across - LEFT) / (WIDTH - LEFT - RIGHT)) * last);
    hover(Math.min(Math.max(epoch, 0), last));
  });
  element.addEventListener("pointerleave", () => hover(null));

  return {
    element,
    /**
     * @param {Series[]} series
     * @param {{ epochs: number, at: number | null, ground: string }} frame
     */
    show(series, { epochs, at, ground }) {
      const values = series.flatMap(({ points }) => points.map(([, value]) => value));
      last = Math.max(epochs, 1);
      const [low, high] = range(values);
      const x = (/** @type {number} */ epoch) => LEFT + (WIDTH - LEFT - RIGHT) * (epoch / last);
      const y = (/** @type {number} */ value) => (
        TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low))
      );
      const rows = values.length ? ticks(low, high, 4) : [];
      element.setAttribute("aria-label", `${name}, ${series.length} of them`);
      element.replaceChildren(
        ...rows.map((value) => svg("line", {
          class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value),
        })),
        ...rows.map((value) => svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, short(value))),
        svg("text", { x: LEFT - 8, y: HEIGHT - 10, "text-anchor": "end" }, "epoch"),
        ...ticks(0, last, 6).filter(Number.isInteger).map((epoch) => (
          svg("text", { x: x(epoch), y: HEIGHT - 10, "text-anchor": "middle" }, String(epoch))
        )),
        ...(at === null ? [] : [svg("line", { class: "at", x1: x(at), x2: x(at), y1: TOP, y2: HEIGHT - BOTTOM })]),
        ...series.map(({ points, color, dash, faint }) => svg("polyline", {
          points: points.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
          stroke: color, "stroke-dasharray": dash, opacity: faint ? 0.75 : 1, "stroke-width": faint ? 1.6 : 2.2,
        })),
        ...series.flatMap(({ points, color, best }) => points
          .filter(([epoch]) => epoch === best)
          .map(([epoch, value]) => svg("circle", {
            cx: x(epoch), cy: y(value), r: 4.5, fill: color, stroke: ground, "stroke-width": 1.5,
          }))),
      );
    },
  };
}

/** @param {number[]} values @returns {[number, number]} a little more than they span */
function range(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(high > low)) return Number.isFinite(low) ? [low - 0.5, low + 0.5] : [0, 1];
  const more = 0.04 * (high - low);
  return [low - more, high + more];
}

/**
 * Choose round numbers.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} most
 */
function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (/** @type {number} */ ([1, 2, 5, 10].find((factor) => factor * power >= rough)));
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high; at += 1) found.push(Number((at * step).toPrecision(10)));
  return found;
}

/** @param {number} value */
export function short(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}
