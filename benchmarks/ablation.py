"""What helps a light network in another hospital: one change at a time, by films of elsewhere.

Trains `clinic` as it is, and then with one thing changed, on the folders `--data` without the
source of the yardstick; judges each by AUC on films of its own folders, and of elsewhere against
healthy people and against other findings, apart; and on a source that it was trained without. Each
training leaves one JSON file, and what is there is not run again. Choose by the columns "val";
"test" is for reporting.

    python benchmarks/ablation.py --data ../shared/data --data ../shared/elsewhere \\
        --yardstick collection [--seeds 0] [--results FOLDER] [ARM...]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from edge_export.quiet import import_tensorflow
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.film_attributes import manifest_attributes
from edge_kit.data.film_folders import FilmFolders, film_folders
from edge_kit.data.reader import FilmReader
from edge_kit.models.recipe import Architecture, Augmentation, FilmRecipe, TrainingRecipe
from edge_kit.models.registry import MODELS
from edge_runtime.bundle.records import Preprocess
from edge_runtime.film.preprocess import standard

if TYPE_CHECKING:
    from edge_export.films.film import Film
    from edge_export.statistics.estimates import Estimate

RESULTS = Path(__file__).resolve().parent / "ablation"
CLINIC = MODELS["clinic"]
PARTS = ("val", "test")


@dataclass(frozen=True, slots=True)
class Arm:
    """What is changed: of the recipe, of the films, of the sources and of how often they count."""

    recipe: TrainingRecipe = CLINIC.recipe
    films: FilmRecipe = CLINIC.films
    balance: str = "source"
    without: tuple[str, ...] = field(default=())


def varied(**changes: float) -> TrainingRecipe:
    """Return the recipe with another augmentation."""
    drawn = CLINIC.recipe.augmentation or Augmentation()
    return replace(CLINIC.recipe, augmentation=replace(drawn, **changes))  # type: ignore[arg-type]


def moved(share: float) -> TrainingRecipe:
    """Return the recipe with all that moves films made larger or smaller."""
    names = ("shear", "zoom", "rotation", "shift")
    return varied(**{name: share * getattr(CLINIC.recipe.augmentation, name) for name in names})


ARMS: Mapping[str, Arm] = {
    "clinic": Arm(),
    "no local normalisation": Arm(films=replace(CLINIC.films, local_radius=None)),
    "window of 6 pixels": Arm(films=replace(CLINIC.films, local_radius=6)),
    "window of 24 pixels": Arm(films=replace(CLINIC.films, local_radius=24)),
    "whole film, no crop": Arm(films=replace(CLINIC.films, crop=None)),
    "96 pixels": Arm(films=replace(CLINIC.films, side=96, local_radius=9)),
    "160 pixels": Arm(films=replace(CLINIC.films, side=160, local_radius=15)),
    "one source of negatives": Arm(without=("openist",)),
    "no balance": Arm(balance="none"),
    "moved half as far": Arm(recipe=moved(0.5)),
    "moved not at all": Arm(recipe=moved(0.0)),
    "moved twice as far": Arm(recipe=moved(2.0)),
    "levels as they are": Arm(recipe=varied(contrast=0.0, noise=0.0)),
    "blurred, more contrast": Arm(recipe=varied(contrast=0.4, blur=1.0)),
    "noise of 24": Arm(recipe=varied(noise=24.0)),
    "12 epochs": Arm(recipe=replace(CLINIC.recipe, epochs=12)),
    "rate 0.0003": Arm(recipe=replace(CLINIC.recipe, learning_rate=0.0003)),
    "no weight decay": Arm(recipe=replace(CLINIC.recipe, weight_decay=0.0)),
    "constant rate": Arm(recipe=replace(CLINIC.recipe, cosine=False)),
    "left out: hannover": Arm(without=("hannover",)),
}


def main() -> None:
    """Run what is named, or all arms, as far as it has not been run, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("arms", nargs="*", metavar="ARM")
    parser.add_argument("--data", action="append", type=Path, required=True)
    parser.add_argument("--yardstick", required=True, metavar="SOURCE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    folders, reader = film_folders(options.data), FilmReader(say=lambda _: None)
    options.results.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        for name in options.arms or ARMS:
            place = options.results / f"{name.replace(' ', '-').replace(':', '')}-{seed}.json"
            if not place.exists():
                outcome = measured(ARMS[name], folders, options.yardstick, seed, reader)
                place.write_text(json.dumps({"arm": name, "seed": seed, **outcome}, indent=1))
    print(table(options.results))


def measured(
    arm: Arm, folders: FilmFolders, source: str, seed: int, reader: FilmReader
) -> dict[str, Any]:
    """Return the AUCs of a network trained as `arm` says, with intervals by patient."""
    import_tensorflow()
    from edge_kit.training.plan import TrainingPlan
    from edge_kit.training.train import train

    MODELS["clinic"] = Architecture(
        "clinic", CLINIC.build, arm.recipe, ours=CLINIC.ours, films=arm.films
    )
    data = folders.leaving_out((source, *arm.without))
    fields = standard(arm.films.side, arm.films.side).to_json() | arm.films.to_json()
    preprocess = Preprocess(**fields)
    plan = TrainingPlan(
        model="clinic", preprocess=preprocess, seed=seed, film_gate=False, balance=arm.balance
    )
    dataset, whole = (
        load_dataset(folder, modality="xray", seed=0, skip_unreadable=True, reader=reader)
        for folder in (data, folders)
    )
    started = time.perf_counter()
    with TemporaryDirectory() as out:
        trained = train(dataset, data, plan, Path(out) / "run", lambda _: None, reader=reader)
    seconds = round(time.perf_counter() - started)
    judged = {
        name: asdict(area(films, trained.predict, preprocess, reader))
        for name, films in _parts(dataset, whole, folders, source, arm.without).items()
    }
    return {"seconds": seconds, "auc": judged}


def _parts(
    own: Dataset, whole: Dataset, folders: FilmFolders, source: str, without: tuple[str, ...]
) -> dict[str, list[Film]]:
    """Return the films of each comparison by name."""
    cells = manifest_attributes(folders, whole.films)
    of = {film.sha256: told for film, told in zip(whole.films, cells, strict=True)}
    trained = {film.sha256 for film in own.films if film.split == "train"}
    first = {of[film.sha256].get("source") for film in own.films if film.label == own.positive}
    parts: dict[str, list[Film]] = {}
    for split in PARTS:
        held = [film for film in whole.films if film.split == split]
        inside = [film for film in held if of[film.sha256].get("source") == source]
        cases = [film for film in inside if film.label == own.positive]
        ill = [
            film
            for film in inside
            if film.label != own.positive
            and not of[film.sha256].get("finding", "").casefold().startswith("no ")
        ]
        healthy = [film for film in held if of[film.sha256].get("source") == "openist"]
        home = {"nih", *first}
        parts[f"own {split}"] = [f for f in held if of[f.sha256].get("source") in home]
        parts[f"healthy {split}"] = cases + healthy
        parts[f"other findings {split}"] = cases + ill
    for name in without:
        strange = [film for film in whole.films if of[film.sha256].get("source") == name]
        if {film.label for film in strange} == {own.positive}:
            others = [f for f in whole.films if f.label != own.positive and f.split != "train"]
            nih = [f for f in others if of[f.sha256].get("source") == "nih"]
            parts[f"{name} against the other source"] = strange + nih
    return {
        name: [film for film in films if film.sha256 not in trained]
        for name, films in parts.items()
    }


def area(
    films: list[Film], predict: Callable[..., Any], preprocess: Preprocess, reader: FilmReader
) -> Estimate:
    """Return the AUC of these films, with an interval by patient."""
    from edge_export.films.labels import are_positive
    from edge_export.statistics.clustered import grouped_auc

    positive = are_positive(films, "covid")
    scores = predict(reader.pixels(films, preprocess))
    return grouped_auc(positive, scores, [film.group for film in films])


def table(results: Path) -> str:
    """Return a line for each arm: means over its seeds, and how many there are."""
    outcomes = [json.loads(path.read_text()) for path in sorted(results.glob("*.json"))]
    columns = [f"{name} {part}" for part in PARTS for name in ("own", "healthy", "other findings")]
    lines = [f"| arm | seeds | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    for name in ARMS:
        seeds = [outcome["auc"] for outcome in outcomes if outcome["arm"] == name]
        if seeds:
            means = [statistics.mean(auc[column]["value"] for auc in seeds) for column in columns]
            shown = " | ".join(f"{mean:.3f}" for mean in means)
            lines.append(f"| {name} | {len(seeds)} | {shown} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
