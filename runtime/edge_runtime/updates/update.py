"""An update from its beginning to its end: what is offered is fetched, checked and then answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge_runtime.bundle import verify_all
from edge_runtime.errors import IntegrityError, ParityFailed, UsageError
from edge_runtime.updates.choice import choose
from edge_runtime.updates.client import Expired, opened
from edge_runtime.updates.region import require_decision_alone
from edge_runtime.updates.release import releases
from edge_runtime.updates.trusted import Trusted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuf.ngclient import FetcherInterface

    from edge_runtime.installation.record import InstalledModel
    from edge_runtime.installation.store import ModelStore
    from edge_runtime.updates.choice import Choice
    from edge_runtime.updates.client import Repository
    from edge_runtime.updates.release import Release

    Say = Callable[[str], None]


def update(
    store: ModelStore, address: str, fetcher: FetcherInterface, say: Say, *, again: bool = False
) -> None:
    """Bring `store`, which this process is writing, to what the repository at `address` offers.

    With `again`, also a model that was thrown out here, or that somebody went back from.

    Raises:
        IntegrityError: the repository, or a model of it, is not what its keys signed.
        DataError: it cannot be had.
        ParityFailed: the new model does not answer here as its maker says.
        CannotWrite: the disk does not take it.
    """
    store.settle(say)  # so that at most one model waits
    before = Trusted.read(store.folder)
    with opened(address, fetcher, before) as repository:
        try:
            _refresh(repository, store)
            chosen = _chosen(repository, store)
        finally:
            if repository.trusted != before:
                repository.trusted.write(store.folder)
        model = chosen.model
        if model is None:
            say(chosen.why)
        elif (reason := store.state.held.get(model.identity)) and not again:
            say(f"{model} is not installed again by itself: {reason}; --again does")
        else:
            _install(repository, store, chosen, model, say)


def _refresh(repository: Repository, store: ModelStore) -> None:
    try:
        repository.refresh()
    except Expired as error:
        current = store.state.current
        goes_on = f"{current} goes on; {error.cure}" if current else error.cure
        raise Expired(error.subject, error.problem, goes_on) from error


def _chosen(repository: Repository, store: ModelStore) -> Choice:
    state = store.state
    following, current = state.following, state.current
    name = following.model or (current.name if current else None)
    offered = releases(repository.targets(), following.channel, name)
    if not offered and current is None:
        problem = f"offers nothing in the channel {following.channel}"
        raise UsageError(repository.address, problem, "ask its maker, or try another --channel")
    thresholds: list[Release] = []
    if following.region:
        there = repository.targets(following.region)
        thresholds = releases(there, following.region, name)
    whole = current is not None and store.is_whole(current.identity)
    return choose(state, offered, thresholds, whole=whole)


def _install(
    repository: Repository, store: ModelStore, chosen: Choice, model: InstalledModel, say: Say
) -> None:
    for release in filter(None, (chosen.maker, chosen.site)):
        _fetch(repository, store, release)
    if chosen.maker and chosen.site:
        paths = (store.path(release.model.identity) for release in (chosen.maker, chosen.site))
        with verify_all(next(paths)) as maker, verify_all(next(paths)) as site:
            require_decision_alone(maker, site)
        model = replace(model, maker=chosen.maker.model.identity)
    store.propose(model)
    store.settle(say)
    state = store.state
    if reason := state.held.get(model.identity):
        goes_on = f"{state.current} goes on" if state.current else "ask its maker"
        raise ParityFailed(str(model), f"was thrown out here ({reason})", goes_on)


def _fetch(repository: Repository, store: ModelStore, release: Release) -> None:
    """Bring the model of a release into the store, and hold it against what was signed of it."""
    model = release.model
    if store.is_whole(model.identity):
        return
    source = repository.download(release.path)
    store.add(source, model.identity)
    with verify_all(store.path(model.identity)) as bundle:
        manifest = bundle.manifest
        if (manifest.name, manifest.version) != (model.name, model.version):
            problem = f"is {manifest.name} {manifest.version}, and not what was published"
            raise IntegrityError(release.path, problem, "ask its maker")
    source.unlink(missing_ok=True)
