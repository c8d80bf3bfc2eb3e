"""The port to an AI provider: what is asked, what comes back, how it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from spark_app.core.completion import Completion, CompletionRequest
    from spark_app.core.provider import Provider


class ProviderPort(Protocol):
    """One provider. Implementations set no deadline and repeat nothing: the caller does."""

    name: Provider

    async def complete(self, ask: CompletionRequest) -> Completion:
        """Ask and wait for the whole answer.

        Raises:
            ProviderFailure: always this, whatever went wrong.
        """

    def stream(self, ask: CompletionRequest) -> AsyncGenerator[str | Completion]:
        """Ask and get pieces of text as they come, at last the whole `Completion`.

        Raises:
            ProviderFailure: always this, whatever went wrong.
        """

    async def check(self) -> None:
        """Ask for the list of models, which costs nothing, to see whether the key is any good.

        Raises:
            ProviderFailure: it isn't, or the provider can't be reached.
        """

    async def prime(self) -> None:
        """Go once through the SDK without the network: what it builds lazily takes it 0.2 s."""

    async def close(self) -> None:
        """Close the connections."""
