"""The served OpenAPI document against the running service, by schemathesis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.spark_app.harness import background

pytestmark = pytest.mark.timeout(300)

# Not positive_data_acceptance: no schema says which models exist and which C# is valid.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "unsupported_method",
)
MASTER = "master-key-0123456789"
WATCHDOG_SECONDS = 280
"""It takes some 40 s of processor: this ends what hangs, and bounds nothing."""


def _run(url: str, folder: Path, *more: str) -> None:
    program = Path(sys.executable).parent / "schemathesis"
    done = subprocess.run(  # noqa: S603
        [
            str(program),
            *("run", f"{url}/api/openapi.json", "--no-color", "--request-timeout", "30"),
            *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
            *("--generation-deterministic", *more),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=WATCHDOG_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_every_answer_is_in_the_document(tmp_path: Path) -> None:
    # Without a provider that fails, nothing at all may be a server error.
    with background() as url:
        _run(url, tmp_path, "--exclude-path-regex", "/api/admin", "--max-examples", "40")


def test_so_is_every_answer_to_an_operator(tmp_path: Path) -> None:
    with background(SPARK_MASTER_API_KEY=MASTER) as url:
        only = ("--include-path-regex", "/api/admin", "--max-examples", "20")
        _run(url, tmp_path, *only, "-H", f"X-API-Key: {MASTER}")
