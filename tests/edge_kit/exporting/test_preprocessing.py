"""What an author did to films is a preset, or a file that states all of it and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_export.graph.input_transform import CAFFE, TORCH, ChannelTransform
from edge_export.graph.network import InputRange
from edge_kit.exporting.preprocessing import PRESETS, Preprocessing, read_preprocessing
from edge_runtime.errors import UsageError
from edge_runtime.film.preprocess import standard

STATED = {
    "channels": '"bgr"',
    "scale": "0.5",
    "mean": "[1.0, 2, 3.0]",
    "deviation": "[1.0, 2.0, 4.0]",
    "resample": '"nearest"',
    "stretch": "false",
}


def written(folder: Path, **changed: str | None) -> str:
    """Write a file that states `STATED` with some keys `changed`, or left out where None."""
    lines = [f"{key} = {value}" for key, value in (STATED | changed).items() if value is not None]
    path = folder / "theirs.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("name", "transform"), [("tf", InputRange(-1, 1)), ("caffe", CAFFE), ("torch", TORCH)]
)
def test_presets_go_by_the_names_of_keras_and_resize_and_stretch_as_ever(
    name: str, transform: object
) -> None:
    found = read_preprocessing(name)
    assert found.transform == transform == PRESETS[name]
    assert found.preprocess(96, 80, 3) == standard(96, 80, 3)


def test_a_file_states_order_scale_mean_deviation_filter_and_stretch(tmp_path: Path) -> None:
    found = read_preprocessing(written(tmp_path))
    assert found.transform == ChannelTransform(
        "theirs.toml", "bgr", (0.5, 0.25, 0.125), (-1.0, -1.0, -0.75)
    )
    pixel = np.array([10, 20, 30], np.uint8).reshape(1, 1, 1, 3)
    # Blue first: (0.5 * 30 - 1) / 1, (0.5 * 20 - 2) / 2, (0.5 * 10 - 3) / 4.
    assert found.transform.images(pixel).ravel() == pytest.approx([14.0, 4.0, 0.5])
    fields = found.preprocess(96, 96, 3).to_json()
    assert (fields["resample"], fields["stretch"], fields["channels"]) == ("nearest", "none", 3)


def test_grey_takes_one_channel_of_pixels_whatever_the_model_takes(tmp_path: Path) -> None:
    three = read_preprocessing(written(tmp_path, channels='"grey"'))
    assert three.preprocess(64, 64, 3).channels == 1
    one = read_preprocessing(
        written(tmp_path, channels='"grey"', mean="[0.5]", deviation="[1]", stretch="[0, 100]")
    )
    fields = one.preprocess(64, 64, 1)
    assert (fields.channels, fields.low_percentile, fields.high_percentile) == (1, 0.0, 100.0)
    with pytest.raises(UsageError, match="is for 1 channels, the model takes 3"):
        one.preprocess(64, 64, 3)


def test_a_preset_or_an_input_range_may_stand_for_the_numbers(tmp_path: Path) -> None:
    numbers = dict.fromkeys(("channels", "scale", "mean", "deviation"))
    like = read_preprocessing(written(tmp_path, **numbers, preset='"caffe"'))
    assert isinstance(like.transform, ChannelTransform)
    assert (like.transform.name, like.transform.words) == ("theirs.toml", CAFFE.words)
    assert (like.resample, like.stretch) == ("nearest", None)
    ranged = read_preprocessing(written(tmp_path, **numbers, input_range="[0, 1]"))
    assert ranged == Preprocessing(InputRange(0, 1), "nearest", None)
    assert read_preprocessing(written(tmp_path, **numbers, preset='"tf"')).transform == InputRange(
        -1, 1
    )


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"strech": "false"}, "the key 'strech' is unknown; known are channels"),
        ({"channels": None}, "the key 'channels' is missing"),
        ({"mean": None}, "the key 'mean' is missing"),
        ({"channels": '"brg"'}, "channels is 'brg'; it is one of rgb, bgr, grey"),
        ({"channels": "3"}, "channels is 3; it is one of"),
        ({"scale": '"1/255"'}, "scale has '1/255', no number"),
        ({"scale": "true"}, "scale has True, no number"),
        ({"scale": "inf"}, "scale has inf, no number"),
        ({"scale": "0.0"}, "scale or deviation is not above 0"),
        ({"deviation": "[1, 0, 1]"}, "scale or deviation is not above 0"),
        ({"mean": "0.5"}, "mean is 0.5, no list of 1 or 3 numbers"),
        ({"mean": "[1, 2]"}, "no list of 1 or 3 numbers"),
        ({"mean": '[1, 2, "3"]'}, "mean has '3', no number"),
        ({"mean": "[1]"}, "mean has 1 numbers, deviation 3"),
        ({"mean": "[1]", "deviation": "[1]"}, "one for each channel of the model, 3 for bgr"),
        ({"resample": '"cubic"'}, "resample is 'cubic'; it is one of nearest, box, bilinear"),
        ({"stretch": "true"}, "stretch is True, not two numbers"),
        ({"stretch": "[99, 1]"}, r"give two numbers in order, 0 to 100"),
        ({"stretch": "[0, 101]"}, r"give two numbers in order, 0 to 100"),
        ({"preset": '"caffe"'}, "'preset' stands beside channels, scale, mean, deviation"),
        ({"scale": "= 1"}, "is not TOML"),
    ],
)
def test_what_a_file_cannot_mean_is_refused_in_a_line_that_names_it(
    changed: dict[str, str | None], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        read_preprocessing(written(tmp_path, **changed))
    assert problem in str(caught.value)
    assert "theirs.toml" in caught.value.subject
    assert caught.value.cure
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["imagenet", "TF", "missing.toml", ""])
def test_what_is_no_preset_and_no_file_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is neither tf, caffe, torch nor a file"):
        read_preprocessing(text)


def test_the_file_that_the_pages_show_is_caffe_without_a_stretch(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "proof.md").read_text(encoding="utf-8")
    shown = page.partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "shown.toml"
    path.write_text(shown, encoding="utf-8")
    found = read_preprocessing(str(path))
    assert found.transform.words == CAFFE.words
    assert (found.resample, found.stretch) == ("nearest", None)
