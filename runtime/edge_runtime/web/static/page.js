// The parts of the page, connected.

import { openActions } from "./actions.js";
import { offerDemo } from "./demo.js";
import { byId } from "./dom.js";
import { FilmPane } from "./film.js";
import { openIntake } from "./intake.js";
import { outcome } from "./list.js";
import { notice, removeNotice, say } from "./notices.js";
import { Pictures } from "./pictures.js";
import { Queue } from "./queue.js";
import { counted, number, onLanguage, t } from "./texts.js";
import { WorkList } from "./worklist.js";
import { outcomeName, plain } from "./words.js";

/** @typedef {import("./list.js").Row} Row */
/** @typedef {import("./list.js").FilmList} FilmList */

const FILM = "film"; // what the browser's history has while a film is open

/**
 * @typedef {object} Page
 * @property {FilmList} list
 * @property {Queue} queue
 * @property {WorkList} work
 * @property {FilmPane} pane
 * @property {Pictures} pictures
 * @property {any} model
 */

/**
 * Connect everything.
 * @param {FilmList} list
 * @param {any} model what `/model` says
 * @param {{ kept?: boolean, demo?: boolean }} session whether films are kept, or there for trying
 */
export function openPage(list, model, { kept = false, demo = false }) {
  const queue = new Queue(list, () => ({ positive: model.positive, band: model.band }));
  const work = new WorkList(list, model);
  const pictures = new Pictures(list);
  const pane = new FilmPane(list, pictures, model, (row) => queue.add([row]));
  const page = { list, queue, work, pane, pictures, model };
  showModel(model, kept);
  const taking = (/** @type {any[]} */ films, /** @type {number} */ others) => take(page, films, others);
  openIntake({ files: byId("files"), folder: byId("folder"), veil: byId("veil") }, taking);
  if (demo) offerDemo(taking);
  connectList(page);
  connectQueue(page);
  connectBrowser(page);
  openActions(page);
  onLanguage(() => {
    showModel(model, kept);
    work.draw();
    pane.refresh();
    showProgress(queue);
  });
}

/** @param {any} model @param {boolean} isKept */
function showModel(model, isKept) {
  byId("model-name").textContent = `${model.name} ${model.version}`;
  if (isKept) byId("welcome").querySelector("[data-text='welcome.gone']")?.replaceChildren(t("welcome.kept"));
  if (!isSecure()) notice("unsafe", t("unsafe"));
}

function isSecure() {
  return globalThis.isSecureContext;
}

/**
 * @param {Page} page
 * @param {{ name: string, film: File }[]} films
 * @param {number} others files of a folder that are no films
 */
function take({ list, queue, work }, films, others) {
  if (others) notice("others", counted("add.others", others));
  else removeNotice("others");
  if (!films.length) return;
  const rows = list.add(films);
  say(counted("add.added", rows.length));
  queue.add(rows);
  if (!work.chosen || rows.length === 1) work.choose(rows[0], rows.length === 1);
}

/** @param {Page} page */
function connectList({ list, queue, work, pane }) {
  const choose = (/** @type {Row | null} */ row, /** @type {boolean} */ isOpened) => {
    pane.show(row);
    if (!row) document.documentElement.dataset.pane = "list";
    else if (isOpened) openPane();
  };
  work.addEventListener("chosen", (/** @type {any} */ { detail }) => choose(detail.row, detail.isOpened));
  list.addEventListener("changed", (/** @type {any} */ { detail }) => {
    if (detail === work.chosen) pane.show(detail);
  });
  list.addEventListener("removed", (/** @type {any} */ { detail }) => queue.drop(detail));
  list.addEventListener("unkept", () => notice("unkept", t("unkept")));
  list.addEventListener("added", () => goOnAfterReload({ list, queue, work }), { once: true });
}

/** Show the film where there is room for one pane; to go back leads to the list from here. */
function openPane() {
  document.documentElement.dataset.pane = "film";
  if (history.state !== FILM) history.pushState(FILM, "");
}

/** Let nobody leave by mistake. @param {Page} page */
function connectBrowser({ list, queue }) {
  addEventListener("popstate", () => (document.documentElement.dataset.pane = "list"));
  addEventListener("beforeunload", (event) => {
    if (queue.running.size || list.unwritten) event.preventDefault();
  });
}

/** Answer what was waiting when the page was left. @param {Pick<Page, "list" | "queue" | "work">} page */
function goOnAfterReload({ list, queue, work }) {
  const rows = [...list.rows.values()];
  const waiting = rows.filter((row) => row.state === "waiting" && !list.films.has(row.id));
  if (waiting.length) queue.add(waiting);
  if (rows.length && !work.chosen) work.choose(rows[0]);
}

/** @param {Page} page */
function connectQueue({ queue, list }) {
  byId("cancel").addEventListener("click", () => queue.cancel());
  queue.addEventListener("moved", () => {
    showProgress(queue);
    if (!queue.isBusy) announce(queue, list);
  });
  queue.addEventListener("wait", (/** @type {any} */ { detail }) => {
    notice("busy", counted("busy", detail));
    setTimeout(() => removeNotice("busy"), 1000 * detail);
  });
  queue.addEventListener("gone", () => {
    notice("gone", t("gone"), { isBad: true, action: t("retry"), act: () => queue.retry() });
  });
  queue.addEventListener("back", () => removeNotice("gone"));
  queue.addEventListener("left", () => {
    notice("left", t("left"), { isBad: true, action: t("login.enter"), act: () => location.assign("/login") });
  });
}

/** @param {Queue} queue */
function showProgress(queue) {
  byId("progress").hidden = !queue.isBusy;
  byId("meter").max = Math.max(1, queue.total);
  byId("meter").value = queue.done;
  byId("progress-text").textContent = t("progress", { done: number(queue.done), total: number(queue.total) });
}

/** @param {Queue} queue @param {FilmList} list */
function announce(queue, list) {
  if (!queue.total) return;
  const rows = [...list.rows.values()];
  const last = rows.at(-1);
  if (queue.total === 1 && last) say(`${plain(last.name)}: ${outcomeName(last)}`);
  else say(counted("finished", rows.filter((row) => outcome(row) !== "cancelled").length));
  queue.total = queue.done = 0;
}
