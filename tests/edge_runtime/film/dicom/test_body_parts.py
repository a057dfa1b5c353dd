# ruff: noqa: E501, RUF001 - letters of other scripts are meant, and some count as two columns
"""Only a word that is known to mean another part of the body refuses, in whatever language."""

from __future__ import annotations

from itertools import product
from unicodedata import normalize

import pytest
from pydicom.dataset import Dataset

from dicom_films import dicom_film, with_bytes
from edge_runtime.bundle.records import IntendedUse
from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.body_parts import meant, named
from edge_runtime.film.dicom.body_words import OTHER_TERMS, WORDS
from edge_runtime.film.dicom.elements import readings
from edge_runtime.film.dicom.intended_use import refuse_foreign
from edge_runtime.film.preprocess import film_pixels, standard
from tiny_bundle import film_array

USE = IntendedUse(modality="xray", body_parts=("CHEST",), views=("PA", "AP"), youngest=18,
                  oldest=90)  # fmt: skip


def use(*parts: str) -> IntendedUse:
    return IntendedUse(**{**USE.to_json(), "body_parts": parts})


def refused(text: str, bundle: IntendedUse = USE) -> bool:
    """Tell whether a film is refused whose body part is `text`, in letters or in bytes."""
    header = Dataset()
    header.add_new("BodyPartExamined", "LO", text)
    try:
        refuse_foreign(header, "film", bundle)
    except Refusal as refusal:
        assert refusal.reason == "wrong_body_part"
        assert refusal.problem == f"shows another part of the body than {bundle.body_parts[0]}"
        return True
    return False


CHESTS = {
    "English": "CHEST, Thorax, LUNG, lungs, CXR, PORT CHEST, CHEST X-RAY, PULMONARY, CHST, THX",
    "joined": (
        "CHESTPA, CHEST_AP, CHEST-LAT, THORAXAP, CHEST1V, CHEST2VIEWS, LUNGR, PACHEST, LCHEST,"
        " CHEST.PA, CHEST/PA, CHESTPORT, PORTABLECHEST, APCHESTPORT, ThoraxPaLat, TORAXPA, CHESTXR"
    ),
    "with what lies within": (
        "CHEST LUNG, CHEST RIBS, LUNG HEART, CHEST/HEART, THORAX STERNUM, CHEST CLAVICLE, RIBCHEST"
    ),
    "German": "Brust, BRUSTKORB, Lunge, Thorax p.a., Röntgen-Thorax, THORAX IM LIEGEN",
    "French": "THORAX DE FACE, poitrine, Poumon, POUMONS, Thorax au lit",
    "Spanish": "TÓRAX, torax, Tórax PA, PECHO, pulmón, TORAX DE PIE, TELETORAX, TORAX DOS VISTAS",
    "Portuguese": "TÓRAX, peito, pulmão, PULMÕES",
    "Italian": "TORACE, petto, polmone, POLMONI, torace in piedi",
    "Dutch": "thorax, BORST, borstkas, LONGEN",
    "Swedish, Norwegian, Danish": "BRÖSTKORG, lungor, lunger, BRYST, Brystkasse, THORAX",
    "Finnish": "RINTAKEHÄ, keuhkot",
    "Polish": "KLATKA PIERSIOWA, płuca, PŁUCO",
    "Czech, Slovak": "HRUDNÍK, hrudník, plíce, PĽÚCA",
    "Croatian, Slovene": "PRSA, PLUĆA, pljuča",
    "Hungarian": "MELLKAS, tüdő, TÜDŐ",
    "Romanian": "TORACE, plămâni, piept",
    "Turkish": "GÖĞÜS, göğüs, AKCİĞER, akciğer, TORAKS",
    "Baltic": "RINDKERE, KRŪTINĖ, krūtis",
    "Greek": "ΘΩΡΑΚΑΣ, Θώρακας, θώρακος, ΠΝΕΥΜΟΝΕΣ, στήθος",
    "Russian": "ГРУДЬ, ГРУДНАЯ КЛЕТКА, органы грудной клетки, ОГК, лёгкие, ЛЕГКИЕ",
    "Ukrainian": "ГРУДНА КЛІТКА, легені, ОГК",
    "Hebrew": "חזה, ריאות",
    "Arabic": "صدر, الصدر, الرئة, أشعة الصدر",
    "Persian": "قفسه سینه, ریه, قفسه‌ی سينه",
    "Hindi": "छाती, सीना, फेफड़े",
    "Chinese": "胸, 胸部, 胸部正位, 胸片, 肺, 双肺, 胸部正侧位, 胸腔, 肺部CT",
    "Japanese": "胸部, 胸部正面, 肺, ｷｮｳﾌﾞ, ｷﾖｳﾌﾞ, キョウブ, きょうぶ, ムネ, 胸部Ｘ線, 胸部立位",
    "Korean": "흉부, 가슴, 폐, 흉부정면, 흉부 정면",
    "Vietnamese": "NGỰC, ngực, phổi, XQ NGUC",
    "Indonesian": "DADA, paru, PARU-PARU, TORAKS",
    "Thai": "ทรวงอก, หน้าอก, ปอด, อก",
    "full width": "ＣＨＥＳＴ, ＣＨＥＳＴ＿ＰＡ",
}
NOTHING_SAID = (
    "UNKNOWN, NONE, N/A, NA, NULL, OTHER, UNSPECIFIED, DEFAULT, SERVICE, ANON, ANONYMIZED, REMOVED,"
    " XXX, ?, -, 0, 123, BODY, PART, GENERAL, XRAY, PA, AP, LAT, REAR, CR, STANDARD, CHESTNUT, PE,"
    " DOS, NOS, EL, LONG, KARIN, RENE, HANDLE, BARKER, LEGEND, SURFACE, PALATE, 无, 不明, 部位不明, ไม่ทราบ,"
    " НЕИЗВЕСТНО, غير معروف, INCONNU, SIN DATOS, DESCONOCIDO, UNBEKANNT, ONBEKEND, 手术后, \\"
)
OTHERS = {
    "terms": "HAND, SKULL, ABDOMEN, PELVIS, LSPINE, CSPINE, KNEE, FOOT, WHOLEBODY, SSPINE, HEART",
    "English": "hand, Skull, C SPINE, L-SPINE, LUMBAR_SPINE, ribs, Shoulder, KUB, whole body, ANKLES",
    "joined": (
        "HANDR, LHAND, HANDPA, KNEELAT, ABDOMENAP, LKNEE, RFOOT, KNEE2V, PELVISAP, SKULLLAT, LOW_EXM,"
        " ABDOMENPELVIS, TIBIAFIBULA, FOOT_ANKLE, PORTABDOMEN"
    ),
    "more on the film": (
        "CHESTABDOMEN, CHEST ABDOMEN, CHEST_ABDOMEN, CHESTABDPELVIS, NECKCHEST, NECKCHESTABDOMEN,"
        " CHEST/ABD, CHES_ABD_PEL, THORAX ABDOMEN, TORACE-ADDOME, 胸腹部, THORACIC SPINE, CHESTSPINE"
    ),
    "German": "Hand, KNIE, Schädel, SCHAEDEL, Hüfte, BECKEN, BWS, Brustwirbelsäule, Fuß, Ellenbogen",
    "French": "MAIN, main droite, GENOU, PIED, crâne, épaule, BASSIN, rachis dorsal, abdomen",
    "Spanish": "MANO, RODILLA, cráneo, columna, CADERA, muñeca, hombro, PIE, abdomen",
    "Portuguese": "MÃO, joelho, crânio, COLUNA, tornozelo, cabeça",
    "Italian": "mano, GINOCCHIO, CRANIO, spalla, BACINO, piede, addome",
    "Dutch": "HAND, knie, SCHEDEL, schouder, bekken, voet",
    "Nordic": "KNÄ, HÖFT, skalle, ARMBÅGE, polvi, KALLO, albue",
    "Polish, Czech": "KOLANO, CZASZKA, miednica, KRĘGOSŁUP, koleno, LEBKA, pánev, páteř",
    "Hungarian, Romanian, Turkish": "térd, KOPONYA, genunchi, CRANIU, diz, kafatası, omuz",
    "Greek": "ΓΟΝΑΤΟ, κρανίο, λεκάνη",
    "Russian, Ukrainian": "КОЛЕНО, череп, кисть, ПОЗВОНОЧНИК, живот, коліно, шия",
    "Arabic, Persian, Hebrew": "يد, ركبة, جمجمة, دست, زانو, ברך",
    "Hindi, Thai": "हाथ, घुटना, เข่า, มือ",
    "Chinese": "手, 左手正位, 右膝关节, 腹部, 颅骨, 胸椎, 骨盆, 足",
    "Japanese, Korean": "手, 膝関節, 腹部, 頭蓋骨, ﾌｸﾌﾞ, 胸椎, 무릎, 복부, 두개골, 흉추",
    "Vietnamese, Indonesian": "BỤNG, tangan, LUTUT, kepala",
}


def spellings(text: str) -> set[str]:
    """Return `text` in each of Unicode's forms, in capitals and in small letters."""
    forms = {normalize("NFC", text), normalize("NFD", text), normalize("NFKC", text),
             normalize("NFKD", text)}  # fmt: skip
    return {case for form in forms for case in (form, form.upper(), form.lower())}


def listed(texts: str) -> list[str]:
    return [one.strip() for one in texts.split(",")]


@pytest.mark.parametrize("language", CHESTS)
def test_the_words_for_the_chest_refuse_nothing(language: str) -> None:
    for text in listed(CHESTS[language]):
        for spelt in spellings(text):
            assert not refused(spelt), text
    # And are understood, so that a bundle for another part refuses each of these films.
    understood = [text for text in listed(CHESTS[language]) if refused(text, use("KNEE"))]
    assert understood == listed(CHESTS[language])


@pytest.mark.parametrize("text", listed(NOTHING_SAID))
def test_what_is_not_understood_refuses_nothing(text: str) -> None:
    assert not refused(text)
    assert not refused(text, use("KNEE"))
    assert named(text) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_word_that_is_known_to_mean_another_part_refuses(language: str) -> None:
    for text in listed(OTHERS[language]):
        for spelt in spellings(text):
            assert refused(spelt), text


def test_every_word_means_its_part_and_every_term_is_known() -> None:
    for part, words in WORDS.items():
        for word in words.split():
            assert [one for one in named(word) if part in one], word
            assert refused(word) == ("CHEST" not in named(word)[0]), word
    for term in OTHER_TERMS.split():
        assert named(term) == [frozenset({term})]


def test_a_word_of_two_parts_fits_a_bundle_for_either() -> None:
    for word in ("BRUST", "BORST", "göğüs"):
        assert not refused(word)
        assert not refused(word, use("BREAST"))
        assert refused(word, use("KNEE"))


def test_a_bundle_may_call_its_part_by_any_word() -> None:
    assert meant("LUNG") == meant("thorax") == {"CHEST"}
    assert not refused("CHEST", use("LUNG"))
    assert not refused("膝関節", use("KNEE"))
    assert refused("HAND", use("SNOUT"))  # a part that is in no table
    assert not refused("SNOUT", use("SNOUT"))
    assert not refused("CHEST ABDOMEN", use("CHEST", "ABDOMEN"))


BYTES: list[tuple[str, str, bytes | None, bool]] = [
    (text, encoding, declared, other)
    for text, encodings, other in (
        ("胸部", "utf-8 gb18030 shift_jis euc_jp", False),
        ("腹部", "utf-8 gb18030 shift_jis", True),
        ("흉부", "utf-8 euc_kr", False),
        ("무릎", "utf-8 euc_kr", True),
        ("ｷｮｳﾌﾞ", "utf-8 shift_jis", False),
        ("грудная клетка", "utf-8 iso8859_5 cp1251 koi8_r", False),
        ("КОЛЕНО", "utf-8 iso8859_5 cp1251 koi8_r cp866", True),
        ("Θώρακας", "utf-8 iso8859_7 cp1253", False),
        ("γόνατο", "utf-8 iso8859_7", True),
        ("صدر", "utf-8 iso8859_6 cp1256", False),
        ("ركبة", "utf-8 iso8859_6 cp1256", True),
        ("TÓRAX", "utf-8 latin-1 cp850", False),
        ("MÃO", "utf-8 latin-1", True),
        ("hrudník", "utf-8 iso8859_2 cp1250", False),
        ("CZASZKA", "utf-8 iso8859_2", True),
        ("GÖĞÜS", "utf-8 iso8859_9", False),
        ("ทรวงอก", "utf-8 cp874", False),
    )
    for encoding in encodings.split()
    for declared in (None, b"ISO_IR 192", b"ISO_IR 144", b"ISO_IR 13", b"GB18030", b"ISO_IR 100")
]


@pytest.mark.parametrize(("text", "encoding", "declared", "other"), BYTES)
def test_bytes_are_understood_in_any_character_set(
    text: str, encoding: str, declared: bytes | None, other: bool
) -> None:
    film = dicom_film(film_array())
    film = with_bytes(
        film, {"SpecificCharacterSet": declared, "BodyPartExamined": text.encode(encoding)}
    )
    recipe = standard(64, 64)
    assert film_pixels(film, recipe)
    if other:
        with pytest.raises(Refusal, match="shows another part of the body than CHEST"):
            film_pixels(film, recipe, USE)
    else:
        assert film_pixels(film, recipe, USE)


def test_escape_sequences_of_iso_2022_are_followed() -> None:
    declared = b"\\ISO 2022 IR 87"
    for text, other in (("胸部", False), ("膝", True)):
        said = text.encode("iso2022_jp")
        film = with_bytes(
            dicom_film(film_array()), {"SpecificCharacterSet": declared, "BodyPartExamined": said}
        )
        if other:
            with pytest.raises(Refusal, match="another part"):
                film_pixels(film, standard(64, 64), USE)
        else:
            assert film_pixels(film, standard(64, 64), USE)


def test_no_word_for_the_chest_turns_into_another_part_in_a_wrong_character_set() -> None:
    encodings = ("utf-8", "gb18030", "shift_jis", "euc_jp", "euc_kr", "big5", "cp1251", "iso8859_5",
                 "koi8_r", "cp866", "iso8859_7", "cp1256", "iso8859_6", "iso8859_8", "cp874",
                 "cp1258", "iso8859_2", "iso8859_9", "latin-1", "cp850")  # fmt: skip
    checked = 0
    for word, encoding in product(WORDS["CHEST"].split(), encodings):
        try:
            said = word.encode(encoding)
        except UnicodeEncodeError:
            continue
        header = Dataset()
        header.add_new("BodyPartExamined", "OB", said)
        found = next(filter(None, map(named, readings(header, "BodyPartExamined"))), [])
        assert all("CHEST" in parts for parts in found), (word, encoding, found)
        checked += 1
    assert checked > 1000


@pytest.mark.parametrize(
    "said", [b"", b"   ", b"\0\0", b"\xff\xfe\xfd", b"\x1b$B", b"\\\\", b"A" * 64]
)
def test_odd_bytes_say_nothing(said: bytes) -> None:
    film = with_bytes(dicom_film(film_array()), {"BodyPartExamined": said})
    assert film_pixels(film, standard(64, 64), USE)


@pytest.mark.parametrize(
    "said", [("US", b"\x01\0"), ("SQ", b""), ("OB", b"\x01\x02"), ("LT", b"A text, no part")]
)
def test_an_element_of_another_type_says_nothing(said: tuple[str, bytes]) -> None:
    film = with_bytes(dicom_film(film_array()), {"BodyPartExamined": said})
    assert film_pixels(film, standard(64, 64), USE)


def test_several_values_are_several_words() -> None:
    for said, other in ((b"CHEST\\LUNG", False), (b"CHEST\\ABDOMEN", True), (b"HAND\\FOOT", True)):
        film = with_bytes(dicom_film(film_array()), {"BodyPartExamined": said})
        if other:
            with pytest.raises(Refusal, match="another part"):
                film_pixels(film, standard(64, 64), USE)
        else:
            assert film_pixels(film, standard(64, 64), USE)
