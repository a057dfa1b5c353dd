// The answer for one film, as it stands on the screen and on paper.

import { icon } from "./icons.js";
import { make } from "./dom.js";
import { outcome } from "./list.js";
import { className, explanation, meaning, outcomeName, technical } from "./words.js";
import { dateTime, number, percent, t } from "./texts.js";

/** @typedef {import("./list.js").Row} Row */
/** @typedef {{ intended_use?: { youngest: number | null } }} Model */

const SHORT = 12; // characters of an identity that are shown at first

/** @param {Row} row what a film has come to, with all that has to stand beside it */
export function answerCard(row) {
  const found = outcome(row);
  const card = make("div", { class: `answer is-${found}` });
  const head = make("div", { class: "answer-head" }, badge(row));
  card.append(head);
  if (row.answer?.status === "ok") {
    head.append(probabilityOf(row));
    card.append(make("p", { class: "meaning" }, meaning(row)));
    if (row.answer.warning) card.append(warning(row.answer.warning));
  } else if (found === "refused" || found === "error") {
    card.append(refusal(row));
  }
  card.append(make("p", { class: "not-a-device" }, make("strong", {}, t("research"))));
  return card;
}

/** @param {Row} row shape, colour and words */
function badge(row) {
  const words = make("span", { class: "badge-words" });
  words.append(make("span", { class: "quiet" }, t("answer")));
  words.append(make("strong", { class: "label" }, outcomeName(row)));
  return make("p", { class: "badge" }, icon(outcome(row)), words);
}

/** @param {Row} row */
function probabilityOf(row) {
  const { probability } = row.answer;
  const label = t("probability", { positive: className(row.positive) });
  const value = make("p", { class: "probability" }, make("span", { class: "quiet" }, label));
  value.append(make("strong", {}, percent(probability)));
  return make("div", { class: "measure" }, value, probabilityBar(row));
}

/** @param {Row} row the probability on a bar, with threshold and uncertain band */
export function probabilityBar(row) {
  const { probability, threshold } = row.answer;
  const [low, high] = row.band || [threshold, threshold];
  const said = {
    positive: className(row.positive), probability: percent(probability), threshold: percent(threshold),
    low: percent(low), high: percent(high),
  };
  const bar = make("div", { class: "bar", role: "img", "aria-label": t("bar", said) });
  bar.append(
    placed("bar-fill", 0, probability),
    placed("bar-band", low, high - low),
    placed("bar-threshold", threshold),
    placed("bar-value", probability),
  );
  const scale = make("div", { class: "bar-scale", "aria-hidden": "true" });
  scale.append(make("span", {}, percent(0)), thresholdName(threshold), make("span", {}, percent(1)));
  return make("div", { class: "bar-box" }, bar, scale);
}

/** @param {number} threshold */
function thresholdName(threshold) {
  const name = make("span", { class: "bar-name" }, t("bar.threshold", { n: percent(threshold) }));
  name.style.left = `${Math.min(78, Math.max(22, 100 * threshold))}%`;
  return name;
}

/** @param {string} name @param {number} left @param {number} [width] shares of the bar */
function placed(name, left, width) {
  const part = make("span", { class: name });
  part.style.left = `${100 * left}%`;
  if (width !== undefined) part.style.width = `${100 * width}%`;
  return part;
}

/** @param {string} text */
function warning(text) {
  return make("p", { class: "warning" }, icon("error"), make("span", {}, t("warning"), " ", make("q", { lang: "en" }, text)));
}

/** @param {Row} row */
function refusal(row) {
  const { title, why, act } = explanation(row);
  const box = make("div", { class: "refusal" });
  box.append(make("h3", {}, title), make("p", {}, why));
  box.append(make("p", { class: "act" }, make("strong", {}, t("refusal.act")), " ", act));
  const told = technical(row);
  if (told) box.append(make("p", { class: "quiet small" }, t("refusal.told"), " ", make("q", { lang: "en" }, told)));
  return box;
}

/**
 * Everything that belongs to an answer and is looked at now and then.
 * @param {Row} row
 * @param {Model} model
 * @param {boolean} [isPaper] where nothing can be opened
 */
export function details(row, model, isPaper = false) {
  const box = make("section", { class: "details", "aria-label": t("details") });
  const list = make("dl");
  const add = (/** @type {string} */ name, /** @type {any[]} */ ...values) =>
    list.append(make("div", {}, make("dt", {}, name), make("dd", {}, ...values)));
  add(t("details.size"), t("details.bytes", { n: number(Math.max(1, Math.round(row.bytes / 1000))) }));
  if (row.answer?.time) add(t("details.time"), make("time", { datetime: row.answer.time }, dateTime(row.answer.time)));
  if (row.answer?.model) {
    add(t("details.model"), `${row.answer.model.name} ${row.answer.model.version}`);
    add(t("details.identity"), identity(row.answer.model.identity, isPaper));
    add(t("details.signed"), signers(row.answer.signed));
  }
  if (row.answer?.milliseconds) add(t("details.took"), t("details.ms", { n: number(Math.round(row.answer.milliseconds)) }));
  box.append(list, ...notes(row, model));
  return box;
}

/** @param {any} signed who signed the model and its decision, if anybody is known to have */
function signers(signed) {
  if (!signed) return t("details.signed.nobody");
  const keys = new Set([signed.model, signed.decision].map((key) => (key ? key.slice(0, SHORT) : t("details.signed.nobody"))));
  return t(signed.trusted ? "details.signed.trusted" : "details.signed.unknown", { keys: [...keys].join(", ") });
}

/** @param {string} whole @param {boolean} isPaper */
function identity(whole, isPaper) {
  if (isPaper) return make("code", {}, whole);
  const summary = make("summary", {}, make("code", {}, `${whole.slice(0, SHORT)}…`), " ", make("span", {}, t("details.whole")));
  return make("details", { class: "identity" }, summary, make("code", { class: "whole" }, whole));
}

/** @param {Row} row @param {Model} model */
function notes(row, model) {
  if (row.answer?.status !== "ok") return [];
  const found = [make("p", {}, t("note.probability", { positive: className(row.positive) }))];
  const youngest = model.intended_use?.youngest;
  const ages = youngest ? t("note.children", { n: youngest }) : t("note.no_ages");
  return [make("p", { class: "children" }, icon("error"), make("span", {}, ages)), ...found];
}
