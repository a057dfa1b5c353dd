"""A signature by OpenSSF Model Signing beside a bundle, for people who verify by that.

The library makes it, and verifies it before it is kept. It is over the bytes of the file, and what
`edge-run` verifies is in the file: so a bundle is signed for `edge-run` first. Without network: no
certificate and no transparency log.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from edge_export.signing.keys import Ask, private_key
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.output import write_whole

ENDING = ".sig"


def signature_path(bundle: Path) -> Path:
    """Return where the signature of a bundle lies: `NAME.edge.sig`."""
    return bundle.with_name(bundle.name + ENDING)


def sign_by_oms(bundle: Path, key: Path, ask: Ask) -> Path:
    """Write the signature of the file `bundle` by the key of a NIST curve beside it.

    Raises:
        UsageError: `model-signing` is missing, or the key is none of a NIST curve.
        CannotWrite: the bundle is a folder, or the disk did not take the signature.
    """
    library = _library()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    asked: list[str] = []

    def once() -> str:
        asked.append(ask())
        return asked[0]

    private = private_key(key, once)
    if not isinstance(private, EllipticCurvePrivateKey):
        problem = "is a key of Ed25519, which OpenSSF Model Signing does not take"
        raise UsageError(key, problem, "make one: edge-kit keys new NAME --oms")
    if bundle.is_dir():
        raise CannotWrite(bundle, "is a folder", "sign the .edge file")
    with TemporaryDirectory() as folder:
        public, draft = Path(folder, "pub"), Path(folder, "sig")
        public.write_bytes(
            private.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        # What it calls a text has to be bytes, as `cryptography` takes them.
        signing = library.signing.Config().use_elliptic_key_signer(
            private_key=key, password=asked[0].encode() if asked else None
        )
        signing.sign(bundle, draft)
        verifying = library.verifying.Config().use_elliptic_key_verifier(public_key=public)
        verifying.verify(bundle, draft)
        path = signature_path(bundle)
        write_whole(path, draft.read_bytes())
    return path


def _library() -> ModuleType:
    """Return the library, or refuse to go on without it.

    Raises:
        UsageError: it is missing, or pyOpenSSL, which it needs and does not ask for.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its dependencies, about one another
            import model_signing
    except ImportError as error:
        cure = "pip install 'edge-kit[oms]'"
        raise UsageError("--oms", f"needs {error.name}, which is not installed", cure) from error
    return model_signing
