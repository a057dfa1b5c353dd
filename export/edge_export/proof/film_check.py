"""Does the film gate of a small graph let the same films through as that of the model?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_export.proof.faults import Fault, logit_faults
from edge_export.statistics.estimates import Floats

MOST_CHANGED = 0.01
"""Share of the held-out films that may be on the other side of the gate than with the model."""
MOST_REFUSED = 0.02
"""Share of the held-out films that may be refused beyond those that the model refuses."""


@dataclass(frozen=True, slots=True)
class FilmCheckParity:
    """One artefact's film gate against Keras's on the same `n` films, all of them real ones.

    `refused` films fall under the threshold, `changed` ones on the other side of it than with
    Keras; `largest_difference` is of the film logit, which is calibrated by nothing.
    """

    n: int
    refused: int
    changed: int
    largest_difference: float


def compare_film_check(reference: Floats, candidate: Floats, threshold: float) -> FilmCheckParity:
    """Return how film logits `(n,)` differ from those of the `reference`, at a gate's threshold."""
    passed, still = reference >= threshold, candidate >= threshold
    return FilmCheckParity(
        n=len(reference),
        refused=int((~still).sum()),
        changed=int((passed != still).sum()),
        largest_difference=float(np.abs(candidate - reference).max()),
    )


def film_check_faults(subject: str, logits: Floats, parity: FilmCheckParity, model: FilmCheckParity) -> list[Fault]:
    """Return `film_gate` for each way in which a gate is not that of the `model`.

    `logits` are the film logits `(n,)` of `subject`, of which `parity` was made.
    """
    problems = []
    if logit_faults(subject, logits):
        problems.append(f"the film logit is {logits[0]:.6g} whatever the film")
    # As quotients: 0.01 * n can be rounded below the whole number that it stands for.
    if parity.changed / parity.n > MOST_CHANGED:
        problems.append(
            f"{parity.changed} of {parity.n} films change sides of the gate (at most "
            f"{MOST_CHANGED:.0%})"
        )
    if (parity.refused - model.refused) / parity.n > MOST_REFUSED:
        problems.append(
            f"refuses {parity.refused} of {parity.n} films, the model {model.refused} (at most "
            f"{100 * MOST_REFUSED:g} points more)"
        )
    cure = "choose another recipe, or train again"
    return [Fault("film_gate", f"{subject}: film_gate: {problem}; {cure}") for problem in problems]
