// @ts-check
// Bring the widgets and charts of a report to life, with neither kernel nor network.

/** @param {string} name */
function contents(name) {
  const text = document.getElementById(name)?.textContent ?? "null";
  return JSON.parse(text, (_, value) => (value?.__bytes__ === undefined ? value : bytes(value.__bytes__)));
}

/** @param {string} base64 */
function bytes(base64) {
  return new DataView(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
}

/** Stand in for the model of a widget: it remembers and tells, and nobody else listens. */
class Model {
  /** @param {Record<string, any>} state */
  constructor(state) {
    this.state = state;
    this.listeners = new Map();
    this.widget_manager = { get_model: () => Promise.reject(new Error("a report has no kernel")) };
  }

  /** @param {string} name */
  get(name) {
    return this.state[name];
  }

  /** @param {string | Record<string, any>} name @param {any} [value] */
  set(name, value) {
    const changes = typeof name === "string" ? { [name]: value } : name;
    const changed = Object.keys(changes).filter((key) => changes[key] !== this.state[key]);
    Object.assign(this.state, changes);
    for (const key of changed) this.fire(`change:${key}`, changes[key]);
    if (changed.length) this.fire("change");
  }

  /** @param {string} names @param {Function} act */
  on(names, act) {
    for (const name of names.split(" ")) {
      this.listeners.set(name, [...(this.listeners.get(name) ?? []), act]);
    }
  }

  /** @param {string} [names] @param {Function} [act] */
  off(names, act) {
    for (const name of names?.split(" ") ?? [...this.listeners.keys()]) {
      const kept = (this.listeners.get(name) ?? []).filter((/** @type {Function} */ one) => act && one !== act);
      this.listeners.set(name, kept);
    }
  }

  /** @param {string} name @param {any} [value] */
  fire(name, value) {
    for (const act of this.listeners.get(name) ?? []) act(this, value);
  }

  save_changes() {}

  send() {}
}

/** @type {Map<number, Promise<any>>} */
const opened = new Map();

/** @param {number} index of a module text; each is opened once, however many widgets use it */
function open(index) {
  const known = opened.get(index);
  if (known) return known;
  const url = URL.createObjectURL(new Blob([modules[index]], { type: "text/javascript" }));
  const found = import(url).then(({ default: widget }) => (typeof widget === "function" ? widget() : widget));
  opened.set(index, found);
  return found;
}

/** @param {{ module: number, state: Record<string, any> }} widget @param {HTMLElement} el */
async function show({ module, state }, el) {
  const model = new Model(state);
  const experimental = { invoke: () => Promise.reject(new Error("a report has no kernel")) };
  const { signal } = new AbortController();
  try {
    const widget = await open(module);
    await widget.initialize?.({ model, signal, experimental });
    await widget.render?.({ model, el, signal, experimental });
    Object.assign(el, { model });
  } catch (error) {
    el.textContent = `This part could not be shown: ${error}`;
  }
}

/** @param {{ data: any, layout: any }} figure @param {HTMLElement} el */
function draw({ data, layout }, el) {
  const style = getComputedStyle(document.body);
  const line = style.getPropertyValue("--line");
  const margin = { l: 56, r: 16, t: layout.title ? 56 : 24, b: 48 };
  const clear = { margin, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
  const themed = { ...clear, ...layout, font: { color: style.color, family: style.fontFamily, ...layout.font } };
  for (const axis of new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis/.test(key))])) {
    themed[axis] = { gridcolor: line, zerolinecolor: line, linecolor: line, ...layout[axis] };
  }
  el.style.height = `${layout.height ?? 420}px`;
  // @ts-ignore Plotly stands in the page before this script
  window.Plotly.newPlot(el, data, themed, { displayModeBar: false, responsive: true });
}

const modules = contents("modules");
const widgets = contents("widgets");
for (const el of document.querySelectorAll("[data-widget]")) {
  if (el instanceof HTMLElement) show(widgets[Number(el.dataset.widget)], el);
}
const figures = contents("figures");
const drawAll = () => {
  for (const el of document.querySelectorAll("[data-figure]")) {
    if (el instanceof HTMLElement) draw(figures[Number(el.dataset.figure)], el);
  }
};
drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
