"""`edge-kit ensemble`: several runs as one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_kit.console import say, write
from edge_runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    import keras

    from edge_export.films.film import Film, Split
    from edge_export.statistics.estimates import Metrics
    from edge_kit.training.run import RunConfig

HELP = "average several runs into one network that is exported like a run"


@dataclass(frozen=True, slots=True)
class Member:
    """A run to be averaged: where it lies, its configuration, its model with its digest.

    `gate` is what its film gate refused, as the run wrote it down.
    """

    run: Path
    config: RunConfig
    sha256: str
    model: keras.Model
    gate: Mapping[str, Any] | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Average the logits of several runs, trained on the same split of the same films, into one "
        "network in a new run's folder, and measure it and its members on the held-out films."
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="two runs or more")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="default: what the first RUN trained on"
    )
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out damaged films")


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_kit.audit.caveat import caveat
    from edge_kit.data.dataset import load_dataset
    from edge_kit.data.split import with_splits
    from edge_kit.evaluation.subject import open_subject
    from edge_kit.files import require_new
    from edge_kit.models.ensemble import mean_of_logits
    from edge_kit.training.run import SPLITS

    require_new(options.out)
    members = read_members(options.runs)
    first = members[0].config
    data = options.data or Path(first.data)
    dataset = load_dataset(
        data,
        modality=first.modality,
        positive=first.positive,
        seed=first.seed,
        skip_unreadable=options.skip_unreadable,
    )
    films = with_splits(dataset.films, members[0].run / SPLITS)
    model = mean_of_logits([one.model for one in members])
    say(f"measuring {len(members)} members and their mean on the held-out films")
    figures, *others = measured([model, *(one.model for one in members)], films, first)
    config = replace(
        first,
        model=f"ensemble-of-{len(members)}",
        data=str(data.resolve()),
        members=tuple(one.sha256 for one in members),
    )
    write_ensemble(options.out, model, config, members, [figures, *others])
    names = ["ensemble", *(str(one.run) for one in members)]
    for name, one in zip(names, [figures, *others], strict=True):
        for split, values in one.items():
            for measure in ("accuracy", "sensitivity", "specificity", "auc"):
                write(f"{split:<5} {measure:<12} {getattr(values, measure)}  {name}\n")
    say(f"wrote {options.out}")
    subject, skip = open_subject(options.out), options.skip_unreadable
    for line in caveat(subject, data, None, say, skip_unreadable=skip):
        write(f"{line}\n")


def read_members(runs: Sequence[Path]) -> list[Member]:
    """Return the members in `runs`, which differ in nothing but the network and its training.

    Raises:
        UsageError: there is only one, or one is given twice.
        DataError: one is no whole run, or was made of other films, splits, classes or pixels.
    """
    from edge_export.graph.network import load_model
    from edge_kit.training.run import MODEL, SPLITS, read_config, read_gate
    from edge_runtime.bundle.digest import sha256

    if len(runs) < 2:
        raise UsageError("RUN", "one run is no ensemble", "give two or more")
    members: list[Member] = []
    tables: list[bytes] = []
    for path in runs:
        config = read_config(path)
        try:
            digest, table = sha256((path / MODEL).read_bytes()), (path / SPLITS).read_bytes()
        except OSError as error:
            raise DataError(path, f"is no whole run ({error.strerror})", "train again") from error
        gate = None if config.film_threshold is None else read_gate(path)
        members.append(Member(path, config, digest, load_model(path / MODEL), gate))
        tables.append(table)
        _require_alike(members[0], members[-1], same_table=table == tables[0])
    if len({one.sha256 for one in members}) < len(members):
        raise UsageError("RUN", "the same model is given twice", "give each run once")
    return members


def _require_alike(first: Member, other: Member, *, same_table: bool) -> None:
    for what in ("modality", "negative", "positive", "preprocess"):
        found, wanted = getattr(other.config, what), getattr(first.config, what)
        if found != wanted:
            problem = f"its {what} is {found}, that of {first.run} {wanted}"
            raise DataError(other.run, problem, "train all members alike")
    if not same_table:
        problem = f"was not trained on the films and the split of {first.run}"
        raise DataError(other.run, problem, "train all members on one folder with given splits")


def measured(
    models: Sequence[keras.Model], films: Sequence[Film], config: RunConfig
) -> list[dict[Split, Metrics]]:
    """Return the metrics of each of `models` on each held-out split, at a threshold of one half.

    Raises:
        DataError: a film cannot be read, a split has too few, or an answer is not finite.
    """
    import numpy as np

    from edge_export.films.film import HELD_OUT, require_held_out
    from edge_export.films.pixels import load_pixels
    from edge_export.statistics.estimates import evaluate
    from edge_kit.training.watch import predict

    require_held_out(films)
    figures: list[dict[Split, Metrics]] = [{} for _ in models]
    for split in HELD_OUT:
        rows = [film for film in films if film.split == split]
        positive = np.array([film.label == config.positive for film in rows])
        pixels = load_pixels(rows, config.recipe())
        for model, found in zip(models, figures, strict=True):
            score = predict(model, pixels)
            if not np.isfinite(score).all():
                raise DataError(model.name, "an answer is not finite", "train that run again")
            found[split] = evaluate(positive, score, threshold=0.5)
    return figures


def write_ensemble(
    out: Path,
    model: keras.Model,
    config: RunConfig,
    members: Sequence[Member],
    figures: Sequence[Mapping[Split, Metrics]],
) -> None:
    """Write the run of an ensemble, whole or not at all; its `figures` are first, then theirs.

    Raises:
        CannotWrite: the disk did not take it.
    """
    from edge_kit.files import new_folder, write_json
    from edge_kit.training.run import CONFIG, METRICS, MODEL, SPLITS, save_model

    plain = [{str(split): asdict(one) for split, one in each.items()} for each in figures]
    content: dict[str, Any] = {**plain[0]}
    content["members"] = [
        {"sha256": one.sha256, "model": one.config.model, **found}
        for one, found in zip(members, plain[1:], strict=True)
    ]
    run = members[0].run
    if members[0].gate:  # the branch is that of the first, and so is its gate
        content["film_gate"] = members[0].gate
    with new_folder(out) as folder:
        save_model(model, folder / MODEL)
        write_json(folder / CONFIG, config)
        (folder / SPLITS).write_bytes((run / SPLITS).read_bytes())
        write_json(folder / METRICS, content)
