"""A report on an audit trail as one page of HTML that asks nobody for anything."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from edge_runtime.text import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge_runtime.audit_trail.report import Figures

_STYLE = """\
:root { color-scheme: light dark; --page: #fff; --ink: #1b1f24; --quiet: #59616b; --line: #d3d8de;
  --pass: #1a6334; --fail: #a3161f; --undecided: #8a4b00;
  --pass-wash: #eef7f0; --fail-wash: #fcf0f0; }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #14171a; --ink: #e8eaed; --quiet: #a3abb5; --line: #3a4149;
    --pass: #7fd49b; --fail: #ff9c9c; --undecided: #f0b767;
    --pass-wash: #17251c; --fail-wash: #2b1a1b; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 72rem; color: var(--ink);
  background: var(--page);
  font: 1rem/1.5 system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }
p, ul { margin: .5rem 0; max-width: 60rem; }
.quiet, caption { color: var(--quiet); font-size: .875em; }
code { font: .8125rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.verdict { margin: 1.25rem 0; padding: 1rem 1.25rem; border: 1px solid; border-left-width: .75rem; }
.verdict h2 { border: 0; margin: 0; padding: 0; font-size: 2rem; line-height: 1.2; }
.verdict ul, .verdict p { color: var(--ink); }
.pass { color: var(--pass); } .fail { color: var(--fail); } .differs { color: var(--undecided); }
.verdict.pass { background: var(--pass-wash); } .verdict.fail { background: var(--fail-wash); }
td:first-child, th { white-space: nowrap; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid #0072b2; }
table { border-collapse: collapse; font-size: .8125rem; line-height: 1.4; margin: .5rem 0;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line); }
thead th { vertical-align: bottom; border-bottom-color: var(--ink); }
svg { width: 100%; height: auto; max-width: 60rem; }
svg text { fill: var(--quiet); font-size: 11px; }
.bar { stroke: var(--quiet); } .dot { fill: var(--ink); } .dot.differs { fill: var(--undecided); }
.axis { stroke: var(--line); } .proof { stroke: var(--pass); stroke-dasharray: 6 4; }
@page { size: A4; margin: 14mm 12mm; }
@media print { body { padding: 0; max-width: none; font-size: 9.5pt; }
  .scroll { overflow: visible; } tr, .verdict { break-inside: avoid; }
  * { print-color-adjust: exact; } }
"""
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
_WIDTH, _HEIGHT, _LEFT, _FOOT = 760, 220, 40, 24  # of a plot
_MOST_DAYS = 366  # in a plot


def page(document: Figures) -> str:
    """Return the page of a report; every text in it is escaped."""
    parts = [_verdict(document), _models(document["models"])]
    for model in document["models"]:
        days = [day for day in document["days"] if day["bundle"] == model["bundle"]]
        parts.append(_days(model, days))
    if document["users"]:
        rows = [[user, count] for user, count in document["users"].items()]
        parts += ["<h2>By user</h2>", _table("decisions", ["user", "decisions"], rows)]
    if document["deliveries"]:
        rows = [[to, counts(objects)] for to, objects in document["deliveries"].items()]
        parts += ["<h2>Deliveries</h2>", _table("by archive", ["archive", "objects"], rows)]
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Audit trail</title>
<style>
{_STYLE}</style>
</head>
<body>
<header>
<h1>Audit trail</h1>
<p class="quiet">{document["decisions"]} decisions, head <code>{_text(document["head"])}</code>.
<strong>Research use; not a medical device.</strong></p>
</header>
<main>
{body}
</main>
</body>
</html>
"""


def _text(value: object) -> str:
    return escape(lines(value))


def _verdict(document: Figures) -> str:
    problems, notes = document["problems"], document["notes"]
    kind, words = ("fail", "Changed") if problems else ("pass", "As it was written")
    told = "".join(f"<li>{_text(line)}</li>" for line in [*problems, *notes])
    told = f"<ul>{told}</ul>" if told else ""
    rest = "" if problems else "<p>Every line follows the one before it.</p>"
    return f'<section class="verdict {kind}"><h2>{words}</h2>{rest}{told}</section>'


def _models(models: Sequence[Figures]) -> str:
    heads = ["model", "decisions", "answered", "labels", "refused", "not read", "mean probability"]
    rows = [
        [
            model["name"] or model["bundle"][:16], model["decisions"], model["answered"],
            counts(model["labels"]), counts(model["refused"]), model["failed"],
            number(model["mean_probability"]),
        ]
        for model in models
    ]  # fmt: skip
    return "<h2>By model</h2>" + _table("all days", heads, rows)


def _days(model: Figures, days: Sequence[Figures]) -> str:
    title = _text(model["name"] or f"bundle {model['bundle'][:16]}")
    parts = [f"<h2>{title}</h2>", f"<p class=quiet><code>{_text(model['bundle'])}</code></p>"]
    if model["proof"]:
        parts.append(
            f"<p>Of the {model['proof']['films']} films of its proof, "
            f"{model['proof']['positive_share']:.0%} were called positive. A day whose interval of "
            "95&nbsp;% does not hold that share is marked: its films may be of other patients, "
            "of another device, or of another share of disease. One day in twenty is marked by "
            "chance.</p>"
        )
        parts.append(_plot(days[-_MOST_DAYS:], model["proof"]["positive_share"]))
    heads = ["day", "decisions", "answered", "labels", "refused", "not read", "mean probability",
             "positive, 95 %"]  # fmt: skip
    rows = [
        [
            day["day"], day["decisions"], day["answered"], counts(day["labels"]),
            counts(day["refused"]), day["failed"], number(day["mean_probability"]), share(day),
        ]
        for day in days
    ]  # fmt: skip
    return "\n".join([*parts, _table("by day, in UTC", heads, rows)])


def _plot(days: Sequence[Figures], expected: float) -> str:
    """Return the share of positive answers by day, with its interval, and that of the proof."""
    shown = [day for day in days if day["positive_share"]]
    if not shown:
        return ""

    def y(value: float) -> float:
        return 10 + (_HEIGHT - _FOOT - 10) * (1 - value)

    def x(place: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - 10) * (place + 0.5) / len(shown)

    parts = [
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text x="0" y="{y(v) + 4:.1f}">{v:.0%}</text>'
        for v in (0, 0.5, 1)
    ]
    for place, day in enumerate(shown):
        value, middle = day["positive_share"], x(place)
        low, high = y(value["low"]), y(value["high"])
        mark = "dot differs" if value["differs"] else "dot"
        parts.append(
            f'<line class="bar" x1="{middle:.1f}" x2="{middle:.1f}" y1="{high:.1f}" '
            f'y2="{low:.1f}"/>'
            f'<circle class="{mark}" cx="{middle:.1f}" cy="{y(value["value"]):.1f}" r="3">'
            f"<title>{_text(day['day'])}: {share(day)}</title></circle>"
        )
    line = f'x1="{_LEFT}" x2="{_WIDTH}" y1="{y(expected):.1f}" y2="{y(expected):.1f}"'
    parts.append(f'<line class="proof" {line}/>')
    foot = _HEIGHT - 6
    parts.append(f'<text x="{_LEFT}" y="{foot}">{_text(shown[0]["day"])}</text>')
    if len(shown) > 1:
        last = _text(shown[-1]["day"])
        parts.append(f'<text x="{_WIDTH}" y="{foot}" text-anchor="end">{last}</text>')
    title = "share of positive answers by day; dashed: that of the proof"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}">'
        f'{"".join(parts)}</svg><p class="quiet">{title}</p>'
    )


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>\n" for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table><caption>{_text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def counts(of: dict[str, int]) -> str:
    """Return counts by name in words."""
    return ", ".join(f"{name} {count}" for name, count in of.items()) or "-"


def number(value: float | None) -> str:
    """Return a probability in words."""
    return "-" if value is None else f"{value:.3f}"


def share(figures: Figures) -> str:
    """Return the share of positive answers with its interval, marked where the proof's differs."""
    value = figures["positive_share"]
    if value is None:
        return "-"
    mark = " differs" if value["differs"] else ""
    return f"{value['value']:.0%} ({value['low']:.0%} to {value['high']:.0%}){mark}"
