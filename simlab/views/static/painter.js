// @ts-check
/** Paint all points by writing pixels: faster than WebGL without a GPU, and it always prints. */

import { rgb } from "./colors.js";
import { toScreen } from "./viewport.js";

/** @typedef {{ size: number, fill: Float32Array, edge: Float32Array }} Stamp */

/**
 * Choose how large a point is drawn, in pixels: smaller in a crowd, larger when zoomed in.
 *
 * @param {number} area of the map, in square pixels for each point
 * @param {number} zoom 1 when all points are in view
 */
export function radiusOf(area, zoom) {
  const base = Math.min(Math.max(0.3 * Math.sqrt(area), 1.2), 4.8);
  return Math.min(base * Math.max(zoom, 0.6) ** 0.35, 9);
}

/**
 * Cut the mask of one point: how much each pixel is covered by the shape and by its thin edge.
 *
 * @param {import("./colors.js").Shape} shape
 * @param {number} radius in device pixels
 * @returns {Stamp}
 */
export function cutStamp(shape, radius) {
  const edge = Math.min(1, radius * 0.25);
  const reach = Math.ceil(radius + 0.5);
  const size = 2 * reach + 1;
  const stamp = {
    size, fill: new Float32Array(size * size), edge: new Float32Array(size * size),
  };
  for (let at = 0; at < size * size; at += 1) {
    const x = (at % size) - reach;
    const y = Math.floor(at / size) - reach;
    const away = shape === "disc" ? Math.hypot(x, y) : (Math.abs(x) + Math.abs(y)) * 0.8;
    const cover = clamp(radius + 0.5 - away);
    stamp.fill[at] = cover;
    stamp.edge[at] = cover - clamp(radius - edge + 0.5 - away);
  }
  return stamp;
}

/** @param {number} value */
function clamp(value) {
  return Math.min(1, Math.max(0, value));
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {object} scene
 * @param {Float32Array} scene.xy
 * @param {import("./viewport.js").Viewport} scene.view
 * @param {number} scene.ratio device pixels per pixel
 * @param {number} scene.radius in pixels
 * @param {import("./colors.js").Paint} scene.paint
 * @param {Uint8Array | null} scene.strong 1 for points that stand out; null when all do
 * @param {number} scene.opacity of points that stand out
 * @param {string} scene.background
 * @param {boolean} scene.dark
 * @param {Uint32Array} scene.order so that no class always lies on top
 */
export function paintPoints(brush, scene) {
  const { xy, view, ratio, paint, strong, order } = scene;
  const width = brush.canvas.width;
  const height = brush.canvas.height;
  if (!width || !height) return;
  const ground = rgb(scene.background);
  brush.fillStyle = scene.background;
  brush.fillRect(0, 0, width, height);
  const image = brush.getImageData(0, 0, width, height);
  const pixels = image.data;
  const inks = paint.swatches.map((swatch) => {
    const color = rgb(scene.dark ? swatch.dark : swatch.light);
    const border = color.map((part, at) => part * 0.72 + ground[at] * (scene.dark ? 0.28 : 0));
    return { color, border, stamp: cutStamp(swatch.shape, scene.radius * ratio) };
  });
  for (const pass of strong ? [0, 1] : [1]) {
    const opacity = pass ? scene.opacity : scene.opacity * 0.16;
    for (const row of order) {
      if (strong && strong[row] !== pass) continue;
      const [x, y] = toScreen(view, xy[2 * row], xy[2 * row + 1]);
      const { color, border, stamp } = inks[paint.slots[row]];
      const { size, fill, edge } = stamp;
      const left = Math.round(x * ratio) - (size >> 1);
      const top = Math.round(y * ratio) - (size >> 1);
      if (left <= -size || top <= -size || left >= width || top >= height) continue;
      for (let down = Math.max(0, -top); down < Math.min(size, height - top); down += 1) {
        for (let over = Math.max(0, -left); over < Math.min(size, width - left); over += 1) {
          const cover = fill[down * size + over] * opacity;
          if (cover <= 0) continue;
          const rim = edge[down * size + over];
          const at = 4 * ((top + down) * width + left + over);
          for (let part = 0; part < 3; part += 1) {
            const ink = color[part] + (border[part] - color[part]) * rim;
            pixels[at + part] += (ink - pixels[at + part]) * cover;
          }
        }
      }
    }
  }
  brush.putImageData(image, 0, 0);
}

/**
 * Shuffle the rows once, the same way every time.
 *
 * @param {number} n
 */
export function shuffled(n) {
  const order = Uint32Array.from({ length: n }, (_, row) => row);
  let seed = 20240607;
  for (let at = n - 1; at > 0; at -= 1) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const other = seed % (at + 1);
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}
