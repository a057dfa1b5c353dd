"""Several runs averaged into one, measured beside its members on the same held-out films."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.cautions import Cautions
from edge_export.films.film import HELD_OUT, Film, Split, require_held_out
from edge_export.films.labels import are_positive
from edge_export.graph.network import load_model
from edge_export.statistics.estimates import Metrics, evaluate
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.film_folders import Folders, film_folders
from edge_kit.data.reader import FilmReader
from edge_kit.data.split import with_splits
from edge_kit.files import new_folder, require_new, write_json
from edge_kit.film_branch.threshold import WEAK
from edge_kit.models.ensemble import mean_of_logits
from edge_kit.training.run import (
    CONFIG,
    METRICS,
    MODEL,
    SPLITS,
    RunConfig,
    read_config,
    read_film_check,
    save_model,
)
from edge_kit.training.shortfalls import CHOSEN, one_class
from edge_kit.training.train import Trained
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class EnsembleMember:
    """A run to be averaged: where it lies, its configuration, its model with its digest.

    `film_check` is what its out-of-distribution check refused, as the run recorded it.
    """

    run: Path
    config: RunConfig
    sha256: str
    model: keras.Model
    film_check: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Ensemble:
    """An ensemble that was written, and its members with their figures by held-out split.

    `data` are the folders of the films `dataset` that both were measured on.
    """

    trained: Trained
    data: Folders
    dataset: Dataset
    members: Sequence[EnsembleMember]
    of_members: Sequence[Mapping[Split, Metrics]]


def average(
    runs: Sequence[Path],
    out: Path,
    say: Callable[[str], None],
    *,
    data: Folders | None = None,
    skip_unreadable: bool = False,
    reader: FilmReader | None = None,
    cautions: Cautions | None = None,
    judge: Callable[[Ensemble], None] = lambda _: None,
) -> Ensemble:
    """Average the logits of `runs` into a new run in `out`, and measure it and its members.

    `data` is by default what the first of them was trained on. `cautions` stand first in what is
    written; those of films and network are added, and those of `judge`, which gets the ensemble
    before it is written.

    Raises:
        UsageError, DataError: as `read_members` does, or the films cannot be used.
        CannotWrite: `out` holds something, or the disk refuses.
    """
    require_new(out)
    members = read_members(runs)
    first, reader = members[0].config, reader or FilmReader(say=say)
    cautions = cautions or Cautions(say)
    data = film_folders(data or first.folders).leaving_out(first.without_sources)
    dataset = _films(members[0], data, reader, skip_unreadable=skip_unreadable)
    cautions.warn(*_said_of(members), *dataset.warnings)
    for line in dataset.details:
        say(line)
    model = mean_of_logits([member.model for member in members])
    say(f"measuring {len(members)} members and their mean on the held-out films")
    models = [model, *(member.model for member in members)]
    figures, *of_members = measured(models, dataset.films, first, reader)
    cautions.warn(*one_class(figures, first.negative, first.positive, "the ensemble"))
    ensemble = Ensemble(Trained(model, figures), data, dataset, members, of_members)
    judge(ensemble)
    write_ensemble(out, _config(ensemble, cautions), ensemble)
    return ensemble


def _films(
    member: EnsembleMember, data: Folders, reader: FilmReader, *, skip_unreadable: bool
) -> Dataset:
    """Return the films of `data` in the splits of `member`."""
    config = member.config
    reader.expect(config.preprocessing())
    positive, negative = config.chosen_names or (config.positive, None)
    dataset = load_dataset(
        data,
        modality=config.modality,
        positive=positive,
        negative=negative,
        seed=config.dealt_by,
        skip_unreadable=skip_unreadable,
        reader=reader,
    )
    return replace(dataset, films=with_splits(dataset.films, member.run / SPLITS))


def _said_of(members: Sequence[EnsembleMember]) -> Iterator[str]:
    """Yield what has to be said of figures on the films of `members`, whose splits are one."""
    if members[0].config.leaks:
        yield members[0].config.caution()
    if any(member.config.keep == "best" for member in members):
        yield CHOSEN
    # The film branch of an ensemble is that of its first member.
    yield from (line for line in members[0].config.warnings if line.startswith(WEAK))


def _config(ensemble: Ensemble, cautions: Cautions) -> RunConfig:
    """Return the configuration of an ensemble: that of its first member, but for what it is."""
    return replace(
        ensemble.members[0].config,
        model=f"ensemble-of-{len(ensemble.members)}",
        data=film_folders(ensemble.data).stored,
        members=tuple(member.sha256 for member in ensemble.members),
        warnings=cautions.warnings,
        caveat=cautions.caveat,
    )


def read_members(runs: Sequence[Path]) -> list[EnsembleMember]:
    """Return the members in `runs`, which differ in nothing but the network and its training.

    Raises:
        UsageError: there is only one, or one is given twice.
        DataError: one is no whole run, or was made of other films, splits, classes or pixels.
    """
    if len(runs) < 2:
        raise UsageError("RUN", "one run is no ensemble", "give two or more")
    members: list[EnsembleMember] = []
    tables: list[bytes] = []
    for path in runs:
        config = read_config(path)
        try:
            digest, table = sha256((path / MODEL).read_bytes()), (path / SPLITS).read_bytes()
        except OSError as error:
            raise DataError(path, f"is no whole run ({error.strerror})", "train again") from error
        film_check = None if config.film_threshold is None else read_film_check(path)
        members.append(EnsembleMember(path, config, digest, load_model(path / MODEL), film_check))
        tables.append(table)
        _require_alike(members[0], members[-1], same_table=table == tables[0])
    if len({member.sha256 for member in members}) < len(members):
        raise UsageError("RUN", "the same model is given twice", "give each run once")
    return members


def _require_alike(first: EnsembleMember, member: EnsembleMember, *, same_table: bool) -> None:
    for what in ("modality", "negative", "positive", "preprocess"):
        actual, expected = getattr(member.config, what), getattr(first.config, what)
        if actual != expected:
            problem = f"its {what} is {actual}, that of {first.run} {expected}"
            raise DataError(member.run, problem, "train all members alike")
    if not same_table:
        problem = f"was not trained on the films and the split of {first.run}"
        raise DataError(member.run, problem, "train all members on one folder with given splits")


def measured(
    models: Sequence[keras.Model], films: Sequence[Film], config: RunConfig, reader: FilmReader
) -> list[dict[Split, Metrics]]:
    """Return the metrics of each of `models` on each held-out split, at a threshold of one half.

    Raises:
        DataError: a film cannot be read, a split has too few, or an answer is not finite.
    """
    from edge_kit.training.watch import predict  # Keras, which is silent once a model is open

    require_held_out(films)
    figures: list[dict[Split, Metrics]] = [{} for _ in models]
    for split in HELD_OUT:
        rows = [film for film in films if film.split == split]
        positive = are_positive(rows, config.positive)
        pixels = reader.pixels(rows, config.preprocessing())
        for model, by_split in zip(models, figures, strict=True):
            score = predict(model, pixels)
            if not np.isfinite(score).all():
                raise DataError(model.name, "an answer is not finite", "train that run again")
            by_split[split] = evaluate(positive, score, threshold=0.5)
    return figures


def write_ensemble(out: Path, config: RunConfig, ensemble: Ensemble) -> None:
    """Write the run of an ensemble, whole or not at all.

    Raises:
        CannotWrite: the disk did not take it.
    """
    figures = ensemble.trained.metrics
    content: dict[str, Any] = {"warnings": config.warnings, "caveat": config.caveat}
    content |= {str(split): asdict(metrics) for split, metrics in figures.items()}
    content["members"] = [
        {
            "sha256": member.sha256,
            "model": member.config.model,
            **{split: asdict(metrics) for split, metrics in by_split.items()},
        }
        for member, by_split in zip(ensemble.members, ensemble.of_members, strict=True)
    ]
    first = ensemble.members[0]
    if first.film_check:  # the film branch is that of the first, and so is its threshold
        content["film_gate"] = first.film_check
    with new_folder(out) as folder:
        save_model(ensemble.trained.model, folder / MODEL)
        write_json(folder / CONFIG, config.to_json())
        (folder / SPLITS).write_bytes((first.run / SPLITS).read_bytes())
        write_json(folder / METRICS, content)
