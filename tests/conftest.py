"""The order of tests."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with the mark ``first`` begin first: a long one at the end would be waited for."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)
