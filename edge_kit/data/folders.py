"""What lies below a folder: films by their names, and by kinds what is left out.

No film is opened; of files whose name does not tell, the first bytes are read for DICOM.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from edge_kit.data.labels import class_key
from edge_runtime.errors import FilmError
from edge_runtime.film.decode import open_film
from edge_runtime.film.walk import SYSTEM_FILES, SYSTEM_FOLDERS, TEXT_ENDINGS, TEXT_FILES

DICOM = frozenset({".dcm", ".dicom"})
EXTENSIONS = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".webp", *DICOM})
# The best known COVID sets keep masks of lungs, which are images too, beside their films.
_MASK_WORDS = frozenset(
    (
        *("mask", "masks", "seg", "segs", "segmentation", "segmentations", "segmented"),
        *("groundtruth", "groundtruths", "gt", "heatmap", "heatmaps"),
    )
)
_WORD = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+")
_NOT_MASKS = frozenset({"with", "without", "no", "not", "non"})  # pictures of people with masks
_MASK_OF = re.compile(
    r"(.+)[ _-]+(?:mask|seg|segmentation|gt|groundtruth)s?(?:[ _-]*\d+)?", re.IGNORECASE
)
_LAST_WORD = re.compile(r"[ _-]+[a-z]+$", re.IGNORECASE)
IN_MASKS, AS_MASKS = "files in masks folders", "files named as masks of others"
_TABLES = frozenset({"ipynb", "ods", "pdf", "py", "sh", "xls", "xlsx", *TEXT_ENDINGS})
"""Endings that no film has, in small letters."""
_DOUBLE = (".nii.gz",)
_MAGIC = 132  # bytes; DICOM begins with 128 of anything, and DICM
_WITHOUT_READER = "DICOM files, which are read with edge-runtime[dicom]"


@dataclass(frozen=True, slots=True)
class FolderContents:
    """The films below a folder, relative to it, and how many files are none, by what they are.

    `left_out` may be films that are not read, `passed_over` are texts, tables and the like.
    """

    films: tuple[Path, ...]
    left_out: Mapping[str, int]
    passed_over: Mapping[str, int]


def folder_contents(root: Path, named: Collection[str] = ()) -> FolderContents:
    """Return what lies below `root`; hidden files and what systems leave there do not count.

    Folders of the classes that `named` are, are not those of masks, whatever they are called.

    Raises:
        OSError: a folder below cannot be read.
    """
    films: list[Path] = []
    left_out: Counter[str] = Counter()
    passed_over: Counter[str] = Counter()
    reads_dicom = find_spec("pydicom") is not None
    classes = frozenset(map(class_key, filter(None, named)))
    for path, masks in _files(root, frozenset(root.resolve().parents), classes):
        kind = masks or _kind(path)
        if kind == "DICOM" and not reads_dicom:
            kind = _WITHOUT_READER
        if kind in ("film", "DICOM"):
            films.append(path.relative_to(root))
        else:
            (passed_over if _is_text(path) else left_out)[kind] += 1
    return FolderContents(tuple(films), left_out, passed_over)


def counted(kinds: Mapping[str, int]) -> str:
    """Return how many files there are of each kind, in words."""
    return ", ".join(
        f"{count} {kind.replace('files', 'file', 1) if count == 1 else kind}"
        for kind, count in sorted(kinds.items())
    )


def _kind(path: Path) -> str:
    """Return `film`, `DICOM`, or in words what else a file is."""
    ending = path.suffix.lower()
    if ending in EXTENSIONS - DICOM:
        return "film"
    if path.name.lower() == "dicomdir":
        return "DICOMDIR files"
    if ending in DICOM or (not _is_text(path) and _holds_dicom(path)):
        return "DICOM"
    name = path.name.lower()
    ending = next((double for double in _DOUBLE if name.endswith(double)), ending)
    return f"{ending} files" if ending else "files without an extension"


def _is_text(path: Path) -> bool:
    name = path.name.lower()
    if name.endswith(_DOUBLE):
        return False
    return name in TEXT_FILES or name == "dicomdir" or path.suffix.lower()[1:] in _TABLES


def _holds_dicom(path: Path) -> bool:
    """Tell whether a file says that it is DICOM; one that cannot be read is no film either."""
    try:
        with open_film(path) as file:
            return file.read(_MAGIC)[128:] == b"DICM"
    except (OSError, FilmError):
        return False


def _files(
    folder: Path, above: frozenset[Path], classes: frozenset[str], masks: str = ""
) -> Iterator[tuple[Path, str]]:
    """Yield the files below a folder, and for those that are masks in words why.

    Links to folders are followed, for class folders are often linked together, but never back
    to a folder on the way here.
    """
    here = folder.resolve()
    if here in above:
        return
    with os.scandir(folder) as listing:
        visible = [item for item in listing if not item.name.startswith(".")]
    stems = {Path(item.name).stem for item in visible if not item.is_dir()}
    for item in visible:
        path, name = folder / item.name, item.name.lower()
        if item.is_dir():
            if name not in SYSTEM_FOLDERS:
                within = IN_MASKS if not masks and _holds_masks(item.name, classes) else masks
                yield from _files(path, above | {here, *here.parents}, classes, within)
        elif name not in SYSTEM_FILES:
            yield path, masks or (AS_MASKS if _is_mask_of(path, stems) else "")


def _holds_masks(folder: str, classes: Collection[str]) -> bool:
    """Tell whether a folder of this name holds masks; a class that was named does not."""
    words = [word.lower() for word in _WORD.findall(folder)]
    if class_key(folder) in classes or _NOT_MASKS.intersection(words):
        return False
    return not _MASK_WORDS.isdisjoint(words) or "groundtruth" in "".join(words)


def _is_mask_of(path: Path, stems: Collection[str]) -> bool:
    """Tell whether a film is called like a mask of another file of its folder."""
    if path.suffix.lower() not in EXTENSIONS:
        return False
    if (match := _MASK_OF.fullmatch(path.stem)) is None:
        return False
    return match[1] in stems or _LAST_WORD.sub("", match[1]) in stems
