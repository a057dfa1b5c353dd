"""What is signed of a bundle: a statement on its model, and one on its decision.

Every key of a manifest is in one of them. The maker's statement on the model covers all but the
decision, so that a site can fit that anew. What a site changes beside it, it signs as well; how far
it may go, the maker's statement says: see `Proved`.
"""
# Fields stand in the order they are read in:
# ruff: noqa: RUF023

from __future__ import annotations

import json

from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import SITE, SITE_FILES, Manifest, canonical, released
from edge_runtime.bundle.records import File, member_name, sha256_hex, word
from edge_runtime.bundle.schema import (
    Record,
    SchemaError,
    mapping,
    number,
    one_of,
    record,
    text,
)
from edge_runtime.errors import UntrustedBundle
from edge_runtime.trust.keys import PublicKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MODEL, DECISION = "model", "decision"
_ROUNDING = 1.01
"""By how much a site's tolerance may be above the maker's: both are rounded to three digits."""

_CURE = "get the bundle from its maker again, or sign it again"


class Proved(Record):
    """What the maker proved, of which a site may not say more.

    `verdict` and `tolerance` are those of the manifest that the maker signed, and `scale` is that
    of its calibration. A calibrated logit has one tolerance, so that the product of the two stays.
    """

    verdict: str
    tolerance: float
    scale: float
    __slots__ = {
        "verdict": one_of("pass", "undecided"),
        "tolerance": number(0, 100, inclusive=False),
        "scale": number(0, 1000, inclusive=False),
    }


class ModelStatement(Record):
    """The maker's: the digest of each part of the manifest, and of each file but a site's."""

    kind: str
    key: PublicKey
    name: str
    version: str
    parts: Mapping[str, str]
    files: Mapping[str, File]
    proof: Proved
    __slots__ = {
        "kind": one_of(MODEL),
        "key": record(PublicKey),
        "name": word,
        "version": released,
        "parts": mapping(text(64), sha256_hex, 1, 64),
        "files": mapping(member_name, record(File), 1, 64),
        "proof": record(Proved),
    }


class DecisionStatement(Record):
    """That of whoever fitted the decision: its digests, and the `model` that it belongs to."""

    kind: str
    key: PublicKey
    model: str
    parts: Mapping[str, str]
    files: Mapping[str, File]
    __slots__ = {
        "kind": one_of(DECISION),
        "key": record(PublicKey),
        "model": sha256_hex,
        "parts": mapping(text(64), sha256_hex, 1, 64),
        "files": mapping(member_name, record(File), 0, 64),
    }


Statement = ModelStatement | DecisionStatement


def model_statement(manifest: Manifest, key: PublicKey) -> ModelStatement:
    """Return what a maker signs of a bundle."""
    return ModelStatement(
        kind=MODEL, key=key, name=manifest.name, version=manifest.version.removesuffix(SITE),
        parts=_model_parts(manifest), files=_files(manifest, site=False), proof=proof_of(manifest),
    )  # fmt: skip


def decision_statement(manifest: Manifest, key: PublicKey) -> DecisionStatement:
    """Return what is signed of a bundle by whoever fitted its decision."""
    return DecisionStatement(
        kind=DECISION, key=key, model=subject_of(manifest), parts=_decision_parts(manifest),
        files=_files(manifest, site=True),
    )  # fmt: skip


def proof_of(manifest: Manifest) -> Proved:
    """Return what a manifest says that was proved."""
    scale = manifest.decision.calibration.scale
    return Proved(verdict=manifest.verdict, tolerance=manifest.golden.tolerance, scale=scale)


def subject_of(manifest: Manifest) -> str:
    """Return the digest of all that the maker signs: the name of a model, whoever decides by it."""
    files = {name: file.to_json() for name, file in _files(manifest, site=False).items()}
    return sha256(canonical({"parts": _model_parts(manifest), "files": files}))


def parsed(payload: bytes, subject: str) -> Statement:
    """Return the statement whose one encoding is `payload`.

    Raises:
        UntrustedBundle: it is none.
    """
    try:
        document = json.loads(str(payload, "ascii"))
        kinds = {MODEL: ModelStatement, DECISION: DecisionStatement}
        statement = kinds[document["kind"]](**document)
        if canonical(statement.to_json()) != payload:
            raise ValueError("other bytes would be written for it")
    except SchemaError as error:
        problem = f"holds a statement that is none ({error})"
        raise UntrustedBundle(subject, problem, "update edge-runtime, or sign it again") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UntrustedBundle(subject, "holds no statement as edge-kit writes it", _CURE) from error
    return statement  # type: ignore[no-any-return]


def require_fit(statement: Statement, manifest: Manifest, subject: str) -> None:
    """Refuse a statement on something other than this manifest.

    Raises:
        UntrustedBundle: it is on another model or decision, and what differs is named.
    """
    if isinstance(statement, ModelStatement):
        stated = model_statement(manifest, statement.key)
        _require_same(statement, stated, subject)
        if (statement.name, statement.version) != (stated.name, stated.version):
            raise UntrustedBundle(subject, "is a signature of another model", _CURE)
        _require_no_more(statement.proof, manifest, subject)
    else:
        if statement.model != subject_of(manifest):
            problem = "is a signature of a decision for another model"
            raise UntrustedBundle(subject, problem, _CURE)
        _require_same(statement, decision_statement(manifest, statement.key), subject)


def differences(maker: Manifest, site: Manifest) -> list[str]:
    """Return what of a maker's model is another in `site`, by its names, beside the decision.

    None means that the maker's statement would fit `site`, whoever signed anything. The schema may
    differ: it is that of the program that wrote a bundle.
    """
    parts = _differing(_model_parts(maker), _model_parts(site))
    names = [name for name in parts if name != "schema"]
    names += _differing(_files(maker, site=False), _files(site, site=False))
    if _claims_more(proof_of(maker), site):
        names.append("verdict or tolerance")
    return names


def _differing(left: Mapping[str, object], right: Mapping[str, object]) -> list[str]:
    names = sorted(left.keys() | right.keys())
    return [name for name in names if left.get(name) != right.get(name)]


def _require_same(signed: Statement, there: Statement, subject: str) -> None:
    """Refuse digests that differ, naming one that does."""
    named = _differing(signed.parts, there.parts)
    named += [f"file {name}" for name in _differing(signed.files, there.files)]
    if named:
        problem = f"does not hold: the {named[0]} is not the one that was signed"
        raise UntrustedBundle(subject, problem, _CURE)


def _require_no_more(proof: Proved, manifest: Manifest, subject: str) -> None:
    """Refuse a manifest that claims more than its maker proved."""
    if _claims_more(proof, manifest):
        problem = "does not hold: the verdict or the tolerance is not what its maker proved"
        raise UntrustedBundle(subject, problem, _CURE)


def _claims_more(proof: Proved, manifest: Manifest) -> bool:
    now = proof_of(manifest)
    if manifest.site is None:
        return now != proof
    widest = proof.tolerance * proof.scale * _ROUNDING
    return now.verdict not in (proof.verdict, "undecided") or now.tolerance * now.scale > widest


def _model_parts(manifest: Manifest) -> dict[str, str]:
    document = manifest.to_json()
    for key in ("decision", "files", "site", "verdict"):
        document.pop(key, None)
    document["golden"] = {"films": document["golden"]["films"]}
    document["version"] = manifest.version.removesuffix(SITE)
    return _digests(document)


def _decision_parts(manifest: Manifest) -> dict[str, str]:
    document = manifest.to_json()
    keys = ("decision", "site", "verdict", "version")
    kept: dict[str, object] = {key: document[key] for key in keys if key in document}
    return _digests({**kept, "tolerance": manifest.golden.tolerance})


def _digests(document: Mapping[str, object]) -> dict[str, str]:
    return {key: sha256(canonical({key: value})) for key, value in document.items()}


def _files(manifest: Manifest, *, site: bool) -> dict[str, File]:
    """Return the files that a site wrote, or those of the maker."""
    files = manifest.files.items()
    return {name: file for name, file in files if name.lower().startswith(SITE_FILES) is site}
