"""Who signed a bundle, as everything that answers tells it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SHORT = 16
"""Digits of a key's id that people are shown."""


class Signers:
    """The ids of the keys that signed a bundle's `model` and its `decision`, or None.

    `are_trusted` tells whether the policy of this machine knows both keys, each in its role;
    `are_checked` whether signatures could be verified here at all; `names` are what the policy
    calls keys, by id.
    """

    __slots__ = ("are_checked", "are_trusted", "decision", "model", "names")

    def __init__(
        self,
        model: str | None = None,
        decision: str | None = None,
        *,
        are_trusted: bool = False,
        are_checked: bool = True,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.model = model
        self.decision = decision
        self.are_trusted = are_trusted
        self.are_checked = are_checked
        self.names = dict(names or {})

    def to_json(self) -> dict[str, object] | None:
        """Return who signed; None where nobody is known to have."""
        if not self.are_checked or self.model is self.decision is None:
            return None
        return {"model": self.model, "decision": self.decision, "trusted": self.are_trusted}

    def words(self, key: str | None) -> str:
        """Return in words whose signature `key` is, by the policy's name for it."""
        if not self.are_checked:
            return "signed, but nobody checked it here"
        if key is None:
            return "not signed"
        name = self.names.get(key)
        return f"signed by {name} ({key[:SHORT]})" if name else f"signed by {key[:SHORT]}, unknown"
