// Mouse, touch, pen and keyboard on a stage.

/** @typedef {import("./viewer.js").Viewer} Viewer */
/** @typedef {Map<number, { x: number, y: number }>} Pointers */

const WHEEL = 0.0015; // of the zoom, for each pixel of the wheel
const STEP = 40; // pixels that an arrow key moves
const FINE = 0.04; // of all levels, that a key moves the window
const ZOOM = 1.25;

/**
 * Let a stage be moved, zoomed and windowed.
 * @param {Viewer} viewer
 * @param {() => string} tool what a drag does: `move` or `window`
 * @param {() => void} onTouch is called when somebody begins
 */
export function openGestures(viewer, tool, onTouch) {
  const { stage } = viewer;
  stage.addEventListener("focus", onTouch);
  stage.addEventListener("keydown", (event) => onKey(viewer, event));
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("dblclick", () => viewer.change({ zoom: 1, x: 0, y: 0 }));
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      onTouch();
      const { left, top } = fromMiddle(stage, event.clientX, event.clientY);
      viewer.zoomBy(Math.exp(-event.deltaY * WHEEL), left, top);
    },
    { passive: false },
  );
  openPointers(viewer, tool, onTouch);
}

/** @param {Viewer} viewer @param {() => string} tool @param {() => void} onTouch */
function openPointers(viewer, tool, onTouch) {
  /** @type {Pointers} */
  const pointers = new Map();
  const { stage } = viewer;
  stage.addEventListener("pointerdown", (event) => {
    onTouch();
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (pointers.size === 2) pinch(viewer, pointers, event.pointerId, now);
    else drag(viewer, before, now, usesWindow(event, tool()));
    pointers.set(event.pointerId, now);
  });
  const end = (/** @type {PointerEvent} */ event) => pointers.delete(event.pointerId);
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
}

/** @param {PointerEvent} event @param {string} tool */
function usesWindow(event, tool) {
  return tool === "window" || event.shiftKey || (event.buttons & 2) === 2;
}

/**
 * @param {Viewer} viewer
 * @param {{ x: number, y: number }} before
 * @param {{ x: number, y: number }} now
 * @param {boolean} isWindow
 */
function drag(viewer, before, now, isWindow) {
  const { clientWidth, clientHeight } = viewer.stage;
  const [right, down] = [now.x - before.x, now.y - before.y];
  if (isWindow) viewer.windowBy(right / clientWidth, down / clientHeight);
  else viewer.moveBy(right, down);
}

/**
 * @param {Viewer} viewer
 * @param {Pointers} pointers
 * @param {number} id of the finger that moved
 * @param {{ x: number, y: number }} now
 */
function pinch(viewer, pointers, id, now) {
  const before = /** @type {{ x: number, y: number }} */ (pointers.get(id));
  const [still] = [...pointers].filter(([other]) => other !== id).map(([, place]) => place);
  const apart = (/** @type {{ x: number, y: number }} */ place) =>
    Math.hypot(place.x - still.x, place.y - still.y) || 1;
  const middle = { x: (now.x + still.x) / 2, y: (now.y + still.y) / 2 };
  const { left, top } = fromMiddle(viewer.stage, middle.x, middle.y);
  viewer.zoomBy(apart(now) / apart(before), left, top);
  viewer.moveBy((now.x - before.x) / 2, (now.y - before.y) / 2);
}

/** @param {HTMLElement} stage @param {number} x @param {number} y */
function fromMiddle(stage, x, y) {
  const box = stage.getBoundingClientRect();
  return { left: x - box.left - box.width / 2, top: y - box.top - box.height / 2 };
}

/** @type {Record<string, (viewer: Viewer) => void>} */
const KEYS = {
  "+": (viewer) => viewer.zoomBy(ZOOM),
  "=": (viewer) => viewer.zoomBy(ZOOM),
  "-": (viewer) => viewer.zoomBy(1 / ZOOM),
  0: (viewer) => viewer.change({ zoom: 1, x: 0, y: 0 }),
  i: (viewer) => viewer.change({ inverted: !viewer.view.inverted }),
  ArrowLeft: (viewer) => viewer.moveBy(STEP, 0),
  ArrowRight: (viewer) => viewer.moveBy(-STEP, 0),
  ArrowUp: (viewer) => viewer.moveBy(0, STEP),
  ArrowDown: (viewer) => viewer.moveBy(0, -STEP),
  "Shift+ArrowLeft": (viewer) => viewer.windowBy(-FINE, 0),
  "Shift+ArrowRight": (viewer) => viewer.windowBy(FINE, 0),
  "Shift+ArrowUp": (viewer) => viewer.windowBy(0, -FINE),
  "Shift+ArrowDown": (viewer) => viewer.windowBy(0, FINE),
};

/** @param {Viewer} viewer @param {KeyboardEvent} event */
function onKey(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const act = KEYS[event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${key}` : key];
  if (!act) return;
  event.preventDefault();
  act(viewer);
}

/** @param {Viewer} viewer @param {boolean} isCloser */
export function zoomStep(viewer, isCloser) {
  viewer.zoomBy(isCloser ? ZOOM : 1 / ZOOM);
}
