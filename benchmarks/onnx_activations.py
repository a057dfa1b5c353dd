"""Times of int8 ONNX graphs with uint8 activations, and of the same graphs with int8 ones.

    python benchmarks/onnx_activations.py [--side 224] [--rounds 15] [NAME...]

The networks are those of `tests/support/architectures.py`, with random weights: times do not depend
on them. One film, one thread, in `edge-run`'s sessions; the graphs take turns, and a ratio is the
median of the rounds', with the range of the middle half. LiteRT's time is of the int8 TFLite graph.
`integers` counts the products (convolutions and dense layers) that ONNX Runtime computes as such.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

NAMES = (
    "SE-ResNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "EfficientNetB0",
    "DenseNet121",
    "ResNet50",
)
PRODUCTS = "Conv", "Gemm", "MatMul"
CALIBRATED = 16


def main() -> None:
    """Print a row for each network."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("names", nargs="*", default=list(NAMES))
    options.add_argument("--side", type=int, default=224)
    options.add_argument("--rounds", type=int, default=15)
    chosen = options.parse_args()
    print("| network | integers: int8, uint8 | uint8 ms | / int8 | / float | / LiteRT |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in chosen.names:
        print(row(name, chosen.side, chosen.rounds), flush=True)


def row(name: str, side: int, rounds: int) -> str:
    """Return a network's row."""
    graphs, film = exported(name, side)
    graphs["signed"] = signed(graphs["unsigned"])
    answers = {key: opened(key, graph, film) for key, graph in graphs.items()}
    times: dict[str, list[float]] = {key: [] for key in answers}
    for _ in range(rounds):
        for key, answer in answers.items():
            times[key].append(min(seconds(answer) for _ in range(3)))
    whole = {key: integers(graphs[key]) for key in ("signed", "unsigned")}
    cells = [
        name,
        ", ".join(f"{one} of {of}" for one, of in whole.values()),
        f"{np.median(times['unsigned']) * 1e3:.2f}",
        *(ratio(times["unsigned"], times[key]) for key in ("signed", "float", "litert")),
    ]
    return f"| {' | '.join(cells)} |"


def exported(name: str, side: int) -> tuple[dict[str, bytes], NDArray[np.uint8]]:
    """Return the graphs of a network, and a film for them."""
    from architectures import ARCHITECTURES, films, fit
    from edge_export.quiet import import_tensorflow

    import_tensorflow()
    from edge_export.graph.float_graphs import float_graphs
    from edge_export.graph.network import network
    from edge_export.quantize.quantizer import Quantizer
    from edge_export.quantize.recipe import INT8, Setting

    kind = ARCHITECTURES[name]
    model, pixels = kind.build(side), films(side, CALIBRATED)
    low, high = kind.input_range.low, kind.input_range.high
    fit(model, pixels.astype(np.float32) * np.float32((high - low) / 255) + low)
    graphs = float_graphs(network(model, kind.input_range), pixels)
    quantizer = Quantizer(graphs, pixels)
    ranges = quantizer.ranges("min_max")
    small = {
        form: quantizer.uncorrected(INT8, form, ranges, Setting()).graph
        for form in ("onnx", "tflite")
    }
    made = {"float": graphs.onnx, "unsigned": small["onnx"], "litert": small["tflite"]}
    return made, pixels[0]


def signed(graph: bytes) -> bytes:
    """Return an int8 ONNX graph with int8 activations in place of its uint8 ones."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_model_from_string(graph)
    for held in model.graph.initializer:
        if held.data_type == onnx.TensorProto.UINT8:  # zero points, and constants beside weights
            less = numpy_helper.to_array(held).astype(np.int16) - 128
            held.CopyFrom(numpy_helper.from_array(less.astype(np.int8), held.name))
    stated = [one for one in model.graph.value_info if one.type.tensor_type.elem_type == 2]
    for one in stated:
        model.graph.value_info.remove(one)
    encoded: bytes = model.SerializeToString()
    return encoded


def opened(key: str, graph: bytes, film: NDArray[np.uint8]) -> Callable[[], Any]:
    """Return what answers a film by a graph."""
    from edge_runtime.engines import litert_c, onnx_runtime

    load: Callable[..., Any] = (litert_c if key == "litert" else onnx_runtime).load
    engine, pixels = load(memoryview(bytearray(graph)), (1, *film.shape)), film.tobytes()
    return lambda: engine.logits(pixels)


def seconds(answer: Callable[[], Any]) -> float:
    """Return how long an answer takes."""
    began = perf_counter()
    answer()
    return perf_counter() - began


def ratio(own: list[float], others: list[float]) -> str:
    """Return the median of the rounds' ratios, with the range of the middle half."""
    low, middle, high = np.quantile(np.array(own) / np.array(others), [0.25, 0.5, 0.75])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def integers(graph: bytes) -> tuple[int, int]:
    """Return how many products ONNX Runtime computes in integers, and of how many."""
    import onnx
    import onnxruntime

    model = onnx.load_model_from_string(graph).graph
    backs = {node.output[0] for node in model.node if node.op_type == "DequantizeLinear"}
    quantized = [node for node in model.node
                 if node.op_type in PRODUCTS and backs.issuperset(node.input)]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(Path(folder, "merged.onnx"))
        options.log_severity_level = 3
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        merged = onnx.load_model(options.optimized_model_filepath).graph
    float_now = sum(node.op_type in PRODUCTS for node in merged.node)
    float_ever = sum(node.op_type in PRODUCTS for node in model.node) - len(quantized)
    return len(quantized) - (float_now - float_ever), len(quantized)


if __name__ == "__main__":
    main()
