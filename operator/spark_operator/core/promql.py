"""PromQL that is made here, and placeholders in PromQL that users wrote.

Source of the grammar: https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from spark_operator.api.analysis import PLACEHOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
_PLACEHOLDER: Final = re.compile(r"\{\{(" + "|".join(PLACEHOLDERS) + r")\}\}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]")
_UNPLAIN: Final = re.compile(r"[^A-Za-z0-9_-]")


def escape(value: str) -> str:
    """Write a value so that it ends no literal, whichever quotes it stands between.

    All but letters, digits, ``_`` and ``-`` become escapes of Go's string literals, so the text
    holds no quote and no line's end; between backticks, where escapes mean nothing, it merely
    matches nothing.
    """
    return "".join(_escaped(character) for character in value)


def _escaped(character: str) -> str:
    if _PLAIN.fullmatch(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def render(query: str, values: Mapping[str, str]) -> str:
    """Put values in the place of ``{{namespace}}`` and its like, each exactly once, escaped."""
    return _PLACEHOLDER.sub(lambda found: escape(values[found[1]]), query)


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
