"""A DICOM film is what a viewer shows of it, in every encoding, or a refusal that tells nothing."""

from __future__ import annotations

import random
import re
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from dicom_films import dicom_film, lookup_table
from edge_runtime.bundle.records import IntendedUse, Preprocess
from edge_runtime.cures import installing
from edge_runtime.errors import FilmError, MachineLacks, Refusal
from edge_runtime.film.dicom import frame
from edge_runtime.film.preprocess import film_pixels, film_stages, standard
from tiny_bundle import encoded, film_array

RECIPE = standard(64, 64)
GREY = film_array()
TWELVE = GREY.astype("u2") * 16
USE = IntendedUse(modality="xray", body_parts=("CHEST",), views=("PA", "AP"), youngest=18,
                  oldest=150)  # fmt: skip


def png(levels: np.ndarray[Any, Any]) -> bytes:
    return encoded(Image.fromarray(levels))


def pixels(film: bytes | Path, recipe: Preprocess = RECIPE) -> np.ndarray[Any, Any]:
    return np.frombuffer(film_pixels(film, recipe), np.uint8).astype(int)


def apart(one: bytes | Path, other: bytes | Path) -> int:
    return int(np.abs(pixels(one) - pixels(other)).max())


def decoded(film: bytes) -> Image.Image:
    return next(film_stages(film, RECIPE))[1]


def packed(image: Image.Image, form: str, **options: Any) -> bytes:
    return bytes(encapsulate([encoded(image, form, **options)]))


def own_file(name: str) -> Path:
    """Return a file that comes with pydicom."""
    return Path(str(pydicom.data.get_testdata_file(name, download=False)))


SAME: dict[str, bytes] = {
    "explicit little endian": dicom_film(GREY),
    "implicit little endian": dicom_film(GREY, ImplicitVRLittleEndian),
    "big endian": dicom_film(GREY, ExplicitVRBigEndian),
    "without preamble": dicom_film(GREY)[132:],
    "without preamble and meta": dicom_film(GREY)[dicom_film(GREY).index(b"\x08\0\x16\0UI") :],
    "implicit and without meta": dicom_film(GREY, ImplicitVRLittleEndian)[
        dicom_film(GREY, ImplicitVRLittleEndian).index(b"\x08\0\x16\0\x1a\0\0\0") :
    ],
    "signed": dicom_film((GREY.astype(int) - 128).astype("i1")),
    "inverted": dicom_film(255 - GREY, PhotometricInterpretation="MONOCHROME1"),
    "rescaled": dicom_film(GREY, RescaleSlope=4, RescaleIntercept=-1000),
    "rescaled by a negative slope": dicom_film(255 - GREY, RescaleSlope=-2, RescaleIntercept=9),
    "rescaled and windowed by a negative slope": dicom_film(
        255 - GREY, RescaleSlope=-2, RescaleIntercept=0, WindowCenter=-255, WindowWidth=511
    ),
    "a window of all": dicom_film(GREY, WindowCenter=128, WindowWidth=256),
    "exactly a window of all": dicom_film(
        GREY, WindowCenter=127.5, WindowWidth=255, VOILUTFunction="LINEAR_EXACT"
    ),
    "the first of two windows": dicom_film(GREY, WindowCenter=[128, 9], WindowWidth=[256, 2]),
    "an identical table": dicom_film(GREY, VOILUTSequence=lookup_table(np.arange(256), 0, 8)),
    "grey in three samples": dicom_film(np.stack([GREY] * 3, axis=2)),
    "grey in three planes": dicom_film(
        np.stack([GREY] * 3, axis=2), PlanarConfiguration=1, PixelData=GREY.tobytes() * 3
    ),
    "ybr": dicom_film(
        np.stack([GREY, GREY * 0 + 128, GREY * 0 + 128], axis=2),
        PhotometricInterpretation="YBR_FULL",
    ),
    "a secondary capture": dicom_film(GREY, Modality="OT"),
    "of no modality": dicom_film(GREY, Modality=None),
}


@pytest.mark.parametrize("name", SAME)
def test_every_encoding_of_a_film_gives_the_pixels_of_its_png(name: str) -> None:
    assert apart(SAME[name], png(GREY)) == 0
    assert film_pixels(SAME[name], RECIPE, USE) == film_pixels(png(GREY), RECIPE)


WIDE: dict[str, bytes] = {
    "12 bits": dicom_film(TWELVE, BitsStored=12),
    "12 bits, big endian": dicom_film(TWELVE, ExplicitVRBigEndian, BitsStored=12),
    "16 bits": dicom_film(TWELVE),
    "16 bits, signed": dicom_film((TWELVE.astype(int) - 2048).astype("i2")),
    "12 bits, signed": dicom_film((TWELVE.astype(int) - 2048).astype("i2"), BitsStored=12),
    "an overlay in the unused bits": dicom_film(
        TWELVE | (film_array(seed=3) % 16).astype("u2") << 12, BitsStored=12
    ),
    "12 bits, left in 16": dicom_film(TWELVE << 4, BitsStored=12, HighBit=15),
    "12 bits, inverted": dicom_film(
        4095 - TWELVE, BitsStored=12, PhotometricInterpretation="MONOCHROME1"
    ),
}


@pytest.mark.parametrize("name", WIDE)
def test_more_bits_give_the_pixels_of_the_16_bit_png(name: str) -> None:
    assert apart(WIDE[name], png(TWELVE)) <= 1


def table_of(film: bytes, levels: np.ndarray[Any, Any]) -> dict[int, int]:
    """Return which grey level each stored value became."""
    return dict(zip(levels.ravel().tolist(), np.asarray(decoded(film)).ravel().tolist(),
                    strict=True))  # fmt: skip


def test_modality_then_voi_then_inversion() -> None:
    # 2 * g + 10 is modality, 110..310 the window: g <= 50 is black, g >= 150 white, then inverted.
    film = dicom_film(GREY, RescaleSlope=2, RescaleIntercept=10, WindowCenter=210, WindowWidth=200,
                      VOILUTFunction="LINEAR_EXACT",
                      PhotometricInterpretation="MONOCHROME1")  # fmt: skip
    found = table_of(film, GREY)
    wanted = {g: 255 - min(255, max(0, 255 * (g - 50) / 100)) for g in found}
    assert all(abs(found[g] - wanted[g]) <= 0.5 for g in found)
    assert len(set(found.values())) > 50


def test_a_sigmoid_is_that_of_the_standard() -> None:
    found = table_of(
        dicom_film(GREY, WindowCenter=128, WindowWidth=100, VOILUTFunction="SIGMOID"), GREY
    )
    raw = 1 / (1 + np.exp(-4 * (np.arange(256) - 128) / 100))
    wanted = (raw - raw[0]) / (raw[-1] - raw[0]) * 255
    assert all(abs(found[g] - wanted[g]) <= 0.5001 for g in found)


def test_tables_stand_for_their_values_and_end_in_their_ends() -> None:
    modality = lookup_table(np.arange(4096) // 2, 0, 16)
    # A table of eight bits for 1,000 values: where pydicom's own function overflows.
    voi = lookup_table(np.arange(1000) * 255 // 999, 500, 8)
    film = dicom_film(TWELVE, BitsStored=12, ModalityLUTSequence=modality, VOILUTSequence=voi)
    found = table_of(film, TWELVE)
    wanted = {g: min(999, max(0, g // 2 - 500)) * 255 // 999 / 255 * 4095 for g in found}
    assert all(abs(found[g] - wanted[g]) <= 0.5001 for g in found)


def test_a_table_begins_at_a_number_as_signed_as_what_goes_in() -> None:
    voi = lookup_table(np.arange(1024), -1000, 16)
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):  # which has no room for types
        film = dicom_film(GREY, syntax, RescaleSlope=4, RescaleIntercept=-1000, VOILUTSequence=voi)
        assert apart(film, png(GREY)) == 0
    high = lookup_table(np.arange(256), 40_000, 16)
    modality = lookup_table(np.arange(40_000, 40_256), -128, 16)
    signed = (GREY.astype(int) - 128).astype("i1")
    film = dicom_film(
        signed, ImplicitVRLittleEndian, ModalityLUTSequence=modality, VOILUTSequence=high
    )
    assert apart(film, png(GREY)) == 0


def test_what_lies_before_a_second_table_gets_its_first_entry() -> None:
    modality, voi = lookup_table(np.arange(256), 0, 16), lookup_table(np.arange(156), 100, 8)
    tables = {"ModalityLUTSequence": modality, "VOILUTSequence": voi}
    found = table_of(dicom_film(GREY, ImplicitVRLittleEndian, **tables), GREY)
    assert all(abs(found[g] - max(0, g - 100) * 255 / 155) <= 0.5001 for g in found)
    assert min(found) < 100 < max(found)


def test_a_window_without_a_function_is_linear() -> None:
    window: dict[str, Any] = {"WindowCenter": 128, "WindowWidth": 100}
    for empty in (None, ""):
        film = with_types(dicom_film(GREY, **window), {"VOILUTFunction": ("CS", empty)})
        assert table_of(film, GREY) == table_of(dicom_film(GREY, **window), GREY)


def test_padding_does_not_move_the_percentiles() -> None:
    padded = TWELVE.astype("i2")
    padded[:, :20] = -2000
    darkest = TWELVE.copy()
    darkest[:, :20] = TWELVE[:, 20:].min()
    film = dicom_film(padded, PixelPaddingValue=-2000)
    assert apart(film, png(darkest)) <= 1
    assert apart(dicom_film(padded), png(darkest)) > 20
    padded[:, :10] = -1900
    ranged = dicom_film(padded, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1900)
    assert apart(ranged, png(darkest)) <= 1
    implicit = dicom_film(padded, ImplicitVRLittleEndian, PixelPaddingValue=-2000,
                          PixelPaddingRangeLimit=-1900)  # fmt: skip
    assert apart(implicit, png(darkest)) <= 1


Header = dict[str, tuple[str, object]]
ODD_PADDING: dict[str, tuple[np.ndarray[Any, Any], int, Header]] = {
    "signed pixels, unsigned padding": (
        TWELVE.astype("i2"), -2000, {"PixelPaddingValue": ("US", 65536 - 2000)},
    ),
    "unsigned pixels, signed padding": (TWELVE, 65535, {"PixelPaddingValue": ("SS", -1)}),
    "a limit without a value": (
        TWELVE, 65535, {"PixelPaddingValue": ("US", 65535), "PixelPaddingRangeLimit": ("US", None)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_PADDING)
def test_padding_is_known_by_its_bits_whatever_type_it_is_given(name: str) -> None:
    levels, fill, header = ODD_PADDING[name]
    padded, darkest = levels.copy(), TWELVE.copy()
    padded[:, :20], darkest[:, :20] = fill, TWELVE[:, 20:].min()
    assert apart(with_types(dicom_film(padded), header), png(darkest)) <= 1


def with_types(film: bytes, header: Header) -> bytes:
    """Return `film` with these elements in its header, each of the type given with its value."""
    read = pydicom.dcmread(BytesIO(film))
    for keyword, (kind, value) in header.items():
        read.add_new(keyword, kind, value)
    stream = BytesIO()
    read.save_as(stream)
    return stream.getvalue()


def test_a_palette_is_looked_up() -> None:
    elements: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        data = (np.arange(256)[::-1] * 257).astype("<u2").tobytes()
        elements[f"{colour}PaletteColorLookupTableData"] = data
    assert apart(dicom_film(255 - GREY, **elements), png(GREY)) == 0


def rle(levels: np.ndarray[Any, Any], **elements: Any) -> bytes:
    film = pydicom.dcmread(BytesIO(dicom_film(levels, **elements)))
    film.compress(RLELossless, encoding_plugin="pydicom")
    stream = BytesIO()
    film.save_as(stream)
    return stream.getvalue()


def jpeg(**elements: Any) -> bytes:
    data = packed(Image.fromarray(GREY), "JPEG", quality=95)
    return dicom_film(GREY, JPEGBaseline8Bit, PixelData=data, **elements)


def jpeg_2000(levels: np.ndarray[Any, Any], **elements: Any) -> bytes:
    data = packed(Image.fromarray(levels), "JPEG2000", no_jp2=True, irreversible=False)
    return dicom_film(levels, JPEG2000Lossless, PixelData=data, **elements)


def test_compressed_pixels_are_those_of_the_film() -> None:
    assert apart(rle(GREY), png(GREY)) == 0
    assert apart(rle(TWELVE, BitsStored=12), png(TWELVE)) <= 1
    assert apart(jpeg_2000(GREY), png(GREY)) == 0
    assert apart(jpeg_2000(TWELVE), png(TWELVE)) <= 1
    assert apart(jpeg(), png(GREY)) <= 6


@pytest.mark.parametrize(
    "name",
    ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm", "MR_small_implicit.dcm",
     "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"],
)  # fmt: skip
def test_each_encoding_of_one_slice_is_the_same_slice(name: str) -> None:
    assert apart(own_file(name), own_file("MR_small.dcm")) == 0


def test_lossless_jpeg_and_jpeg_of_twelve_bits_are_read() -> None:
    recipe = Preprocess(**{**standard(64, 64, channels=3).to_json(), "max_chroma": 255})
    lossless = film_pixels(own_file("SC_rgb_jpeg_gdcm.dcm"), recipe)
    assert lossless == film_pixels(own_file("SC_rgb_rle.dcm"), recipe)
    twelve = next(film_stages(own_file("JPGExtended.dcm"), RECIPE))[1]
    assert np.asarray(twelve).max() > 255


NOT_READ: list[tuple[str, bytes | Path, str, str]] = [
    ("report", own_file("test-SR.dcm"), "unreadable", "without a picture"),
    ("directory", own_file("DICOMDIR"), "unreadable", "without a picture"),
    ("deflated", own_file("image_dfl.dcm"), "unreadable", "deflated"),
    ("frames", own_file("SC_rgb_rle_2frame.dcm"), "unreadable", "more than one frame"),
    ("32 bits", own_file("rtdose_1frame.dcm"), "unreadable", "16 bits"),
    ("torn header", dicom_film(GREY)[:300], "unreadable", "without a picture"),
    ("torn pixels", dicom_film(GREY)[:-9], "unreadable", "torn off"),
    ("torn jpeg", jpeg()[:1500], "unreadable", "torn off"),
    ("magic alone", bytes(128) + b"DICM", "unreadable", "without a picture"),
    ("noise", bytes(128) + b"DICM" + random.Random(0).randbytes(999), "unreadable", ""),
    ("no rows", dicom_film(GREY, Rows=None), "unreadable", "Rows is missing"),
    ("unknown encoding", dicom_film(GREY).replace(b".10008.1.2.1\0", b".10008.9.9.9\0"),
     "unreadable", "a transfer syntax that is not known here"),
    ("small", dicom_film(GREY[:40]), "too_small", "96 x 40"),
    ("header of a huge film", dicom_film(GREY, Rows=60000, Columns=60000), "too_large", "60000 x"),
    ("header of a large jpeg", jpeg(Rows=7000, Columns=7000), "too_large", "46 MiB"),
    ("jpeg of another size", jpeg(Rows=81), "unreadable", "not of the size"),
    ("more bits than said", jpeg_2000(TWELVE, BitsStored=10), "unreadable", "more bits"),
    ("even", dicom_film(GREY * 0 + 9), "blank", "one even shade"),
    ("colour", dicom_film(np.stack([GREY, GREY // 2, GREY // 4], 2)), "colour_photo", "colour"),
]  # fmt: skip


@pytest.mark.parametrize(("film", "reason", "problem"), [row[1:] for row in NOT_READ],
                         ids=[row[0] for row in NOT_READ])  # fmt: skip
def test_what_cannot_be_judged_is_refused(film: bytes | Path, reason: str, problem: str) -> None:
    with pytest.raises(Refusal) as caught:
        film_pixels(film, RECIPE)
    assert (caught.value.reason, "\n" in str(caught.value)) == (reason, False)
    assert problem in caught.value.problem
    assert caught.value.cure


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(dicom_film(GREY))
    with path.open("r+b") as film:
        film.truncate(129 << 20)  # a hole, which takes no room
    with pytest.raises(Refusal, match="more than 128 MiB") as caught:
        film_pixels(path, RECIPE)
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("module", ["pydicom", "numpy"])
def test_what_is_not_installed_is_named_with_its_cure(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        one
        for one in sys.modules
        if one.startswith(("edge_runtime.film.dicom", f"{module}.")) or one == module
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MachineLacks, match=re.escape(f"; {installing('dicom')}")):
        film_pixels(SAME["explicit little endian"], RECIPE)


def test_a_missing_decoder_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "_DECODERS", ())
    with pytest.raises(MachineLacks, match=f"JPEG Baseline.*{re.escape(installing('dicom'))}"):
        film_pixels(jpeg(), RECIPE)


def test_mutated_files_are_read_or_refused_and_nothing_else() -> None:
    chance = random.Random(7)
    for whole in (SAME["implicit little endian"], rle(GREY[:64, :64]), jpeg(), WIDE["12 bits"]):
        for _ in range(60):
            film = bytearray(whole)
            for _ in range(chance.choice((1, 2, 8))):
                film[chance.randrange(132, chance.choice((700, len(film))))] = chance.randrange(256)
            try:
                film_pixels(bytes(film), RECIPE, USE)
            except FilmError as error:
                assert isinstance(error, Refusal), error


def test_a_program_that_turns_warnings_into_errors_reads_the_same_film() -> None:
    odd = dicom_film(GREY, SpecificCharacterSet="ISO_IR 100").replace(b"ISO_IR 100", b"ISO_IR 999")
    assert film_pixels(odd, RECIPE, USE) == film_pixels(png(GREY), RECIPE)
