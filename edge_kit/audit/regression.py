"""The linear model of the audit, of the probe and of the baseline."""

from __future__ import annotations

from typing import Any

from edge_kit.audit.features import INVERSE_PENALTY


def regression(inverse_penalty: float = INVERSE_PENALTY, *, balanced: bool = False) -> Any:
    """Return an untrained logistic regression on standardised features, which draws nothing.

    If `balanced`, each class weighs as much as any other, however many films it has.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    weight = "balanced" if balanced else None
    regression = LogisticRegression(
        C=inverse_penalty, max_iter=10_000, random_state=0, class_weight=weight
    )
    return make_pipeline(StandardScaler(), regression)
