"""A split follows from films, groups and seed, keeps groups whole and has its fractions."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path

import pytest

from edge_export.films.film import Film, Split
from edge_kit.data.split import FRACTIONS, assign, with_splits, write_split_table
from edge_kit.training.records import data_digest, run_digest
from edge_runtime.errors import CannotWrite, DataError

SEEDS = range(12)


def members(seed: int, groups: int = 80) -> list[tuple[str, str]]:
    """Films of groups of 1 to 7, every ninth of them with films of both labels."""
    rng = random.Random(seed)
    return [
        (f"g{group}", rng.choice(["covid", "noncovid"]) if group % 9 == 0 else label)
        for group in range(groups)
        for label in [rng.choice(["covid", "covid", "noncovid"])]
        for _ in range(rng.randint(1, 7))
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_split_has_its_fraction_of_either_label_to_half_a_group(seed: int) -> None:
    films = members(seed)
    splits = assign(films, seed=seed)
    counts = Counter((splits[group], label) for group, label in films)
    for label, total in Counter(label for _, label in films).items():
        for split, fraction in FRACTIONS.items():
            assert abs(counts[split, label] - fraction * total) <= 3.5


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_films_changes_nothing(seed: int) -> None:
    films = members(seed)
    shuffled = random.Random(seed).sample(films, len(films))
    assert assign(shuffled, seed=seed) == assign(films, seed=seed)


def test_the_same_seed_gives_the_same_split_and_another_another() -> None:
    films = members(0)
    splits = [assign(films, seed=seed) for seed in (*SEEDS, *SEEDS)]
    assert splits[: len(SEEDS)] == splits[len(SEEDS) :]
    assert len({tuple(sorted(split.items())) for split in splits}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sizes", [(1, 1, 1), (9, 1, 1), (3, 3, 3), (40, 40, 40, 30)])
def test_three_groups_of_a_label_reach_three_splits(sizes: tuple[int, ...], seed: int) -> None:
    few = [(f"c{place}", "covid") for place, size in enumerate(sizes) for _ in range(size)]
    many = [(f"n{place}", "noncovid") for place in range(50)]
    splits = assign([*few, *many], seed=seed)
    assert {splits[group] for group, _ in few} == {"train", "val", "test"}


def test_only_the_fractions_asked_for_are_filled() -> None:
    films = [(f"{label}{i}", label) for i in range(85) for label in ("covid", "noncovid")]
    fractions: dict[Split, float] = {"train": 0.7, "val": 0.15}
    assert Counter(assign(films, seed=1, fractions=fractions).values()) == {"train": 140, "val": 30}
    assert set(assign(films, seed=1, fractions={"train": 0.7}).values()) == {"train"}


def test_no_films_need_no_split() -> None:
    assert assign([], seed=0) == {}


def film(name: str, split: Split = "train", label: str = "covid", group: str = "g") -> Film:
    return Film(Path("ward 7") / f"{name}.png", label, split, group, f"digest-{name}")


def test_a_split_table_carries_splits_and_groups_over(tmp_path: Path) -> None:
    films = (film("b", "test", group="g2"), film("a", "val"), film("c", label="noncovid"))
    write_split_table(films, tmp_path / "splits.csv")
    elsewhere = [film("b", "val"), film("a"), film("c", "test", label="noncovid")]
    assert with_splits(elsewhere, tmp_path / "splits.csv") == films


def test_a_split_table_names_films_by_digest_alone(tmp_path: Path) -> None:
    write_split_table([film("b", "test", group="g2"), film("a")], tmp_path / "splits.csv")
    assert (tmp_path / "splits.csv").read_bytes() == (
        b"sha256,label,split,group\ndigest-a,covid,train,g\ndigest-b,covid,test,g2\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["splits.csv"]


def test_no_label_and_no_group_is_a_formula_and_each_is_given_back(tmp_path: Path) -> None:
    names = ["=1+1", "+a", "-a", "@a", "'=a", "'a"]
    films = tuple(
        film(str(place), label=name, group=name[::-1] + name) for place, name in enumerate(names)
    ) + tuple(film(f"g{place}", group=name) for place, name in enumerate(names))
    write_split_table(films, tmp_path / "splits.csv")
    with (tmp_path / "splits.csv").open(newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not [cell for cell in cells if cell[0] in "=+-@"]
    assert with_splits(films, tmp_path / "splits.csv") == films
    assert run_digest(tmp_path) == data_digest(films)


def test_a_split_table_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="cannot be written"):
        write_split_table([film("a")], tmp_path / "gone" / "splits.csv")


HEADER = "sha256,label,split,group\n"
ROW_A = "digest-a,covid,train,g\n"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (HEADER, "a.png: not in the split table"),
        (HEADER, "(2 such films); use the data this table was written for"),
        (HEADER + ROW_A, "b.png: not in the split table"),
        (HEADER + ROW_A + "digest-b,noncovid,val,g\n", "b.png: is covid, but noncovid in"),
        (
            HEADER + ROW_A + "digest-b,covid,val,g\ndigest-c,covid,val,g\n",
            "splits.csv: 1 of its 3 films are not here; use",
        ),
        (HEADER + ROW_A + ROW_A, "line 3: film listed twice; use"),
        (HEADER + "digest-a,covid,,g\n", "line 2: unknown split ''; use train, val, test"),
        ("sha256,label,split\n", "splits.csv: has no column 'group', only sha256, label, split"),
    ],
)
def test_a_table_of_other_films_is_refused(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "splits.csv").write_text(table, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        with_splits([film("a"), film("b")], tmp_path / "splits.csv")
    assert message in str(caught.value)
