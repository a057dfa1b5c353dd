"""No damage leads anywhere but to an answer or to an error of ours; what once did is kept here.

Long runs are `tests/fuzz/run.py`. Each file of `corpus/` is a case that it found; its name says
what happened.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("pydicom", reason="seeds need edge-runtime[dicom]")
if os.name == "nt":
    pytest.skip("limits of Unix", allow_module_level=True)

from edge_runtime.bundle import open_bundle
from edge_runtime.errors import REFUSALS
from edge_runtime.film.preprocess import film_pixels, standard
from fuzz.grammar import tiff
from fuzz.run import KINDS, MOST_SECONDS, Tally, film_case, watched
from fuzz.seeds import bundle, damaged_bundle, dicoms, pictures

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_was_found_once_is_answered_or_refused(path: Path) -> None:
    _, judge = KINDS[path.name.partition("-")[0]]()(Random(0))
    assert judge(path.read_bytes()) in {*REFUSALS, "answered", "NotABundle", "IntegrityError"}


# How many inputs of each kind, and what some of them have to come to: neither is all damage so
# crude that nothing looks at it, nor is there too little.
EXPECTED = {
    "films": (300, {"answered", "unreadable"}),
    "structures": (60, {"answered", "unreadable"}),
    "audit": (200, {"IntegrityError", "written on"}),
    "bundles": (300, {"NotABundle", "IntegrityError"}),
    "dicom": (100, {"Refusal", "DataError", "reported"}),
    "http": (150, {"200", "400", "404", "421"}),
    "archives": (20, {"DataError"}),
    "models": (40, {"exported", "DataError"}),
    "receipts": (150, {"accepted", "DataError"}),
    "repositories": (60, {"accepted", "IntegrityError", "signed anew"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_damage_gets_through(kind: str) -> None:
    count, some = EXPECTED[kind]
    case, outcomes = KINDS[kind](), set()
    for index in range(count):
        data, judge = case(Random(f"suite:{index}"))
        outcomes.add(judge(data))
    assert outcomes >= some


def test_every_seed_is_answered_before_it_is_damaged(tmp_path: Path) -> None:
    _, judge = film_case()(Random(0))
    assert [judge(seed) for seed in (*pictures(), *dicoms())].count("answered") > 30
    (tmp_path / "m.edge").write_bytes(bundle())
    open_bundle(tmp_path / "m.edge")


def test_a_generated_tiff_of_several_strips_and_tiles_is_one(tmp_path: Path) -> None:
    strips = tiff.image(
        64,
        rows=tiff.tag(278, 4, [16]),
        offsets=tiff.tag(273, 4, [1000] * 4),
        counts=tiff.tag(279, 4, [64 * 16] * 4),
    )
    pixels = bytes(range(0, 256, 4)) * 16
    of_tiles = tiff.tiles(64, 32, 4, bytes(range(0, 256, 8)) * 32, compression=1)
    for number, data in enumerate((tiff.whole(strips, pixels), of_tiles)):
        film = tmp_path / f"{number}.tif"
        film.write_bytes(data)
        assert len(film_pixels(film, standard(64, 64))) == 64 * 64


def test_the_same_seed_gives_the_same_damage() -> None:
    seed = bundle()
    first, again = (damaged_bundle(seed, Random("1:7")) for _ in range(2))
    assert first == again != seed


def foreign(data: bytes) -> str:
    raise LookupError(data)


def test_what_is_not_ours_and_what_is_slow_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watched(b"!", foreign)[0].startswith("foreign: ")
    monkeypatch.setattr("fuzz.run.MOST_SECONDS", 0.01)
    found, seconds = watched(b"", lambda _: str(sum(range(2_000_000))))
    assert found.startswith("hang: ")
    assert 0.01 < seconds < MOST_SECONDS
    tally = Tally(tmp_path / "finds", "bundles", "1")
    tally.add(3, "NotABundle", 0.5, 1 << 20)
    tally.add(5, found, seconds, 2 << 20)
    assert dict(tally.outcomes) == {"NotABundle": 1, "hang": 1}
    assert (tally.slowest, tally.memory) == (0.5, 2 << 20)
    assert [path.name for path in (tmp_path / "finds").iterdir()] == ["bundles-hang-1-5"]
