// @ts-check
/** The keyboard: every gesture of the pointer has a key. */

/**
 * @param {HTMLElement} root
 * @param {{ map: any, panel: any, toolbar: any, help: any, filters: any, axes: any }} parts
 * @param {{ back: () => void, escape: () => void, toggleLasso: () => void, selectAll: () => void, bookmark: () => void }} acts
 * @param {AbortSignal} signal
 */
export function listenToKeys(root, { map, panel, toolbar, help, filters, axes }, acts, signal) {
  /** @type {Record<string, () => void>} */
  const plain = {
    "/": () => toolbar.input.focus(),
    "?": () => help.toggle(help.sheet.hidden),
    l: acts.toggleLasso,
    a: acts.selectAll,
    b: acts.bookmark,
    f: () => filters.toggle(filters.sheet.hidden),
    m: () => axes.toggle(axes.sheet.hidden),
    c: () => toolbar.select.focus(),
    "+": () => map.zoomBy(1.5),
    "=": () => map.zoomBy(1.5),
    "-": () => map.zoomBy(1 / 1.5),
    0: () => map.fit(),
    ArrowRight: () => walk(1),
    ArrowLeft: () => walk(-1),
    ArrowDown: () => walk(perRow()),
    ArrowUp: () => walk(-perRow()),
  };

  /** How many cards stand side by side. */
  function perRow() {
    const cards = [...panel.gallery.children];
    const below = cards.findIndex((card) => card.offsetTop > cards[0].offsetTop);
    return below < 0 ? cards.length : below;
  }

  /** @param {number} step */
  function walk(step) {
    const cards = [...panel.gallery.children];
    const now = cards.indexOf(document.activeElement);
    const next = now < 0 ? 0 : Math.max(0, Math.min(cards.length - 1, now + step));
    cards[next]?.focus({ preventScroll: true });
    cards[next]?.scrollIntoView({ block: "nearest" });
  }

  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // JupyterLab and the page have other plans for most keys
    const typing = event.target instanceof Element && event.target.matches("input, select");
    if (event.key === "Escape") acts.escape();
    else if (event.altKey && event.key === "ArrowLeft") acts.back();
    else if (typing || event.ctrlKey || event.metaKey || event.altKey || !plain[event.key]) return;
    else plain[event.key]();
    event.preventDefault();
  }, { signal });
}
