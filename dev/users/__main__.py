"""Run the users: ``python -m dev.users --target http://spark:3000 --rate 20``."""

from __future__ import annotations

import argparse
import os
from urllib.parse import urlsplit

import uvicorn

from dev.users.http import Client
from dev.users.load import Limits, Load
from dev.users.results import Ring
from dev.users.server import MAX_RATE, create_app
from dev.users.traffic import Habits

KEY_VARIABLE = "USERS_API_KEY"


def main() -> None:
    """Send traffic and serve its results until a signal ends it."""
    options = _options()
    target = urlsplit(options.target)
    if target.scheme != "http" or not target.hostname:
        raise SystemExit("--target is the service's address, such as http://spark:3000")
    ring = Ring(options.keep)
    client = Client(target.hostname, target.port or 80, timeout=options.timeout)
    habits = Habits(target.netloc, seed=options.seed, headers=_key())
    limits = Limits(options.max_duration, options.max_requests, options.max_inflight)
    load = Load(client, habits, ring, limits, min(options.rate, MAX_RATE))
    load.running = not options.stopped
    uvicorn.run(
        create_app(load, ring),
        host=options.host,
        port=options.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


def _key() -> dict[str, str]:
    key = os.environ.get(KEY_VARIABLE, "")
    return {"X-API-Key": key} if key else {}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dev.users",
        description=__doc__,
        epilog=f"${KEY_VARIABLE} is sent as X-API-Key where it is set.",
    )
    parser.add_argument("--target", required=True, help="base URL of the service")
    parser.add_argument("--rate", type=float, default=20.0, help="requests per second")
    parser.add_argument("--stopped", action="store_true", help="wait to be started by /control")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104
    parser.add_argument("--port", type=int, default=8080, help="TCP port to listen on")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds for one request")
    parser.add_argument("--seed", type=int, default=1, help="seed of the prompts")
    parser.add_argument("--keep", type=int, default=100_000, help="results kept in memory")
    parser.add_argument("--max-duration", type=float, default=3600.0, help="seconds in all")
    parser.add_argument("--max-requests", type=int, default=200_000, help="requests in all")
    parser.add_argument("--max-inflight", type=int, default=200, help="requests under way at once")
    return parser.parse_args()


if __name__ == "__main__":
    main()
