// @ts-check
/** The query in words, and its nearest neighbors as cards. */

import { voteOf } from "./colorings.js";
import { labelOf } from "./data.js";
import { count, h, icon, plural } from "./dom.js";

const WORDS = { same: "✓ same label", other: "✗ other label", unknown: "" };

/**
 * @param {import("./data.js").Data} data
 * @param {import("./thumbs.js").Thumbs} thumbs
 * @param {object} events
 * @param {(row: number) => void} events.go
 * @param {() => void} events.back
 * @param {(row: number) => void} events.point
 * @param {() => void} events.seekMissing
 * @param {() => void} events.bookmark
 * @param {(row: number) => HTMLElement} dotOf the colored dot of an item
 */
export function openPanel(data, thumbs, events, dotOf) {
  const back = h(
    "button.quiet.back", { type: "button", title: "Back (Alt+Left)", onclick: events.back },
    icon("back"), "Back",
  );
  const star = h("button.icon-button.star", { type: "button", onclick: events.bookmark }, icon("star"));
  const query = h("div.query", { role: "region", "aria-label": "Query" });
  const gallery = h("div.gallery", { role: "group", "aria-label": "Nearest neighbors" });
  const element = h("div.panel", {}, query, gallery);
  gallery.classList.toggle("of-texts", !thumbs.has);

  /** @param {number} easy the row that the invitation offers as a start */
  function invite(easy) {
    if (!data.n) return query.replaceChildren(h("div.invitation", {}, h("p.lead", {}, "There are no items to show.")));
    const lead = data.k
      ? `Choose a point to see its ${plural(data.k, "nearest neighbor")} in the original space.`
      : "Choose a point to see it. No neighbors were computed for this map.";
    const start = h("button.plain", { type: "button", onclick: () => events.go(easy) }, "Show me one");
    query.replaceChildren(
      h("div.invitation", {}, h("p.lead", {}, lead),
        h("p", {}, "Or search, pick a hard query below, or draw a lasso."), start),
    );
    gallery.replaceChildren();
  }

  /** @param {import("./explorer.js").State} state @param {import("./data.js").Facts} facts */
  function describe(state, facts) {
    const row = state.query;
    const labeled = data.labels.length > 0;
    const text = data.texts.length ? data.texts[row] : "";
    const id = data.ids[row];
    back.hidden = !state.history.length;
    keep(state);
    query.replaceChildren(
      h("div.query-head", {},
        thumbs.has && thumbs.of(row, "div.thumb.large"),
        h("div.query-name", {},
          h("h3", {}, labeled && dotOf(row), labeled ? labelOf(data, row) : id),
          labeled && h("div.muted.clip", { title: id }, id),
          text && h("p.text", { title: text }, text)),
        back, star),
      ...verdict(facts),
      ...(facts.known ? [h("ul.facts", {}, ...sentences(data, facts).map((line) => h("li", {}, ...line)),
        h("li", {}, ...missing(facts)))] : []),
    );
  }

  /** @param {import("./explorer.js").State} state */
  function keep({ query: row, bookmarks }) {
    const kept = bookmarks.includes(row);
    const said = kept ? "Take the bookmark off (b)" : "Bookmark (b)";
    star.setAttribute("aria-pressed", String(kept));
    star.setAttribute("aria-label", said);
    star.title = said;
  }

  /** @param {import("./data.js").Facts} facts */
  function missing(facts) {
    if (!facts.missing) return [`Every other “${data.labelNames[facts.label]}” is in the list.`];
    const noun = facts.missing === 1 ? "item is" : "items are";
    const show = h("button.link", { type: "button", onclick: events.seekMissing }, "Show");
    return [h("b", {}, count(facts.missing)), ` same-label ${noun} not in the list. `, show];
  }

  /** @param {import("./data.js").Neighbor} neighbor */
  function card(neighbor) {
    const { row, rank, similarity, outcome } = neighbor;
    const text = data.texts.length ? data.texts[row] : "";
    const label = labelOf(data, row);
    const said = [`Neighbor ${rank}: ${label}`, `similarity ${similarity.toFixed(3)}`,
      WORDS[outcome].slice(2), text].filter(Boolean).join(", ");
    return h(
      `button.card.${outcome}`,
      {
        type: "button", "aria-label": said, "data-row": row,
        title: [label, data.ids[row], text].filter(Boolean).join("\n"),
        onclick: () => events.go(row),
        onpointerenter: () => events.point(row), onpointerleave: () => events.point(-1),
        onfocus: () => events.point(row), onblur: () => events.point(-1),
      },
      h("span.rank", {}, String(rank)),
      thumbs.has && thumbs.of(row),
      h("span.words", {},
        h("span.name", {},
          data.labels.length > 0 && dotOf(row),
          h("span.clip", {}, data.labels.length ? label : data.ids[row]),
          h("span.similarity", {}, similarity.toFixed(3))),
        !thumbs.has && h("span.text", {}, text || data.ids[row]),
        WORDS[outcome] && h("span.mark", {}, WORDS[outcome])),
    );
  }

  return {
    element,
    gallery,
    keep,
    /** @param {import("./explorer.js").State} state @param {number} start */
    show(state, start) {
      if (!state.facts) return invite(start);
      const focused = gallery.contains(document.activeElement);
      describe(state, state.facts);
      gallery.replaceChildren(...state.facts.neighbors.map(card));
      element.scrollTop = 0;
      if (focused) gallery.querySelector("button")?.focus({ preventScroll: true });
    },
    /** @param {number} row the neighbor that is hovered on the map */
    highlight(row) {
      for (const one of gallery.children) {
        one.classList.toggle("pointed", Number(one.dataset.row) === row);
      }
    },
  };
}

/**
 * Say how many neighbors are right, and show it rank by rank.
 *
 * @param {import("./data.js").Facts} facts
 */
function verdict({ neighbors, label, same, known }) {
  if (!neighbors.length) return [h("p.muted", {}, "No neighbors were computed for it.")];
  if (label < 0) return [h("p.muted", {}, "It has no label, so right and wrong are not marked.")];
  if (!known) return [h("p.muted", {}, "None of its neighbors has a label.")];
  const ticks = neighbors.map(({ outcome, rank }) => (
    h(`i.tick.${outcome}`, { title: `Neighbor ${rank}: ${WORDS[outcome] || "no label"}` })
  ));
  return [
    h("p.verdict", {}, h("b", {}, `${same} of ${known}`), " neighbors share its label"),
    h("div.ticks", { "aria-hidden": "true" }, ...ticks),
  ];
}

/**
 * Say what the neighbors would predict, where the first wrong one is and how far behind it lies.
 *
 * @param {import("./data.js").Data} data
 * @param {import("./data.js").Facts} facts
 * @returns {(string | HTMLElement)[][]}
 */
function sentences(data, { neighbors, label, bestSame, bestOther, firstWrong }) {
  const first = bestSame?.similarity ?? 0;
  const vote = voteOf(data, neighbors);
  const verb = vote.label === label ? "✓ " : "✗ ";
  const voted = [`Predicted by their vote: ${verb}`, h("b", {}, data.labelNames[vote.label]), ` (${vote.votes} of ${vote.cast}).`];
  if (!bestOther) {
    const margin = first - neighbors[neighbors.length - 1].similarity;
    return [voted, ["No wrong neighbor; margin at least ", h("b", {}, signed(margin)), "."]];
  }
  const rank = h("b", {}, String(firstWrong));
  const wrong = ["First wrong neighbor at rank ", rank, `: “${labelOf(data, bestOther.row)}”.`];
  if (!bestSame) return [voted, wrong, ["No margin: none of its own label is in the list."]];
  const margin = h("b", {}, signed(first - bestOther.similarity));
  return [voted, wrong, ["Margin to the nearest other label ", margin, "."]];
}

/** @param {number} value */
function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}
