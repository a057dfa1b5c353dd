"""The model card that travels in the bundle: what it is for, how it did, what it must not do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from edge_export.proof.prove import Proof
from edge_export.report.summary import parity_table

if TYPE_CHECKING:
    from edge_export.facts import BundleFacts

_CARD = """\
# {name} {version}

**Research use; not a medical device.** Nobody may be diagnosed, treated or turned away by its
answer.

## What it does
Classifies films ({modality}) as `{negative}` or `{positive}`, or says `uncertain`. Probabilities
are of `{positive}`, calibrated by {method}; the threshold is {threshold:g}, answers between
{low:g} and {high:g} are `uncertain`.

## How it was made
Architecture {model}, input {height} x {width} x {channels}. {origin}

Quantized by static_wi8_ai8 with a float head, calibrated on {calibration} films of the training
rows (listed by digest in the manifest).

## How it did on held-out films
Against the Keras model it was made from. `flips` are decisions that changed; `max dp` and `mean
dp` are differences of probability. Accuracy counts uncertain films as decided at the threshold.

{table}
With 95 % intervals, on the test rows, the int8 TFLite graph:

- accuracy {accuracy}
- sensitivity {sensitivity}
- specificity {specificity}
- AUC {auc}

## Limits
{limits}

- Held-out films come from the same sources as the training films: these figures say how the
  small graph follows the big one, not how either does in another hospital.
- Not tested: other age groups, other projections, other diseases, other equipment than in the
  data above.
"""
_OURS = """\
Trained for {epochs} epochs from seed {seed}:

    edge-kit train --data DATA --out RUN --model {model} --modality {modality} \\
        --channels {channels} --positive {option} --seed {seed} --epochs {epochs}
    edge-kit export RUN --int8 --data DATA --out {name}.edge"""
_FOREIGN = """\
Trained elsewhere: on which films is not
known here, and those below may be among them."""
_NO_LIMITS = "The maker has stated no limits of the data (`--limits FILE`): assume the worst."


def card(proof: Proof, facts: BundleFacts, calibration_films: int) -> str:
    """Return the card as Markdown; nothing in it changes from run to run."""
    decision, training, recipe = proof.decision, facts.training, facts.preprocess
    test = proof.comparisons["model.int8.tflite"]["test"].metrics
    known = {
        "name": facts.name,
        "version": facts.version,
        "modality": facts.modality,
        "negative": facts.negative,
        "positive": facts.positive,
        "option": shlex.quote(facts.positive),
        "model": training.model,
        "seed": training.seed,
        "epochs": training.epochs,
        "height": recipe.height,
        "width": recipe.width,
        "channels": recipe.channels,
    }
    return _CARD.format(
        **known,
        origin=(_FOREIGN if training.epochs is None else _OURS).format(**known),
        method=decision.calibration.method,
        threshold=decision.threshold,
        low=decision.uncertain.low,
        high=decision.uncertain.high,
        calibration=calibration_films,
        table=parity_table(proof, markdown=True),
        accuracy=test.accuracy,
        sensitivity=test.sensitivity,
        specificity=test.specificity,
        auc=test.auc,
        limits=facts.limits.strip() or _NO_LIMITS,
    )
