"""What a model takes of pixels is said once: by its run, by a range, or by a preprocessing."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_export.graph.input_transform import CAFFE
from edge_export.graph.network import InputRange
from edge_kit.cli import parser
from edge_kit.commands.debug import against
from edge_runtime.errors import UsageError


def said(*arguments: object) -> tuple[Path | None, object]:
    return against(parser().parse_args(["debug", "m.edge", "film.png", *map(str, arguments)]))


def test_a_model_that_is_no_run_has_a_range_or_a_preprocessing(tmp_path: Path) -> None:
    model = tmp_path / "theirs.keras"
    assert said("--against", model, "--input-range", "-1,1") == (model, InputRange(-1, 1))
    assert said("--against", model, "--preprocessing", "caffe") == (model, CAFFE)
    assert said("--against", model) == (model, None)
    assert said() == (None, None)
    with pytest.raises(UsageError, match="--preprocessing: says what --input-range says too"):
        said("--against", model, "--input-range", "-1,1", "--preprocessing", "tf")


@pytest.mark.parametrize("option", ["--input-range=0,1", "--preprocessing=tf"])
def test_a_run_knows_its_own(option: str, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_kit.commands.debug._require_same", lambda *_: None)
    assert said("--against", trained) == (trained, InputRange())
    name = option.partition("=")[0]
    with pytest.raises(UsageError, match=f"{name}: .* is a run and knows its own"):
        said("--against", trained, option)
