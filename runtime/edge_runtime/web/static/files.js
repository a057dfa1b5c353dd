// Answers as files: tables that no spreadsheet computes, JSON, and a picture of one answer.

import { make } from "./dom.js";
import { iconPath } from "./icons.js";
import { outcome, reason } from "./list.js";
import { className, explanation, meaning, outcomeName, plain } from "./words.js";
import { dateTime, percent, t } from "./texts.js";

/** @typedef {import("./list.js").Row} Row */

// As `edge_runtime.text` has them: in some languages spreadsheets take the wide forms for the four.
const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const COLUMNS = [
  ...["file", "status", "label", "probability", "threshold", "uncertain_from", "uncertain_to"],
  ...["refusal", "problem", "warning", "model", "version", "identity", "time", "sha256", "note"],
];

/** Let a browser save a file. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A name with the time, and nothing of a film. @param {string} what @param {string} ending */
export function fileName(what, ending) {
  const time = new Date().toISOString().slice(0, 19).replace(/:/g, "-");
  return `${what}-${time}.${ending}`;
}

/** @param {Row} row what a table has of a film, key by key */
function record(row) {
  const answer = row.answer ?? {};
  const [low, high] = row.band ?? [null, null];
  return {
    file: row.name,
    status: row.state === "done" ? (outcome(row) === "refused" ? "refused" : answer.status ?? "error") : row.state,
    label: answer.label ?? null, probability: answer.probability ?? null, threshold: answer.threshold ?? null,
    uncertain_from: answer.status === "ok" ? low : null, uncertain_to: answer.status === "ok" ? high : null,
    refusal: reason(row) || null, problem: row.problem?.detail ?? answer.problem ?? null,
    warning: answer.warning ?? null, model: answer.model?.name ?? null, version: answer.model?.version ?? null,
    identity: answer.model?.identity ?? null, time: answer.time ?? null, sha256: answer.sha256 ?? null,
    note: t("research"),
  };
}

/** @param {unknown} value a cell: texts in quotes, with an apostrophe before what would be computed */
export function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return `"${text.replace(/"/g, '""')}"`;
}

/** @param {Row[]} rows a table with a byte-order mark, by which spreadsheets know the encoding */
export function asCsv(rows) {
  const lines = rows.map(record).map((one) => Object.values(one).map(cell).join(","));
  return new Blob([`\ufeff${[COLUMNS.join(","), ...lines].join("\r\n")}\r\n`], { type: "text/csv" });
}

/** @param {Row[]} rows @param {any} model */
export function asJson(rows, model) {
  const { name, version, identity, threshold, band, positive } = model;
  const document = {
    research_use_only: `${t("research")} ${t("research.more")}`,
    written: new Date().toISOString(),
    model: { name, version, identity, threshold, band, positive },
    films: rows.map(record),
  };
  return new Blob([`${JSON.stringify(document, null, 2)}\n`], { type: "application/json" });
}

const WIDE = 1200;
const EDGE = 48;
const INK = "#16242b";
const QUIET = "#4d5f68";
/** @type {Record<string, string>} */
const COLOURS = { positive: "#9a3d00", negative: "#0a558c", uncertain: "#6b3482", refused: "#44535a", error: "#98252f" };

/**
 * Draw an answer with its pictures as they are on the screen.
 * @param {Row} row
 * @param {HTMLCanvasElement[]} pictures
 * @returns {Promise<Blob>}
 */
export function asPicture(row, pictures) {
  const canvas = make("canvas", { width: WIDE, height: 2400 });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  let y = drawHead(context, row);
  y = drawPictures(context, pictures, y);
  y = drawFoot(context, row, y);
  const cut = make("canvas", { width: WIDE, height: Math.ceil(y + EDGE) });
  cut.getContext("2d").drawImage(canvas, 0, 0);
  return new Promise((resolve, reject) =>
    cut.toBlob((/** @type {Blob | null} */ blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"),
  );
}

/** @param {CanvasRenderingContext2D} context @param {Row} row */
function drawHead(context, row) {
  context.save();
  context.translate(EDGE, EDGE);
  context.scale(2.6, 2.6);
  context.strokeStyle = COLOURS[outcome(row)] ?? INK;
  context.lineWidth = 2;
  context.stroke(new Path2D(iconPath(outcome(row))));
  context.restore();
  write(context, outcomeName(row), EDGE + 84, EDGE + 46, 46, COLOURS[outcome(row)] ?? INK, true);
  const isAnswer = row.answer?.status === "ok";
  const positive = className(row.positive);
  const text = isAnswer
    ? `${t("probability", { positive })}: ${percent(row.answer.probability)}. ${meaning(row)}`
    : Object.values(explanation(row)).join(" ");
  return write(context, text, EDGE, EDGE + 112, 24, INK) + 12;
}

/** @param {CanvasRenderingContext2D} context @param {HTMLCanvasElement[]} pictures @param {number} y */
function drawPictures(context, pictures, y) {
  if (!pictures.length) return y;
  const width = (WIDE - 2 * EDGE - 24 * (pictures.length - 1)) / pictures.length;
  let lowest = y;
  pictures.forEach((picture, place) => {
    const scale = Math.min(width / picture.width, 1000 / picture.height);
    const [wide, high] = [picture.width * scale, picture.height * scale];
    context.drawImage(picture, EDGE + place * (width + 24) + (width - wide) / 2, y, wide, high);
    lowest = Math.max(lowest, y + high);
  });
  return lowest + 44;
}

/** @param {CanvasRenderingContext2D} context @param {Row} row @param {number} y */
function drawFoot(context, row, y) {
  const model = row.answer?.model;
  const said = [plain(row.name)];
  if (model) said.push(`${model.name} ${model.version}`, dateTime(row.answer.time), model.identity);
  let next = write(context, `${t("research")} ${t("research.more")}`, EDGE, y, 22, INK, true);
  for (const line of said) next = write(context, line, EDGE, next, 20, QUIET);
  return next - 20;
}

/**
 * Write a paragraph over the width that is left; return where the next one begins.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {number} size
 * @param {string} colour
 * @param {boolean} [isBold]
 */
function write(context, text, x, y, size, colour, isBold = false) {
  context.font = `${isBold ? "600 " : ""}${size}px system-ui, sans-serif`;
  context.fillStyle = colour;
  let line = "";
  for (const word of text.split(/\s+/)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && context.measureText(longer).width > WIDE - x - EDGE) {
      context.fillText(line, x, y);
      y += size * 1.4;
      line = word;
    } else line = longer;
  }
  context.fillText(line, x, y);
  return y + size * 1.5;
}
