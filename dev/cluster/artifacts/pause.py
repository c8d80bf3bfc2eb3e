"""The image that holds a pod's namespaces: one static binary in an OCI archive.

Layout: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MEDIA = "application/vnd.oci.image"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
Blobs = dict[str, bytes]


def archive(binary: Path, image: str, target: Path) -> None:
    """Write an OCI archive whose only file and entry point is ``binary``, named ``image``."""
    blobs: Blobs = {}
    layer = _tar({"pause": (binary.read_bytes(), 0o755)})
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}.manifest.v1+json",
        "config": _put(blobs, f"{MEDIA}.config.v1+json", json.dumps(config).encode()),
        "layers": [_put(blobs, f"{MEDIA}.layer.v1.tar", layer)],
    }
    entry = _put(blobs, f"{MEDIA}.manifest.v1+json", json.dumps(manifest).encode())
    entry["annotations"] = {"io.containerd.image.name": image}
    index = {"schemaVersion": 2, "manifests": [entry]}
    files = {f"blobs/sha256/{digest}": (content, 0o644) for digest, content in blobs.items()}
    files["oci-layout"] = (b'{"imageLayoutVersion": "1.0.0"}', 0o644)
    files["index.json"] = (json.dumps(index).encode(), 0o644)
    target.write_bytes(_tar(files))


def _put(blobs: Blobs, media_type: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    blobs[digest] = content
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
