"""A store is at each moment what its one record says, and its record is what was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime import Classifier
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.installed import STORE_RECORD, sealed, store_content
from edge_runtime.commands import open_named
from edge_runtime.errors import CannotWrite, EdgeError, IntegrityError, NotABundle, UsageError
from edge_runtime.installation import store as installation
from edge_runtime.installation.golden import Unfinished, replayed_here
from edge_runtime.installation.record import InstalledModel, StoreState
from edge_runtime.installation.store import ModelStore, settle_at_start
from tiny_bundle import write_tiny_bundle
from update_bed import Bed, model


def identity_of(path: Path) -> str:
    with open_bundle(path) as bundle:
        return bundle.identity


def proposed(store: Path, path: Path, release: int = 2) -> InstalledModel:
    """Add a model to a store, where it waits for its check."""
    opened = ModelStore(str(store))
    new = InstalledModel(identity_of(path), "model3-xray", "0.1.0", release)
    with opened.writing():
        opened.add(path, new.identity)
        opened.propose(new)
    return new


def test_every_way_to_open_a_bundle_opens_the_confirmed_model_of_a_store(
    bed: Bed, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_bundle(store) as one, open_named(str(store), {}) as another:
        assert one.identity == another.identity == bed.old
    with Classifier(store) as classifier:
        assert classifier.bundle.identity == bed.old
    monkeypatch.setenv("EDGE_BUNDLE", str(store))
    with open_named(None, {}) as named:
        assert named.identity == bed.old


def test_a_model_that_waits_does_not_answer_before_it_was_checked(
    bed: Bed, store: Path, tmp_path: Path
) -> None:
    new = proposed(store, model(tmp_path, 2))
    with open_bundle(store) as bundle:
        assert bundle.identity == bed.old
    with open_named(str(store), {}) as bundle:  # as every command opens it
        assert bundle.identity == new.identity
    state = ModelStore(str(store)).state
    assert (state.pending, state.attempts) == (None, 0)
    assert state.previous
    assert state.previous.identity == bed.old


def test_a_model_that_waits_and_is_not_whole_is_thrown_out_at_the_next_start(
    bed: Bed, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = proposed(store, model(tmp_path, 2))
    place = Path(ModelStore(str(store)).path(new.identity))
    place.write_bytes(place.read_bytes()[:-1])
    with open_named(str(store), {}) as bundle:
        assert bundle.identity == bed.old
    assert "was thrown out" in capsys.readouterr().err
    assert not place.exists()
    assert list(ModelStore(str(store)).state.held) == [new.identity]


def test_a_start_while_an_update_is_at_it_goes_on_with_the_confirmed_model(
    bed: Bed, store: Path, tmp_path: Path
) -> None:
    proposed(store, model(tmp_path, 2))
    said: list[str] = []
    with ModelStore(str(store)).writing():
        settle_at_start(str(store), said.append)
        with open_bundle(store) as bundle:
            assert bundle.identity == bed.old
    assert "is not checked yet" in said[0]


def test_a_check_that_is_ended_from_outside_says_nothing_of_the_model(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = proposed(store, model(tmp_path, 2))

    def ended(path: str) -> str:
        raise Unfinished(f"{path} crashed (SIGKILL)")

    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(installation, "replayed_here", ended)
        settle_at_start(str(store), said.append)
    assert ModelStore(str(store)).state.pending == new
    settle_at_start(str(store), said.append)
    assert ModelStore(str(store)).state.current == new


def test_a_model_that_crashes_its_process_is_thrown_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tiny_bundle(tmp_path / "m.edge")
    assert not replayed_here(str(path))
    monkeypatch.setattr(
        "edge_runtime.isolation.child.module_command",
        lambda *_: ["/bin/sh", "-c", "kill -SEGV $$"],
    )
    assert "SIGSEGV" in replayed_here(str(path))
    monkeypatch.setattr(
        "edge_runtime.isolation.child.module_command",
        lambda *_: ["/bin/sh", "-c", "kill -TERM $$"],
    )
    with pytest.raises(Unfinished, match="SIGTERM"):
        replayed_here(str(path))


def test_going_back_goes_back_and_a_second_time_forth(bed: Bed, store: Path) -> None:
    assert bed.run(*bed.update(store)).returncode == 0
    rollback = ["rollback", "--store", store]
    for expected in (bed.old, bed.new):
        assert bed.run(*rollback).returncode == 0
        with open_bundle(store) as bundle:
            assert bundle.identity == expected
    assert bed.run(*rollback).returncode == 0
    done = bed.run(*bed.update(store))  # an update does not undo what somebody did
    assert (done.returncode, "somebody went back from it" in done.stderr) == (0, True)
    assert bed.run(*bed.update(store), "--again").returncode == 0
    with open_bundle(store) as bundle:
        assert bundle.identity == bed.new


def test_there_is_nothing_to_go_back_to_after_the_first_model(bed: Bed, store: Path) -> None:
    done = bed.run("rollback", "--store", store)
    assert (done.returncode, "no model before" in done.stderr) == (UsageError.exit_status, True)


def test_going_back_to_a_damaged_model_is_refused(bed: Bed, store: Path) -> None:
    assert bed.run(*bed.update(store)).returncode == 0
    place = store / "models" / f"{bed.old}.edge"
    place.write_bytes(place.read_bytes()[:-9] + bytes(9))
    done = bed.run("rollback", "--store", store)
    assert (done.returncode, "the current one goes on" in done.stderr) == (4, True)
    with open_bundle(store) as bundle:
        assert bundle.identity == bed.new


def test_another_model_under_the_name_of_the_confirmed_one_is_an_error(
    bed: Bed, store: Path, tmp_path: Path
) -> None:
    (store / "models" / f"{bed.old}.edge").write_bytes(model(tmp_path, 2).read_bytes())
    with pytest.raises(IntegrityError, match="another model than the one that was confirmed"):
        open_bundle(store)


def test_each_byte_of_the_record_that_is_changed_is_seen(store: Path) -> None:
    record = store / STORE_RECORD
    whole, before = record.read_bytes(), store_content(str(store))
    for place in range(0, len(whole), 7):
        data = bytearray(whole)
        data[place] ^= 1
        record.write_bytes(data)
        try:
            after = store_content(str(store))
        except EdgeError as error:
            assert error.exit_status in (3, 4)
        else:
            assert after == before  # as white space between words
    record.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IntegrityError, match="is not what edge-run wrote"):
        open_bundle(store)


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"current": {"identity": "x"}}, {"current": None}, {"more": 1}],
)
def test_a_record_of_another_kind_is_refused(change: dict[str, object], store: Path) -> None:
    content = store_content(str(store))
    (store / STORE_RECORD).write_bytes(sealed({**content, **change}))
    with pytest.raises((NotABundle, IntegrityError)):
        ModelStore(str(store)).state  # noqa: B018
        open_bundle(store)


def test_a_folder_with_something_else_becomes_no_store(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(CannotWrite, match=r"holds letter\.txt"):
        ModelStore.made(str(tmp_path), {})
    with pytest.raises(UsageError, match="is no store"):
        ModelStore(str(tmp_path))


def test_models_that_nobody_needs_and_halves_of_files_go_with_the_next_update(
    bed: Bed, store: Path
) -> None:
    for name in ("models/.x.part", ".y.part", f"models/{'0' * 64}.edge"):
        (store / name).write_bytes(b"left over")
    assert bed.problems(store) == []


def test_so_many_models_that_were_thrown_out_are_remembered() -> None:
    state = StoreState(box="0" * 32)
    for number in range(300):
        state = state.holding(f"{number:064x}", "why")
    assert len(state.held) == 100
    assert f"{299:064x}" in state.held
    assert replace(state, held={}).held == {}
