"""What a bundle says of itself that no measurement can: names, classes, intended use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_export.origin import Origin
from edge_runtime.bundle.records import FilmGate, IntendedUse, Preprocess, Training

# What a manifest may leave unstated -> the option that states it, and what goes unrefused without.
_UNSTATED = {
    "body part": ("--body-part", "films of any part of the body"),
    "view": ("--views", "lateral films"),
    "ages": ("--ages", "films of children"),
}


@dataclass(frozen=True, slots=True)
class BundleDescription:
    """What a bundle says of itself that no measurement can: names, classes, intended use.

    A model with a film branch has a `film_threshold`, in logits: pictures with a lower film logit
    are refused. Any other model has none. `made_by` is the command that made the model, empty
    where it was trained elsewhere, and `exported_by` the one that exported it, where it is known.
    `origin` names by digest what it is made from, and is None where nobody says.
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
    exported_by: str = ""
    origin: Origin | None = None

    @property
    def film_gate(self) -> FilmGate | None:
        """The threshold of the out-of-distribution check, as the manifest holds it."""
        return None if self.film_threshold is None else FilmGate(threshold=self.film_threshold)


def intended_use(
    modality: str,
    ages: tuple[int, int] | None = None,
    views: Sequence[str] = (),
    body_parts: Sequence[str] = (),
) -> IntendedUse:
    """Return for which films a bundle is; what is not given is not stated, and refuses no film.

    `ages` are the youngest and the oldest, in years; `views` and `body_parts` are DICOM's names.
    """
    youngest, oldest = (None, None) if ages is None else ages
    return IntendedUse(
        modality=modality,
        body_parts=tuple(body_parts),
        views=tuple(views),
        youngest=youngest,
        oldest=oldest,
    )


def unstated(use: IntendedUse) -> list[str]:
    """Return what the maker of a bundle did not state: of body part, view and ages.

    No view is missed of CT slices, which have none.
    """
    missing = {
        "body part": not use.body_parts,
        "view": not use.views and use.modality != "ct",
        "ages": use.youngest is None,
    }
    return [what for what, is_missing in missing.items() if is_missing]


def unstated_line(use: IntendedUse) -> str:
    """Return in a line what was not stated and what follows from it; empty where all was."""
    missing = unstated(use)
    if not missing:
        return ""
    options = ", ".join(_UNSTATED[what][0] for what in missing)
    answered = " and ".join(_UNSTATED[what][1] for what in missing)
    if use.modality == "other":
        answered = "whatever a DICOM header says of them"
    return f"not stated: {', '.join(missing)} ({options}); the bundle answers {answered}"
