"""From what shall be and what is to the writes between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spark_operator.core.apply.drift import stripping
from spark_operator.core.model.labels import EPOCH_ANNOTATION, RUN_ANNOTATION
from spark_operator.core.model.objects import Ref, covers, epoch, is_owned_by, ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spark_operator.core.model.objects import Manifest

FENCED: Final = frozenset({"Service", "Deployment"})
"""Kinds that move traffic: stamped with every epoch, written only over what was seen."""
UNSEEN: Final = "1"
"""A resourceVersion that no object has: etcd's first revision is its own."""
ONCE: Final = frozenset({"Job"})
"""Kinds that cannot be changed: one of another run is removed before it is written anew."""
KEPT: Final = frozenset({"ControllerRevision"})
"""Kinds that outlive their projection; they are pruned by age."""


class StaleDecisionError(Exception):
    """A child stems from a newer decision than ours: another operator leads now."""


@dataclass(frozen=True, slots=True)
class Apply:
    """Write a manifest by server-side apply; fenced kinds only over what was seen."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove an object, if it is still the one that was seen; fenced kinds as they were seen."""

    ref: Ref
    uid: str
    version: str | None = None
    """The resourceVersion that was seen; None: whatever has become of it."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Take out of an object what somebody added, by a strategic merge patch over what was seen."""

    manifest: Manifest


Write = Apply | Strip | Delete


def diff(
    wanted: list[Manifest],
    live: Iterable[Manifest],
    uid: str,
    ours: int,
    spared: frozenset[Ref] = frozenset(),
) -> list[Write]:
    """The writes that make ``live`` into ``wanted``, in the order of ``wanted``, deletions last.

    What was added to an object is taken out after the object was applied.

    Args:
        wanted: manifests that shall exist.
        live: the resource's children as the API server gives them.
        uid: UID of the resource; objects it does not control are left alone.
        ours: epoch of the decision that ``wanted`` projects.
        spared: objects that are neither written nor deleted.

    Raises:
        StaleDecisionError: a child carries a higher epoch than ``ours``.
    """
    owned = {ref(item): item for item in live if is_owned_by(item, uid)}
    newest = max((epoch(item) for item in owned.values()), default=0)
    if newest > ours:
        raise StaleDecisionError(f"a child carries epoch {newest}, this decision is epoch {ours}")
    writes: list[Write] = [
        Apply(_fenced(item, owned.get(ref(item))))
        for item in wanted
        if ref(item) not in spared and not _is_as_wanted(item, owned.get(ref(item)))
    ]
    writes += [
        Strip(patch)
        for item in wanted
        if ref(item) in owned
        and item["kind"] not in ONCE
        and ref(item) not in spared
        and (patch := stripping(item, owned[ref(item)])) is not None
    ]
    kept = spared | {ref(item) for item in wanted if not _is_of_another_run(item, owned)}
    writes += [
        _deletion(identity, item)
        for identity, item in owned.items()
        if identity not in kept
        and identity.kind not in KEPT
        and not item["metadata"].get("deletionTimestamp")
    ]
    return writes


def _deletion(identity: Ref, item: Manifest) -> Delete:
    version = item["metadata"]["resourceVersion"] if identity.kind in FENCED else None
    return Delete(identity, item["metadata"]["uid"], version)


def _is_as_wanted(wanted: Manifest, live: Manifest | None) -> bool:
    if live is None:
        return False
    if wanted["kind"] in ONCE:
        return True
    if wanted["kind"] in FENCED:
        return covers(live, wanted)
    meta = wanted["metadata"]
    annotations = {
        key: value for key, value in meta["annotations"].items() if key != EPOCH_ANNOTATION
    }
    return covers(live, wanted | {"metadata": meta | {"annotations": annotations}})


def _is_of_another_run(wanted: Manifest, owned: Mapping[Ref, Manifest]) -> bool:
    """Whether what stands under a Job's name was made for an earlier run."""
    live = owned.get(ref(wanted))
    if live is None or wanted["kind"] not in ONCE:
        return False
    run = (live["metadata"].get("annotations") or {}).get(RUN_ANNOTATION)
    return bool(run != wanted["metadata"]["annotations"][RUN_ANNOTATION])


def _fenced(wanted: Manifest, live: Manifest | None) -> Manifest:
    """The manifest, to be written over exactly what was seen.

    An apply with a resourceVersion still creates an object that is gone; with a UID it does not.
    With a resourceVersion that no object has, it creates an object and changes none.
    """
    if wanted["kind"] not in FENCED:
        return wanted
    seen = {"resourceVersion": UNSEEN}
    if live is not None:
        seen = {key: live["metadata"][key] for key in ("resourceVersion", "uid")}
    return wanted | {"metadata": wanted["metadata"] | seen}


def surplus_revisions(live: Mapping[str, int], used: frozenset[str], limit: int) -> tuple[str, ...]:
    """Releases whose revisions may go: the oldest unused ones beyond ``limit``.

    Args:
        live: revision number by release.
        used: releases that status names.
        limit: unused revisions to keep.
    """
    unused = sorted((number, release) for release, number in live.items() if release not in used)
    return tuple(release for _, release in unused[: max(0, len(unused) - limit)])
