// What is asked of the server. Nothing here asks any other machine.

import { pause } from "./dom.js";

const MOST = 4; // requests about films at once, answers and pictures together
const LONGEST_WAIT = 120; // seconds that a server may ask for
const TRIES = 5; // of a picture, while the server is busy

/** What the server says is wrong: `application/problem+json`, or a status alone. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {Record<string, any>} told
   * @param {number} retryAfter seconds, 0 where the server names none
   */
  constructor(status, told, retryAfter) {
    super(told.detail || told.title || String(status));
    this.status = status;
    this.reason = typeof told.reason === "string" ? told.reason : "";
    this.detail = told.detail || told.title || "";
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may be answered a little later. */
  get isBusy() {
    const isForNow = this.reason !== "machine_lacks"; // a decoder that is missing stays missing
    return isForNow && (this.status === 429 || this.status === 503);
  }
}

/** The server did not answer at all. */
export class Gone extends Error {}

let free = MOST;
/** @type {(() => void)[]} */
const waiting = [];

/**
 * Run `work` when fewer than `MOST` others run; `first` is for what somebody looks at.
 * @template T
 * @param {() => Promise<T>} work
 * @param {boolean} first
 * @returns {Promise<T>}
 */
async function inTurn(work, first) {
  if (free > 0) free -= 1;
  else await new Promise((go) => (first ? waiting.unshift(() => go(0)) : waiting.push(() => go(0))));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Gone(String(error));
  }
  if (answer.ok) return answer;
  throw new Problem(answer.status, await toldBy(answer), waitOf(answer));
}

/** @param {Response} answer */
async function toldBy(answer) {
  try {
    const told = await answer.json();
    return told && typeof told === "object" ? told : {};
  } catch {
    return {};
  }
}

/** @param {Response} answer */
function waitOf(answer) {
  const told = answer.headers.get("Retry-After");
  if (!told) return 0;
  const seconds = Number(told);
  const wait = Number.isFinite(seconds) ? seconds : (Date.parse(told) - Date.now()) / 1000;
  return wait > 0 ? Math.ceil(wait) : 0;
}

/**
 * The seconds to wait before a busy server is asked again.
 * @param {Problem} problem
 */
export function patience(problem) {
  return Math.min(LONGEST_WAIT, Math.max(1, problem.retryAfter));
}

/**
 * Ask for the answer for one film.
 * @param {Blob} film
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
export async function classify(film, name, signal) {
  const whole = name.slice(-200).replace(/\p{Surrogate}/gu, "\ufffd"); // half a character has no code
  const headers = { "X-Film-Name": encodeURIComponent(whole) };
  const post = { method: "POST", body: asBytes(film), headers, signal };
  return inTurn(async () => (await ask("/api/classify", post)).json(), false);
}

/**
 * Ask for a picture of a film: `pixels`, `view` or `heatmap`. A busy server is asked again.
 * @param {string} kind
 * @param {Blob} film
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob>}
 */
export async function picture(kind, film, signal) {
  const post = { method: "POST", body: asBytes(film), signal };
  for (let left = TRIES; ; left -= 1) {
    try {
      return await inTurn(async () => (await ask(`/api/${kind}`, post)).blob(), true);
    } catch (error) {
      if (!(error instanceof Problem && error.isBusy) || left <= 1) throw error;
      await pause(patience(error), signal);
      signal?.throwIfAborted();
    }
  }
}

/**
 * A film without the type that its name suggests: the server looks at the bytes alone.
 * @param {Blob} film
 */
function asBytes(film) {
  return film.slice(0, film.size, "application/octet-stream");
}

/** @param {string} path */
export async function json(path) {
  return (await ask(path)).json();
}

/** The card of the model, as text. */
export async function card() {
  return (await ask("/card")).text();
}

/** Whether the server answers. */
export async function isThere() {
  try {
    await ask("/health", { signal: AbortSignal.timeout(4000) });
    return true;
  } catch (error) {
    return error instanceof Problem;
  }
}

/** @param {Record<string, string>} credentials user and password, or a token */
export async function signIn(credentials) {
  const headers = { "Content-Type": "application/json" };
  await ask("/login", { method: "POST", headers, body: JSON.stringify(credentials) });
}

/** End the session at the server. */
export async function signOut() {
  await ask("/logout", { method: "POST" });
}
