"""Shards put together are what one run gives; a part too few or too many is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from archives import Archive, lasting, rows_of, run_score
from tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def shards(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("shards")
    listed = run_score("manifest", archive.folder, "--out", folder / "manifest", "--part", 5)
    assert listed.returncode == 0, listed.stderr
    outs = [folder / f"shard-{number}" for number in range(2)]
    for number, out in enumerate(outs):
        done = run_score(
            *(folder / "manifest", "--bundle", archive.bundle),
            *("--out", out, "--shard", f"{number}/2"),
        )
        assert done.returncode == 0, done.stderr
    return outs


def test_shards_give_the_rows_of_one_run(
    archive: Archive, shards: list[Path], tmp_path: Path
) -> None:
    done = run_score("merge", *shards, "--out", tmp_path / "all", "--bundle", archive.bundle)
    assert done.returncode == 0, done.stderr
    assert lasting(rows_of(tmp_path / "all")) == lasting(rows_of(archive.out))
    again = run_score(
        *(archive.folder, "--bundle", archive.bundle, "--out", tmp_path / "all", "--resume")
    )
    assert "all of it was done before" in again.stderr


def test_a_part_that_is_missing_or_there_twice_is_named(shards: list[Path], tmp_path: Path) -> None:
    for folders, words in (
        (shards[:1], "1 parts are in none of the folders: 1"),
        ([*shards, shards[0]], "shard-0 does; name each shard once"),
        ([tmp_path], "has no answers"),
    ):
        done = run_score("merge", *folders, "--out", tmp_path / "all")
        assert done.returncode in (2, 9)
        assert words in done.stderr
        assert not (tmp_path / "all").exists()


def test_the_bundle_that_answered_is_wanted_and_no_other(
    shards: list[Path], tmp_path: Path
) -> None:
    other = write_tiny_bundle(tmp_path / "other.edge", tolerance=0.5)
    done = run_score("merge", *shards, "--out", tmp_path / "all", "--bundle", other)
    assert (done.returncode, "is not the bundle of these answers" in done.stderr) == (2, True)
    assert not (tmp_path / "all").exists()


@pytest.mark.parametrize("more", [["--shard", "1/2"], ["--workers", 3], ["--resume"]])
def test_what_scores_has_no_place_beside_merge(
    more: list[object], shards: list[Path], tmp_path: Path
) -> None:
    done = run_score("merge", *shards, "--out", tmp_path / "all", *more)
    assert (done.returncode, "scores nothing" in done.stderr) == (2, True)


def test_a_shard_of_another_manifest_is_refused(
    archive: Archive, shards: list[Path], tmp_path: Path
) -> None:
    order = (archive.folder, "--bundle", archive.bundle, "--part", 4, "--shard", "1/2")
    assert run_score(*order, "--out", tmp_path / "odd").returncode == 0
    done = run_score("merge", shards[0], tmp_path / "odd", "--out", tmp_path / "all")
    assert (done.returncode, "of another manifest" in done.stderr) == (2, True)
