"""The model an audit is of: a run by its Keras model, a bundle by the engine that a clinic has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_export.film import Film
from edge_export.pixels import Pixels
from edge_export.proof.statistics import Floats
from edge_kit.audit.audit import Predict
from edge_kit.data.split import with_splits
from edge_kit.data.table import read_table
from edge_kit.training.run import MODEL, SPLITS, is_run, read_config
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.manifest import Preprocess
from edge_runtime.engines import open_engine


@dataclass(frozen=True, slots=True)
class Subject:
    """A model as an audit sees it; `splits` is the split table of a run."""

    predict: Predict
    recipe: Preprocess
    positive: str
    seed: int
    modality: str
    splits: Path | None = None

    def dealt(self, films: tuple[Film, ...]) -> tuple[Film, ...]:
        """Return `films` as the run dealt them; films that it never saw keep their own splits.

        Raises:
            DataError: some films are the run's and some are not.
        """
        if self.splits is None:
            return films
        known = {row["sha256"] for _, row in read_table(self.splits, ("sha256",))}
        ours = any(film.sha256 in known for film in films)
        return with_splits(films, self.splits) if ours else films


@contextmanager
def open_subject(path: Path) -> Iterator[Subject]:
    """Open the run or bundle at `path` for the block.

    Raises:
        DataError: the run cannot be read.
        NotABundle, IntegrityError, NoEngine: the bundle cannot be run.
    """
    run = path.parent if path.name == MODEL else path
    if is_run(run):
        yield _run(run)
    else:
        with _bundle(path) as subject:
            yield subject


def _run(run: Path) -> Subject:
    from edge_export.graph.network import load_model
    from edge_export.quiet import import_tensorflow

    import_tensorflow()
    from edge_kit.training.watch import predict

    config, model = read_config(run), load_model(run / MODEL)
    return Subject(
        predict=lambda pixels: predict(model, pixels),
        recipe=config.recipe(),
        positive=config.positive,
        seed=config.seed,
        modality=config.modality,
        splits=run / SPLITS,
    )


@contextmanager
def _bundle(path: Path) -> Iterator[Subject]:
    with open_bundle(path) as bundle, closing(open_engine(bundle)) as engine:

        def predict(pixels: Pixels) -> Floats:
            # The film branch is not asked: it would refuse films with a black centre.
            return np.array([engine.logits(film.tobytes())[0] for film in pixels], np.float64)

        manifest = bundle.manifest
        yield Subject(
            predict=predict,
            recipe=manifest.preprocess,
            positive=manifest.classes.positive,
            seed=manifest.training.seed or 0,
            modality=manifest.intended_use.modality,
        )
