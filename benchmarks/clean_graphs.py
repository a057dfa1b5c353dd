"""What clean graphs are worth: nodes and speed of Model 3, against the customary conversions.

    python benchmarks/clean_graphs.py [--rounds 200]

Customary is one line each, with the batch left open: `TFLiteConverter.from_keras_model(model)` and
`tf2onnx.convert.from_function(...)`, float values in, probability out. Ours take bytes, so the time
of the others includes turning bytes into floats. The second network has three channels that all
hold the same grey, and ours is folded to one.

The last row is the int8 TFLite graph as the quantizer makes it, and read two columns at a time.

All graphs have random weights and run on one thread of one process, in turn (A B A B ...), so that
a slow moment of the machine hits both. Reported are medians and their ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from edge_export.graph.grey import fold_grey
from edge_export.graph.network import InputRange, network
from edge_export.graph.nodes import node_counts
from edge_export.graph.onnx import to_onnx
from edge_export.graph.tflite import to_tflite
from edge_export.quantize.pair_columns import pair_columns
from edge_export.quantize.ranges import measure_ranges
from edge_export.quantize.recipe import Format
from edge_export.quantize.tflite import quantize_tflite
from edge_export.quiet import import_tensorflow, quiet
from edge_kit.models.studies import model3

if TYPE_CHECKING:
    import keras

SIDE = 224
FORMS: dict[Format, str] = {"tflite": "TFLite", "onnx": "ONNX"}
Run = Callable[[Any], float]


def customary(model: keras.Model, form: Format) -> bytes:
    """Return `model` as the tools convert it by themselves."""
    import tensorflow as tf

    if form == "tflite":
        with contextlib.redirect_stdout(io.StringIO()):  # it prints every variable
            return bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    import tf2onnx

    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)]
    proto, _ = tf2onnx.convert.from_function(tf.function(model), signature, opset=17)
    return bytes(proto.SerializeToString())


def clean(model: keras.Model, form: Format) -> bytes:
    """Return `model` as this project converts it."""
    tflite = to_tflite(network(model, InputRange()).logits)
    return tflite if form == "tflite" else to_onnx(tflite)


def engine(graph: bytes, form: Format) -> Run:
    """Return the function from an image to the answer, on one thread."""
    if form == "onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda image: float(session.run(None, {name: image})[0].item())
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=graph, num_threads=1)
    interpreter.allocate_tensors()
    (taken,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(image: Any) -> float:
        interpreter.set_tensor(taken["index"], image)
        interpreter.invoke()
        return float(interpreter.get_tensor(output["index"]).item())

    return run


def milliseconds(turns: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """Return the median time of either from bytes to answer, run in turn."""
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for place, run in enumerate(turns):
            start = time.perf_counter()
            run()
            times[place].append(1000 * (time.perf_counter() - start))
    return [statistics.median(samples) for samples in times]


def row(name: str, channels: int, form: Format, rounds: int) -> str:
    """Return one line of the table, after checking that both graphs answer alike.

    Raises:
        SystemExit: they do not.
    """
    import keras

    keras.utils.set_random_seed(0)
    model = model3(SIDE, SIDE, channels)
    with quiet():
        before = customary(model, form)
        after = clean(model if channels == 1 else fold_grey(model), form)
        engines = engine(before, form), engine(after, form)
    grey = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 1), dtype=np.uint8)
    image = np.repeat(grey, channels, axis=3)
    probability, logit = engines[0](image.astype(np.float32)), engines[1](grey)
    if abs(probability - 1 / (1 + np.exp(-logit))) > 1e-5:
        raise SystemExit(f"{name}, {form}: the graphs do not answer alike")
    nodes = f"{node_counts(before, form)} | {node_counts(after, form)}"
    turns = (lambda: engines[0](image.astype(np.float32)), lambda: engines[1](grey))
    slow, fast = milliseconds(turns, rounds)
    return f"| {name} | {FORMS[form]} | {nodes} | {slow:.2f} | {fast:.2f} | {slow / fast:.2f} |"


def paired(rounds: int) -> str:
    """Return the line of the int8 graph, after checking that both give the same logit.

    Raises:
        SystemExit: they do not.
    """
    import keras

    keras.utils.set_random_seed(0)
    films = np.random.default_rng(0).integers(0, 256, (9, SIDE, SIDE, 1), dtype=np.uint8)
    graph = clean(model3(SIDE, SIDE, 1), "tflite")
    ranges = measure_ranges(graph, films)
    with patch("edge_export.quantize.tflite.pair_columns", lambda graph: graph):
        before = quantize_tflite(graph, ranges)
    after = pair_columns(before)
    engines = [engine(graph, "tflite") for graph in (before, after)]
    if any(engines[0](film[None]) != engines[1](film[None]) for film in films):
        raise SystemExit("int8: the graphs do not answer alike")
    grey = films[:1]
    slow, fast = milliseconds((lambda: engines[0](grey), lambda: engines[1](grey)), rounds)
    nodes = " | ".join(str(node_counts(graph, "tflite")) for graph in (before, after))
    return f"| grey, int8 | TFLite | {nodes} | {slow:.2f} | {fast:.2f} | {slow / fast:.2f} |"


def main() -> None:
    """Print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200, help="runs of either graph")
    rounds = parser.parse_args().rounds
    import_tensorflow()
    print("| Model 3 | format | nodes before | after | ms before | after | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name, channels in (("grey", 1), ("three channels, grey in all", 3)):
        for form in FORMS:
            print(row(name, channels, form, rounds), flush=True)
    print(paired(rounds))


if __name__ == "__main__":
    main()
