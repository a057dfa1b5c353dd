"""Every way this project can refuse, as one tree.

Each error is one line that names the subject (a file, an option), says what is wrong and how to
cure it, and carries the exit status both commands leave with::

    EdgeError                 1   unexpected
    ├── UsageError            2   the command line cannot be carried out
    ├── NotABundle            3   no bundle, of a schema we do not know, or its graph cannot be
    │                         trusted
    ├── IntegrityError        4   the bytes of a bundle or an audit trail are not the ones that
    │                         were written
    │   └── UntrustedBundle   4   ... or not signed by whom this machine trusts
    ├── FilmError             5   one film cannot be judged; others can
    │   ├── MachineLacks      5   ... on this machine, as it is now
    │   └── Refusal           5   ... for one of the documented reasons
    ├── NoEngine              6   nothing on this machine can run the graph
    ├── ParityFailed          7   a graph does not decide like the reference model
    ├── ParityUndecided       8   too few films to tell, and a pass was required
    ├── DataError             9   data or model cannot be used
    └── CannotWrite          10   nothing was written

Foreign exceptions are turned into these at the edge where they arise.
"""

from __future__ import annotations

from edge_runtime.text import printable

REFUSALS = (
    *("unreadable", "too_small", "too_large", "blank", "colour_photo"),
    *("wrong_modality", "wrong_body_part", "wrong_view", "outside_intended_use", "not_a_film"),
)
"""The documented reasons for not answering, see docs/clinic.md "Films and refusals"."""


class EdgeError(Exception):
    """A problem with a subject, what is wrong with it, and the cure."""

    exit_status = 1

    def __init__(self, subject: object, problem: str, cure: str = "") -> None:
        self.subject = str(subject)
        self.problem = problem
        self.cure = cure
        super().__init__(self.subject, problem, cure)

    def __str__(self) -> str:
        line = f"{self.subject}: {self.problem}" + (f"; {self.cure}" if self.cure else "")
        return printable(line)


class UsageError(EdgeError):
    """The command line asks for something that cannot be carried out."""

    exit_status = 2


class NotABundle(EdgeError):
    """The file is no bundle, of a schema not known here, or holds a graph that is not trusted."""

    exit_status = 3


class IntegrityError(EdgeError):
    """The bundle, or an audit trail, is not, byte for byte, what was written."""

    exit_status = 4


class UntrustedBundle(IntegrityError):
    """The bundle is not signed, not rightly, or by nobody whom this machine trusts."""


class FilmError(EdgeError):
    """One film could not be read here or run through the graph, which may change."""

    exit_status = 5


class MachineLacks(FilmError):
    """This machine has no decoder or no memory for a film: no verdict on the film itself."""


class Refusal(FilmError):
    """A film that was read but is not judged, for one of the reasons in `REFUSALS`."""

    def __init__(self, reason: str, subject: object, problem: str, cure: str = "") -> None:
        if reason not in REFUSALS:
            raise ValueError(f"undocumented refusal {reason!r}")
        super().__init__(subject, problem, cure)
        self.reason = reason


class NoEngine(EdgeError):
    """No engine on this machine can run the bundle's graphs."""

    exit_status = 6


class ParityFailed(EdgeError):
    """A quantized or replayed graph does not answer like its reference."""

    exit_status = 7


class ParityUndecided(EdgeError):
    """There are too few films to tell whether the graph answers like its reference."""

    exit_status = 8


class DataError(EdgeError):
    """The films, labels or model given cannot be used."""

    exit_status = 9


class CannotWrite(EdgeError):
    """The result could not be written; what was there before is unchanged."""

    exit_status = 10
