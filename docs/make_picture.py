"""Draws `docs/pictures/terminal.svg`: what `edge-run` prints, run now, as a picture of a terminal.

    python docs/make_picture.py

The film is `examples/sample-film.png`, which shows nobody, and the same film upside down.
"""

from __future__ import annotations

import os
import subprocess
import sys
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "pictures" / "terminal.svg"
BUNDLE = ROOT / "models" / "model3-xray-0.2.2.edge"
SESSION = (
    "classify film.png upside-down.png --bundle covid.edge",
    "info covid.edge",
)
COLUMNS, LINE, TOP = 100, 19, 44


def main() -> None:
    """Run the session and draw it."""
    lines: list[tuple[str, str]] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        film = ROOT / "examples" / "sample-film.png"
        (folder / "film.png").write_bytes(film.read_bytes())
        with Image.open(film) as image:
            image.transpose(Image.Transpose.ROTATE_180).save(folder / "upside-down.png")
        (folder / "covid.edge").write_bytes(BUNDLE.read_bytes())
        for command in SESSION:
            lines += [("command", f"$ edge-run {command}"), *_printed(command, folder), ("", "")]
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawing(lines[:-1]), encoding="utf-8")


def _printed(command: str, folder: Path) -> list[tuple[str, str]]:
    """Return the lines that a command prints, each with its stream, cut to the picture's width."""
    process = subprocess.run(
        [sys.executable, "-m", "edge_runtime", *command.split()],
        cwd=folder,
        env={**os.environ, "COLUMNS": str(COLUMNS)},
        capture_output=True,
        text=True,
        check=False,
    )
    streams = (("error", process.stderr), ("output", process.stdout))
    wide = ((kind, line) for kind, text in streams for line in text.splitlines())
    return [
        (kind, line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…") for kind, line in wide
    ]


def drawing(lines: list[tuple[str, str]]) -> str:
    """Return lines of `(kind, text)` as an SVG; kinds are `command`, `output` and `error`."""
    colours = {"command": "#ffffff", "output": "#d5dde5", "error": "#e3b56b"}
    width, height = COLUMNS * 8.45 + 40, TOP + LINE * len(lines) + 14
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" '
        'aria-label="A terminal session of edge-run" font-size="14" '
        'font-family="ui-monospace, DejaVu Sans Mono, Menlo, Consolas, monospace">',
        f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#1b2430"/>',
        *(f'<circle cx="{22 + 20 * n}" cy="20" r="6" fill="#4a5a6b"/>' for n in range(3)),
    ]
    for number, (kind, text) in enumerate(lines):
        if text:
            place = f'x="20" y="{TOP + LINE * number + 12}" xml:space="preserve"'
            weight = ' font-weight="600"' if kind == "command" else ""
            parts.append(f'<text {place} fill="{colours[kind]}"{weight}>{escape(text)}</text>')
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    main()
