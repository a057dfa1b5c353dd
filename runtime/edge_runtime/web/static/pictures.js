// Pictures of films from the server, each asked for once.

import { picture } from "./api.js";

/** @typedef {import("./list.js").Row} Row */
/** @typedef {import("./list.js").FilmList} FilmList */

const MOST = 48; // pictures that are held at once

/** There is no film to make a picture of: only its answer outlived a reload. */
export class NoFilm extends Error {}

/** Holds the pictures that were looked at last. */
export class Pictures {
  /** @param {FilmList} list */
  constructor(list) {
    this.list = list;
    /** @type {Map<string, Blob>} */
    this.held = new Map();
    list.addEventListener("removed", () => this.held.clear());
  }

  /**
   * Return a picture: the upright film (`view`), what the network saw (`pixels`) or the map of
   * what the answer depends on (`heatmap`).
   * @param {Row} row
   * @param {string} kind
   * @param {AbortSignal} [signal]
   * @returns {Promise<Blob>}
   */
  async of(row, kind, signal) {
    const place = `${row.id} ${kind}`;
    const held = this.held.get(place);
    if (held) {
      this.held.delete(place); // and put in again, as the last one that was looked at
      this.held.set(place, held);
      return held;
    }
    const film = await this.list.film(row);
    if (!film) throw new NoFilm();
    const blob = await picture(kind, film, signal);
    this.held.set(place, blob);
    if (this.held.size > MOST) this.held.delete(/** @type {string} */ (this.held.keys().next().value));
    return blob;
  }
}
