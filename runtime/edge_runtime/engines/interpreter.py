"""The customary Python interpreter, which LiteRT and tflite-runtime share."""

from __future__ import annotations

import numpy as np

from edge_runtime.engines import EngineUnavailable
from edge_runtime.engines.silence import silence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Interpreter:
    """A graph in an `Interpreter` of the class given, on one thread."""

    def __init__(self, name: str, kind: Any, graph: memoryview, pixels: tuple[int, ...]) -> None:
        """Prepare `graph` for input of shape `pixels`."""
        self.name = name
        self._shape = pixels
        try:
            with silence():
                self._interpreter = kind(model_content=bytes(graph), num_threads=1)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise EngineUnavailable(f"does not take the graph ({error})") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [one["index"] for one in self._interpreter.get_output_details()]

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        """Return the logit of one film, `pixels` row by row."""
        film = np.frombuffer(pixels, np.uint8).reshape(self._shape)
        self._interpreter.set_tensor(self._input, film)
        self._interpreter.invoke()
        return tuple(float(self._interpreter.get_tensor(one).item()) for one in self._outputs)
