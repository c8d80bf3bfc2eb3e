"""What a clone's cluster has started, remembered on disk so that ``down`` can end just that."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from dev.cluster.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class ProcessRecord(BaseModel):
    """A started process; ``started`` (clock ticks since boot) tells it from a later namesake."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    started: int
    boot: str


class State(BaseModel):
    """The contents of the state file."""

    clone: str
    subnet: IPv4Network | None = None
    processes: tuple[ProcessRecord, ...] = ()
    ready: bool = False


class StateFile:
    """A state file, replaced as a whole at each change."""

    def __init__(self, path: Path, clone: Path) -> None:
        """Use ``path``; ``clone`` is written into it for whoever finds it."""
        self.path = path
        self._clone = clone

    def read(self) -> State:
        """Return what is recorded; nothing is, when there is no file or it is damaged."""
        try:
            return State.model_validate_json(self.path.read_text())
        except (FileNotFoundError, ValidationError):
            return State(clone=str(self._clone))

    def update(self, **changes: object) -> State:
        """Write the state with these fields changed, and return it."""
        state = self.read().model_copy(update=changes)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.write_text(state.model_dump_json(indent=1))
        draft.replace(self.path)
        return state

    def add(self, record: ProcessRecord) -> None:
        """Remember one more process."""
        self.update(processes=(*self.read().processes, record))


@contextmanager
def locked(path: Path, doing: str | None = None) -> Iterator[None]:
    """Hold a file's lock, which ends with this process whatever happens to it.

    Waits for whoever holds it, unless ``doing`` says what they are at.

    Raises:
        BusyError: another process holds it, and ``doing`` was given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if doing is None else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"Another process is {doing}: wait for it to end.") from None
        yield
