"""The address that is printed is one that others can type."""

from __future__ import annotations

import ipaddress

from edge_runtime.web.server import reached_at


def test_an_address_that_was_named_is_printed_as_it_is() -> None:
    for host in ("127.0.0.1", "10.1.2.3", "::1", "films.clinic"):
        assert reached_at(host) == host


def test_of_all_addresses_one_of_this_machine_is_printed_or_none_is_made_up() -> None:
    shown = reached_at("0.0.0.0")  # noqa: S104
    assert ipaddress.ip_address(shown).version == 4
