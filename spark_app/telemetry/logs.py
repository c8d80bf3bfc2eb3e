"""Structured logs: one JSON object a line on standard output, the libraries' included."""

from __future__ import annotations

import logging
import sys
import traceback

import structlog

__all__ = ["configure_logging"]

CHAIN = 5
"""Exceptions of one chain that are told, the outermost first."""
FRAMES = 30
_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logging(level: str, release: str) -> None:
    """Send everything to standard output, as JSON, each line with the release."""
    number = logging.getLevelNamesMapping()[level.upper()]

    def named(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["release"] = release
        return event

    finish: list[structlog.typing.Processor] = [
        named,
        structlog.processors.ExceptionRenderer(_where),
        structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=[*_SHARED, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    # These write a line for each call, and their errors quote addresses.
    for name in ("httpx2", "httpcore2", "anthropic", "openai", "nats", "alembic"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def _where(exc_info: structlog.typing.ExcInfo) -> str:
    """The chain of exceptions with their frames, and without their texts: these quote prompts."""
    error: BaseException | None = exc_info[1]
    told: list[str] = []
    while error is not None and len(told) < CHAIN:
        frames = traceback.format_tb(error.__traceback__, FRAMES)
        told.append("".join([f"{type(error).__qualname__}\n", *frames]))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "from ".join(told).rstrip()
