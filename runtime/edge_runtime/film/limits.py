"""What a film's file may cost before any decoder runs: each limit, and the real films behind it.

A decoder takes time and memory by what the structure of a file says: scans, chunks, tiles, items.
The modules that read a structure compare it with these numbers, and refuse with `too_large` or
`unreadable` what goes beyond. No real film under test comes near: the factor in hand stands beside
each limit. Most of the real ones are plain, so what the standards' own encoders write counts, too.

docs/limits.md has them for readers; a test compares it.
"""

from __future__ import annotations

# Pictures: PNG, JPEG, TIFF, BMP, WebP, PGM and PPM

EXIF_BYTES = 64 << 10
"""Of EXIF, whose every number becomes an object; before Pillow 13 each tag is a copy of what it
points to, 90 MB of 64 KiB, where all point to the same. Real: 8,054, factor 8; the standard has it
in one segment of a JPEG, which is no longer."""

METADATA_BYTES = 8 << 20
"""Of all that is no pixels, which Pillow keeps. Real: 22,786; a colour profile of a printing press
takes 557 KiB: 15 times that."""

ENCODED_SLACK = 1 << 20
"""Bytes that encoded pixels may take beyond `ENCODED_TIMES`. Real: none."""

ENCODED_TIMES = 2
"""Times the bytes of the pixels themselves. No encoding makes them longer than 1.5 times; real
films take 0.5 bytes for a pixel."""

PNG_IMAGE_CHUNKS = 32_768
"""IDAT. Real: 3; libpng writes one for each 8 KiB, 12,000 for the largest film: 2.7 times that."""

PNG_OTHER_CHUNKS = 1_000
"""Real: 7; ImageMagick writes a text chunk for each of some hundred DICOM attributes."""

PNG_INFLATED_BYTES = 128 << 20
"""Of pixels, as the header says them. 50 million of 16 bits take 95 MiB, in colour of 8 bits 96."""

PNG_PACKED_CHUNKS = 64
"""Of zTXt, iTXt and iCCP, each of which Pillow inflates to up to 1 MiB. Real: 1."""

JPEG_SEGMENTS = 256
"""Before the first scan. Real: 12; a large colour profile takes 9 more: 12 times that."""

JPEG_HEADER_BYTES = 4 << 20
"""Of these segments. Real: 22,786: 180 times that."""

JPEG_FILE_BYTES = 96 << 20
"""To the end marker. Real: 196,653; noise of 49 million pixels at quality 100 takes 74 MiB."""

JPEG_BYTES_PER_PIXEL = 4
"""Real: 0.72; noise in three colours at quality 100 takes 3."""

JPEG_SCANS = 32
"""Real: 1; progressive encoders write 6 in grey and 10 in colour, optimising ones 12."""

JPEG_SCANNED_PIXELS = 400_000_000
"""Scans times pixels, as each scan visits every block: 8 scans of the largest film in grey, where
encoders write 6, and 15 of the largest in colour, which memory bounds."""

JPEG_MARKERS = 65_536
"""That end a stretch of data: restart markers, for the most part. Real: 1; one for each row of
blocks makes 884 in the largest square film: 74 times that."""

JPEG_LOOKED_INTO_PIXELS = 60_000_000
"""Stretches with a hole times pixels, as each takes three decodings: 3 of them up to 20 million."""

TIFF_ENTRIES = 512
"""In one directory. Pillow writes 13 and cameras 60: 8 times that."""

TIFF_PARTS = 16_384
"""Strips or tiles, over all planes. A strip for each of 8,000 rows: 2 times that; tiles of 256
pixels: 800 for the largest film."""

TIFF_PART_BYTES = 128 << 20
"""Of one strip or tile, decoded. A film of 50 million pixels of 16 bits in one strip takes 95
MiB."""

TIFF_TILED_PIXELS = 4_194_304
"""Of tiles outside the picture, beside as many as it has: one tile of 2048 x 2048."""

TIFF_NUMBERS = 262_144
"""Values of tags that are no bytes. A transfer curve takes 196,608."""

TIFF_FRACTIONS = 1_024
"""Values of tags that are fractions, each an object of some size. Cameras write 30: 30 times
that."""

WEBP_CHUNKS = 64
"""The format knows 7 of them, each once where the picture stands still."""

WEBP_PIXELS = 16_777_216
"""Pillow's decoder holds 16 bytes for each, 256 MiB in all; the format ends at 16383 x 16383."""

WEBP_LOSSLESS_PIXELS = 1 << 19
"""Where a set of codes for each 4 x 4 of them may take 6 KiB, which only decoding tells: 192 MiB.
No device stores films so; 1024 x 1024 pixels would take 396 MiB."""

PNM_STRETCHED_SAMPLES = 16_777_216
"""Where the greatest level is neither 255 nor 65535. The largest detectors have 16 million pixels,
of 12 or 14 bits."""

PNM_HEADER_BYTES = 65_536
"""With its comments. Pillow's own takes 15, GIMP's 60: 1,000 times that."""

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
