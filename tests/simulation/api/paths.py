"""URL paths of the API: which object, which subresource, which labels."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit


class Collection(NamedTuple):
    """All objects of one kind in one namespace."""

    api_version: str
    plural: str
    namespace: str


class Address(NamedTuple):
    """What a request is about; ``name`` is empty for a whole collection."""

    collection: Collection
    name: str
    subresource: str
    labels: tuple[tuple[str, str], ...]
    manager: str


@lru_cache(maxsize=4096)
def parse(path: str) -> Address:
    """Read a path with its query.

    Raises:
        ValueError: the path names no namespaced kind.
    """
    parts = urlsplit(path)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    head, *segments = parts.path.strip("/").split("/")
    version = segments.pop(0) if head == "api" else f"{segments.pop(0)}/{segments.pop(0)}"
    if len(segments) < 3 or segments[0] != "namespaces":
        raise ValueError(f"{path}: only namespaced kinds are served here")
    _, namespace, plural, *rest = segments
    terms = [term for term in query.get("labelSelector", "").split(",") if term]
    labels = tuple((key, value) for key, _, value in (term.partition("=") for term in terms))
    name, subresource, *_ = [*rest, "", ""]
    collection = Collection(version, plural, namespace)
    return Address(collection, name, subresource, labels, query.get("fieldManager", ""))
