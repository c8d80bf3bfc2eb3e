"""What the world says, read or remembered."""

from __future__ import annotations

from typing import Final

SNAPSHOT_SECONDS: Final = 10.0
"""How long a snapshot serves turns that nothing woke; every write of status is guarded anyway."""


RESTING_SECONDS: Final = 300.0
"""The same at rest, where nothing happens that does not wake: as often as without any turn."""
