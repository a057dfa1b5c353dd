"""What `doctor` found of one thing, and findings as lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge_runtime.text import printable

OK, MISSING, PROBLEM = "ok", "missing", "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `state` is ok, missing or problem; `facts` say the same to a program."""

    name: str
    state: str
    text: str
    cure: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the finding as `json` writes it, its facts beside the rest."""
        said = {"name": self.name, "state": self.state, "text": self.text, "cure": self.cure}
        return {**said, **self.facts}


def table(findings: Sequence[Finding]) -> str:
    """Return the findings as lines for people, each cure below what it cures."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.name:<{width}}  {finding.state:<7}  {printable(finding.text)}\n")
        if finding.cure:
            lines.append(f"{'':<{width}}  {'':<7}  -> {printable(finding.cure)}\n")
    return "".join(lines)
