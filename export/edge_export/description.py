"""What a bundle says of itself that no measurement can: names, classes, intended use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime.bundle.records import FilmGate, IntendedUse, Preprocess, Training

ADULTS = (18, 150)
"""The ages that a bundle is for where nobody says otherwise, in years.

Most films come without an age, so nothing is known of how a model does on children.
"""
FRONTAL = ("PA", "AP")
"""The views of X-rays that a bundle is for where nobody says otherwise, by DICOM's names."""


@dataclass(frozen=True, slots=True)
class BundleDescription:
    """What a bundle says of itself that no measurement can: names, classes, intended use.

    A model with a film branch has a `film_threshold`, in logits: pictures with a lower film logit
    are refused. Any other model has none. `made_by` is the command that made the model, empty
    where it was trained elsewhere.
    """

    name: str
    version: str
    intended_use: IntendedUse
    negative: str
    positive: str
    preprocess: Preprocess
    training: Training
    film_threshold: float | None = None
    limits: str = ""
    made_by: str = ""

    @property
    def film_gate(self) -> FilmGate | None:
        """The threshold of the out-of-distribution check, as the manifest holds it."""
        return None if self.film_threshold is None else FilmGate(threshold=self.film_threshold)


def intended_use(
    modality: str, ages: tuple[int, int] = ADULTS, views: Sequence[str] | None = None
) -> IntendedUse:
    """Return for which films of the chest a bundle is: of which ages, and of which views.

    Without `views`, frontal ones of X-rays, and any of CT, whose slices have none.
    """
    if views is None:
        views = FRONTAL if modality == "xray" else ()
    youngest, oldest = ages
    return IntendedUse(
        modality=modality,
        body_parts=("CHEST",),
        views=tuple(views),
        youngest=youngest,
        oldest=oldest,
    )
