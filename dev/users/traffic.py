"""What users ask for: the n-th request is the same in every run with the same seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.users.results import Endpoint, Mode

_SUBJECTS = (
    "player controller", "third person camera", "enemy patrol", "health bar", "coin pickup",
    "wave spawner", "inventory", "countdown timer", "sliding door", "projectile launcher",
    "day and night cycle", "minimap", "dialogue box", "checkpoint", "moving platform",
)  # fmt: skip
_TWISTS = (
    "that works with the new input system", "with adjustable speed", "for a 2D game",
    "that can be paused", "with sound effects", "using coroutines", "for mobile",
    "that remembers its state", "with a debug mode", "that reacts to the player",
)  # fmt: skip
_PATHS: dict[Endpoint, str] = {"generate": "/api/spark/generate", "export": "/api/export"}


@dataclass(frozen=True, slots=True)
class Shot:
    """One request ready to be sent: how its connection is used, and its bytes."""

    mode: Mode
    endpoint: Endpoint
    data: bytes


@dataclass(frozen=True, slots=True)
class Habits:
    """How users behave: the share of exports, and of prompts that others asked before."""

    host: str
    seed: int = 1
    export_share: float = 0.2
    repeat_share: float = 0.3
    popular: int = 20
    headers: Mapping[str, str] = field(default_factory=dict)

    def shot(self, number: int) -> Shot:
        """Make the ``number``-th request; even ones keep their connection alive."""
        rng = random.Random(f"{self.seed}/{number}")  # noqa: S311
        mode: Mode = "fresh" if number % 2 else "keepalive"
        if rng.random() < self.export_share:
            return Shot(mode, "export", self._post("export", mode, _script(rng)))
        repeated = rng.random() < self.repeat_share
        asker = random.Random(rng.randrange(self.popular)) if repeated else rng  # noqa: S311
        return Shot(mode, "generate", self._post("generate", mode, {"prompt": _prompt(asker)}))

    def _post(self, endpoint: Endpoint, mode: Mode, value: object) -> bytes:
        body = json.dumps(value).encode()
        head = [
            f"POST {_PATHS[endpoint]} HTTP/1.1",
            f"Host: {self.host}",
            "User-Agent: spark-users",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        if mode == "fresh":
            head.append("Connection: close")
        return "\r\n".join([*head, "", ""]).encode() + body


def _prompt(rng: random.Random) -> str:
    subject, twist = rng.choice(_SUBJECTS), rng.choice(_TWISTS)
    return f"Create a Unity {subject} {twist}, variant {rng.randrange(1_000_000)}"


def _script(rng: random.Random) -> dict[str, str]:
    name = "".join(word.capitalize() for word in rng.choice(_SUBJECTS).split())
    code = (
        "using UnityEngine;\n\n"
        f"public class {name} : MonoBehaviour\n{{\n"
        f"    [SerializeField] private float speed = {rng.randrange(1, 20)}f;\n\n"
        "    private void Update()\n    {\n"
        "        transform.Translate(Vector3.forward * speed * Time.deltaTime);\n    }\n}\n"
    )
    return {"code": code, "scriptName": name}
