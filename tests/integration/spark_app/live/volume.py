"""A mounted ConfigMap or Secret, changed as kubelet changes it: one symbolic link is swapped.

See `AtomicWriter` in kubernetes/pkg/volume/util: the files are links into `..data`, which is a link
to a folder with a time in its name; a change writes a new folder and renames a new link over it.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Volume:
    """A mounted volume in an empty folder."""

    def __init__(self, folder: Path, **files: str) -> None:
        self.folder = folder
        self._number = 0
        self._files: dict[str, str] = {}
        self.write(**files)

    def path(self, name: str) -> str:
        """Where the container sees a file; a dot in its name is written `__`."""
        return str(self.folder / name.replace("__", "."))

    def write(self, **files: str) -> None:
        """Change some files; all are written anew, as by kubelet."""
        self._files |= files
        self._number += 1
        fresh = self.folder / f"..2026_01_01_{self._number:04}"
        fresh.mkdir()
        for name, text in self._files.items():
            (fresh / name.replace("__", ".")).write_text(text)
        data, made = self.folder / "..data", self.folder / "..data_tmp"
        old = data.resolve() if data.is_symlink() else None
        made.symlink_to(fresh.name)
        made.rename(data)
        for name in files:
            link = self.folder / name.replace("__", ".")
            if not link.is_symlink():
                link.symlink_to(f"..data/{link.name}")
        if old is not None:
            shutil.rmtree(old)

    def hide(self, name: str) -> None:
        """Take a file away."""
        (self.folder / name).unlink()

    def show(self, name: str) -> None:
        """Bring it back."""
        (self.folder / name).symlink_to(f"..data/{name}")
