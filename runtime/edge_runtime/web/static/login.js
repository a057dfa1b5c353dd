// The page of the login.

import { Problem, json, signIn } from "./api.js";
import { byId } from "./dom.js";
import { counted, dateTime, offerLanguages, startTexts, t } from "./texts.js";
import { takeToken } from "./token.js";

const MINUTE = 60;

/** @param {Record<string, string>} credentials */
async function enter(credentials) {
  byId("enter").disabled = true;
  byId("wrong").hidden = true;
  try {
    await signIn(credentials);
    location.replace("/");
  } catch (error) {
    byId("enter").disabled = false;
    refuse(error, "token" in credentials);
  }
}

/** @param {unknown} error @param {boolean} isToken */
function refuse(error, isToken) {
  const status = error instanceof Problem ? error.status : 0;
  if (status === 429) lockOut(/** @type {Problem} */ (error).retryAfter || MINUTE);
  else if (status === 401) tell(t(isToken ? "login.token_wrong" : "login.wrong"));
  else if (status === 0) tell(t("gone"));
  else tell(t("start_failed", { detail: String(/** @type {Error} */ (error).message) }));
  if (status === 401 && !isToken) {
    byId("password").value = "";
    byId("password").focus();
  }
}

/** Let nobody try before the time that the server named. @param {number} seconds */
function lockOut(seconds) {
  const until = dateTime(Date.now() + 1000 * seconds);
  const wait = seconds < 2 * MINUTE ? counted("seconds", seconds) : counted("minutes", Math.ceil(seconds / MINUTE));
  tell(t("login.locked", { wait, until }));
  byId("enter").disabled = true;
  setTimeout(() => {
    byId("enter").disabled = false;
    byId("wrong").hidden = true;
  }, 1000 * seconds);
}

/** @param {string} text */
function tell(text) {
  byId("wrong").textContent = text;
  byId("wrong").hidden = false;
}

byId("form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const [user, password] = [byId("name").value.trim(), byId("password").value];
  if (user && password) return void enter({ user, password });
  tell(t("login.empty"));
  byId(user ? "password" : "name").focus();
});

await startTexts();
offerLanguages(byId("language"));
document.title = t("title");
document.documentElement.dataset.ready = "true";
const token = takeToken();
if (token) await enter({ token });
else {
  const session = await json("/api/session").catch(() => null);
  if (session && (!session.login_required || session.user)) location.replace("/");
}
