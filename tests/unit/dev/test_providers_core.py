"""The stand-in's pure parts: names, scripts and draws."""

from __future__ import annotations

import re
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.providers.answers import SCRIPTS, answer, class_name
from dev.providers.faults import Dice, Faults, Latency, Outcome, Plan


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Create a Unity player controller", "PlayerController"),
        ("Write a script named DoorOpener that opens doors", "DoorOpener"),
        ("Please make EnemySpawner faster", "EnemySpawner"),
        ("a coin pickup with a score and sounds", "CoinPickupScore"),
        ("создай скрипт", ""),
    ],
)
def test_class_names_come_from_the_prompt(prompt: str, name: str) -> None:
    assert class_name(prompt) == name


@given(st.text(max_size=300))
def test_every_prompt_gets_one_whole_script(prompt: str) -> None:
    given_answer = answer(prompt)
    (code,) = re.findall(r"```csharp\n(.*?)```", given_answer.text, re.DOTALL)
    assert f"public class {given_answer.class_name} : MonoBehaviour" in code
    assert re.fullmatch(r"[A-Za-z_]\w*", given_answer.class_name, re.ASCII)
    assert code.count("{") == code.count("}")
    assert "$" not in code
    assert given_answer == answer(prompt)


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.cs")))
def test_every_script_is_reached_by_its_own_name(script: str) -> None:
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", script)
    own = (SCRIPTS / f"{script}.cs").read_text().partition("$name")[0]
    assert own in answer(f"Write {words.lower()} please").text


def test_draws_repeat_with_the_seed_and_keep_their_shares() -> None:
    faults = Faults(error_rate=0.3, hang_rate=0.2, latency=Latency(median=0.2, p95=0.6))
    draws = [Dice("anthropic", Plan(seed=5, anthropic=faults)) for _ in range(2)]
    first, second = ([dice.roll() for _ in range(2000)] for dice in draws)
    assert first == second
    shares = {o: sum(d.outcome is o for d in first) / 2000 for o in Outcome}
    assert shares[Outcome.ERROR] == pytest.approx(0.3, abs=0.03)
    assert shares[Outcome.HANG] == pytest.approx(0.2, abs=0.03)
    latencies = sorted(d.latency for d in first)
    assert statistics.median(latencies) == pytest.approx(0.2, rel=0.1)
    assert latencies[1900] == pytest.approx(0.6, rel=0.15)


def test_one_providers_traffic_does_not_shift_the_others_draws() -> None:
    plan = Plan(seed=9, anthropic=Faults(error_rate=0.5), openai=Faults(error_rate=0.5))
    claude, openai = Dice("anthropic", plan), Dice("openai", plan)
    assert [claude.roll() for _ in range(50)] != [openai.roll() for _ in range(50)]
