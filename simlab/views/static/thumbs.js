// @ts-check
/** Thumbnails cut from sprite sheets; the sheet and cell follow from the row of an item alone. */

import { bytesOf } from "./data.js";
import { h } from "./dom.js";

const CELLS = 1024; // of a full sheet; the last one has only the rows it needs

/**
 * @typedef {object} Thumbs
 * @property {boolean} has whether there are any
 * @property {(row: number, name?: string) => HTMLElement} of an element with the picture of an item
 * @property {Draw} draw the picture centered on a canvas; false while its sheet is being decoded
 * @property {() => void} close
 *
 * @typedef {(brush: CanvasRenderingContext2D, row: number, x: number, y: number, side: number) => boolean} Draw
 */

/**
 * Open the sheets one by one, when an item of theirs is first shown.
 *
 * @param {any} model
 * @param {() => void} decoded called when another sheet can be drawn
 * @returns {Thumbs}
 */
export function openThumbs(model, decoded) {
  /** @type {DataView[]} */
  const sheets = model.get("sprites");
  const columns = model.get("sprite_columns");
  const side = model.get("sprite_cell");
  const n = model.get("ids").length;
  /** @type {Map<number, string>} */
  const urls = new Map();
  /** @type {Map<number, HTMLImageElement>} */
  const images = new Map();

  /** @param {number} row */
  function placeOf(row) {
    const sheet = Math.floor(row / CELLS);
    const cell = row - sheet * CELLS;
    return { sheet, column: cell % columns, line: Math.floor(cell / columns) };
  }

  /** @param {number} sheet */
  function urlOf(sheet) {
    const opened = urls.get(sheet);
    if (opened) return opened;
    const url = URL.createObjectURL(new Blob([bytesOf(sheets[sheet])], { type: "image/webp" }));
    urls.set(sheet, url);
    return url;
  }

  /** @param {number} sheet */
  function imageOf(sheet) {
    const opened = images.get(sheet);
    if (opened) return opened;
    const image = new Image();
    image.addEventListener("load", decoded);
    image.src = urlOf(sheet);
    images.set(sheet, image);
    return image;
  }

  return {
    has: sheets.length > 0,
    of(row, name = "div.thumb") {
      const { sheet, column, line } = placeOf(row);
      const lines = Math.ceil(Math.min(CELLS, n - sheet * CELLS) / columns);
      const element = h(name, { "aria-hidden": "true" });
      element.style.backgroundImage = `url("${urlOf(sheet)}")`;
      element.style.backgroundSize = `${columns * 100}% ${lines * 100}%`;
      element.style.backgroundPosition = `${percent(column, columns)} ${percent(line, lines)}`;
      return element;
    },
    draw(brush, row, x, y, size) {
      const { sheet, column, line } = placeOf(row);
      const image = imageOf(sheet);
      if (!image.complete || !image.naturalWidth) return false;
      const [left, top] = [column * side, line * side];
      brush.drawImage(image, left, top, side, side, x - size / 2, y - size / 2, size, size);
      return true;
    },
    close() {
      for (const url of urls.values()) URL.revokeObjectURL(url);
      urls.clear();
      images.clear();
    },
  };
}

/** @param {number} at @param {number} of */
function percent(at, of) {
  return of > 1 ? `${(100 * at) / (of - 1)}%` : "0%";
}
