"""Trains one arm and judges it by AUC on films of its own sources and of elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arms.arm import Arm
from arms.prepared import PreparedFilms
from edge_export.films.film import Film
from edge_export.films.labels import are_positive
from edge_export.quiet import import_tensorflow
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.film_attributes import manifest_attributes
from edge_kit.data.film_folders import FilmFolders
from edge_kit.data.reader import FilmReader
from edge_kit.training.balance import balanced

if TYPE_CHECKING:
    from arms.rows import TrainingRows

PARTS = ("val", "test")
LEFT_OUT = "{} against the other source"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The folders of all films, read by `reader`, and the source that no training sees."""

    folders: FilmFolders
    source: str
    reader: FilmReader

    def measured(self, arm: Arm, seed: int, left_out: str | None) -> dict[str, Any]:
        """Return the AUCs of a network trained as `arm` says, with intervals by patient."""
        import_tensorflow()
        from arms.course import trained
        from edge_kit.training.train import Trained

        without = (*arm.without, *([left_out] if left_out else []))
        data = self.folders.leaving_out((self.source, *without))
        own, whole = (self._dataset(folders) for folders in (data, self.folders))
        training = [film for film in own.films if film.split == "train"]
        prepared = PreparedFilms(arm, training, self.reader)
        rows = _rows(arm, prepared, training, own.positive, data)
        started = time.perf_counter()
        network = Trained(trained(arm, rows, seed), {})
        seconds = round(time.perf_counter() - started)
        judged: dict[str, Any] = {}
        for name, films in self._parts(own, whole, without).items():
            judged[name] = _area(network, prepared, films, own.positive)
        return {"seconds": seconds, "auc": judged}

    def _dataset(self, folders: FilmFolders) -> Dataset:
        return load_dataset(
            folders, modality="xray", seed=0, skip_unreadable=True, reader=self.reader
        )

    def _parts(
        self, own: Dataset, whole: Dataset, without: Sequence[str]
    ) -> Mapping[str, list[Film]]:
        """Return the films of each comparison by name; none of them was trained on."""
        cells = manifest_attributes(self.folders, whole.films)
        of = {film.sha256: told for film, told in zip(whole.films, cells, strict=True)}
        source = {digest: told.get("source", "") for digest, told in of.items()}
        cases = {film.sha256 for film in whole.films if film.label == own.positive}
        home = {"nih", *(source[film.sha256] for film in own.films if film.sha256 in cases)}
        parts: dict[str, list[Film]] = {}
        for split in PARTS:
            held = [film for film in whole.films if film.split == split]
            inside = [film for film in held if source[film.sha256] == self.source]
            covid = [film for film in inside if film.sha256 in cases]
            ill = [
                film
                for film in inside
                if film.sha256 not in cases
                and not of[film.sha256].get("finding", "").casefold().startswith("no ")
            ]
            parts[f"own {split}"] = [film for film in held if source[film.sha256] in home]
            healthy = [film for film in held if source[film.sha256] == "openist"]
            parts[f"healthy {split}"] = covid + healthy
            parts[f"other findings {split}"] = covid + ill
        others = [film for film in whole.films if film.split != "train"]
        nih = [film for film in others if source[film.sha256] == "nih"]
        for name in without:
            strange = [film for film in whole.films if source[film.sha256] == name]
            if strange and all(film.sha256 in cases for film in strange):
                parts[LEFT_OUT.format(name)] = strange + nih
        trained = {film.sha256 for film in own.films if film.split == "train"}
        return {
            name: [film for film in films if film.sha256 not in trained]
            for name, films in parts.items()
        }


def _rows(
    arm: Arm,
    prepared: PreparedFilms,
    films: Sequence[Film],
    positive: str,
    data: FilmFolders,
) -> TrainingRows:
    """Return the training films, with masks of lungs behind their pixels where they are needed."""
    from arms.rows import TrainingRows

    pixels = prepared.pixels(films)
    if "lungs" in arm.methods:
        pixels = np.concatenate([pixels, prepared.masks(films)], axis=3)
    named = [cells.get("source", "") for cells in manifest_attributes(data, tuple(films))]
    sources, source = np.unique(named, return_inverse=True)
    by = arm.balance or "source"
    return TrainingRows(
        pixels=pixels,
        positive=are_positive(films, positive),
        source=source.astype(np.intp),
        sources=tuple(map(str, sources)),
        balance=None if by == "none" else balanced(films, data, by),
    )


def _area(
    network: Any, prepared: PreparedFilms, films: list[Film], positive: str
) -> dict[str, Any]:
    """Return the AUC of these films, with an interval by patient."""
    from edge_export.statistics.clustered import grouped_auc

    scores = network.predict(prepared.pixels(films))
    groups = [film.group for film in films]
    return asdict(grouped_auc(are_positive(films, positive), scores, groups))
