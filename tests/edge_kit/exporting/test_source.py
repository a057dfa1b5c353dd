"""What was done to a model to export it is said, with what it changes on films."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from edge_kit.arguments import reader_of
from edge_kit.cli import parser, run
from edge_kit.commands.export import order
from edge_kit.exporting.source import ExportSource, open_source
from edge_runtime.errors import DataError, UsageError
from films import write_films


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "films"
    write_films(folder, "covid", "noncovid", count=12)
    return folder


def opened(path: Path, data: Path, *arguments: str) -> ExportSource:
    """Open a model as `edge-kit export` does."""
    meaning = ["--classes", "noncovid,covid", "--input-range", "0,255", "--modality", "xray"]
    line = ["export", str(path), "--int8", "--data", str(data), "--out", "m.edge", *meaning]
    options = parser().parse_args([*line, *arguments])
    return open_source(order(options), reader_of(options))


def saved(place: Path, *heads: Any, shape: tuple[int | None, ...] = (64, 64, 1)) -> Path:
    image = keras.Input(shape)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(image)))
    keras.Model(image, [head(x) for head in heads], name="theirs").save(place)
    return place


def answer(name: str) -> Any:
    return layers.Dense(1, activation="sigmoid", name=name, dtype="float32")


def test_a_mixed_model_says_how_far_float32_is_from_it(data: Path, tmp_path: Path) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        path = saved(tmp_path / "mixed.keras", answer("answer"))
    finally:
        keras.config.set_dtype_policy("float32")
    line = opened(path, data).warnings[0]
    assert line.startswith("computed in mixed_float16; exported in float32, same weights; answers")
    assert " at most, on " in line


def test_size_and_output_are_those_that_were_said(data: Path, tmp_path: Path) -> None:
    path = saved(tmp_path / "any.keras", answer("age"), answer("covid"), shape=(None, None, 1))
    source = opened(path, data, "--side", "64", "--output", "covid")
    assert (source.preprocess.height, source.preprocess.width) == (64, 64)
    assert source.warnings[:2] == (
        "output 'covid' is exported, no other",
        "takes images of any size; exported for 64 x 64",
    )
    with pytest.raises(UsageError, match="--side PIXELS"):
        opened(path, data, "--output", "covid")


def test_a_saved_model_is_no_run_that_lacks_its_config(data: Path, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(DataError, match="is a SavedModel of TensorFlow"):
        opened(tmp_path, data)


@pytest.mark.parametrize(("channels", "said"), [(1, True), (3, False)])
def test_colour_that_a_model_cannot_see_is_told(channels: int, said: bool, tmp_path: Path) -> None:
    draw, root = np.random.default_rng(0), tmp_path / "pictures"
    for number in range(24):
        folder = root / ("noncovid", "covid")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 255, (72, 72, 3 if number < 12 else 1), np.uint8)
        Image.fromarray(np.broadcast_to(pixels, (72, 72, 3))).save(folder / f"{number}.png")
    path = saved(tmp_path / "theirs.keras", answer("answer"), shape=(64, 64, channels))
    source = opened(path, root, "--modality", "other")
    line = "the model has one channel, so the colour of films is lost: 12 of 24 films looked at"
    assert any(warning.startswith(line) for warning in source.warnings) is said


def test_a_keras_file_that_was_unpacked_is_no_run(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / "theirs.keras", answer("answer"))
    folder, again = tmp_path / "theirs", tmp_path / "theirs.keras"
    with ZipFile(path) as archive:
        archive.extractall(folder)
    path.unlink()
    for line in (
        ["export", str(folder), "--int8", "--out", str(tmp_path / "m.edge")],
        ["evaluate", str(folder), "--data", str(data)],
        ["ensemble", str(folder), str(folder), "--out", str(tmp_path / "out")],
    ):
        assert run(line) == 9
        told = capsys.readouterr().err.splitlines()[-1]
        assert "is a .keras file that was unpacked, and no run; pack it again: python -m" in told
    _, _, command = told.partition("pack it again: python ")
    subprocess.run([sys.executable, *command.split()], check=True, cwd=tmp_path)
    assert opened(again, data).model.name == "theirs"
