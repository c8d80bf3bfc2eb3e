"""Run the receiver of notifications: ``python -m dev.sinks --port 8080``."""

from __future__ import annotations

import argparse

import uvicorn

from dev.sinks.server import create_app


def main() -> None:
    """Take notifications until a signal ends it."""
    parser = argparse.ArgumentParser(prog="dev.sinks", description=__doc__)
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104
    parser.add_argument("--port", type=int, default=8080, help="TCP port to listen on")
    options = parser.parse_args()
    uvicorn.run(
        create_app(),
        host=options.host,
        port=options.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
