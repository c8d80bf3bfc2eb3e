"""The demo's bookkeeping while the story goes on, fed with what an API server would send."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dev.cluster.machine.progress import Progress
from dev.demo.errors import DemoError
from dev.demo.follow import Rollout, digest
from dev.demo.manifests import STEPS, base, spark, users, watched
from dev.demo.play import Images, Play
from dev.demo.summary import Marks
from dev.demo.teller import Teller
from dev.kubectl import Kubectl, KubectlError
from dev.users.results import Result
from spark_operator.api.resource import parse

RELEASE = {"release": "aaaaaaaaaa", "image": "localhost/spark-app:1.0.0"}
SINCE = {"since": "2026-11-24T07:00:00Z"}


def rollout() -> Rollout:
    return Rollout(Kubectl(Path("/bin/false"), Path("none")), Teller(Progress()))


def body(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "spark"}, "status": status}


def entry(decision: str, second: int) -> dict[str, Any]:
    return {"at": f"2026-11-24T07:00:{second:02}Z", "decision": decision, "reason": decision}


async def test_rollout_collects_decisions_and_names_releases(
    capsys: pytest.CaptureFixture[str],
) -> None:
    followed = rollout()
    await followed.see(body(ledger=[entry("Installing", 1)], candidate={**RELEASE, **SINCE}))
    await followed.see(
        body(
            phase="Stable",
            ledger=[entry("Installed", 9), entry("Installing", 1)],
            stable={**RELEASE, **SINCE},
        )
    )
    assert [found.decision for found in followed.ledger] == ["Installing", "Installed"]
    assert followed.labels == {"aaaaaaaaaa": "release 1.0.0"}
    assert followed.release_of("localhost/spark-app:1.0.0") == "aaaaaaaaaa"
    assert followed.release_of("other") == ""
    lines = capsys.readouterr().out.splitlines()
    assert ["Installing" in lines[0], "Installed" in lines[1]] == [True, True]


async def test_until_wakes_with_the_status_and_gives_up_in_time() -> None:
    followed = rollout()
    waiting = asyncio.create_task(
        followed.until("x", lambda status: status.phase == "Stable", seconds=5)
    )
    await asyncio.sleep(0)
    await followed.see(body(phase="Progressing"))
    assert not waiting.done()
    await followed.see(body(phase="Stable"))
    await waiting
    with pytest.raises(DemoError, match="rollback did not happen within 0 s"):
        await followed.until("rollback", lambda status: status.phase == "Paused", seconds=0.01)


async def test_a_failing_kubectl_says_what_it_said() -> None:
    with pytest.raises(KubectlError, match="kubectl get --raw /x"):
        await Kubectl(Path("/bin/false"), Path("none")).raw("/x")


async def test_a_kubectl_that_hangs_is_ended(tmp_path: Path) -> None:
    slow = tmp_path / "kubectl"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    with pytest.raises(KubectlError, match="took longer than 0 s"):
        await Kubectl(slow, Path("none")).run("get", seconds=0.05)


def test_digest_names_shares_and_failures() -> None:
    def made(release: str, status: int) -> Result:
        return Result(1, 1.0, 0.5, status, "", release, "fresh", "generate")

    text = digest(
        [made("aaa", 200), made("aaa", 200), made("bbb", 500), made("", 0)], {"aaa": "release 1"}
    )
    assert text == (
        "4 requests, p95 0.50 s; no release named: 25%, 1 failed;"
        " release 1: 50%; bbb: 25%, 1 failed"
    )


def test_the_resource_changes_no_threshold_and_no_sensitivity() -> None:
    manifest = spark("localhost/spark-app:1.0.0")
    assert set(manifest["spec"]) == {
        "image", "replicas", "config", "secrets", "strategy", "guard",
    }  # fmt: skip
    read = parse(manifest)
    assert [step.weight for step in read.spec.strategy.canary.steps] == list(STEPS)
    assert read.spec.analysis.sensitivity == "balanced"


def test_everything_the_demo_applies_is_in_its_namespace() -> None:
    for manifest in [*base("tools"), *users("tools"), spark("image")]:
        metadata = manifest["metadata"]
        inside = metadata["name"] if manifest["kind"] == "Namespace" else metadata["namespace"]
        assert inside == "spark-demo"
    assert "fieldSelector=metadata.name%3Dspark" in watched(300)


def test_chapters_end_where_the_next_begins() -> None:
    marks = Marks(started=1, available=10, good_applied=20, promoted=30, ended=40)
    play = Play(
        Kubectl(Path("/bin/false"), Path("none")), Teller(Progress()), Images("", "", "", ""), marks
    )
    assert [(c.name, c.start, c.end) for c in play.chapters()] == [
        ("release 1 alone", 10, 20),
        ("release 2 on trial", 20, 30),
        ("release 2 alone", 30, 40),
    ]


def test_a_story_that_never_began_has_no_chapters() -> None:
    play = Play(
        Kubectl(Path("/bin/false"), Path("none")),
        Teller(Progress()),
        Images("", "", "", ""),
        Marks(started=1),
    )
    assert play.chapters() == []
