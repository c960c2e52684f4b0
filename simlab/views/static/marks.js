// @ts-check
/** Draw what stands above the points: pictures, the query with its neighbors, the lasso. */

import { OUTCOME_COLORS } from "./colors.js";

const SIDE = 34; // of a picture on the map, in pixels

/**
 * @typedef {object} Scene
 * @property {import("./explorer.js").State} state
 * @property {(row: number) => [number, number]} at the place of a point
 * @property {number} radius of a point
 * @property {string} ground the color of the map
 * @property {[number, number][]} line of the lasso
 * @property {number[]} pictured rows that are shown as pictures
 * @property {import("./thumbs.js").Thumbs} thumbs
 */

/**
 * Say how many pictures fit on a map without hiding it.
 *
 * @param {import("./viewport.js").Viewport} view
 */
export function roomFor(view) {
  return Math.floor((0.42 * view.width * view.height) / SIDE ** 2);
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {Scene} scene
 */
export function drawMarks(brush, scene) {
  const { state, at, radius, line } = scene;
  const scheme = state.dark ? 1 : 0;
  const strongInk = state.dark ? "#ffffff" : "#1c2126";
  const neighbors = state.facts?.neighbors ?? [];
  /** @param {number} row */
  const pointed = (row) => row === state.hover || row === state.pointed;

  for (const row of scene.pictured) {
    const swatch = state.paint.swatches[state.paint.slots[row]];
    brush.globalAlpha = state.strong && !state.strong[row] ? 0.25 : 1;
    mark(brush, scene, row, 0, scheme ? swatch.dark : swatch.light, []);
  }
  brush.globalAlpha = 1;
  const matches = state.matches && state.matches.length <= 60 ? state.matches : [];
  for (const row of matches) mark(brush, scene, row, radius, strongInk, []);
  for (const { row, outcome } of neighbors) {
    brush.setLineDash(outcome === "other" ? [4, 3] : []);
    brush.strokeStyle = OUTCOME_COLORS[outcome][scheme];
    brush.globalAlpha = pointed(row) ? 1 : 0.62;
    brush.lineWidth = pointed(row) ? 2.4 : 1.2;
    brush.beginPath();
    brush.moveTo(...at(state.query));
    brush.lineTo(...at(row));
    brush.stroke();
  }
  brush.globalAlpha = 1;
  for (const { row, outcome } of [...neighbors].reverse()) {
    const ring = OUTCOME_COLORS[outcome][scheme];
    mark(brush, scene, row, radius + (pointed(row) ? 2.6 : 0.6), ring, outcome === "other" ? [3, 2] : []);
  }
  if (state.hover >= 0) mark(brush, scene, state.hover, radius + 1.6, strongInk, []);
  if (state.query >= 0) markQuery(brush, scene, strongInk);
  if (line.length > 1) drawLasso(brush, line, OUTCOME_COLORS.same[scheme]);
}

/**
 * Draw one item large, as its picture or in its color, with a ring around it.
 *
 * @param {CanvasRenderingContext2D} brush
 * @param {Scene} scene
 * @param {number} row
 * @param {number} size at least this radius, for items without a picture
 * @param {string} ring
 * @param {number[]} dash
 */
function mark(brush, { state, at, ground, pictured, thumbs }, row, size, ring, dash) {
  const [x, y] = at(row);
  brush.setLineDash(dash);
  brush.strokeStyle = ring;
  brush.lineWidth = 1.8;
  if (pictured.length && thumbs.draw(brush, row, x, y, SIDE)) {
    brush.beginPath();
    brush.roundRect(x - SIDE / 2 - 1, y - SIDE / 2 - 1, SIDE + 2, SIDE + 2, 4);
    brush.stroke();
    return;
  }
  const swatch = state.paint.swatches[state.paint.slots[row]];
  const radius = Math.max(size, 3);
  disc(brush, x, y, radius + 2.6, ground);
  disc(brush, x, y, radius, state.dark ? swatch.dark : swatch.light);
  circle(brush, x, y, radius + 2.4);
  brush.stroke();
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {Scene} scene
 * @param {string} ink
 */
function markQuery(brush, scene, ink) {
  const { state, at, radius, ground, pictured } = scene;
  const [x, y] = at(state.query);
  if (!pictured.length) {
    disc(brush, x, y, Math.max(radius, 3) + 8, ink);
    disc(brush, x, y, Math.max(radius, 3) + 5.5, ground);
    mark(brush, scene, state.query, radius + 1.5, ground, []);
    return;
  }
  mark(brush, scene, state.query, radius, ground, []);
  brush.strokeStyle = ink;
  brush.lineWidth = 2.6;
  brush.beginPath();
  brush.roundRect(x - SIDE / 2 - 3.5, y - SIDE / 2 - 3.5, SIDE + 7, SIDE + 7, 6);
  brush.stroke();
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {[number, number][]} line
 * @param {string} color in the form #rrggbb
 */
function drawLasso(brush, line, color) {
  brush.setLineDash([]);
  brush.strokeStyle = color;
  brush.fillStyle = `${color}1f`;
  brush.lineWidth = 1.5;
  brush.beginPath();
  for (const [x, y] of line) brush.lineTo(x, y);
  brush.closePath();
  brush.fill();
  brush.stroke();
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
function circle(brush, x, y, size) {
  brush.beginPath();
  brush.arc(x, y, size, 0, 2 * Math.PI);
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {number} x
 * @param {number} y
 * @param {number} size
 * @param {string} color
 */
function disc(brush, x, y, size, color) {
  circle(brush, x, y, size);
  brush.fillStyle = color;
  brush.fill();
}
