"""Container image references.

Source: https://github.com/distribution/reference, its normalisation of short names.
"""

from __future__ import annotations

from typing import Final

DEFAULT_DOMAIN: Final = "docker.io"
DEFAULT_TAG: Final = "latest"


def canonical(image: str) -> str:
    """The full form of an image reference: domain, path, and tag or digest.

    ``spark`` and ``docker.io/library/spark:latest`` are the same image and give the same text.
    """
    name, at, digest = image.partition("@")
    domain, slash, path = name.partition("/")
    if not slash or not ("." in domain or ":" in domain or domain == "localhost"):
        domain, path = DEFAULT_DOMAIN, name
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = f"library/{path}"
    if at:
        repository = path.rpartition(":")[0] if ":" in path else path
        return f"{domain}/{repository}@{digest}"
    return f"{domain}/{path}" if ":" in path else f"{domain}/{path}:{DEFAULT_TAG}"


def is_mutable(image: str) -> bool:
    """Whether what the reference names can change: it has no digest."""
    return "@" not in image


def digest_of(image_id: str) -> str | None:
    """The digest in a container status' ``imageID``, or None where it has none."""
    _, at, digest = image_id.rpartition("@")
    candidate = digest if at else image_id
    return candidate if candidate.startswith("sha256:") else None
