"""What comes from a process that read a hostile file is looked at like a file."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest

from edge_runtime.isolation.messages import Broken, receive, send


def message(text: bytes, data: bytes = b"", *, length: int | None = None, size: int = 0) -> BytesIO:
    lengths = struct.pack("<IQ", len(text) if length is None else length, size or len(data))
    return BytesIO(lengths + text + data)


@pytest.mark.parametrize("data", [b"", b"\0" * 1000])
def test_a_message_arrives_as_it_was_sent(data: bytes) -> None:
    stream = BytesIO()
    send(stream, {"path": "a\udcff", "digested": True, "limits": {"memory": 1}}, data)
    stream.seek(0)
    found = receive(stream, 1000)
    assert found == ({"path": "a\udcff", "digested": True, "limits": {"memory": 1}}, data)


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (BytesIO(), "the other side is gone"),
        (BytesIO(b"\1\2\3"), "the other side is gone"),
        (message(b"{}", length=3), "the other side is gone"),
        (message(b"{}", b"12", size=3), "the other side is gone"),
        (message(b"{}", length=1 << 31), "longer than any should be"),
        (message(b"{}", size=11), "longer than any should be"),
        (message(b"{"), "no JSON"),
        (message(b"\xff\xfe"), "no JSON"),
        (message(b"[" * 60_000), "no JSON"),
        (message(b"[]"), "no object"),
    ],
)
def test_what_is_no_message_breaks_the_exchange(stream: BytesIO, words: str) -> None:
    with pytest.raises(Broken, match=words):
        receive(stream, 10)
