"""Classify films on clinic hardware, from one bundle file.

Importing this package loads nothing else; the names below come from their modules when they are
first asked for. `Classifier` is the way in.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.answer.classifier import Classifier
    from edge_runtime.answer.classify import Answer
    from edge_runtime.errors import (
        EdgeError,
        FilmError,
        IntegrityError,
        MachineLacks,
        NoEngine,
        NotABundle,
        Refusal,
        UntrustedBundle,
        UsageError,
    )
    from edge_runtime.machine.many_films import measured_engine

__all__ = [
    "Answer",
    "Classifier",
    "EdgeError",
    "FilmError",
    "IntegrityError",
    "MachineLacks",
    "NoEngine",
    "NotABundle",
    "Refusal",
    "UntrustedBundle",
    "UsageError",
    "measured_engine",
]

_HOMES = {
    "Answer": "answer.classify",
    "Classifier": "answer.classifier",
    "measured_engine": "machine.many_films",
}


if not TYPE_CHECKING:  # or a misspelt name would pass the type checker

    def __getattr__(name: str) -> object:
        """Return one of `__all__` from the module it lives in."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
