// @ts-check
/** Tell a click from a drag, a drag from a lasso, and a zoom from a page that scrolls by. */

/**
 * @typedef {"replace" | "add" | "subtract"} LassoKind
 * @typedef {object} Gestures
 * @property {() => boolean} lassoing whether a plain drag draws a lasso
 * @property {(x: number, y: number) => void} move
 * @property {() => void} leave
 * @property {(x: number, y: number) => void} click
 * @property {(across: number, along: number) => void} pan
 * @property {(factor: number, x: number, y: number) => void} zoom
 * @property {(line: [number, number][]) => void} draw
 * @property {(line: [number, number][], how: LassoKind) => void} lasso
 * @property {() => void} home
 */

const STILL = 4; // pixels a click may wander

/**
 * @param {HTMLElement} surface
 * @param {Gestures} gestures
 * @param {AbortSignal} signal
 */
export function listenToPointer(surface, gestures, signal) {
  /** @type {{ x: number, y: number, how: LassoKind | null, line: [number, number][] } | null} */
  let held = null;
  let moved = false;
  /** @type {[number, number]} */
  let last = [0, 0];
  let awake = false; // the wheel zooms only after the pointer moved here, else the page scrolls

  /** @param {MouseEvent} event @returns {[number, number]} */
  const place = (event) => {
    const box = surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  /** @type {(name: string, act: (event: any) => void, options?: object) => void} */
  const on = (name, act, options) => surface.addEventListener(name, act, { signal, ...options });

  on("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    surface.setPointerCapture(event.pointerId);
    const [x, y] = place(event);
    const how = event.shiftKey ? "add" : event.altKey ? "subtract" : null;
    held = { x, y, how: how ?? (gestures.lassoing() ? "replace" : null), line: [[x, y]] };
    moved = false;
    last = [x, y];
  });
  on("pointermove", (/** @type {PointerEvent} */ event) => {
    const [x, y] = place(event);
    if (x !== last[0] || y !== last[1]) awake = true;
    if (!held) {
      last = [x, y];
      gestures.move(x, y);
      return;
    }
    if (!moved && Math.hypot(x - held.x, y - held.y) < STILL) return;
    if (!moved) gestures.leave();
    moved = true;
    if (held.how) {
      held.line.push([x, y]);
      gestures.draw(held.line);
    } else {
      gestures.pan(x - last[0], y - last[1]);
    }
    last = [x, y];
  });
  on("pointerup", (/** @type {PointerEvent} */ event) => {
    if (!held) return;
    const { how, line, x, y } = held;
    held = null;
    if (!moved) gestures.click(x, y);
    else if (how) gestures.lasso(line, how);
    else gestures.move(...place(event));
  });
  on("pointercancel", () => {
    held = null;
    gestures.draw([]);
  });
  on("pointerenter", (/** @type {PointerEvent} */ event) => {
    awake = false;
    last = place(event);
  });
  on("pointerleave", () => {
    awake = false;
    if (!held) gestures.leave();
  });
  on("wheel", (/** @type {WheelEvent} */ event) => {
    if (!awake && document.activeElement !== surface) return;
    event.preventDefault();
    const step = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    gestures.zoom(Math.exp(-Math.max(-120, Math.min(120, step)) * 0.0022), ...place(event));
  }, { passive: false });
  on("dblclick", () => gestures.home());
  on("contextmenu", () => {
    held = null;
  });
}
