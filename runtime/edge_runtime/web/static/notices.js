// What has to be known now: notices above the page, and words for screen readers.

import { byId, make } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./texts.js";

/**
 * Show a notice in the place of the one of the same name.
 * @param {string} name
 * @param {string} text
 * @param {{ isBad?: boolean, action?: string, act?: () => void }} [options]
 */
export function notice(name, text, { isBad = false, action, act } = {}) {
  const old = find(name);
  if (old?.dataset.said === text) return;
  const box = make("div", { class: `notice ${isBad ? "bad" : ""}`, "data-notice": name, "data-said": text });
  box.append(icon(isBad ? "error" : "waiting"), make("p", {}, text));
  if (action && act) box.append(make("button", { type: "button", class: "small", click: act }, action));
  const close = make("button", { type: "button", class: "plain", "aria-label": t("close"), click: () => box.remove() });
  close.append(icon("close"));
  box.append(close);
  if (old) old.replaceWith(box);
  else byId("notices").append(box);
}

/** @param {string} name */
export function removeNotice(name) {
  find(name)?.remove();
}

/** @param {string} name @returns {HTMLElement | null} */
function find(name) {
  return byId("notices").querySelector(`[data-notice="${name}"]`);
}

/** Say something to whoever does not see the page. @param {string} text */
export function say(text) {
  byId("said").textContent = text;
}
