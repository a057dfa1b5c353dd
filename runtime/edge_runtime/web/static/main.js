// Where the page begins.

import { Gone, Problem, json, signIn } from "./api.js";
import { openDialogs } from "./dialogs.js";
import { byId } from "./dom.js";
import { placeIcons } from "./icons.js";
import { FilmList } from "./list.js";
import { notice, removeNotice } from "./notices.js";
import { openPage } from "./page.js";
import { openSession } from "./session.js";
import { Store } from "./store.js";
import { offerLanguages, startTexts, t } from "./texts.js";
import { takeToken } from "./token.js";

/** Ask who is signed in, for which model, and take up what a reload left. */
async function begin() {
  const token = takeToken();
  if (token) await signIn({ token }).catch(() => {}); // a page without a login needs no token
  const told = await json("/api/session");
  const { login_required: needsLogin, user } = told;
  if (needsLogin && !user) return location.replace("/login");
  const model = await json("/model");
  const session = await openSession(user);
  const list = new FilmList(await Store.open(session));
  showUser(needsLogin ? user : null);
  openPage(list, model, told);
  await list.restore();
  document.documentElement.dataset.ready = "true";
}

/** @param {string | null} user */
function showUser(user) {
  byId("user").hidden = byId("leave").hidden = !user;
  byId("user").textContent = user ?? "";
}

/** Begin, and where the server is not there say so and let somebody try again. */
async function tryToBegin() {
  try {
    await begin();
    removeNotice("start");
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return location.replace("/login");
    const text = error instanceof Gone ? t("gone") : t("start_failed", { detail: String(error) });
    notice("start", text, { isBad: true, action: t("retry"), act: () => location.reload() });
  }
}

await startTexts();
offerLanguages(byId("language"));
placeIcons(document);
openDialogs();
await tryToBegin();
