"""Which engine answered a bundle's golden films fastest here, and the file that remembers it.

The file lies in the data folder of this user, beside the choice of bundles, and is believed as that
is: where nobody else may change it. What is no entry of ours is passed over; the worst that
a wrong one can do is to name another of the installed engines. It holds no path, no name of a
machine or of a user, and nothing of a film. Decision 62.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_runtime.engines import ENGINES
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.machine import computer
from edge_runtime.machine.ratios import Ratio
from edge_runtime.output import write_whole
from edge_runtime.ownership import require_own

RECORD = "engines.json"
START_UP = "auto"
"""In place of an engine where none was measured: the first that opens, as for a single film."""
_MOST = 100
"""How many choices are remembered; a new one takes the place of the oldest."""
_LARGEST = 1 << 20  # bytes
_LONGEST = 300  # characters of `why`


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine for many films: `default`, which start-up takes, or the `challenger`.

    `ratio` is the challenger's time over the default's, round by round, `milliseconds` the median
    time of a film in each, by name. Without a ratio nothing was compared, and `why` says why not.
    """

    engine: str
    default: str = ""
    challenger: str = ""
    ratio: Ratio | None = None
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    why: str = ""

    @property
    def words(self) -> str:
        """Return in words what is used, and the measurement behind it."""
        if self.ratio is None:
            used = "the one that start-up takes" if self.engine == START_UP else self.engine
            return f"{used}: {self.why}"
        ratio, times = self.ratio, self.milliseconds
        words = (
            f"{self.engine}: {self.challenger} takes {ratio.median:.2f} of the time of "
            f"{self.default} ({ratio.low:.2f} to {ratio.high:.2f}, n {ratio.n}; "
            f"{times[self.challenger]:.1f} and {times[self.default]:.1f} ms)"
        )
        return f"{words}; {self.why}" if self.why else words

    def to_json(self) -> dict[str, Any]:
        """Return the choice as `json` writes it."""
        return {
            "engine": self.engine,
            "default": self.default,
            "challenger": self.challenger,
            "ratio": self.ratio.to_json() if self.ratio else None,
            "milliseconds": {name: round(value, 3) for name, value in self.milliseconds.items()},
            "why": self.why[:_LONGEST],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> EngineChoice:
        """Return the choice that `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is none.
        """
        ratio, times = document["ratio"], dict(document["milliseconds"])
        names = [document[key] for key in ("engine", "default", "challenger")]
        if not set(names) <= {START_UP, "", *ENGINES} or names[0] == "":
            raise ValueError("an engine is none")
        if not isinstance(document["why"], str) or len(document["why"]) > _LONGEST:
            raise ValueError("the reason is none")
        measured = None
        if ratio is not None:
            median, low, high = (float(ratio[key]) for key in ("median", "low", "high"))
            measured = Ratio(median, low, high, int(ratio["n"]))
            times = {name: float(times[name]) for name in names[1:]}
            if not all(0 < value < 1e9 for value in (median, low, high, *times.values())):
                raise ValueError("a number is out of range")
        engine, default, challenger = names
        return cls(engine, default, challenger, measured, times, document["why"])


def circumstances(identity: str, threads: int) -> dict[str, Any]:
    """Return what a choice holds for: this processor, these versions, a bundle, so many threads."""
    engines = {name: computer.installed(package) for name, package in _packages().items()}
    return {
        "bundle": identity,
        "threads": threads,
        "architecture": computer.architecture(),
        "processor": computer.processor_name(),
        "features": computer.features(),
        "engines": {name: version for name, version in engines.items() if version},
        "edge_runtime": computer.installed("edge-runtime"),
    }


def _packages() -> dict[str, str]:
    return {**computer.DISTRIBUTIONS, "numpy": "numpy"}  # which two of the engines need


def remembered(folder: str, of: Mapping[str, Any]) -> EngineChoice | None:
    """Return the choice for the `circumstances` `of` that the data folder holds, if it does.

    Raises:
        UsageError: others may change the file, or it cannot be read.
    """
    for entry in reversed(_entries(folder)):
        with suppress(ValueError, KeyError, TypeError, AttributeError, OverflowError):
            if entry["of"] == of:
                return EngineChoice.from_json(entry)
    return None


def remember(folder: str, of: Mapping[str, Any], choice: EngineChoice) -> None:
    """Write down a choice for the `circumstances` `of`, in place of an earlier one.

    Raises:
        UsageError: as `remembered` says.
        CannotWrite: the disk does not let us.
    """
    kept = [entry for entry in _entries(folder) if entry.get("of") != of]
    _write(folder, [*kept, {"of": dict(of), **choice.to_json()}][-_MOST:])


def forget(folder: str, identity: str) -> int:
    """Forget the choices for a bundle, and return how many there were.

    Raises:
        UsageError: as `remembered` says.
        CannotWrite: the disk does not let us.
    """
    entries = _entries(folder)
    kept = [entry for entry in entries if not _is_of(entry, identity)]
    if len(kept) < len(entries):
        _write(folder, kept)
    return len(entries) - len(kept)


def _is_of(entry: Mapping[str, Any], identity: str) -> bool:
    of = entry.get("of")
    return isinstance(of, dict) and of.get("bundle") == identity


def require_room(folder: str) -> None:
    """Make the data folder where the one around it is there, and refuse one that is not writable.

    Raises:
        CannotWrite: nothing can be written there.
    """
    path = Path(folder)
    with suppress(OSError):
        if path.parent.is_dir():
            path.mkdir(exist_ok=True)
        if path.is_dir() and os.access(path, os.W_OK | os.X_OK):
            return
    raise CannotWrite(folder, "is no folder to write to", "make it")


def _entries(folder: str) -> list[dict[str, Any]]:
    """Return what the file holds, none where it is not there or not what we wrote."""
    path = str(Path(folder, RECORD))
    for place in (folder, path):
        require_own(place, UsageError, f"remove {RECORD}, and it is measured anew")
    try:
        # Not to wait for a pipe that lies there.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as stream:  # noqa: PTH123, which takes no descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return []
            entries = json.loads(stream.read(_LARGEST))["choices"]
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, RecursionError):
        return []
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise UsageError(path, problem, "give yourself the right to") from error
    return (
        [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    )


def _write(folder: str, entries: Sequence[Mapping[str, Any]]) -> None:
    path = Path(folder, RECORD)
    text = json.dumps({"choices": entries}, indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_whole(path, text.encode("ascii"))
    if os.name == "posix":
        with suppress(OSError):  # or a loose umask would keep us from believing it
            path.chmod(0o600)
