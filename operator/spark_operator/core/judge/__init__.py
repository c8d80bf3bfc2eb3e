"""The judge: from readings to a verdict with its evidence.

Pure: no clock, no I/O, no logging; the same input gives the same answer. `docs/judge.md`
explains the mathematics and what the named sensitivities buy.
"""

from spark_operator.core.judge.assess import in_doubt, requests_to_pass, verdict
from spark_operator.core.judge.codec import JudgeStateError, decode, encode
from spark_operator.core.judge.observe import at_step, baseline_of, observe, start
from spark_operator.core.judge.plan import (
    Action,
    Actions,
    JudgePlan,
    Mode,
    QueryRule,
    Sensitivity,
    ThresholdRule,
    plan_for,
)
from spark_operator.core.judge.readings.samples import Counters, PodSample, QueryValue, Tick
from spark_operator.core.judge.reset import forgive, resume
from spark_operator.core.judge.state import JudgeState
from spark_operator.core.judge.suspicion import leaning
from spark_operator.core.judge.totals import totals
from spark_operator.core.judge.verdict import Evidence, Verdict, VerdictKind, VerdictReason, Warned

__all__ = [
    "Action",
    "Actions",
    "Counters",
    "Evidence",
    "JudgePlan",
    "JudgeState",
    "JudgeStateError",
    "Mode",
    "PodSample",
    "QueryRule",
    "QueryValue",
    "Sensitivity",
    "ThresholdRule",
    "Tick",
    "Verdict",
    "VerdictKind",
    "VerdictReason",
    "Warned",
    "at_step",
    "baseline_of",
    "decode",
    "encode",
    "forgive",
    "in_doubt",
    "leaning",
    "observe",
    "plan_for",
    "requests_to_pass",
    "resume",
    "start",
    "totals",
    "verdict",
]
