"""The base that stands in for ``python:3.11-slim-bookworm`` where there is no registry."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.errors import CommandError, PreconditionError
from dev.cluster.machine import shell

if TYPE_CHECKING:
    from dev.cluster.machine.progress import Progress

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3-venv")
LEFT_OUT = ("doc", "info", "locale", "man")
UNUSED = ("usr/lib/*/gconv", "usr/lib/*/perl", "usr/share/perl", "var/cache/*", "var/log/*")
"""What packages need while they are installed, and no Python program does afterwards."""
CLEAN = f'cd "$1" && rm -rf {" ".join(UNUSED)}'
DOCKERFILE = """FROM scratch
ADD rootfs.tar /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["python3"]
"""
TIMEOUT_SECONDS = 1800


def _options() -> list[str]:
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in LEFT_OUT]
    include = f"--include={','.join(PACKAGES)}"
    return ["--variant=minbase", include, *excluded, f"--customize-hook={CLEAN}", SUITE]


def version() -> str:
    """Return 12 hexadecimal digits that change with anything the base is made of."""
    return hashlib.sha256("\0".join([*_options(), DOCKERFILE]).encode()).hexdigest()[:12]


def rootfs(cache: Path, progress: Progress) -> Path:
    """Return a folder with the base's Dockerfile and root file system, made if need be.

    Raises:
        PreconditionError: the distribution's packages could not be had.
    """
    folder = cache / "base" / version()
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        draft = Path(name) / "out"
        draft.mkdir()
        (draft / "Dockerfile").write_text(DOCKERFILE)
        try:
            with progress.step("making the base image from distribution packages"):
                *options, suite = _options()
                command = ["mmdebstrap", "--quiet", *options, suite, str(draft / "rootfs.tar")]
                shell.run(command, timeout=TIMEOUT_SECONDS)
        except CommandError as error:
            raise PreconditionError(
                f"The base image could not be made: check that this machine's package mirror is"
                f" reachable and try again. {error}"
            ) from error
        draft.rename(folder)
    return folder
