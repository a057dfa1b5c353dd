"""Compressed frames that are not whole, by the structure of their code streams.

Decoders fill what is missing, each in its own way: of 80 films whose frames were torn at three
quarters 63 were answered, by the decoder that is asked when the first one refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    from pydicom.uid import UID

    from edge_runtime.film.jpeg import Decode

_DCT = (JPEGBaseline8Bit, JPEGExtended12Bit)
_LOSSLESS = (JPEGLossless, JPEGLosslessSV1)
_RLE_HEADER = 64
_RLE_HOLE = 257
"""Zero bytes in a row that no encoder of PackBits writes: its longest literal run has 128 bytes."""
_ZEROS = "a part of its compressed pixels is zeros"
_MORE = "it holds more compressed pixels than one frame"


def has_overwritten_part(frame: bytes, syntax: UID, decode: Decode) -> bool:
    """Tell whether a part of a frame without `damage` is zeros that no encoder wrote.

    `decode` reads this frame or another.
    """
    if syntax in _LOSSLESS:
        return not all(holds_its_samples(frame, *stretch) for stretch in jpeg.with_holes(frame))
    return syntax in _DCT and jpeg.is_overwritten(frame, decode)


def damage(frame: bytes, syntax: UID) -> str:
    """Return what the structure of the one frame says against it, or nothing."""
    if syntax == RLELossless:  # whose decoder compares the length of each segment
        return _ZEROS if bytes(_RLE_HOLE) in frame[_RLE_HEADER:] else ""
    if syntax in JPEG2000TransferSyntaxes:
        return jpeg_2000.damage(frame)
    if problem := jpeg.damage(frame):
        return problem
    stretches = [*jpeg.scans(frame)]
    first, end = stretches[0][0], stretches[-1][1]
    if frame[end + 2 :].strip(b"\0\xff"):
        return _MORE
    # A code of JPEG-LS begins with fewer than 32 zero bits, and at most 16 follow (T.87, A.5.3).
    if syntax in JPEGLSTransferSyntaxes and bytes(jpeg.HOLE) in frame[first:end]:
        return _ZEROS
    return ""
