"""What an engine is, which graphs it has to take, and how it says that it cannot be used."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Engine(Protocol):
        """A graph ready to run, on one thread and in one thread at a time."""

        @property
        def name(self) -> str:
            """The engine's key in `ENGINES`."""

        def logits(self, pixels: bytes) -> tuple[float, ...]:
            """Return the graph's outputs for one film's pixels, row by row.

            Raises:
                EngineUnavailable: the engine failed on this film.
                ValueError: the engine is closed, or the graph takes another number of bytes.
            """

        def close(self) -> None:
            """Free what the graph takes in memory; `contextlib.closing` makes it a block."""

    Signature = Sequence[tuple[str, tuple[int, ...]]]
    """The element type and shape of each input or output of a graph."""


class EngineUnavailable(Exception):
    """This engine cannot be used on this machine or for this graph; the message says why."""


LOGIT = (1, 1)
"""The shape of every output of a graph."""


def require_signature(inputs: Signature, outputs: Signature, pixels: tuple[int, ...]) -> None:
    """Refuse a graph that does more than take uint8 `pixels` and give float32 logits.

    Raises:
        EngineUnavailable: an element type, a shape or the number of inputs or outputs differs.
    """
    if inputs != [("uint8", pixels)]:
        raise EngineUnavailable(f"the graph takes {_listed(inputs)}, not uint8 {list(pixels)}")
    if not outputs or any(output != ("float32", LOGIT) for output in outputs):
        raise EngineUnavailable(f"the graph gives {_listed(outputs)}, not float32 {list(LOGIT)}")


def _listed(signature: Signature) -> str:
    return ", ".join(f"{element} {list(shape)}" for element, shape in signature) or "nothing"
