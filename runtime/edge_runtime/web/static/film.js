// The pane of the film that was chosen: its answer, its pictures, what can be done with it.

import { Gone, Problem } from "./api.js";
import { answerCard, details } from "./answer.js";
import { openControls, showState } from "./controls.js";
import { byId, make } from "./dom.js";
import { outcome } from "./list.js";
import { NoFilm } from "./pictures.js";
import { t } from "./texts.js";
import { PLAIN, Viewer } from "./viewer.js";
import { className, outcomeName, plain, shortLine } from "./words.js";

/** @typedef {import("./list.js").Row} Row */

/** Shows one film, and a second picture beside it. */
export class FilmPane {
  /**
   * @param {import("./list.js").FilmList} list
   * @param {import("./pictures.js").Pictures} pictures
   * @param {any} model
   * @param {(row: Row) => void} again asks for the answer once more
   */
  constructor(list, pictures, model, again) {
    this.list = list;
    this.pictures = pictures;
    this.model = model;
    this.again = again;
    /** @type {Row | null} */
    this.row = null;
    this.beside = "none";
    /** @type {Row | null} */
    this.other = null;
    this.turn = new AbortController();
    this.first = new Viewer(byId("stage"));
    this.second = new Viewer(byId("stage-2"));
    /** @type {string | null} */
    this.overlayUrl = null;
    openControls(this.first, this.second);
    this.connect();
  }

  connect() {
    byId("beside").addEventListener("change", (/** @type {any} */ event) => this.setBeside(event.target.value));
    byId("other").addEventListener("change", () => this.setOther(Number(byId("other").value)));
    byId("strength").addEventListener("input", () => this.second.setStrength(byId("strength").value / 100));
  }

  /** @param {Row | null} row */
  show(row) {
    const isOther = row !== this.row;
    this.row = row;
    byId("film").hidden = row === null;
    byId("welcome").hidden = row !== null;
    if (!row) return;
    byId("film-name").replaceChildren(make("bdi", {}, plain(row.name)));
    this.showAnswer(row);
    if (isOther) this.showFilm(row);
  }

  /** Show again what was answered, or in which language. */
  refresh() {
    if (!this.row) return;
    this.showAnswer(this.row);
    if (!byId("pictures").hidden) this.nameStages(this.row);
    if (this.beside !== "none") this.offerOthers();
  }

  /** @param {Row} row */
  showAnswer(row) {
    byId("answer").replaceChildren(answerCard(row), ...this.repeat(row));
    byId("details").replaceChildren(...(row.state === "done" ? [details(row, this.model)] : []));
    const hasPictures = row.state === "done" && outcome(row) !== "error" && row.problem === null;
    byId("pictures").hidden = !hasPictures;
    for (const id of ["print", "save-png", "copy"]) byId(id).disabled = row.state !== "done";
    for (const input of byId("beside").querySelectorAll("input")) {
      input.disabled = input.value === "heatmap" && row.answer?.status !== "ok";
    }
    if (hasPictures && !this.first.stage.dataset.shown) this.showFilm(row);
  }

  /** @param {Row} row what starts a film again that has no answer */
  repeat(row) {
    const canRepeat = ["error", "cancelled"].includes(outcome(row));
    if (!canRepeat) return [];
    const press = () => this.again(row);
    return [make("button", { type: "button", class: "main", click: press }, t("again"))];
  }

  /** @param {Row} row */
  showFilm(row) {
    this.turn.abort();
    this.turn = new AbortController();
    for (const viewer of [this.first, this.second]) {
      viewer.clear();
      viewer.change(PLAIN, false);
    }
    showState(this.first);
    if (byId("pictures").hidden) return;
    if (this.beside === "heatmap" && row.answer?.status !== "ok") this.press("none");
    if (this.beside === "other" && this.other === row) this.press("none");
    this.nameStages(row);
    void this.load(this.first, "caption", row, "view");
    this.showSecond();
  }

  /** @param {string} beside */
  press(beside) {
    this.beside = beside;
    for (const input of byId("beside").querySelectorAll("input")) input.checked = input.value === beside;
  }

  /** @param {string} beside */
  setBeside(beside) {
    this.beside = beside;
    if (beside === "other") this.offerOthers();
    this.showSecond();
  }

  /** @param {number} id */
  setOther(id) {
    this.other = this.list.rows.get(id) ?? null;
    this.showSecond();
  }

  /** Fill the list of films that can stand beside this one. */
  offerOthers() {
    const rows = [...this.list.rows.values()].filter(
      (row) => row !== this.row && row.state === "done" && row.problem === null && outcome(row) !== "error",
    );
    if (!this.other || !rows.includes(this.other)) this.other = rows[0] ?? null;
    const options = rows.map((row) => new Option(`${plain(row.name)} (${shortLine(row)})`, String(row.id), false, row === this.other));
    byId("other").replaceChildren(...options);
    byId("other").disabled = rows.length === 0;
  }

  showSecond() {
    const { row, beside, other } = this;
    if (!row) return;
    byId("other-label").hidden = beside !== "other";
    byId("strength-label").hidden = beside !== "heatmap";
    byId("second").hidden = byId("together-label").hidden = beside === "none";
    this.second.clear();
    this.nameStages(row);
    if (beside === "pixels") void this.load(this.second, "caption-2", row, "pixels");
    else if (beside === "heatmap") void this.loadMap(row);
    else if (beside === "other" && other) void this.load(this.second, "caption-2", other, "view");
    else if (beside === "other") byId("caption-2").textContent = t("beside.no_other");
    this.second.change(byId("together").checked ? this.first.view : PLAIN, false);
  }

  /** @param {Row} row */
  nameStages(row) {
    const { other } = this;
    const names = { none: "", pixels: t("caption.pixels"), heatmap: this.mapCaption(), other: other ? `${plain(other.name)}: ${shortLine(other)}` : "" };
    byId("caption").textContent = t("caption.film");
    byId("caption-2").textContent = names[/** @type {keyof typeof names} */ (this.beside)];
    byId("stage").setAttribute("aria-label", `${t("caption.film")}, ${plain(row.name)}`);
    byId("stage-2").setAttribute("aria-label", t(`beside.${this.beside}`));
  }

  mapCaption() {
    const [negative, positive] = this.model.classes;
    return t("caption.heatmap", { positive: className(positive), negative: className(negative) });
  }

  /**
   * @param {Viewer} viewer
   * @param {string} caption
   * @param {Row} row
   * @param {string} kind
   * @returns {Promise<boolean>} whether it is on the stage
   */
  async load(viewer, caption, row, kind) {
    const { signal } = this.turn;
    const isWanted = () => !signal.aborted && (viewer === this.first || this.wants(row, kind));
    viewer.stage.setAttribute("aria-busy", "true");
    try {
      const blob = await this.pictures.of(row, kind, signal);
      if (!isWanted()) return false;
      await viewer.show(blob, `${plain(row.name)}, ${outcomeName(row)}`, kind === "pixels");
    } catch (error) {
      if (isWanted()) byId(caption).textContent = whyNone(error);
      return false;
    } finally {
      if (isWanted()) viewer.stage.removeAttribute("aria-busy");
    }
    return isWanted();
  }

  /** Whether the second stage still is for a picture. @param {Row} row @param {string} kind */
  wants(row, kind) {
    if (kind === "view") return this.beside === "other" && row === this.other;
    return row === this.row && (this.beside === kind || (kind === "pixels" && this.beside === "heatmap"));
  }

  /** @param {Row} row */
  async loadMap(row) {
    const { signal } = this.turn;
    byId("caption-2").textContent = t("caption.heatmap_wait");
    if (!(await this.load(this.second, "caption-2", row, "pixels"))) return;
    this.second.stage.setAttribute("aria-busy", "true");
    try {
      const blob = await this.pictures.of(row, "heatmap", signal);
      if (signal.aborted || this.beside !== "heatmap") return;
      this.layMap(blob);
    } catch (error) {
      if (!signal.aborted) byId("caption-2").textContent = whyNone(error);
    }
    this.second.stage.removeAttribute("aria-busy");
  }

  /** @param {Blob} blob */
  layMap(blob) {
    if (this.overlayUrl) URL.revokeObjectURL(this.overlayUrl);
    this.overlayUrl = URL.createObjectURL(blob);
    this.second.setStrength(byId("strength").value / 100);
    this.second.setOverlay(this.overlayUrl);
    byId("caption-2").textContent = this.mapCaption();
  }
}

/** @param {unknown} error */
function whyNone(error) {
  if (error instanceof NoFilm) return t("caption.no_film");
  if (error instanceof Gone) return t("gone.picture");
  const detail = error instanceof Problem ? error.detail : String(error);
  return t("caption.no_picture", { detail });
}
