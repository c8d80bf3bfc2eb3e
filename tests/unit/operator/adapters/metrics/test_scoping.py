"""Users' queries: every selector is held to the namespace, or the query is not asked."""

from __future__ import annotations

import contextlib
import re
import time

import promql_parser as promql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_operator.adapters.metrics.scoping import QueryRefusedError, scoped

OWN = 'namespace="team"'


def selectors(query: str) -> list[promql.VectorSelector]:
    """What the parser sees being read."""
    found: list[promql.VectorSelector] = []

    def keep(node: promql.Expr) -> bool:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        return True

    promql.walk(promql.parse(query), keep)
    return found


def is_own(selector: promql.VectorSelector) -> bool:
    return not selector.matchers.or_matchers and any(
        (item.name, item.value) == ("namespace", "team") and item.op == promql.MatchOp.Equal
        for item in selector.matchers.matchers
    )


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("up", 1),
        ("up{}", 1),
        ('up{a="b"}', 1),
        ('{__name__=~"a.*"}', 1),
        ('{"up"}', 1),
        ("sum(rate(x[5m])) / sum(rate(y[5m]))", 2),
        ("sum by (namespace) (x)", 1),
        ("sum(x) by (le)", 1),
        ("sum without (a, b) (x)", 1),
        ("histogram_quantile(0.95, sum by (le) (rate(x_bucket[1m])))", 1),
        ("max_over_time(rate(x[5m])[1h:1m] offset 5m)", 1),
        ("x and on (a) y unless ignoring (b) z", 3),
        ("x * on (a) group_left (b) y", 2),
        ("x > bool y", 2),
        ('label_replace(x, "a", "$1", "b", "(.*)")', 1),
        ('count_values("version", x)', 1),
        ("topk(scalar(y), x)", 2),
        ("absent(x)", 1),
        ("x @ 1609746000", 1),
        ("x @ end()", 1),
        ("-x ^ 2", 1),
        ("vector(1) + time()", 0),
        ("x == Inf", 1),
        ('x{a="} or y{"}', 1),
        (r'x{a="\"} or y{b=\""}', 1),
        ('x{a=`"} or y{b="`}', 1),
        ("x{a='\"} or y{b=\"'}", 1),
        ('x{namespace="team"}', 1),
        ('x{namespace=~"t.*"}', 1),
        ("up\n  or\n  down", 2),
        ("job:rate:sum + x", 2),
    ],
)
def test_every_selector_is_held_to_the_namespace(query: str, count: int) -> None:
    found = selectors(scoped(query, "namespace", "team"))
    assert len(found) == len(selectors(query)) == count
    assert all(is_own(selector) for selector in found)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ('count(kube_secret_info{namespace="payments"})', "asks for another namespace"),
        ('x{a="b" or namespace="payments"}', "joined by or"),
        ('x{namespace="team" or a="b"}', "joined by or"),
        ("info(x)", "reads series that it does not name"),
        ('info(x, {y="z"})', "reads series that it does not name"),
        ("x # comment", "leave out comments"),
        ('x{a="b', "close what is quoted"),
        ("x{", "cannot|can be parsed"),
        ("x y", "can be parsed"),
        ("", "can be parsed"),
        ("WITH (a = x) a", "can be parsed"),
        ("(" * 30 + "x" + ")" * 30, "brackets within each other"),
        ("-" * 100 + "x", "more than 48 operators"),
        ("x" * 5000, "longer than"),
        ('x{a="\\\n"}', "close what is quoted"),
    ],
)
def test_what_is_not_asked_says_why(query: str, says: str) -> None:
    with pytest.raises(QueryRefusedError, match=says):
        scoped(query, "namespace", "team")


def test_the_label_is_the_sources() -> None:
    assert scoped("up", "k8s_ns", "team") == ' up{k8s_ns="team"}'


PIECES = st.lists(
    st.sampled_from(
        [
            *("x", "up", "sum", "rate", "by", "on", "or", "and", "offset", "namespace", "info"),
            *("(", ")", "{", "}", "[5m]", "[", "]", ",", "=", "!=", "=~", "+", "-", "@", ":"),
            *('"', "'", "`", "\\", '"a"', "'a'", "`a`", '"\\""', "5m", "1", " ", "\n", "#", "é"),
            *('namespace="team"', 'namespace="payments"', 'a="b"', "x{", "x[5m]", "sum(", "rate("),
        ]
    ),
    max_size=14,
)


@settings(max_examples=1500, deadline=None)
@given(pieces=PIECES)
def test_no_text_reads_another_namespace(pieces: list[str]) -> None:
    for query in ("".join(pieces), "sum(rate(x{" + "".join(pieces) + "}[5m]))"):
        with contextlib.suppress(QueryRefusedError):
            text = scoped(query, "namespace", "team")
            assert all(is_own(selector) for selector in selectors(text))
            # Outside of strings, whose ends every reader finds alike, nothing names another.
            bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`', "", text)
            assert not set(bare) & set("\"'`#\\")


@pytest.mark.parametrize(
    "query",
    [
        "(" * 24 + "x" + ")" * 24,
        "-" * 48 + "x",
        "+".join(["x"] * 49),
        "abs(" * 24 + "x" + ")" * 24,
        "x and " * 48 + "x",
        "(x * " * 24 + "x" + ")" * 24 + " - x" * 24,
        "x{" + 'a="b",' * 600 + "}",
        '"' + "\\" * 4000 + '"',
        "{" * 4000,
    ],
)
def test_the_worst_query_is_parsed_in_time(query: str) -> None:
    began = time.process_time()
    with contextlib.suppress(QueryRefusedError):
        scoped.__wrapped__(query, "namespace", "team")
    assert time.process_time() - began < 0.1
