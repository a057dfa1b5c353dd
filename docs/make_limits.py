"""Write docs/limits.md: what a film's file may cost, as `edge_runtime/film/limits.py` says it.

python docs/make_limits.py [--check]
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from generated import ROOT, write_or_check

from edge_runtime.film import limits

PAGE = ROOT / "docs" / "limits.md"
HEAD = """\
# Limits of a film's file

Made by `python docs/make_limits.py` from `runtime/edge_runtime/film/limits.py`.

A decoder takes time and memory by what the structure of a file says: a few kilobytes can ask for
minutes or gigabytes. So the structure is read first, none of the pixels, and what is beyond a
limit is `refused` as `too_large` with a line that names it; what no program writes is
`unreadable`. Whatever its bytes are, a file is to take no more than 2 seconds on a computer of
2017 with two cores, and 256 MiB beside its own pixels. No more of it is read than its picture
needs: a gigabyte of zeros behind it, as a cut-off copy leaves, costs nothing.

Not read as a kind, because no X-ray machine writes them: compressed BMP, plain PGM (numbers as
text), arithmetic and hierarchical JPEG, TIFF of old JPEG, LZMA, ThunderScan or SGI Log. **The
cure is the same for all**: open the film in a viewer and save it as PNG.

What hostile files of each kind cost is in [figures](figures.md#hostile-files); why it is done so
in decisions [54](decisions/0054-limits-of-pictures.md) and [55](decisions/0055-dicom-walk.md).
"""
SECTIONS = {
    "Pictures": """\
The limits are chosen on 1,828 real films, and on what the encoders of each format write.""",
    "DICOM": """\
A file is walked once, by tags, types and lengths alone; nothing that is not needed is read, and
pydicom never sees the file. "Real" is the largest value among the 145 pictures that come with
pydicom or lie among the cases under test. Values longer than their limit are refused rather than
taken for missing: a file with a megabyte in its modality was made by no device, and what else
stands in it cannot be believed. Deflated files, floating-point pixels and pixels that stand in a
file twice are not read.""",
}
"""What stands before the table of each part, which a comment in the module begins."""
COLUMNS = "| limit | most | of what, and how far real films are from it |\n|---|---|---|\n"


def page() -> str:
    """Return the text of the page."""
    text = Path(limits.__file__).read_text(encoding="utf-8")
    places = [text.index(f"\n# {section}") for section in SECTIONS]
    parts = (text[begin:end] for begin, end in pairwise([*places, len(text)]))
    return HEAD + "".join(
        f"\n## {section}\n\n{said}\n\n{COLUMNS}"
        + "".join(f"| `{name}` | {most:,} | {why} |\n" for name, most, why in _limits(part))
        for (section, said), part in zip(SECTIONS.items(), parts, strict=True)
    )


def _limits(part: str) -> Iterator[tuple[str, int, str]]:
    """Yield name and value of each limit in a part of the module, and what its docstring says."""
    for node, after in pairwise(ast.parse(part).body):
        if isinstance(node, ast.Assign) and isinstance(after, ast.Expr):
            name = ast.unparse(node.targets[0])
            yield name, getattr(limits, name), " ".join(ast.literal_eval(after.value).split())


def main() -> int:
    """Carry out the command line."""
    about = (__doc__ or "").splitlines()[0]
    return write_or_check(PAGE, page(), Path(__file__), about)


if __name__ == "__main__":
    sys.exit(main())
