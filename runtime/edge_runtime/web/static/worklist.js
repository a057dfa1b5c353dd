// The list of films on the screen: sorted, filtered, moved through with the arrow keys.

import { byId, make, onceAFrame } from "./dom.js";
import { icon } from "./icons.js";
import { OUTCOMES, outcome } from "./list.js";
import { className, plain, shortLine } from "./words.js";
import { number, t } from "./texts.js";

/** @typedef {import("./list.js").Row} Row */
/** @typedef {import("./list.js").Outcome} Outcome */

const SIGN = "\u0000"; // what no name holds

/** Draws the rows of a list, and tells by `chosen` which one was chosen. */
export class WorkList extends EventTarget {
  /** @param {import("./list.js").FilmList} list @param {{ classes: string[] }} model */
  constructor(list, model) {
    super();
    this.list = list;
    this.model = model;
    /** @type {Map<number, { item: HTMLElement, drawn: string }>} */
    this.items = new Map();
    /** @type {Row | null} */
    this.chosen = null;
    /** @type {Outcome | "all"} */
    this.filter = "all";
    this.draw = onceAFrame(() => this.drawNow());
    for (const name of ["added", "changed", "removed"]) list.addEventListener(name, this.draw);
    byId("search").addEventListener("input", this.draw);
    byId("sort").addEventListener("change", this.draw);
    byId("filters").addEventListener("change", (/** @type {any} */ event) => this.setFilter(event.target.value));
    byId("rows").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.onKey(event));
  }

  /** @param {Outcome | "all"} filter */
  setFilter(filter) {
    this.filter = filter;
    this.draw();
  }

  /** The rows that are shown, in the order in which they are. @returns {Row[]} */
  shown() {
    const text = byId("search").value.trim().toLowerCase();
    const rows = [...this.list.rows.values()].filter(
      (row) =>
        (this.filter === "all" || outcome(row) === this.filter) &&
        (!text || row.name.toLowerCase().includes(text)),
    );
    return rows.sort(ORDERS[byId("sort").value]);
  }

  drawNow() {
    const all = [...this.list.rows.values()];
    for (const id of ["tools", "rows", "list-end"]) byId(id).hidden = all.length === 0;
    this.drawFilters(all);
    const rows = this.shown();
    byId("none").hidden = rows.length > 0 || all.length === 0;
    const items = rows.map((row) => this.itemOf(row));
    this.place(items);
    for (const id of this.items.keys()) if (!this.list.rows.has(id)) this.items.delete(id);
    const stop = rows.find((row) => row === this.chosen) ?? rows[0];
    for (const row of rows) this.items.get(row.id)?.item.setAttribute("tabindex", row === stop ? "0" : "-1");
  }

  /** Put items in order, moving as few as possible, so that the focus stays. @param {HTMLElement[]} items */
  place(items) {
    const box = byId("rows");
    const kept = new Set(items);
    for (const old of [...box.children]) if (!kept.has(old)) old.remove();
    items.forEach((item, place) => {
      if (box.children[place] !== item) box.insertBefore(item, box.children[place] ?? null);
    });
  }

  /** @param {Row} row @returns {HTMLElement} */
  itemOf(row) {
    const held = this.items.get(row.id) ?? this.newItem(row);
    const found = outcome(row);
    const line = shortLine(row);
    const drawn = [found, line, row.name].join(SIGN);
    if (drawn !== held.drawn) {
      held.drawn = drawn;
      const words = make("span", { class: "row-words" }, make("bdi", { class: "row-name" }, plain(row.name)));
      words.append(make("span", { class: "row-line" }, line));
      held.item.className = `row is-${found}`;
      held.item.replaceChildren(icon(found), words);
    }
    held.item.setAttribute("aria-selected", String(row === this.chosen));
    return held.item;
  }

  /** @param {Row} row */
  newItem(row) {
    const item = make("li", { role: "option", click: () => this.choose(row, true), "data-film": row.id });
    const held = { item, drawn: "" };
    this.items.set(row.id, held);
    return held;
  }

  /** @param {Row[]} all */
  drawFilters(all) {
    /** @type {Map<string, number>} */
    const counts = new Map([["all", all.length]]);
    for (const row of all) counts.set(outcome(row), (counts.get(outcome(row)) ?? 0) + 1);
    if (!counts.has(this.filter)) this.filter = "all";
    const names = ["all", ...OUTCOMES].filter((name) => counts.has(name));
    const labels = names.map((name) => `${this.filterName(name)} ${number(counts.get(name) ?? 0)}`);
    const box = byId("filters");
    const drawn = [...names, ...labels, this.filter].join(SIGN);
    if (box.dataset.drawn === drawn) return;
    box.dataset.drawn = drawn;
    const focused = box.contains(document.activeElement);
    for (const old of box.querySelectorAll("label")) old.remove();
    names.forEach((name, place) => box.append(this.filterOf(name, labels[place])));
    if (focused) box.querySelector("input:checked")?.focus();
  }

  /** @param {string} name @param {string} label */
  filterOf(name, label) {
    const input = make("input", { type: "radio", name: "filter", value: name, checked: name === this.filter });
    const mark = name === "all" ? null : icon(name);
    return make("label", { class: `filter is-${name}` }, input, make("span", {}, mark, label));
  }

  /** @param {string} name */
  filterName(name) {
    const [negative, positive] = this.model.classes;
    if (name === "positive" || name === "negative") return className(name === "positive" ? positive : negative);
    return t(`outcome.${name}`);
  }

  /** @param {Row | null} row @param {boolean} [isOpened] whether somebody asked for it */
  choose(row, isOpened = false) {
    this.chosen = row;
    this.drawNow();
    const item = row && this.items.get(row.id)?.item;
    item?.scrollIntoView({ block: "nearest" });
    this.dispatchEvent(new CustomEvent("chosen", { detail: { row, isOpened } }));
  }

  /** @param {number} step how many films on */
  step(step) {
    const rows = this.shown();
    const place = this.chosen ? rows.indexOf(this.chosen) : -1;
    const next = rows[Math.min(rows.length - 1, Math.max(0, place + step))];
    if (next && next !== this.chosen) this.choose(next);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const far = this.list.rows.size;
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: 1, ArrowUp: -1, Home: -far, End: far, PageDown: 10, PageUp: -10 };
    if (event.key in steps) this.step(steps[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.openFocused();
    else if (event.key === "Delete" && this.chosen) this.dispatchEvent(new Event("remove"));
    else return;
    event.preventDefault();
    if (event.key !== "Enter" && this.chosen) this.items.get(this.chosen.id)?.item.focus();
  }

  openFocused() {
    const id = Number(/** @type {HTMLElement} */ (document.activeElement)?.dataset?.film);
    const row = this.list.rows.get(id);
    if (row) this.choose(row, true);
  }
}

/** @param {Row} row */
const probability = (row) => row.answer?.probability ?? -1;
const byName = (/** @type {Row} */ a, /** @type {Row} */ b) =>
  a.name.localeCompare(b.name, undefined, { numeric: true }) || a.id - b.id;

/** @type {Record<string, (a: Row, b: Row) => number>} */
const ORDERS = {
  added: (a, b) => a.id - b.id,
  name: byName,
  answer: (a, b) => OUTCOMES.indexOf(outcome(a)) - OUTCOMES.indexOf(outcome(b)) || byName(a, b),
  probability: (a, b) => probability(b) - probability(a) || byName(a, b),
};
