"""Ask a page for the answer to each film that is named, with the standard library alone.

    python examples/clinic/ask_page.py http://127.0.0.1:8417 film.png

A page that wants a login gets the token of a program from the variable EDGE_TOKEN.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

TRIES = 10


def answer_for(page: str, film: Path) -> dict[str, Any]:
    """Return the answer of the page at the address `page` to the film at `film`.

    Raises:
        urllib.error.HTTPError: there is none; its body is a problem with a `reason`.
    """
    headers = {"X-Film-Name": quote(film.name), "Content-Type": "application/octet-stream"}
    if token := os.environ.get("EDGE_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(  # noqa: S310 - the address is the caller's
        f"{page.rstrip('/')}/api/classify", film.read_bytes(), headers
    )
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:  # noqa: S310
                answer: dict[str, Any] = json.load(reply)
                return answer
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise
            time.sleep(int(error.headers.get("Retry-After", "5")))
            last = error
    raise last


def main() -> int:
    """Print a line for each film."""
    page, *films = sys.argv[1:]
    status = 0
    for film in map(Path, films):
        try:
            answer = answer_for(page, film)
            print(film, answer["label"] or answer["refusal"], answer["probability"])
        except urllib.error.HTTPError as error:
            print(film, json.load(error)["reason"])
            status = 5
    return status


if __name__ == "__main__":
    sys.exit(main())
