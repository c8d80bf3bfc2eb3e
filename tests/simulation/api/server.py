"""An API server in memory, as far as the operator and its world use one.

What it promises is written down, and checked against a real kube-apiserver, in ``tests/contract``.
A request is one synchronous step: nothing happens between its check and its write.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from spark_operator.api.base import PLURAL
from spark_operator.api.fields import format_time, to_time
from tests.simulation.api import errors, fields, jobs, merge, paths, strategic
from tests.simulation.api.defaults import complete

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.model.objects import Manifest
    from tests.simulation.api.paths import Address, Collection

APPLY: Final = "application/apply-patch+yaml"
STRATEGIC: Final = "application/strategic-merge-patch+json"
COUNTED: Final = frozenset(
    {PLURAL, "deployments", "jobs", "networkpolicies", "poddisruptionbudgets"}
)
"""Kinds that count the changes of their spec in ``metadata.generation``."""
MAX_BYTES: Final = 1_500_000
Verb = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change; ``at`` in seconds since the epoch, manifests never modified later."""

    at: float
    actor: str
    verb: Verb
    collection: Collection
    name: str
    before: Manifest | None
    after: Manifest | None

    @property
    def manifest(self) -> Manifest:
        """The object after the change, or as it last was."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found


@dataclass(slots=True)
class ApiServer:
    """Objects by collection and name; stored manifests are replaced, never modified."""

    now: Callable[[], float]
    objects: dict[Collection, dict[str, Manifest]] = field(default_factory=dict)
    listeners: list[Callable[[Change], None]] = field(default_factory=list)
    _applied: dict[tuple[Collection, str], Manifest] = field(default_factory=dict)
    _encoded: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    _version: int = 1
    """The last version given to an object; the first is etcd's own."""
    _born: int = 0

    def handle(self, actor: str, method: str, path: str, body: Any, content_type: str) -> bytes:
        """Answer one request: the body of a 200.

        Raises:
            Refusal: any other answer.
        """
        address = paths.parse(path)
        if method == "GET":
            return self._encode(self._found(address))[0] if address.name else self._list(address)
        return self._encode(self._change(actor, method, address, body, content_type))[0]

    def _change(
        self, actor: str, method: str, address: Address, body: Any, content_type: str
    ) -> Manifest:
        sent = _copied(body)
        match method:
            case "POST":
                return self.create(actor, address.collection, sent)
            case "PUT":
                return self._put(actor, address, sent)
            case "PATCH" if content_type == APPLY:
                return self._apply(actor, address, sent)
            case "PATCH":
                merged = strategic.patched if content_type == STRATEGIC else merge.merge_patch
                return self._merge(actor, address, sent, merged)
            case "DELETE":
                return self._delete(actor, address, sent or {})
            case _:
                raise errors.Refusal(405, "MethodNotAllowed", f"{method} is not served here")

    # --- reads ---

    def all(self, collection: Collection) -> dict[str, Manifest]:
        """Every object of a collection by name; not a copy."""
        return self.objects.setdefault(collection, {})

    def _found(self, address: Address) -> Manifest:
        found = self.all(address.collection).get(address.name)
        if found is None:
            raise errors.not_found(address.collection.plural, address.name)
        return found

    def _list(self, address: Address) -> bytes:
        items = [
            self._encode(item)[1]
            for _, item in sorted(self.all(address.collection).items())
            if _has_labels(item, address.labels)
        ]
        head = f'{{"kind":"List","metadata":{{"resourceVersion":"{self._version}"}},"items":['
        return head.encode() + b",".join(items) + b"]}"

    def _encode(self, item: Manifest) -> tuple[bytes, bytes]:
        """An object as it is read alone, and as an item of a list, which names no kind."""
        version = item["metadata"]["resourceVersion"]
        known = self._encoded.get(version)
        if known is None:
            bare = {key: item[key] for key in item if key not in ("kind", "apiVersion")}
            known = json.dumps(item).encode(), json.dumps(bare).encode()
            self._encoded[version] = known
        return known

    # --- writes ---

    def create(
        self,
        actor: str,
        collection: Collection,
        manifest: Manifest,
        *,
        manager: str = "",
        applied: Manifest | None = None,
    ) -> Manifest:
        """Store a new object; ``applied``: what its manager holds of it, by default all.

        Raises:
            Refusal: there is one of that name.
        """
        meta = manifest["metadata"]
        if meta["name"] in self.all(collection):
            raise errors.already_exists(collection.plural, meta["name"])
        self._born += 1
        born = {
            "uid": f"00000000-0000-4000-8000-{self._born:012d}",
            "creationTimestamp": self._stamp(),
            "namespace": collection.namespace,
        }
        counted = {"generation": 1} if collection.plural in COUNTED else {}
        kept = {key: value for key, value in meta.items() if key != "resourceVersion"}
        stored = jobs.born(manifest | {"metadata": kept | born | counted})
        if collection.plural == PLURAL:
            stored.pop("status", None)
        stored = self._managed(collection, None, stored, manager or actor, applied)
        return self._commit(actor, collection, meta["name"], stored)

    def replace(
        self,
        actor: str,
        collection: Collection,
        manifest: Manifest,
        *,
        manager: str = "",
        applied: Manifest | None = None,
    ) -> Manifest:
        """Store an object in place of the one of its name; one that is equal changes nothing."""
        name = manifest["metadata"]["name"]
        before = self.all(collection)[name]
        meta = before["metadata"]
        fixed = {key: meta[key] for key in ("uid", "creationTimestamp", "resourceVersion")}
        if collection.plural in COUNTED:
            bump = _described(before) != _described(manifest)
            fixed["generation"] = meta["generation"] + bump
        after = manifest | {"metadata": manifest["metadata"] | fixed}
        after = self._managed(collection, before, after, manager or actor, applied)
        if after == before:
            return before
        jobs.check_change(collection.plural, before, after)
        return self._commit(actor, collection, name, after)

    def _managed(
        self,
        collection: Collection,
        before: Manifest | None,
        after: Manifest,
        manager: str,
        applied: Manifest | None,
    ) -> Manifest:
        if collection.plural not in fields.KEPT:
            return after
        entries = fields.managed(before, after, manager, applied, self._stamp())
        return after | {"metadata": after["metadata"] | {"managedFields": entries}}

    def remove(self, actor: str, collection: Collection, name: str) -> None:
        """Drop an object at once; one that is gone is no error."""
        before = self.all(collection).pop(name, None)
        if before is None:
            return
        self._applied.pop((collection, name), None)
        self._version += 1
        self._tell(Change(self.now(), actor, "DELETED", collection, name, before, None))

    def _put(self, actor: str, address: Address, body: Manifest) -> Manifest:
        live = self._found(address)
        self._check_identity(address, body["metadata"], live, custom=address.collection.plural)
        if address.subresource == "status":
            status = {"status": body["status"]} if "status" in body else {}
            return self.replace(actor, address.collection, _without_status(live) | status)
        if address.collection.plural == PLURAL:
            kept = {"status": live["status"]} if "status" in live else {}
            body = _without_status(body) | kept
        manager = address.manager
        return self.replace(actor, address.collection, complete(body), manager=manager)

    def _apply(self, actor: str, address: Address, body: Manifest) -> Manifest:
        collection, name = address.collection, address.name
        live = self.all(collection).get(name)
        version, uid = (body["metadata"].pop(key, None) for key in ("resourceVersion", "uid"))
        if live is None:
            if uid is not None:
                raise errors.conflict(collection.plural, name, f"uid mismatch: no object has {uid}")
            stored = self.create(
                actor, collection, complete(body), manager=address.manager, applied=body
            )
        else:
            if version not in (None, live["metadata"]["resourceVersion"]):
                raise errors.conflict(collection.plural, name)
            if uid not in (None, live["metadata"]["uid"]):
                raise errors.invalid(collection.plural, name, "metadata.uid: field is immutable")
            before = self._applied.get((collection, name))
            merged: Manifest = merge.apply(live, before, body)
            _check_owners(collection, merged)
            stored = self.replace(
                actor, collection, complete(merged), manager=address.manager, applied=body
            )
        self._applied[collection, name] = body
        return stored

    def _merge(
        self,
        actor: str,
        address: Address,
        body: Manifest,
        patched: Callable[[Any, Any], Any],
    ) -> Manifest:
        live = self._found(address)
        self._check_identity(address, body.get("metadata") or {}, live)
        merged: Manifest = patched(live, body)
        if address.collection.plural == PLURAL:
            status = {"status": live["status"]} if "status" in live else {}
            merged = _without_status(merged) | status
        manager = address.manager
        return self.replace(actor, address.collection, complete(merged), manager=manager)

    def _delete(self, actor: str, address: Address, options: Manifest) -> Manifest:
        live = self._found(address)
        preconditions = options.get("preconditions") or {}
        wanted, version = preconditions.get("uid"), preconditions.get("resourceVersion")
        if version not in (None, live["metadata"]["resourceVersion"]):
            raise errors.conflict(address.collection.plural, address.name)
        if wanted and wanted != live["metadata"]["uid"]:
            actual = live["metadata"]["uid"]
            why = (
                f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {actual}"
            )
            raise errors.conflict(address.collection.plural, address.name, why)
        if address.collection.plural == "jobs" and "propagationPolicy" not in options:
            return self._orphan(actor, address, live)
        self.end(actor, address.collection, address.name)
        return live

    def _orphan(self, actor: str, address: Address, live: Manifest) -> Manifest:
        """Deleted without a policy, a Job stays until somebody has let its pods go."""
        meta = (
            live["metadata"] | {"deletionTimestamp": self._stamp()} | {"finalizers": [jobs.ORPHAN]}
        )
        return self.replace(actor, address.collection, live | {"metadata": meta})

    def end(self, actor: str, collection: Collection, name: str) -> None:
        """Delete an object as a client does: a pod that has not ended is given time to."""
        live = self.all(collection).get(name)
        if live is None:
            return
        spec = live.get("spec") or {}
        ended = (live.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if collection.plural == "pods" and spec.get("nodeName") and not ended:
            if "deletionTimestamp" not in live["metadata"]:
                stamp = {"deletionTimestamp": self._stamp()}
                self.replace(actor, collection, live | {"metadata": live["metadata"] | stamp})
            return
        self.remove(actor, collection, name)

    def _check_identity(
        self, address: Address, meta: Manifest, live: Manifest, custom: str = ""
    ) -> None:
        plural, name = address.collection.plural, address.name
        version, actual = meta.get("resourceVersion"), live["metadata"]["resourceVersion"]
        if custom == PLURAL and not version:
            raise errors.invalid(plural, name, "metadata.resourceVersion: must be specified")
        if version and version != actual:
            raise errors.conflict(plural, name)
        if meta.get("uid") not in (None, "", live["metadata"]["uid"]):
            raise errors.conflict(plural, name, "Precondition failed: UID in precondition")

    def _commit(
        self, actor: str, collection: Collection, name: str, manifest: Manifest
    ) -> Manifest:
        self._version += 1
        meta = manifest["metadata"] | {"resourceVersion": str(self._version)}
        stored = manifest | {"metadata": meta}
        if len(self._encode(stored)[0]) > MAX_BYTES:
            raise errors.Refusal(500, "InternalError", "etcdserver: request is too large")
        before = self.all(collection).get(name)
        self.all(collection)[name] = stored
        verb: Verb = "ADDED" if before is None else "MODIFIED"
        self._tell(Change(self.now(), actor, verb, collection, name, before, stored))
        return stored

    def _stamp(self) -> str:
        return format_time(to_time(float(int(self.now()))))

    def _tell(self, change: Change) -> None:
        for listener in self.listeners:
            listener(change)


def _check_owners(collection: Collection, manifest: Manifest) -> None:
    owners = manifest["metadata"].get("ownerReferences") or []
    if sum(bool(owner.get("controller")) for owner in owners) > 1:
        why = "metadata.ownerReferences: Only one reference can have Controller set to true"
        raise errors.invalid(collection.plural, manifest["metadata"]["name"], why)


def _copied(body: Any) -> Any:
    """What arrives over the wire: nothing that is no JSON, nothing shared with the sender."""
    return json.loads(json.dumps(body))


def _described(manifest: Manifest) -> Manifest:
    """What a user describes: all but metadata and status."""
    return {key: value for key, value in manifest.items() if key not in ("metadata", "status")}


def _without_status(manifest: Manifest) -> Manifest:
    return {key: value for key, value in manifest.items() if key != "status"}


def _has_labels(item: Manifest, labels: tuple[tuple[str, str], ...]) -> bool:
    own = item["metadata"].get("labels") or {}
    return all(own.get(key) == value for key, value in labels)
