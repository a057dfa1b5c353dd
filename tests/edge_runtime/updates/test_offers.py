"""Of what a repository offers, a box takes what is newer, is for it, and says what it is."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from tuf.api import exceptions as tuf_says
from tuf.api.metadata import TargetFile

from edge_runtime.errors import DataError, EdgeError, IntegrityError, UsageError
from edge_runtime.installation.record import InstalledModel, StoreState
from edge_runtime.updates.choice import Choice, choose
from edge_runtime.updates.client import Expired, in_our_words
from edge_runtime.updates.release import CHANNELS, Release, newest, releases

BOX = "0" * 32


def model(number: int, release: int, maker: int | None = None, name: str = "m") -> InstalledModel:
    made_of = None if maker is None else f"{maker:064}"
    return InstalledModel(f"{number:064}", name, "0.1.0", release, made_of)


def offer(number: int, release: int | None = None, percent: int = 100, **fields: Any) -> Release:
    return Release(f"stable/{number}.edge", model(number, release or number, **fields), percent)


def state(current: InstalledModel | None = None) -> StoreState:
    return StoreState(BOX, current=current)


def chosen(
    now: InstalledModel | None,
    *offered: Release,
    site: tuple[Release, ...] = (),
    whole: bool = True,
) -> Choice:
    return choose(state(now), offered, site, whole=whole)


def test_a_box_without_a_model_takes_the_newest() -> None:
    assert chosen(None, offer(1), offer(3), offer(2)) == Choice(offer(3))
    assert chosen(None, offer(1), offer(2, percent=0)) == Choice(offer(1))
    assert chosen(None, offer(1, percent=0), offer(2, percent=0)) == Choice(offer(2, percent=0))
    assert chosen(None) == Choice(why="nothing is offered")
    assert Choice().model is None and chosen(None, offer(1)).model == model(1, 1)
    assert Choice().why == ""


def test_a_box_takes_what_is_newer_and_nothing_that_is_older() -> None:
    assert chosen(model(2, 2), offer(3), offer(2)) == Choice(offer(3))
    for offered in ((offer(2),), (offer(1), offer(2))):
        assert chosen(model(2, 2), *offered) == Choice(why=f"{model(2, 2)} is the newest")
    said = f"{model(2, 2)} is the newest that is offered to this box"
    none: tuple[Release, ...] = ()
    for older in (none, (offer(1),), (offer(1, percent=0),)):
        assert chosen(model(2, 2), *older) == Choice(why=said)
    assert chosen(model(2, 2), offer(2), offer(3, percent=0)).why.endswith("is the newest")


def test_a_model_that_is_damaged_is_fetched_again() -> None:
    assert chosen(model(2, 2), offer(2), whole=False) == Choice(offer(2))
    assert chosen(model(2, 2), offer(2), offer(3, percent=0), whole=False) == Choice(offer(2))


def test_a_step_is_for_the_box_that_the_store_is_on() -> None:
    half = offer(2, percent=50)
    for number in range(20):
        there = StoreState(f"{number:032x}", current=model(1, 1))
        found = choose(there, [offer(1), half], [], whole=True)
        assert (found.maker == half) == half.is_for(there.box)


def test_several_models_ask_for_a_name() -> None:
    with pytest.raises(UsageError) as caught:
        chosen(None, offer(1, name="b"), offer(2, name="a"), offer(3, name="b"))
    problem = "none given, and there are several"
    assert str(caught.value) == f"--model: {problem}; choose one of a, b with --model"


def test_a_threshold_of_the_region_goes_with_its_maker_s_model() -> None:
    of_one, older, newer = offer(11, 1, maker=1), offer(12, 1, maker=2), offer(13, 2, maker=2)
    best = chosen(None, offer(2), site=(newer, of_one, older))
    assert best == Choice(offer(2), newer)
    assert best.model == model(13, 2, maker=2)
    assert chosen(None, offer(2), site=(of_one,)) == Choice(offer(2))
    numbered = Choice(offer(2, 7), newer).model
    assert numbered == InstalledModel(newer.model.identity, "m", "0.1.0", 7, newer.model.maker)


def test_a_box_with_a_threshold_waits_for_that_of_a_newer_release() -> None:
    now, threshold = model(11, 1, maker=1), offer(11, 1, maker=1)
    waits = f"{model(2, 2)} waits for a threshold of its region; {now} goes on"
    assert chosen(now, offer(1), offer(2), site=(threshold,)) == Choice(why=waits)
    assert chosen(now, offer(1), site=(threshold,)) == Choice(why=f"{now} is the newest")
    assert chosen(now, offer(1), site=(threshold,), whole=False) == Choice(offer(1), threshold)
    assert chosen(now, offer(1)) == Choice(why=f"{now} is the newest")
    moved = offer(12, 2, maker=1)
    step = offer(1, percent=0)  # which the box has, and the others are not to have
    assert chosen(now, step, site=(threshold, moved)) == Choice(step, moved)
    assert chosen(model(1, 1), step) == Choice(why=f"{model(1, 1)} is the newest")
    assert chosen(now, offer(1), site=(threshold, moved)) == Choice(offer(1), moved)
    again = offer(22, 1, maker=2)
    assert chosen(now, offer(2), site=(again,)) == Choice(offer(2), again)
    assert chosen(model(2, 2), offer(2), site=(again,)) == Choice(offer(2), again)


# --- what is offered -----------------------------------------------------------------------------


def target(**custom: Any) -> TargetFile:
    file = TargetFile.from_data("x", b"x", ["sha256"])
    fields = {"identity": "a" * 64, "model": "m", "version": "0.1.0", "release": 1}
    file.unrecognized_fields["custom"] = {**fields, **custom}
    return file


def test_a_target_is_the_release_that_it_says() -> None:
    assert CHANNELS == ("stable", "pilot")
    release = Release.of("stable/m.edge", target(percent=7, maker="b" * 64))
    assert (release.path, release.percent, release.folder) == ("stable/m.edge", 7, "stable")
    assert release.model == InstalledModel("a" * 64, "m", "0.1.0", 1, "b" * 64)
    assert Release.of("stable/m.edge", target()).percent == 100
    assert Release.of("stable/m.edge", target(percent=0)).percent == 0
    assert Release.of("stable/a/m.edge", target()).folder == "stable"
    assert Release.of("stable/m.edge", target()).model.maker is None


@pytest.mark.parametrize(
    ("custom", "problem"),
    [
        ({"percent": 101}, "no percentage"), ({"percent": -1}, "no percentage"),
        ({"percent": True}, "no percentage"), ({"percent": 1.0}, "no percentage"),
        ({"identity": "x"}, "no identity"), ({"release": "1"}, "no number of a release"),
        ({"model": 1}, "no name"),
    ],
)  # fmt: skip
def test_a_target_that_says_nothing_known_is_refused(custom: dict[str, Any], problem: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        Release.of("stable/m.edge", target(**custom))
    said = f"says nothing that is known here ({problem})"
    assert str(caught.value) == f"stable/m.edge: {said}; update edge-runtime"


@pytest.mark.parametrize("custom", [None, [], 1, {}])
def test_a_target_that_says_nothing_is_refused(custom: Any) -> None:
    file = target()
    file.unrecognized_fields["custom"] = custom
    with pytest.raises(IntegrityError, match="says nothing that is known here"):
        Release.of("stable/m.edge", file)


def test_releases_are_those_of_a_channel_and_of_a_name() -> None:
    targets = {
        "stable/a.edge": target(), "pilot/b.edge": target(), "stable/c.edge": target(model="n"),
        "stable": target(), "stablest/d.edge": target(),
    }  # fmt: skip
    assert [one.path for one in releases(targets, "stable", None)] == [
        "stable/a.edge", "stable/c.edge", "stable",
    ]  # fmt: skip
    assert [one.path for one in releases(targets, "stable", "n")] == ["stable/c.edge"]
    assert releases(targets, "north", None) == []


def test_a_step_is_for_the_same_boxes_each_time_and_for_more_as_it_widens() -> None:
    boxes = [f"{number:032x}" for number in range(400)]
    reached = [
        {box for box in boxes if offer(1, percent=percent).is_for(box)}
        for percent in (0, 1, 10, 50, 99, 100)
    ]
    assert not reached[0] and len(reached[5]) == 400
    assert all(less <= more for less, more in pairwise(reached))
    assert [len(some) for some in reached] == [0, 4, 38, 215, 395, 400]
    assert newest([offer(1), offer(2, percent=0)], BOX, is_first=False) == offer(1)
    assert newest([offer(2, percent=0)], BOX, is_first=False) is None
    for box in boxes:
        half = newest([offer(1, percent=50)], box, is_first=False)
        assert (half is not None) == (box in reached[3])


# --- what python-tuf says ------------------------------------------------------------------------

WORDS: dict[str, tuple[Exception, type[EdgeError], str]] = {
    "expired": (
        tuf_says.ExpiredMetadataError("E"), Expired,
        "is over its time (E); ask its maker for a newer one (edge-kit repo timestamp)",
    ),
    "older": (
        tuf_says.BadVersionNumberError("E"), IntegrityError,
        "is older than what was seen before (E); take a newer copy, or another mirror",
    ),
    "unsigned": (
        tuf_says.UnsignedMetadataError("E"), IntegrityError,
        "is not what was signed (E); copy it again; if that does not help, ask its maker",
    ),
    "another length": (
        tuf_says.DownloadLengthMismatchError("E"), IntegrityError,
        "is not what was signed (E); copy it again; if that does not help, ask its maker",
    ),
    "another digest": (
        tuf_says.LengthOrHashMismatchError("E"), IntegrityError,
        "is not what was signed (E); copy it again; if that does not help, ask its maker",
    ),
    "unsound": (
        tuf_says.RepositoryError("E"), IntegrityError,
        "is no sound repository (E); copy it again",
    ),
    "slow": (
        tuf_says.SlowRetrievalError("E"), DataError,
        "is too slow (E); try again, or use a stick",
    ),
    "not found": (
        tuf_says.DownloadHTTPError("E", 404), DataError,
        "has no repository, or not all of it (E); check the address or copy it again",
    ),
    "unreadable": (
        tuf_says.DownloadError("E"), DataError,
        "cannot be read (E); check the network or the stick",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("error", "kind", "words"), WORDS.values(), ids=WORDS)
def test_what_python_tuf_raises_is_one_line_of_ours(
    error: Exception, kind: type[EdgeError], words: str
) -> None:
    with pytest.raises(kind) as caught, in_our_words("address"):
        raise error
    assert type(caught.value) is kind
    assert str(caught.value) == f"address: {words}"
    assert caught.value.__cause__ is error
