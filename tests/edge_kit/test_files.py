"""A folder appears whole or not at all, and only a checkpoint outlives what interrupts it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edge_kit.files import CHECKPOINT, new_folder, require_new, staging, write_json
from edge_kit.training.run import CONFIG, finished
from edge_runtime.errors import CannotWrite


def test_json_never_holds_a_number_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"loss": float("nan")})


def test_a_folder_appears_when_it_is_full(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    with new_folder(out) as folder:
        (folder / "a").write_text("a", "utf-8")
        assert not out.exists()
    assert [one.name for one in out.iterdir()] == ["a"]
    assert [one.name for one in out.parent.iterdir()] == ["run"]


def test_a_run_has_reached_the_disk_before_it_is_there_and_its_checkpoint_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, synced, sync = tmp_path / "run", list[tuple[str, bool]](), os.fsync

    def noted(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        synced.append((name, out.exists()))
        assert (staging(out) / CHECKPOINT).exists()
        sync(descriptor)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc")
    monkeypatch.setattr("os.fsync", noted)
    with new_folder(out) as folder:
        (folder.parent / CHECKPOINT).touch()
        (folder / "model").write_bytes(b"weights")
        (folder / "tensorboard").mkdir()
        (folder / "tensorboard" / "log").write_bytes(b"figures")
    assert synced[-1] == (tmp_path.name, True)
    assert {name for name, there in synced if not there} == {"model", "log", "run", "tensorboard"}
    assert [one.name for one in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_is_filled_the_current_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with new_folder(Path()) as folder:
        (folder / "a").touch()
    assert [one.name for one in here.iterdir()] == ["a"]


class Stop(BaseException):
    """As Ctrl-C and SIGTERM are, no Exception."""


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Stop])
def test_whatever_ends_the_work_nothing_is_left(error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error), new_folder(tmp_path / "run") as folder:
        (folder / "a").touch()
        raise error
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotWrite, match=r"run: No space left on device; check the rights"),
        new_folder(tmp_path / "run") as folder,
    ):
        (folder / "a").touch()
        raise OSError(28, os.strerror(28))
    assert not list(tmp_path.iterdir())


def test_a_file_or_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    require_new(tmp_path / "run")
    require_new(tmp_path / "new")
    (tmp_path / "run" / "kept").write_text("kept", "utf-8")
    for taken in (tmp_path / "run", tmp_path / "run" / "kept"):
        with pytest.raises(CannotWrite, match="exists already; name a new folder"):
            require_new(taken)
    assert json.dumps((tmp_path / "run" / "kept").read_text("utf-8")) == '"kept"'


def interrupted(out: Path, *, resume: bool = False) -> None:
    """Leave a checkpoint behind."""
    with pytest.raises(Stop), new_folder(out, resume=resume) as folder:
        (folder / "half").touch()
        (folder.parent / CHECKPOINT).write_text("state", "utf-8")
        raise Stop


def test_a_checkpoint_outlives_what_ends_the_work_and_the_half_written_run_does_not(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    interrupted(out)
    assert [one.name for one in tmp_path.iterdir()] == [".run.partial"]
    assert sorted(one.name for one in staging(out).iterdir()) == [CHECKPOINT, "lock"]
    interrupted(out, resume=True)
    with new_folder(out, resume=True) as folder:
        assert not list(folder.iterdir())
        assert (folder.parent / CHECKPOINT).read_text("utf-8") == "state"
        (folder / "a").touch()
    assert [one.name for one in tmp_path.rglob("*")] == ["run", "a"]


def test_what_can_go_on_is_not_begun_anew_by_accident(tmp_path: Path) -> None:
    out = tmp_path / "run"
    interrupted(out)
    with pytest.raises(
        CannotWrite, match=r"run: an interrupted .*; go on with --resume, or delete"
    ):
        require_new(out)
    require_new(out, resume=True)


def test_what_was_killed_before_its_first_epoch_is_begun_anew(tmp_path: Path) -> None:
    out = tmp_path / "run"
    (staging(out) / "run").mkdir(parents=True)
    (staging(out) / "run" / "half").touch()
    with new_folder(out) as folder:
        assert not list(folder.iterdir())
    assert [one.name for one in tmp_path.rglob("*")] == ["run"]


def test_two_trainings_do_not_write_one_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with new_folder(out) as folder:
        (folder / "a").touch()
        other = new_folder(out, resume=True)
        with pytest.raises(CannotWrite, match="is being written by another command"), other:
            pytest.fail("there are two")
    assert [one.name for one in tmp_path.rglob("*")] == ["run", "a"]


def test_a_training_that_was_killed_when_its_run_was_whole_is_finished_and_tidied_up(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    interrupted(out)
    assert not finished(out)
    assert staging(out).exists()
    out.mkdir()
    (out / CONFIG).touch()
    assert finished(out)
    assert [one.name for one in tmp_path.iterdir()] == ["run"]
