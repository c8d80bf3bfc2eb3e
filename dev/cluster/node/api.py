"""The few calls that the tool itself makes to an apiserver that it started."""

from __future__ import annotations

import json
import ssl
import time
from typing import TYPE_CHECKING, Any, Self

import httpx

from dev.cluster.errors import CommandError, NotReadyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from dev.cluster.node.pki import ControlPlanePki

TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.1
FIELD_MANAGER = "spark-cluster"


class Api:
    """An apiserver, talked to as its administrator."""

    def __init__(self, url: str, pki: ControlPlanePki) -> None:
        """Prepare to talk to ``url``; nothing is sent yet."""
        context = ssl.create_default_context(cafile=str(pki.authority.cert))
        context.load_cert_chain(pki.admin.cert, pki.admin.key)
        self._http = httpx.Client(
            base_url=url, verify=context, timeout=TIMEOUT_SECONDS, trust_env=False
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self._http.close()

    def apply(self, path: str, wanted: dict[str, Any]) -> None:
        """Server-side apply an object; ``path`` is that of the object itself.

        Raises:
            CommandError: the apiserver refused it, or did not answer.
        """
        try:
            answer = self._http.patch(
                path,
                params={"fieldManager": FIELD_MANAGER, "force": "true"},
                headers={"Content-Type": "application/apply-patch+yaml"},
                content=json.dumps(wanted),
            )
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise CommandError(f"{path} could not be made: {error}; try again.") from error

    def is_ready(self) -> bool:
        """Tell whether the apiserver says so of itself."""
        return self._get("/readyz") is not None

    def is_node_ready(self, name: str) -> bool:
        """Tell whether the node can take pods."""
        node = self._get(f"/api/v1/nodes/{name}")
        conditions = [] if node is None else node.json().get("status", {}).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def has_default_account(self) -> bool:
        """Tell whether pods can be made in the namespace ``default``."""
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        return self._get(account) is not None

    def _get(self, path: str) -> httpx.Response | None:
        try:
            answer = self._http.get(path)
        except httpx.TransportError:
            return None
        return answer if answer.is_success else None


def wait(
    what: str, is_so: Callable[[], bool], *, seconds: float, check: Callable[[], None]
) -> None:
    """Wait until ``is_so``; ``check`` is called meanwhile and raises when waiting is pointless.

    Raises:
        NotReadyError: it did not become so within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        check()
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{what} was not ready within {seconds:.0f} s: a busier machine than usual may need"
                " another try, else its log (build/cluster/logs) says why."
            )
        time.sleep(POLL_SECONDS)
