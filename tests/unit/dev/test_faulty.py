"""Bad releases: their own counters see what their users see."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dev.providers.server import create_app as create_providers
from dev.releases.faulty import CRASHED, SWITCH, Fault, Faults, misled
from spark_app.service.app import create_app
from spark_app.settings import Settings

if TYPE_CHECKING:
    from .conftest import Serve

GENERATE = {"prompt": "Create a Unity player controller"}
EXPORT = {"code": "public class A : UnityEngine.MonoBehaviour { }", "scriptName": "A"}


def settings(provider: str = "http://127.0.0.1:9") -> Settings:
    return Settings.model_validate(
        {
            "ANTHROPIC_API_KEY": "sk-ant-test",
            "ANTHROPIC_BASE_URL": provider,
            "ANTHROPIC_MODEL": "claude-sonnet-5-5",
            "SPARK_RELEASE": "bad1",
        }
    )


def counts(text: str, name: str) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["status_class"], sample.labels["origin"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels["attempt"] == "first" and sample.value
    }


async def test_a_share_of_generate_fails_and_the_release_counts_it(serve: Serve) -> None:
    async with serve(create_providers()) as provider:
        faults = Faults(rate=0.4)
        app = create_app(
            settings(provider),
            inner_middleware=[lambda inner: Fault(inner, faults, random.Random(7))],  # noqa: S311
        )
        async with serve(app) as url, httpx.AsyncClient(base_url=url, timeout=5) as client:
            answers = [await client.post("/api/spark/generate", json=GENERATE) for _ in range(50)]
            exported = await client.post("/api/export", json=EXPORT)
            metrics = (await client.get("/api/metrics")).text
    failed = sum(answer.status_code == 500 for answer in answers)
    assert 12 <= failed <= 28
    assert {answer.status_code for answer in answers} == {200, 500}
    assert {answer.headers["x-spark-release"] for answer in answers} == {"bad1"}
    assert exported.status_code == 200
    assert counts(metrics, "api_generate_total") == {
        ("2xx", "none"): 50 - failed,
        ("5xx", "app"): failed,
    }


async def test_a_switched_fault_begins_when_it_is_told_to(serve: Serve) -> None:
    async with serve(create_providers()) as provider:
        faults = Faults(rate=1.0, switched=True)
        app = create_app(
            settings(provider),
            inner_middleware=[lambda inner: Fault(inner, faults, random.Random(7))],  # noqa: S311
        )
        async with serve(app) as url, httpx.AsyncClient(base_url=url, timeout=5) as client:
            before = await client.post("/api/spark/generate", json=GENERATE)
            switched = await client.post(SWITCH)
            after = await client.post("/api/spark/generate", json=GENERATE)
    assert (before.status_code, switched.status_code, after.status_code) == (200, 204, 500)


async def test_never_ready_is_alive_and_not_ready(serve: Serve) -> None:
    faults = Faults(never_ready=True)
    app = create_app(
        settings(),
        inner_middleware=[lambda inner: Fault(inner, faults, random.Random())],  # noqa: S311
    )
    async with serve(app) as url, httpx.AsyncClient(base_url=url, timeout=5) as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503


def test_a_wrong_provider_replaces_the_right_one() -> None:
    wrong = misled(settings(), Faults(provider_url="http://10.0.0.1:1"))
    assert wrong.anthropic_base_url == wrong.openai_base_url == "http://10.0.0.1:1"
    assert misled(settings(), Faults()) == settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("FAULT_RATE", "1.5"), ("FAULT_STATUS", "404"), ("FAULT_PROVIDER_URL", "nowhere")],
)
def test_wrong_faults_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=name.removeprefix("FAULT_").lower()):
        Faults()


def test_a_crash_ends_the_process() -> None:
    environment = {
        "ANTHROPIC_API_KEY": "sk-ant-test",
        "HOST": "127.0.0.1",
        "PORT": "0",
        "FAULT_CRASH_AFTER": "0.1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "dev.releases.faulty"],
        env=environment,
        check=False,
        timeout=30,
        capture_output=True,
        text=True,
    )
    assert done.returncode == CRASHED, done.stderr
