"""The two ways to build an image: buildah, which needs no engine and no registry, and Docker."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dev.cluster import packages, shell
from dev.images import base, pip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dev.cluster.progress import Progress
    from dev.images.specs import Image

LABEL = "spark.dev/inputs"
PACKAGES = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}
BUILD_SECONDS = 1800


class Builder(Protocol):
    """Builds images, keeps them, and writes them out."""

    @property
    def base(self) -> str:
        """What its images stand on, as far as their content depends on it."""

    def prepare(self, progress: Progress) -> None:
        """Bring what it needs itself."""

    def has(self, digest: str) -> bool:
        """Tell whether an image of these inputs is kept already."""

    def build(self, image: Image, digest: str, clone: Path) -> None:
        """Build an image and keep it."""

    def export(self, images: Sequence[Image], target: Path) -> None:
        """Write images into one archive that containerd can import."""


def arguments(image: Image, digest: str, clone: Path) -> list[str]:
    """Return the arguments that ``buildah bud`` and ``docker build`` have in common."""
    values = [f"--build-arg={name}={value}" for name, value in image.arguments.items()]
    # buildah 1.28 takes an ENV from an ARG for unchanged; the label makes each image its own.
    return [
        *values, f"--label={LABEL}={digest}", f"--target={image.target}",
        f"--file={clone / image.dockerfile}", f"--tag={image.reference}", str(clone),
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

    @property
    def base(self) -> str:
        """Version of the base image."""
        return base.version()

    def prepare(self, progress: Progress) -> None:
        """Install buildah where it is missing and make the base image."""
        packages.ensure(PACKAGES, progress)
        if self._run("images", "--quiet", "--filter", f"reference={self._base_image}"):
            return
        folder = base.rootfs(self._cache, progress)
        with progress.step("importing the base image"):
            self._run("bud", "--isolation=chroot", "--tag", self._base_image, str(folder))

    def has(self, digest: str) -> bool:
        """Tell whether an image with this label is in the storage."""
        return bool(self._run("images", "--quiet", "--filter", f"label={LABEL}={digest}").strip())

    def build(self, image: Image, digest: str, clone: Path) -> None:
        """Build by the project's own Dockerfile on the local base."""
        with tempfile.TemporaryDirectory() as name:
            self._run(
                "bud", "--layers", "--network=host", "--isolation=chroot",
                f"--build-arg=BASE={self._base_image}", *secrets(pip.read(), Path(name)),
                *arguments(image, digest, clone),
            )  # fmt: skip

    def export(self, images: Sequence[Image], target: Path) -> None:
        """Write one OCI archive in which the images share their layers."""
        with tempfile.TemporaryDirectory(dir=self._folder) as layout:
            for image in images:
                self._run("push", "--quiet", image.reference, f"oci:{layout}:{image.reference}")
            shell.run(["tar", "--create", f"--file={target}", f"--directory={layout}", "."])

    def _run(self, *arguments: str) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [
            "buildah", f"--root={self._folder}/storage", f"--runroot={self._folder}/run",
            "--storage-driver=overlay", *arguments,
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
        """Tell whether the engine keeps an image with this label."""
        command = ["docker", "images", "--quiet", "--filter", f"label={LABEL}={digest}"]
        return bool(shell.run(command).strip())

    def build(self, image: Image, digest: str, clone: Path) -> None:
        """Build by the project's own Dockerfile."""
        with tempfile.TemporaryDirectory() as name:
            lent = secrets(pip.read(), Path(name))
            command = ["docker", "build", *lent, *arguments(image, digest, clone)]
            shell.run(command, timeout=BUILD_SECONDS)

    def export(self, images: Sequence[Image], target: Path) -> None:
        """Write an archive in Docker's format, which containerd reads too."""
        references = [image.reference for image in images]
        shell.run(["docker", "save", "--output", str(target), *references])
