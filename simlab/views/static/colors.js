// @ts-check
/** One palette for every view: Okabe-Ito first, then Tol; readable on light and on dark. */

/**
 * @typedef {"disc" | "diamond"} Shape
 * @typedef {{ name: string, count: number, light: string, dark: string, shape: Shape }} Swatch
 * @typedef {{ name: string, kind?: string, swatches: Swatch[], slots: Uint8Array }} Paint
 */

/** Light and dark form of each class color; eight by Okabe and Ito (2008), four by Tol (2021). */
export const CLASS_COLORS = [
  ["#0072b2", "#3a9ad9"], ["#e69f00", "#e69f00"], ["#009e73", "#1bb88b"], ["#d55e00", "#f0762b"],
  ["#56b4e9", "#8fd0f5"], ["#cc79a7", "#d98cb6"], ["#e3d52b", "#f0e442"], ["#2b2b2b", "#e8e8e8"],
  ["#332288", "#8a80e0"], ["#999933", "#b5b544"], ["#882255", "#c4588c"], ["#44aa99", "#59c9b6"],
];
const SHARE_COLORS = [
  ["#d55e00", "#f0762b"], ["#e8a36a", "#c98a5c"], ["#b5b9bf", "#7b828b"], ["#6fb1d8", "#5b93b5"],
  ["#0072b2", "#4fb0ee"],
];
const REST = ["#aab0b8", "#6a727c"];

/** Colors of outcomes, the same in lines, borders and words. */
export const OUTCOME_COLORS = {
  same: ["#0072b2", "#4fb0ee"],
  other: ["#d55e00", "#ff8a3d"],
  unknown: ["#7b848f", "#98a2ad"],
};

/**
 * Choose the coloring to start with: labels, or right and wrong where labels are too many to tell.
 *
 * @param {import("./data.js").Data} data
 */
export function startColoring(data) {
  if (data.labelNames.length <= CLASS_COLORS.length) return 0;
  return Math.max(0, data.colorings.findIndex(({ kind }) => kind === "outcome"));
}

/**
 * Give each class a color; of more than twelve classes, the twelve largest.
 *
 * @param {import("./data.js").Coloring | null} coloring
 * @param {number} n
 * @returns {Paint}
 */
export function paintOf(coloring, n) {
  if (!coloring) {
    const [light, dark] = CLASS_COLORS[0];
    const only = { name: "all items", count: n, light, dark, shape: /** @type {Shape} */ ("disc") };
    return { name: "", swatches: [only], slots: new Uint8Array(n) };
  }
  const { names, codes, kind } = coloring;
  const counts = new Array(names.length).fill(0);
  let unnamed = 0;
  for (const code of codes) if (code >= 0) counts[code] += 1; else unnamed += 1;
  const shown = largest(counts, CLASS_COLORS.length);
  /** @type {Swatch[]} */
  const swatches = shown.map((code, at) => {
    const [light, dark] = kind === "outcome"
      ? OUTCOME_COLORS[code === 0 ? "same" : "other"]
      : (kind === "share" ? SHARE_COLORS[code] : CLASS_COLORS[at]);
    const shape = kind === "outcome" && code === 1 ? "diamond" : "disc";
    return { name: names[code], count: counts[code], light, dark, shape };
  });
  const slotOf = new Map(shown.map((code, at) => [code, at]));
  const others = codes.length - unnamed - swatches.reduce((sum, { count }) => sum + count, 0);
  const rest = { light: REST[0], dark: REST[1], shape: /** @type {Shape} */ ("disc") };
  if (others) {
    for (let code = 0; code < counts.length; code += 1) {
      if (!slotOf.has(code)) slotOf.set(code, swatches.length);
    }
    const name = `${names.length - shown.length} other classes`;
    swatches.push({ name, count: others, ...rest });
  }
  if (unnamed) {
    slotOf.set(-1, swatches.length);
    const name = kind ? "unknown" : `no ${coloring.name}`;
    swatches.push({ name, count: unnamed, ...rest });
  }
  const slots = Uint8Array.from(codes, (code) => slotOf.get(code) ?? 0);
  return { name: coloring.name, kind, swatches, slots };
}

/**
 * Choose the largest classes, but list them in their own order so that colors stay put.
 *
 * @param {number[]} counts
 * @param {number} most
 */
function largest(counts, most) {
  const codes = counts.map((_, code) => code);
  if (codes.length <= most) return codes;
  return codes.sort((a, b) => counts[b] - counts[a] || a - b).slice(0, most).sort((a, b) => a - b);
}

/**
 * Tell whether the page around an element is dark: by JupyterLab's or VS Code's own colors, else
 * by the preference of the system. Print is always light.
 */
export function isDark() {
  if (matchMedia("print").matches) return false;
  const style = getComputedStyle(document.body);
  for (const name of ["--jp-layout-color1", "--vscode-editor-background"]) {
    const value = style.getPropertyValue(name).trim();
    if (value) return luminance(value) < 0.5;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** @type {Map<string, number[]>} */
const known = new Map();

/**
 * Read any color that CSS understands, by painting one pixel with it.
 *
 * @param {string} color
 * @returns {number[]} red, green and blue from 0 to 255
 */
export function rgb(color) {
  const found = known.get(color);
  if (found) return found;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  if (!brush) return [255, 255, 255];
  brush.fillStyle = color;
  brush.fillRect(0, 0, 1, 1);
  const parts = [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
  known.set(color, parts);
  return parts;
}

/** @param {string} color */
function luminance(color) {
  const [red, green, blue] = rgb(color);
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}
