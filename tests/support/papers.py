"""The texts of what commands write, as a reader gets them; cautions have to be first in each."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from edge_export.cautions import FIRST, HEADING
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.manifest import SITE_FILES


def strings(content: Any) -> Iterator[str]:
    if isinstance(content, dict | list):
        for one in content.values() if isinstance(content, dict) else content:
            yield from strings(one)
    else:
        yield str(content)


def of_json(text: str) -> str:
    content = json.loads(text)
    assert next(iter(content)) in FIRST
    return "\n".join(strings(content))


def of_page(text: str) -> str:
    body = text[text.index("<body") :]
    (first, *_) = re.findall(r"<h2[^>]*>(.*?)</h2>", body)
    assert first == "Before you read on" or "Does not tell the classes apart" in first
    return html.unescape(re.sub("<[^>]+>", " ", body))


def of_markdown(text: str) -> str:
    (first, *_) = re.findall("^## .*$", text, re.MULTILINE)
    assert first in (HEADING, "## Fitted again at a site")
    return text


def of_picture(path: Path) -> str:
    with Image.open(path) as image:
        return str(image.info["Description"])


READ: dict[str, Callable[[str], str]] = {".json": of_json, ".html": of_page, ".md": of_markdown}


def papers(*places: Path) -> dict[str, str]:
    """Return the text of every page, JSON, card and picture at or below `places`."""
    texts: dict[str, str] = {}
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.suffix == ".png":
                texts[str(path.relative_to(place.parent))] = of_picture(path)
            elif path.suffix == ".edge":
                bundle = open_bundle(path)
                # What its maker wrote stays as it was, for the maker's signature.
                mine = SITE_FILES if bundle.manifest.site else ""
                for name in bundle.manifest.files:
                    if name.startswith(mine) and name.endswith((".md", ".json")):
                        text = bytes(bundle.read(name)).decode()
                        texts[f"{path.name}/{name}"] = READ[Path(name).suffix](text)
            elif path.suffix in READ:
                text = path.read_text("utf-8")
                texts[str(path.relative_to(place.parent))] = READ[path.suffix](text)
    return texts
