"""Building and loading what a cluster lacks."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster import target as targets
from dev.cluster.config import CLONE, Layout
from dev.cluster.errors import PreconditionError
from dev.cluster.kind import docker_answers
from dev.cluster.progress import Progress
from dev.images import specs
from dev.images.builders import Buildah, Builder, Docker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dev.cluster.target import Target
    from dev.images.specs import Image

BUILDER = "SPARK_IMAGE_BUILDER"


def ensure(
    names: Sequence[str], *, target: Target | None = None, progress: Progress | None = None
) -> dict[str, str]:
    """Make the cluster have these images; return each name's reference.

    Raises:
        UnknownImageError: a name means nothing.
        PreconditionError: something is missing that the build needs, or the cluster is the user's
            own, into which nothing can be loaded from here.
        CommandError: a build or a load failed.
    """
    target, progress = target or targets.resolve(), progress or Progress()
    images = {name: specs.parse(name) for name in names}
    builder = choose_builder()
    digests = {
        image.reference: specs.digest(image, CLONE, builder.base) for image in images.values()
    }
    present = target.images()
    lacking = [
        image
        for image in _unique(images.values())
        if present.get(image.reference) != digests[image.reference]
    ]
    if lacking:
        build(lacking, builder, progress)
        with progress.step(f"loading {_shown(lacking)} into the cluster"):
            _load(lacking, builder, target, digests)
    return {name: image.reference for name, image in images.items()}


def build(images: Sequence[Image], builder: Builder, progress: Progress) -> None:
    """Build the images, and what they stand on, that the builder does not keep yet."""
    cache = Layout.of().cache
    with _alone(cache):
        builder.prepare(progress)
        for image in _with_parents(images):
            digest = specs.digest(image, CLONE, builder.base)
            if not builder.has(digest):
                with progress.step(f"building {image.reference}"):
                    builder.build(image, digest, CLONE)


def choose_builder(environment: Mapping[str, str] = os.environ) -> Builder:
    """Return Docker where its engine answers, else buildah; SPARK_IMAGE_BUILDER overrules."""
    match environment.get(BUILDER, ""):
        case "docker":
            return Docker()
        case "buildah":
            return Buildah(Layout.of().cache)
        case "":
            return Docker() if docker_answers() else Buildah(Layout.of().cache)
        case other:
            raise PreconditionError(f"{BUILDER} is {other!r}: set it to docker or buildah.")


def _load(
    images: Sequence[Image], builder: Builder, target: Target, digests: Mapping[str, str]
) -> None:
    folder = Layout.of().cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        archive = Path(name) / "images.tar"
        builder.export(images, archive)
        target.load(archive, {image.reference: digests[image.reference] for image in images})


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    # Two builds at once would make the same layers twice.
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _with_parents(images: Sequence[Image]) -> list[Image]:
    parents = [image.parent for image in images if image.parent is not None]
    return _unique([*parents, *images])


def _unique(images: Iterable[Image]) -> list[Image]:
    return list({image.reference: image for image in images}.values())


def _shown(images: Sequence[Image]) -> str:
    return ", ".join(image.reference for image in images)
