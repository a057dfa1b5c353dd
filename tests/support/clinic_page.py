"""The clinic's page in a browser, with an eye on all that it asks for and complains of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from PIL import Image

from edge_export.films.phantom import phantom

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ROOT / "models" / "clinic-xray-0.2.2.edge"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
USER, PASSWORD = "anna", "a long and quiet password"
PATIENCE = 30_000.0
"""Milliseconds after which a test gives up; none passes by waiting that long."""
DONE = "#progress[hidden]"
# What a browser writes to its console where an answer has a status of 400 and more.
_HARMLESS = "Failed to load resource"


class ClinicPage:
    """One tab of the page."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address.partition("#")[0]
        self.requests: list[str] = []
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and _HARMLESS not in text:
            self.faults.append(text)

    def open(self, path: str = "") -> ClinicPage:
        """Go to the page, and wait until it is ready."""
        self.page.goto(self.address + path)
        self.page.wait_for_selector("[data-ready]")
        return self

    def give(self, *films: Path | Mapping[str, Any]) -> ClinicPage:
        """Choose films, as in a file dialogue, and wait until all have an answer."""
        self.page.set_input_files("#files", list(films))  # type: ignore[arg-type]
        return self.wait()

    def wait(self) -> ClinicPage:
        """Wait until the queue is empty, and what was found is drawn."""
        self.page.wait_for_selector(DONE, state="attached")
        self.page.wait_for_selector(".row", state="attached")
        self.until("!document.querySelector('.row.is-waiting, .row.is-reading')")
        return self

    def until(self, condition: str) -> None:
        """Wait until an expression is true, or a promise of it.

        Playwright's own waiting compiles text in the page, which the page's policy forbids.
        """
        self.page.evaluate(
            "async (patience) => {"
            f"const end = Date.now() + patience; const holds = async () => ({condition});"
            "while (!(await holds())) {"
            "if (Date.now() > end) throw new Error('it does not come true');"
            "await new Promise((go) => setTimeout(go, 20)); } }",
            PATIENCE,
        )

    def choose(self, name: str) -> ClinicPage:
        """Choose a film of the list, and wait until its pane is there."""
        self.page.locator(".row", has_text=name).first.click()
        self.page.wait_for_selector(f"#film-name:has-text('{name}')")
        return self

    def shown(self, stage: str = "#stage") -> ClinicPage:
        """Wait until a picture is on a stage."""
        self.page.wait_for_selector(f"{stage}[data-shown]")
        return self

    def rows(self) -> list[str]:
        """Return the names in the list, as they stand."""
        return self.page.locator(".row-name").all_text_contents()

    def lines(self) -> list[str]:
        """Return what stands below the names."""
        return self.page.locator(".row-line").all_text_contents()

    def text(self, selector: str) -> str:
        """Return what an element says."""
        return self.page.locator(selector).inner_text()

    def foreign_requests(self) -> list[str]:
        """Return what was asked of any other place than this page."""
        own = (self.address, f"blob:{self.address}", "data:")
        return [url for url in self.requests if not url.startswith(own)]


@contextmanager
def tab(context: BrowserContext, address: str) -> Iterator[ClinicPage]:
    """Open a tab; nothing may leave the page, and nothing complain."""
    visited = ClinicPage(context.new_page(), address)
    try:
        yield visited
        assert visited.foreign_requests() == []
        assert visited.faults == []
    finally:
        visited.page.close()


@contextmanager
def fresh(browser: Browser, address: str, **options: Any) -> Iterator[ClinicPage]:
    """Open a tab in a context of its own: another language, another size, another person."""
    context = browser.new_context(**{"locale": "en-GB", **options})
    try:
        with tab(context, address) as visited:
            yield visited
    finally:
        context.close()


_ANSWERED = (0, 1, 5, 9, 11)
"""Seeds of drawn films that the shipped network takes for films; of others it refuses half."""


def film(number: int = 0, form: str = "PNG", name: str | None = None) -> dict[str, Any]:
    """Return a drawn film as a file that a dialogue gives."""
    stream = BytesIO()
    seed = _ANSWERED[number % len(_ANSWERED)]
    phantom(seed, positive=True, size=(320, 288)).save(stream, form)
    name = name or f"film-{number:02}.{form.lower()}"
    return {"name": name, "mimeType": "application/octet-stream", "buffer": stream.getvalue()}


def telephone_photo(name: str = "photo.jpg") -> dict[str, Any]:
    """Return what a telephone makes of a film on a screen: a picture with a cast of colour."""
    stream = BytesIO()
    red, green, blue = phantom(1, positive=True).convert("RGB").split()
    tinted = (
        red.point(lambda level: min(255, level + 60)),
        green,
        blue.point(lambda level: level / 2),
    )
    Image.merge("RGB", tinted).save(stream, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": stream.getvalue()}


def answers(page: Page, replies: Mapping[str, Mapping[str, Any]]) -> None:
    """Let the server say these answers, by the name of the film."""

    def reply(route: Route) -> None:
        name = unquote(route.request.headers["x-film-name"])
        route.fulfill(json=replies[name])

    page.route("**/api/classify", reply)


def answer(**changes: Any) -> dict[str, Any]:
    """Return an answer of the server, with `changes`."""
    return {
        "file": "film", "status": "ok", "label": "covid", "probability": 0.83, "threshold": 0.5,
        "refusal": None, "problem": None, "warning": None, "milliseconds": 12.5, "bytes": 9,
        "sha256": "0" * 64, "time": "2026-01-02T03:04:05.000+00:00",
        "model": {"name": "clinic-xray", "version": "0.1.0", "identity": "d" * 64},
        **changes,
    }  # fmt: skip
