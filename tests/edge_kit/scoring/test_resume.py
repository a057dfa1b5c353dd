"""Whatever ends a run, resuming it ends with every film once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from archives import (
    KILLER,
    Archive,
    children_of,
    command,
    draw_archive,
    environment,
    lasting,
    rows_of,
    run_score,
)
from tiny_bundle import write_film, write_tiny_bundle

MOUNT, UMOUNT = shutil.which("mount"), shutil.which("umount")


@pytest.fixture
def slow(tmp_path: Path) -> dict[str, str]:
    """An environment in which films take a while, and some end their readers."""
    (tmp_path / "custom").mkdir()
    (tmp_path / "custom" / "sitecustomize.py").write_text(KILLER)
    return environment(tmp_path / "custom", SLOW_FILMS="0.05")


def journalled(out: Path) -> int:
    with suppress(FileNotFoundError):
        return len((out / "journal.jsonl").read_bytes().splitlines()) - 1
    return 0


def started(arguments: list[object], env: dict[str, str], out: Path) -> subprocess.Popen[bytes]:
    """Start scoring, and return once a part is done and others are not."""
    process = subprocess.Popen(command(*arguments), env=env, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while journalled(out) < 1:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_a_driver_that_is_killed_leaves_no_worker_and_loses_no_film(
    archive: Archive, tmp_path: Path, slow: dict[str, str]
) -> None:
    films, out = draw_archive(tmp_path / "films", 40), tmp_path / "out"
    order = [tmp_path / "films", "--bundle", archive.bundle, "--out", out, "--part", 4]
    process = started([*order], slow, out)
    workers = children_of(process.pid)
    assert workers
    process.kill()
    process.wait()
    assert journalled(out) < 10
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    before = {p.name: p.stat().st_mtime_ns for p in (out / "results").glob("part-*.parquet")}
    done_before = [json.loads(line) for line in (out / "journal.jsonl").read_bytes().splitlines()]
    done = run_score(*order, "--resume")
    assert done.returncode == 0, done.stderr
    assert [row["file"] for row in rows_of(out)] == list(map(str, films))
    for line in done_before[1:]:
        name = f"part-{line['part']:05}.parquet"
        assert (out / "results" / name).stat().st_mtime_ns == before[name]
    assert not list((out / "results").glob(".*"))


def test_a_worker_that_is_killed_is_replaced(
    archive: Archive, tmp_path: Path, slow: dict[str, str]
) -> None:
    films, out = draw_archive(tmp_path / "films", 40), tmp_path / "out"
    order = [tmp_path / "films", "--bundle", archive.bundle, "--out", out, "--part", 4]
    process = started([*order], slow, out)
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    assert process.wait(60) == 0
    assert [row["file"] for row in rows_of(out)] == list(map(str, films))
    assert {row["status"] for row in rows_of(out)} == {"ok", "refused"}


def test_a_film_that_ends_its_reader_twice_is_an_error_and_one_that_does_it_once_is_answered(
    archive: Archive, tmp_path: Path, slow: dict[str, str]
) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for name in ("a", "killer-1", "killer-2", "once", "z"):
        write_film(films / f"{name}.png")
    out = tmp_path / "out"
    done = run_score(films, "--bundle", archive.bundle, "--out", out, env=slow)
    assert done.returncode == 0, done.stderr
    rows = {Path(row["file"]).stem: row for row in rows_of(out) if row["file"].endswith(".png")}
    statuses = {name: row["status"] for name, row in rows.items()}
    assert statuses == {
        "a": "ok",
        "killer-1": "error",
        "killer-2": "error",
        "once": "ok",
        "z": "ok",
    }
    assert rows["killer-1"]["problem"] == "ended the process that read it, twice"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() or MOUNT is None or UMOUNT is None:
        pytest.skip("only root may mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        [MOUNT, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run([UMOUNT, "-l", str(place)], check=True)


def test_a_full_disk_is_one_line_and_room_lets_it_go_on(archive: Archive, small_disk: Path) -> None:
    out, filler = small_disk / "out", small_disk / "filler"
    order = [archive.folder, "--bundle", archive.bundle, "--out", out, "--part", 2]
    listed = run_score("manifest", archive.folder, "--out", out / "manifest", "--part", 2)
    assert listed.returncode == 0, listed.stderr
    with suppress(OSError), filler.open("wb") as stream:
        while True:
            stream.write(bytes(1024))
            stream.flush()
    with filler.open("rb+") as stream:
        stream.truncate(filler.stat().st_size - 24 * 1024)
    done = run_score(*order, "--resume")
    assert done.returncode == 10, done.stderr
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    filler.unlink()
    done = run_score(*order, "--resume")
    assert done.returncode == 0, done.stderr
    assert lasting(rows_of(out)) == lasting(rows_of(archive.out))


@pytest.fixture
def copy(archive: Archive, tmp_path: Path) -> Path:
    return Path(shutil.copytree(archive.out, tmp_path / "copy"))


@pytest.mark.parametrize("damage", ["torn", "gone", "another", "journal", "line"])
def test_a_part_whose_answers_do_not_hold_is_done_anew(
    archive: Archive, copy: Path, damage: str
) -> None:
    part, journal = copy / "results" / "part-00001.parquet", copy / "journal.jsonl"
    if damage == "torn":
        part.write_bytes(part.read_bytes()[:-20])
    elif damage == "gone":
        part.unlink()
    elif damage == "another":
        shutil.copy(copy / "results" / "part-00000.parquet", part)
    elif damage == "journal":
        journal.write_bytes(journal.read_bytes()[:-30])
    else:
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:2]))
    done = run_score(archive.folder, "--bundle", archive.bundle, "--out", copy, "--resume")
    assert done.returncode == 0, done.stderr
    assert lasting(rows_of(copy)) == lasting(rows_of(archive.out))


def test_another_bundle_does_not_go_on(archive: Archive, copy: Path, tmp_path: Path) -> None:
    other = write_tiny_bundle(tmp_path / "other.edge", tolerance=2e-3)
    before = (copy / "journal.jsonl").read_bytes()
    done = run_score(archive.folder, "--bundle", other, "--out", copy, "--resume")
    assert done.returncode == 2
    assert "has answers of another bundle" in done.stderr
    assert (copy / "journal.jsonl").read_bytes() == before


def test_what_is_there_is_not_written_over(archive: Archive, copy: Path, tmp_path: Path) -> None:
    done = run_score(archive.folder, "--bundle", archive.bundle, "--out", copy)
    assert (done.returncode, "go on with --resume" in done.stderr) == (10, True)
    elsewhere = run_score(tmp_path, "--bundle", archive.bundle, "--out", copy, "--resume")
    assert (elsewhere.returncode, "has the films of" in elsewhere.stderr) == (2, True)


def test_a_manifest_that_was_changed_is_refused(archive: Archive, copy: Path) -> None:
    index = copy / "manifest" / "index.json"
    index.write_bytes(
        index.read_bytes().replace(b'"rows": 12', b'"rows": 11').replace(b"5,", b"4,")
    )
    done = run_score(archive.folder, "--bundle", archive.bundle, "--out", copy, "--resume")
    assert done.returncode == 9, done.stderr


def test_a_part_of_the_manifest_that_was_changed_is_named_with_what_helps(
    archive: Archive, copy: Path
) -> None:
    part = copy / "manifest" / "part-00001.parquet"
    data = bytearray(part.read_bytes())
    data[40] ^= 1
    part.write_bytes(data)
    (copy / "results" / part.name).unlink()
    done = run_score(archive.folder, "--bundle", archive.bundle, "--out", copy, "--resume")
    assert done.returncode == 9, done.stderr
    assert f"{part.name}: is not the file that was written; list the films again" in done.stderr


def test_a_listing_that_was_killed_is_done_again(archive: Archive, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(archive.out / "manifest", out / "manifest")
    (out / "manifest" / "index.json").unlink()
    (out / "manifest" / "part-00007.parquet").write_bytes(b"of another listing")
    done = run_score(
        archive.folder, "--bundle", archive.bundle, "--out", out, "--resume", "--part", 5
    )
    assert done.returncode == 0, done.stderr
    assert lasting(rows_of(out)) == lasting(rows_of(archive.out))
    assert not (out / "manifest" / "part-00007.parquet").exists()
