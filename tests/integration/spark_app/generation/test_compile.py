"""What the service hands out compiles: a real C# compiler against a stub of UnityEngine."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dev import services

if TYPE_CHECKING:
    from tests.integration.spark_app.harness import Spark

STUB = Path(__file__).parent / "unity" / "UnityEngine.cs"
PROMPTS = (
    "a player controller that can jump",
    "a camera that follows the player smoothly",
    "health with damage and healing",
    "an enemy that patrols between waypoints",
    "an inventory with slots",
    "a spawner for waves of enemies",
    "a coin to collect",
    "a countdown timer",
)


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stub as a library."""
    library = tmp_path_factory.mktemp("unity") / "UnityEngine.dll"
    code, said = _compile(STUB, library)
    assert code == 0, said
    return library


def _compile(source: Path, target: Path, *references: Path) -> tuple[int, str]:
    command = [services.ensure("mono-mcs"), "-target:library", "-nologo", "-langversion:latest"]
    # Unity fills serialized fields, so that they are never assigned is no news.
    command += ["-warnaserror", "-nowarn:649,169,414", f"-out:{target}"]
    command += [f"-r:{reference}" for reference in references]
    done = subprocess.run(  # noqa: S603
        [*command, str(source)], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


async def test_generated_scripts_compile(spark: Spark, stub: Path, tmp_path: Path) -> None:
    names = set()
    for prompt in PROMPTS:
        made = (await spark.generate(f"Create {prompt}")).json()
        source = tmp_path / f"{made['scriptName']}.cs"
        source.write_text(made["code"])
        code, said = _compile(source, source.with_suffix(".dll"), stub)
        assert code == 0, f"{prompt}: {said}\n{made['code']}"
        names.add(made["scriptName"])
    assert len(names) == len(PROMPTS)


def test_the_check_can_fail(stub: Path, tmp_path: Path) -> None:
    source = tmp_path / "Wrong.cs"
    source.write_text(
        "using UnityEngine;\npublic class Wrong : MonoBehaviour\n{\n"
        "    private void Update() { transform.Fly(1); }\n}\n"
    )
    code, said = _compile(source, tmp_path / "Wrong.dll", stub)
    assert code != 0
    assert "Fly" in said
