"""`edge-run audit`: whether an audit trail is what was written, and what it tells."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from edge_runtime.audit_trail import TrailHead, verify
from edge_runtime.audit_trail.line import BEGINNING
from edge_runtime.audit_trail.segments import in_order
from edge_runtime.console import say, write
from edge_runtime.errors import IntegrityError, UsageError
from edge_runtime.output import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.audit_trail import Verified

OPTIONS = ("bundle=", "expect-head=", "format=", "head=", "html=")
USAGE = """\
usage: edge-run audit verify FILE... [--expect-head HEAD] [--head OUT]
       edge-run audit report FILE... [--format F] [--html OUT.html] [--bundle B]

FILE... are the files of one audit trail, as --audit of classify, watch, serve
and dicom-listen writes it: trail.jsonl, trail-2.jsonl and so on, in any order.

verify finds every line that was removed, changed, moved or doubled, names it,
and prints the head: number and digest of the last line. Keep it where nobody
can change it who can change the trail: by it, lines that were cut off at the
end are found too, and a trail that was written anew.

  --expect-head HEAD  a head that was kept, or the file that --head wrote
  --head OUT          write the head to OUT as well

report counts answers, refusals and their reasons, by day and by model, and
holds the share of positive answers against that of the bundle's proof. It
counts the objects that a DICOM node delivered, by archive.

  --format F          table or json
  --html OUT.html     write it as one page as well
  --bundle B          a bundle that the trail names, for its proof; else the
                      one in use, where the trail names that

Exit status: 0 ok, 4 the trail was changed, 9 no audit trail, 10 cannot write.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Carry out `verify` or `report`."""
    action, files = (paths[0], paths[1:]) if paths else ("", [])
    fit = {"verify": {"expect-head", "head"}, "report": {"format", "html", "bundle"}}
    if action not in fit:
        raise UsageError("audit", "says neither verify nor report", "name one of them")
    if clash := sorted(options.keys() - fit[action]):
        raise UsageError(f"--{clash[0]}", f"is not for audit {action}", "leave it out")
    if not files:
        raise UsageError(f"audit {action}", "no audit trail given", "name its files")
    if action == "verify":
        return _verify(in_order(files), options)
    from edge_runtime.commands.audit_report import report

    return report(in_order(files), options)


def _verify(files: list[Path], options: dict[str, str]) -> int:
    require_no_trail("head", options)
    found = verify(files, _expected(options.get("expect-head")))
    tell(found)
    if found.problems:
        return IntegrityError.exit_status
    write(f"{counted(found)}, every line as it was written\nhead {found.head}\n")
    if "head" in options:
        write_whole(options["head"], f"{found.head}\n".encode())
    return 0


def counted(found: Verified) -> str:
    """Return in words how many decisions a trail has, and how many deliveries if it has any."""
    more = f", {found.deliveries} deliveries" if found.deliveries else ""
    return f"{found.answers} decisions{more}"


def require_no_trail(name: str, options: dict[str, str]) -> None:
    """Refuse to write a result over a file of a trail, which is nowhere else.

    Raises:
        UsageError: the file that the option names is one.
    """
    if name in options:
        with suppress(OSError, ValueError), Path(options[name]).open("rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return
            if stream.read(len(BEGINNING)) == BEGINNING:
                problem = f"{options[name]} is an audit trail"
                raise UsageError(f"--{name}", problem, "give the name of another file")


def tell(found: Verified) -> None:
    """Say what is to be known of a trail, and what is wrong with it."""
    for line in found.notes:
        say(f"edge-run: {line}")
    for line in found.problems:
        say(f"edge-run: {line}")
    if found.problems:
        cure = "keep it as it is, and ask who could write it"
        say(f"edge-run: {IntegrityError('audit trail', 'was changed', cure)}")


def _expected(text: str | None) -> TrailHead | None:
    """Return the head that was kept: the words of it, or the file that they are in.

    Raises:
        UsageError: it is none.
    """
    if text is None or (head := TrailHead.parse(text)):
        return None if text is None else head
    try:
        head = TrailHead.parse(Path(text).read_text("utf-8"))
    except (OSError, ValueError):
        head = None
    if head is None:
        raise UsageError("--expect-head", "is no head", "give what audit verify printed as head")
    return head
