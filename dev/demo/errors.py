"""What can end the demo early."""

from __future__ import annotations


class DemoError(Exception):
    """The story did not go as it must; the message is the reason, for a person."""
