"""What makes a classifier of one image of a Keras model: its input, its size, its one output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.graph.head import find_film_head, find_head
from edge_export.quiet import first_line
from edge_runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    import keras

_CURE = "export an image classifier"
_LARGEST_SIDE = 4096  # of the manifest's height and width


def as_classifier(
    path: Path, model: keras.Model, side: int | None = None, output: str | None = None
) -> tuple[keras.Model, tuple[str, ...]]:
    """Return `model` with one image of fixed size in and one answer out, and what was done to it.

    A model that takes images of any size gets `side` x `side`. Of several outputs the one of the
    layer `output`, or of that key of a dictionary, is kept; without it there may be one, or a
    film / not-film logit beside it.

    Raises:
        DataError: it takes or gives something else.
        UsageError: size or output have to be chosen, or cannot be.
    """
    import keras

    _require_one_image(path, model)
    notes = list[str]()
    keys = _keys(model)
    if keys:  # a model that answers with a dictionary, the same with a list
        model = keras.Model(model.inputs, model.outputs, name=model.name)
    if output is not None or not _answers_one(path, model, keys):
        model = _with_output(path, model, output, keys)
        notes.append(f"output {output!r} is exported, no other")
    sized = _with_size(path, model, side)
    if None in model.inputs[0].shape[1:3]:
        notes.append(f"takes images of any size; exported for {side} x {side}")
    return sized, tuple(notes)


def _require_one_image(path: Path, model: keras.Model) -> None:
    # One that was never built has neither inputs nor outputs.
    inputs, outputs = getattr(model, "inputs", None) or [], getattr(model, "outputs", None) or []
    if not inputs and not outputs:
        problem = "was saved before it was built: the size of its images is nowhere"
        cure = "begin it with keras.Input((HEIGHT, WIDTH, CHANNELS)), train and save it again"
        raise DataError(path, problem, cure)
    if len(inputs) != 1 or not outputs:
        counts = f"{len(inputs)} inputs and {len(outputs)} outputs"
        problem = f"has {counts}, one of each is needed, or a film logit as second output"
        raise DataError(path, problem, _CURE)


def _keys(model: keras.Model) -> list[str]:
    """Return the keys of the outputs in their order, where they are a dictionary, else nothing."""
    answers = getattr(model, "_outputs_struct", None)  # no public counterpart
    if not isinstance(answers, dict):
        return []
    key_of = {id(answer): key for key, answer in answers.items()}
    keys = [key_of.get(id(answer)) for answer in model.outputs]
    return [str(key) for key in keys] if None not in keys else []


def _answers_one(path: Path, model: keras.Model, keys: list[str]) -> bool:
    """Tell whether a model has one output, or a film logit beside it."""
    if len(model.outputs) > 2:
        return False
    try:
        find_head(model)
        find_film_head(model)
    except DataError as error:
        choose = f"; or choose one output, --output NAME, of {_listed(model, keys)}"
        cure = error.cure + choose * (len(model.outputs) == 2)
        raise DataError(path, error.problem, cure) from error
    return True


def _names(model: keras.Model) -> list[str]:
    """Return the names of the outputs, each of them once."""
    names = list(model.output_names)
    return [
        name if names.count(name) == 1 else f"{name}:{place}" for place, name in enumerate(names)
    ]


def _listed(model: keras.Model, keys: list[str]) -> str:
    """Return the names of the outputs in a line, with those of their layers where they differ."""
    names = _names(model)
    pairs = zip(keys or names, names, strict=True)
    return ", ".join(key if key == name else f"{key} ({name})" for key, name in pairs)


def _with_output(
    path: Path, model: keras.Model, output: str | None, keys: list[str]
) -> keras.Model:
    import keras

    names, listed = _names(model), _listed(model, keys)
    if output is None:
        raise DataError(path, f"has {len(names)} outputs: {listed}", "choose one, --output NAME")
    if output not in (*keys, *names):
        problem = f"{path} has no output {output!r}"
        raise UsageError("--output", problem, f"choose from {listed}")
    place = keys.index(output) if output in keys else names.index(output)
    chosen = keras.Model(model.inputs, [model.outputs[place]], name=model.name)
    try:
        find_head(chosen)
    except DataError as error:
        raise DataError(path, f"output {output!r} {error.problem}", error.cure) from error
    return chosen


def _with_size(path: Path, model: keras.Model, side: int | None) -> keras.Model:
    import keras

    shape = model.inputs[0].shape
    if len(shape) != 4 or shape[3] not in (1, 3):
        problem = f"input of shape {shape}, not one image of fixed size with 1 or 3 channels"
        raise DataError(path, problem, _CURE)
    known = [length for length in shape[1:3] if length is not None]
    if len(known) < 2 and side is None:
        problem = f"takes images of any size, {shape}"
        raise UsageError(path, problem, "say which one it was trained on: --side PIXELS")
    if side is not None and any(length != side for length in known):
        problem = f"{path} takes images of {shape[1]} x {shape[2]}"
        raise UsageError("--side", problem, "leave it out")
    if max([*known, side or 0]) > _LARGEST_SIDE:
        problem = (
            f"takes images of {max([*known, side or 0])}, more than {_LARGEST_SIDE} pixels a side"
        )
        raise DataError(path, problem, "train it on smaller ones")
    if len(known) == 2 and shape[0] is None:
        return model
    image = keras.Input((*(known if len(known) == 2 else (side, side)), shape[3]), name="image")
    try:
        return keras.Model(image, model(image), name=model.name)
    except Exception as error:
        problem = f"cannot take images of {side} x {side} ({first_line(error)})"
        raise DataError(path, problem, "choose the size that it was trained on") from error
