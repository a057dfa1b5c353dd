// One work list for each tab, which ends with the tab.
//
// A tab has a number and a key of its own in `sessionStorage`, which a reload keeps and a closed
// browser does not. What lies in the browser's database is encrypted by that key, so that films
// are unreadable once the tab is gone; the next page that opens removes them. A tab that the browser
// opens again by itself, or that was away for longer than `LONGEST`, begins anew.

const PLACE = "edge-kit.session";
export const LONGEST = 10 * 60 * 1000;
const PATIENCE = 1500; // milliseconds in which a page that is being left lets go of its lock

/**
 * @typedef {object} Session
 * @property {string} id
 * @property {CryptoKey | null} key null where the browser has no cryptography for this address
 * @property {boolean} isNew
 */

/** @typedef {{ id: string, key: string, left: number, user: string | null }} Kept */

/** Whether films can be kept over a reload: browsers encrypt on safe addresses alone. */
export function canEncrypt() {
  return Boolean(globalThis.crypto?.subtle && navigator.locks && globalThis.indexedDB);
}

/**
 * Return the session of this tab, or begin one.
 * @param {string | null} user who is signed in; another user begins anew
 * @returns {Promise<Session>}
 */
export async function openSession(user) {
  const kept = read();
  const isOurs = kept && kept.user === user && isFresh(kept) && (await lock(kept.id));
  const session = isOurs ? kept : begin(user);
  if (!isOurs) await lock(session.id);
  write({ ...session, left: Date.now() });
  addEventListener("pagehide", () => leave());
  const key = canEncrypt() ? await imported(session.key) : null;
  return { id: session.id, key, isNew: !isOurs };
}

/** Forget the key: what was kept can never be read again. */
export function endSession() {
  sessionStorage.removeItem(PLACE);
}

/**
 * Tell whether a session may go on: the tab was reloaded or led back here, and was not restored.
 * @param {Kept} kept
 */
function isFresh(kept) {
  const [entry] = performance.getEntriesByType("navigation");
  const way = /** @type {PerformanceNavigationTiming} */ (entry)?.type;
  return way !== "back_forward" && Date.now() - kept.left < LONGEST;
}

/** @returns {Kept | null} */
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE) || "null");
  } catch {
    return null;
  }
}

/** @param {Kept} session */
function write(session) {
  sessionStorage.setItem(PLACE, JSON.stringify(session));
}

/** Note when the page was left, unless the session has ended. */
function leave() {
  const kept = read();
  if (kept) write({ ...kept, left: Date.now() });
}

/** @param {string | null} user @returns {Kept} */
function begin(user) {
  return { id: hex(16), key: hex(32), left: Date.now(), user };
}

/** @param {number} bytes */
function hex(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} key @returns {Promise<CryptoKey>} */
function imported(key) {
  const bytes = Uint8Array.from(key.match(/../g) || [], (pair) => parseInt(pair, 16));
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/**
 * Hold the lock of a session for as long as this page lives. A tab that was duplicated has the
 * same session as the first one, which holds it already.
 * @param {string} id
 * @returns {Promise<boolean>} whether it is ours
 */
function lock(id) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {}); // never: the browser lets go when the page ends
    };
    const options = { signal: AbortSignal.timeout(PATIENCE) };
    navigator.locks.request(lockOf(id), options, held).catch(() => resolve(false));
  });
}

/** @param {string} id */
function lockOf(id) {
  return `edge-kit.${id}`;
}

/** The sessions of tabs that are open, this one among them. @returns {Promise<Set<string>>} */
export async function openSessions() {
  const { held = [], pending = [] } = await navigator.locks.query();
  return new Set([...held, ...pending].map((one) => (one.name || "").replace("edge-kit.", "")));
}
