"""What a manifest is made of: a record for each part, none of which can hold a bad value."""
# Fields stand in the order they are read in:
# ruff: noqa: RUF023

from __future__ import annotations

from edge_runtime.bundle.archive import LARGEST_MEMBER, MANIFEST, MOST_MEMBERS, name_problem
from edge_runtime.bundle.class_name import class_name
from edge_runtime.bundle.schema import (
    Record,
    SchemaError,
    expected,
    integer,
    mapping,
    number,
    one_of,
    optional,
    record,
    sequence,
    text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
word = text(64, _LOWER + _DIGITS + "._-", first=_LOWER + _DIGITS)
"""Accepts a name of lower-case letters, digits, dots and dashes."""

_TERM = text(16, _LOWER.upper() + _DIGITS + "_", first=_LOWER.upper())  # a DICOM code string
FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
"""The ways to resize, by Pillow's names."""
LEAST_CROP = 0.1
"""The smallest share of a film's side that `Preprocess.crop` may keep."""
BY_CHANNELS, UNSTRETCHED = "channels", "none"
"""What `Preprocess.stretch` is where all channels count, and where levels stay what they are."""


def member_name(value: object) -> object:
    """Accept the name of a file in the bundle other than the manifest."""
    if not isinstance(value, str) or value == MANIFEST or name_problem(value):
        raise expected("the name of a file in the bundle", value)
    return value


def sha256_hex(value: object) -> object:
    """Accept a SHA-256 in 64 lower-case hexadecimal digits."""
    try:
        if isinstance(value, str) and len(value) == 64 and bytes.fromhex(value).hex() == value:
            return value
    except ValueError:
        pass
    raise expected("a SHA-256 in 64 lower-case hexadecimal digits", value)


class IntendedUse(Record):
    """Which films a bundle is for, in the terms of DICOM; films that say nothing of it pass.

    `body_parts` are values of BodyPartExamined and `views` of ViewPosition, empty where the maker
    stated none, so that any will do; `youngest` and `oldest` are whole years of age, both included,
    and None where no ages were stated. `other` is any picture that is neither X-ray nor CT.
    """

    modality: str
    body_parts: tuple[str, ...]
    views: tuple[str, ...]
    youngest: int | None
    oldest: int | None
    __slots__ = {
        "modality": one_of("xray", "ct", "other"),
        "body_parts": sequence(_TERM, 0, 16),
        "views": sequence(_TERM, 0, 16),
        "youngest": optional(integer(0, 150)),
        "oldest": optional(integer(0, 150)),
    }
    LEFT_OUT = frozenset({"youngest", "oldest"})

    def check(self) -> None:
        """Refuse ages that are not in order, and one without the other."""
        if self.youngest is None or self.oldest is None:
            if self.youngest is not self.oldest:
                raise SchemaError("youngest and oldest belong together")
        elif self.youngest > self.oldest:
            raise SchemaError("youngest is above oldest")


class Classes(Record):
    """What the two sides of the decision are called."""

    negative: str
    positive: str
    __slots__ = {"negative": class_name, "positive": class_name}

    def check(self) -> None:
        """Refuse two classes of one name."""
        if self.negative == self.positive:
            raise SchemaError("both classes have one name")


class Preprocess(Record):
    """How a film becomes the graphs' input, `uint8 [1, height, width, channels]`.

    The `low_percentile` and `high_percentile` of the resized grey levels become 0 and 255;
    `resample` is Pillow's name of the filter. Films with a side under `min_side` pixels, with more
    than `max_pixels` pixels, or with fewer than `min_contrast` grey levels between the percentiles
    are refused, and so are those whose colours lie more than `max_chroma` from grey on average, and
    those with more than `max_saturated` (0 to 1) of their pixels black or white, where a bundle
    names it: older ones do not. Where `stretch` is `channels`, the levels are those of all channels
    and not of grey, so that one stretching fits all colours. Where it is `none`, 8-bit levels stay
    what they are, and the percentiles serve to refuse films, and to bring those of more bits to 8.
    Of `crop`, a share of each side, only the middle of the film is resized, and where `trim` is
    there, only of what lies within a dark border: see `edge_runtime.film.border`. Where
    `local_radius` is there, each level is held against those around it, in a window of that many
    pixels to each side: see `edge_runtime.film.local_contrast`; `local_gain` and `local_floor`
    belong to it.
    `version` names the arithmetic of `edge_runtime.film.preprocess`.
    """

    version: int
    height: int
    width: int
    channels: int
    resample: str
    low_percentile: float
    high_percentile: float
    min_side: int
    max_pixels: int
    min_contrast: int
    max_chroma: float
    max_saturated: float | None
    stretch: str | None
    trim: float | None
    crop: float | None
    local_radius: int | None
    local_gain: int | None
    local_floor: int | None
    __slots__ = {
        "version": one_of(1),
        "height": integer(1, 4096),
        "width": integer(1, 4096),
        "channels": one_of(1, 3),
        "resample": one_of(*FILTERS),
        "low_percentile": number(0, 100),
        "high_percentile": number(0, 100),
        "min_side": integer(1, 1 << 16),
        "max_pixels": integer(1, 1 << 32),
        "min_contrast": integer(1, 255),
        "max_chroma": number(0, 255),
        "max_saturated": optional(number(0, 1)),
        "stretch": optional(one_of(BY_CHANNELS, UNSTRETCHED)),
        "trim": optional(number(0, 1)),
        "crop": optional(number(LEAST_CROP, 1)),
        "local_radius": optional(integer(1, 255)),
        "local_gain": optional(integer(1, 255)),
        "local_floor": optional(integer(1, 255)),
    }
    LEFT_OUT = frozenset(
        {
            *("max_saturated", "stretch", "trim", "crop"),
            *("local_radius", "local_gain", "local_floor"),
        }
    )

    def check(self) -> None:
        """Refuse percentiles that are not in order, and half a local normalisation."""
        if self.low_percentile >= self.high_percentile:
            raise SchemaError("low_percentile is not below high_percentile")
        local = (self.local_radius, self.local_gain, self.local_floor)
        if None in local and local != (None, None, None):
            raise SchemaError("local_radius, local_gain and local_floor belong together")
        if self.local_radius is not None and self.channels != 1:
            raise SchemaError("local_radius is for one channel")


class Calibration(Record):
    """How a logit becomes a calibrated one: `scale * logit + offset`.

    `temperature` fits the scale alone, `platt` both, by logistic regression.
    """

    method: str
    scale: float
    offset: float
    __slots__ = {
        "method": one_of("none", "temperature", "platt"),
        "scale": number(0, 1000, inclusive=False),
        "offset": number(-1000, 1000),
    }

    def check(self) -> None:
        """Refuse numbers that the method `none` would ignore."""
        if self.method == "none" and (self.scale, self.offset) != (1, 0):
            raise SchemaError('the method "none" has scale 1 and offset 0')


class Uncertain(Record):
    """The band of probabilities for which no answer is given."""

    low: float
    high: float
    __slots__ = {"low": number(0, 1), "high": number(0, 1)}


class Chosen(Record):
    """How a threshold was chosen: by which rule, and on how many films of each class.

    The rule `sensitivity` takes the highest cut that reaches `sensitivity`, `youden` the one with
    the largest sum of sensitivity and specificity.
    """

    rule: str
    sensitivity: float | None
    negative: int
    positive: int
    __slots__ = {
        "rule": one_of("sensitivity", "youden"),
        "sensitivity": optional(number(0, 1, inclusive=False)),
        "negative": integer(1, 1 << 32),
        "positive": integer(1, 1 << 32),
    }

    def check(self) -> None:
        """Refuse a sensitivity without its rule, and the rule without a sensitivity."""
        if (self.rule == "sensitivity") != (self.sensitivity is not None):
            raise SchemaError("a sensitivity belongs to the rule of that name", "sensitivity")


class Decision(Record):
    """What turns a logit into an answer; threshold and band are calibrated probabilities.

    The threshold is a convention, such as one half, where `chosen` does not tell how it was chosen.
    """

    calibration: Calibration
    threshold: float
    uncertain: Uncertain
    chosen: Chosen | None
    __slots__ = {
        "calibration": record(Calibration),
        "threshold": number(0, 1, inclusive=False),
        "uncertain": record(Uncertain),
        "chosen": optional(record(Chosen)),
    }
    LEFT_OUT = frozenset({"chosen"})

    def check(self) -> None:
        """Refuse a threshold outside the uncertain band."""
        if not self.uncertain.low <= self.threshold <= self.uncertain.high:
            raise SchemaError("the threshold is not within the uncertain band", "threshold")


class FilmGate(Record):
    """Below which `threshold` a graph's second logit says that what it saw is no film."""

    threshold: float
    __slots__ = {"threshold": number(-1000, 1000)}


class IntegerOutput(Record):
    """What an int8 output means: the logit is `scale * (output - zero_point)`."""

    scale: float
    zero_point: int
    __slots__ = {"scale": number(0, 1e6, inclusive=False), "zero_point": integer(-128, 255)}


class Graph(Record):
    """One file that an engine runs, and the recipe it was quantized by.

    `outputs` tells what each output means where the graph gives integers, as the full-integer one
    does, which is for other runtimes than ours. It is empty where the logits are floats.
    """

    file: str
    format: str
    recipe: str
    outputs: tuple[IntegerOutput, ...]
    __slots__ = {
        "file": member_name,
        "format": one_of("tflite", "onnx"),
        "recipe": text(64, _LOWER + _DIGITS + "_"),
        "outputs": sequence(record(IntegerOutput), 0, 2),
    }


class Stages(Record):
    """The digest of a film after each stage of its preprocessing, in their order."""

    decoded: str
    oriented: str
    resized: str
    normalised: str
    __slots__ = {
        "decoded": sha256_hex,
        "oriented": sha256_hex,
        "resized": sha256_hex,
        "normalised": sha256_hex,
    }


class GoldenFilm(Record):
    """A generated film, its digest after each stage, and each graph's logits for it."""

    file: str
    stages: Stages
    logits: Mapping[str, tuple[float, ...]]
    __slots__ = {
        "file": member_name,
        "stages": record(Stages),
        "logits": mapping(member_name, sequence(number(-1e6, 1e6), 1, 2), 1, MOST_MEMBERS),
    }


class Golden(Record):
    """Films whose answers are known, and by how much a logit may miss them."""

    tolerance: float
    films: tuple[GoldenFilm, ...]
    __slots__ = {
        "tolerance": number(0, 100, inclusive=False),
        "films": sequence(record(GoldenFilm), 1, MOST_MEMBERS),
    }


class Quantization(Record):
    """How the graphs were quantized: by which ranges, measured on which films.

    `overrides` are the checks of the calibration films that its maker chose to ignore, `remedies`
    what it took to make the quantized graphs decide like the float one.
    """

    method: str
    films: tuple[str, ...]
    overrides: tuple[str, ...]
    remedies: tuple[str, ...]
    __slots__ = {
        "method": word,
        "films": sequence(sha256_hex, 0, 10_000),
        "overrides": sequence(word, 0, 16),
        "remedies": sequence(text(256), 0, 16),
    }

    def check(self) -> None:
        """Refuse films that are not sorted, or there twice."""
        if list(self.films) != sorted(set(self.films)):
            raise SchemaError("the digests are not sorted, each once", "films")


class Training(Record):
    """Which architecture was trained, from which seed, for how many epochs, where known.

    `split_seed` dealt the splits where it is another than `seed`, which did in older bundles.
    """

    model: str
    seed: int | None
    epochs: int | None
    split_seed: int | None
    __slots__ = {
        "model": word,
        "seed": optional(integer(0, (1 << 64) - 1)),
        "epochs": optional(integer(0, 1_000_000)),
        "split_seed": optional(integer(0, (1 << 64) - 1)),
    }
    LEFT_OUT = frozenset({"split_seed"})


class Site(Record):
    """What a site fitted again on its own films, once the bundle was made.

    `bundle` is the identity of the bundle that it took, `fitted` the parts of the decision that it
    changed; `films` is the SHA-256 of the sorted digests of its films, a line each, of which so
    many were `negative` and `positive`.
    """

    bundle: str
    fitted: tuple[str, ...]
    films: str
    negative: int
    positive: int
    __slots__ = {
        "bundle": sha256_hex,
        "fitted": sequence(one_of("calibration", "threshold"), 1, 2),
        "films": sha256_hex,
        "negative": integer(2, 1 << 32),
        "positive": integer(2, 1 << 32),
    }


class File(Record):
    """The length in bytes and the digest of a file in the bundle."""

    bytes: int
    sha256: str
    __slots__ = {"bytes": integer(0, LARGEST_MEMBER), "sha256": sha256_hex}
