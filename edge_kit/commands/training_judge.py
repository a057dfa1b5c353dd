"""What weighs the figures of `edge-kit train`: films from elsewhere, an audit, a leak."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edge_kit.console import say

if TYPE_CHECKING:
    from edge_export.cautions import Cautions
    from edge_kit.data.dataset import Dataset
    from edge_kit.data.reader import FilmReader
    from edge_kit.evaluation.elsewhere import ElsewhereFilms
    from edge_kit.training.plan import TrainingPlan
    from edge_kit.training.train import Judge, Trained


def films_from_elsewhere(
    options: argparse.Namespace, dataset: Dataset, plan: TrainingPlan, reader: FilmReader
) -> ElsewhereFilms | None:
    """Return the films from elsewhere, if there are to be any; they are read before the training.

    Raises:
        DataError: they cannot be judged on.
    """
    from edge_kit.evaluation.elsewhere import elsewhere_films

    if options.elsewhere is None:
        return None
    return elsewhere_films(
        *(options.elsewhere, dataset.films),
        modality=dataset.modality,
        names=[dataset.class_names, (dataset.class_names[0], None)],
        preprocess=plan.preprocess,
        skip_unreadable=options.skip_unreadable,
        reader=reader,
    )


def judge_of(
    options: argparse.Namespace,
    plan: TrainingPlan,
    reader: FilmReader,
    elsewhere: ElsewhereFilms | None,
) -> Judge:
    """Return what weighs a trained network's figures.

    Films from elsewhere, the audit, and what a leak adds to them.
    """
    from edge_kit.audit.caveat import caveat
    from edge_kit.audit.elsewhere import against_baseline, weigh_elsewhere
    from edge_kit.evaluation.evaluated import OF_A_RUN
    from edge_kit.training.leak_effect import leak_effect

    def judge(trained: Trained, dataset: Dataset, cautions: Cautions) -> None:
        judged = plan.preprocess, trained.predict
        if elsewhere:
            on = elsewhere, dataset, *judged
            outcome = against_baseline(*on, decision=OF_A_RUN, reader=reader)
            classes = dataset.modality, dataset.positive, dataset.negative
            weigh_elsewhere(cautions, outcome, *classes)
        caveat(dataset, options.data, *judged, reader=reader, cautions=cautions)
        if dataset.leaks:
            cautions.weigh(str(leak_effect(dataset, options.data, plan, say, reader=reader)))

    return judge
