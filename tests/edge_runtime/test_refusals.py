"""What is no film is refused for a documented reason, before it costs memory."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.config
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr._snomed_dict import mapping as older
from pydicom.sr.codedict import codes

from dicom_films import dicom_film, with_bytes
from edge_runtime.bundle.records import IntendedUse
from edge_runtime.errors import REFUSALS, FilmError, MachineLacks, Refusal
from edge_runtime.film.dicom.intended_use import refuse_foreign
from edge_runtime.film.preprocess import film_pixels, standard
from tiny_bundle import encoded, environment, film_array, film_image

RECIPE = standard(64, 64)


def png(width: int, height: int, data: bytes) -> bytes:
    """Return a grey 8-bit PNG of that size with `data` as its compressed rows."""
    chunks = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    for name, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")):
        crc = zlib.crc32(name + body)
        chunks += struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)
    return chunks


def spoiled(value: float) -> bytes:
    """Return a float TIFF one pixel of which is `value`."""
    levels = film_array().astype(np.float32)
    levels[40, 40] = value
    return encoded(Image.fromarray(levels), "TIFF")


def view_code(value: str) -> Sequence:
    """Return a View Code Sequence of one code."""
    item = Dataset()
    item.CodeValue = value
    return Sequence([item])


def header_of(elements: dict[str, Any]) -> bytes:
    """Return a film with these elements in its header, some of which are none of the standard's."""
    with pydicom.config.disable_value_validation():
        return dicom_film(film_array(), **{"Modality": "CR", **elements})


FILM = film_image()
SEVERAL = [film_image(seed=8)]
COLOURED = Image.merge("RGB", (FILM, FILM.point(lambda grey: grey // 2), FILM.rotate(180)))
EVEN = Image.new("L", (96, 80), 128)
NEARLY_EVEN = np.full((80, 96), 30000, np.uint16)
NEARLY_EVEN[::2] += 3
NEARLY_EVEN_8 = (NEARLY_EVEN - 29900).astype(np.uint8)

REFUSED: list[tuple[str, bytes, str, str]] = [
    ("empty", b"", "unreadable", "empty file"),
    ("text", b"patient, finding\n1, covid\n", "unreadable", "no picture of a known format"),
    ("text that begins like a bitmap", b"BMI is 22\n" * 20, "unreadable", "damaged"),
    ("text that begins like a graymap", b"P5 is a processor\n" * 20, "unreadable", "damaged"),
    ("gif", encoded(FILM, "GIF"), "unreadable", "no picture of a known format"),
    ("video", b"RIFF\x10\0\0\0AVI LIST" + bytes(99), "unreadable", "no picture of a known format"),
    ("hollow dicom", bytes(128) + b"DICM" + bytes(99), "unreadable", "DICOM"),
    ("torn webp", encoded(FILM, "WEBP")[:40], "unreadable", "damaged"),
    ("animated png", encoded(FILM, "PNG", save_all=True, append_images=SEVERAL), "unreadable",
     "more than one picture"),
    ("animated webp", encoded(FILM, "WEBP", save_all=True, append_images=SEVERAL), "unreadable",
     "more than one picture"),
    ("tiff of two pages", encoded(FILM, "TIFF", save_all=True, append_images=SEVERAL), "unreadable",
     "more than one picture"),
    ("tiff with a nan", spoiled(float("nan")), "unreadable", "not numbers"),
    ("tiff with an infinity", spoiled(float("inf")), "unreadable", "not numbers"),
    ("one pixel", encoded(FILM.resize((1, 1)), "PNG"), "too_small", "1 x 1 pixels"),
    ("63 pixels high", encoded(FILM.resize((99, 63)), "PNG"), "too_small", "99 x 63 pixels"),
    ("header of a huge png", png(20_000, 20_000, b""), "too_large", "20000 x 20000 pixels"),
    ("header of a vast png", png(2**31 - 1, 2**31 - 1, b""), "too_large", "2147483647 x"),
    ("even", encoded(EVEN, "PNG"), "blank", "one even shade"),
    ("nearly even", encoded(Image.fromarray(NEARLY_EVEN_8), "PNG"), "blank", "one even shade"),
    ("nearly even in 16 bits", encoded(Image.fromarray(NEARLY_EVEN), "PNG"), "blank", "one even"),
    ("even in floats", encoded(EVEN.convert("F"), "TIFF"), "blank", "one even shade"),
    ("colour", encoded(COLOURED, "PNG"), "colour_photo", "in colour"),
    ("colour jpeg", encoded(COLOURED, "JPEG"), "colour_photo", "in colour"),
    ("colour in ink", encoded(COLOURED.convert("CMYK"), "TIFF"), "colour_photo", "in colour"),
    ("colour palette", encoded(COLOURED.convert("P"), "PNG"), "colour_photo", "in colour"),
    ("see-through colour", encoded(COLOURED.convert("RGBA"), "PNG"), "colour_photo", "in colour"),
    ("transparent", encoded(Image.new("RGBA", (96, 80), (9, 99, 200, 0)), "PNG"), "blank", "one"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "reason", "problem"), [row[1:] for row in REFUSED],
                         ids=[row[0] for row in REFUSED])  # fmt: skip
def test_what_is_no_film_is_refused_with_its_reason(
    data: bytes, reason: str, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "film"
    path.write_bytes(data)
    for film in (path, data):
        with pytest.raises(Refusal) as caught:
            film_pixels(film, RECIPE)
        assert caught.value.reason == reason
        assert problem in caught.value.problem
        assert caught.value.cure
        assert "\n" not in str(caught.value)
    with pytest.raises(Refusal, match=f"^{path}: "):
        film_pixels(path, RECIPE)


USE = IntendedUse(modality="xray", body_parts=("CHEST",), views=("PA", "AP"), youngest=18,
                  oldest=90)  # fmt: skip
OUTSIDE: list[tuple[dict[str, Any], str]] = [
    *(({"Modality": term}, "wrong_modality")
      for term in ("CT", "MR", "MG", "RF", "US", "XC", "SR", "ct", "ST", "RTDOSE", "MR\\CT")),
    *(({"BodyPartExamined": term}, "wrong_body_part")
      for term in ("HAND", "SKULL", "CHESTABDOMEN", "ABDOMEN", "CHEST ABDOMEN", "LSPINE")),
    *(({"ViewPosition": term}, "wrong_view")
      for term in ("LL", "RL", "LATERAL", "LAT", "LLD", "RAO", "AP LATERAL", "lat", "Profil",
                   "PERFIL", "LAT\\PA")),
    ({"ViewCodeSequence": view_code("399067008")}, "wrong_view"),
    *(({"PatientAge": age}, "outside_intended_use")
      for age in ("017Y", "091Y", "011M", "215M", "003W", "021D", "000D")),
    ({"PatientBirthDate": "20040302", "StudyDate": "20220301"}, "outside_intended_use"),
    ({"PatientBirthDate": "20040302", "SeriesDate": "20220301"}, "outside_intended_use"),
    ({"PatientBirthDate": "19310301", "StudyDate": "20220301"}, "outside_intended_use"),
]  # fmt: skip
WITHIN: list[dict[str, Any]] = [
    {},
    *({"Modality": term}
      for term in ("CR", "DX", "RG", "DR", "OT", "", "cr", "SC", "HC", "Z", "X-RAY", "XR", "?",
                   "UNKNOWN", "CT\\CR")),
    *({"BodyPartExamined": term}
      for term in ("CHEST", "chest", "THORAX", "PORT CHEST", "LUNG", "")),
    *({"ViewPosition": term}
      for term in ("PA", "AP", "ap", "POSTERO-ANTERIOR", "AP ERECT", "", "?", "FRONTAL",
                   "BILATERAL", "UNKNOWN", "PA\\AP")),
    {"ViewCodeSequence": view_code("272479007")},
    {"ViewCodeSequence": view_code("unheard-of")},
    *({"PatientAge": age} for age in ("018Y", "090Y", "216M", "", "old", "Y", "-5Y", "000Y")),
    {"PatientBirthDate": "20040301", "StudyDate": "20220301"},
    {"PatientBirthDate": "19310302", "StudyDate": "20220301"},
    {"PatientBirthDate": "20300301", "StudyDate": "20220301"},
    {"PatientBirthDate": "20200301"},
    {"PatientBirthDate": "unknown", "StudyDate": "20220301"},
    {"PatientAge": "040Y", "PatientBirthDate": "20200301", "StudyDate": "20220301"},
]  # fmt: skip


@pytest.mark.parametrize(("elements", "reason"), OUTSIDE, ids=str)
def test_what_the_header_says_is_refused_before_the_pixels_are_read(
    elements: dict[str, Any], reason: str
) -> None:
    film = header_of(elements)
    torn = film[:-100]
    with pytest.raises(Refusal) as caught:
        film_pixels(torn, RECIPE, USE)
    assert caught.value.reason == reason
    assert not [value for value in elements.values() if f" {value} " in str(caught.value)]
    film_pixels(film, RECIPE)  # the trainer gives no intended use


@pytest.mark.parametrize("elements", WITHIN, ids=str)
def test_what_the_header_does_not_say_is_no_reason_to_refuse(elements: dict[str, Any]) -> None:
    film = header_of(elements)
    assert film_pixels(film, RECIPE, USE) == film_pixels(film, RECIPE)


def use(**changes: Any) -> IntendedUse:
    return IntendedUse(**{**USE.to_json(), **changes})


def test_a_frontal_view_that_the_bundle_does_not_list_is_outside_its_use() -> None:
    with pytest.raises(Refusal, match="its view is AP") as caught:
        film_pixels(header_of({"ViewPosition": "AP"}), RECIPE, use(views=["PA"]))
    assert caught.value.reason == "outside_intended_use"


@pytest.mark.parametrize("joint", [" ", "-", "_", ""])
def test_a_view_is_one_word_however_its_parts_are_joined(joint: str) -> None:
    film = header_of({"ViewPosition": f"ANTERO{joint}POSTERIOR"})
    with pytest.raises(Refusal, match="its view is AP"):
        film_pixels(film, RECIPE, use(views=["PA"]))
    film = header_of({"ViewPosition": f"Postero{joint}anterior"})
    with pytest.raises(Refusal, match="its view is PA"):
        film_pixels(film, RECIPE, use(views=["AP"]))


@pytest.mark.parametrize(
    ("said", "other"),
    [("Latérale".encode(), True), ("latérale".encode("latin-1"), True), ("側面".encode(), True),
     ("侧位".encode("gb18030"), True), ("БОКОВАЯ".encode("cp1251"), True),
     ("正面".encode("shift_jis"), False), (b"\xff\xfe", False), (b"\0", False)],
)  # fmt: skip
def test_a_view_is_understood_in_any_character_set(said: bytes, other: bool) -> None:
    film = with_bytes(header_of({}), {"ViewPosition": said})
    if other:
        with pytest.raises(Refusal, match="is not a frontal projection"):
            film_pixels(film, RECIPE, USE)
    else:
        assert film_pixels(film, RECIPE, USE)


@pytest.mark.parametrize(
    "said", [("LO", b"A TEXT"), ("US", b"\1\0"), ("SQ", b""), ("OB", b"\xff\xfe")], ids=str
)
def test_view_codes_of_another_type_say_nothing(said: tuple[str, bytes]) -> None:
    for keyword in ("ViewCodeSequence", "ViewPosition", "Modality"):
        film = with_bytes(header_of({}), {keyword: said})
        assert film_pixels(film, RECIPE, USE)


def test_every_coded_view_but_the_frontal_ones_is_another_in_both_codings() -> None:
    frontal = ("AnteroPosterior", "PosteroAnterior", "Frontal")
    views = [getattr(codes.cid4010, name) for name in codes.cid4010.dir() if name not in frontal]
    assert len(views) > 30
    views.remove(codes.cid4010.TissueSpecimen)  # no view, for all that it is listed
    header = Dataset()
    for view in views:
        for code in (view.value, older["SCT"][view.value]):
            header.ViewCodeSequence = view_code(code)
            with pytest.raises(Refusal, match="is not a frontal projection"):
                refuse_foreign(header, "film", USE)


def test_the_oldest_age_lasts_until_the_next_birthday() -> None:
    assert film_pixels(header_of({"PatientAge": "971M"}), RECIPE, use(oldest=80))  # 80 11/12 years
    with pytest.raises(Refusal, match="outside 18 to 80 years"):
        film_pixels(header_of({"PatientAge": "972M"}), RECIPE, use(oldest=80))


def test_a_bundle_that_lists_nothing_takes_any_part_and_view() -> None:
    film = header_of({"ViewPosition": "LL", "BodyPartExamined": "HAND"})
    assert film_pixels(film, RECIPE, use(views=[], body_parts=[]))


def test_a_bundle_of_another_part_and_view_takes_its_own() -> None:
    film = header_of({"ViewPosition": "LL", "BodyPartExamined": "SPINE"})
    assert film_pixels(film, RECIPE, use(views=["LL"], body_parts=["SPINE"]))


def test_a_bundle_for_ct_takes_ct_alone() -> None:
    slices = use(modality="ct", views=[])
    assert film_pixels(header_of({"Modality": "CT"}), RECIPE, slices)
    with pytest.raises(Refusal, match="is digital radiography, and this bundle is for CT"):
        film_pixels(header_of({"Modality": "DX"}), RECIPE, slices)


def test_every_documented_reason_occurs_and_no_other_exists() -> None:
    found = {row[2] for row in REFUSED} | {row[1] for row in OUTSIDE}
    assert found | {"not_a_film"} == set(REFUSALS)  # which is for the graph to say
    with pytest.raises(ValueError, match="undocumented"):
        Refusal("ugly", "film.png", "is ugly")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_a_socket_and_a_device_are_no_film_and_do_not_hold_us(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path in (tmp_path / "pipe", tmp_path / "socket", Path("/dev/null"), Path("/dev/zero")):
            with pytest.raises(FilmError) as caught:
                film_pixels(path, RECIPE)
            assert type(caught.value) is FilmError
            assert str(caught.value).startswith(f"{path}: ")


ALLOWED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]) << 20,) * 2)
sys.argv[1:3] = ["classify"]
from edge_runtime.cli import main
main()
"""
# MiB of address space -> what is said of a film of 4000 x 4000, whatever its format.
ROOM: list[tuple[str, int, int]] = [
    ("16-bit png", 128, 0),
    ("progressive jpeg", 128, 5),
    ("dicom", 128, 5),
]


@pytest.fixture(scope="module")
def vast(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return films of 4000 x 4000, which are flat enough to be quickly written."""
    root = tmp_path_factory.mktemp("vast")
    image = Image.linear_gradient("L").resize((4000, 4000))
    image.convert("I;16").save(root / "16-bit png", "PNG", compress_level=1)
    image.convert("RGB").save(root / "progressive jpeg", "JPEG", progressive=True)
    (root / "dicom").write_bytes(dicom_film(np.asarray(image)))
    return {path.name: path for path in root.iterdir()}


@pytest.mark.skipif(sys.platform != "linux", reason="limits address space in Linux' way")
@pytest.mark.parametrize(("form", "allowed", "status"), ROOM)
def test_a_vast_film_is_answered_in_the_memory_allowed_or_is_no_fault_of_its_own(
    form: str, allowed: int, status: int, vast: dict[str, Path], tiny: Path
) -> None:
    found = subprocess.run(
        [sys.executable, "-c", ALLOWED, str(allowed), "classify", "--bundle", str(tiny),
         "--format", "json", str(vast[form])],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == status, found.stderr
    row = json.loads(found.stdout)
    assert (row["status"], row["refusal"]) == ("error" if status else "ok", None)


TORN: dict[str, bytes] = {
    "png": encoded(FILM, "PNG"),
    "jpeg": encoded(FILM, "JPEG"),
    "progressive": encoded(FILM, "JPEG", progressive=True),
    "tiff": encoded(FILM, "TIFF"),
    "lzw": encoded(FILM, "TIFF", compression="tiff_lzw"),
    "bmp": encoded(FILM, "BMP"),
    "webp": encoded(FILM, "WEBP"),
    "pgm": encoded(FILM, "PPM"),
}


@pytest.mark.parametrize("form", TORN)
def test_a_torn_film_is_refused_or_loses_nothing(form: str) -> None:
    whole = TORN[form]
    lengths = {len(whole) * part // 40 for part in range(1, 40)} | {len(whole) - 1, 4, 9, 20}
    refused = 0
    for length in sorted(lengths):
        try:
            found = film_pixels(whole[:length], RECIPE)
        except Refusal as refusal:
            refused += 1
            assert refusal.reason == "unreadable"
        else:
            assert found == film_pixels(whole, RECIPE)
    assert refused >= len(lengths) - 3


@pytest.mark.skipif(sys.platform != "linux", reason="measures with Linux' units")
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    rows = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = rows.compress(bytes(20_001 * 100)) + rows.flush(zlib.Z_FULL_FLUSH)
    adler = (20_001 * 20_000 % 65_521) << 16 | 1  # RFC 1950, for zeros alone
    data = b"\x78\xda" + block * 200 + b"\x03\x00" + struct.pack(">I", adler)
    path = tmp_path / "bomb.png"
    path.write_bytes(png(20_000, 20_000, data))
    assert path.stat().st_size < 500_000
    script = (
        "import resource, sys\n"
        "from edge_runtime.film.preprocess import film_pixels, standard\n"
        "import PIL.PngImagePlugin\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: film_pixels(sys.argv[1], standard())\n"
        "except Exception as error: print(error.reason)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(path)], env=environment(), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    reason, kibibytes = found.stdout.split()
    assert reason == "too_large"
    assert int(kibibytes) < 4096


def test_what_cannot_be_read_names_the_file_and_is_no_refusal(tmp_path: Path) -> None:
    cases = {
        tmp_path / "none.png": "No such file or directory",
        tmp_path: "Is a directory",
        tmp_path / ("n" * 256): "File name too long",
        tmp_path / "none" / "film.png": "No such file or directory",
    }
    for path, problem in cases.items():
        with pytest.raises(FilmError) as caught:
            film_pixels(path, RECIPE)
        assert type(caught.value) is FilmError
        assert str(caught.value).startswith(f"{path}: {problem}; ")


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ENODEV])
def test_what_the_system_says_while_reading_is_passed_on(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> object:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("builtins.open", failing)
    with pytest.raises(FilmError, match=f"film.png: {os.strerror(code)}; "):
        film_pixels(tmp_path / "film.png", RECIPE)


def test_no_memory_is_no_verdict_on_the_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.png"
    FILM.save(path)

    def failing(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "resize", failing)
    with pytest.raises(MachineLacks, match="does not fit in memory"):
        film_pixels(path, RECIPE)


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_no_refusal_leaves_a_file_open(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    path = tmp_path / "film"
    before = len(list(descriptors.iterdir()))
    for data in (*(row[1] for row in REFUSED), *(whole[:300] for whole in TORN.values())):
        path.write_bytes(data)
        with pytest.raises(Refusal):
            film_pixels(path, RECIPE)
    assert len(list(descriptors.iterdir())) == before
