"""What the author of a model did to films before the model saw them: a preset, or a TOML file."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from edge_export.graph.input_transform import CAFFE, TORCH, ChannelTransform, InputTransform, Order
from edge_export.graph.network import InputRange
from edge_runtime.bundle.records import FILTERS, UNSTRETCHED, Preprocess
from edge_runtime.errors import UsageError
from edge_runtime.film.preprocess import standard

PRESETS: Mapping[str, InputTransform] = {"tf": InputRange(-1, 1), "caffe": CAFFE, "torch": TORCH}
"""The modes of Keras's `imagenet_utils.preprocess_input`, by their names."""

_ORDERS = ("rgb", "bgr", "grey")
_NEEDED = ("channels", "scale", "mean", "deviation")
_SHORT = ("preset", "input_range")  # each in place of all that is needed
_KEYS = (*_NEEDED, *_SHORT, "resample", "stretch")
_MOST = 1e6  # what a pixel may become; more is a slip


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The author's preprocessing: the `transform` of resized pixels, and how they come about.

    The percentiles of `stretch` become 0 and 255; None leaves grey levels what they are.
    """

    transform: InputTransform
    resample: str = "bilinear"
    stretch: tuple[float, float] | None = (1.0, 99.0)

    def preprocess(
        self, height: int, width: int, channels: int, modality: str = "xray"
    ) -> Preprocess:
        """Return how films of `modality` become pixels for a model that takes `channels`.

        Raises:
            UsageError: the transform is not for such a model.
        """
        taken = self.transform.pixel_channels(channels)
        fields = standard(height, width, taken, modality).to_json() | {"resample": self.resample}
        if self.stretch is None:
            return Preprocess(**fields | {"stretch": UNSTRETCHED})
        low, high = self.stretch
        return Preprocess(**fields | {"low_percentile": low, "high_percentile": high})


def read_preprocessing(text: str) -> Preprocessing:
    """Return the preset that `text` names, or what the TOML file at that path states.

    Raises:
        UsageError: it is neither, or the file does not state what it has to.
    """
    if text in PRESETS:
        return Preprocessing(PRESETS[text])
    path = Path(text)
    if not path.is_file():
        problem = f"{text!r} is neither {', '.join(PRESETS)} nor a file"
        raise UsageError("--preprocessing", problem, "name one of these, or a TOML file")
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise UsageError(path, problem, "check the path and the rights") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            path, f"is not TOML ({error})", "write lines such as scale = 1.0"
        ) from error
    return _Statement(path, stated).preprocessing()


@dataclass(frozen=True, slots=True)
class _Statement:
    """The keys of a TOML file, each read with what is wrong with it."""

    path: Path
    stated: Mapping[str, Any]

    def preprocessing(self) -> Preprocessing:
        """Return what they state."""
        for key in self.stated:
            if key not in _KEYS:
                raise self._error(f"the key {key!r} is unknown", f"known are {', '.join(_KEYS)}")
        return Preprocessing(
            self._transform(),
            self._word("resample", FILTERS) if "resample" in self.stated else "bilinear",
            self._stretch(),
        )

    def _transform(self) -> InputTransform:
        short = [key for key in _SHORT if key in self.stated]
        if short and len(short) + sum(key in self.stated for key in _NEEDED) > 1:
            beside = [key for key in (*short[1:], *_NEEDED) if key in self.stated]
            problem = f"{short[0]!r} stands beside {', '.join(beside)}"
            raise self._error(problem, "state one of them")
        if short == ["input_range"]:
            return InputRange(*self._pair("input_range", -_MOST, _MOST))
        if short == ["preset"]:
            preset = PRESETS[self._word("preset", tuple(PRESETS))]
            if isinstance(preset, ChannelTransform):
                return replace(preset, name=self.path.name)
            return preset
        for key in _NEEDED:
            if key not in self.stated:
                raise self._error(f"the key {key!r} is missing", "state it; nothing is guessed")
        return self._channels()

    def _channels(self) -> ChannelTransform:
        mean, deviation = self._numbers("mean"), self._numbers("deviation")
        scale = self._number("scale", self.stated["scale"])
        order = cast("Order", self._word("channels", _ORDERS))
        if len(mean) != len(deviation) or (order != "grey" and len(mean) != 3):
            problem = f"mean has {len(mean)} numbers, deviation {len(deviation)}"
            raise self._error(problem, f"give one for each channel of the model, 3 for {order}")
        if scale <= 0 or min(deviation) <= 0:
            raise self._error("scale or deviation is not above 0", "give positive numbers")
        return ChannelTransform.normalising(self.path.name, order, scale, mean, deviation)

    def _stretch(self) -> tuple[float, float] | None:
        if self.stated.get("stretch") is False:
            return None
        return self._pair("stretch", 0, 100)

    def _pair(self, key: str, least: float, most: float) -> tuple[float, float]:
        pair = self.stated.get(key, [1, 99])
        if not isinstance(pair, list) or len(pair) != 2:
            raise self._error(f"{key} is {pair!r}, not two numbers", f"write {key} = [LOW, HIGH]")
        low, high = (self._number(key, end) for end in pair)
        if not least <= low < high <= most:
            problem = f"{key} is {pair!r}"
            raise self._error(problem, f"give two numbers in order, {least:g} to {most:g}")
        return low, high

    def _numbers(self, key: str) -> tuple[float, ...]:
        numbers = self.stated[key]
        if not isinstance(numbers, list) or len(numbers) not in (1, 3):
            problem = f"{key} is {numbers!r}, no list of 1 or 3 numbers"
            raise self._error(problem, "give one for each channel, in the model's order")
        return tuple(self._number(key, number) for number in numbers)

    def _number(self, key: str, value: Any) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or abs(value) > _MOST:
            raise self._error(f"{key} has {value!r}, no number up to {_MOST:g}", "give a number")
        return float(value)

    def _word(self, key: str, words: tuple[str, ...]) -> str:
        word = self.stated[key]
        if not isinstance(word, str) or word not in words:
            raise self._error(f"{key} is {word!r}", f"it is one of {', '.join(words)}")
        return word

    def _error(self, problem: str, cure: str) -> UsageError:
        return UsageError(self.path, problem, cure)
