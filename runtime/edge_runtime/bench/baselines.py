"""The scripts that `edge-run` is measured against, as people write them.

Each defines `read(path)` and `answer(pixels)`; what is done with the two comes after it: one film
and out, a film for each line of stdin, or a folder. The floor reads films and answers nothing.
"""

from __future__ import annotations

from string import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle.records import Preprocess

EDGE_RUN, FLOOR, LITERT, ONNX = "edge-run", "floor", "LiteRT script", "ONNX Runtime script"

NEEDS = {
    FLOOR: (),
    LITERT: ("numpy", "ai-edge-litert"),
    ONNX: ("numpy", "onnxruntime"),
}
"""Script -> the distributions that it imports beside Pillow."""
RUNS = {LITERT: "tflite", ONNX: "onnx"}
"""Script -> the format of the graph that it runs."""

_READ = """
def read(path):
    image = Image.open(path).convert("$mode")
    return image.resize(($width, $height), Image.Resampling.$resample)
"""
_SCRIPTS = {
    FLOOR: """
import sys
from PIL import Image
"""
    + _READ
    + """
def answer(image):
    return len(image.tobytes())
""",
    LITERT: """
import sys
import numpy as np
from PIL import Image
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter($graph)
interpreter.allocate_tensors()
pixels = interpreter.get_input_details()[0]["index"]
logit = interpreter.get_output_details()[0]["index"]
"""
    + _READ
    + """
def answer(image):
    film = np.asarray(image, np.uint8).reshape(1, $height, $width, $channels)
    interpreter.set_tensor(pixels, film)
    interpreter.invoke()
    return 1 / (1 + np.exp(-interpreter.get_tensor(logit)))
""",
    ONNX: """
import sys
import numpy as np
from PIL import Image
import onnxruntime
session = onnxruntime.InferenceSession($graph)
name = session.get_inputs()[0].name
"""
    + _READ
    + """
def answer(image):
    film = np.asarray(image, np.uint8).reshape(1, $height, $width, $channels)
    return 1 / (1 + np.exp(-session.run(None, {name: film})[0]))
""",
    EDGE_RUN: """
import sys
from edge_runtime.bundle import open_bundle
from edge_runtime.engines import open_engine
from edge_runtime.film.preprocess import film_pixels
bundle = open_bundle($graph)
engine = open_engine(bundle, "$engine")
def read(path):
    return film_pixels(path, bundle.manifest.preprocess)
def answer(film):
    return engine.logits(film)
""",
}
ONE_FILM = "print(answer(read(sys.argv[1])))\n"
EACH_LINE = """
from time import perf_counter
for line in sys.stdin:
    started = perf_counter()
    film = read(line.rstrip("\\n"))
    decoded = perf_counter()
    answer(film)
    ended = perf_counter()
    print(1000 * (ended - started), 1000 * (ended - decoded), flush=True)
"""
_FOLDER = """
import os
paths = [os.path.join(folder, name) for folder, _, names in os.walk(sys.argv[1]) for name in names]
def judge(path):
    try:
        return answer(read(path))
    except OSError:
        return None
"""
LOOP = (
    _FOLDER
    + """
for path in sorted(paths):
    print(path, judge(path))
"""
)
THREADS = (
    _FOLDER
    + """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    for path, answered in zip(sorted(paths), pool.map(judge, sorted(paths))):
        print(path, answered)
"""
)


def script(name: str, then: str, preprocess: Preprocess, graph: str, engine: str = "auto") -> str:
    """Return the source of the script `name` that goes on with `then`.

    `graph` is the path of the graph that it runs; for `edge-run` itself, of the bundle.
    """
    return (
        Template(_SCRIPTS[name]).substitute(
            mode="L" if preprocess.channels == 1 else "RGB",
            width=preprocess.width,
            height=preprocess.height,
            channels=preprocess.channels,
            resample=preprocess.resample.upper(),
            graph=repr(graph),
            engine=engine,
        )
        + then
    )
