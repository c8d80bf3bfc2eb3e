"""No value that is put into a query changes what the query is."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from spark_operator.adapters.metrics.promql import counters_query
from spark_operator.core.observe.placeholders import escape, render

TOKENS = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)|(?P<other>.)""", re.DOTALL
)
"""A lexer of PromQL as far as strings go; what is no string comes out character by character."""
NASTY = st.text(alphabet="\"'`\\\n{}()=~,a.*|#u0", max_size=20) | st.text(max_size=20)
QUOTES = st.sampled_from(['"', "'", "`"])


def shape(query: str) -> list[str]:
    """The query with each literal as one mark."""
    return ["S" if found["string"] else found["other"] for found in TOKENS.finditer(query)]


@given(NASTY, QUOTES)
def test_a_value_stays_inside_its_literal(value: str, quote: str) -> None:
    query = f"sum(up{{pod={quote}{{{{candidate}}}}{quote}}}) > 1"
    names = dict.fromkeys(("namespace", "name", "stable", "candidate"), value)
    assert shape(render(query, names)) == shape(f"sum(up{{pod={quote}x{quote}}}) > 1")


@given(st.text(max_size=20))
def test_an_escaped_value_means_itself(value: str) -> None:
    # Python reads \\u and \\U in a literal as Go does, but for surrogates, which Go refuses.
    assert escape(value).encode("ascii").decode("unicode_escape") == value


@given(NASTY)
def test_a_value_that_looks_like_a_placeholder_is_not_filled_again(value: str) -> None:
    values = {"namespace": "{{candidate}}" + value, "name": "", "stable": "", "candidate": "no"}
    assert render("{{namespace}}", values) == escape("{{candidate}}" + value)


@given(st.lists(NASTY, min_size=1, max_size=4), NASTY)
def test_pods_and_namespace_stay_inside_theirs(pods: list[str], namespace: str) -> None:
    plain = counters_query(("a", "b"), ("namespace", "pod"), "x", ["y"])
    query = counters_query(("a", "b"), ("namespace", "pod"), namespace, pods)
    assert shape(query) == shape(plain)


def test_the_counters_query_is_this_one() -> None:
    assert counters_query(("up", "down"), ("ns", "pod"), "prod", ["s-1", "s.2"]) == (
        "max by (__name__,status_class,origin,attempt,le,result,provider,state,pod)"
        r' ({__name__=~"up|down",ns="prod",pod=~"s-1|s\u005c\u002e2"})'
        " or label_replace(max by (pod) (timestamp(api_generate_total"
        r'{ns="prod",pod=~"s-1|s\u005c\u002e2"})), "result", "scraped_at", "", "")'
    )
