"""The two ways to build an image: buildah, which needs no engine and no registry, and Docker."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dev.cluster.errors import CommandError
from dev.cluster.machine import filesystem, packages, shell
from dev.images import archive, base, pip, specs
from dev.images.archive import StoredImage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from dev.cluster.machine.progress import Progress
    from dev.images.specs import Image

LABEL = "spark.dev/inputs"
PACKAGES = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}
BUILD_SECONDS = 1800
TAG_LENGTH = 32
MOST_KEPT = 150
KEPT_AFTER_PRUNING = 30


class Builder(Protocol):
    """Builds images, keeps them under the digest of their inputs, and writes them out."""

    @property
    def base(self) -> str:
        """What its images stand on, as far as their content depends on it."""

    def prepare(self, progress: Progress) -> None:
        """Bring what it needs itself."""

    def has(self, digest: str) -> bool:
        """Tell whether an image of these inputs is kept already."""

    def build(self, made: Made, context: Path) -> None:
        """Build an image from the files in ``context`` and keep it."""

    def export(self, images: Sequence[Made], present: Collection[str], target: Path) -> None:
        """Write images into one archive that containerd can import.

        ``present`` are digests of blobs that may be left out.
        """


@dataclass(frozen=True)
class Made:
    """An image together with the digest of its inputs, and that of its parent's."""

    image: Image
    digest: str
    parent: str | None

    @classmethod
    def of(cls, image: Image, base: str, context: Path) -> Made:
        """Look at the files in ``context`` as they are now."""
        parent = None if image.parent is None else specs.digest(image.parent, context, base)
        return cls(image, specs.digest(image, context, base), parent)


def kept(digest: str) -> str:
    """Return the name under which a builder keeps an image: clones don't overwrite each other."""
    return f"localhost/spark-build:{digest[:TAG_LENGTH]}"


def arguments(made: Made, context: Path) -> list[str]:
    """Return the arguments that ``buildah bud`` and ``docker build`` have in common."""
    image = made.image
    values = [f"--build-arg={name}={value}" for name, value in image.arguments.items()]
    if made.parent is not None:
        values.append(f"--build-arg=APP={kept(made.parent)}")
    # buildah 1.28 takes an ENV from an ARG for unchanged; the label makes each image its own.
    return [
        *values, f"--label={LABEL}={made.digest}", f"--target={image.target}",
        f"--file={context / image.dockerfile}", f"--tag={kept(made.digest)}", str(context),
    ]  # fmt: skip


def secrets(settings: pip.PipSettings, folder: Path) -> Iterator[str]:
    """Write pip's settings into ``folder`` and yield the arguments that lend them to a build."""
    (folder / "pip.conf").write_text(settings.configuration)
    yield f"--secret=id=pip,src={folder / 'pip.conf'}"
    if settings.authority is not None:
        yield f"--secret=id=ca,src={settings.authority}"


class Buildah:
    """Builds as root with its own storage in the shared cache."""

    def __init__(self, cache: Path) -> None:
        """Keep everything below ``cache``."""
        self._cache = cache
        self._folder = cache / "buildah"
        self._base_image = f"localhost/spark-base:{base.version()}"
        self._driver = "vfs" if filesystem.is_overlay(cache) else "overlay"

    @property
    def base(self) -> str:
        """Version of the base image."""
        return base.version()

    def prepare(self, progress: Progress) -> None:
        """Install buildah where it is missing and make the base image."""
        packages.ensure(PACKAGES, progress)
        if self._is_kept(self._base_image):
            return
        folder = base.rootfs(self._cache, progress)
        with progress.step("importing the base image"):
            self._run("bud", "--isolation=chroot", "--tag", self._base_image, str(folder))

    def has(self, digest: str) -> bool:
        """Tell whether the image is in the storage."""
        return self._is_kept(kept(digest))

    def build(self, made: Made, context: Path) -> None:
        """Build by the project's own Dockerfile on the local base."""
        self.prune()
        with tempfile.TemporaryDirectory() as name:
            self._run(
                "bud", "--layers", "--network=host", "--isolation=chroot",
                f"--build-arg=BASE={self._base_image}", *secrets(pip.read(), Path(name)),
                *arguments(made, context),
            )  # fmt: skip

    def export(self, images: Sequence[Made], present: Collection[str], target: Path) -> None:
        """Write one OCI archive; layers are left uncompressed, since nothing travels far."""
        layers: dict[str, Path] = {}
        stored = [self._stored(made) for made in images]
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            for image, made in zip(stored, images, strict=True):
                if not set(image.layers) <= {*present, *layers}:
                    copied = Path(folder) / made.digest
                    self._run(
                        "push",
                        "--quiet",
                        "--disable-compression",
                        kept(made.digest),
                        f"dir:{copied}",
                    )
                    layers |= {f"sha256:{path.name}": path for path in copied.iterdir()}
            lacking = {digest: path for digest, path in layers.items() if digest not in present}
            archive.write(stored, lacking, target)

    def prune(self) -> None:
        """Forget the oldest images when there are many: each change of the sources makes some."""
        row = "{{.CreatedAtRaw}} {{.Name}}:{{.Tag}}"
        rows = self._run("images", f"--format={row}", "--filter=reference=localhost/spark-build")
        names = [line.rpartition(" ")[2] for line in sorted(rows.splitlines(), reverse=True)]
        if len(names) > MOST_KEPT:
            # What a build that was killed, or another clone's, still holds goes some other time
            for which in (names[KEPT_AFTER_PRUNING:], ["--prune"]):
                with contextlib.suppress(CommandError):
                    self._run("rmi", *which)

    def _stored(self, made: Made) -> StoredImage:
        found = json.loads(self._run("inspect", "--type=image", kept(made.digest)))
        documents = str(found["Manifest"]).encode(), str(found["Config"]).encode()
        return StoredImage(made.image.reference, *documents)

    def _is_kept(self, name: str) -> bool:
        return bool(self._run("images", "--quiet", "--filter", f"reference={name}").strip())

    def _run(self, *arguments: str) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [
            "buildah", f"--root={self._folder}/storage", f"--runroot={self._folder}/run",
            f"--storage-driver={self._driver}", *arguments,
        ]  # fmt: skip
        # The cache mounts of RUN lie in its temporary folder.
        environment = os.environ | {"TMPDIR": str(self._folder)}
        return shell.run(command, env=environment, timeout=BUILD_SECONDS)


class Docker:
    """Builds with Docker's engine, which brings its own base from its registry.

    No machine of this project's had Docker's engine, so this has not been run.
    """

    @property
    def base(self) -> str:
        """The Dockerfile says it, and that counts among the inputs."""
        return "docker"

    def prepare(self, progress: Progress) -> None:
        """Nothing to do."""

    def has(self, digest: str) -> bool:
        """Tell whether the engine keeps the image."""
        return bool(shell.run(["docker", "images", "--quiet", kept(digest)]).strip())

    def build(self, made: Made, context: Path) -> None:
        """Build by the project's own Dockerfile."""
        with tempfile.TemporaryDirectory() as name:
            lent = secrets(pip.read(), Path(name))
            shell.run(["docker", "build", *lent, *arguments(made, context)], timeout=BUILD_SECONDS)

    def export(self, images: Sequence[Made], present: Collection[str], target: Path) -> None:
        """Write an archive in Docker's format, which containerd reads too and is always whole."""
        for made in images:
            shell.run(["docker", "tag", kept(made.digest), made.image.reference])
        references = [made.image.reference for made in images]
        shell.run(["docker", "save", "--output", str(target), *references])
