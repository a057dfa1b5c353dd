// The tools above the pictures. They act on both pictures, or on the one that was touched last.

import { byId } from "./dom.js";
import { openGestures, zoomStep } from "./gestures.js";
import { percent } from "./texts.js";
import { PLAIN } from "./viewer.js";

/** @typedef {import("./viewer.js").Viewer} Viewer */

/**
 * Connect the tools with two viewers.
 * @param {Viewer} first
 * @param {Viewer} second
 */
export function openControls(first, second) {
  let touched = first;
  const areTogether = () => byId("together").checked;
  const tool = () => /** @type {any} */ (document.querySelector("[name=tool]:checked")).value;
  for (const viewer of [first, second]) {
    openGestures(viewer, tool, () => {
      touched = viewer;
      showState(viewer);
    });
    viewer.addEventListener("viewed", () => {
      const partner = viewer === first ? second : first;
      if (areTogether()) partner.change(viewer.view, false);
      showState(viewer);
    });
  }
  connect(() => (byId("second").hidden ? first : touched));
  byId("together").addEventListener("change", () => {
    if (areTogether()) second.change(first.view, false);
  });
  showState(first);
}

/** @param {() => Viewer} acting the viewer that the tools act on */
function connect(acting) {
  const onClick = (/** @type {string} */ id, /** @type {(viewer: Viewer) => void} */ act) =>
    byId(id).addEventListener("click", () => act(acting()));
  onClick("zoom-in", (viewer) => zoomStep(viewer, true));
  onClick("zoom-out", (viewer) => zoomStep(viewer, false));
  onClick("fit", (viewer) => viewer.change({ zoom: 1, x: 0, y: 0 }));
  onClick("invert", (viewer) => viewer.change({ inverted: !viewer.view.inverted }));
  onClick("reset", (viewer) => viewer.change(PLAIN));
  // To the right is brighter, as everywhere: the level that is shown as middle grey is darker.
  byId("level").addEventListener("input", () => {
    acting().change({ level: 1 - byId("level").value / 100 });
  });
  byId("width").addEventListener("input", () => {
    acting().change({ width: (202 - byId("width").value) / 100 });
  });
}

/** @param {Viewer} viewer */
export function showState({ view }) {
  byId("zoom").value = percent(Math.round(view.zoom * 100) / 100);
  byId("level").value = Math.round((1 - view.level) * 100);
  byId("width").value = Math.round(202 - view.width * 100);
  byId("invert").setAttribute("aria-pressed", String(view.inverted));
}
