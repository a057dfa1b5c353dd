"""A box gets the newest release that is for it, once it has proved itself on that box."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.errors import ParityFailed, UsageError
from edge_runtime.installation import store as installation
from edge_runtime.installation.record import InstalledModel
from edge_runtime.updates.release import Release
from simulated_repository import Simulated
from tiny_bundle import write_tiny_bundle
from update_bed import model

# --- channels and steps --------------------------------------------------------------------------


def test_a_newer_release_answers_after_its_check_and_the_one_before_is_kept(
    simulated: Simulated,
) -> None:
    simulated.publish(2)
    simulated.copy()
    simulated.update()
    state = simulated.store.state
    assert state.current
    assert state.previous
    assert (state.current.release, state.previous.release) == (2, 1)
    simulated.update()
    assert simulated.store.state == state
    assert "is the newest" in simulated.said[-1]


def test_a_pilot_release_is_for_those_who_follow_it(by_folder: Simulated) -> None:
    by_folder.publish(1)
    by_folder.publish(2, channel="pilot")
    by_folder.copy()
    by_folder.update()
    assert by_folder.release == 1
    by_folder.follow(channel="pilot")
    by_folder.update()
    assert by_folder.release == 2
    by_folder.follow(channel="stable")
    by_folder.update()
    assert by_folder.release == 2  # never back


def test_a_release_that_is_withdrawn_stays_where_it_is_installed(by_folder: Simulated) -> None:
    by_folder.publish(1, 2)
    by_folder.copy()
    by_folder.update()
    path = next(iter(by_folder.maker.folder.glob("targets/stable/*")))
    assert path.exists()
    current = by_folder.store.state.current
    assert current
    by_folder.maker.remove(f"stable/{current.name}-{current.version}-{current.identity[:8]}.edge")
    by_folder.maker.publish()
    by_folder.copy()
    by_folder.update()
    assert by_folder.release == 2


def test_a_step_reaches_as_many_boxes_as_it_says_and_no_box_leaves_it_again() -> None:
    identity = "ab" * 32
    release = Release("stable/x", InstalledModel(identity, "m", "1", 1))
    boxes = [f"{number:032x}" for number in range(4000)]
    before: set[str] = set()
    for percent in (0, 1, 10, 50, 99, 100):
        now = {box for box in boxes if replace(release, percent=percent).is_for(box)}
        assert before <= now
        assert abs(len(now) - 40 * percent) < 120
        before = now
    assert len(before) == 4000


def test_a_box_outside_of_a_step_keeps_what_it_has_until_it_is_widened(
    by_folder: Simulated,
) -> None:
    by_folder.publish(1)
    by_folder.copy()
    by_folder.update()
    by_folder.publish(2, percent=0)
    by_folder.copy()
    by_folder.update()
    assert by_folder.release == 1
    by_folder.publish(2, percent=100)
    by_folder.copy()
    by_folder.update()
    assert by_folder.release == 2


def test_a_new_box_gets_a_model_even_where_no_step_reaches_it(by_folder: Simulated) -> None:
    by_folder.publish(1, percent=0)
    by_folder.copy()
    by_folder.update()
    assert by_folder.release == 1


def test_several_models_in_a_channel_ask_for_a_name(by_folder: Simulated) -> None:
    def renamed(number: int) -> Path:
        with open_bundle(model(by_folder.folder, number)) as bundle:
            fields = {key: content for key, content in bundle.manifest.to_json().items()
                      if key not in ("schema", "files")}  # fmt: skip
            members = {name: bytes(bundle.read(name)) for name in bundle.manifest.files}
        write_bundle(by_folder.folder / "x.edge", {**fields, "name": "other"}, members)
        return by_folder.folder / "x.edge"

    by_folder.publish(1)
    by_folder.maker.add(renamed(2), channel="stable")
    by_folder.maker.publish()
    by_folder.copy()
    with pytest.raises(UsageError, match="choose one of model3-xray, other with --model"):
        by_folder.update()
    by_folder.follow(model="other")
    by_folder.update()
    assert by_folder.store.state.current
    assert by_folder.store.state.current.name == "other"


# --- what is thrown out --------------------------------------------------------------------------


def test_a_model_that_answers_otherwise_here_is_thrown_out_and_not_tried_again(
    by_folder: Simulated,
) -> None:
    by_folder.publish(1)
    by_folder.copy()
    by_folder.update()
    wrong = {"logits": {"model.f32.tflite": [99.0], "model.f32.onnx": [99.0]}}
    bad = write_tiny_bundle(by_folder.folder / "bad.edge", golden=wrong)
    by_folder.maker.add(bad, channel="stable")
    by_folder.maker.publish()
    by_folder.copy()
    with pytest.raises(ParityFailed, match=r"thrown out here.*99\.0000 is expected.*goes on"):
        by_folder.update()
    state = by_folder.store.state
    assert by_folder.release == 1
    assert len([*Path(by_folder.store.folder, "models").iterdir()]) == 1
    by_folder.update()
    assert by_folder.store.state == state
    assert "is not installed again by itself" in by_folder.said[-1]
    with pytest.raises(ParityFailed):
        by_folder.update(again=True)


def test_a_model_that_is_damaged_on_the_card_is_fetched_again(by_folder: Simulated) -> None:
    by_folder.publish(1)
    by_folder.copy()
    by_folder.update()
    current = by_folder.store.state.current
    assert current
    place = Path(by_folder.store.path(current.identity))
    whole = place.read_bytes()
    place.write_bytes(whole[:-10] + bytes(10))
    by_folder.update()
    assert place.read_bytes() == whole
    assert by_folder.store.state.current == current


def test_a_check_that_ends_the_machine_is_not_tried_for_ever(
    by_folder: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_folder.publish(1)
    by_folder.copy()
    by_folder.update()
    by_folder.publish(2)
    by_folder.copy()

    def power_cut(path: str) -> str:
        raise KeyboardInterrupt(path)

    with monkeypatch.context() as patch:
        patch.setattr(installation, "replayed_here", power_cut)
        for _ in range(installation.MOST_ATTEMPTS):
            with pytest.raises(KeyboardInterrupt):
                by_folder.update()
            assert by_folder.store.state.pending
        by_folder.update()  # settles what waits, and does not take it again
    assert by_folder.release == 1
    assert "was cut short 2 times" in by_folder.said[-1]
