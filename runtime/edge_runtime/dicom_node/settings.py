"""The configuration of a node: one TOML file, of which every key is known or refused."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_Kind = TypeVar("_Kind", str, int, float, bool, list[Any], dict[str, Any])
_LONGEST_TITLE = 16  # characters of an AE title, PS3.8 section 9.3.2
_TITLE = re.compile(
    rf"[ -\[\]-~]{{1,{_LONGEST_TITLE}}}"
)  # those of ASCII that print, but no backslash
_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST_CODE, _LONGEST_MEANING = 16, 64
_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false",
          list: "a list", dict: "a table"}  # fmt: skip
DICOM_PORT = 11112


@dataclass(frozen=True, slots=True)
class Peer:
    """Who may send: an AE title, at one of these addresses or networks; without any, at every one.

    `fingerprint` is the SHA-256 that its certificate has to have, in small hexadecimal digits.
    """

    ae_title: str
    addresses: tuple[str, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where answers go; without a `fingerprint`, its certificate has to be for `host`."""

    ae_title: str
    host: str
    port: int
    tls: bool = False
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """What peers may ask of this machine: `seconds` is how long a silent peer is waited for."""

    associations: int = 8
    pdu: int = 1 << 17
    waiting: int = 1000
    megabytes: int = 256
    seconds: int = 60


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificate and key of this node, and the authorities that peers' certificates are from."""

    certificate: Path
    key: Path
    authorities: Path
    listen: bool = True


@dataclass(frozen=True, slots=True)
class FindingCode:
    """What an answer is called in a coding scheme."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Everything that a node is told."""

    ae_title: str
    folder: Path
    peers: tuple[Peer, ...]
    destination: Destination
    address: str = ""
    port: int = DICOM_PORT
    bundle: Path | None = None
    audit: Path | None = None
    fhir: Path | None = None
    capture: bool = True
    limits: PeerLimits = PeerLimits()
    tls: TlsFiles | None = None
    findings: Mapping[str, FindingCode] = field(default_factory=dict)


class _Table:
    """A table of the file, from which keys are taken."""

    def __init__(self, path: str, name: str, values: dict[str, Any]) -> None:
        self._path, self._name, self._values = path, name, dict(values)

    def take(self, key: str, kind: type[_Kind], default: _Kind | None = None) -> _Kind:
        """Return a value, or `default` where it is not given; without a default it has to be."""
        value = self._values.pop(key, default)
        if value is None:
            raise self.wrong(key, "is missing", f"give {_KINDS[kind]}")
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise self.wrong(key, f"is not {_KINDS[kind]}", f"give {_KINDS[kind]}")
        return value

    def number(self, key: str, default: int | None, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        number = self.take(key, int, default)
        if not least <= number <= most:
            raise self.wrong(key, f"is not from {least} to {most}", "give another number")
        return number

    def title(self, key: str = "ae_title") -> str:
        """Return an AE title."""
        title = self.take(key, str).strip()
        if not _TITLE.fullmatch(title):
            problem = f"is no AE title of 1 to {_LONGEST_TITLE} characters"
            raise self.wrong(key, problem, "as the peer has it")
        return title

    def fingerprint(self) -> str:
        """Return the fingerprint of a certificate, as openssl prints it, if it is given."""
        digits = self.take("fingerprint", str, "").replace(":", "").lower()
        if digits and not _FINGERPRINT.fullmatch(digits):
            cure = "as openssl x509 -noout -fingerprint -sha256 -in FILE prints it after the ="
            raise self.wrong("fingerprint", "is no SHA-256", cure)
        return digits

    def path(self, key: str) -> Path | None:
        """Return a path, relative to the file's folder, if it is given."""
        text = self.take(key, str, "")
        return Path(self._path).parent / text if text else None

    def table(self, key: str) -> _Table | None:
        """Return a table within, if it is given."""
        values = self.take(key, dict, {})
        return _Table(self._path, f"{self._name}{key}.", values) if values else None

    def tables(self, key: str) -> list[_Table]:
        """Return the tables of a list."""
        rows = self.take(key, list, [])
        if not all(isinstance(row, dict) for row in rows):
            raise self.wrong(key, "is no list of tables", f"write [[{key}]]")
        return [_Table(self._path, f"{self._name}{key}.", row) for row in rows]

    def names(self) -> list[str]:
        """Return the keys that were not taken."""
        return list(self._values)

    def finish(self) -> None:
        """Refuse keys that nobody took."""
        for key in self._values:
            raise self.wrong(key, "is not known", "see docs/dicom-node.md for the keys")

    def wrong(self, key: str, problem: str, cure: str) -> UsageError:
        """Return the error of a key."""
        return UsageError(self._path, f"{self._name}{key} {problem}", cure)


def read_settings(path: str) -> NodeSettings:
    """Return the settings in the TOML file at `path`.

    Raises:
        UsageError: it cannot be read, or something in it is missing, unknown or impossible.
    """
    try:
        # Editors of Windows begin a file with a mark of its encoding, which TOML does not know.
        values = tomllib.loads(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(path, error.strerror or str(error), "name the node's file") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(path, f"is no TOML ({error})", "see docs/dicom-node.md") from error
    top = _Table(path, "", values)
    title, folder = top.title(), top.path("folder")
    if folder is None:
        raise top.wrong("folder", "is missing", "give the folder that the node may keep things in")
    settings = NodeSettings(
        ae_title=title, folder=folder, address=top.take("address", str, ""),
        port=top.number("port", DICOM_PORT, 1, 65535), peers=_peers(top),
        destination=_destination(top), bundle=top.path("bundle"), audit=top.path("audit"),
        fhir=top.path("fhir"), capture=top.take("capture", bool, True),
        limits=_limits(top), tls=_tls(top), findings=_findings(top),
    )  # fmt: skip
    top.finish()
    _require_tls(top, settings)
    return settings


def _require_tls(top: _Table, settings: NodeSettings) -> None:
    """Refuse what is silently not looked at without TLS."""
    to, tls = settings.destination, settings.tls
    if to.tls and tls is None:
        raise top.wrong("tls", "is missing", "destination.tls needs certificate, key, authorities")
    if to.fingerprint and not to.tls:
        raise top.wrong("destination.fingerprint", "is of no use", "set destination.tls = true")
    if any(peer.fingerprint for peer in settings.peers) and not (tls and tls.listen):
        raise top.wrong("peers.fingerprint", "is of no use", "let peers speak TLS: see [tls]")


def _peers(top: _Table) -> tuple[Peer, ...]:
    peers = []
    for row in top.tables("peers"):
        addresses = row.take("addresses", list, [])
        if not all(map(_is_address, addresses)):
            cure = 'as in ["10.0.0.5", "10.0.1.0/24"]'
            raise row.wrong("addresses", "is no list of IP addresses", cure)
        peers.append(Peer(row.title(), tuple(addresses), row.fingerprint()))
        row.finish()
    if not peers:
        raise top.wrong("peers", "is missing", "write [[peers]] for each AE title that may send")
    return tuple(peers)


def _is_address(value: object) -> bool:
    """Tell whether it is a text that names an address or a network."""
    try:
        return isinstance(value, str) and bool(ip_network(value, strict=False))
    except ValueError:
        return False


def _destination(top: _Table) -> Destination:
    row = top.table("destination")
    if row is None:
        raise top.wrong("destination", "is missing", "give ae_title, host and port of the archive")
    destination = Destination(
        row.title(), row.take("host", str), row.number("port", None, 1, 65535),
        row.take("tls", bool, False), row.fingerprint(),
    )  # fmt: skip
    row.finish()
    return destination


def _limits(top: _Table) -> PeerLimits:
    row, usual = top.table("limits"), PeerLimits()
    if row is None:
        return usual
    limits = PeerLimits(
        associations=row.number("associations", usual.associations, 1, 1000),
        pdu=row.number("pdu", usual.pdu, 4096, 1 << 24),
        waiting=row.number("waiting", usual.waiting, 1, 1_000_000),
        megabytes=row.number("megabytes", usual.megabytes, 1, 1024),
        seconds=row.number("seconds", usual.seconds, 1, 3600),
    )
    row.finish()
    return limits


def _tls(top: _Table) -> TlsFiles | None:
    row = top.table("tls")
    if row is None:
        return None
    paths = [row.path(key) for key in ("certificate", "key", "authorities")]
    certificate, key, authorities = paths
    if certificate is None or key is None or authorities is None:
        raise top.wrong("tls", "lacks a file", "give certificate, key and authorities")
    files = TlsFiles(certificate, key, authorities, row.take("listen", bool, True))
    row.finish()
    return files


def _findings(top: _Table) -> dict[str, FindingCode]:
    rows, codes = top.table("findings"), dict[str, FindingCode]()
    for name in rows.names() if rows else []:
        row = rows.table(name) if rows else None
        if row is None:
            raise top.wrong(f"findings.{name}", "is empty", "give value, scheme and meaning")
        texts = [row.take(key, str) for key in ("value", "scheme", "meaning")]
        row.finish()
        lengths = (_LONGEST_CODE, _LONGEST_CODE, _LONGEST_MEANING)
        for text, longest in zip(texts, lengths, strict=True):
            if not 0 < len(text) <= longest or not text.isascii() or "\\" in text:
                problem = f"has a text that is not of 1 to {longest} letters of ASCII"
                raise top.wrong(f"findings.{name}", problem, "see PS3.3 section 8.1")
        codes[name] = FindingCode(*texts)
    return codes
