"""PromQL that is made here, and placeholders in PromQL that users wrote.

Source of the grammar: https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from spark_operator.core.observe.placeholders import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

SCRAPED_AT: Final = "scraped_at"
"""Value of the label ``result`` that marks a pod's time of scrape among its counters."""
LABELS: Final = (
    "__name__",
    "status_class",
    "origin",
    "attempt",
    "le",
    "result",
    "provider",
    "state",
)
"""Labels of the metric contract; all others are given by whoever scrapes."""
_UNPLAIN: Final = re.compile(r"[^A-Za-z0-9_-]")


def counters_query(
    names: Iterable[str], labels: tuple[str, str], namespace: str, pods: Iterable[str]
) -> str:
    """Ask for pods' counters and when they were scraped, in one query, so that both agree.

    A pod that is scraped twice is counted once: by the larger of two values of the same counter.

    Args:
        names: of the metrics.
        labels: those that hold a pod's namespace and its name.
        namespace: the pods' namespace.
        pods: their names, literally.
    """
    space, pod = labels
    wanted = "|".join(escape(_UNPLAIN.sub(r"\\\g<0>", name)) for name in pods)
    where = f'{space}="{escape(namespace)}",{pod}=~"{wanted}"'
    series = "|".join(names)
    kept = ",".join((*LABELS, pod))
    return (
        f'max by ({kept}) ({{__name__=~"{series}",{where}}})'
        f" or label_replace(max by ({pod}) (timestamp(api_generate_total{{{where}}})),"
        f' "result", "{SCRAPED_AT}", "", "")'
    )
