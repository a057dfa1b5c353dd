"""A balance shows parts equally often, each epoch by seed and number alone, and is written down."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_export.films.film import Film
from edge_kit.data.dataset import load_dataset
from edge_kit.data.film_folders import FilmFolders, film_folders
from edge_kit.training.balance import OFTEN, Balance, balanced
from edge_kit.training.checkpoint import require_same
from edge_kit.training.feed import Feed, LabelledPixels
from edge_kit.training.plan import TrainingPlan, identity, require_same_training
from edge_kit.training.run import CONFIG, RunConfig, read_config
from edge_runtime.errors import DataError, UsageError

SOURCES = {"north": (12, 3), "south": (2, 9), "east": (4, 0)}
"""Films of the positive and of the negative class by source."""


def films(root: Path, sources: dict[str, tuple[int, int]]) -> tuple[tuple[Film, ...], Path]:
    """Return films that a manifest below `root` gives sources and hospitals; no file is there."""
    rows, found = ["path,label,source,hospital"], []
    for source, counts in sources.items():
        for label, count in zip(("covid", "noncovid"), counts, strict=True):
            for number in range(count):
                name = f"{label}/{source}{number}.png"
                rows.append(f"{name},{label},{source},{'ab'[number % 2] if number > 1 else ''}")
                found.append(Film(root / name, label, "train", name, f"{source}{label}{number}"))
    (root / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tuple(found), root


def shown(balance: Balance, *, seed: int = 0, first: int = 0, epochs: int) -> list[list[int]]:
    """Return the places of the films of each epoch up to `epochs`, from `first` on."""
    count = len(balance.parts)
    pixels = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    rows = LabelledPixels(pixels, np.zeros(count, np.bool_), balance)
    feed = Feed(rows, 4, seed, first, epochs)
    numbers = [int(n) for pixels, _ in feed.batches() for n in pixels.ravel()]
    return [numbers[start : start + count] for start in range(0, len(numbers), count)]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("class", {("covid", ""): 15, ("noncovid", ""): 15}),
        (
            "source",
            {
                ("covid", "east"): 6,
                ("covid", "north"): 6,
                ("covid", "south"): 6,
                ("noncovid", "north"): 6,
                ("noncovid", "south"): 6,
            },
        ),
    ],
)
def test_an_epoch_shows_every_part_equally_often_and_no_more_films_than_before(
    by: str, expected: dict[tuple[str, str], int], tmp_path: Path
) -> None:
    found, root = films(tmp_path, SOURCES)
    balance = balanced(found, root, by)
    for epoch in shown(balance, epochs=3):
        assert Counter(balance.names[balance.parts[film]] for film in epoch) == expected
        times = Counter(epoch)
        for part in range(len(balance.names)):
            own = [times[film] for film in np.flatnonzero(balance.parts == part).tolist()]
            assert max(own) - min(own) <= 1


def test_a_hospital_is_that_of_its_source_and_else_the_source(tmp_path: Path) -> None:
    found, root = films(tmp_path, {"north": (6, 6), "south": (6, 6)})
    names = {name for _, name in balanced(found, root, "hospital").names}
    assert names == {*("north", "north a", "north b"), *("south", "south a", "south b")}


def test_an_epoch_follows_from_seed_and_number_and_differs_from_others(tmp_path: Path) -> None:
    found, root = films(tmp_path, SOURCES)
    balance = balanced(found, root, "source")
    epochs = [*shown(balance, epochs=3), *shown(balance, seed=1, epochs=3)]
    assert epochs == [*shown(balance, epochs=3), *shown(balance, seed=1, epochs=3)]
    assert shown(balance, first=1, epochs=3) == epochs[1:3]  # as after an interruption
    assert len({str(epoch) for epoch in epochs}) == len(epochs)
    # Of a part that is shown less often than it has films, others come in other epochs.
    assert len({frozenset(epoch) for epoch in epochs}) > 1


def test_a_film_that_is_shown_twice_is_augmented_in_two_ways(tmp_path: Path) -> None:
    found, root = films(tmp_path, SOURCES)
    balance = balanced(found, root, "source")
    pixels = np.arange(len(found), dtype=np.uint8).reshape(-1, 1, 1, 1)
    rows = LabelledPixels(pixels, np.zeros(len(found), np.bool_), balance)
    drawn = [
        tuple(draw.tolist())
        for (_, draws), _ in Feed(rows, 4, 0, 0, 1, draws=2).batches()
        for draw in draws
    ]
    assert len({*drawn}) == len(found)


def test_lines_and_warnings_count_parts_and_name_no_film(tmp_path: Path) -> None:
    found, root = films(tmp_path, {"north": (1, 20), "south": (60, 20)})
    balance = balanced(found, root, "source")
    assert list(balance.lines()) == [
        "balance by source: covid: north 1 films, each 31 times an epoch; "
        "south 60 films, each 0.5 times an epoch",
        "balance by source: noncovid: north 20 films, each 1 times an epoch; "
        "south 20 films, each 1 times an epoch",
    ]
    (warning,) = balance.warnings()
    assert (
        f"films of 1 of the 4 parts that are balanced by source are shown over {OFTEN}" in warning
    )
    even = balanced(*films(tmp_path, SOURCES), "source")
    assert not even.warnings()


def test_films_of_no_source_cannot_be_balanced_by_it(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,label\n", encoding="utf-8")
    film = Film(tmp_path / "1.png", "covid", "train", "g", "d")
    for by in ("source", "hospital"):
        with pytest.raises(DataError, match=f"no {by} of the films is named, .*a column {by}"):
            balanced([film], tmp_path, by)
    assert balanced([film], tmp_path, "class").names == (("covid", ""),)


def test_a_run_remembers_its_folders_and_its_balance(
    hospitals_run: Path, hospitals: FilmFolders, plan: TrainingPlan
) -> None:
    config = read_config(hospitals_run)
    assert config.folders == hospitals
    assert config.balance is not None
    assert (config.balance["by"], config.balance["parts"]) == ("source", 4)
    both = load_dataset(hospitals, modality="xray", seed=3)
    require_same_training(hospitals_run, both, hospitals, replace(plan, balance="source"))
    for other in (plan, replace(plan, balance="class")):
        with pytest.raises(UsageError, match="was begun with another balance"):
            require_same_training(hospitals_run, both, hospitals, other)


def test_a_training_does_not_go_on_with_its_folders_under_other_names(
    hospitals_run: Path, hospitals: FilmFolders
) -> None:
    config = replace(read_config(hospitals_run), balance=None)
    both = load_dataset(hospitals, modality="xray", seed=3)
    moved = [path.replace("south", "sud") for path in config.data]
    begun, renamed = (identity(both, replace(config, data=data)) for data in (config.data, moved))
    assert begun["set_of_folders"] == ["north", "south"]
    with pytest.raises(UsageError, match="was begun with another set of folders"):
        require_same(json.loads(json.dumps(begun)), renamed, hospitals_run)
    elsewhere = [path.replace("hospitals", "clinics") for path in config.data]
    assert identity(both, replace(config, data=elsewhere)) == begun


def test_a_run_of_one_folder_without_balance_is_written_as_by_older_versions(
    trained: Path, data: Path
) -> None:
    content = json.loads((trained / CONFIG).read_text("utf-8"))
    assert "balance" not in content
    assert content["data"] == str(data.resolve())
    later = {"balance", "weight_decay", "cosine", "without_sources"}
    assert content.keys() == RunConfig.__dataclass_fields__.keys() - later
    assert read_config(trained).folders == film_folders(data)


@pytest.mark.parametrize(
    "stored",
    [
        *({"data": data} for data in ([], "", [1], 3, None, {"a": 1})),
        *({"balance": balance} for balance in (3, "class", {}, {"by": "none"}, {"by": ["class"]})),
    ],
)
def test_a_configuration_without_sound_folders_and_balance_is_refused(
    stored: dict[str, object], trained: Path, tmp_path: Path
) -> None:
    content = json.loads((trained / CONFIG).read_text("utf-8"))
    (tmp_path / CONFIG).write_text(json.dumps(content | stored), encoding="utf-8")
    with pytest.raises(DataError, match="not the configuration of a run"):
        read_config(tmp_path)
