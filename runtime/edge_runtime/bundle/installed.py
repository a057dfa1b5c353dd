"""A store of installed models: which of them answers, as its one record says.

A store is a folder with `store.json` and `models/IDENTITY.edge`. The record is replaced as a whole,
so that there is no moment at which nobody knows which model was confirmed. What writes it is
`edge_runtime.installation`; only reading is here, because every command opens models.
"""
# On the cold path of a store:
# ruff: noqa: PTH113, PTH118, PTH123

from __future__ import annotations

import json
import os

from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import IntegrityError, NotABundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STORE_RECORD = "store.json"
MODELS = "models"
STORE_FORMAT = 1
LARGEST_RECORD = 1 << 18
"""Bytes; each model takes some hundred, and those that were thrown out stay listed."""

_CURE = "mend the disk, and install into a new store: edge-run update --store NEW --root ROOT.json"


def is_store(path: str) -> bool:
    """Tell whether the folder `path` is a store of installed models."""
    return os.path.isfile(os.path.join(path, STORE_RECORD))


def sealed(content: dict[str, Any]) -> bytes:
    """Return a record as it stands on the disk, with the digest by which damage is seen."""
    body = json.dumps(content, sort_keys=True)
    return (json.dumps({"content": content, "digest": sha256(body.encode())}) + "\n").encode()


def unsealed(data: bytes, path: str, cure: str = _CURE) -> dict[str, Any]:
    """Return the content of a record that `sealed` wrote.

    Raises:
        IntegrityError: it is another one.
    """
    try:
        document = json.loads(data)
        content, digest = document["content"], document["digest"]
        if not isinstance(content, dict):
            raise TypeError("no object")
        if digest != sha256(json.dumps(content, sort_keys=True).encode()):
            raise ValueError("another digest")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(path, "is not what edge-run wrote", cure) from error
    return content


def read_sealed(path: str, largest: int = LARGEST_RECORD) -> dict[str, Any]:
    """Return the content of the record at `path`, of `largest` bytes at most.

    Raises:
        NotABundle: it cannot be read.
        IntegrityError: it is not what was written.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(largest + 1)
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise NotABundle(path, problem, "check the disk and the rights") from error
    if len(data) > largest:
        raise IntegrityError(path, "is too long for what edge-run wrote", _CURE)
    return unsealed(data, path)


def store_content(folder: str) -> dict[str, Any]:
    """Return what the record of the store `folder` holds.

    Raises:
        NotABundle: it is of an unknown format, or cannot be read.
        IntegrityError: it is not what was written.
    """
    path = os.path.join(folder, STORE_RECORD)
    content = read_sealed(path)
    if content.get("format") != STORE_FORMAT:
        raise NotABundle(path, "is of a format that is not known here", "update edge-runtime")
    return content


def model_path(folder: str, identity: str) -> str:
    """Return where the store `folder` has the model `identity`."""
    return os.path.join(folder, MODELS, f"{identity}.edge")


def confirmed_model(folder: str) -> tuple[str, str]:
    """Return path and identity of the model that was confirmed last in the store `folder`.

    Raises:
        NotABundle: there is none yet.
        IntegrityError: the record is not what was written.
    """
    current = store_content(folder)["current"]
    if current is None:
        cure = "install one: edge-run update --from URL|FOLDER"
        raise NotABundle(folder, "has no confirmed model", cure)
    return model_path(folder, current["identity"]), current["identity"]
