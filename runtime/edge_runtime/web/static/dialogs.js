// Dialogs: the card of the model, the keys, and questions before something is gone.

import { card } from "./api.js";
import { byId, make } from "./dom.js";
import { fromMarkdown } from "./markdown.js";
import { t } from "./texts.js";

/** The keys by their texts, `keys.NAME`. */
const KEYS = [
  ["list", "↑ ↓"],
  ["open_film", "Enter"],
  ["remove", "Delete"],
  ["move", "← → ↑ ↓"],
  ["zoom", "+ −"],
  ["fit", "0"],
  ["width", "Shift + ← →"],
  ["level", "Shift + ↑ ↓"],
  ["invert", "I"],
];

/** Let every dialog be closed by its buttons and by a click beside it. */
export function openDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => {
      const target = /** @type {Element} */ (event.target);
      if (target === dialog || target.closest("[data-close]")) dialog.close();
    });
  }
  byId("model").addEventListener("click", () => void showCard());
  byId("help").addEventListener("click", showKeys);
}

async function showCard() {
  const body = byId("card-body");
  body.replaceChildren(make("p", { class: "quiet" }, t("card.wait")));
  byId("card-dialog").showModal();
  try {
    const text = await card();
    body.replaceChildren(...fromMarkdown(text));
    body.lang = "en"; // as cards are written
  } catch {
    body.replaceChildren(make("p", {}, t("gone.picture")));
    body.removeAttribute("lang");
  }
}

function showKeys() {
  const rows = KEYS.map(([name, keys]) => make("div", {}, make("dt", {}, t(`keys.${name}`)), make("dd", {}, make("kbd", {}, keys))));
  byId("keys-body").replaceChildren(make("dl", { class: "keys" }, ...rows), make("p", { class: "quiet" }, t("keys.mouse")));
  byId("keys-dialog").showModal();
}

/**
 * Ask before something is gone.
 * @param {string} title
 * @param {string} text
 * @param {string} yes what the button says
 * @returns {Promise<boolean>}
 */
export function confirmed(title, text, yes) {
  const dialog = byId("ask-dialog");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = yes;
  dialog.showModal();
  return new Promise((resolve) => {
    let isYes = false;
    const press = () => {
      isYes = true;
      dialog.close();
    };
    byId("ask-yes").addEventListener("click", press, { once: true });
    dialog.addEventListener(
      "close",
      () => {
        byId("ask-yes").removeEventListener("click", press);
        resolve(isYes);
      },
      { once: true },
    );
  });
}
