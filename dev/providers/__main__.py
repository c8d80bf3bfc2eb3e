"""Run the providers' stand-in: ``python -m dev.providers --port 8080``."""

from __future__ import annotations

import argparse

import uvicorn

from dev.providers.faults import Plan
from dev.providers.server import create_app


def main() -> None:
    """Serve both providers until a signal ends it."""
    parser = argparse.ArgumentParser(prog="dev.providers", description=__doc__)
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104
    parser.add_argument("--port", type=int, default=8080, help="TCP port to listen on")
    parser.add_argument(
        "--faults",
        type=Plan.model_validate_json,
        default=Plan(),
        help="plan of faults to start with, as JSON",
    )
    options = parser.parse_args()
    uvicorn.run(
        create_app(options.faults),
        host=options.host,
        port=options.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
