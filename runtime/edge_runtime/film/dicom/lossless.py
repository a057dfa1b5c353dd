"""Whether a lossless JPEG frame holds as many samples as its header says (ITU-T T.81, annex H).

Asked only where its data have a long run of zeros: even borders are coded so, and so looks a part
that was overwritten. The number of samples tells them apart, which a decoder does not say.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np

from edge_runtime.film import jpeg
from edge_runtime.film.limits import MOST_CODES

Array = np.ndarray[Any, Any]

_LOSSLESS, _TABLES, _SCAN, _RESTART_INTERVAL = 0xC3, 0xC4, 0xDA, 0xDD
_WINDOW = 16  # bits that are looked at once: no code is longer (T.81, C.2)
_STRIP = 256  # rows whose codes are counted at once
_Sizes = dict[tuple[int, int], int]
"""Length and value of a code -> its bits, and those of the difference after it (T.81, H.1.2.2)."""


class _Table(NamedTuple):
    sizes: _Sizes
    categories: dict[int, int]
    """Category of a difference -> the bits of its code and of itself."""


class _Scan(NamedTuple):
    samples: int
    precision: int
    predictor: int
    table: _Table


def holds_its_samples(frame: bytes, start: int, end: int, values: Array) -> bool:
    """Tell whether the bytes from `start` to `end` code all samples of the frame, and nothing more.

    `values` are what a decoder made of them. Also true where it is not checked: several scans,
    tables or sampling factors, and restarts.
    """
    scan = _header(frame, start)
    if scan is None:
        return True
    data = frame[start:end].replace(b"\xff\x00", b"\xff")
    # A decoder in Python takes a second for each six million codes, so that the bits which the
    # values take are counted first.
    if (
        scan.predictor
        and values.ndim == 2
        and 0 <= 8 * len(data) - _bits_taken(values, scan) < _WINDOW
    ):
        return True
    return scan.samples <= MOST_CODES and _codes_as_many(data, scan.samples, scan.table.sizes)


def _bits_taken(values: Array, scan: _Scan) -> int:
    """Return how many bits the codes of all values take, 0 where that cannot be told."""
    taken = np.zeros(_WINDOW + 1, np.int64)
    for category, bits in scan.table.categories.items():
        taken[min(category, _WINDOW)] = bits
    counts = np.zeros(1 << _WINDOW, np.int64)
    mask = (1 << scan.precision) - 1
    above = np.zeros((0, values.shape[1]), np.int32)
    for top in range(0, len(values), _STRIP):
        strip = np.concatenate([above, values[top : top + _STRIP].astype(np.int32) & mask])
        differences = _differences(strip, scan, first=top == 0)
        counts += np.bincount(differences.astype(np.uint16).ravel(), minlength=1 << _WINDOW)
        above = strip[-1:]
    # Modulo 2^16, of which the half is the largest (H.1.2.1); its category is 16.
    every = np.arange(1 << _WINDOW)
    categories = np.frexp(np.minimum(every, (1 << _WINDOW) - every).astype(np.float32))[1]
    of_each = taken[categories]
    return int(counts @ of_each) if of_each[counts > 0].all() else 0


def _differences(strip: Array, scan: _Scan, *, first: bool) -> Array:
    """Return the samples less what is predicted of them (H.1.2.1, table H.1).

    Unless it is the first, a strip begins with the row above it, of which none are returned.
    """
    left, above = strip[:, :-1], strip[:-1]
    predicted = np.empty_like(strip)
    predicted[:1, :1] = 1 << scan.precision - 1
    predicted[:1, 1:] = left[:1]
    predicted[1:, 0] = above[:, 0]
    predicted[1:, 1:] = _predicted(scan.predictor, left[1:], above[:, 1:], above[:, :-1])
    differences: Array = strip - predicted
    return differences if first else differences[1:]


def _predicted(predictor: int, a: Array, b: Array, c: Array) -> Array:
    """Return what is predicted of samples by those left of them, above, and left above."""
    if predictor <= 3:
        return (a, b, c)[predictor - 1]
    mixed: Array = a + b - c if predictor == 4 else a + b >> 1
    if predictor == 5:
        mixed = a + (b - c >> 1)
    elif predictor == 6:
        mixed = b + (a - c >> 1)
    return mixed


def _codes_as_many(data: bytes, samples: int, sizes: _Sizes) -> bool:
    """Tell whether `data` hold the codes of so many samples, one after the other."""
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


def _header(frame: bytes, start: int) -> _Scan | None:
    """Return the number of samples and the one table of the scan that begins at `start`."""
    samples, components, precision, tables = 0, 0, 0, dict[int, _Table]()
    for kind, begin, end in jpeg.segments(frame):
        body = frame[begin + 2 : end]
        if kind == _LOSSLESS:
            precision, height, width, components = struct.unpack_from(">BHHB", body)
            if any(body[7 + 3 * n] != body[7] for n in range(components)):
                return None
            samples = height * width * components
        elif kind == _TABLES:
            tables.update(_tables(body))
        elif kind == _RESTART_INTERVAL and any(body):
            return None
        elif kind == _SCAN and samples:
            used = {body[2 + 2 * n] >> 4 for n in range(body[0])}
            if end != start or body[0] != components or not used <= tables.keys():
                return None
            predictor, point = body[1 + 2 * components], body[3 + 2 * components] & 0xF
            known = 1 <= predictor <= 7 and not point and 2 <= precision <= 16
            table = tables[used.pop()]
            return _Scan(samples, precision, predictor if known else 0, table) if not used else None
    return None


def _tables(body: bytes) -> dict[int, _Table]:
    """Return the tables of a DHT segment (T.81, B.2.4.2), their codes counted up as C.2 says."""
    tables: dict[int, _Table] = {}
    while len(body) > 17:
        code, symbols, table = 0, iter(body[17:]), tables.setdefault(body[0], _Table({}, {}))
        for length, count in enumerate(body[1:17], 1):
            for category in [next(symbols) for _ in range(count)]:
                # The largest difference, 32768, has no further bits.
                bits = length + (category if category < _WINDOW else 0)
                table.sizes[length, code] = bits
                table.categories[category] = bits
                code += 1
            code <<= 1
        body = body[17 + sum(body[1:17]) :]
    return tables
