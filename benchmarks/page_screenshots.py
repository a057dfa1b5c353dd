"""Screenshots of the clinic's page, as the docs show them: of drawn films alone.

    python benchmarks/page_screenshots.py docs/pictures

The shipped bundle `clinic-xray` answers, which knows nothing of drawn films: its answers are of
both kinds, and other drawn films are refused. Needs Debian's `chromium` and `poppler-utils`; the
browser asks nothing of any network.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageEnhance
from playwright.sync_api import sync_playwright
from screenshots import program, save

from edge_export.films.phantom import phantom

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DESKTOP = {"width": 1280, "height": 960}
WIDE = {"width": 1680, "height": 900}
PHONE = {"width": 360, "height": 740}
COLOURS = 256
SIZE = (900, 800)
SHIPPED = Path(__file__).parent.parent / "models" / "clinic-xray-0.2.2.edge"
DRAWN = (
    (0, True),
    (2, False),
    (29, True),
    (15, True),
    (8, False),
    (5, True),
    (16, False),
    (13, False),
)
"""Seed and class of the films in the list."""
GAP = 24  # pixels between two telephones


def main() -> None:
    """Serve the page, and write a picture of each of its states."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="folder of pictures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    films = drawn_films()
    with page_served(SHIPPED) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium", "chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, picture in pictures(browser, address, films):
            save(picture, options.out / f"page-{name}.png", COLOURS)
        browser.close()


def drawn_films() -> list[dict[str, Any]]:
    """Return films of all answers, and one as a telephone takes it."""
    files = []
    for number, (seed, positive) in enumerate(DRAWN, 1):
        stream = BytesIO()
        phantom(seed, positive=positive, size=SIZE).save(stream, "PNG")
        files.append(file(f"chest-{number:02}.png", stream.getvalue()))
    stream = BytesIO()
    red, green, blue = phantom(7, positive=False, size=SIZE).convert("RGB").split()
    photo = Image.merge("RGB", (green.point(lambda level: min(255, level + 50)), red, blue))
    ImageEnhance.Contrast(photo).enhance(0.7).save(stream, "JPEG")
    return [*files, file("phone-photo.jpg", stream.getvalue())]


def file(name: str, data: bytes) -> dict[str, Any]:
    """Return a file as a dialogue gives it to a page."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


@contextmanager
def page_served(bundle: Path) -> Iterator[str]:
    """Serve the page until the block ends."""
    command = [sys.executable, "-m", "edge_runtime", "serve", str(bundle), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip() if process.stdout else ""
    finally:
        process.terminate()
        process.wait()


def pictures(
    browser: Browser, address: str, films: list[dict[str, Any]]
) -> Iterator[tuple[str, Image.Image]]:
    """Yield each state of the page by its name."""
    with opened(browser, address, [], viewport=DESKTOP) as page:
        yield "welcome", shot(page)
    with opened(browser, address, films, viewport=DESKTOP) as page:
        choose(page, "chest-01")
        yield "desktop", shot(page)
        yield "print", printed(page)
        choose(page, "phone-photo")
        yield "refusal", shot(page)
    with opened(browser, address, films, viewport=WIDE) as page:
        choose(page, "chest-01")
        beside(page, "other")
        yield "compare", shot(page)
    with opened(browser, address, films, viewport=WIDE, color_scheme="dark") as page:
        choose(page, "chest-01")
        beside(page, "heatmap")
        page.wait_for_selector("#stage-2[data-map]")
        yield "dark", shot(page)
    with opened(browser, address, films, viewport=PHONE, device_scale_factor=1.5) as page:
        listed = shot(page)
        choose(page, "chest-01")
        yield "phone", side_by_side(listed, shot(page))


@contextmanager
def opened(
    browser: Browser, address: str, films: list[dict[str, Any]], **options: Any
) -> Iterator[Page]:
    """Open the page with films that have been answered."""
    context = browser.new_context(locale="en-GB", reduced_motion="reduce", **options)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("[data-ready]")
    if films:
        page.set_input_files("#files", films)  # type: ignore[arg-type]
        page.wait_for_selector(f".row >> nth={len(films) - 1}", state="attached")
        page.wait_for_selector("#progress[hidden]", state="attached")
    yield page
    context.close()


def choose(page: Page, name: str) -> None:
    """Show a film of the list."""
    page.locator(".row", has_text=name).click()
    page.wait_for_selector("#stage[data-shown]")


def beside(page: Page, what: str) -> None:
    """Show something beside the film."""
    page.locator(f"[name=beside][value={what}]").check(force=True)
    page.wait_for_selector("#stage-2[data-shown]")


def shot(page: Page) -> Image.Image:
    """Return what the page looks like, once nothing moves."""
    page.mouse.move(0, 0)
    page.evaluate("() => { document.activeElement.blur(); }")
    page.evaluate("() => new Promise((go) => requestAnimationFrame(() => setTimeout(go, 200)))")
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def printed(page: Page) -> Image.Image:
    """Return the sheet of the film that is shown."""
    page.evaluate("() => { window.print = () => document.body.classList.add('is-printed'); }")
    page.click("#print")
    page.wait_for_selector(".is-printed")
    with TemporaryDirectory() as folder:
        page.pdf(path=Path(folder) / "sheet.pdf", prefer_css_page_size=True)
        rasterize = [program("pdftoppm", "poppler-utils"), "-r", "96", "-png", "-singlefile"]
        subprocess.run([*rasterize, f"{folder}/sheet.pdf", f"{folder}/sheet"], check=True)
        return Image.open(f"{folder}/sheet.png").convert("RGB")


def side_by_side(first: Image.Image, second: Image.Image) -> Image.Image:
    """Return two pictures beside each other."""
    both = Image.new("RGB", (first.width + GAP + second.width, first.height), "grey")
    both.paste(first, (0, 0))
    both.paste(second, (first.width + GAP, 0))
    return both


if __name__ == "__main__":
    main()
