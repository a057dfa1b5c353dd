// The texts of the page, in the language of the browser or the one that was chosen.

/** @type {Record<string, string>} */
export const LANGUAGES = { en: "English", es: "Español", fr: "Français", pt: "Português" };
const FIRST = "en";
const CHOSEN = "edge-kit.language"; // the only thing that is kept for longer than a session

/** @type {Record<string, string>} */
let texts = {};
let language = FIRST;
let locale = FIRST; // as the browser writes dates and numbers, where it speaks the language
/** @type {(() => void)[]} */
const listeners = [];

/** The code of the language in use. */
export function currentLanguage() {
  return language;
}

/**
 * Return a text with its `{places}` filled.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));
}

/** @param {string} key whether there is a text of that name */
export function isKnown(key) {
  return key in texts;
}

/**
 * Return the text of `key` for a number of things: `key.one` or `key.other`.
 * @param {string} key
 * @param {number} n
 * @param {Record<string, string | number>} [values]
 */
export function counted(key, n, values = {}) {
  const rule = new Intl.PluralRules(language).select(n) === "one" ? "one" : "other";
  return t(`${key}.${rule}`, { n: number(n), ...values });
}

/**
 * Write a number as the language does.
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 */
export function number(value, options) {
  return new Intl.NumberFormat(locale, options).format(value);
}

/**
 * Write a probability in per cent, with a tenth where that tells two numbers apart.
 * @param {number} value
 */
export function percent(value) {
  return number(value, { style: "percent", maximumFractionDigits: 1 });
}

/** @param {string | number} when */
export function dateTime(when) {
  const options = { dateStyle: "medium", timeStyle: "medium" };
  return new Intl.DateTimeFormat(locale, /** @type {any} */ (options)).format(new Date(when));
}

/** @param {() => void} listener is called after the language has changed */
export function onLanguage(listener) {
  listeners.push(listener);
}

/** Load the language that was chosen, or the first of the browser's that there is. */
export async function startTexts() {
  let chosen = null;
  try {
    chosen = localStorage.getItem(CHOSEN);
  } catch {
    // A browser that keeps nothing is asked for its languages alone.
  }
  const wanted = [chosen, ...navigator.languages].map((code) => (code || "").slice(0, 2));
  await load(wanted.find((code) => code in LANGUAGES) || FIRST);
}

/** @param {string} code what somebody chose by hand */
export async function chooseLanguage(code) {
  await load(code);
  try {
    localStorage.setItem(CHOSEN, code);
  } catch {
    // The choice then holds for this page alone.
  }
}

/** @param {string} code */
async function load(code) {
  const answer = await fetch(`/languages/${code}.json`);
  if (!answer.ok) throw new Error(`no language ${code}`);
  texts = await answer.json();
  language = code;
  locale = navigator.languages.find((one) => one.slice(0, 2) === code) ?? code;
  document.documentElement.lang = code;
  translate(document);
  for (const listener of listeners) listener();
}

/**
 * Fill what has a `data-text`, a `data-label` or a `data-placeholder`.
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = t(element.getAttribute("data-text") || "");
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    const label = t(element.getAttribute("data-label") || "");
    element.setAttribute("aria-label", label);
    if (element instanceof HTMLButtonElement) element.title = label;
  }
  for (const element of root.querySelectorAll("[data-placeholder]")) {
    element.setAttribute("placeholder", t(element.getAttribute("data-placeholder") || ""));
  }
}

/**
 * Fill a list of languages, and let it choose.
 * @param {HTMLSelectElement} select
 */
export function offerLanguages(select) {
  for (const [code, name] of Object.entries(LANGUAGES)) {
    const option = new Option(name, code, false, code === language);
    option.lang = code;
    select.append(option);
  }
  select.addEventListener("change", () => void chooseLanguage(select.value));
}
