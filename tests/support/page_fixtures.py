"""Fixtures of the tests of the page in a browser: a browser, and the pages that it visits."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clinic_page import ARGUMENTS, CHROMIUM, PASSWORD, SHIPPED, USER, ClinicPage, tab
from served import Served, home, served
from tiny_bundle import command, environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext


# For a module, and not for longer: other tests may want an event loop of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser that draws on no screen."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    if not Path(CHROMIUM).exists():
        pytest.skip("needs Debian's package chromium")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a page for this machine alone, with the bundle for clinics."""
    pytest.importorskip("uvicorn", reason="needs edge-runtime[web]")
    with served("serve", SHIPPED, **home(tmp_path_factory.mktemp("home"))) as page:
        yield page


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Return what the tabs of a module share: a cache, and nothing of their lists."""
    context = browser.new_context(locale="en-GB", accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def visited(context: BrowserContext, clinic: Served) -> Iterator[ClinicPage]:
    """Return a tab in which the page has begun."""
    with tab(context, clinic.url) as page:
        yield page.open()


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a page on which people log in, `USER` among them."""
    pytest.importorskip("uvicorn", reason="needs edge-runtime[web]")
    folder = tmp_path_factory.mktemp("hospital")
    users = folder / "users.json"
    add = command("users", "add", USER, "--users", users)
    env = environment(**home(folder))
    subprocess.run(add, input=f"{PASSWORD}\n{PASSWORD}\n", text=True, env=env, check=True)
    line = ("serve", SHIPPED, "--host", "0.0.0.0", "--no-tls", "--users", users)  # noqa: S104
    with served(*line, **home(folder)) as page:
        yield f"http://localhost:{page.port}/"
