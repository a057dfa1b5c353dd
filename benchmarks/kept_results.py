"""What came of changes that were tried before, as long as code and tests stay as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path


class KeptResults:
    """A file in `folder` with a line for each text of a module, and the first test that failed."""

    def __init__(self, folder: Path, sources: Iterable[Path]) -> None:
        """Read what is there for these sources: folders of Python, or files."""
        content = sha256()
        files = {file for source in sources for file in (*source.rglob("*.py"), source)}
        for path in sorted(file for file in files if file.is_file()):
            content.update(path.read_bytes())
        self._path = folder / f"{content.hexdigest()[:16]}.jsonl"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._failures: dict[str, str] = {}
        self.read()

    def read(self) -> None:
        """Read what is there now; a last line that breaks off was not written."""
        if not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                digest, failed = json.loads(line)
                self._failures[digest] = failed

    def keep(self, text: str, failed: str) -> None:
        """Write down what came of a text."""
        self._failures[_digest(text)] = failed
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([_digest(text), failed]) + "\n")

    def failure(self, text: str) -> str:
        """Return the test that failed with a text, or nothing."""
        return self._failures[_digest(text)]

    def __contains__(self, text: str) -> bool:
        return _digest(text) in self._failures


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
