// Ways in: dropped, chosen, a whole folder, pasted.

/** @typedef {{ name: string, film: File }} Film */

const NO_FILM = /\.(txt|csv|tsv|json|xml|log|md|ini|html?|pdf|docx?|xlsx?|zip|exe|db|inf|url|lnk)$/i;
const OF_SYSTEMS = /^(\.|DICOMDIR$|Thumbs\.db$|desktop\.ini$|README|LICENSE|SHA256SUMS)/i;

/**
 * Return what of a folder may be a film, and how many files are left out.
 * @param {Film[]} films
 */
export function withoutOthers(films) {
  const kept = films.filter(({ film }) => !NO_FILM.test(film.name) && !OF_SYSTEMS.test(film.name));
  return { films: kept, others: films.length - kept.length };
}

/**
 * @param {FileList | null} files
 * @returns {Film[]}
 */
export function chosen(files) {
  return Array.from(files ?? [], (film) => ({ name: film.webkitRelativePath || film.name, film }));
}

/**
 * Return what was dropped, folders with all that is in them. Has to be called before the event ends.
 * @param {DataTransfer} transfer
 * @returns {Promise<{ films: Film[], others: number }>}
 */
export async function dropped(transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry?.() ?? null);
  const files = chosen(transfer.files);
  if (!entries.some((entry) => entry?.isDirectory)) return { films: files, others: 0 };
  const found = [];
  for (const entry of entries) if (entry) found.push(...(await filesIn(entry, "")));
  return withoutOthers(found);
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} folder
 * @returns {Promise<Film[]>}
 */
async function filesIn(entry, folder) {
  const name = folder + entry.name;
  if (entry.isFile) {
    const file = /** @type {FileSystemFileEntry} */ (entry);
    const film = await new Promise((resolve, reject) => file.file(resolve, reject));
    return [{ name, film }];
  }
  const films = [];
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (let some = await batch(reader); some.length; some = await batch(reader)) {
    for (const inner of some) films.push(...(await filesIn(inner, `${name}/`)));
  }
  return films;
}

/** @param {FileSystemDirectoryReader} reader @returns {Promise<FileSystemEntry[]>} */
function batch(reader) {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

/**
 * Take films from the elements of the page and from anywhere on it.
 * @param {{ files: HTMLInputElement, folder: HTMLInputElement, veil: HTMLElement }} ways
 * @param {(films: Film[], others: number) => void} take
 */
export function openIntake({ files, folder, veil }, take) {
  files.addEventListener("change", () => {
    take(chosen(files.files), 0);
    files.value = "";
  });
  folder.addEventListener("change", () => {
    const { films, others } = withoutOthers(chosen(folder.files));
    take(films, others);
    folder.value = "";
  });
  addEventListener("paste", (event) => {
    const films = chosen(event.clipboardData?.files ?? null);
    if (films.length) take(films, 0);
  });
  openDrop(veil, take);
}

/**
 * @param {HTMLElement} veil what covers the page while something is dragged over it
 * @param {(films: Film[], others: number) => void} take
 */
function openDrop(veil, take) {
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  addEventListener("drop", async (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    const { films, others } = await dropped(/** @type {DataTransfer} */ (event.dataTransfer));
    take(films, others);
  });
}
