// The films and answers of this tab, encrypted in the browser's database: see session.js.

import { LONGEST, openSessions } from "./session.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./list.js").Row} Row */

const NAME = "edge-kit";
const ROWS = "rows";
const FILMS = "films";
const SEEN = "seen"; // session -> when its page last wrote
const PLAIN_ROWS = "edge-kit.rows"; // where nothing can be encrypted: the tab's own storage

/** What keeps rows and films until the session ends. */
export class Store {
  /**
   * @param {Session} session
   * @param {IDBDatabase | null} base null where films are not kept over a reload
   */
  constructor(session, base) {
    this.session = session;
    this.base = base;
  }

  get keepsFilms() {
    return this.base !== null;
  }

  /** @param {Session} session @returns {Promise<Store>} */
  static async open(session) {
    let base = null;
    try {
      base = session.key ? await openBase() : null;
    } catch {
      // A private window may have no database: the list then lives as long as the page.
    }
    const store = new Store(session, base);
    if (base) await store.removeDead();
    return store;
  }

  /** Return the rows of this session, as they were added. @returns {Promise<Row[]>} */
  async rows() {
    if (!this.base) return Object.values(plainRows());
    const kept = await this.ask(ROWS, (store) => store.getAll(this.range()));
    const rows = await Promise.all(kept.map((one) => this.decrypted(one)));
    return rows.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
  }

  /** All of them at once, which takes little where each film takes its time. @param {Row[]} rows */
  async saveRows(rows) {
    if (!this.base) return rows.forEach((row) => savePlain(row));
    await this.noteSeen();
    const sealed = await Promise.all(rows.map((row) => this.encrypted(asBytes(row))));
    const store = this.base.transaction(ROWS, "readwrite").objectStore(ROWS);
    const puts = sealed.map((one, at) => settled(store.put(one, [this.session.id, rows[at].id])));
    await Promise.all(puts);
  }

  /** @param {Row} row */
  async saveRow(row) {
    if (!this.base) return savePlain(row);
    return this.save(ROWS, row.id, asBytes(row));
  }

  /** @param {number} id @param {Blob} film */
  async saveFilm(id, film) {
    if (this.base) await this.save(FILMS, id, await film.arrayBuffer());
  }

  /** @param {number} id @returns {Promise<Blob | null>} */
  async film(id) {
    if (!this.base) return null;
    const kept = await this.ask(FILMS, (store) => store.get([this.session.id, id]));
    return kept ? new Blob([await this.decrypted(kept)]) : null;
  }

  /** @param {number} id */
  async remove(id) {
    if (!this.base) return savePlain({ id }, true);
    const place = [this.session.id, id];
    await this.ask(ROWS, (store) => store.delete(place), "readwrite");
    await this.ask(FILMS, (store) => store.delete(place), "readwrite");
  }

  /** Remove everything of this session. */
  async clear() {
    sessionStorage.removeItem(PLAIN_ROWS);
    if (this.base) await this.removeSession(this.session.id);
  }

  /** @param {string} id */
  async removeSession(id) {
    await this.ask(ROWS, (store) => store.delete(this.range(id)), "readwrite");
    await this.ask(FILMS, (store) => store.delete(this.range(id)), "readwrite");
    await this.ask(SEEN, (store) => store.delete(id), "readwrite");
  }

  /** Remove what tabs left that are gone. */
  async removeDead() {
    const ids = await this.ask(SEEN, (store) => store.getAllKeys());
    const times = await this.ask(SEEN, (store) => store.getAll());
    const open = await openSessions();
    for (const [place, id] of ids.entries()) {
      const isAway = Date.now() - times[place] > LONGEST;
      if (id !== this.session.id && !open.has(id) && isAway) await this.removeSession(id);
    }
  }

  /** @param {string} id */
  range(id = this.session.id) {
    return IDBKeyRange.bound([id], [id, []]);
  }

  /** @param {string} place @param {number} id @param {BufferSource} bytes */
  async save(place, id, bytes) {
    const sealed = await this.encrypted(bytes);
    await this.ask(place, (store) => store.put(sealed, [this.session.id, id]), "readwrite");
    await this.noteSeen();
  }

  noteSeen() {
    return this.ask(SEEN, (store) => store.put(Date.now(), this.session.id), "readwrite");
  }

  /** @param {BufferSource} bytes */
  async encrypted(bytes) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const key = /** @type {CryptoKey} */ (this.session.key);
    return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes) };
  }

  /** @param {{ iv: Uint8Array, data: ArrayBuffer }} kept */
  decrypted({ iv, data }) {
    const key = /** @type {CryptoKey} */ (this.session.key);
    return crypto.subtle.decrypt({ name: "AES-GCM", iv: /** @type {any} */ (iv) }, key, data);
  }

  /**
   * @param {string} place
   * @param {(store: IDBObjectStore) => IDBRequest} work
   * @param {IDBTransactionMode} [mode]
   * @returns {Promise<any>}
   */
  async ask(place, work, mode = "readonly") {
    const base = /** @type {IDBDatabase} */ (this.base);
    return settled(work(base.transaction(place, mode).objectStore(place)));
  }
}

/** @param {Row} row */
function asBytes(row) {
  return new TextEncoder().encode(JSON.stringify(row));
}

/** @param {IDBRequest} request @returns {Promise<any>} */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
function openBase() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    for (const place of [ROWS, FILMS, SEEN]) request.result.createObjectStore(place);
  };
  return settled(request);
}

/** @returns {Record<string, any>} */
function plainRows() {
  return JSON.parse(sessionStorage.getItem(PLAIN_ROWS) || "{}");
}

/** @param {{ id: number }} row @param {boolean} [isGone] */
function savePlain(row, isGone = false) {
  const rows = plainRows();
  if (isGone) delete rows[row.id];
  else rows[row.id] = row;
  sessionStorage.setItem(PLAIN_ROWS, JSON.stringify(rows));
}
