// What is said of a film, in words.

import { REFUSALS, outcome, reason } from "./list.js";
import { isKnown, percent, t } from "./texts.js";

/** @typedef {import("./list.js").Row} Row */

/** Problems of the server, beside refusals, that have a text of their own. */
const PROBLEMS = ["empty", "machine_lacks", "slow"];

/**
 * A name without what could mislead a reader: control characters, and those that turn the direction
 * of writing.
 * @param {string} name
 */
export function plain(name) {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
}

/** The name of a class, in the language of the page where it is known. @param {string} name */
export function className(name) {
  const key = `class.${name}`;
  return isKnown(key) ? t(key) : plain(name);
}

/** What a film has come to, in a few words. @param {Row} row */
export function outcomeName(row) {
  const found = outcome(row);
  const isClass = found === "positive" || found === "negative";
  return isClass ? className(row.answer.label) : t(`outcome.${found}`);
}

/** The line below a film's name in the list. @param {Row} row */
export function shortLine(row) {
  const found = outcome(row);
  if (row.answer?.status === "ok") return `${outcomeName(row)} · ${percent(row.answer.probability)}`;
  return found === "refused" || found === "error"
    ? `${outcomeName(row)} · ${explanation(row).title}`
    : outcomeName(row);
}

/**
 * Why there is no answer, and what to do.
 * @param {Row} row
 * @returns {{ title: string, why: string, act: string }}
 */
export function explanation(row) {
  const key = reason(row);
  if (REFUSALS.includes(key)) {
    return { title: t(`refusal.${key}.title`), why: t(`refusal.${key}.why`), act: t(`refusal.${key}.act`) };
  }
  const known = PROBLEMS.includes(key) ? key : "other";
  return { title: t(`problem.${known}.title`), why: t(`problem.${known}.why`), act: t(`problem.${known}.act`) };
}

/** What the program itself says, in English. @param {Row} row */
export function technical(row) {
  return row.problem?.detail || row.answer?.problem || "";
}

/** The sentence that explains an answer. @param {Row} row */
export function meaning(row) {
  const found = outcome(row);
  const positive = className(row.positive);
  const values = { positive, threshold: percent(row.answer.threshold) };
  if (found !== "uncertain") return t(`meaning.${found}`, values);
  const [low, high] = row.band || [row.answer.threshold, row.answer.threshold];
  return t("meaning.uncertain", { ...values, low: percent(low), high: percent(high) });
}

/** An answer as a few lines of text, to be pasted elsewhere. @param {Row} row @param {string} when */
export function asText(row, when) {
  const lines = [t("title"), `${t("details.file")}: ${plain(row.name)}`];
  if (row.answer?.status === "ok") {
    lines.push(`${t("answer")}: ${outcomeName(row)}`);
    const probability = t("probability", { positive: className(row.positive) });
    lines.push(`${probability}: ${percent(row.answer.probability)}`, meaning(row));
  } else {
    const { title, why, act } = explanation(row);
    lines.push(`${t("answer")}: ${outcomeName(row)} (${title})`, why, act);
  }
  const model = row.answer?.model;
  if (model) lines.push(`${t("details.model")}: ${model.name} ${model.version} (${model.identity})`);
  if (when) lines.push(`${t("details.time")}: ${when}`);
  return [...lines, `${t("research")} ${t("research.more")}`].join("\n");
}
