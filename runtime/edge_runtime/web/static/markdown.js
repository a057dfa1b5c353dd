// The card of a model: as much of Markdown as cards have, made of elements and never of markup.

import { make } from "./dom.js";
import { t } from "./texts.js";

/**
 * Return a text in Markdown as elements, its headings one level below the dialog's.
 * @param {string} text
 * @returns {HTMLElement[]}
 */
export function fromMarkdown(text) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const found = [];
  while (lines.length) {
    const element = block(lines);
    if (element) found.push(element);
  }
  return found;
}

/** Take one block from the front of `lines`. @param {string[]} lines */
function block(lines) {
  const first = lines[0];
  if (!first.trim()) return void lines.shift();
  const heading = /^(#{1,6}) +(.*)$/.exec(first);
  if (heading) {
    lines.shift();
    return make(`h${Math.min(6, heading[1].length + 2)}`, {}, ...inline(heading[2]));
  }
  if (/^ {4}/.test(first)) return make("pre", {}, make("code", {}, take(lines, /^ {4}|^$/).map((line) => line.slice(4)).join("\n").trimEnd()));
  if (first.startsWith("```")) return fenced(lines);
  if (first.startsWith("|")) return table(take(lines, /^\|/));
  if (/^[-*] /.test(first)) return list(take(lines, /^([-*] | {2,}\S)/));
  return make("p", {}, ...inline(take(lines, /^(?!#|\||```|[-*] |$)/).join(" ")));
}

/** @param {string[]} lines @param {RegExp} like @returns {string[]} */
function take(lines, like) {
  const taken = [/** @type {string} */ (lines.shift())];
  while (lines.length && like.test(lines[0])) taken.push(/** @type {string} */ (lines.shift()));
  return taken;
}

/** @param {string[]} lines */
function fenced(lines) {
  lines.shift();
  const end = lines.findIndex((line) => line.startsWith("```"));
  const inner = lines.splice(0, end < 0 ? lines.length : end);
  lines.shift();
  return make("pre", {}, make("code", {}, inner.join("\n")));
}

/** @param {string[]} lines */
function list(lines) {
  /** @type {string[]} */
  const items = [];
  for (const line of lines) {
    if (/^[-*] /.test(line)) items.push(line.slice(2));
    else items.push(`${items.pop()} ${line.trim()}`);
  }
  return make("ul", {}, ...items.map((item) => make("li", {}, ...inline(item))));
}

/** @param {string[]} lines */
function table(lines) {
  const rows = lines.map((line) => line.replace(/^\||\|\s*$/g, "").split("|").map((cell) => cell.trim()));
  const [head, ...rest] = rows.filter((row) => !row.every((cell) => /^:?-+:?$/.test(cell)));
  const line = (/** @type {string[]} */ row, /** @type {string} */ name) =>
    make("tr", {}, ...row.map((cell) => make(name, name === "th" ? { scope: "col" } : {}, ...inline(cell))));
  const body = make("tbody", {}, ...rest.map((row) => line(row, "td")));
  const whole = make("table", {}, make("thead", {}, line(head, "th")), body);
  const name = { role: "group", "aria-label": t("card.table"), tabindex: 0 }; // it may be wider than its place
  return make("div", { class: "wide-table", ...name }, whole);
}

/** Bold, emphasis, code, and links by their words. @param {string} text @returns {(Node | string)[]} */
function inline(text) {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`|\[[^\]]+\]\([^)]*\))/).map((part) => {
    if (part.startsWith("**")) return make("strong", {}, ...inline(part.slice(2, -2)));
    if (part.startsWith("`") && part.length > 1) return make("code", {}, part.slice(1, -1));
    const link = /^\[([^\]]+)\]\(/.exec(part);
    return link ? link[1] : part;
  });
}
