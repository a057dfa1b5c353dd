"""`edge-run watch` answers films in processes of their own, and ends between two when told to."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.cli import run
from tiny_bundle import command, edge_run, environment, write_film

pytestmark = pytest.mark.usefixtures("own_signals", "no_bundle_of_this_user")


@pytest.fixture
def tray(tmp_path: Path) -> Path:
    (place := tmp_path / "tray").mkdir()
    return place


def test_a_tray_is_answered_as_classify_would(tray: Path, tiny: Path, tmp_path: Path) -> None:
    for number in range(4):
        write_film(tray / f"{number}.png", seed=number)
    (tray / "small.png").write_bytes((tray / "0.png").read_bytes()[:90])
    audit = tmp_path / "trail.jsonl"
    words = ("--bundle", tiny, "--audit", audit, "--quiet", "0.1", "--once")
    ended = edge_run("watch", tray, *words)
    assert ended.returncode == 0 and "4 films answered, 1 refused, 0 not read" in ended.stderr
    assert "small" not in ended.stderr
    with (tray / "results.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {*(f"done/{number}.png" for number in range(4)), "refused/small.png"}
    ours = edge_run("classify", tray / "done", "--bundle", tiny, "--format", "json")
    for line in map(json.loads, ours.stdout.splitlines()):
        row = rows["done/" + Path(line["file"]).name]
        assert row["logit"] == str(line["logit"]) and row["sha256"] == line["sha256"]
        document = json.loads((tray / f"{row['file']}.json").read_text())
        assert document["logit"] == line["logit"] and document["file"] == row["file"]
    assert edge_run("audit", "verify", audit).stdout.startswith("5 decisions")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that is caught")
def test_sigterm_ends_it_with_143_and_nothing_half_done(tray: Path, tiny: Path) -> None:
    write_film(tray / "a.png")
    words = command("watch", tray, "--bundle", tiny, "--quiet", "0.1")
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment()) as watching:
        assert watching.stderr is not None
        assert watching.stderr.readline() and watching.stderr.readline()  # it has begun
        refused = None
        while refused is None or "one watcher" not in refused:  # until the tray is locked
            refused = edge_run("watch", tray, "--bundle", tiny, "--once", "--quiet", "0.1").stderr
        watching.send_signal(signal.SIGTERM)
        said = watching.stderr.read()
    assert watching.returncode == 143 and said.splitlines()[-1] == "edge-run: terminated"
    assert not (tray / ".edge-run" / "journal").read_bytes()
    assert edge_run("watch", tray, "--bundle", tiny, "--once", "--quiet", "0.1").returncode == 0
    assert [path.name for path in tray.glob("**/a.png")] == ["a.png"]
    assert len((tray / "results.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([], 2), (["a", "b"], 2), ([""], 2), (["TRAY", "--quiet", "no"], 2),
        (["TRAY", "--quiet", "0"], 2), (["TRAY", "--quiet", "inf"], 2), (["missing"], 2),
        (["TRAY", "--audit", "/"], 10), (["TRAY", "--threads", "0"], 2),
    ],
)  # fmt: skip
def test_what_cannot_be_watched_is_one_line_and_its_status(
    words: list[str], status: int, tray: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tray) if word == "TRAY" else word for word in words]
    assert run(["watch", *words, "--bundle", str(tiny)]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("edge-run: ")


def test_a_trail_among_the_films_of_a_tray_is_refused(
    tray: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be taken for one, and get a line about itself."""
    audit = tray / "trail"
    for name in (audit, tray.parent / "link"):
        if name != audit:
            name.symlink_to(audit)
        assert run(["watch", str(tray), "--bundle", str(tiny), "--audit", str(name), "--once"]) == 2
        assert "--audit: lies in the tray; name a place outside it" in capsys.readouterr().err
    assert not audit.exists()
