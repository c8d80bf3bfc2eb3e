"""What a model answers to a prompt: a Unity C# script that fits, the same one every time."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

SCRIPTS = Path(__file__).parent / "scripts"
MAX_NAME = 48
NAME_WORDS = 3
CHARACTERS_PER_TOKEN = 4

_KEYWORDS = {
    "CameraFollow": ("camera", "follow", "look", "cinematic"),
    "Health": ("health", "damage", "heal", "hit points", "shield"),
    "Spawner": ("spawn", "wave", "pool", "instantiate"),
    "Inventory": ("inventory", "item", "bag", "slot", "crafting"),
    "EnemyPatrol": ("enemy", "patrol", "chase", "npc", "waypoint", "guard"),
    "Collectible": ("coin", "collect", "pickup", "pick-up", "score"),
    "CountdownTimer": ("timer", "countdown", "cooldown", "clock"),
    "PlayerController": ("player", "movement", "jump", "controller", "walk", "run"),
}
_FILLER = re.compile(
    "a|an|and|as|at|be|by|c|can|code|component|create|cs|csharp|for|from|generate|give|i|in|into|it"
    "|make|me|mono|monobehaviour|my|need|new|of|on|or|please|prompt|script|simple|some|that|the"
    "|this|to|unity|unity3d|use|using|want|when|which|with|write|you",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\b(?:class|named|called)\s+[\"'`]?([A-Z][A-Za-z0-9_]*)")
_PASCAL = re.compile(r"\b[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+\b")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer: its text, the class it defines, and token counts as a provider bills."""

    text: str
    class_name: str
    input_tokens: int
    output_tokens: int


def answer(prompt: str) -> Answer:
    """Answer ``prompt`` with prose and one ``csharp`` fence; equal prompts give equal answers."""
    digest = hashlib.sha256(prompt.encode()).digest()
    script = _pick(prompt, digest)
    name = class_name(prompt) or script
    code = _template(script).substitute(
        name=name, a=3 + digest[1] % 7, b=1 + digest[2] % 5, c=5 + digest[3] % 25
    )
    text = (
        f"Here is a script for that. Attach `{name}` to a GameObject and set its fields in the"
        f" Inspector.\n\n```csharp\n{code}```\n\nEvery value can be tuned in the editor."
    )
    return Answer(text, name, _tokens(prompt), _tokens(text))


def class_name(prompt: str) -> str:
    """Return the C# class name that ``prompt`` asks for, or its first telling words; may be ''."""
    if named := _NAMED.search(prompt) or _PASCAL.search(prompt):
        return named.group(named.lastindex or 0)[:MAX_NAME]
    words = (word for word in _WORD.findall(prompt) if not _FILLER.fullmatch(word))
    telling = [
        word[0].upper() + word[1:] for word, _ in zip(words, range(NAME_WORDS), strict=False)
    ]
    return "".join(telling)[:MAX_NAME]


def _pick(prompt: str, digest: bytes) -> str:
    lowered = prompt.lower()
    scores = {script: sum(word in lowered for word in words) for script, words in _KEYWORDS.items()}
    best = max(scores.values())
    fitting = [script for script, score in scores.items() if score == best]
    return fitting[digest[0] % len(fitting)]


@cache
def _template(script: str) -> Template:
    return Template((SCRIPTS / f"{script}.cs").read_text(encoding="utf-8"))


def _tokens(text: str) -> int:
    return max(1, len(text) // CHARACTERS_PER_TOKEN)
