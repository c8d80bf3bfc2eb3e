"""An OCI image layout on disk, and archives of what a cluster lacks of it.

Format: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

REFERENCE = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"


def archive(layout: Path, references: Collection[str], present: Collection[str], to: Path) -> None:
    """Write images of a layout into an archive, without the blobs that are ``present`` already.

    ``present`` are digests such as ``sha256:…``.  An image that is not in the layout is an error
    of the caller: ``KeyError``.
    """
    entries = {entry["annotations"][REFERENCE]: entry for entry in _index(layout)}
    chosen = [_named(entries[reference], reference) for reference in references]
    blobs = {digest for entry in chosen for digest in _reachable(layout, entry["digest"])}
    with tarfile.open(to, "w") as tar:
        _add(tar, "oci-layout", (layout / "oci-layout").read_bytes())
        index = {"schemaVersion": 2, "manifests": chosen}
        _add(tar, "index.json", json.dumps(index).encode())
        for digest in sorted(blobs - set(present)):
            tar.add(_blob(layout, digest), f"blobs/{digest.replace(':', '/')}")


def prune(layout: Path) -> None:
    """Delete blobs that no image of the layout's index refers to."""
    used = {digest for entry in _index(layout) for digest in _reachable(layout, entry["digest"])}
    for path in (layout / "blobs" / "sha256").iterdir():
        if f"sha256:{path.name}" not in used:
            path.unlink()


def _named(entry: dict[str, Any], reference: str) -> dict[str, Any]:
    return {**entry, "annotations": {CONTAINERD_NAME: reference}}


def _index(layout: Path) -> list[dict[str, Any]]:
    manifests: list[dict[str, Any]] = json.loads((layout / "index.json").read_text())["manifests"]
    return manifests


def _reachable(layout: Path, manifest: str) -> Iterator[str]:
    content = json.loads(_blob(layout, manifest).read_text())
    yield manifest
    yield content["config"]["digest"]
    yield from (layer["digest"] for layer in content["layers"])


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
