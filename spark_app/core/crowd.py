"""How many connections a server holds: at its limit, who has asked for nothing makes room.

A half-open request costs its sender nothing. So a new connection is always taken, and the oldest
one is closed that never sent a whole head; who sends his at once is never the oldest. Where every
connection has been of use, the new one is turned away.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

One = TypeVar("One")


class Crowd(Generic[One]):
    """The connections of one server.

    Args:
        most: connections at a time, 1 or more.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._fresh: OrderedDict[One, None] = OrderedDict()
        self._known: set[One] = set()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._fresh) + len(self._known)

    def enter(self, one: One) -> One | None:
        """Take in a new connection; return the one to close for it, which may be itself."""
        self._fresh[one] = None
        return self._fresh.popitem(last=False)[0] if len(self) > self.most else None

    def known(self, one: One) -> None:
        """Note that a connection has sent a whole head."""
        if one in self._fresh:
            del self._fresh[one]
            self._known.add(one)

    def leave(self, one: One) -> None:
        """Note that a connection is gone."""
        self._fresh.pop(one, None)
        self._known.discard(one)
