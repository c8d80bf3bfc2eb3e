"""From an empty namespace to a stable release in it, and back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.e2e.support import operators

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.e2e.support.stage import Stage

_LEAVING: set[asyncio.Task[None]] = set()


async def _nothing() -> None:
    """Prepare nothing."""


@asynccontextmanager
async def opened(
    stage: Stage, *, own_operator: bool = False, prepare: Callable[[], Awaitable[None]] = _nothing
) -> AsyncIterator[None]:
    """Its namespace with a stable release, for which ``prepare`` makes what it refers to.

    Afterwards the namespace goes while other modules run; :func:`gone` waits for its end.
    """
    await stage.kubectl.run(
        "delete", "namespace", stage.namespace, "--ignore-not-found", "--wait", seconds=120
    )
    await stage.make()
    if own_operator:
        await operators.only_in(stage.kubectl, stage.namespace)
    else:
        await operators.everywhere(stage.kubectl)
    await prepare()
    await stage.rolled_out("providers")
    await stage.apply()
    await stage.until("the first release", lambda s: s.phase == "Stable", seconds=120)
    yield
    _LEAVING.add(asyncio.create_task(stage.close(), name=stage.namespace))


async def gone() -> None:
    """Wait until every namespace that was left is gone.

    Raises:
        KubectlError: one could not be removed in time.
    """
    await asyncio.gather(*_LEAVING)
