"""Films are kept where that is asked for, under no name, and nowhere else."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from asgi import Client
from edge_runtime.errors import CannotWrite
from edge_runtime.web.keep import Keeper
from tiny_bundle import encoded, film_image

Make = Callable[..., Client]


def test_film_and_answer_are_kept_by_their_digest(make: Make, tmp_path: Path) -> None:
    folder, film = tmp_path / "kept", encoded(film_image())
    page = make(keep=folder)
    reply = page.ask("/api/classify", film, headers={"X-Film-Name": "Meyer_Anna.png"})
    assert reply.status == 200
    digest = sha256(film).hexdigest()
    assert {path.name for path in folder.iterdir()} == {f"{digest}.film", f"{digest}.json"}
    assert (folder / f"{digest}.film").read_bytes() == film
    kept = (folder / f"{digest}.json").read_text()
    assert json.loads(kept)["probability"] == reply.json["probability"]
    assert "Meyer" not in kept
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_where_it_cannot_be_kept_there_is_no_answer(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    page = make(keep=folder)
    folder.rmdir()
    folder.write_text("no folder")
    reply = page.ask("/api/classify", encoded(film_image()))
    assert reply.status == 500
    assert "kept" in reply.json["detail"]


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="--keep"):
        Keeper(tmp_path / "file" / "kept")
