"""What runs a graph: four optional engines, one of which is selected."""

from __future__ import annotations

from edge_runtime.engines.contract import EngineUnavailable
from edge_runtime.engines.select import (
    ENGINES,
    MANY,
    first_engine,
    open_engine,
    require_sound_graphs,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.engines.contract import Engine

__all__ = [
    "ENGINES",
    "MANY",
    "Engine",
    "EngineUnavailable",
    "first_engine",
    "open_engine",
    "require_sound_graphs",
]
