"""The command `spark-app`."""

from __future__ import annotations

import sys

from spark_app.app import create_app
from spark_app.server import serve
from spark_app.settings import SettingsError, load_settings

__all__ = ["main"]


def main() -> int:
    """Serve until a signal ends it; 2 when the settings are wrong."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"spark-app: {error}\n")
        return 2
    serve(create_app(settings), settings)
    return 0
