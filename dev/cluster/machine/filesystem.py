"""What kind of file system a folder is on, which decides how image layers can be laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.cluster.machine import shell

if TYPE_CHECKING:
    from pathlib import Path


def is_overlay(folder: Path) -> bool:
    """Tell whether the folder, or the nearest one above that exists, is on an overlay itself.

    An overlay can't be the upper layer of another: inside a container images are copied instead.
    """
    kind = shell.run(["stat", "--file-system", "--format=%T", str(existing(folder))])
    return kind.strip() == "overlayfs"


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder
