"""`edge-run serve`: a page that answers for films, for a browser and for programs."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path

from edge_runtime.bundle.defaults import default_bundle
from edge_runtime.commands import REQUIRE, only_bundle, say_unchecked, settle_store
from edge_runtime.commands.classify import NOTICE
from edge_runtime.console import say, silenced_stderr, write
from edge_runtime.errors import NoEngine, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from starlette.routing import Route

    from edge_runtime.audit_trail import AuditTrail
    from edge_runtime.web.films import FilmService
    from edge_runtime.web.settings import Settings
    from edge_runtime.web.users import UsersFile

OPTIONS = (
    *("bundle=", "engine=", "host=", "port=", "name=", "users=", "certificate=", "key=", "keep="),
    *("memory=", "no-tls", "audit=", REQUIRE),
)
USAGE = """\
usage: edge-run serve [BUNDLE] [--port P]
       edge-run serve [BUNDLE] --host H [--certificate C.pem --key K.pem]

Answer for films on a page in a browser, and to programs. Without --host only
this machine reaches it, and nobody logs in. With --host there have to be users
(edge-run users add NAME), and TLS. No film, name or header is kept or logged.

  --bundle B       the bundle, like BUNDLE
  --engine E       as of classify
  --host H         the address that others reach the page at; 0.0.0.0 is all
  --port P         the port, 8417 if none is given
  --name N,N       more names that the page is called by, as in a browser
  --users FILE     who may log in; else users.json of the data folder
  --certificate C  the certificate in PEM, with --key K; else one is made, and
                   its fingerprint is printed
  --no-tls         serve others without TLS, as behind a proxy that has it
  --memory MIB     what films may take of memory, 160 or more; else a quarter
                   of what is free, and 1024 at most
  --keep DIR       keep each film and its answer in DIR
  --audit FILE     write a line for each answer into an audit trail first (see
                   edge-run audit); where that cannot be, nothing is answered
  --require-signature
                   take no bundle but one that a trusted key has signed

Exit status: 2 usage, 3 not a bundle, 4 integrity, 6 no engine or no packages
for the page, 10 cannot write, 130/143 ended by Ctrl-C, by SIGTERM.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Serve a page until a signal ends it."""
    require_packages("serve")
    from edge_runtime.web.settings import is_loopback
    from edge_runtime.web.users import UsersFile, users_path

    settings = settings_of(options)
    users = None
    if settings.login:
        path = users_path(options.get("users"))
        users = UsersFile(path)
        if not users.now():
            problem = f"is reached by others, and {path} has no users"
            raise UsageError("--host", problem, "add one: edge-run users add NAME")
    elif "users" in options and is_loopback(settings.host):
        raise UsageError("--users", "nobody logs in on this machine alone", "leave it out")
    with (
        opened(only_bundle(paths, options), options, settings) as films,
        _trail(options) as trail,
    ):
        begin(films, settings, options, users=users, trail=trail)
    return 0


def _trail(options: dict[str, str]) -> AbstractContextManager[AuditTrail | None]:
    """Return the audit trail that is asked for, open, or nothing."""
    if "audit" not in options:
        return nullcontext()
    from edge_runtime.audit_trail import AuditTrail

    return AuditTrail(options["audit"])


def require_packages(command: str) -> None:
    """Refuse to go on without the packages of the page.

    Raises:
        NoEngine: one is missing.
    """
    try:
        for package in ("starlette.applications", "uvicorn"):
            import_module(package)
    except ImportError as error:
        from edge_runtime.cures import installing

        problem = f"the packages of the page are missing ({error.name})"
        raise NoEngine(command, problem, installing("web")) from error


def settings_of(options: dict[str, str], *, demo: bool = False) -> Settings:
    """Return the settings that a command line asks for.

    Raises:
        UsageError: something of it makes no sense.
    """
    from edge_runtime.web.settings import LOOPBACK, PORT, Settings, is_loopback, memory_for_films

    host = options.get("host", LOOPBACK)
    if not host:
        raise UsageError("--host", "is empty", "give an address")
    here = is_loopback(host)
    if ("certificate" in options) != ("key" in options):
        raise UsageError("--certificate", "and --key belong together", "give both")
    if "no-tls" in options and "certificate" in options:
        raise UsageError("--no-tls", "does not go with --certificate", "leave one of them out")
    memory = _number(options, "memory", 160, 1 << 20)
    tls = "certificate" in options or not (here or "no-tls" in options)
    return Settings(
        host=host,
        port=PORT if (port := _number(options, "port", 0, 65535)) is None else port,
        login=not here,
        tls=tls,
        hosts=tuple(filter(None, options.get("name", "").split(","))),
        memory=memory_for_films() if memory is None else memory << 20,
        keep=None if demo or "keep" not in options else Path(options["keep"]),
    )


def _number(options: dict[str, str], name: str, least: int, most: int) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and least <= int(text[:9]) <= most:
        return int(text)
    raise UsageError(f"--{name}", f"{text!r} is no such number", f"give {least} to {most}")


@contextmanager
def opened(
    bundle: str | None, options: dict[str, str], settings: Settings
) -> Iterator[FilmService]:
    """Yield what judges films, with nothing that compiled code writes to the terminal."""
    from edge_runtime.web.films import FilmService

    def told(line: str) -> None:
        say(f"edge-run: {line}")

    engine, required = options.get("engine", "auto"), REQUIRE in options
    settle_store(bundle or default_bundle().path)
    with (
        silenced_stderr(),
        FilmService(bundle, settings, engine, told, require_signature=required) as films,
    ):
        say_unchecked(films.bundle)
        yield films


def begin(
    films: FilmService,
    settings: Settings,
    options: dict[str, str],
    *,
    users: UsersFile | None = None,
    once: str | None = None,
    more: Sequence[Route] = (),
    trail: AuditTrail | None = None,
) -> None:
    """Print the page's address, and serve it."""
    from edge_runtime.web.app import application
    from edge_runtime.web.server import listening, reached_at, serve

    app = application(films, settings, users=users, once=once, more=more, trail=trail)
    context = _context(settings, options) if settings.tls else None
    with listening(settings.host, settings.port) as listener:
        manifest = films.bundle.manifest
        say(NOTICE)
        say(f"bundle: {manifest.name} {manifest.version} ({films.bundle.identity[:16]})")
        if settings.keep:
            say(f"films and answers are kept in {settings.keep}")
        port = listener.getsockname()[1]
        host = reached_at(settings.host)
        host = f"[{host}]" if ":" in host else host
        ending = f"#token={once}" if once else ""
        write(f"{'https' if settings.tls else 'http'}://{host}:{port}/{ending}\n")
        sys.stdout.flush()
        serve(app, listener, context)


def _context(settings: Settings, options: dict[str, str]) -> ssl.SSLContext:
    """Return what serves TLS, with the certificate that is given or one that is made."""
    from edge_runtime.bundle.defaults import data_folder
    from edge_runtime.web.tls import (
        certificate_fingerprint,
        names_of,
        own_certificate,
        server_context,
    )

    if "certificate" in options:
        certificate, key = Path(options["certificate"]), Path(options["key"])
    else:
        folder = data_folder()
        if folder is None:
            raise UsageError("--certificate", "none given, and there is no home", "give one")
        names = names_of(settings.host, settings.hosts)
        certificate, key = own_certificate(Path(folder), names)
    context = server_context(certificate, key)
    say(f"certificate: {certificate}")
    say(f"SHA-256: {certificate_fingerprint(certificate)}")
    return context
