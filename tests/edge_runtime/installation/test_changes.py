"""A store changes by one record at a time, and says in one line what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.installed import MODELS, STORE_RECORD, model_path, store_content
from edge_runtime.errors import CannotWrite, EdgeError, IntegrityError, NotABundle, UsageError
from edge_runtime.installation import store as installation
from edge_runtime.installation.golden import Unfinished
from edge_runtime.installation.record import InstalledModel, StoreState
from edge_runtime.installation.store import LOCK, ModelStore, settle_at_start
from tiny_bundle import write_tiny_bundle

A = "a" * 64


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore.made(str(tmp_path / "new" / "store"), {"trust.json": b"{}"})


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let golden films be answered as the words say, one after the other; last, all rightly."""
    reasons: list[str] = []

    def answers(_: str) -> str:
        reason = reasons.pop(0) if reasons else ""
        if reason == "unfinished":
            raise Unfinished("it was ended")
        return reason

    monkeypatch.setattr(installation, "replayed_here", answers)
    return reasons


def written(folder: Path, number: int) -> tuple[Path, InstalledModel]:
    path = write_tiny_bundle(folder / f"{number}.edge", tolerance=number / 1000)
    with open_bundle(path) as bundle:
        return path, InstalledModel(bundle.identity, "model3-xray", "0.1.0", number)


def waiting(store: ModelStore, folder: Path, number: int) -> InstalledModel:
    path, model = written(folder, number)
    with store.writing():
        store.add(path, model.identity)
        store.propose(model)
    return model


def line(action: Callable[[], object], kind: type[EdgeError]) -> str:
    with pytest.raises(kind) as caught:
        action()
    return str(caught.value)


def test_a_new_store_has_a_box_of_its_own_and_nothing_else(store: ModelStore) -> None:
    folder = Path(store.folder)
    assert {path.name for path in folder.iterdir()} == {MODELS, STORE_RECORD, "trust.json"}
    state = store.state
    assert len(state.box) == 32 and state == StoreState(box=state.box)
    again = ModelStore.made(str(folder.with_name("other")), {})
    assert again.state.box != state.box
    assert line(lambda: ModelStore(str(folder / "x")), UsageError) == (
        f"{folder / 'x'}: is no store of installed models; make one: "
        "edge-run update --from URL|FOLDER --store DIR --root ROOT.json"
    )


def test_a_store_is_made_where_one_was_begun_and_where_nothing_else_is(tmp_path: Path) -> None:
    for name in ("trust.json", LOCK, "x.part"):
        (tmp_path / name).touch()
    (tmp_path / MODELS).mkdir()
    assert ModelStore.made(str(tmp_path), {"trust.json": b"{}"}).state.current is None
    other = tmp_path / MODELS
    for name in ("b", "a"):
        (other / name).touch()
    made = line(lambda: ModelStore.made(str(other), {}), CannotWrite)
    assert made == f"{other}: holds a; name a new folder"
    other.joinpath("a").unlink()
    other.joinpath("b").unlink()
    other.chmod(0o777)
    assert "; " in line(lambda: ModelStore.made(str(other), {}), CannotWrite)
    assert "name a folder of your own" in line(lambda: ModelStore.made(str(other), {}), CannotWrite)


def test_a_model_is_added_whole_or_not_at_all(store: ModelStore, tmp_path: Path) -> None:
    path, model = written(tmp_path, 1)
    other = line(lambda: store.add(path, A), IntegrityError)
    problem = f"is another model ({model.identity[:16]}) than was published ({A[:16]})"
    assert other == f"{path}: {problem}; ask who published it"
    assert not store.is_whole(model.identity) and not store.is_whole(A)
    store.add(path, model.identity)
    assert store.is_whole(model.identity)
    place = Path(store.path(model.identity))
    assert place == Path(model_path(store.folder, model.identity)) and place.suffix == ".edge"
    assert place.read_bytes() == path.read_bytes()
    data = place.read_bytes()
    place.write_bytes(data[:-1])
    assert not store.is_whole(model.identity)
    store.add(path, model.identity)
    assert place.read_bytes() == data
    place.with_name(f"{A}.edge").write_bytes(data)
    assert not store.is_whole(A)


def test_a_model_that_is_there_already_is_not_written_again(
    store: ModelStore, tmp_path: Path
) -> None:
    path, model = written(tmp_path, 1)
    store.add(path, model.identity)
    before = Path(store.path(model.identity)).stat().st_ino
    store.add(path, model.identity)
    assert Path(store.path(model.identity)).stat().st_ino == before


def test_a_model_answers_once_it_was_checked(
    store: ModelStore, tmp_path: Path, replayed: list[str]
) -> None:
    said: list[str] = []
    store.settle(said.append)
    assert said == []
    model = waiting(store, tmp_path, 1)
    assert (store.state.pending, store.state.attempts) == (model, 0)
    store.settle(said.append)
    assert said == [f"{model} answers from now on"]
    assert store.state == StoreState(box=store.state.box, current=model)
    following = waiting(store, tmp_path, 2)
    replayed.append("its films differ")
    store.settle(said.append)
    assert said[1:] == [f"{following} was thrown out: its films differ"]
    assert store.state == StoreState(
        box=store.state.box, current=model, held={following.identity: "its films differ"}
    )
    assert not Path(store.path(following.identity)).exists()
    assert store.is_whole(model.identity)


def test_a_check_that_is_cut_short_twice_is_not_tried_again(
    store: ModelStore, tmp_path: Path, replayed: list[str]
) -> None:
    said: list[str] = []
    model = waiting(store, tmp_path, 1)
    for attempt in (1, 2):
        replayed.append("unfinished")
        store.settle(said.append)
        assert said[-1] == f"{model}: it was ended; the next start checks it again"
        assert (store.state.pending, store.state.attempts) == (model, attempt)
        assert store.is_whole(model.identity)
    store.settle(said.append)
    assert said[2:] == [f"{model} was thrown out: its check was cut short 2 times"]
    assert (store.state.pending, store.state.attempts) == (None, 0)
    waiting(store, tmp_path, 2)
    assert store.state.attempts == 0


def test_going_back_holds_what_somebody_went_back_from(
    store: ModelStore, tmp_path: Path, replayed: list[str]
) -> None:
    said: list[str] = []
    cannot = line(lambda: store.roll_back(said.append), UsageError)
    assert cannot == f"{store.folder}: has no model before the current one; update it"
    first = waiting(store, tmp_path, 1)
    store.settle(said.append)
    second = waiting(store, tmp_path, 2)
    store.settle(said.append)
    replayed.append("its films differ")
    cannot = line(lambda: store.roll_back(said.append), IntegrityError)
    place = store.path(first.identity)
    assert cannot == f"{place}: cannot answer (its films differ); the current one goes on"
    assert store.state.current == second
    assert store.roll_back(said.append) == first
    assert said[2:] == [f"{first} answers from now on"]
    held = {second.identity: "somebody went back from it"}
    assert store.state == StoreState(store.state.box, current=first, previous=second, held=held)
    store.roll_back(said.append)
    held = {first.identity: "somebody went back from it"}
    assert (store.state.current, store.state.held) == (second, held)


def test_a_writer_begins_without_what_a_kill_left_over(store: ModelStore, tmp_path: Path) -> None:
    folder = Path(store.folder)
    model = waiting(store, tmp_path, 1)
    left = [folder / "x.part", folder / MODELS / "y.part", folder / MODELS / f"{A}.edge"]
    for path in left:
        path.touch()
    with store.writing():
        assert not any(path.exists() for path in left)
        busy = line(lambda: store.writing().__enter__(), UsageError)
        assert busy.startswith(f"{folder}: ") and busy.endswith(
            "wait for it: a store has one writer"
        )
    assert store.is_whole(model.identity) and (folder / "trust.json").exists()
    with store.writing():  # the one before is over
        assert store.state.pending == model


def test_a_start_settles_what_waits_and_says_why_if_it_cannot(
    store: ModelStore, tmp_path: Path, replayed: list[str]
) -> None:
    said: list[str] = []
    settle_at_start(store.folder, said.append)
    assert said == [] and not (Path(store.folder) / LOCK).exists()
    model = waiting(store, tmp_path, 1)
    with store.writing():
        settle_at_start(store.folder, said.append)
    (told,) = said
    assert told.startswith(f"the model that waits in {store.folder} is not checked yet: ")
    assert store.state.pending == model
    settle_at_start(store.folder, said.append)
    assert said[1:] == [f"{model} answers from now on"]
    assert replayed == []


def test_a_record_that_is_damaged_or_gone_is_an_error(store: ModelStore) -> None:
    path = Path(store.folder, STORE_RECORD)
    path.write_bytes(path.read_bytes().replace(b'"attempts": 0', b'"attempts": 1'))
    assert line(lambda: store.state, IntegrityError).startswith(f"{path}: is not what edge-run")
    path.unlink()
    assert line(lambda: store_content(store.folder), NotABundle).startswith(f"{path}: cannot be")
