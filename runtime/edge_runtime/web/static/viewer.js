// One picture: how far it is zoomed and moved, and which of its grey levels are shown.

import { make, onceAFrame } from "./dom.js";

/**
 * @typedef {object} View
 * @property {number} zoom 1 shows the whole picture
 * @property {number} x by which share of its shown width it is moved
 * @property {number} y
 * @property {number} level the grey level in the middle, 0 to 1
 * @property {number} width how many levels are shown, 1 for all
 * @property {boolean} inverted
 */

/** @type {View} */
export const PLAIN = { zoom: 1, x: 0, y: 0, level: 0.5, width: 1, inverted: false };
const MOST_ZOOM = 16;

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** @param {View} view @returns {View} */
function limited(view) {
  const zoom = clamp(view.zoom, 1, MOST_ZOOM);
  const reach = zoom / 2;
  return {
    ...view,
    zoom,
    x: zoom === 1 ? 0 : clamp(view.x, -reach, reach),
    y: zoom === 1 ? 0 : clamp(view.y, -reach, reach),
    level: clamp(view.level, 0, 1),
    width: clamp(view.width, 0.02, 2),
  };
}

/** A stage with one picture on it. Tells by `viewed` that somebody changed what is shown. */
export class Viewer extends EventTarget {
  /** @param {HTMLElement} stage */
  constructor(stage) {
    super();
    this.stage = stage;
    this.canvas = make("canvas", { role: "img" });
    this.overlay = make("img", { class: "overlay", alt: "", hidden: true });
    this.plate = make("div", { class: "plate" }, this.canvas, this.overlay);
    stage.append(this.plate);
    this.view = PLAIN;
    /** @type {Uint8ClampedArray | null} */
    this.levels = null;
    this.place = onceAFrame(() => this.placeNow());
    this.draw = onceAFrame(() => this.drawNow());
    new ResizeObserver(this.place).observe(stage);
  }

  /**
   * Show a picture, from its beginning.
   * @param {Blob} blob
   * @param {string} label what it is, in words
   * @param {boolean} [isCoarse] whether each pixel is to be seen as a square
   */
  async show(blob, label, isCoarse = false) {
    const bitmap = await createImageBitmap(blob);
    this.canvas.width = bitmap.width;
    this.canvas.height = bitmap.height;
    this.canvas.setAttribute("aria-label", label);
    this.stage.classList.toggle("coarse", isCoarse);
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.levels = context.getImageData(0, 0, this.canvas.width, this.canvas.height).data;
    this.plate.style.width = `${this.canvas.width}px`;
    this.plate.style.height = `${this.canvas.height}px`;
    this.setOverlay(null);
    this.drawNow();
    this.placeNow();
    this.stage.dataset.shown = "true";
  }

  /** Show nothing. */
  clear() {
    this.levels = null;
    this.setOverlay(null);
    this.canvas.width = this.canvas.height = 1;
    delete this.stage.dataset.shown;
  }

  /** The picture with what lies over it, as one canvas. @returns {HTMLCanvasElement} */
  flat() {
    const side = Math.max(this.canvas.width, this.canvas.height);
    const scale = side < 512 ? Math.ceil(512 / side) : 1;
    const [width, height] = [this.canvas.width * scale, this.canvas.height * scale];
    const canvas = make("canvas", { width, height });
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = !this.stage.classList.contains("coarse");
    context.drawImage(this.canvas, 0, 0, width, height);
    context.imageSmoothingEnabled = true;
    context.globalAlpha = Number(this.overlay.style.opacity || 1);
    if (!this.overlay.hidden) context.drawImage(this.overlay, 0, 0, width, height);
    return canvas;
  }

  /** @param {string | null} url of a picture with transparency */
  setOverlay(url) {
    this.overlay.hidden = url === null;
    if (url) this.overlay.src = url;
    else this.overlay.removeAttribute("src");
    this.stage.toggleAttribute("data-map", url !== null);
  }

  /** @param {number} share how much of the overlay is seen */
  setStrength(share) {
    this.overlay.style.opacity = String(share);
  }

  /** @param {Partial<View>} changes @param {boolean} [isTold] */
  change(changes, isTold = true) {
    this.view = limited({ ...this.view, ...changes });
    if ("zoom" in changes || "x" in changes) this.place();
    if ("level" in changes || "width" in changes || "inverted" in changes) this.draw();
    this.stage.dataset.zoom = this.view.zoom.toFixed(2);
    if (isTold) this.dispatchEvent(new Event("viewed"));
  }

  /**
   * Zoom by a factor, about a point of the stage in pixels from its middle.
   * @param {number} factor
   * @param {number} [left]
   * @param {number} [top]
   */
  zoomBy(factor, left = 0, top = 0) {
    const zoom = clamp(this.view.zoom * factor, 1, MOST_ZOOM);
    const grown = zoom / this.view.zoom;
    const { width, height } = this.shown();
    const x = left / width - (left / width - this.view.x) * grown;
    const y = top / height - (top / height - this.view.y) * grown;
    this.change({ zoom, x, y });
  }

  /** @param {number} left pixels of the screen @param {number} top */
  moveBy(left, top) {
    const { width, height } = this.shown();
    this.change({ x: this.view.x + left / width, y: this.view.y + top / height });
  }

  /** @param {number} width by how much more levels are shown @param {number} level */
  windowBy(width, level) {
    this.change({ width: this.view.width + width, level: this.view.level + level });
  }

  /** The size on the screen of the picture at zoom 1. */
  shown() {
    const scale = this.scale();
    return { width: this.canvas.width * scale || 1, height: this.canvas.height * scale || 1 };
  }

  scale() {
    const { clientWidth, clientHeight } = this.stage;
    return Math.min(clientWidth / this.canvas.width, clientHeight / this.canvas.height);
  }

  placeNow() {
    const { zoom, x, y } = this.view;
    const { width, height } = this.shown();
    const scale = this.scale() * zoom;
    const moved = `translate(${x * width}px, ${y * height}px)`;
    this.plate.style.transform = `translate(-50%, -50%) ${moved} scale(${scale})`;
    this.stage.classList.toggle("zoomed", zoom > 1);
  }

  drawNow() {
    if (!this.levels) return;
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(this.canvas.width, this.canvas.height);
    const shades = shadesOf(this.view);
    const from = this.levels;
    const to = new Uint32Array(image.data.buffer);
    for (let place = 0; place < to.length; place += 1) to[place] = shades[from[place * 4]];
    context.putImageData(image, 0, 0);
  }
}

/**
 * Return what each of 256 grey levels becomes, as an opaque pixel.
 * @param {View} view
 */
function shadesOf({ level, width, inverted }) {
  return Uint32Array.from({ length: 256 }, (_, grey) => {
    const share = clamp((grey / 255 - level) / width + 0.5, 0, 1);
    const shade = Math.round(255 * (inverted ? 1 - share : share));
    return (0xff000000 | (shade << 16) | (shade << 8) | shade) >>> 0;
  });
}
