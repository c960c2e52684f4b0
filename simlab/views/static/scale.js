// @ts-check
/** Colors of numbers: a scale that rises in contrast, told apart without red and green. */

import { bulkOf } from "./colorings.js";
import { paintOf } from "./colors.js";

/** From low to high, on light and on dark ground: lightness falls on one and rises on the other. */
const STOPS = [
  ["#d3c35a", "#7dbb78", "#2f9aa8", "#2c62a6", "#26195f"],
  ["#41458f", "#2e72b0", "#33a3a6", "#8ecb7c", "#f6e765"],
];
const STEPS = 48;
const NO_NUMBER = ["#b9bec5", "#5b626b"];

/** @param {string} color in the form #rrggbb */
function parts(color) {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}

/**
 * @param {number} share from 0, low, to 1, high
 * @param {boolean} dark
 */
function inkOf(share, dark) {
  const stops = STOPS[dark ? 1 : 0];
  const at = Math.min(share * (stops.length - 1), stops.length - 1.001);
  const [from, to] = [parts(stops[Math.floor(at)]), parts(stops[Math.floor(at) + 1])];
  const mixed = from.map((part, one) => Math.round(part + (to[one] - part) * (at % 1)));
  return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Color items by numbers where there are numbers, else by classes.
 *
 * @param {import("./colorings.js").Coloring | null} coloring
 * @param {number} n
 * @returns {import("./colors.js").Paint}
 */
export function paintBy(coloring, n) {
  if (!coloring?.values) return paintOf(coloring, n);
  const { name, kind, values } = coloring;
  const range = bulkOf(values);
  /** @type {import("./colors.js").Swatch[]} */
  const swatches = Array.from({ length: STEPS }, (_, step) => ({
    name: "", count: 0, light: inkOf(step / (STEPS - 1), false), dark: inkOf(step / (STEPS - 1), true), shape: "disc",
  }));
  swatches.push({ name: `no ${name}`, count: 0, light: NO_NUMBER[0], dark: NO_NUMBER[1], shape: "disc" });
  const [low, high] = range ?? [0, 1];
  const slots = Uint8Array.from(values, (value) => (
    Number.isNaN(value) ? STEPS
      : Math.round(Math.min(1, Math.max(0, (value - low) / (high - low || 1))) * (STEPS - 1))
  ));
  for (const slot of slots) swatches[slot].count += 1;
  return { name, kind, swatches, slots, numeric: true, range };
}

/**
 * The scale as a background for a legend.
 *
 * @param {boolean} dark
 */
export function gradient(dark) {
  return `linear-gradient(to right, ${STOPS[dark ? 1 : 0].join(", ")})`;
}
