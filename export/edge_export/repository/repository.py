"""A repository as its maker works on it: added to, published, its keys exchanged.

What is added is signed at once and seen by nobody; publishing writes a snapshot of it and a new
timestamp. A file is there before any metadata names it, and the timestamp comes last, so that a
server may serve the folder at any moment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from edge_export.repository.keys import KeyFolder
from edge_export.repository.metadata import TOP, MetadataFolder, signers_of
from edge_export.repository.region import maker_of
from edge_runtime.bundle import verify_all
from edge_runtime.errors import CannotWrite, DataError, UsageError
from edge_runtime.output import as_cannot_write, new_folder_at, write_whole
from edge_runtime.updates.release import CHANNELS
from edge_runtime.updates.trusted import SIGNED_AT, TIME

if TYPE_CHECKING:
    from securesystemslib.signer import Key, Signer

    from edge_export.repository.metadata import Clock

ROOT_KEYS, ROOT_THRESHOLD = 3, 2
_LAST_RELEASE = "x-edge-kit-last-release"
"""The key of a list of targets that has the highest number of a release so far."""


class ModelRepository:
    """The repository in `folder`, worked on with the keys in `keys`."""

    def __init__(self, folder: Path, keys: Path, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self.folder, self.keys = folder, KeyFolder(keys)
        self.metadata, self._clock = MetadataFolder(folder / "metadata", clock), clock

    def init(self) -> Path:
        """Make it in a new folder, with new keys for each role; return its `root.json`.

        Raises:
            CannotWrite: the folder is there and not empty, or the disk does not take it.
        """
        new_folder_at(self.folder, or_empty=True)
        with as_cannot_write(self.folder):
            for name in ("metadata", "targets"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        root = Root(consistent_snapshot=True)
        signers: dict[str, Signer] = {}
        for role in TOP:
            for _ in range(ROOT_KEYS if role == Root.type else 1):
                signer = self.keys.new(role)
                root.add_key(signer.public_key, role)
                signers[signer.public_key.keyid] = signer
        root.roles[Root.type].threshold = ROOT_THRESHOLD
        self._write(Metadata(root), Root.type, root, signers)
        self._write(Metadata(Targets()), Targets.type, root, signers)
        self.publish()
        return self.metadata.path(Root.type, 1)

    def add(
        self, bundle: Path, *, channel: str, percent: int = 100, region: str | None = None
    ) -> str:
        """Take a model into a channel, or a site's into those of a region; return its target.

        A model that is there already keeps its number, and gets the new `percent`.

        Raises:
            NotABundle, IntegrityError: the model is none, or not whole.
            UsageError: the channel is not known, or the region has no such maker's model.
            DataError: nothing is delegated to the region, or its keys are not here.
        """
        role = region or Targets.type
        if not region and channel not in CHANNELS:
            raise UsageError("--channel", f"{channel!r} is not known", f"one of {CHANNELS}")
        delegator = self._delegator(role)
        metadata = self._targets_of(role)
        with verify_all(bundle) as opened:
            manifest, data = opened.manifest, bundle.read_bytes()
            maker = maker_of(opened, self._published()) if region else None
        name = f"{manifest.name}-{manifest.version}-{manifest.identity[:8]}.edge"
        path = f"{region or channel}/{name}"
        custom: dict[str, object] = {
            "model": manifest.name, "version": manifest.version, "identity": manifest.identity,
            "release": self._number(metadata.signed, manifest.identity), "percent": percent,
        }  # fmt: skip
        if maker:
            custom["maker"] = maker
        target = TargetFile.from_data(path, data, ["sha256"])
        target.unrecognized_fields["custom"] = custom
        self._put(path, target, data)
        metadata.signed.targets[path] = target
        self._write(metadata, role, delegator, self._signers())
        return path

    def remove(self, path: str) -> None:
        """Offer a target no more; boxes that have it keep it.

        Raises:
            UsageError: there is none.
        """
        metadata = self._targets_of(Targets.type)
        if metadata.signed.targets.pop(path, None) is None:
            raise UsageError(path, "is no target", "see metadata/N.targets.json")
        self._write(metadata, Targets.type, self._root(), self._signers())

    def delegate(self, region: str, key: Key | None = None) -> None:
        """Let a region publish thresholds, with `key`, or with a new one in the folder of keys.

        Raises:
            UsageError: it cannot be called so, or has been delegated to.
        """
        plain = region.replace("-", "").replace("_", "")
        if region in (*TOP, *CHANNELS) or not (plain.isascii() and plain.isalnum()):
            raise UsageError(region, "is no name of a region", "letters, digits, - and _")
        metadata = self._targets_of(Targets.type)
        targets = metadata.signed
        targets.delegations = targets.delegations or Delegations({}, roles={})
        roles = targets.delegations.roles
        if roles is None or region in roles:
            raise UsageError(region, "is delegated to already", "exchange its key: repo rotate")
        roles[region] = DelegatedRole(region, [], 1, terminating=True, paths=[f"{region}/*"])
        targets.add_key(key or self.keys.new(region).public_key, region)
        self._write(metadata, Targets.type, self._root(), self._signers())
        if not key:
            self._write(Metadata(Targets()), region, targets, self._signers())

    def publish(self) -> None:
        """Let boxes see what was added: a new snapshot, and a timestamp of it.

        Raises:
            DataError: the keys for it are not here.
            CannotWrite: the disk does not take it.
        """
        known = self.metadata.version(Snapshot.type)
        snapshot = self.metadata.read(Snapshot, Snapshot.type) if known else Metadata(Snapshot())
        for role in (Targets.type, *self._regions()):
            if version := self.metadata.version(role):
                self._require_right(role)
                snapshot.signed.meta[f"{role}.json"] = MetaFile(version)
        self._write(snapshot, Snapshot.type, self._root(), self._signers())
        self.timestamp()

    def timestamp(self) -> None:
        """Renew the promise that what was published last is the newest there is.

        Raises:
            DataError: its key is not here, or nothing was published.
        """
        root = self._root()
        stamp = Timestamp(snapshot_meta=MetaFile(self.metadata.version(Snapshot.type)))
        stamp.unrecognized_fields[SIGNED_AT] = self._clock().strftime(TIME)
        self._write(Metadata(stamp), Timestamp.type, root, self._signers())

    @property
    def valid_until(self) -> str:
        """The day until which boxes take what is published, unless it is renewed."""
        return f"{self.metadata.read(Timestamp, Timestamp.type).signed.expires:%Y-%m-%d}"

    def rotate(self, role: str, lost: str | None = None) -> str:
        """Give a role a new key, in place of `lost` or of its only one; return the new key's id.

        A new root is signed by enough keys of the one before and of its own. What the old key
        signed is signed anew, and published; a region's new key is seen with the next publishing.

        Raises:
            UsageError: the role is none, or has several keys and no `lost` one is named.
            DataError: the keys for it are not here.
        """
        is_region = role not in TOP
        delegator = self._delegator(role)
        keyids = list(delegator.get_delegated_role(role).keyids)
        if lost is None and len(keyids) > 1:
            raise UsageError(role, "has several keys", f"name one with --lost: {', '.join(keyids)}")
        old = lost or keyids[0]
        if old not in keyids:
            raise UsageError("--lost", f"is no key of {role}", f"one of {', '.join(keyids)}")
        before = self._signers()
        after = self.keys.new(role)
        delegator.revoke_key(old, role)
        delegator.add_key(after.public_key, role)
        if is_region:
            self._rewrite(Metadata(delegator), Targets.type, self._root())
        else:
            self._new_root(delegator, before)
        self._sign_again(role)
        if not is_region:  # boxes see a new root at once, and what it signs has to fit
            self.publish()
        return str(after.public_key.keyid)

    def _new_root(self, root: Any, before: dict[str, Signer]) -> None:
        last = self._root()
        signers = {**before, **self._signers()}
        known = [*signers_of(Root.type, last, signers), *signers_of(Root.type, root, signers)]
        chosen = {signer.public_key.keyid: signer for signer in known}
        self.metadata.renew(root, Root.type)
        self.metadata.write(Metadata(root), Root.type, [*chosen.values()], last)

    def _sign_again(self, role: str) -> None:
        """Sign with the new key what a role said last."""
        published = (Root.type, Snapshot.type, Timestamp.type)  # signed anew by publishing
        if role not in published and self.metadata.version(role):
            self._rewrite(self._targets_of(role), role, self._delegator(role))

    def _rewrite(self, metadata: Metadata[Any], role: str, delegator: Root | Targets) -> None:
        self._write(metadata, role, delegator, self._signers())

    def _write(
        self,
        metadata: Metadata[Any],
        role: str,
        delegator: Root | Targets,
        signers: dict[str, Signer],
    ) -> None:
        self.metadata.renew(metadata.signed, role)
        self.metadata.write(metadata, role, signers_of(role, delegator, signers), delegator)

    def _signers(self) -> dict[str, Signer]:
        return dict(self.keys.signers())

    def _root(self) -> Root:
        return self.metadata.read(Root, Root.type).signed

    def _targets_of(self, role: str) -> Metadata[Targets]:
        if role != Targets.type and not self.metadata.version(role):
            return Metadata(Targets())
        return self.metadata.read(Targets, role)

    def _delegator(self, role: str) -> Root | Targets:
        """Return who says which keys a role has.

        Raises:
            DataError: nothing is delegated to it.
        """
        if role in TOP:
            return self._root()
        if role not in self._regions():
            raise DataError(role, "is no region of this repository", "edge-kit repo delegate")
        return self._targets_of(Targets.type).signed

    def _regions(self) -> list[str]:
        delegations = self._targets_of(Targets.type).signed.delegations
        return [*(delegations.roles or {})] if delegations else []

    def _require_right(self, role: str) -> None:
        """Refuse to publish what boxes would not believe, as where a region sent a wrong file."""
        from edge_export.repository.metadata import require_signed

        require_signed(self._targets_of(role), role, self._delegator(role))

    def _number(self, targets: Targets, identity: str) -> int:
        """Return the number of a release: the one that it has, or the next.

        A number is never given again, also where its release was removed: boxes may have it.
        """
        known = [target.custom or {} for target in targets.targets.values()]
        mine = (entry["release"] for entry in known if entry.get("identity") == identity)
        last = targets.unrecognized_fields.get(_LAST_RELEASE, 0)
        number = int(next(mine, last + 1))
        targets.unrecognized_fields[_LAST_RELEASE] = max(last, number)
        return number

    def _published(self) -> list[tuple[str, Path]]:
        """Return identity and file of each of the maker's models."""
        targets = self._targets_of(Targets.type).signed.targets.items()
        return [
            (str((target.custom or {}).get("identity")), self._place(path, target))
            for path, target in targets
        ]

    def _place(self, path: str, target: TargetFile) -> Path:
        folder, _, name = path.rpartition("/")
        return self.folder / "targets" / folder / f"{target.hashes['sha256']}.{name}"

    def _put(self, path: str, target: TargetFile, data: bytes) -> None:
        place = self._place(path, target)
        with as_cannot_write(place):
            place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            write_whole(place, data)
        elif place.read_bytes() != data:
            raise CannotWrite(place, "is there, and is another file", "remove it")
