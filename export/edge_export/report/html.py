"""The report as one HTML file that asks nothing of any network and runs no script."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from edge_export.report.document import SCHEMA
from edge_export.report.plots import Plot, layer_name, plots
from edge_export.words import words
from edge_runtime.errors import DataError
from edge_runtime.text import lines

if TYPE_CHECKING:
    from jinja2 import Template

Document = Mapping[str, Any]

MOST_FLIPS = 60
"""How many flipped films are shown; all of them are in the JSON document."""

# What a report may be without. Any other part that the template misses is an error.
_OPTIONAL = (
    "machine", "tools", "warnings", "caveat", "faults", "matrix", "located", "flips", "layers",
    "first_divergence",
    "ladder", "calibration", "latency", "graphs", "limits", "film_gate", "intended_use",
    "threshold", "uncertain", "probability_calibration", "preparation",
)  # fmt: skip
_OPTIONAL_WITHIN = {
    "verdict": ("reasons", "films_needed", "margin", "budget"),
    "machine": ("processor", "engines"),
    "calibration": ("overrides", "stability"),
}
_OPTIONAL_OF_ARTEFACT = (
    "bytes", "shipped", "verdict", "milliseconds", "losses", "auc_difference", "calibration_error",
    "film_gate",
)  # fmt: skip


def render(document: Document, thumbnails: Mapping[str, bytes]) -> str:
    """Return the report as HTML, the same text at every run for the same arguments.

    `document` is what `NAME.report.json` holds; `thumbnails` are PNGs of flipped films by digest,
    and a film may be without one.

    Raises:
        DataError: the document is of another schema, or holds a number that is not finite.
    """
    _check(document)
    told = words(document["modality"])
    drawn = [replace(plot, title=told(plot.title), alt=told(plot.alt)) for plot in plots(document)]
    return template("edge_export.report", "report.html.j2", document["modality"]).render(
        _filled(document),
        plots=drawn,
        flipped=_flipped(document, thumbnails),
        layer_names=_layer_names(document),
        most_flips=MOST_FLIPS,
    )


@functools.cache
def template(package: str, name: str, modality: str = "xray") -> Template:
    """Return the template `name` that `package` holds, with the filters and `style` of ours.

    It may extend `page.html.j2`, which all pages have in common. Its own words are those for films
    of `modality`; what is filled in stays as it is.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from jinja2.ext import Extension
    from jinja2.lexer import Token, TokenStream
    from markupsafe import Markup

    told = words(modality)

    class InWords(Extension):
        def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
            for token in stream:
                is_text = token.type in ("data", "string")
                yield Token(token.lineno, token.type, told(token.value)) if is_text else token

    def source(file: str) -> str:
        folder = resources.files(package if file == name else "edge_export.report")
        return folder.joinpath(file).read_text(encoding="utf-8")

    environment = Environment(
        loader=FunctionLoader(source),
        autoescape=True,
        finalize=_fit,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[InWords],
    )
    environment.filters |= {
        **{"number": _number, "estimate": _estimate, "data_uri": _data_uri},
        "layer": lambda index, row: layer_name(index + 1, row, told),
    }
    style = resources.files("edge_export.report").joinpath("style.css").read_text(encoding="utf-8")
    environment.globals["style"] = Markup(style.rstrip())  # noqa: S704, it is our own
    return environment.get_template(name)


def _fit(value: object) -> object:
    """Return what is filled into a page: text without what misleads its reader, as in `lines`."""
    is_markup = hasattr(value, "__html__")
    return lines(value) if isinstance(value, str) and not is_markup else value


def _check(document: Document) -> None:
    if (schema := document.get("schema")) != SCHEMA:
        problem = f"schema {schema!r} is not the {SCHEMA} that this version can show"
        raise DataError("report", problem, "export again with this version")
    try:
        json.dumps(document, allow_nan=False)
    except ValueError as error:
        problem = "a number in it is not finite"
        raise DataError("report", problem, "look for a weight or a logit that is not") from error


def _filled(document: Document) -> dict[str, Any]:
    """Return the document with every part that it may be without there, if only as None."""
    filled = {**dict.fromkeys(_OPTIONAL), **document}
    for part, names in _OPTIONAL_WITHIN.items():
        if filled[part]:
            filled[part] = {**dict.fromkeys(names), **filled[part]}
    filled["artefacts"] = {
        file: {**dict.fromkeys(_OPTIONAL_OF_ARTEFACT), **one}
        for file, one in document["artefacts"].items()
    }
    return filled


def _layer_names(document: Document) -> dict[str, str]:
    """Return what people call the layer of each tensor: its place and its operator."""
    return {
        row["tensor"]: f"layer {layer_name(number, row, words(document['modality']))}"
        for rows in (document.get("layers") or {}).values()
        for number, row in enumerate(rows, 1)
    }


def _flipped(document: Document, thumbnails: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return the flipped films, each with all artefacts it flipped in, the widest flip first."""
    films: dict[str, dict[str, Any]] = {}
    for flip in document.get("flips") or ():
        film = films.setdefault(
            flip["sha256"],
            {
                "sha256": flip["sha256"],
                "label": document["classes"]["positive" if flip["positive"] else "negative"],
                "picture": thumbnails.get(flip["sha256"]),
                "answers": [],
            },
        )
        film["answers"].append(flip)

    def width(film: Mapping[str, Any]) -> float:
        return max(abs(float(one["candidate"] - one["reference"])) for one in film["answers"])

    return sorted(films.values(), key=lambda film: (-width(film), film["sha256"]))


def _number(value: float | None, digits: int = 3, sign: str = "-") -> str:
    """Return `value` with `digits` decimals, never as a negative zero; a dash for None."""
    return "–" if value is None else f"{value:{sign}z.{digits}f}"  # noqa: RUF001


def _estimate(one: Mapping[str, float], digits: int = 3) -> str:
    """Return an estimate with its interval."""
    value, low, high = (_number(one[key], digits) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _data_uri(content: bytes | Plot) -> str:
    kind, raw = ("svg+xml", content.svg) if isinstance(content, Plot) else ("png", content)
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode('ascii')}"
