"""Keys, provider order, credentials and isolation change under users' load, on a real kubelet."""

from __future__ import annotations

import asyncio
import base64
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest_asyncio

from tests.e2e.support.opening import opened
from tests.e2e.support.probes import addresses, eventually, orders, probing
from tests.e2e.support.stage import NAME, Stage, condition, config, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.kubectl import Kubectl

RATE: Final = 20
BOUND_SECONDS: Final = 5.0
"""A change of what is live is in force in every pod so soon; asserted five times as long."""
SANITY: Final = 5
OLD, NEW, ROGUE = "user-app-oldsecret1", "user-app-newsecret2", "user-rogue-secret003"
KEYS: Final = "spark-users"
SECRETS: Final = {
    "anthropicAPIKey": {"name": "spark-providers", "key": "anthropic"},
    "openaiAPIKey": {"name": "spark-providers", "key": "anthropic"},
    "apiKeys": {"name": KEYS, "key": "list"},
}
REFUSED: Final = (401, 403)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(kubectl: Kubectl) -> AsyncIterator[Stage]:
    """A stable release whose users need keys, and have the old one."""
    both = config(OPENAI_BASE_URL="http://providers:8080/v1", SPARK_RATE_LIMIT="100000/minute")
    wanted = spec(secrets=SECRETS, config=dict(both), guard={"duration": "0s"})
    made = Stage(kubectl, "e2e-live", wanted)
    async with opened(made, prepare=partial(give_keys, made, OLD, ROGUE)):
        await made.users(rate=RATE)
        await hand_over(made, OLD)
        yield made


async def give_keys(stage: Stage, *keys: str) -> None:
    """Write the users' keys, as whoever rotates them does."""
    text = base64.b64encode(",".join(keys).encode()).decode()
    meta = {"name": KEYS, "namespace": stage.namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"list": text}}
    await stage.kubectl.apply([secret])


async def hand_over(stage: Stage, key: str) -> None:
    """Let the users use another key from now on."""
    await stage.kubectl.run(
        *("set", "env", "deployment/users", f"--namespace={stage.namespace}"),
        f"USERS_API_KEY={key}",
    )
    await stage.rolled_out("users")


async def uids(stage: Stage) -> set[str]:
    pods = await stage.listed("pods", f"spark.dev/deployment={NAME}")
    return {pod["metadata"]["uid"] for pod in pods}


async def refusals(stage: Stage) -> list[int]:
    return [item.status for item in await stage.results() if item.status != 200]


async def test_a_revoked_key_is_refused_in_every_pod_and_nobody_else_is(stage: Stage) -> None:
    before = await uids(stage)
    async with probing(stage, OLD, ROGUE) as probe:
        await probe.until(ROGUE, 200)
        began = time.time()
        await stage.apply(revokedKeys=["user-rogue"])
        took = await probe.until(ROGUE, *REFUSED) - began
        print(f"a key was revoked in every pod after {took:.2f} s")
        assert took <= SANITY * BOUND_SECONDS
        assert {item.status for item in probe.of(OLD)} == {200}
        assert {item.status for item in probe.of(ROGUE, began + took)} <= set(REFUSED)
    assert await refusals(stage) == []
    assert await uids(stage) == before
    told = [entry.message for entry in (await stage.status()).ledger]
    assert any("spec.revokedKeys" in message for message in told)
    assert not any(ROGUE in message for message in told)


async def test_keys_are_rotated_with_an_overlap_and_no_valid_one_is_refused(stage: Stage) -> None:
    before = await uids(stage)
    async with probing(stage, OLD, NEW) as probe:
        began = time.time()
        await give_keys(stage, OLD, NEW)
        took = await probe.until(NEW, 200) - began
        print(f"a new key was valid in every pod after {took:.2f} s")
        assert took <= SANITY * BOUND_SECONDS
        assert {item.status for item in probe.of(OLD)} == {200}
        assert await refusals(stage) == [], "users with the old key, up to the hand-over"
        await hand_over(stage, NEW)
        ended = time.time()
        await give_keys(stage, NEW)
        took = await probe.until(OLD, *REFUSED) - ended
        print(f"the old key was refused in every pod after {took:.2f} s")
        assert took <= SANITY * BOUND_SECONDS
        assert {item.status for item in probe.of(NEW, ended)} == {200}
    assert await refusals(stage) == [], "users with the new key"
    assert await uids(stage) == before, "nothing was restarted"


async def test_the_order_of_providers_is_taken_up_without_a_restart(stage: Stage) -> None:
    before = await uids(stage)
    assert set(await orders(stage)) == {("claude", "openai")}
    since, began = await stage.newest(), time.time()
    await stage.apply(providers={"order": ["openai", "claude"]})

    async def is_in_force() -> bool:
        return set(await orders(stage)) == {("openai", "claude")}

    await eventually(is_in_force)
    took = time.time() - began
    print(f"the order was in force in every pod after {took:.2f} s")
    assert took <= SANITY * BOUND_SECONDS
    assert [r for r in await stage.results(since) if r.failed] == []
    assert await uids(stage) == before


async def test_a_rotated_credential_replaces_the_pods_one_at_a_time(stage: Stage) -> None:
    before, since = await uids(stage), await stage.newest()
    await stage.kubectl.run(
        *("label", "secret", "spark-providers", f"--namespace={stage.namespace}", "seen=yes")
    )
    meta = {"name": "spark-providers", "namespace": stage.namespace}
    rotated = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
    text = base64.b64encode(b"sk-ant-another-stand-in").decode()
    await stage.kubectl.apply([rotated | {"data": {"anthropic": text}}])
    status = await stage.until("the rotation", lambda s: s.ledger[0].decision == "SecretsRotated")
    assert "spark-providers" in status.ledger[0].message
    assert "sk-ant" not in str(status.to_dict())
    fewest = len(before)
    async with asyncio.timeout(180):
        while await uids(stage) & before:
            status = await stage.status()
            fewest = min(fewest, status.stable.ready if status.stable else 0)
            await asyncio.sleep(0.5)
    assert fewest == len(before), "a pod was missed"
    assert [r for r in await stage.results(since) if r.failed] == []
    rotations = [e for e in (await stage.status()).ledger if e.decision == "SecretsRotated"]
    assert [entry.reason for entry in rotations if entry.reason != "TakenUpLive"] == [
        "ContentChanged"
    ]


async def test_isolation_cuts_the_service_off_and_keeps_its_pods(stage: Stage) -> None:
    before = await uids(stage)
    began = time.time()
    await stage.apply(isolated=True)
    status = await stage.until("isolation", lambda s: condition(s, "Isolated").startswith("True"))
    assert condition(status, "Available") == "False/Isolated"
    for name in (NAME, f"{NAME}-stable", f"{NAME}-candidate"):
        await eventually(lambda name=name: is_cut(stage, name), seconds=30)  # type: ignore[misc]
    cut = time.time()
    await asyncio.sleep(10)
    served = [r for r in await stage.results() if r.status == 200 and r.at > cut + 5]
    print(f"cut after {cut - began:.2f} s; answered later than 5 s after: {len(served)}")
    assert served == [], "not even on a connection that was kept open"
    policy = await stage.get(f"networkpolicy/{NAME}")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(policy["spec"])
    assert await uids(stage) == before
    assert len(await addresses(stage)) == len(before)

    since = await stage.newest()
    await stage.apply(isolated=False)
    await stage.until("the end", lambda s: condition(s, "Available") == "True/StableServes")

    async def is_served() -> bool:
        return any(r.status == 200 for r in await stage.results(since))

    await eventually(is_served, seconds=30)
    assert await uids(stage) == before


async def is_cut(stage: Stage, service: str) -> bool:
    slices = await stage.listed("endpointslices", f"kubernetes.io/service-name={service}")
    return not any(item["endpoints"] for item in slices)


async def test_users_that_send_too_much_are_named_by_their_key(stage: Stage) -> None:
    """A third of the limit for each pod is less than each is asked."""
    pressed = {"SPARK_RATE_LIMIT": "300/minute", "SPARK_METRICS_KEY_IDS": "true"}
    await stage.apply(config=stage.spec["config"] | pressed)
    ill = await stage.until(
        "the diagnosis",
        lambda s: condition(s, "Diagnosis") == "True/RateLimiting" and s.phase == "Stable",
        seconds=240,
    )
    said = next(c.message for c in ill.conditions if c.type == "Diagnosis")
    assert "requests were answered 429 lately" in said
    assert "by key: user-app 100%" in said
    assert "SPARK_RATE_LIMIT" in said
