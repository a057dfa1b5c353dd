"""The arms by name: one change of `clinic` each."""

from __future__ import annotations

from collections.abc import Mapping

from arms.arm import CLINIC, Arm
from arms.levels import clahe, equalised, matched
from arms.networks import larger, pooled_twice


def moved(share: float) -> dict[str, float]:
    """Return all that moves films in augmentation made larger or smaller."""
    names = ("shear", "zoom", "rotation", "shift")
    return {name: share * getattr(CLINIC.recipe.augmentation, name) for name in names}


_AS_TODAY: Mapping[str, Arm] = {
    "clinic": Arm(),
    "no local normalisation": Arm(films={"local_radius": None}),
    "window of 6 pixels": Arm(films={"local_radius": 6}),
    "window of 24 pixels": Arm(films={"local_radius": 24}),
    "whole film, no crop": Arm(films={"crop": None}),
    "96 pixels": Arm(films={"side": 96, "local_radius": 9}),
    "160 pixels": Arm(films={"side": 160, "local_radius": 15}),
    "one source of negatives": Arm(without=("openist",)),
    "no balance": Arm(balance="none"),
    "moved half as far": Arm(augmentation=moved(0.5)),
    "moved not at all": Arm(augmentation=moved(0.0)),
    "moved twice as far": Arm(augmentation=moved(2.0)),
    "levels as they are": Arm(augmentation={"contrast": 0.0, "noise": 0.0}),
    "blurred, more contrast": Arm(augmentation={"contrast": 0.4, "blur": 1.0}),
    "noise of 24": Arm(augmentation={"noise": 24.0}),
    "12 epochs": Arm(recipe={"epochs": 12}),
    "rate 0.0003": Arm(recipe={"learning_rate": 0.0003}),
    "no weight decay": Arm(recipe={"weight_decay": 0.0}),
    "constant rate": Arm(recipe={"cosine": False}),
}
_PREPARED: Mapping[str, Arm] = {
    "histogram equalised": Arm(levels=equalised),
    "histogram matched": Arm(levels=matched),
    "CLAHE": Arm(levels=clahe),
    "borders trimmed": Arm(films={"trim": 0.1}),
}
_DRAWN: Mapping[str, Arm] = {
    "borders drawn": Arm(augmentation={"border": 0.08}),
    "text drawn": Arm(augmentation={"text": 0.5}),
    "cutout": Arm(methods=("cutout",)),
    "MixStyle": Arm(methods=("mixstyle",)),
    "Fourier amplitudes mixed": Arm(methods=("fourier",)),
}
_TAUGHT: Mapping[str, Arm] = {
    "lungs by masks": Arm(methods=("lungs",)),
    "pre-trained without labels": Arm(methods=("pretrained",)),
    "distilled from three": Arm(methods=("distilled",)),
    "source-adversarial": Arm(methods=("adversary",)),
    "weights averaged": Arm(methods=("averaged",)),
    "half as many filters again": Arm(build=larger),
    "maximum and mean pooled": Arm(build=pooled_twice),
}
ARMS: Mapping[str, Arm] = {**_AS_TODAY, **_PREPARED, **_DRAWN, **_TAUGHT}
