"""Credentials of channels: files mounted into the operator's pod, read anew at every use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.ports.notifications import ChannelError

if TYPE_CHECKING:
    from pathlib import Path

    from spark_operator.api.notifications import MountedSecretRef

MAX_BYTES: Final = 8192
MAX_ALLOWED_BYTES: Final = 65_536
ALLOWED: Final = "allowed-namespaces"
"""Key of a Secret that lists, one a line, the namespaces whose resources may use it."""

ADDRESSES: Final = "allowed-addresses"
"""Key of a Secret that lists, one a line, where its credentials may be sent to."""


class SecretFileError(ChannelError):
    """A credential cannot be read; the message names the file and what to do, never its content."""


class SecretFiles:
    """Reads NAME/KEY below one directory; what links out of the directory is refused."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, ref: MountedSecretRef, namespace: str) -> str:
        """The credential, without surrounding white space.

        Args:
            ref: names the file.
            namespace: of the resource that refers to it.

        Raises:
            SecretFileError: it is missing, empty, too large, outside of the directory, or not for
                resources of this namespace.
        """
        allowed = self._content(ref.name, ALLOWED, MAX_ALLOWED_BYTES, missing="")
        if allowed and namespace not in allowed.split():
            raise SecretFileError(
                f"secret {ref.name} is not for namespace {namespace}:"
                f" add the namespace to its key {ALLOWED}"
            )
        content = self._content(ref.name, ref.key, MAX_BYTES).strip()
        if not content:
            raise SecretFileError(f"secret file {ref.name}/{ref.key} is empty: put the value there")
        return content

    def read_for(self, ref: MountedSecretRef, namespace: str, address: str) -> str:
        """The credential, if its Secret says that it may be sent to an address.

        Where a resource names address and credential apart, it could else have any credential sent
        to a server of its own.

        Raises:
            SecretFileError: as ``read``, or the Secret does not list the address.
        """
        listed = self._content(ref.name, ADDRESSES, MAX_ALLOWED_BYTES, missing="").split()
        if address.rstrip("/") not in {item.rstrip("/") for item in listed}:
            raise SecretFileError(
                f"secret {ref.name} is not for {address}: add the address to its key {ADDRESSES}"
            )
        return self.read(ref, namespace)

    def _content(self, name: str, key: str, limit: int, missing: str | None = None) -> str:
        shown = f"{name}/{key}"
        if any(part in ("", ".", "..") or "/" in part or "\0" in part for part in (name, key)):
            raise SecretFileError(f"secret file {shown!r} is no plain NAME/KEY: correct the name")
        try:
            path = (self._root / name / key).resolve(strict=True)
            if not path.is_relative_to(self._root.resolve()):
                raise SecretFileError(f"secret file {shown} links out of the directory: mount it")
            with path.open("rb") as file:
                content = file.read(limit + 1)
        except FileNotFoundError as error:
            if missing is not None:
                return missing
            raise SecretFileError(
                f"secret file {shown} is missing: mount Secret {name} into the operator's pod"
                f" (docs/notifications.md)"
            ) from error
        except (OSError, RuntimeError) as error:
            raise SecretFileError(
                f"secret file {shown} cannot be read: {type(error).__name__}"
            ) from error
        if len(content) > limit:
            raise SecretFileError(f"secret file {shown} is larger than {limit} bytes: shorten it")
        try:
            return content.decode()
        except UnicodeDecodeError:
            # Without the cause: it carries the content.
            raise SecretFileError(f"secret file {shown} is no UTF-8 text: correct it") from None
