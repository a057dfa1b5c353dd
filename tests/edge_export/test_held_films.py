"""An export reads held-out films a few at a time, so its memory does not grow with their pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_export.export import export
from edge_export.films import pixels as module
from edge_export.films.film import Film
from edge_export.proof import reference
from shelved_films import Shelves
from tiny_network import tiny_plan

if TYPE_CHECKING:
    import keras

MOST = 10


def test_no_step_of_an_export_holds_the_held_out_films(
    model: keras.Model, films: list[Film], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FILMS", MOST)
    monkeypatch.setattr(reference, "_BATCH", MOST)
    reader, out = Shelves(), tmp_path / "model.edge"
    plain = export(model, films, tiny_plan(), out, lambda _: None)
    before = out.read_bytes()
    shelved = export(model, films, tiny_plan(), out, lambda _: None, reader=reader)
    (shelf,) = reader.shelves
    assert len(shelf) == len(shelved.held_out.digests) == 56
    # Every second film of these, on which layers are compared: 24 or a few more of any number.
    assert 1 < shelf.largest == 28
    assert plain.answer == shelved.answer
    assert out.read_bytes() == before
