// The films of this session: what was added, and what was answered.

/**
 * @typedef {object} Row
 * @property {number} id
 * @property {string} name
 * @property {number} bytes
 * @property {"waiting" | "reading" | "done" | "cancelled"} state
 * @property {any} answer what `/api/classify` said
 * @property {{ status: number, reason: string, detail: string } | null} problem
 * @property {string} positive the positive class of the model that answered
 * @property {[number, number] | null} band its uncertain band
 */

/** @typedef {import("./store.js").Store} Store */
/** @typedef {"positive" | "negative" | "uncertain" | "refused" | "error" | Row["state"]} Outcome */

/** What a film may have come to, in the order in which a reader wants them. */
export const OUTCOMES = /** @type {const} */ ([
  ...["positive", "uncertain", "negative", "refused", "error", "reading", "waiting", "cancelled"],
]);

/** The reasons for not answering, as `edge_runtime.errors.REFUSALS` has them. */
export const REFUSALS = [
  ...["unreadable", "too_small", "too_large", "blank", "colour_photo"],
  ...["wrong_modality", "wrong_body_part", "wrong_view", "outside_intended_use", "not_a_film"],
];

/** Why there is no answer, or nothing. @param {Row} row @returns {string} */
export function reason(row) {
  return row.problem?.reason || row.answer?.refusal || "";
}

/** @param {Row} row @returns {Outcome} */
export function outcome(row) {
  if (row.state !== "done") return row.state;
  if (row.problem) return REFUSALS.includes(row.problem.reason) ? "refused" : "error";
  const { status, label } = row.answer;
  if (status !== "ok") return status === "refused" ? "refused" : "error";
  if (label === "uncertain") return "uncertain";
  return label === row.positive ? "positive" : "negative";
}

/** Rows and films, kept by a store. Tells by `changed`, `added` and `removed` events. */
export class FilmList extends EventTarget {
  /** @param {Store} store */
  constructor(store) {
    super();
    this.store = store;
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    /** @type {Map<number, Blob>} */
    this.films = new Map();
    this.next = 1;
    /** @type {Promise<unknown>} */
    this.writing = Promise.resolve(); // one after the other: a row never overtakes itself
    this.unwritten = 0;
  }

  /** Take up what a reload left; films that were being answered wait again. */
  async restore() {
    for (const row of await this.store.rows()) {
      const again = row.state === "reading" || row.state === "waiting";
      row.state = again ? (this.store.keepsFilms ? "waiting" : "cancelled") : row.state;
      this.rows.set(row.id, row);
      this.next = Math.max(this.next, row.id + 1);
    }
    this.tell("added");
  }

  /** @param {{ name: string, film: Blob }[]} films @returns {Row[]} */
  add(films) {
    const rows = films.map(({ name, film }) => this.newRow(name, film));
    // First the rows: a film that a reload comes too early for is missed, and not forgotten.
    this.write(() => this.store.saveRows(rows.filter((row) => this.rows.has(row.id))));
    for (const row of rows) this.keep(row, this.films.get(row.id));
    this.tell("added");
    return rows;
  }

  /** @param {string} name @param {Blob} film @returns {Row} */
  newRow(name, film) {
    const id = this.next;
    this.next += 1;
    this.films.set(id, film);
    const empty = { answer: null, problem: null, positive: "", band: null };
    /** @type {Row} */
    const row = { id, name, bytes: film.size, state: "waiting", ...empty };
    this.rows.set(id, row);
    return row;
  }

  /** @param {Row} row @param {Partial<Row>} changes */
  change(row, changes) {
    if (!this.rows.has(row.id)) return; // removed while it was being answered
    Object.assign(row, changes);
    if (row.state !== "reading") this.keep(row);
    this.tell("changed", row);
  }

  /** @param {Row} row */
  remove(row) {
    this.rows.delete(row.id);
    this.films.delete(row.id);
    this.write(() => this.store.remove(row.id));
    this.tell("removed", row);
  }

  /** Forget everything. */
  async clear() {
    const rows = [...this.rows.values()];
    this.rows.clear();
    this.films.clear();
    await this.writing;
    await this.store.clear();
    for (const row of rows) this.tell("removed", row);
  }

  /** The bytes of a film, or null where they are not at hand any more. @param {Row} row */
  async film(row) {
    const held = this.films.get(row.id);
    if (held) return held;
    const kept = await this.store.film(row.id);
    if (kept && this.rows.has(row.id)) this.films.set(row.id, kept);
    return kept;
  }

  /** @param {Row} row @param {Blob} [film] */
  keep(row, film) {
    this.write(async () => {
      if (!this.rows.has(row.id)) return;
      if (film) await this.store.saveFilm(row.id, film);
      if (this.rows.has(row.id)) await this.store.saveRow({ ...row });
    });
  }

  /** @param {() => Promise<unknown>} work */
  write(work) {
    this.unwritten += 1;
    const done = () => (this.unwritten -= 1);
    this.writing = this.writing.then(work).catch(() => this.tell("unkept")).finally(done);
  }

  /** @param {string} name @param {Row} [row] */
  tell(name, row) {
    this.dispatchEvent(new CustomEvent(name, { detail: row }));
  }
}
