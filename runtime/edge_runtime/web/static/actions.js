// What can be done with answers: print, save, copy, remove, sign out.

import { signOut } from "./api.js";
import { confirmed } from "./dialogs.js";
import { byId } from "./dom.js";
import { asCsv, asJson, asPicture, fileName, save } from "./files.js";
import { notice, removeNotice, say } from "./notices.js";
import { endSession } from "./session.js";
import { clearSheets, layOut } from "./sheets.js";
import { counted, dateTime, number, t } from "./texts.js";
import { asText } from "./words.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./list.js").Row} Row */

const CHANNEL = "edge-kit"; // on which the tabs of this page hear that somebody has signed out
const SIGNED_OUT = "signed-out";

/** @param {Page} page */
export function openActions(page) {
  const press = (/** @type {string} */ id, /** @type {() => unknown} */ act) => byId(id).addEventListener("click", act);
  press("save-csv", () => save(asCsv(page.work.shown()), fileName("answers", "csv")));
  press("save-json", () => save(asJson(page.work.shown(), page.model), fileName("answers", "json")));
  press("print-all", () => void print(page, page.work.shown()));
  press("print", () => page.pane.row && void print(page, [page.pane.row]));
  press("save-png", () => void savePicture(page));
  press("copy", () => void copy(page));
  press("remove", () => remove(page));
  press("clear", () => void clear(page));
  press("previous", () => page.work.step(-1));
  press("next", () => page.work.step(1));
  press("to-list", () => toList(page));
  page.work.addEventListener("remove", () => remove(page));
  addEventListener("afterprint", clearSheets);
  openLeaving(page);
}

/** @param {Page} page @param {Row[]} rows */
async function print(page, rows) {
  const done = rows.filter((row) => row.state === "done");
  if (!done.length) return;
  const onSheet = (/** @type {number} */ n) =>
    notice("sheets", t("print.wait", { done: number(n), total: number(done.length) }));
  await layOut(done, page.model, (row) => page.pictures.of(row, "view"), done.length > 1 ? onSheet : undefined);
  removeNotice("sheets");
  window.print();
}

/** @param {Page} page */
async function savePicture({ pane }) {
  if (!pane.row) return;
  const shown = byId("pictures").hidden ? [] : [pane.first, ...(byId("second").hidden ? [] : [pane.second])];
  const pictures = shown.filter((viewer) => viewer.levels).map((viewer) => viewer.flat());
  save(await asPicture(pane.row, pictures), fileName("answer", "png"));
}

/** @param {Page} page */
async function copy({ pane }) {
  const { row } = pane;
  if (!row) return;
  const text = asText(row, row.answer?.time ? dateTime(row.answer.time) : "");
  const isCopied = await copied(text);
  notice("copied", t(isCopied ? "copied" : "copy_failed"), { isBad: !isCopied });
  setTimeout(() => removeNotice("copied"), 6000);
}

/** @param {string} text @returns {Promise<boolean>} */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text); // addresses that are not safe have no clipboard
  }
}

/** @param {string} text */
function copiedBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden";
  document.body.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  return isDone;
}

/** Remove the film that was chosen, and go to the next one. @param {Page} page */
function remove({ list, work }) {
  const row = work.chosen;
  if (!row) return;
  const rows = work.shown();
  const place = rows.indexOf(row);
  const next = rows[place + 1] ?? rows[place - 1] ?? null;
  list.remove(row);
  work.choose(next);
  say(t("removed"));
}

/** @param {Page} page */
async function clear(page) {
  const n = page.list.rows.size;
  if (await confirmed(t("clear.title"), counted("clear.text", n), t("clear"))) await forget(page);
}

/** @param {Page} page */
async function forget({ list, queue, work, pane }) {
  queue.cancel();
  work.choose(null);
  pane.other = null;
  clearSheets();
  await list.clear();
  say(t("cleared"));
  byId("files").focus();
}

/** @param {Page} page */
function toList({ work }) {
  document.documentElement.dataset.pane = "list";
  byId("rows").querySelector("[tabindex='0']")?.focus();
  if (work.chosen) work.draw();
}

/** @param {Page} page */
function openLeaving(page) {
  const channel = new BroadcastChannel(CHANNEL);
  const leave = async () => {
    await forget(page);
    endSession();
    location.replace("/login");
  };
  channel.addEventListener("message", ({ data }) => data === SIGNED_OUT && void leave());
  byId("leave").addEventListener("click", async () => {
    const n = page.list.rows.size;
    if (n && !(await confirmed(t("sign_out"), counted("sign_out.text", n), t("sign_out")))) return;
    channel.postMessage(SIGNED_OUT);
    await signOut().catch(() => {}); // where the server is gone, the list goes all the same
    await leave();
  });
}
