"""Building and loading what a cluster lacks."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.choices import target as targets
from dev.cluster.choices.kind import docker_answers
from dev.cluster.config import CLONE, Layout
from dev.cluster.errors import PreconditionError
from dev.cluster.machine.progress import Progress
from dev.images import specs
from dev.images.builders import Buildah, Builder, Docker, Made

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dev.cluster.choices.target import Target
    from dev.images.specs import Image

BUILDER = "SPARK_IMAGE_BUILDER"
LOADED = "SPARK_IMAGES"


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
    references = {name: image.reference for name, image in images.items()}
    if os.environ.get(LOADED) == "loaded":
        return references
    builder = choose_builder()
    if _lacking(images.values(), builder, target, CLONE):
        with alone(progress), tempfile.TemporaryDirectory(dir=Layout.of().cache) as name:
            context = snapshot(images.values(), Path(name) / "context")
            lacking = _lacking(images.values(), builder, target, context)
            build(lacking, context, builder, progress)
            _load(lacking, builder, target, Path(name) / "images.tar", progress)
    return references


def save(names: Sequence[str], archive: Path, progress: Progress) -> None:
    """Write the images into one archive, for clusters that nothing can be loaded into from here."""
    images, builder = [specs.parse(name) for name in names], choose_builder()
    with alone(progress), tempfile.TemporaryDirectory(dir=Layout.of().cache) as name:
        context = snapshot(images, Path(name))
        made = [Made.of(image, builder.base, context) for image in images]
        build(made, context, builder, progress)
        with progress.step("exporting images"):
            builder.export(made, (), archive)


def _lacking(
    images: Iterable[Image], builder: Builder, target: Target, context: Path
) -> list[Made]:
    present = target.images()
    made = [Made.of(image, builder.base, context) for image in _unique(images)]
    return [each for each in made if present.get(each.image.reference) != each.digest]


def _load(
    images: Sequence[Made], builder: Builder, target: Target, archive: Path, progress: Progress
) -> None:
    if images:
        with progress.step("exporting images"):
            builder.export(images, target.blobs(), archive)
        with progress.step(f"loading {_shown(images)} into the cluster"):
            target.load(archive, {each.image.reference: each.digest for each in images})


def snapshot(images: Iterable[Image], context: Path) -> Path:
    """Copy the images' inputs to ``context``: they stay as they are while they are built from."""
    for image in _with_parents(_unique(images)):
        for each in image.inputs:
            source, copy = CLONE / each, context / each
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(source, copy, dirs_exist_ok=True, ignore=ignored)
            else:
                shutil.copy2(source, copy)
    return context


def build(images: Sequence[Made], context: Path, builder: Builder, progress: Progress) -> None:
    """Build the images, and what they stand on, that the builder does not keep yet."""
    builder.prepare(progress)
    for image in _with_parents([made.image for made in images]):
        made = Made.of(image, builder.base, context)
        if not builder.has(made.digest):
            with progress.step(f"building {image.reference}"):
                builder.build(made, context)


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


@contextmanager
def alone(progress: Progress) -> Iterator[None]:
    """Hold the lock on the shared image cache: two builds would make the same layers twice."""
    cache = Layout.of().cache
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "images.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step("waiting for another build"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _with_parents(images: Sequence[Image]) -> list[Image]:
    parents = [image.parent for image in images if image.parent is not None]
    return _unique([*parents, *images])


def _unique(images: Iterable[Image]) -> list[Image]:
    return list({image.reference: image for image in images}.values())


def _shown(made: Sequence[Made]) -> str:
    return ", ".join(each.image.reference for each in made)
