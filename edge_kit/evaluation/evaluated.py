"""What is evaluated: a run by its Keras model, or a bundle by the clinic's engines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from edge_export.films.film import Split
from edge_export.films.pixels import FilmPixels, progress
from edge_export.graph.features import penultimate
from edge_export.graph.model_file import refuse_unpacked
from edge_export.graph.network import InputRange, load_model, network
from edge_export.proof.reference import reference_outputs
from edge_export.proof.threshold import ONE_HALF
from edge_export.statistics.estimates import Floats
from edge_kit.data.film_folders import Folders
from edge_kit.data.films import list_films
from edge_kit.data.labels import class_key, composed, split_of
from edge_kit.data.table import read_table
from edge_kit.evaluation.papers import is_covered, kept_epoch, papers_of
from edge_kit.models.recipe import Keep
from edge_kit.training.run import MODEL, SPLITS, is_run, read_config
from edge_runtime import Classifier
from edge_runtime.bundle import open_bundle, verify_all
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.bundle.records import Calibration, Decision, Preprocess, Training, Uncertain
from edge_runtime.engines import open_engine
from edge_runtime.errors import DataError, EdgeError, FilmError, Refusal, UsageError
from edge_runtime.film.preprocess import film_pixels

Predict = Callable[[FilmPixels], Floats]
"""From `(n, height, width, channels)` pixels to `(n,)` scores, higher for the positive class.

Or to `(n, m)` features."""


OF_A_RUN = Decision(
    calibration=Calibration(method="none", scale=1.0, offset=0.0),
    threshold=ONE_HALF,
    uncertain=Uncertain(low=ONE_HALF, high=ONE_HALF),
    chosen=None,
)
"""How a run decides, which no export has calibrated yet."""


@dataclass(frozen=True, slots=True)
class FilmOutcome:
    """The logit of a film, before any calibration, or None and the reason of its refusal."""

    logit: float | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A run or a bundle that is evaluated: its decision, and the films it is known to have seen.

    `caution` is what has to be said beside its figures. `known` maps digests to splits: for a
    run all its films, for a bundle those that calibrated it, which were training films. `seed` is
    the seed of its splits, where that is known. `class_names` are those that a run's training was
    told of the positive and of several negative classes, None where two had names of their own.
    `keep` is how the epoch was chosen, and `fitted` what of a bundle's decision its maker fitted on
    the validation films; a bundle tells its epoch by the warnings of its parity.json, and by its
    `site` that the band was fitted for a coverage, `covered`.
    `classify` takes the paths of films, and may refuse some. `predict` takes pixels prepared by
    `preprocess` and refuses none, so that parts of them may be hidden. `features` takes such pixels
    and gives the `(n, m)` features that a run's logit is made of; a bundle has none.
    """

    kind: Literal["run", "bundle"]
    name: str
    identity: str | None
    modality: str
    negative: str
    positive: str
    caution: str
    decision: Decision
    known: Mapping[str, Split]
    seed: int | None
    preprocess: Preprocess
    predict: Predict
    classify: Callable[[Sequence[Path]], list[FilmOutcome]]
    class_names: tuple[str, str | None] | None = None
    keep: Keep = "last"
    fitted: tuple[str, ...] = ()
    covered: bool = False
    features: Predict | None = None

    def classes_among(
        self, data: Folders, positive: str | None, negative: str | None
    ) -> tuple[str, str | None]:
        """Return the names of the positive and the negative classes among the films of `data`.

        Where neither is said, the model's own names count, if the folders have classes of these:
        those that a run was told, else its positive class and the one other, else both classes.

        Raises:
            UsageError: as `positive_among` does.
        """
        for name, others in self._own_names() if positive is None and negative is None else ():
            with suppress(EdgeError):
                list_films(data, modality=self.modality, positive=name, negative=others)
                return name, others
        return self.positive_among(positive), negative

    def _own_names(self) -> Iterator[tuple[str, str | None]]:
        if self.class_names:
            yield self.class_names
        yield self.positive, None
        yield self.positive, self.negative
        # A class of several folders is called by all of them.
        yield self.positive.replace("+", ","), self.negative.replace("+", ",")

    def positive_among(self, name: str | None) -> str:
        """Return the name of the positive class among films to judge: `name`, or the model's own.

        Raises:
            UsageError: that is the model's negative class, so all figures would be turned round.
        """
        if name is not None and class_key(name) == class_key(self.negative):
            problem = f"{composed(name)!r} is the model's negative class, not {self.positive!r}"
            raise UsageError("--positive", problem, "leave it out")
        return name or self.positive


def open_evaluated(path: Path) -> EvaluatedModel:
    """Return the run or the bundle at `path`.

    Raises:
        DataError: there is nothing, or a run that cannot be read.
        EdgeError: a bundle cannot be opened.
    """
    if not path.exists():
        raise DataError(path, "no such file or folder", "give a run's folder or a .edge file")
    refuse_unpacked(path)
    run = path.parent if path.name == MODEL else path
    return _run(run) if is_run(run) else _bundle(path)


def _run(run: Path) -> EvaluatedModel:
    config = read_config(run)
    preprocess, threshold = config.preprocessing(), config.film_threshold
    model = load_model(run / MODEL)

    def predict(pixels: FilmPixels) -> Floats:
        return reference_outputs(network(model, InputRange()), pixels)[:, 0]

    def classify(paths: Sequence[Path]) -> list[FilmOutcome]:
        results = _read(paths, preprocess)
        shape = (-1, preprocess.height, preprocess.width, preprocess.channels)
        pixels = b"".join(result for result in results if isinstance(result, bytes))
        films = np.frombuffer(pixels, np.uint8).reshape(shape)
        outputs = iter(reference_outputs(network(model, InputRange()), films))
        return [
            FilmOutcome(None, result)
            if isinstance(result, str)
            else _outcome(next(outputs), threshold)
            for result in results
        ]

    return EvaluatedModel(
        kind="run",
        name=config.model,
        identity=None,
        modality=config.modality,
        negative=config.negative,
        positive=config.positive,
        caution=config.caution(),
        decision=OF_A_RUN,
        known=_split_table(run / SPLITS),
        seed=config.dealt_by,
        preprocess=preprocess,
        predict=predict,
        classify=classify,
        class_names=config.chosen_names,
        keep=config.keep,
        features=partial(penultimate, model, InputRange()),
    )


def _outcome(
    outputs: np.ndarray[tuple[int], np.dtype[np.float64]], film_threshold: float | None
) -> FilmOutcome:
    """Return what a run's `outputs` for a film, logit and film logit, mean in the runtime."""
    refused = film_threshold is not None and outputs[1] < film_threshold
    return FilmOutcome(None, "not_a_film") if refused else FilmOutcome(float(outputs[0]))


def _split_table(table: Path) -> dict[str, Split]:
    rows = ((row["sha256"], split_of(row["split"])) for _, row in read_table(table, _COLUMNS))
    return {digest: split for digest, split in rows if split is not None}


_COLUMNS = ("sha256", "split")


def _read(paths: Sequence[Path], preprocess: Preprocess) -> list[bytes | str]:
    """Return each film's pixels, or why it is refused."""

    def read(path: Path) -> bytes | str:
        try:
            return film_pixels(path, preprocess)
        except Refusal as error:
            return error.reason
        except FilmError as error:
            raise DataError(error.subject, error.problem, error.cure) from error

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            return list(progress(pool.map(read, paths), len(paths), "reading", "film"))
        finally:
            pool.shutdown(cancel_futures=True)


def _dealt_by(training: Training) -> int | None:
    """Return the seed of a bundle's splits, which is that of its weights where none is written."""
    return training.seed if training.split_seed is None else training.split_seed


def _fitted(manifest: Manifest) -> tuple[str, ...]:
    """Return what of the decision was fitted on validation films, and not by a site on its own."""
    decision, site = manifest.decision, manifest.site
    by_site = site.fitted if site else ()
    fitted = {
        "threshold": decision.chosen is not None,
        "calibration": decision.calibration.method != "none",
    }
    return tuple(part for part, is_fitted in fitted.items() if is_fitted and part not in by_site)


def _classified(bundle: Path, paths: Sequence[Path]) -> list[FilmOutcome]:
    with Classifier(bundle) as classifier, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            predictions = pool.map(classifier.classify, paths)
            answers = list(progress(predictions, len(paths), "classifying", "film"))
        finally:
            pool.shutdown(cancel_futures=True)
    for answer in answers:
        if answer.status == "error" and answer.error:
            raise DataError(answer.file, answer.error.problem, answer.error.cure)
    return [
        FilmOutcome(film.logit, film.error.reason if isinstance(film.error, Refusal) else "")
        for film in answers
    ]


def _bundle(path: Path) -> EvaluatedModel:
    with verify_all(path) as bundle:
        manifest, papers = bundle.manifest, papers_of(bundle)

    def predict(pixels: FilmPixels) -> Floats:
        with open_bundle(path) as bundle, closing(open_engine(bundle)) as engine:
            return np.array([engine.logits(film.tobytes())[0] for film in pixels], np.float64)

    return EvaluatedModel(
        kind="bundle",
        name=f"{manifest.name} {manifest.version}",
        identity=manifest.identity,
        modality=manifest.intended_use.modality,
        negative=manifest.classes.negative,
        positive=manifest.classes.positive,
        caution="",
        decision=manifest.decision,
        known=dict.fromkeys(manifest.quantization.films, "train"),
        seed=_dealt_by(manifest.training),
        preprocess=manifest.preprocess,
        predict=predict,
        classify=partial(_classified, path),
        keep=kept_epoch(papers, manifest.intended_use.modality),
        fitted=_fitted(manifest),
        covered=is_covered(papers),
    )
