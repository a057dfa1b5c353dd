"""Comparing the header of a DICOM file with the intended use, before a pixel is decoded.

A header that says nothing of a thing, or what is not understood, does not refuse it. No line holds
a value of the header, lest a name, an id or a date typed into the wrong field be printed: only
terms of the tables below are.
"""

from __future__ import annotations

from itertools import chain

from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.ages import age
from edge_runtime.film.dicom.body_parts import folded, meant, named, words
from edge_runtime.film.dicom.elements import items, readings, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom.dataset import Dataset

    from edge_runtime.bundle.records import IntendedUse

# What a bundle's modality is called in (0008,0060), PS3.3 C.7.3.1.1.1. RG is film that was
# digitised; DR is not of the standard, and what some consoles write for DX.
MODALITIES = {"xray": ("CR", "DX", "RG", "DR"), "ct": ("CT",)}
_ANY_MODALITY = ("OT", "SC", "HC")  # a capture or a copy, of whatever it was made of
_MODALITY_NAMES = {
    "CR": "computed radiography", "CT": "computed tomography", "DX": "digital radiography",
    "IO": "an intra-oral radiograph", "MG": "mammography", "MR": "magnetic resonance",
    "NM": "nuclear medicine", "PT": "positron emission tomography", "PX": "a panoramic radiograph",
    "RF": "fluoroscopy", "US": "ultrasound", "XA": "angiography", "XC": "a photograph",
}  # fmt: skip
# The other terms of the standard, those that it has retired among them.
_OTHER_MODALITIES = (
    "ANN AR AS ASMT AU BDUS BI BMD CD CF CFM CP CS CTPROTOCOL DD DF DG DM DMS DOC DS EC ECG EEG EMG"
    " EOG EPS ES FA FID FS GM HD IOL IVOCT IVUS KER KO LEN LP LS M3D MA MS OAM OCT OP OPM OPR OPT"
    " OPTBSV OPTENF OPV OSS PA PLAN POS PR REG RESP RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD"
    " RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF ST STAIN TEXTUREMAP TG VA VF XAPROTOCOL"
)
_BUNDLE_NAMES = {"xray": "X-ray films", "ct": "CT slices"}

# What shows more than the part that stands beside it. Others lie within it, as a rib does in the
# chest, or are no parts there: a THORAX DE FACE is frontal, a TORAX DE PIE stands.
_MORE_PARTS = frozenset(
    (
        "HEAD",
        "SKULL",
        "ABDOMEN",
        "NECK",
        "PELVIS",
        "SPINE",
        "CSPINE",
        "TSPINE",
        "LSPINE",
        "SSPINE",
        "WHOLEBODY",
    )
)

# (0018,5101) View Position, PS3.3 C.8.1.1 and C.8.11.5, and how consoles spell it.
_VIEW_WORDS = {
    "AP": ("AP", "ANTEROPOSTERIOR"),
    "PA": ("PA", "POSTEROANTERIOR"),
    "another": ("LL", "RL", "LAT", "LATERAL", "LATERALLEFT", "LATERALRIGHT", "LLAT", "RLAT",
                "LAO", "RAO", "LPO", "RPO", "LLO", "RLO", "OBLIQUE", "OBL", "LLD", "RLD",
                "DECUBITUS", "DECUB", "AXIAL", "LORDOTIC", "LATERALE", "PROFIL", "PERFIL",
                "LATL", "LATR", "LATERALL", "LATERALR", "LLATERAL", "RLATERAL", "LLDECUB",
                "RLDECUB", "SEITL", "PROFILE", "BOCZNE", "BOCNI", "SIVU", "左侧位", "右侧位",
                "SEITLICH", "BOKOVAYA", "БОКОВАЯ", "侧位", "側位", "側面", "측면"),
}  # fmt: skip
# (0054,0220) View Code Sequence, context group 4010, in SNOMED CT and in the older SNOMED RT.
# "Frontal" is of either kind, and says nothing here.
_VIEW_CODES = {
    "AP": ("399348003", "R-10206"),
    "PA": ("272479007", "R-10214", "R-40888"),
    "another": (
        *("399067008", "R-102CD", "399173006", "R-10236", "399198007", "R-10232"),  # lateral
        *("399260004", "R-10224", "399352003", "R-10228"),  # from one side to the other
        *("399182000", "R-102C1", "399184004", "R-10238", "399236003", "R-10234"),  # oblique
        *("399135007", "R-10220", "399356000", "R-40985", "399006002", "R-10212"),
        *("399038007", "R-10210", "399312000", "R-10208", "399059000", "R-10216"),
        *("399160007", "R-10204", "260427002", "R-40783", "260426006", "R-40782"),
        *("399368009", "R-10226", "399099002", "R-10230", "399225005", "R-10250"),
        *("399288005", "R-10248", "399004004", "R-10246"),
        *("399132005", "R-10252", "399325008", "R-10254"),
        *("399061009", "R-10241", "30730003", "G-A145"),  # axial, sagittal
        *("399162004", "R-10242", "399196006", "R-10244"),  # from head to tail
        *("399110001", "R-102C2", "399242004", "R-102C6", "399351005", "R-102C7"),  # of skull
        *("399272005", "R-102C5", "399316002", "R-102C8", "399360002", "R-10257"),
        *("399255003", "R-10256", "260499007", "R-40810", "399071006", "R-102C3"),
        *("399335002", "R-102C4"),
    ),
}  # fmt: skip


def refuse_foreign(header: Dataset, subject: str, use: IntendedUse) -> None:
    """Refuse a film whose header says that the bundle is not for it.

    Raises:
        Refusal: `wrong_modality`, `wrong_body_part`, `wrong_view` or `outside_intended_use`.
    """
    _refuse_modality(header, subject, use)
    _refuse_body_part(header, subject, use)
    _refuse_view(header, subject, use)
    _refuse_age(header, subject, use)


def _refuse_age(header: Dataset, subject: str, use: IntendedUse) -> None:
    if use.youngest is None or use.oldest is None:  # the maker stated no ages
        return
    years = age(header)
    # In whole years, so that a patient is of the oldest age until the next birthday.
    if years is not None and not use.youngest <= int(years) <= use.oldest:
        problem = f"the patient's age lies outside {use.youngest} to {use.oldest} years"
        cure = "use a bundle made for that age"
        raise Refusal("outside_intended_use", subject, problem, cure)


def _refuse_modality(header: Dataset, subject: str, use: IntendedUse) -> None:
    if use.modality not in MODALITIES:  # pictures of any kind
        return
    terms = [term.upper() for term in words(text(header, "Modality"))]
    standard = {*_MODALITY_NAMES, *_OTHER_MODALITIES.split(), *chain(*MODALITIES.values())}
    known = [term for term in terms if term in standard]
    if known and not {*MODALITIES[use.modality], *_ANY_MODALITY} & set(terms):
        name = _MODALITY_NAMES.get(known[0], "of another modality")
        problem = f"is {name}, and this bundle is for {_BUNDLE_NAMES[use.modality]}"
        raise Refusal("wrong_modality", subject, problem, "use a bundle for that modality")


def _refuse_body_part(header: Dataset, subject: str, use: IntendedUse) -> None:
    intended = frozenset().union(*map(meant, use.body_parts))
    shown = next(filter(None, map(named, readings(header, "BodyPartExamined"))), [])
    fits = any(intended & parts for parts in shown)
    exceeds = any(parts <= _MORE_PARTS - intended for parts in shown)
    if intended and shown and (exceeds or not fits):
        problem = f"shows another part of the body than {', '.join(use.body_parts)}"
        raise Refusal("wrong_body_part", subject, problem, "give a film of that part alone")


def _refuse_view(header: Dataset, subject: str, use: IntendedUse) -> None:
    terms = _view_words(header)
    views = _named(terms, _VIEW_WORDS)
    for item in items(header, "ViewCodeSequence"):
        views |= _named([text(item, "CodeValue")], _VIEW_CODES)
    own = {folded(view) for view in set(use.views) - {"AP", "PA"}}
    if not use.views or views <= set(use.views) or set(terms) & own:
        return
    intended = ", ".join(use.views)
    if "another" in views:
        problem = f"is not a frontal projection, and this bundle is for {intended}"
        raise Refusal("wrong_view", subject, problem, "give the frontal film")
    problem = f"its view is {min(views - set(use.views))}, and this bundle is for {intended}"
    raise Refusal("outside_intended_use", subject, problem, "use a bundle made for that view")


def _view_words(header: Dataset) -> list[str]:
    """Return the folded words of the view position, in the character set that has known ones."""
    terms: list[str] = []
    for reading in readings(header, "ViewPosition"):
        # POSTERO-ANTERIOR is one word, however its parts are joined.
        joined = (
            " ".join(words(reading)).replace("postero ", "postero").replace("antero ", "antero")
        )
        terms = joined.split()
        if _named(terms, _VIEW_WORDS):
            break
    return terms


def _named(terms: Iterable[str], table: dict[str, tuple[str, ...]]) -> set[str]:
    """Return the views that any of the terms stands for in a table of views."""
    said = {folded(term) for term in terms}
    return {view for view, names in table.items() if said & {folded(name) for name in names}}
