// Films are answered a few at a time, in the order in which they came.

import { Gone, Problem, classify, isThere, patience } from "./api.js";
import { pause } from "./dom.js";

/** @typedef {import("./list.js").FilmList} FilmList */
/** @typedef {import("./list.js").Row} Row */

const MOST = 3; // films at the server at once
const FIRST_TRY = 2; // seconds until a server that is gone is looked for
const LAST_TRY = 20;

/** Asks for the answers of waiting films. Tells by `moved`, `wait`, `gone`, `back`, `left`. */
export class Queue extends EventTarget {
  /**
   * @param {FilmList} list
   * @param {() => { positive: string, band: [number, number] | null }} judge
   */
  constructor(list, judge) {
    super();
    this.list = list;
    this.judge = judge;
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Map<Row, AbortController>} */
    this.running = new Map();
    this.isHeld = false;
    this.total = 0;
    this.done = 0;
    this.wake = new AbortController();
  }

  get isBusy() {
    return this.rows.length + this.running.size > 0;
  }

  /** @param {Row[]} rows */
  add(rows) {
    if (!this.isBusy) this.total = this.done = 0;
    this.rows.push(...rows);
    this.total += rows.length;
    this.move();
  }

  /** Give up what waits and what runs. */
  cancel() {
    for (const row of this.rows.splice(0)) this.list.change(row, { state: "cancelled" });
    for (const controller of this.running.values()) controller.abort();
    this.move();
  }

  /** @param {Row} row a film that was removed */
  drop(row) {
    const place = this.rows.indexOf(row);
    if (place >= 0) {
      this.rows.splice(place, 1);
      this.done += 1;
    }
    this.running.get(row)?.abort();
    this.move();
  }

  /** Look for the server at once, instead of when its time has come. */
  retry() {
    this.wake.abort();
  }

  /** Start as many films as may run, and tell how far it is. */
  move() {
    while (!this.isHeld && this.running.size < MOST && this.rows.length) {
      const row = /** @type {Row} */ (this.rows.shift());
      const controller = new AbortController();
      this.running.set(row, controller);
      void this.answer(row, controller);
    }
    this.tell("moved");
  }

  /** @param {Row} row @param {AbortController} controller */
  async answer(row, controller) {
    this.list.change(row, { state: "reading" });
    let isDone = true;
    try {
      const film = await this.list.film(row);
      const answer = film && (await classify(film, row.name, controller.signal));
      const state = answer ? "done" : "cancelled";
      this.list.change(row, { state, answer, problem: null, ...this.judge() });
    } catch (error) {
      isDone = this.fail(row, error, controller.signal.aborted);
    }
    this.running.delete(row);
    if (isDone) this.done += 1;
    this.move();
  }

  /**
   * @param {Row} row
   * @param {unknown} error
   * @param {boolean} isCancelled
   * @returns {boolean} whether nothing more is to be done for the film
   */
  fail(row, error, isCancelled) {
    if (isCancelled) {
      this.list.change(row, { state: "cancelled" });
      return true;
    }
    const problem = error instanceof Problem ? error : null;
    if (error instanceof Gone || problem?.isBusy || problem?.status === 401) {
      this.list.change(row, { state: "waiting" });
      this.rows.unshift(row);
      this.hold(error);
      return false;
    }
    const { status = 0, reason = "", detail = String(error) } = problem ?? {};
    this.list.change(row, { state: "done", problem: { status, reason, detail } });
    return true;
  }

  /** Start nothing until what stands in the way is over. @param {unknown} error */
  hold(error) {
    if (this.isHeld) return;
    this.isHeld = true;
    if (error instanceof Gone) void this.seek();
    else if (error instanceof Problem && error.isBusy) void this.wait(patience(error));
    else this.tell("left");
  }

  /** @param {number} seconds */
  async wait(seconds) {
    this.tell("wait", seconds);
    await pause(seconds);
    this.goOn();
  }

  /** Look for the server, less and less often, until it is back. */
  async seek() {
    this.tell("gone");
    for (let seconds = FIRST_TRY; ; seconds = Math.min(LAST_TRY, 2 * seconds)) {
      this.wake = new AbortController();
      await pause(seconds, this.wake.signal);
      if (await isThere()) break;
      this.tell("gone");
    }
    this.tell("back");
    this.goOn();
  }

  goOn() {
    this.isHeld = false;
    this.move();
  }

  /** @param {string} name @param {unknown} [detail] */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
