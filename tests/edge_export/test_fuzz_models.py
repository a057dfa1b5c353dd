"""Whatever stands in a model file, it is exported, or refused in one line of ours.

Long runs are `make fuzz`: `tests/fuzz/run.py models`.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from fuzz.models import damaged_model, judge, seeds

CASES = 60


@pytest.fixture(scope="module")
def known() -> list[bytes]:
    return seeds()


def test_every_seed_is_exported(known: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    for seed in known:
        path.write_bytes(seed)
        assert judge(path) == "exported"


def test_no_damaged_model_file_gives_anything_but_an_answer_or_a_line(
    known: list[bytes], tmp_path: Path
) -> None:
    import keras

    path = tmp_path / "model.keras"
    found = set[str]()
    for case in range(CASES):
        chance = Random(f"short:{case}")
        path.write_bytes(damaged_model(chance.choice(known), chance))
        found.add(judge(path, convert=False))
        keras.backend.clear_session(free_memory=False)
    assert found >= {"DataError", "opened"}
