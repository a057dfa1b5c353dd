"""The networks by name."""

from __future__ import annotations

from edge_kit.models.recipe import Architecture, Recipe
from edge_kit.models.studies import model3
from edge_runtime.errors import UsageError

MODELS: dict[str, Architecture] = {
    one.name: one for one in (Architecture("model3", model3, Recipe(epochs=20, batch_size=32)),)
}


def architecture(name: str) -> Architecture:
    """Return the network called `name`.

    Raises:
        UsageError: there is none.
    """
    if name not in MODELS:
        raise UsageError("--model", f"{name!r} is not known", f"one of: {', '.join(MODELS)}")
    return MODELS[name]
