"""Does the out-of-distribution check accept the same films with a small graph as with the model?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_export.proof.faults import Fault, logit_faults
from edge_export.statistics.estimates import Floats

MOST_CHANGED = 0.01
"""The largest share of the held-out films that one check may accept and the other refuse."""
MOST_REFUSED = 0.02
"""The largest share of the held-out films that may be refused beyond those the model refuses."""


@dataclass(frozen=True, slots=True)
class FilmCheckParity:
    """One artefact's out-of-distribution check against Keras's on the same `n` real films.

    `refused` films have a film logit below the threshold; `changed` ones lie on the other side of
    it than with Keras. `largest_difference` is that of the film logit, which is not calibrated.
    """

    n: int
    refused: int
    changed: int
    largest_difference: float


def compare_film_check(reference: Floats, candidate: Floats, threshold: float) -> FilmCheckParity:
    """Return how film logits `(n,)` differ from those of the `reference`, at a threshold."""
    passed, still = reference >= threshold, candidate >= threshold
    return FilmCheckParity(
        n=len(reference),
        refused=int((~still).sum()),
        changed=int((passed != still).sum()),
        largest_difference=float(np.abs(candidate - reference).max()),
    )


def film_check_faults(
    subject: str, logits: Floats, parity: FilmCheckParity, model: FilmCheckParity
) -> list[Fault]:
    """Return a fault `film_gate` for each way in which a check differs from that of the `model`.

    `logits` are the film logits `(n,)` of `subject`, from which `parity` was computed.
    """
    problems = []
    if logit_faults(subject, logits):
        problems.append(f"the film logit is {logits[0]:.6g} whatever the film")
    # As quotients: 0.01 * n can be rounded below the whole number that it stands for.
    if parity.changed / parity.n > MOST_CHANGED:
        problems.append(
            f"{parity.changed} of {parity.n} films change sides of the threshold (at "
            f"most {MOST_CHANGED:.0%})"
        )
    if (parity.refused - model.refused) / parity.n > MOST_REFUSED:
        problems.append(
            f"refuses {parity.refused} of {parity.n} films, the model {model.refused} (at most "
            f"{100 * MOST_REFUSED:g} points more)"
        )
    cure = "choose another recipe, or train again"
    return [Fault("film_gate", f"{subject}: film_gate: {problem}; {cure}") for problem in problems]
