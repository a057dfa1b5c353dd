"""`edge-run demo-clinic`: a page with generated films to try."""

from __future__ import annotations

from pathlib import Path

import edge_runtime
from edge_runtime.commands import only_bundle
from edge_runtime.commands.serve import begin, opened, require_packages, settings_of

OPTIONS = ("bundle=", "engine=", "host=", "port=", "name=", "no-tls")
USAGE = """\
usage: edge-run demo-clinic [BUNDLE] [--port P] [--host H]

Serve the page with generated films to try, which /demo lists. In a checkout the
bundle is the one for clinics that lies in models/. With --host the address that
is printed lets one browser in, once.

  --bundle B  the bundle, like BUNDLE
  --engine E  as of classify
  --host H    the address that others reach the page at; 0.0.0.0 is all
  --port P    the port, 8417 if none is given
  --name N,N  more names that the page is called by, as in a browser
  --no-tls    serve others without TLS

Exit status: as of serve.
"""
_SHIPPED = "clinic-xray-0.2.2.edge"


def run(paths: list[str], options: dict[str, str]) -> int:
    """Serve a page for a demonstration until a signal ends it."""
    require_packages("demo-clinic")
    from edge_runtime.web.demo import Demo
    from edge_runtime.web.passwords import new_token

    settings = settings_of(options, demo=True)
    bundle = only_bundle(paths, options) or _shipped()
    once = new_token() if settings.login else None
    with opened(bundle, options, settings) as films:
        begin(films, settings, options, once=once, more=Demo(films.bundle).routes())
    return 0


def _shipped() -> str | None:
    """Return the bundle of the checkout that this package lies in, if it lies in one."""
    path = Path(edge_runtime.__file__).parents[2] / "models" / _SHIPPED
    return str(path) if path.is_file() else None
