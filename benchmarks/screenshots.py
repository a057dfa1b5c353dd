"""Screenshots of every page, as the docs show them: of drawn films alone.

    python benchmarks/screenshots.py WORK docs/pictures

WORK is kept: what is there is not made again. It takes a demonstration, an evaluation, an audit,
a scan and a heat map. Needs Debian's `chromium` and `poppler-utils`;
the browser asks nothing of any network.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops, ImageOps

from edge_export.films.phantom import phantom

DESKTOP, PHONE = 1180, 400
"""Widths in CSS pixels."""
HIGHEST = 9000  # pixels; pages that are longer are cut
COLOURS = 96  # of a picture's palette, for small files
PAGES = {
    "export": "demo/demo.report.html",
    "evaluation": "evaluation/report.html",
    "audit": "audit/audit.html",
    "scan": "scan/report.html",
}
PICTURES = {"curves": "demo/run/curves.png", "heatmap": "heatmap.png"}
MODES = ("desktop", "phone", "dark", "print")
SHOWN = 1100  # pixels of a page's height that the docs show


def main() -> None:
    """Make what is missing in WORK, and a picture of every page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("work", type=Path, help="folder of runs and reports")
    parser.add_argument("out", type=Path, help="folder of pictures")
    parser.add_argument("--whole", action="store_true", help="whole pages, not their beginnings")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    make_pages(options.work)
    for name, file in PAGES.items():
        for mode in MODES:
            picture = screenshot(options.work / file, mode, HIGHEST if options.whole else SHOWN)
            save(picture, options.out / f"{name}-{mode}.png")
    for name, file in PICTURES.items():
        with Image.open(options.work / file) as picture:
            save(picture.convert("RGB"), options.out / f"{name}.png", 256)


def make_pages(work: Path) -> None:
    """Carry out the commands whose pages are missing."""
    films, run, bundle = work / "demo/films", work / "demo/run", work / "demo/demo.edge"
    copies = work / "copies"
    if not bundle.exists():
        kit("demo", "--out", work / "demo")
    if not copies.exists():
        draw_copies(films, copies)
    for out, line in {
        "evaluation": ["evaluate", run, "--data", films, "--out"],
        "audit": ["audit", "--model", run, "--data", films, "--out"],
        "scan": ["data", "scan", copies, "--out"],
    }.items():
        if not (work / out).exists():
            kit(*line, work / out)
    if not (work / "heatmap.png").exists():
        film = work / "wide.png"  # a film that is no square, so that the page says what it became
        phantom(5, positive=True, size=(640, 480)).save(film)
        command = [sys.executable, "-m", "edge_runtime", "classify", film, "--bundle", bundle]
        subprocess.run([*map(str, command), "--heatmap", str(work / "heatmap.png")], check=True)


def kit(*arguments: object) -> None:
    """Carry out a command line of edge-kit."""
    command = [sys.executable, "-c", "from edge_kit.cli import main; main()"]
    subprocess.run([*command, *map(str, arguments)], check=True)


def draw_copies(films: Path, copies: Path) -> None:
    """Write a few films with copies of some: of the same bytes, turned, mirrored and cropped."""
    for label in ("covid", "noncovid"):
        (copies / label).mkdir(parents=True)
        for film in sorted((films / label).iterdir())[:12]:
            shutil.copy(film, copies / label / film.name)
    shutil.copy(copies / "covid/0000.png", copies / "noncovid/copied.png")
    with Image.open(copies / "covid/0001.png") as picture:
        picture.rotate(4).save(copies / "covid/turned.png")
        ImageOps.mirror(picture).save(copies / "covid/mirrored.png")
    with Image.open(copies / "noncovid/0003.png") as picture:
        picture.crop((12, 10, 212, 208)).resize((400, 396)).save(copies / "noncovid/cropped.png")


def screenshot(page: Path, mode: str, height: int) -> Image.Image:
    """Return a picture of `page` as a desktop, a phone, a dark screen or a printer has it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if mode == "print":
            browse(
                place, f"--print-to-pdf={place / 'page.pdf'}", "--no-pdf-header-footer", url(page)
            )
            first = ["-l", "1"] if height < HIGHEST else []
            rasterize = [program("pdftoppm", "poppler-utils"), "-r", "96", "-png", *first]
            subprocess.run([*rasterize, str(place / "page.pdf"), str(place / "sheet")], check=True)
            return stacked(sorted(place.glob("sheet*.png")))
        width = PHONE if mode == "phone" else DESKTOP
        frame = place / "frame.html"  # a window is no narrower than 500 pixels, a frame in it is
        frame.write_text(
            f'<body style="margin:0"><iframe src="{url(page)}" style="border:0;display:block" '
            f'width="{width}" height="{height}"></iframe>',
            encoding="utf-8",
        )
        dark = ["--blink-settings=preferredColorScheme=0"] if mode == "dark" else []
        browse(
            place, f"--screenshot={place / 'page.png'}", "--hide-scrollbars", *dark,
            f"--window-size={max(width, 500)},{height}", url(frame),
        )  # fmt: skip
        with Image.open(place / "page.png") as picture:
            return without_empty_end(picture.convert("RGB").crop((0, 0, width, height)))


def browse(place: Path, *options: str) -> None:
    """Start the browser once, with a profile of its own and nothing to ask of a network."""
    command = [
        program("chromium", "chromium"),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
    ]
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    profile = f"--user-data-dir={place / 'profile'}"
    subprocess.run([*command, *quiet, profile, *options], check=True, capture_output=True)


def program(name: str, package: str) -> str:
    """Return the path of a program, or say what to install."""
    return shutil.which(name) or sys.exit(f"screenshots: no {name}; apt-get install {package}")


def url(page: Path) -> str:
    """Return the address of a file."""
    return page.resolve().as_uri()


def stacked(sheets: list[Path]) -> Image.Image:
    """Return printed sheets under each other."""
    pictures = [Image.open(sheet).convert("RGB") for sheet in sheets]
    page = Image.new("RGB", (pictures[0].width, sum(one.height + 8 for one in pictures)), "grey")
    y = 0
    for picture in pictures:
        page.paste(picture, (0, y))
        y += picture.height + 8
    return page


def without_empty_end(picture: Image.Image) -> Image.Image:
    """Return `picture` without the even ground below what is on it."""
    ground = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, ground).getbbox()
    return picture.crop((0, 0, picture.width, min(picture.height, box[3] + 24 if box else 1)))


def save(picture: Image.Image, path: Path, colours: int = COLOURS) -> None:
    """Write `picture` with a palette, which is half as large."""
    picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stderr.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
