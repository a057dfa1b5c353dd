// What is printed: a sheet of A4 for each film.

import { answerCard, details } from "./answer.js";
import { byId, make } from "./dom.js";
import { outcome } from "./list.js";
import { dateTime, t } from "./texts.js";
import { outcomeName, plain } from "./words.js";

/** @typedef {import("./list.js").Row} Row */

/** @type {string[]} */
let urls = [];

/**
 * Lay out a sheet for each film, with the pictures that can be had.
 * @param {Row[]} rows
 * @param {any} model
 * @param {(row: Row) => Promise<Blob>} pictureOf
 * @param {(done: number) => void} [onSheet]
 */
export async function layOut(rows, model, pictureOf, onSheet) {
  clearSheets();
  const sheets = [];
  for (const row of rows) {
    sheets.push(sheet(row, model, await pictureElement(row, pictureOf)));
    onSheet?.(sheets.length);
  }
  byId("sheets").replaceChildren(...sheets);
}

/** Remove the sheets and their pictures. */
export function clearSheets() {
  for (const url of urls) URL.revokeObjectURL(url);
  urls = [];
  byId("sheets").replaceChildren();
}

/** @param {Row} row @param {(row: Row) => Promise<Blob>} pictureOf @returns {Promise<HTMLElement>} */
async function pictureElement(row, pictureOf) {
  if (row.state !== "done" || row.problem || outcome(row) === "error") return make("div");
  try {
    const url = URL.createObjectURL(await pictureOf(row));
    urls.push(url);
    const image = make("img", { src: url, alt: `${plain(row.name)}, ${outcomeName(row)}` });
    await image.decode();
    return image;
  } catch {
    return make("p", { class: "quiet" }, t("print.no_picture"));
  }
}

/** @param {Row} row @param {any} model @param {HTMLElement} picture */
function sheet(row, model, picture) {
  const head = make("header", {}, make("strong", {}, t("title")), make("span", {}, t("print.made", { time: dateTime(Date.now()) })));
  const foot = make("footer", {}, make("strong", {}, t("research")), ` ${t("research.more")}`);
  const name = make("h2", {}, make("bdi", {}, plain(row.name)));
  const film = make("div", { class: "sheet-picture" }, picture);
  return make("article", { class: "sheet" }, head, name, answerCard(row), film, details(row, model, true), foot);
}
