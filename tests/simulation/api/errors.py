"""Refusals in the API server's own shape."""

from __future__ import annotations

import json


class Refusal(Exception):  # noqa: N818 - the API's word, and it is an answer
    """An answer of 400 or above; ``body`` is the ``Status`` object that a client reads."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message

    def body(self) -> bytes:
        """The answer's body as JSON."""
        return json.dumps(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": self.message,
                "reason": self.reason,
                "code": self.code,
            }
        ).encode()


def not_found(plural: str, name: str) -> Refusal:
    """404: there is no such object."""
    return Refusal(404, "NotFound", f'{plural} "{name}" not found')


def already_exists(plural: str, name: str) -> Refusal:
    """409 on creation."""
    return Refusal(409, "AlreadyExists", f'{plural} "{name}" already exists')


def conflict(plural: str, name: str, why: str = "") -> Refusal:
    """409: what was read is no longer what is stored."""
    why = why or (
        "the object has been modified; please apply your changes to the latest version and try"
        " again"
    )
    message = f'Operation cannot be fulfilled on {plural} "{name}": {why}'
    return Refusal(409, "Conflict", message)


def invalid(plural: str, name: str, why: str) -> Refusal:
    """422: the object may not be stored as it is."""
    return Refusal(422, "Invalid", f'{plural} "{name}" is invalid: {why}')
