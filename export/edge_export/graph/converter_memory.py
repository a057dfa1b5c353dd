"""The memory of tf2onnx: what it copies is given back while it works, and not at some time later.

Before each of its two dozen passes it copies the graph with all weights. A copy refers to itself,
so it is freed when Python looks for such, which it does after so many objects, however large they
are: of a network of 30 million weights, 0.12 GB, forty copies took 5 GB.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def copies_given_back() -> Iterator[None]:
    """Have tf2onnx free its last copy before each pass inside the block."""
    from tf2onnx import optimizer

    def freeing(make: Callable[[], Any]) -> Callable[[], Any]:
        def made() -> Any:
            gc.collect()
            return make()

        return made

    passes = optimizer._optimizers  # no public counterpart
    plain = dict(passes)
    passes.update({name: freeing(make) for name, make in plain.items()})
    gc.freeze()  # what TensorFlow has made is not looked at each time
    try:
        yield
    finally:
        gc.unfreeze()
        passes.update(plain)
        gc.collect()
