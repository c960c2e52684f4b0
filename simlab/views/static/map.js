// @ts-check
/** The map: all points below, the query with its neighbors and the lasso above. */

import { h, icon } from "./dom.js";
import { drawMarks, roomFor } from "./marks.js";
import { paintPoints, radiusOf, shuffled } from "./painter.js";
import { listenToPointer } from "./pointer.js";
import { fitAll, nearestPoint, pointsInside, toScreen, zoomAt } from "./viewport.js";

/**
 * @typedef {object} MapEvents
 * @property {(row: number) => void} pick
 * @property {(row: number, x: number, y: number) => void} hover
 * @property {(rows: number[], how: import("./pointer.js").LassoKind) => void} lasso
 */

/**
 * @param {import("./data.js").Data} data
 * @param {import("./thumbs.js").Thumbs} thumbs
 * @param {MapEvents} events
 * @param {AbortSignal} signal
 */
export function openMap(data, thumbs, events, signal) {
  const points = h("canvas.points", { "aria-hidden": "true" });
  const marks = h("canvas.marks", { "aria-hidden": "true" });
  const keys = "Arrow keys walk the neighbors, question mark shows all keys.";
  const label = `Map of ${data.n} items. ${keys}`;
  const surface = h("div.surface", { role: "application", tabindex: 0, "aria-label": label }, points, marks);
  const caption = h("div.caption");
  const progress = h("div.progress", { role: "status", hidden: true });
  /** @param {string} name @param {"plus" | "minus" | "fit"} picture @param {() => void} act */
  const button = (name, picture, act) => (
    h("button.icon-button", { type: "button", title: name, "aria-label": name, onclick: act }, icon(picture))
  );
  const zoomButtons = h(
    "div.zoom", {},
    button("Zoom in (+)", "plus", () => zoomBy(1.5)),
    button("Zoom out (−)", "minus", () => zoomBy(1 / 1.5)),
    button("Show all (0)", "fit", () => fit()),
  );
  const element = h("div.map", {}, surface, caption, progress, zoomButtons);

  const view = { width: 0, height: 0, scale: 1, left: 0, top: 0 };
  const order = shuffled(data.n);
  let fitted = 1; // the scale that shows everything; zoom is relative to it
  let xy = data.xy;
  /** @type {import("./explorer.js").State | null} */
  let state = null;
  /** @type {[number, number][]} */
  let line = [];
  let frame = 0;
  let stale = true;

  function fit() {
    fitAll(view, xy);
    fitted = view.scale;
    redraw();
  }

  /** @param {number} factor @param {number} [x] @param {number} [y] */
  function zoomBy(factor, x = view.width / 2, y = view.height / 2) {
    const zoom = (view.scale / fitted) * factor;
    if (zoom < 0.4 || zoom > 400) return;
    zoomAt(view, factor, x, y);
    redraw();
  }

  /** Draw at the next frame: everything, or only the marks above the points. */
  function redraw(all = true) {
    stale ||= all;
    frame ||= requestAnimationFrame(draw);
  }

  function draw() {
    frame = 0;
    if (!state || !view.width) return;
    if (stale) drawPoints(state);
    stale = false;
    paintMarks(state);
    const root = element.closest(".simlab-explorer");
    if (root instanceof HTMLElement) root.dataset.ready = "true";
  }

  const ratio = () => Math.min(window.devicePixelRatio || 1, 2);
  const radius = () => radiusOf((view.width * view.height) / data.n, view.scale / fitted);

  /** @param {import("./explorer.js").State} now */
  function drawPoints(now) {
    const brush = points.getContext("2d", { willReadFrequently: true });
    if (!brush) return;
    paintPoints(brush, {
      xy, view, ratio: ratio(), radius: radius(), paint: now.paint, strong: now.strong, order,
      opacity: now.query >= 0 && !now.paint.numeric ? 0.5 : 0.86, dark: now.dark,
      background: getComputedStyle(element).backgroundColor,
    });
  }

  /** @param {number} row */
  const at = (row) => toScreen(view, xy[2 * row], xy[2 * row + 1]);

  /** List the points in view as long as there is room for their pictures. */
  function pictured() {
    if (!thumbs.has) return [];
    const most = roomFor(view);
    const found = [];
    for (let row = 0; row < data.n; row += 1) {
      const [x, y] = at(row);
      if (x < -20 || y < -20 || x > view.width + 20 || y > view.height + 20) continue;
      if (found.push(row) > most) return [];
    }
    return found;
  }

  /** @param {import("./explorer.js").State} now */
  function paintMarks(now) {
    const brush = marks.getContext("2d");
    if (!brush) return;
    brush.setTransform(ratio(), 0, 0, ratio(), 0, 0);
    brush.clearRect(0, 0, view.width, view.height);
    const ground = getComputedStyle(element).backgroundColor;
    drawMarks(brush, { state: now, at, radius: radius(), ground, line, pictured: pictured(), thumbs });
  }

  listenToPointer(surface, {
    lassoing: () => state?.lassoing ?? false,
    move(x, y) {
      const row = nearestPoint(view, xy, x, y, Math.max(radius() + 4, 8));
      const [left, top] = row >= 0 ? at(row) : [0, 0];
      surface.classList.toggle("over-point", row >= 0);
      events.hover(row, left, top);
    },
    leave: () => events.hover(-1, 0, 0),
    click(x, y) {
      const row = nearestPoint(view, xy, x, y, Math.max(radius() + 4, 8));
      if (row >= 0) events.pick(row);
    },
    pan(across, along) {
      view.left += across;
      view.top += along;
      redraw();
    },
    zoom: zoomBy,
    draw(drawn) {
      line = drawn;
      redraw(false);
    },
    lasso(drawn, how) {
      line = [];
      events.lasso(pointsInside(view, xy, drawn), how);
      redraw(false);
    },
    home: fit,
  }, signal);

  const watcher = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = surface;
    if (!width || !height) return;
    const first = !view.width;
    view.left += (width - view.width) / 2;
    view.top += (height - view.height) / 2;
    [view.width, view.height] = [width, height];
    for (const canvas of [points, marks]) {
      canvas.width = Math.round(width * ratio());
      canvas.height = Math.round(height * ratio());
    }
    if (first || view.scale === fitted) fit();
    stale = true;
    draw();
  });
  watcher.observe(surface);
  signal.addEventListener("abort", () => {
    watcher.disconnect();
    cancelAnimationFrame(frame);
  });

  return {
    element, surface, caption, progress, fit, zoomBy, draw,
    /** @param {import("./explorer.js").State} next @param {boolean} all */
    show(next, all) {
      state = next;
      surface.classList.toggle("lassoing", next.lassoing);
      redraw(all);
    },
    /** Put the same items elsewhere, for instance when a better projection is ready. */
    place(/** @type {Float32Array} */ places) {
      xy = places;
      fit();
    },
    /** @param {number} row @returns {{ x: number, y: number }} the pixel of a point in the page */
    point(row) {
      const box = surface.getBoundingClientRect();
      const [x, y] = at(row);
      return { x: box.left + x, y: box.top + y };
    },
  };
}
