"""The customary Python interpreter, which LiteRT and tflite-runtime share."""

from __future__ import annotations

import numpy as np

from edge_runtime.engines.contract import EngineUnavailable, require_signature
from edge_runtime.silence import silence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Interpreter:
    """A graph in an `Interpreter` of the class given, on one thread."""

    def __init__(self, name: str, kind: Any, graph: memoryview, pixels: tuple[int, ...]) -> None:
        """Prepare `graph` for input of shape `pixels`."""
        self.name = name
        self._shape = pixels
        self._interpreter: Any
        try:
            with silence():
                self._interpreter = kind(model_content=bytes(graph), num_threads=1)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise EngineUnavailable(f"does not take the graph ({error})") from error
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        require_signature(_signature(inputs), _signature(outputs), pixels)
        self._input = inputs[0]["index"]
        self._outputs = [output["index"] for output in outputs]

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        """Return the logits of one film, `pixels` row by row.

        Raises:
            EngineUnavailable: the interpreter reports that it failed.
            ValueError: `pixels` are not as many as the graph takes, or the engine is closed.
        """
        if self._interpreter is None:
            raise ValueError("the engine is closed")
        self._interpreter.set_tensor(
            self._input, np.frombuffer(pixels, np.uint8).reshape(self._shape)
        )
        try:
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise EngineUnavailable(f"{self.name} failed ({error})") from error
        return tuple(self._interpreter.get_tensor(index).item() for index in self._outputs)

    def close(self) -> None:
        """Free the interpreter."""
        self._interpreter = None


def _signature(details: list[dict[str, Any]]) -> list[tuple[str, tuple[int, ...]]]:
    return [(np.dtype(tensor["dtype"]).name, tuple(tensor["shape"].tolist())) for tensor in details]
