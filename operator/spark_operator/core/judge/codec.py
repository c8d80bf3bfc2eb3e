"""The judge's state as one short line of text, for the resource's status.

JSON arrays in a fixed order, deflated, base64, behind a version. A state that is too large
forgets the base lines of the pods read longest ago; those then count from their next reading.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import fields, is_dataclass, replace
from math import inf, isnan, nan
from typing import TYPE_CHECKING, Any

from spark_operator.core.judge.readings.baseline import SCALES, Baseline, Habit, PodHabit, PodWindow
from spark_operator.core.judge.readings.deltas import Track, groups, latency_bounds
from spark_operator.core.judge.state import (
    Block,
    BreakerTimes,
    Checks,
    JudgeState,
    PodBlock,
    Presence,
    Queries,
    QueryBlock,
    Recent,
    Step,
)
from spark_operator.core.judge.verdict import Evidence, VerdictReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.judge.plan import JudgePlan

VERSION = "j1"
LARGEST_TEXT = 8192
LARGEST_JSON = 262_144
LARGEST_BASELINE = 1024


class JudgeStateError(ValueError):
    """A stored state can't be read; start the judge anew, with no evidence for a `Pass`."""


def _pack_float(value: float) -> Any:
    """Return a float short: six digits, or milliseconds for a time; NaN as null."""
    if isnan(value):
        return None
    if value in {inf, -inf}:
        return "inf" if value > 0 else "-inf"
    short = round(value, 3) if abs(value) >= 1e5 else float(f"{value:.6g}")
    return int(short) if short == int(short) else short


def _pack(value: Any) -> Any:
    """Return a value in a form that JSON can hold."""
    if isinstance(value, float):
        return _pack_float(value)
    if isinstance(value, dict):
        return {key: _pack(entry) for key, entry in sorted(value.items())}
    if isinstance(value, tuple):
        return [_pack(entry) for entry in value]
    if is_dataclass(value):
        return [_pack(getattr(value, f.name)) for f in fields(value)]
    return value


def encode(state: JudgeState) -> str:
    """Return the state as ASCII text of at most 8 KiB; equal states give equal text."""
    while True:
        raw = json.dumps(_pack(state), separators=(",", ":"), allow_nan=False)
        text = f"{VERSION}:{b64encode(zlib.compress(raw.encode(), 9)).decode()}"
        if len(text) <= LARGEST_TEXT:
            return text
        state = _smaller(state)


def _smaller(state: JudgeState) -> JudgeState:
    """Return the state without what is only learned, its oldest base lines, or its open block."""
    if state.habit.pods or state.stable_habit.pods:
        return replace(
            state,
            habit=replace(state.habit, pods=()),
            stable_habit=replace(state.stable_habit, pods=()),
        )
    if max(len(state.candidate), len(state.stable)) > 1:
        return replace(
            state,
            candidate=state.candidate[: max(1, len(state.candidate) * 3 // 4)],
            stable=state.stable[: max(1, len(state.stable) * 3 // 4)],
            forgotten_before=state.at,
        )
    return replace(state, block=Block(state.at), presence=replace(state.presence, known=()))


def _float(value: Any) -> float:
    """Return a number as it was packed."""
    if value is None:
        return nan
    if value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _maybe(value: Any) -> float | None:
    return None if value is None else _float(value)


def _floats(values: Any, length: int | None = None) -> tuple[float, ...]:
    result = tuple(_float(value) for value in values)
    if length is not None and len(result) != length:
        raise ValueError(f"{len(result)} numbers instead of {length}")
    return result


def _pods(values: Any, size: int) -> tuple[PodBlock, ...]:
    return tuple(PodBlock(str(pod), _floats(vector, size)) for pod, vector in values)


def _block(value: Any, size: int) -> Block:
    since, young, candidate, stable = value
    return Block(_float(since), bool(young), _pods(candidate, size), _pods(stable, size))


def _tracks(values: Any, size: int) -> tuple[Track, ...]:
    return tuple(Track(str(pod), _float(at), _floats(vec, size)) for pod, at, vec in values)


def _presence(value: Any) -> Presence:
    ready, down, up, restarts, ooms, known, idle, done, cause, silent = value
    return Presence(
        bool(ready),
        _float(down),
        _float(up),
        int(restarts),
        int(ooms),
        tuple((str(pod), int(count), bool(was)) for pod, count, was in known),
        _float(idle),
        _float(done),
        str(cause),
        _float(silent),
    )


def _failed(value: Any) -> tuple[VerdictReason, str, Evidence] | None:
    if value is None:
        return None
    reason, message, (metric, n, share, bound, threshold, stable, strength) = value
    e = Evidence(
        metric=str(metric),
        n=_float(n),
        value=_float(share),
        bound=_maybe(bound),
        threshold=_float(threshold),
        stable_value=_maybe(stable),
        strength=_maybe(strength),
    )
    return VerdictReason.of(reason), str(message), e


def _checks(value: Any) -> Checks:
    *times, failed, passed = value
    since, n, x, stable_n, stable_x = _floats(times, 5)
    return Checks(since, n, x, stable_n, stable_x, int(failed), int(passed))


def _queries(value: Any) -> Queries:
    since, working, found = value
    blocks = tuple(
        QueryBlock(str(name), _float(looks), _float(out), _maybe(now), _maybe(stable), _parts(row))
        for name, looks, out, now, stable, row in found
    )
    return Queries(_float(since), _float(working), blocks)


def _pod_habit(pod: Any, n: Any, x: Any, n_now: Any, x_now: Any, windows: Any) -> PodHabit:
    counts = _float(n), _float(x), _float(n_now), _float(x_now)
    return PodHabit(str(pod), *counts, tuple(PodWindow(*_floats(w, 7)) for w in windows))


def _habit(value: Any) -> Habit:
    opened, young_n, young_x, pods = value
    found = tuple(_pod_habit(*pod) for pod in pods)
    if any(len(pod.windows) != len(SCALES) for pod in found):
        raise ValueError("habit of other scales")
    return Habit(_floats(opened, len(SCALES)), _float(young_n), _float(young_x), found)


def _baseline(value: Any) -> Baseline | None:
    if value is None:
        return None
    failures, rate, dispersion, *rest = value
    numbers = _floats(rest, 3)
    return Baseline(_float(failures), _float(rate), _floats(dispersion, len(SCALES)), *numbers)


def _parts(row: Any) -> tuple[float, ...]:
    parts = _floats(row)
    if any(not 0 <= part <= inf for part in parts):
        raise ValueError("negative evidence")
    return parts


def _rows(value: Any) -> dict[str, tuple[float, ...]]:
    return {str(key): _parts(row) for key, row in value.items()}


def _state(plan: JudgePlan, packed: Any) -> JudgeState:
    size = groups(plan)[-1].stop
    named = dict(zip((f.name for f in fields(JudgeState)), packed, strict=True))
    build: dict[str, Callable[[Any], Any]] = {
        "block": lambda v: _block(v, size),
        "step": lambda v: Step(*_floats(v, 5)),
        "checks": _checks,
        "bounds": _floats,
        "candidate": lambda v: _tracks(v, size),
        "stable": lambda v: _tracks(v, size),
        "rows": _rows,
        "recent": lambda v: {str(k): Recent(*_floats(r, 4)) for k, r in v.items()},
        "presence": _presence,
        "breakers": lambda v: tuple(BreakerTimes(str(n), _maybe(c), _maybe(s)) for n, c, s in v),
        "failed": _failed,
        "queries": _queries,
        "habit": _habit,
        "stable_habit": _habit,
        "baseline": _baseline,
    }
    if _floats(named["bounds"]) != latency_bounds(plan):
        raise ValueError("read with other latency bounds")
    built: dict[str, Any] = {}
    for key, value in named.items():
        make: Callable[[Any], Any] = build.get(key, _float)
        built[key] = make(value)
    return JudgeState(**built)


def decode(plan: JudgePlan, text: str) -> JudgeState:
    """Return the state that `encode` wrote, for the same plan.

    Raises:
        JudgeStateError: the text is damaged, of another version, or of a plan that read other
            latency bounds. Start anew with `start` and `at_step`.
    """
    version, _, body = text.partition(":")
    if version != VERSION or len(text) > LARGEST_TEXT:
        raise JudgeStateError(
            f"judge state is of version {version[:8]!r}, not {VERSION}; start anew"
        )
    try:
        inflate = zlib.decompressobj(15)
        raw = inflate.decompress(b64decode(body, validate=True), LARGEST_JSON)
        return _state(plan, json.loads(raw))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, zlib.error) as error:
        raise JudgeStateError(f"judge state can't be read ({error}); start anew") from error


def encode_baseline(baseline: Baseline) -> str:
    """Return a baseline as short ASCII text."""
    return f"{VERSION}:{json.dumps(_pack(baseline), separators=(',', ':'))}"


def decode_baseline(text: str) -> Baseline | None:
    """Return what `encode_baseline` wrote; None for text that can't be read."""
    version, _, body = text.partition(":")
    if version != VERSION or len(text) > LARGEST_BASELINE:
        return None
    try:
        found = _baseline(json.loads(body))
    except (ValueError, TypeError, RecursionError):
        return None
    if found is None or not all(
        part >= 0 for part in (found.rate, found.spread, *found.dispersion)
    ):
        return None
    return found
