"""What a film's file may cost before any decoder runs: each limit, and the real films behind it.

A decoder takes time and memory by what the structure of a file says: scans, chunks, tiles, items.
The modules that read a structure compare it with these numbers, and refuse with `too_large` or
`unreadable` what goes beyond. No real film under test comes near: the factor in hand stands beside
each limit.
"""

from __future__ import annotations

# DICOM. "Real" are the 145 pictures among the files under test and those that come with pydicom;
# sizes of single films from mammography and panoramic X-rays, the largest there are.

LARGEST_FILE = 128 << 20
"""Bytes of a DICOM file that is looked at. A film of `max_pixels` in 16 bits has 95 MiB."""

LARGEST_CODED = 40 << 20
"""Bytes of pixels in colour or compressed: they take five times as much memory. The largest
detectors, of 17 million pixels in 16 bits, give 34 MiB."""

MOST_CODED = 6
"""Bytes of a compressed frame for each of its pixels, with `SPARE_CODED` beside them. Real: 3 in
colour, which is not compressed at all."""

SPARE_CODED = 1 << 20
"""Bytes of a compressed frame that are not looked at: tables, colour profiles, filling."""

MOST_PIXELS_A_BYTE = 500
"""Pixels for each byte of a compressed frame of more than `FEW_PIXELS`: what holds fewer bytes is
one shade, or takes a decoder's time for nothing. Real: 9, factor 55; RLE gives at most 64."""

FEW_PIXELS = 1 << 20
"""Pixels that any decoder gives in a tenth of a second, however few bytes they are of."""

MOST_ELEMENTS = 50_000
"""Elements, items and delimiters of a file that are walked by. Real: 264, factor 190; private
elements by the thousand are allowed for."""

DEEPEST = 32
"""Sequences of undefined length within one another. Real: 4, factor 8."""

MOST_ITEMS = 128
"""Items of a sequence that is read, such as windows as tables. Real: 3, factor 40."""

LONGEST_VALUE = 1024
"""Bytes of an element that is read. Real: 30, factor 34; PS3.5 wants 16 to 64 for each value."""

LONGEST_TABLE = 128 << 10
"""Bytes of a lookup table or palette: 65,536 entries of 16 bits, beyond which no descriptor goes
(PS3.3 C.11.1.1.1). Real: 512, factor 256."""

MOST_ENTRIES = 1 << 16
"""Entries that a segmented palette unfolds to: no descriptor can tell of more."""

MOST_SEGMENTS = 1024
"""Segments of such a palette, each as often as it is repeated. A palette of 65,536 entries in
steps of 256 has 256, factor 4."""

MOST_FRAGMENTS = 16_384
"""Fragments of compressed pixels. Real: 1; pieces of 64 KiB make 640 of 40 MiB, factor 25."""

LONGEST_OFFSETS = 16 << 10
"""Bytes of a basic offset table: four for the one frame that is read, factor 4096."""

MOST_HEADER_SEGMENTS = 1024
"""Marker segments before the data of a compressed frame. Real: 9, factor 113."""

MOST_TILES = 4096
"""Tiles of a JPEG 2000 frame. Real: 1; tiles of 256 pixels make 400 of the largest film, factor
10. OpenJPEG keeps 9 KiB for each of them from the start."""

MOST_TILE_PARTS = 16_384
"""Tile-parts of a JPEG 2000 frame, four for each tile."""

MOST_PACKETS = 500_000
"""Packets of a JPEG 2000 frame: tiles, layers, components and precincts multiplied. Real: 1728; 400
tiles of 6 resolutions and 20 layers make 48,000, factor 10."""

MOST_CODE_BLOCKS = 1 << 18
"""Code-blocks of a JPEG 2000 frame. Real: 32 x 32 or 64 x 64 pixels each, of which the largest film
has 17,000, factor 15. OpenJPEG takes a KiB for each."""

MOST_CODES = 1 << 22
"""Samples of a lossless JPEG frame whose codes are walked by one by one: only where it has long
zeros, and its values do not tell already that it is whole."""
