"""Every engine answers the same, or says why it does not; none crashes on a foreign graph."""

from __future__ import annotations

import importlib.machinery
import math
import os
import re
import sys
from collections.abc import Callable
from contextlib import closing
from ctypes import CDLL
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.bundle.pack import unpack
from edge_runtime.cures import installing
from edge_runtime.engines import (
    ENGINES,
    EngineUnavailable,
    first_engine,
    litert_c,
    litert_python,
    onnx_runtime,
    open_engine,
)
from edge_runtime.errors import NoEngine, UsageError
from tiny_bundle import ONNX, TFLITE, film_image, write_tiny_bundle
from tiny_graphs import SHAPE, SIDE, expected_logit, onnx_graph, tflite_graph

HERE = ["litert", "litert-python", "onnxruntime"]  # what the test environment installs
FILMS = [bytes(SIDE * SIDE), b"\xff" * (SIDE * SIDE), bytes(range(256)) * 16]
Graph = Callable[..., bytes]
LOADERS: dict[str, tuple[Any, Graph]] = {
    "litert": (litert_c, tflite_graph),
    "litert-python": (litert_python, tflite_graph),
    "onnxruntime": (onnx_runtime, onnx_graph),
}


def load(name: str, graph: bytes, shape: tuple[int, ...] = SHAPE) -> Any:
    return LOADERS[name][0].load(memoryview(bytearray(graph)), shape)


@pytest.mark.parametrize("name", HERE)
def test_every_engine_gives_the_logit_that_arithmetic_gives(name: str, bundle: Bundle) -> None:
    engine = open_engine(bundle, name)
    assert engine.name == name
    for pixels in (*FILMS, *reversed(FILMS)):
        assert engine.logits(pixels) == pytest.approx((expected_logit(pixels),), abs=1e-5)


def test_all_engines_agree_and_repeat_themselves(bundle: Bundle) -> None:
    film = film_image()
    stored = film.resize((SIDE, SIDE)).tobytes()
    answers = {open_engine(bundle, name).logits(stored)[0] for name in HERE for _ in range(2)}
    assert max(answers) - min(answers) < 1e-5


def test_two_engines_of_one_kind_do_not_share_their_buffers(bundle: Bundle) -> None:
    for name in HERE:
        one, other = open_engine(bundle, name), open_engine(bundle, name)
        alone = one.logits(FILMS[2])
        other.logits(FILMS[1])
        assert one.logits(FILMS[2]) == alone


def test_an_engine_outlives_its_bundle(tiny: Path, tmp_path: Path) -> None:
    unpack(tiny, tmp_path / "folder")
    for path in (tiny, tmp_path / "folder"):
        for name in HERE:
            with open_bundle(path) as bundle:
                engine = open_engine(bundle, name)
            del bundle
            assert engine.logits(FILMS[1]) == pytest.approx((expected_logit(FILMS[1]),), abs=1e-5)


@pytest.mark.parametrize("offset", [0, 1, 4, 16, 63])
def test_litert_takes_a_graph_at_any_address(offset: int) -> None:
    graph = tflite_graph()
    memory = memoryview(bytearray(len(graph) + 64))[offset : offset + len(graph)]
    memory[:] = graph
    engine = litert_c.load(memory, SHAPE)
    assert engine.logits(FILMS[2]) == pytest.approx((expected_logit(FILMS[2]),), abs=1e-5)


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (67, 61), (64, 65)])
def test_sizes_that_fill_no_cache_line_are_right_as_well(
    name: str, height: int, width: int
) -> None:
    pixels = bytes(range(256)) * 16
    pixels = pixels[: height * width].ljust(height * width, b"\x07")
    shape = (1, height, width, 1)
    engine = load(name, LOADERS[name][1](shape), shape)
    assert engine.logits(pixels) == pytest.approx((expected_logit(pixels),), abs=1e-5)


@pytest.mark.parametrize("name", HERE)
def test_a_graph_of_two_outputs_gives_two_logits(name: str) -> None:
    engine = load(name, LOADERS[name][1](outputs=2))
    assert engine.logits(FILMS[1]) == pytest.approx((expected_logit(FILMS[1]),) * 2, abs=1e-5)


FOREIGN: list[tuple[dict[str, Any], str]] = [
    ({"shape": (1, 64, 63, 1)}, "takes uint8 [1, 64, 63, 1]"),
    ({"shape": (1, 64, 65, 1)}, "takes uint8 [1, 64, 65, 1]"),
    ({"shape": (1, 32, 128, 1)}, "takes uint8 [1, 32, 128, 1]"),
    ({"shape": (1, 64, 16, 1), "element": "FLOAT32"}, "takes float32 [1, 64, 16, 1]"),
    ({"element": "INT8"}, "[1, 64, 64, 1], not uint8"),
    ({"columns": 2}, "gives float32 [1, 2], not float32 [1, 1]"),
    ({"columns": 17}, "gives float32 [1, 17]"),
]


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize(("options", "reason"), FOREIGN)
def test_a_graph_of_another_signature_is_refused_and_never_run(
    name: str, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        load(name, LOADERS[name][1](**options))
    assert reason in str(caught.value)


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("keep", [0, 4, 30, 100, 200])
def test_what_is_no_graph_is_refused(name: str, keep: int) -> None:
    for rest in (b"", b"?" * (300 - keep)):
        with pytest.raises(EngineUnavailable):
            load(name, LOADERS[name][1]()[:keep] + rest)


@pytest.mark.parametrize("name", HERE)
def test_pixels_of_another_size_are_no_film(name: str, bundle: Bundle) -> None:
    engine = open_engine(bundle, name)
    for size in (0, SIDE * SIDE - 1, SIDE * SIDE + 1):
        with pytest.raises(ValueError, match=str(size)):
            engine.logits(bytes(size))


@pytest.mark.parametrize("name", HERE)
def test_a_logit_that_is_no_number_comes_back_as_it_is(name: str) -> None:
    assert math.isnan(load(name, LOADERS[name][1](scale=math.nan)).logits(FILMS[1])[0])


def test_the_engines_are_tried_in_the_order_of_the_table(bundle: Bundle) -> None:
    assert list(ENGINES) == ["litert", "litert-python", "tflite-runtime", "onnxruntime"]
    assert open_engine(bundle).name == "litert"


def test_the_engine_to_try_first_goes_before_the_others_and_no_further(bundle: Bundle) -> None:
    assert open_engine(bundle, before="onnxruntime").name == "onnxruntime"
    for lacking in ("tflite-runtime", "tpu", ""):
        assert open_engine(bundle, before=lacking).name == "litert"
    assert open_engine(bundle, "litert-python", before="onnxruntime").name == "litert-python"


@pytest.mark.parametrize("found", ["2.2.0", "2.30.1", "3.0.0", "of unknown version"])
def test_an_unknown_litert_falls_through_to_its_python_interpreter_and_says_so(
    found: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert_c, "_version", lambda _: found)
    said: list[str] = []
    assert open_engine(bundle, say=said.append).name == "litert-python"
    reason = f"LiteRT {found} has an interface we do not know"
    assert said == [f"engine litert passed over: {reason}"]
    with pytest.raises(NoEngine, match=f"litert: {reason}"):
        open_engine(bundle, "litert")


@pytest.mark.parametrize(
    ("source", "version"),
    [
        ('__version__ = "2.3.0"\nimport os\n', "2.3.0"),
        ("__version__='2.4'\n", "2.4"),
        ('"""LiteRT."""\n', "of unknown version"),
        ("", "of unknown version"),
    ],
)
def test_the_version_is_read_without_running_the_package(
    source: str, version: str, tmp_path: Path
) -> None:
    path = tmp_path / "__init__.py"
    path.write_text(source)
    assert litert_c._version(str(path)) == version


def test_a_library_without_a_function_or_that_does_not_load_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EngineUnavailable, match="has no LiteRtCreateEnvironment"):
        litert_c.LiteRt(SimpleNamespace(), memoryview(bytearray(8)), SHAPE)  # type: ignore[arg-type]
    (tmp_path / "__init__.py").write_text('__version__ = "2.3.9"\n')
    package = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.machinery.PathFinder, "find_spec", lambda *_: package)
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        litert_c.load(memoryview(bytearray(8)), SHAPE)


def test_with_nothing_installed_the_line_names_each_engine_and_its_cure(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name, name=name)

    monkeypatch.setattr("edge_runtime.engines.select.import_module", missing)
    with pytest.raises(NoEngine) as caught:
        open_engine(bundle)
    for name, (_, _, extra) in ENGINES.items():
        said = rf"{name}: \S+ is not installed \(edge-runtime\[{extra}\]\)"
        assert re.search(said, str(caught.value))
    assert str(caught.value).endswith(f"; {installing('litert')}")


def test_a_graph_that_is_not_in_the_bundle_is_a_reason(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "m.edge", graphs={ONNX: onnx_graph()})
    said: list[str] = []
    with open_bundle(path) as bundle:
        assert open_engine(bundle, say=said.append).name == "onnxruntime"
        with pytest.raises(NoEngine, match="litert: there is no tflite graph"):
            open_engine(bundle, "litert")
    assert said == []


def test_a_graph_that_no_engine_takes_is_said_with_each_reason(tmp_path: Path) -> None:
    graphs = {TFLITE: tflite_graph(columns=2), ONNX: onnx_graph(columns=2)}
    path = write_tiny_bundle(tmp_path / "m.edge", graphs=graphs)
    said: list[str] = []
    with open_bundle(path) as bundle, pytest.raises(NoEngine) as caught:
        open_engine(bundle, say=said.append)
    assert len(said) == 3
    assert str(caught.value).count("gives float32 [1, 2]") == 3


def test_an_unknown_engine_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"'tpu'.*one of: auto, litert,"):
        first_engine(lambda _: None, SHAPE, "a bundle", "tpu")


@pytest.mark.parametrize("name", HERE)
def test_stderr_stays_clean(name: str, bundle: Bundle, capfd: pytest.CaptureFixture[str]) -> None:
    open_engine(bundle, name).logits(FILMS[2])
    assert capfd.readouterr() == ("", "")


def test_an_engine_that_is_closed_says_so_and_may_be_closed_again(bundle: Bundle) -> None:
    for name in HERE:
        with closing(open_engine(bundle, name)) as engine:
            engine.logits(FILMS[0])
        engine.close()
        with pytest.raises(ValueError, match="the engine is closed"):
            engine.logits(FILMS[0])


def test_closing_one_engine_leaves_the_others_alone(bundle: Bundle) -> None:
    for name in HERE:
        one, other = open_engine(bundle, name), open_engine(bundle, name)
        one.close()
        assert other.logits(FILMS[1]) == pytest.approx((expected_logit(FILMS[1]),), abs=1e-5)


def test_litert_destroys_all_that_it_made_the_last_first() -> None:
    class Library:
        def __init__(self) -> None:
            self.living: list[str] = []
            self.real = CDLL(find_library())

        def __getattr__(self, name: str) -> Any:
            function = self.real[name]
            if name.startswith("LiteRtCreate"):
                kind = name.removeprefix("LiteRtCreate").partition("From")[0]
                self.living.append(kind)
            if name.startswith("LiteRtDestroy"):
                assert self.living.pop() == name.removeprefix("LiteRtDestroy")
            return function

    library = Library()
    engine = litert_c.LiteRt(library, memoryview(bytearray(tflite_graph(outputs=2))), SHAPE)  # type: ignore[arg-type]
    made = ["Environment", "Model", "Options", "CompiledModel", *["TensorBuffer"] * 3]
    assert library.living == made
    engine.close()
    assert library.living == []
    with pytest.raises(EngineUnavailable):
        litert_c.LiteRt(library, memoryview(bytearray(tflite_graph(columns=2))), SHAPE)  # type: ignore[arg-type]
    assert library.living == []


def find_library() -> str:
    package = importlib.machinery.PathFinder.find_spec("ai_edge_litert")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / litert_c._LIBRARY)


def resident() -> int:
    """Return how many bytes of this process lie in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
@pytest.mark.parametrize("name", HERE)
def test_opening_and_closing_two_hundred_engines_takes_the_memory_of_one(name: str) -> None:
    # 90 kB of input, so that what leaks of each is seen above what the allocator keeps.
    shape = (1, 300, 300, 1)
    graph = LOADERS[name][1](shape)
    pixels = bytes(300 * 300)

    def once() -> None:
        engine = load(name, graph, shape)
        engine.logits(pixels)
        engine.close()

    for _ in range(20):
        once()
    before = resident()
    for _ in range(200):
        once()
    assert resident() - before < 6 << 20


def test_an_engine_that_nobody_closed_is_freed_with_its_last_name() -> None:
    engine = load("litert", tflite_graph())
    owned = engine._owned
    assert owned
    del engine
    assert owned == []


@pytest.mark.parametrize("old", [True, False])
def test_without_sse4_2_no_library_is_loaded_and_the_line_says_why(
    old: bool, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load_module(name: str) -> None:
        loaded.append(name.rpartition(".")[2])
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("edge_runtime.engines.processor.lacks_sse4_2", lambda: old)
    monkeypatch.setattr("edge_runtime.engines.select.import_module", load_module)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "2.4.0")
    with pytest.raises(NoEngine) as caught:
        open_engine(bundle)
    assert len(loaded) == (0 if old else 4)
    assert str(caught.value).count("needs SSE4.2, which this processor does not have") == 3 * old
    assert ("needs numpy 1 on this processor" in str(caught.value)) == old
    cure = f"{installing('tflite')}, or use a newer machine" if old else installing("litert")
    assert str(caught.value).endswith(f"; {cure}")


def test_without_sse4_2_tflite_runtime_is_tried_where_numpy_is_old_enough(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = SimpleNamespace(load=lambda *_: SimpleNamespace(name="tflite-runtime"))
    monkeypatch.setattr("edge_runtime.engines.processor.lacks_sse4_2", lambda: True)
    monkeypatch.setattr("edge_runtime.engines.select.import_module", lambda _: loader)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.26.4")
    said: list[str] = []
    assert open_engine(bundle, say=said.append).name == "tflite-runtime"
    assert [line.split()[1] for line in said] == ["litert", "litert-python"]


def test_without_proc_litert_is_passed_over_before_it_is_loaded(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert_c, "_PROCESSOR", "/nonexistent/cpuinfo")
    monkeypatch.setattr(litert_c, "CDLL", never)
    monkeypatch.setattr(sys, "platform", "linux")
    said: list[str] = []
    assert open_engine(bundle, say=said.append).name == "litert-python"
    assert "there is no /nonexistent/cpuinfo, without which it does not start" in said[0]


def never(*_: object) -> None:
    raise AssertionError("loaded all the same")


def test_a_numpy_for_newer_processors_is_a_reason(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> None:
        raise RuntimeError("NumPy was built with baseline optimizations")

    monkeypatch.setattr("edge_runtime.engines.select.import_module", refuse)
    with pytest.raises(NoEngine, match="onnxruntime: NumPy was built with baseline"):
        open_engine(bundle)


def test_a_bundle_for_microcontrollers_says_that_it_is_one(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "m.edge", integers=[TFLITE, ONNX])
    for wanted in ("auto", "litert"):
        with open_bundle(path) as bundle, pytest.raises(NoEngine) as caught:
            open_engine(bundle, wanted)
        assert "all its graphs are full-integer" in str(caught.value)
        assert str(caught.value).endswith("export it with --int8 as well to run it here")


@pytest.mark.parametrize("name", HERE)
def test_what_is_missing_for_a_named_engine_names_the_way_out(
    name: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("edge_runtime.engines.select.import_module", missing)
    with pytest.raises(NoEngine) as caught:
        open_engine(bundle, name)
    assert caught.value.cure == f"{installing(ENGINES[name][2])}, or leave --engine out"
