"""Compressed frames that are not whole, by the structure of their code streams.

Decoders fill what is missing, each in its own way: of 80 films whose frames were torn at three
quarters 63 were answered, by the decoder that is asked when the first one refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.uid import (
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
    RLELossless,
)

from edge_runtime.film import jpeg
from edge_runtime.film.dicom import jpeg_2000
from edge_runtime.film.dicom.lossless import holds_its_samples

if TYPE_CHECKING:
    import numpy as np
    from pydicom.uid import UID

    from edge_runtime.film.jpeg import Decode

    Array = np.ndarray[Any, Any]

_DCT = (JPEGBaseline8Bit, JPEGExtended12Bit)
_LOSSLESS = (JPEGLossless, JPEGLosslessSV1)
_ZEROS = "a part of its compressed pixels is zeros"
MISSING = "a part of its compressed pixels is missing"
_MORE = "it holds more compressed pixels than one frame"


def unwritten_part(frame: bytes, syntax: UID, values: Array, decode: Decode, *, even: bool) -> str:
    """Return what is wrong with a frame that has no `damage`, judged by its pixels, or nothing.

    `values` are those of this frame, which `decode` reads as it does another; `even` tells whether
    the last pixels are of one shade.
    """
    if syntax in _LOSSLESS:
        stretches = (
            [stretch[:2] for stretch in jpeg.scans(frame)] if even else jpeg.with_holes(frame)
        )
        held = (holds_its_samples(frame, *stretch, values) for stretch in stretches)
        return "" if all(held) else MISSING
    if syntax in _DCT and jpeg.is_overwritten(frame, decode):
        return _ZEROS
    if even and syntax in (*_DCT, *JPEGLSTransferSyntaxes) and jpeg.runs_out(frame, decode):
        return MISSING
    return ""


def damage(frame: bytes, syntax: UID) -> str:
    """Return what is wrong with the structure of a frame, or nothing."""
    if syntax == RLELossless:
        return ""  # `rle.stored_values` tells
    if syntax in JPEG2000TransferSyntaxes:
        return jpeg_2000.damage(frame)
    if problem := jpeg.damage(frame):
        return problem
    stretches = [*jpeg.scans(frame)]
    first, end = stretches[0][0], stretches[-1][1]
    if b"\xff\xd8\xff" in frame[end + 2 :]:
        return _MORE
    # A code of JPEG-LS begins with fewer than 32 zero bits, and at most 16 follow (T.87, A.5.3).
    if syntax in JPEGLSTransferSyntaxes and bytes(jpeg.HOLE) in frame[first:end]:
        return _ZEROS
    return ""
