"""A choice is remembered for what it was measured on; a file that is not ours is not believed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.machine import computer
from edge_runtime.machine.engine_choice import (
    RECORD,
    EngineChoice,
    circumstances,
    forget,
    remember,
    remembered,
    require_room,
)
from edge_runtime.machine.ratios import Ratio
from foreign_owner import give_away

CHOICE = EngineChoice(
    "onnxruntime", "litert", "onnxruntime", Ratio(0.77, 0.75, 0.8, 9),
    {"litert": 19.8, "onnxruntime": 15.3},
)  # fmt: skip
on_unix = pytest.mark.skipif(os.name != "posix", reason="modes, owners and pipes of Unix")
OF: dict[str, Any] = {"bundle": "a" * 64, "threads": 2}


@pytest.fixture
def place(tmp_path: Path) -> str:
    folder = tmp_path / "data" / "edge-kit"
    folder.mkdir(parents=True)
    return str(folder)


def test_what_is_remembered_is_what_was_measured(place: str) -> None:
    assert remembered(place, OF) is None
    remember(place, OF, CHOICE)
    assert remembered(place, OF) == CHOICE
    later = EngineChoice("litert", "litert", why="no other engine opens here")
    remember(place, OF, later)
    assert remembered(place, OF) == later
    assert CHOICE.words == (
        "onnxruntime: onnxruntime takes 0.77 of the time of litert (0.75 to 0.80, n 9; "
        "15.3 and 19.8 ms)"
    )


@pytest.mark.parametrize("change", [{"bundle": "b" * 64}, {"threads": 1}, {"processor": "another"}])
def test_a_choice_holds_for_its_circumstances_alone(change: dict[str, Any], place: str) -> None:
    remember(place, OF, CHOICE)
    assert remembered(place, {**OF, **change}) is None


def test_circumstances_name_processor_versions_bundle_and_threads_and_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(computer, "installed", lambda name: "9" if name == "onnxruntime" else None)
    of = circumstances("a" * 64, 3)
    assert of.keys() == {
        "bundle", "threads", "architecture", "processor", "features", "engines", "edge_runtime",
    }  # fmt: skip
    assert of["engines"] == {"onnxruntime": "9"}
    assert json.loads(json.dumps(of)) == of
    monkeypatch.setattr(computer, "installed", lambda _: "10")
    assert circumstances("a" * 64, 3) != of


def test_choices_for_one_bundle_are_forgotten_and_others_stay(place: str) -> None:
    other_bundle = {**OF, "bundle": "b" * 64}
    for of in (OF, {**OF, "threads": 1}, other_bundle):
        remember(place, of, CHOICE)
    assert forget(place, OF["bundle"]) == 2
    assert remembered(place, OF) is None
    assert remembered(place, other_bundle) == CHOICE
    assert forget(place, OF["bundle"]) == 0


def test_the_oldest_choice_gives_way_to_a_new_one(place: str) -> None:
    for threads in range(1, 103):
        remember(place, {**OF, "threads": threads}, CHOICE)
    assert remembered(place, {**OF, "threads": 2}) is None
    assert remembered(place, {**OF, "threads": 3}) == CHOICE


def _entry(**changes: Any) -> bytes:
    return json.dumps({"choices": [{"of": OF, **CHOICE.to_json(), **changes}]}).encode()


DAMAGED = {
    "empty": b"",
    "torn": _entry()[:90],
    "no text": b"\xff\xfe\x00",
    "no object": b"[]",
    "a number": b"7",
    "choices that are none": b'{"choices": 7}',
    "entries that are none": b'{"choices": [7, null, [], {}]}',
    "too deep": b'{"choices": ' + b"[" * 100_000,
    "an engine that is none": _entry(engine="tpu"),
    "a path for an engine": _entry(engine="../../evil"),
    "no engine": _entry(engine=""),
    "an engine of another type": _entry(engine=["litert"]),
    "a ratio that is none": _entry(ratio="fast"),
    "a ratio out of range": _entry(ratio={"median": -1, "low": 1, "high": 1, "n": 9}),
    "a number that is none": b'{"choices": [{"of": '
    + json.dumps(OF).encode()
    + b', "engine": NaN}]}',
    "times that are lacking": _entry(milliseconds={}),
    "a reason without end": _entry(why="x" * 10_000),
    "nothing but size": b'{"choices": "' + b"x" * (2 << 20),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_as_none_and_the_next_choice_takes_its_place(
    data: bytes, place: str
) -> None:
    path = Path(place, RECORD)
    path.write_bytes(data)
    assert remembered(place, OF) is None
    remember(place, OF, CHOICE)
    assert remembered(place, OF) == CHOICE


@on_unix
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_others_may_change_is_not_believed(
    what: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(place, OF, CHOICE)
    path = Path(place, RECORD) if what == "file" else Path(place)
    path.chmod(0o777)
    with pytest.raises(UsageError, match="can be changed by other users"):
        remembered(place, OF)
    path.chmod(0o700)
    assert remembered(place, OF) == CHOICE
    give_away(path, monkeypatch)
    with pytest.raises(UsageError, match="belongs to another user"):
        remembered(place, OF)


@on_unix
def test_a_loose_umask_does_not_open_it_to_others(place: str) -> None:
    before = os.umask(0)
    try:
        remember(place, OF, CHOICE)
    finally:
        os.umask(before)
    assert Path(place, RECORD).stat().st_mode & 0o777 == 0o600
    assert remembered(place, OF) == CHOICE


@on_unix
def test_a_pipe_of_its_name_is_not_waited_for(place: str) -> None:
    os.mkfifo(Path(place, RECORD))
    assert remembered(place, OF) is None
    with pytest.raises(CannotWrite):
        remember(place, OF, CHOICE)


def test_the_folder_is_made_where_its_own_is_there_and_nowhere_else(tmp_path: Path) -> None:
    require_room(str(tmp_path / "edge-kit"))
    assert (tmp_path / "edge-kit").is_dir()
    for nowhere in (tmp_path / "none" / "edge-kit", tmp_path / "file"):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(CannotWrite):
            require_room(str(nowhere))
        assert not (tmp_path / "none").exists()
