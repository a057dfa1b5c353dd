"""`edge-kit debug`: which layer of a quantized graph changed the prediction for one film."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, measure
from edge_export.graph.float_graphs import FloatGraphs, float_graphs, from_tflite
from edge_export.graph.head import without_film_branch
from edge_export.graph.input_transform import ChannelTransform, InputTransform
from edge_export.graph.model_file import refuse_unpacked
from edge_export.graph.network import RUN_MODEL, InputRange, load_model, network
from edge_export.proof.divergence import flipped_at, hybrids
from edge_export.proof.layers import layer_noise
from edge_export.quantize.recipe import FLOAT32
from edge_export.report.summary import aligned
from edge_export.words import Words
from edge_runtime.answer.decide import calibrated
from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.bundle.records import Decision
from edge_runtime.errors import DataError, UsageError
from edge_runtime.film.preprocess import film_pixels

# The first layer reads exact pixels. Of five runs of one architecture, int8 left it 41 dB and more
# of its own float layer, and 0.1 dB at most of any other run's.
_OTHER_MODEL_DB = 10.0


@dataclass(frozen=True, slots=True)
class GraphPrediction:
    """One graph's prediction for the film; `label` is the class that the threshold gives."""

    logit: float
    probability: float
    label: str


@dataclass(frozen=True, slots=True)
class LayerStep:
    """One layer: its noise on this film, and the logit with everything up to here quantized.

    `error` is how far this layer moves the logit. Both are `None` where the float ONNX graph has
    no such tensor to cut it at, as behind a reshape that it has in another place.
    """

    tensor: str
    operator: str
    sqnr_db: float
    logit: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class GraphDiagnosis:
    """The prediction of a quantized graph of the bundle, and the part of each layer in it.

    `margin` is the distance of its logit from the threshold's. From the tensor `flipped_at` on the
    decision differs from the float graph's; `None` if the last one is the same.
    """

    file: str
    recipe: str
    answer: GraphPrediction
    margin: float
    flipped_at: str | None
    layers: tuple[LayerStep, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The film by its digest, the bundle by its identity, and the predictions of all graphs."""

    film: str
    bundle: str
    reference: GraphPrediction
    graphs: tuple[GraphDiagnosis, ...]
    warnings: tuple[str, ...]


def debug(
    bundle: Path, film: Path, against: Path | None = None, input_range: InputTransform | None = None
) -> Diagnosis:
    """Return where in the quantized graphs of `bundle` the prediction for `film` diverges.

    They are compared with the float graph of `against`, a run's folder or a `.keras` file (which
    needs an `input_range`), or with the bundle's own float graph.

    Raises:
        UsageError: there is no float graph, no quantized one, or the input range is missing.
        NotABundle: there is no bundle; IntegrityError: its bytes have changed.
        FilmError: the film cannot be read or is refused.
        DataError: the float model cannot be used, or is not the one the bundle was made of.
    """
    with open_bundle(bundle) as opened:
        manifest = opened.manifest
        pixels = _film(film, manifest)
        artefacts = [
            Artefact(graph.file, graph.format, graph.recipe, bytes(opened.read(graph.file)))
            for graph in manifest.graphs
            if graph.recipe != FLOAT32.name
        ]
        if not artefacts:
            raise UsageError(bundle, "holds no quantized graph", "export it with --int8")
        graphs = _float_graphs(opened, against, input_range, pixels)
    floats = Artefact(FLOAT32.file("tflite"), "tflite", FLOAT32.name, graphs.tflite)
    reference = _answer(measure(floats, pixels).logits[0], manifest)
    diagnoses = [_diagnose(graphs, artefact, pixels, reference, manifest) for artefact in artefacts]
    return Diagnosis(
        film=sha256(film.read_bytes()),
        bundle=manifest.identity,
        reference=reference,
        graphs=tuple(diagnoses),
        warnings=tuple(line for diagnosis in diagnoses for line in _warnings(diagnosis)),
    )


def render(diagnosis: Diagnosis, form: str = "table", told: Words = str) -> str:
    """Return the diagnosis as a `table` for people or as `json`, one document with a newline.

    `told` are the words for what the bundle's films are.
    """
    if form == "json":
        return json.dumps(asdict(diagnosis), indent=1, sort_keys=True, allow_nan=False) + "\n"
    lines = [told(f"film {diagnosis.film}"), ""]
    answers = [("float", diagnosis.reference)]
    answers += [(graph.file, graph.answer) for graph in diagnosis.graphs]
    header = ("graph", "logit", "probability", "decision")
    rows = [
        (name, f"{answer.logit:+.4f}", f"{answer.probability:.4f}", answer.label)
        for name, answer in answers
    ]
    lines += aligned([header, *rows])
    for graph in diagnosis.graphs:
        *body, head = graph.layers
        steps = [_row(_short(step.tensor), step) for step in body] + [_row("logit", head)]
        columns = ("quantized up to", "operator", "SQNR dB", "logit", "moved by")
        lines += ["", graph.file, *aligned([columns, *steps]), _outcome(graph, diagnosis.reference)]
    return "\n".join(lines) + "\n"


def _row(name: str, step: LayerStep) -> tuple[str, ...]:
    moved = ("-" if number is None else f"{number:+.4f}" for number in (step.logit, step.error))
    return (name, step.operator, f"{step.sqnr_db:.1f}", *moved)


def _outcome(graph: GraphDiagnosis, reference: GraphPrediction) -> str:
    if graph.flipped_at is not None:
        change = f"{reference.label} became {graph.answer.label}"
        last = graph.flipped_at == graph.layers[-1].tensor
        return f"flipped at {'logit' if last else _short(graph.flipped_at)}: {change}"
    moved = abs(graph.answer.logit - reference.logit)
    return f"not flipped: margin {graph.margin:.4f}, the logit moved by {moved:.4f}"


def _diagnose(
    graphs: FloatGraphs,
    artefact: Artefact,
    pixels: Pixels,
    reference: GraphPrediction,
    manifest: Manifest,
) -> GraphDiagnosis:
    answer = _answer(measure(artefact, pixels).logits[0], manifest)
    noise = [layer for layer in layer_noise(graphs, artefact, pixels) if not layer.branch]
    cuts = list(hybrids(graphs, artefact, pixels))
    sides = [_answer(cut.logits[0], manifest).label == manifest.classes.positive for cut in cuts]
    # The engine's own decision counts last: it rounds a little differently between the cuts.
    sides[-1] = answer.label == manifest.classes.positive
    place = flipped_at(sides, reference.label == manifest.classes.positive)
    logits = {cut.tensor: (cut.logits.item(), (cut.logits - cut.before).item()) for cut in cuts}
    return GraphDiagnosis(
        file=artefact.file,
        recipe=artefact.recipe,
        answer=answer,
        margin=abs(answer.logit - _boundary(manifest.decision)),
        flipped_at=None if place is None else cuts[place].tensor,
        layers=tuple(
            LayerStep(
                layer.tensor, layer.operator, layer.sqnr_db, *logits.get(layer.tensor, (None, None))
            )
            for layer in noise
        ),
    )


def _warnings(graph: GraphDiagnosis) -> list[str]:
    _, first, *_ = graph.layers
    if first.sqnr_db >= _OTHER_MODEL_DB:
        return []
    problem = f"is nothing like the float model from its first layer on ({first.sqnr_db:.1f} dB)"
    return [f"{graph.file} {problem}; was it made of another one?"]


def _answer(logit: float, manifest: Manifest) -> GraphPrediction:
    probability = calibrated(float(logit), manifest.decision.calibration)
    positive = probability >= manifest.decision.threshold
    label = manifest.classes.positive if positive else manifest.classes.negative
    return GraphPrediction(float(logit), probability, label)


def _boundary(decision: Decision) -> float:
    """Return the logit whose probability is the threshold."""
    odds = math.log(decision.threshold / (1 - decision.threshold))
    return (odds - decision.calibration.offset) / decision.calibration.scale


def _film(film: Path | bytes, manifest: Manifest) -> Pixels:
    """Return the pixels `(1, h, w, c)` that the bundle's graphs take for a film."""
    preprocess = manifest.preprocess
    encoded = film_pixels(film, preprocess)
    return np.frombuffer(encoded, np.uint8).reshape(
        1, preprocess.height, preprocess.width, preprocess.channels
    )


def _float_graphs(
    bundle: Bundle, against: Path | None, input_range: InputTransform | None, pixels: Pixels
) -> FloatGraphs:
    golden = [
        _film(bytes(bundle.read(film.file)), bundle.manifest)
        for film in bundle.manifest.golden.films
    ]
    films = np.concatenate([pixels, *golden])
    if against is not None:
        graph = bundle.manifest.graphs[0]
        encoded = bytes(bundle.read(graph.file))
        one = Artefact(graph.file, graph.format, graph.recipe, encoded)
        gated = measure(one, pixels).outputs.shape[1] > 1
        return _graphs_of_model(against, input_range, films, gated=gated)
    own = [
        graph.file
        for graph in bundle.manifest.graphs
        if (graph.recipe, graph.format) == (FLOAT32.name, "tflite")
    ]
    if not own:
        problem = "holds no float TFLite graph to compare with"
        raise UsageError(bundle.path, problem, "add --against RUN or --against MODEL.keras")
    return from_tflite(bytes(bundle.read(own[0])), films)


def _graphs_of_model(
    against: Path, input_range: InputTransform | None, films: Pixels, *, gated: bool
) -> FloatGraphs:
    if against.is_dir():
        refuse_unpacked(against)
        against, input_range = against / RUN_MODEL, input_range or InputRange()
    if input_range is None:
        problem = "is not a run of edge-kit train, so its input has to be described"
        raise UsageError(against, problem, "add --input-range LOW,HIGH, or --preprocessing NAME")
    model = load_model(against)
    if not gated:  # the export may have left its film branch out
        model = without_film_branch(model)
    expected = films.shape[1:]
    if expected[2] == 1 and model.input_shape[1:] == (*expected[:2], 3):
        if isinstance(input_range, ChannelTransform):
            input_range = input_range.of_grey()
        else:
            from edge_export.graph.grey import fold_grey

            model = fold_grey(model)
    *size, channels = model.input_shape[1:]
    if (*size, input_range.pixel_channels(channels)) != expected:
        problem = f"takes {model.input_shape[1:]}, the graphs of the bundle {expected}"
        raise DataError(against, problem, "give the model the bundle was made of")
    return float_graphs(network(model, input_range), films)


def _short(tensor: str) -> str:
    """Return the last two parts of the first of a fused tensor's names, which tell the layer."""
    return "/".join(tensor.partition(";")[0].split("/")[-2:])
