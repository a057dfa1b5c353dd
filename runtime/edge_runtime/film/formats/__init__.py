"""One module for each picture format: what its grammar lets a file cost, before a decoder runs.

Each has `judge(stream, subject, preprocess)`, which reads the structure of the file and none of
its pixels, refuses what is beyond `film/limits.py` or torn, and returns the stream, at its
beginning, that Pillow's plug-in is to read: the same one, or one of the bytes that are needed.
`film/decode.py` imports the module of the format at hand alone. JPEG code streams, which DICOM has
too, are read by `film/jpeg.py`.
"""

from __future__ import annotations
