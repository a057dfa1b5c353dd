"""What a bundle says of itself that no measurement can: names, classes, intended use."""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.manifest import Preprocess, Training


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What a bundle says of itself that no measurement can: names, classes, intended use."""

    name: str
    version: str
    modality: str
    negative: str
    positive: str
    preprocess: Preprocess
    training: Training
    limits: str = ""
