"""Each film is answered once, whenever a watcher is killed and whatever the disk does not take."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.bundle import Bundle
from edge_runtime.errors import UsageError
from edge_runtime.tray.commit import Committer
from edge_runtime.tray.folder import JOURNAL, TrayFolder
from edge_runtime.tray.journal import Batch, Intent, Journal
from killed_trays import FULL
from tiny_bundle import environment
from trays import film, problems, rows, watch_once

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks, and limits the size of files")
def test_each_film_is_answered_once_whatever_step_was_the_last(tmp_path: Path, tiny: Path) -> None:
    path = [environment()["PYTHONPATH"], str(ROOT / "tests" / "support"), *sys.path]
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "support" / "killed_trays.py"), tmp_path, tiny],
        env=environment(PYTHONPATH=":".join(path)), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(ended.stdout)
    assert not [one for one in found if one[3] or one[4]]
    steps = [status for what, _, status, _, _ in found if what == "step"]
    assert len(steps) > 40 and set(steps[:-1]) == {-signal.SIGKILL} and steps[-1] == 0
    sizes = {status for what, _, status, _, _ in found if what == "size"}
    assert sizes == {0, FULL}


def test_a_batch_without_its_end_was_not_begun(tray: Path) -> None:
    folder = TrayFolder(tray)
    journal = Journal(folder.state / JOURNAL, tray)
    intent = Intent("a.png", 1, 2, "done/a.png", '"\udcff"\n', "{}\n", {"status": "ok"})
    batch = Batch((intent, intent), 7, None)
    journal.write(batch)
    assert journal.pending() == batch
    journal.close()
    whole = (folder.state / JOURNAL).read_bytes()
    for end in range(len(whole) - 1):
        (folder.state / JOURNAL).write_bytes(whole[:end])
        torn = Journal(folder.state / JOURNAL, tray)
        assert torn.pending() is None
        torn.close()


def test_a_film_that_came_under_the_name_of_one_that_was_moved_is_a_film_of_its_own(
    tray: Path, bundle: Bundle
) -> None:
    """As if killed after the move, and before the journal was cleared."""
    folder = TrayFolder(tray)
    (tray / "a.png").write_bytes(film(1))
    watch_once(tray, bundle)
    row = (tray / "results.csv").read_text().splitlines(keepends=True)[1]
    before = len((tray / "results.csv").read_text().splitlines(keepends=True)[0])
    moved = (tray / "done" / "a.png").stat()
    document = (tray / "done" / "a.png.json").read_text()
    intent = Intent("a.png", moved.st_size, moved.st_mtime_ns, "done/a.png", row, document, {})
    journal = Journal(folder.state / JOURNAL, tray)
    journal.write(Batch((intent,), before, None))
    journal.close()
    (tray / "a.png").write_bytes(film(2))
    watch_once(tray, bundle)
    assert problems(tray, [film(1), film(2)]) == []
    assert [row["file"] for row in rows(tray)] == ["done/a.png", "done/a-2.png"]


def test_a_tray_that_goes_while_films_are_moved_is_not_done(
    tray: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents, elsewhere, move = [film(1), film(2)], tray.with_name("pocket"), Committer._move
    for number, content in enumerate(contents):
        (tray / f"{number}.png").write_bytes(content)

    def away(self: Committer, intent: Intent) -> None:
        if not elsewhere.exists() and not heard:
            tray.rename(elsewhere)
        move(self, intent)

    def say(line: str) -> None:
        heard.append(line)
        if elsewhere.exists():
            elsewhere.rename(tray)

    heard: list[str] = []
    monkeypatch.setattr(Committer, "_move", away)
    watch_once(tray, bundle, say=say)
    assert heard[-1] == "the tray is back" and problems(tray, contents) == []


def test_answers_that_were_promised_to_a_trail_wait_for_it(
    tray: Path, bundle: Bundle, tmp_path: Path
) -> None:
    folder = TrayFolder(tray)
    journal = Journal(folder.state / JOURNAL, tray)
    journal.write(Batch((), 0, 7))
    journal.close()
    with pytest.raises(UsageError, match="name the trail with --audit"):
        watch_once(tray, bundle)
    watch_once(tray, bundle, audit=tmp_path / "trail.jsonl")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a.png", "../a.png"), ("a.png", "done/../../a.png"), ("a.png", "/nowhere/a.png"),
        ("../a.png", "done/a.png"), ("../a.png", "../a.png"), ("..", "done/a.png"),
        ("a.png", "other/a.png"), ("a.png", "done/.."), ("a.png", "done/"),
    ],
)  # fmt: skip
def test_a_journal_that_leads_out_of_the_tray_is_not_carried_out(
    name: str, place: str, tray: Path, bundle: Bundle
) -> None:
    """Whoever may put films into a tray may write its journal."""
    folder = TrayFolder(tray)
    for path in (tray / "a.png", tray.parent / "a.png"):
        path.write_bytes(film(1))
    status = (tray / "a.png").stat()
    intent = Intent(name, status.st_size, status.st_mtime_ns, place, "", "{}", {})
    journal = Journal(folder.state / JOURNAL, tray)
    journal.write(Batch((intent,), 0, None))
    journal.close()
    before = sorted(tray.parent.rglob("*.png*"))
    with pytest.raises(UsageError, match="leads out of the tray"):
        watch_once(tray, bundle)
    assert sorted(tray.parent.rglob("*.png*")) == before
