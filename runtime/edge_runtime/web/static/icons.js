// Icons as paths on a grid of 24. Each answer has a shape of its own, so that no colour is needed.

import { makeSvg } from "./dom.js";

/** @type {Record<string, string>} */
const LINES = {
  upload: "M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
  folder: "M3 7a1 1 0 0 1 1-1h5l2 2h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1z",
  print: "M7 9V4h10v5M7 18H5a1 1 0 0 1-1-1v-6a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v6a1 1 0 0 1-1 1h-2M7 14h10v6H7z",
  download: "M12 4v12m0 0 5-5m-5 5-5-5M4 20h16",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  remove: "M5 7h14M10 7V4h4v3m3 0-1 13H8L7 7m3 4v5m4-5v5",
  list: "M4 6h16M4 12h16M4 18h16",
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5",
  invert: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  reset: "M4 4v6h6M4.5 10a8 8 0 1 1-.5 4",
  close: "M6 6l12 12M18 6 6 18",
  help: "M9 9a3 3 0 1 1 4 2.8c-.7.3-1 .8-1 1.7M12 17v.5",
  leave: "M10 4H5a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h5M15 8l4 4-4 4m4-4H9",
  move: "M12 3v18M3 12h18M12 3 9 6m3-3 3 3M12 21l-3-3m3 3 3-3M3 12l3-3m-3 3 3 3M21 12l-3-3m3 3-3 3",
  contrast: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 4v16M12 8h6.9M12 12h8M12 16h6.9",
  positive: "M12 2.5 21.5 12 12 21.5 2.5 12zM12 7.5v5.5M12 16v.6",
  negative: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z",
  uncertain: "M4 4h16v16H4zM9.5 9.8a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.6v.5",
  refused: "M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3zM8 12h8",
  error: "M12 3.5 22 20.5H2zM12 10v5M12 17.4v.5",
  waiting: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2",
  reading: "M12 4a8 8 0 1 1-8 8",
  cancelled: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM6.5 6.5l11 11",
};

/** @param {string} name the path of an icon, as canvas and SVG take it */
export function iconPath(name) {
  return LINES[name];
}

/**
 * Make an icon that says nothing to a screen reader: words stand beside it.
 * @param {string} name
 */
export function icon(name) {
  const path = makeSvg("path", { d: LINES[name] });
  const attributes = { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true" };
  return makeSvg("svg", attributes, path);
}

/**
 * Put the icon that `data-icon` names in front of what an element holds.
 * @param {ParentNode} root
 */
export function placeIcons(root) {
  for (const element of root.querySelectorAll("[data-icon]")) {
    element.prepend(icon(element.getAttribute("data-icon") || ""));
  }
}
