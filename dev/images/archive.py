"""OCI archives that hold only what a cluster lacks.

Format: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CONTAINERD_NAME = "io.containerd.image.name"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class StoredImage:
    """An image's two documents, byte by byte; their digests are the image's identity."""

    reference: str
    manifest: bytes
    config: bytes

    @property
    def layers(self) -> list[str]:
        """Digests of the layers, such as ``sha256:…``, the lowest first."""
        return [str(layer["digest"]) for layer in json.loads(self.manifest)["layers"]]

    @property
    def descriptor(self) -> dict[str, Any]:
        """The image's entry in an archive's index."""
        return {
            "mediaType": MANIFEST_TYPE,
            "digest": _digest(self.manifest),
            "size": len(self.manifest),
            "annotations": {CONTAINERD_NAME: self.reference},
        }


def write(images: Sequence[StoredImage], layers: Mapping[str, Path], target: Path) -> None:
    """Write an archive of the images; a layer that is not in ``layers`` is left out."""
    with tarfile.open(target, "w") as tar:
        _add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        index = {"schemaVersion": 2, "manifests": [image.descriptor for image in images]}
        _add(tar, "index.json", json.dumps(index).encode())
        documents = [text for image in images for text in (image.config, image.manifest)]
        for digest, content in {_digest(text): text for text in documents}.items():
            _add(tar, _path(digest), content)
        for digest in {layer: None for image in images for layer in image.layers}:
            if digest in layers:
                tar.add(layers[digest], _path(digest))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
