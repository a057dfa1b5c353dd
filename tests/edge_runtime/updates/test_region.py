"""A region moves the thresholds of a maker's models, and nothing else of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Targets

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.errors import IntegrityError
from simulated_repository import Simulated
from update_bed import model


@dataclass
class Parts:
    """What a bundle is written from."""

    fields: dict[str, Any]
    members: dict[str, bytes]


Spoil = Callable[[Parts], None]


def fitted(
    simulated: Simulated,
    number: int,
    *,
    threshold: float = 0.3,
    spoil: Spoil | None = None,
) -> Path:
    """Write the model of a number with a site's own threshold, spoilt in some way."""
    with open_bundle(model(simulated.folder, number)) as bundle:
        fields = bundle.manifest.to_json()
        members = {name: bytes(bundle.read(name)) for name in bundle.manifest.files}
        identity = bundle.identity
    fields = {key: content for key, content in fields.items() if key not in ("schema", "files")}
    fields["version"] += "+site"
    fields["decision"]["threshold"] = threshold
    fields["decision"]["uncertain"] = {"low": threshold - 0.01, "high": threshold + 0.01}
    fields["site"] = {
        "bundle": identity,
        "films": "0" * 64,
        "fitted": ["threshold"],
        "positive": 5,
        "negative": 6,
    }
    if spoil:
        spoil(Parts(fields, members))
    path = simulated.folder / f"site-{number}-{threshold}.edge"
    write_bundle(path, fields, members)
    return path


def site(simulated: Simulated, path: Path) -> None:
    """Publish a site's model in the region north, and copy."""
    simulated.maker.add(path, channel="stable", region="north")
    simulated.maker.publish()
    simulated.copy()


@pytest.fixture
def region(by_folder: Simulated) -> Simulated:
    """Return a repository with one release and a region, and a box that follows it."""
    by_folder.publish(1)
    by_folder.maker.delegate("north")
    by_folder.maker.publish()
    by_folder.copy()
    by_folder.follow(region="north")
    by_folder.update()
    assert by_folder.release == 1
    return by_folder


def threshold_of(simulated: Simulated) -> float:
    with open_bundle(simulated.store.folder) as bundle:
        return float(bundle.manifest.decision.threshold)


# --- a region ------------------------------------------------------------------------------------


def test_a_region_moves_the_threshold_of_its_maker_s_model(region: Simulated) -> None:
    site(region, fitted(region, 1))
    region.update()
    assert threshold_of(region) == 0.3
    current = region.store.state.current
    assert current
    assert (current.release, current.version) == (1, "0.1.0+site")
    site(region, fitted(region, 1, threshold=0.4))
    region.update()
    assert threshold_of(region) == 0.4


def test_a_box_of_a_region_waits_for_the_threshold_of_a_newer_release(region: Simulated) -> None:
    site(region, fitted(region, 1))
    region.update()
    region.publish(2)
    region.copy()
    region.update()
    assert threshold_of(region) == 0.3
    assert "waits for a threshold of its region" in region.said[-1]
    site(region, fitted(region, 2, threshold=0.2))
    region.update()
    assert threshold_of(region) == 0.2
    assert region.release == 2


def test_a_region_that_has_published_nothing_yet_keeps_nobody_from_a_model(
    by_folder: Simulated,
) -> None:
    by_folder.publish(1)
    by_folder.maker.delegate("north", CryptoSigner.generate_ed25519().public_key)
    by_folder.maker.publish()
    by_folder.copy()
    by_folder.follow(region="north")
    by_folder.update()
    assert by_folder.release == 1


def test_a_box_of_another_region_takes_nothing_of_it(region: Simulated) -> None:
    region.follow(region="south")
    site(region, fitted(region, 1))
    region.update()
    assert threshold_of(region) == 0.5


def _graph(parts: Parts) -> None:
    parts.members["model.f32.tflite"] = parts.members["model.f32.tflite"][:-1] + b"\1"


def _card(parts: Parts) -> None:
    parts.members["card.md"] = b"# A better card\n"


def _use(parts: Parts) -> None:
    parts.fields["intended_use"]["youngest"] = 0


def _recipe(parts: Parts) -> None:
    parts.fields["preprocess"]["low_percentile"] = 2.0


def _golden(parts: Parts) -> None:
    parts.fields["golden"]["films"][0]["logits"]["model.f32.onnx"] = [7.0]


def _more(parts: Parts) -> None:
    parts.members["more.txt"] = b"more"


def _parity(parts: Parts) -> None:
    parts.members["parity.json"] = json.dumps({"auc": 1}).encode()


@pytest.mark.parametrize("spoil", [_graph, _card, _use, _recipe, _golden, _more, _parity])
def test_a_region_that_publishes_more_than_a_threshold_is_refused(
    spoil: Spoil,
    region: Simulated,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The region's own tools need not be ours.
    with open_bundle(model(region.folder, 1)) as bundle:
        maker = bundle.identity
    monkeypatch.setattr("edge_export.repository.repository.maker_of", lambda *_: maker)
    site(region, fitted(region, 1, spoil=spoil))
    with pytest.raises(IntegrityError, match="changes more than the decision"):
        region.update()
    assert threshold_of(region) == 0.5
    assert region.store.state.pending is None


def test_a_region_cannot_publish_into_a_channel(region: Simulated) -> None:
    path = fitted(region, 1)
    region.maker.add(path, channel="stable", region="north")
    metadata = region.maker.metadata.read(Targets, "north")
    (name,) = metadata.signed.targets
    target = metadata.signed.targets.pop(name)
    target.custom["release"] = 99
    metadata.signed.targets[f"stable/{name.partition('/')[2]}"] = target
    region.maker._rewrite(metadata, "north", region.maker._delegator("north"))
    region.maker.publish()
    region.copy()
    region.update()
    assert region.release == 1
    assert threshold_of(region) == 0.5


def test_a_region_tells_of_its_threshold_in_files_of_its_own(region: Simulated) -> None:
    def told(parts: Parts) -> None:
        parts.members["site/card.md"] = b"# Fitted in the north\n"
        parts.members["site/parity.json"] = b"{}"

    site(region, fitted(region, 1, spoil=told))
    region.update()
    assert threshold_of(region) == 0.3
