"""Small valid films and one small valid bundle, to be damaged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from edge_export.signing.sign import signatures_of
from edge_runtime.bundle import archive
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import canonical
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.trust.statement import DECISION, MODEL
from fuzz.mutate import ANY, damaged
from sample_bundle import MEMBERS, sample_fields
from signing_keys import VENDOR

SIDE = 40


def pictures() -> Iterator[bytes]:
    """Yield films of every kind that Pillow writes and the runtime reads."""
    grey = Image.radial_gradient("L").resize((SIDE, SIDE + 8))
    wide = Image.frombytes("I;16", grey.size, b"".join(bytes((g, g)) for g in grey.tobytes()))
    modes = {mode: grey.convert(mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK")}
    modes |= {"I;16": wide, "F": grey.convert("F"), "I": grey.convert("I")}
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds: list[tuple[str, str, dict[str, Any]]] = [
        *(("PNG", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        *(("JPEG", mode, {"exif": exif}) for mode in ("L", "RGB", "CMYK")),
        ("JPEG", "L", {"progressive": True}),
        *(("TIFF", mode, {}) for mode in ("1", "L", "RGB", "CMYK", "I;16", "F", "I", "P")),
        *(("TIFF", "L", {"compression": one}) for one in
          ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
        *(("TIFF", "1", {"compression": one}) for one in ("group3", "group4")),
        *(("WEBP", mode, {"lossless": lossless}) for mode in ("RGB", "RGBA")
          for lossless in (True, False)),
        *(("BMP", mode, {}) for mode in ("1", "L", "RGB")),
        *(("PPM", mode, {}) for mode in ("1", "L", "RGB")),
    ]  # fmt: skip
    for form, mode, options in kinds:
        stream = BytesIO()
        modes[mode].save(stream, form, **options)
        yield stream.getvalue()


def dicoms() -> Iterator[bytes]:
    """Yield DICOM films: plain, 16 bits, inverted, with windows and tables, and compressed."""
    from pydicom import uid

    grey = Image.radial_gradient("L").resize((SIDE, SIDE)).tobytes()
    wide = b"".join(bytes((g, g >> 4)) for g in grey)
    jpeg = BytesIO()
    Image.frombytes("L", (SIDE, SIDE), grey).save(jpeg, "JPEG")
    j2k = BytesIO()
    Image.frombytes("L", (SIDE, SIDE), grey).save(j2k, "JPEG2000", no_jp2=True)
    cases: list[tuple[Any, bytes, dict[str, Any]]] = [
        (uid.ExplicitVRLittleEndian, grey, {}),
        (uid.ImplicitVRLittleEndian, grey, {"PhotometricInterpretation": "MONOCHROME1"}),
        (uid.ExplicitVRLittleEndian, wide, {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11,
         "WindowCenter": "2000", "WindowWidth": "3000", "RescaleSlope": "2",
         "RescaleIntercept": "-1024", "PixelRepresentation": 1}),
        (uid.DeflatedExplicitVRLittleEndian, grey, {}),
        (uid.JPEGBaseline8Bit, jpeg.getvalue(), {}),
        (uid.JPEG2000Lossless, j2k.getvalue(), {}),
        (uid.RLELossless, _rle(grey), {}),
    ]  # fmt: skip
    for syntax, pixels, changes in cases:
        yield _dicom(syntax, pixels, changes)


def _dicom(syntax: Any, pixels: bytes, changes: Mapping[str, Any]) -> bytes:
    """Return a grey film in the transfer syntax, its header with `changes`."""
    from pydicom import uid
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate

    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = syntax
    film.SOPClassUID = uid.DigitalXRayImageStorageForPresentation
    film.SOPInstanceUID = uid.UID("1.2.3")
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID
    film.Modality, film.BodyPartExamined, film.ViewPosition = "DX", "CHEST", "PA"
    film.PatientAge, film.Rows, film.Columns = "040Y", SIDE, SIDE
    film.SamplesPerPixel, film.PixelRepresentation = 1, 0
    film.BitsAllocated = film.BitsStored = 8
    film.HighBit, film.PhotometricInterpretation = 7, "MONOCHROME2"
    for name, value in changes.items():
        setattr(film, name, value)
    if syntax.is_compressed and syntax.is_encapsulated:
        film.PixelData = encapsulate([pixels])
        film["PixelData"].is_undefined_length = True
    else:
        film.PixelData = pixels
    film["PixelData"].VR = "OW" if film.BitsAllocated == 16 else "OB"
    stream = BytesIO()
    film.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _rle(grey: bytes) -> bytes:
    """Return one segment of literal runs (DICOM PS3.5, annex G)."""
    rows = (grey[at : at + 100] for at in range(0, len(grey), 100))
    segment = b"".join(bytes([len(row) - 1]) + row for row in rows)
    return (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56) + segment


def bundle() -> bytes:
    """Return the sample bundle as a zip, signed."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.edge"
        write_bundle(
            path, sample_fields(), MEMBERS,
            lambda manifest: signatures_of(manifest, VENDOR, MODEL, DECISION),
        )  # fmt: skip
        return path.read_bytes()


def damaged_bundle(seed: bytes, chance: Random) -> bytes:
    """Return a damaged bundle: any bytes of it, or its manifest with every digest made right."""
    if chance.random() < 0.5:
        return bytes(damaged(seed, chance, [seed], ANY))
    contents = contents_of(seed)
    document = json.loads(contents[archive.MANIFEST])
    document.pop("identity")
    for _ in range(chance.choice((1, 1, 2, 4))):
        warp(document, chance)
    manifest = canonical_or_not(document, chance)
    names = [(name, manifest if name == archive.MANIFEST else data)
             for name, data in contents.items()]  # fmt: skip
    if chance.random() < 0.2:
        name, data = names[chance.randrange(len(names))]
        names[names.index((name, data))] = (chance.choice((name, "../x", "a/b", "\xff")), data)
    return b"".join(archive.encode(names))


def contents_of(seed: bytes) -> dict[str, bytes]:
    """Return the files of a bundle by their names."""
    stored = archive.decode(lambda start, size: seed[start : start + size], len(seed), "seed")
    return {one.name: seed[start : start + one.length] for one, start in stored}


def canonical_or_not(document: dict[str, Any], chance: Random) -> bytes:
    """Return JSON with the identity it has to have, damaged once in five times."""
    try:
        identity = sha256(canonical(document))
        data = canonical({**document, "identity": identity})
    except (ValueError, TypeError, RecursionError):
        data = b'{"schema":1}'
    return bytes(damaged(data, chance, [data], ANY)) if chance.random() < 0.2 else data


VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.5, 1e308, -0.0, 10**30, "", "x", "../x", "\0", "é", "\ud800",
    "a" * 5000, [], {}, [[]], {"": {}}, [1] * 500, "1" * 64, "0.0.0", 2**63,
)  # fmt: skip


def warp(value: Any, chance: Random) -> None:
    """Change something somewhere below a JSON object or array."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(value[key], dict | list) and value[key] and chance.random() < 0.8:
            value = value[key]
            continue
        deed = chance.random()
        if deed < 0.6:
            value[key] = chance.choice(VALUES)
        elif deed < 0.75:
            del value[key]
        elif isinstance(value, dict):
            value[chance.choice(("x", "", "schema", "file", str(key) + "x"))] = value[key]
        else:
            value.append(value[key])
        return
