"""The commands in a card: how the model was trained, and how it was exported."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from edge_kit.exporting.order import ExportOrder
from edge_kit.models.recipe import FilmRecipe
from edge_kit.models.registry import MODELS
from edge_kit.training.run import RunConfig

_STUDIES = FilmRecipe().side
_WIDTH = 90  # of a command, in characters


def made_by(config: RunConfig) -> str:
    """Return the command that made a run, with the options that differ from the model's recipe."""
    if config.members:
        return "edge-kit ensemble RUN... --out RUN"
    known = MODELS.get(config.model)
    positive, negative = config.chosen_names or (config.positive, None)
    options = [
        *("--channels", config.preprocessing().channels, "--positive", positive),
        *(("--negative", negative) if negative else ()),
        *("--seed", config.seed),
        *(("--split-seed", config.dealt_by) if config.dealt_by else ()),
        *("--epochs", config.epochs),
    ]
    if (side := config.preprocessing().height) != (known.films.side if known else _STUDIES):
        options += ["--side", side]
    if known is None or config.batch_size != known.recipe.batch_size:
        options += ["--batch-size", config.batch_size]
    if known is None or config.learning_rate != known.recipe.learning_rate:
        options += ["--learning-rate", config.learning_rate]
    if config.keep != "last":
        options += ["--keep", config.keep]
    if config.balance:
        options += ["--balance", config.balance["by"]]
    if config.film_threshold is None:
        options.append("--no-film-gate")
    options += _beyond(config.options, options)
    model, data = config.model if known else "MODEL", shlex.join(_data(config.folder_count))
    return (
        f"edge-kit train {data} --out RUN --model {model} --modality {config.modality} \\\n"
        f"        {shlex.join(map(str, options))}"
    )


def _beyond(given: Sequence[str], told: Sequence[object]) -> list[str]:
    """Return the words of the options in `given` that are not among those `told`."""
    kept: list[str] = []
    keep = False
    for part in given:
        if part.startswith("--"):
            keep = part not in told and part not in ("--model", "--modality")
        if keep:
            kept.append(part)
    return kept


def _data(number: int) -> list[str]:
    """Return the option of so many folders of films, whose paths may be private."""
    names = ["DATA", *(f"DATA{place}" for place in range(2, number + 1))]
    return [word for name in names for word in ("--data", name)]


def exported_by(order: ExportOrder, name: str, *, ours: bool, folders: int = 1) -> str:
    """Return the command that carries `order` out, empty where no command line gave it.

    `folders` is the number of folders of films.
    """
    if not order.options:
        return ""
    parts = ["edge-kit", "export", "RUN" if ours else "MODEL.keras"]
    parts += [*order.options, *_data(folders), "--out", f"{name}.edge"]
    lines = [""]
    for part in map(shlex.quote, parts):
        if len(lines[-1]) + len(part) > _WIDTH and part.startswith("--"):
            lines.append("   ")
        lines[-1] += f" {part}" if lines[-1] else part
    return " \\\n    ".join(lines)
