"""A browser that opens the tabs again that it had when it was closed, as people set theirs to."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from clinic_page import ARGUMENTS, CHROMIUM, PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType

PORT = "DevToolsActivePort"
"""The file in which the browser tells how it is reached."""


@contextmanager
def with_its_tabs(kind: BrowserType, profile: Path, *addresses: str) -> Iterator[Browser]:
    """Start a browser on `profile`, and close it as a person does."""
    (profile / PORT).unlink(missing_ok=True)
    options = ("--headless=new", "--no-first-run", "--remote-debugging-port=0")
    command = [CHROMIUM, *ARGUMENTS, *options, "--restore-last-session"]
    with subprocess.Popen(
        [*command, f"--user-data-dir={profile}", *addresses],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            browser = _connected(kind, f"http://127.0.0.1:{_port(profile)}")
            yield browser
            browser.new_browser_cdp_session().send("Browser.close")
            process.wait(PATIENCE / 1000)
        finally:
            process.kill()


def _connected(kind: BrowserType, address: str) -> Browser:
    """Return the browser at `address`: one that is opening its tabs may never answer."""
    from playwright.sync_api import TimeoutError as Late

    for _ in range(5):
        with suppress(Late):
            return kind.connect_over_cdp(address, timeout=PATIENCE / 6)
    return kind.connect_over_cdp(address)


def _port(profile: Path) -> int:
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end:
        if (profile / PORT).is_file() and (text := (profile / PORT).read_text()):
            return int(text.splitlines()[0])
        time.sleep(0.05)
    raise AssertionError("the browser does not start")
