"""Whether a lossless JPEG frame holds as many samples as its header says (ITU-T T.81, annex H).

Asked only where its data have a long run of zeros: even borders are coded so, and so looks a part
that was overwritten. The number of samples tells them apart, which a decoder does not say.
"""

from __future__ import annotations

import struct

import numpy as np

from edge_runtime.film import jpeg

_LOSSLESS, _TABLES, _SCAN, _RESTART_INTERVAL = 0xC3, 0xC4, 0xDA, 0xDD
_WINDOW = 16  # bits that are looked at once: no code is longer (T.81, C.2)
_Sizes = dict[tuple[int, int], int]
"""Length and value of a code -> its bits, and those of the difference after it (T.81, H.1.2.2)."""


def holds_its_samples(frame: bytes, start: int, end: int) -> bool:
    """Tell whether the bytes from `start` to `end` code all samples of the frame, and nothing more.

    Also true where it is not checked: several scans, tables or sampling factors, and restarts.
    """
    header = _header(frame, start)
    if header is None:
        return True
    samples, sizes = header
    data = frame[start:end].replace(b"\xff\x00", b"\xff")
    last, place = 8 * len(data), 0
    # Three bytes at each place, of which sixteen bits are looked at: 24 less the bits before them.
    octets = np.frombuffer(data + b"\xff\xff\xff", np.uint8).astype(np.uint32)
    triples = (octets[:-2] << 16 | octets[1:-1] << 8 | octets[2:]).data
    steps = [0] * (1 << _WINDOW)  # a step's codes, and its bits above them; 0 is not known yet
    while samples >= _WINDOW and place < last:
        window = triples[place >> 3] >> 8 - (place & 7) & 0xFFFF
        step = steps[window]
        if not step:
            count, bits = _step(window, sizes, _WINDOW)
            if not count:
                return False
            step = steps[window] = bits << 8 | count
        samples -= step & 0xFF
        place += step >> 8
    while samples and place < last:
        window = triples[place >> 3] >> 8 - (place & 7) & 0xFFFF
        count, bits = _step(window, sizes, samples)
        if not count:
            return False
        samples, place = samples - count, place + bits
    return not samples and 0 <= last - place < _WINDOW


def _step(window: int, sizes: _Sizes, most: int) -> tuple[int, int]:
    """Return how many codes begin in a window, at most `most`, and how many bits they take."""
    count = bits = 0
    while bits < _WINDOW and count < most:
        left = _WINDOW - bits
        rest = window & (1 << left) - 1
        codes = ((length, rest >> left - length) for length in range(1, left + 1))
        size = next((sizes[code] for code in codes if code in sizes), None)
        if size is None:
            break
        count, bits = count + 1, bits + size
    return count, bits


def _header(frame: bytes, start: int) -> tuple[int, _Sizes] | None:
    """Return the number of samples and the one table of the scan that begins at `start`."""
    samples, components, sizes = 0, 0, dict[int, _Sizes]()
    for kind, begin, end in jpeg.segments(frame):
        body = frame[begin + 2 : end]
        if kind == _LOSSLESS:
            height, width, components = struct.unpack_from(">HHB", body, 1)
            if any(body[7 + 3 * n] != body[7] for n in range(components)):
                return None
            samples = height * width * components
        elif kind == _TABLES:
            sizes.update(_tables(body))
        elif kind == _RESTART_INTERVAL and any(body):
            return None
        elif kind == _SCAN and samples:
            tables = {body[2 + 2 * n] >> 4 for n in range(body[0])}
            if end != start or body[0] != components or not tables <= sizes.keys():
                return None
            return (samples, sizes[tables.pop()]) if len(tables) == 1 else None
    return None


def _tables(body: bytes) -> dict[int, _Sizes]:
    """Return the tables of a DHT segment (T.81, B.2.4.2), their codes counted up as C.2 says."""
    tables: dict[int, _Sizes] = {}
    while len(body) > 17:
        code, symbols, table = 0, iter(body[17:]), tables.setdefault(body[0], {})
        for length, count in enumerate(body[1:17], 1):
            for category in [next(symbols) for _ in range(count)]:
                # The largest difference, 32768, has no further bits.
                table[length, code] = length + (category if category < _WINDOW else 0)
                code += 1
            code <<= 1
        body = body[17 + sum(body[1:17]) :]
    return tables
