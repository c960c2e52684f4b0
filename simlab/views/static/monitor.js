// @ts-check
/**
 * The monitor: loss and validation of one training or several, while they go on and afterwards.
 * Python sends new epochs as they come; the page keeps all of them in the trait `runs`.
 */

import { CLASS_COLORS, isDark } from "./colors.js";
import { openChart, short, svg } from "./curves.js";
import { h, plural } from "./dom.js";

/**
 * @typedef {[number, number | null, number | null, number]} Row epoch, loss, metric, seconds
 * @typedef {object} Run
 * @property {string} name
 * @property {number} epochs at most; -1 if nothing but time ends it
 * @property {string | null} metric
 * @property {Row[]} rows
 * @property {number} best epoch
 * @property {"runs" | "refits" | "done" | "stopped"} state
 * @property {number} refit epochs of the refit so far
 * @property {string[]} advice
 */

const DASHES = ["", "7 4", "2 3", "9 3 2 3"];
const ANSWER = 2500; // milliseconds until a kernel that could hear the button would have answered
const HINT = "or interrupt the kernel (■), which works always";
const DEAF = "This kernel hears the button only when the cell is over: interrupt it (■) instead.";

/** Keep what Python tells in the model, so that every view of it, and a saved one, has it all. */
function initialize({ model }) {
  model.on("msg:custom", (/** @type {any} */ message) => {
    if (message.kind !== "told") return;
    const { at, about, rows } = message;
    const runs = [...model.get("runs")];
    runs[at] = { ...about, rows: [...(runs[at]?.rows ?? []), ...rows] };
    model.set("runs", runs);
  });
}

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  /** @type {number | null} */
  let at = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let asked = false;

  const loss = openChart("curves of the training loss", hover);
  const rates = openChart("curves of the validation metric", hover);
  const lossTitle = h("h3"), ratesTitle = h("h3");
  const status = h("span.status"), hint = h("span.hint.muted", {}, HINT);
  const stop = h("button.plain.stop", { type: "button", onclick: ask }, "Stop");
  const done = h("div.done"), bar = h("div.bar", {}, done);
  const now = h("div.now", {}, status, h("span.spring"), stop, hint);
  const list = h("table.runs"), advice = h("ul.advice");
  const empty = h("p.empty", {}, "Nothing has been trained yet. Pass this monitor to a training: ",
    h("code", {}, "fit(items, encoder, progress=monitor)"));
  const charts = h("div.charts", {},
    h("figure", {}, h("figcaption", {}, lossTitle), loss.element),
    h("figure", {}, h("figcaption", {}, ratesTitle), rates.element));
  const spoken = h("div.spoken", { "aria-live": "polite" });
  const root = h("div.simlab-monitor", { "data-lm-suppress-shortcuts": "true" },
    h("header", {}, h("h2", {}, model.get("title"))), now, bar, empty, charts, list, advice, spoken);

  function ask() {
    asked = true;
    model.send({ kind: "stop" });
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (asked) hint.textContent = DEAF; }, ANSWER);
    show();
  }

  /** @param {number | null} epoch */
  function hover(epoch) {
    if (epoch === at) return;
    at = epoch;
    show();
  }

  /** @param {any} message */
  function answer(message) {
    if (message.kind !== "stopping") return;
    clearTimeout(waiting);
    hint.textContent = "stopping after this batch; the best weights are kept";
  }

  function show() {
    /** @type {Run[]} */
    const runs = model.get("runs");
    const dark = isDark();
    root.dataset.theme = dark ? "dark" : "light";
    for (const part of [charts, list]) part.hidden = !runs.length;
    empty.hidden = runs.length > 0;
    const current = runs.at(-1);
    const isOn = current?.state === "runs" || current?.state === "refits";
    for (const part of [now, bar]) part.hidden = !isOn;
    if (!isOn) {
      if (asked) hint.textContent = HINT;
      asked = false;
    }
    stop.disabled = asked;
    stop.textContent = asked ? "Stopping…" : "Stop";
    if (current && isOn) {
      status.replaceChildren(h("b", {}, current.name), ` · ${doing(current)}`);
      const [past, all] = current.state === "refits" ? [current.refit, current.best] : [epochOf(current), current.epochs];
      done.style.width = all > 0 ? `${(100 * past) / all}%` : "0";
    }
    const inks = runs.map((_, index) => inkOf(index, dark));
    const metrics = [...new Set(runs.map(({ metric }) => metric).filter(Boolean))];
    const isShared = runs.length > 1;
    lossTitle.replaceChildren("training loss", h("span.muted", {}, isShared ? " each on a scale of its own" : ""));
    ratesTitle.replaceChildren(metrics.length ? metrics.map(titleOf).join(", ") : "validation",
      h("span.muted", {}, metrics.length ? " on held-out items" : ": no items were held out"));
    const frame = {
      epochs: Math.max(...runs.map((run) => (run.epochs > 0 && isOn ? run.epochs : epochOf(run))), 1),
      at, ground: dark ? "#14171b" : "#ffffff",
    };
    loss.show(runs.map((run, index) => {
      const points = pointsOf(run, 1);
      return { points: isShared ? scaled(points) : points, ...inks[index], best: run.best, faint: isShared && run !== current };
    }), frame);
    rates.show(runs.map((run, index) => (
      { points: pointsOf(run, 2), ...inks[index], best: run.best, faint: isShared && run !== current }
    )), frame);
    list.replaceChildren(headOf(at), ...runs.map((run, index) => lineOf(run, inks[index], at)));
    const said = runs.flatMap((run) => run.advice.map((text) => (
      h("li", {}, isShared && h("b", {}, `${run.name}: `), text)
    )));
    advice.hidden = !said.length;
    advice.replaceChildren(...said);
    const words = current && !isOn ? `${current.name}: ${doing(current)}` : "";
    if (spoken.textContent !== words) spoken.textContent = words;
  }

  const themes = new MutationObserver(show);
  themes.observe(document.body, {
    attributes: true, attributeFilter: ["class", "data-jp-theme-name", "data-jp-theme-light"],
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", show);
  model.on("change:runs", show);
  model.on("msg:custom", answer);
  el.append(root);
  show();

  return () => {
    clearTimeout(waiting);
    themes.disconnect();
    dark.removeEventListener("change", show);
    model.off("change:runs", show);
    model.off("msg:custom", answer);
    root.remove();
  };
}

/** @param {number} index @param {boolean} dark */
function inkOf(index, dark) {
  const color = CLASS_COLORS[index % 6][dark ? 1 : 0];
  return { color, dash: DASHES[index % DASHES.length] };
}

/** @param {Run} run */
function epochOf(run) {
  return run.rows.at(-1)?.[0] ?? 0;
}

/**
 * @param {Run} run
 * @param {1 | 2} column
 * @returns {[number, number][]}
 */
function pointsOf(run, column) {
  const found = /** @type {[number, number][]} */ ([]);
  for (const row of run.rows) {
    const value = row[column];
    if (value !== null) found.push([row[0], value]);
  }
  return found;
}

/** @param {[number, number][]} points @returns {[number, number][]} from 0 to 1 */
function scaled(points) {
  const values = points.map(([, value]) => value);
  const low = Math.min(...values), span = Math.max(...values) - low;
  return points.map(([epoch, value]) => [epoch, span > 0 ? (value - low) / span : 0.5]);
}

/** @param {string | null} metric */
function titleOf(metric) {
  return metric === "map@r" ? "MAP@R" : metric ?? "";
}

/** @param {Run} run */
function doing(run) {
  const epoch = epochOf(run);
  if (run.state === "refits") return `learns from all items, epoch ${run.refit} of ${run.best}`;
  if (run.state === "done") return `done, ${plural(epoch, "epoch")}`;
  if (run.state === "stopped") return `stopped in epoch ${epoch + 1}`;
  if (run.epochs < 0) return `epoch ${epoch}`;
  const each = epoch ? (run.rows.at(-1)?.[3] ?? 0) / epoch : 0;
  const left = each * (run.epochs - epoch);
  return `epoch ${epoch} of ${run.epochs}${epoch ? `, at most ${lasting(left)} left` : ""}`;
}

/** @param {number} seconds */
function lasting(seconds) {
  if (seconds < 1) return "1 s";
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** @param {number | null} at */
function headOf(at) {
  const when = at === null ? "at the best epoch" : `at epoch ${at}`;
  return h("tr", {}, h("th", {}, "run"), h("th", {}, ""), h("th.number", {}, "loss"),
    h("th.number", {}, "held-out"), h("th", {}, when));
}

/** @param {Run} run @param {{ color: string, dash: string }} ink @param {number | null} at */
function lineOf(run, { color, dash }, at) {
  const epoch = at ?? run.best;
  const row = run.rows.find((one) => one[0] === epoch);
  const line = svg("svg", { class: "ink", viewBox: "0 0 34 8" },
    svg("line", { x1: 1, x2: 33, y1: 4, y2: 4, stroke: color, "stroke-dasharray": dash, "stroke-width": 2.4 }));
  const value = (/** @type {number | null | undefined} */ one) => (one === null || one === undefined ? "–" : short(one));
  return h("tr", {}, h("td.name", {}, line, h("span.clip", {}, run.name)), h("td.muted", {}, doing(run)),
    h("td.number", {}, value(row?.[1])), h("td.number", {}, value(row?.[2])),
    h("td.muted", {}, `epoch ${epoch}${epoch === run.best ? ", the best" : ""}`));
}

export default { initialize, render };
