"""The operator's environment: read, bounded, and refused with every problem at once."""

from __future__ import annotations

import pytest

from spark_operator.runtime.errors import SettingsError
from spark_operator.runtime.settings import Settings, load


def test_an_empty_environment_is_enough() -> None:
    found = load({})
    assert (found.namespaces, found.port, found.lease_namespace) == ((), 8080, "")
    assert found.scrape_seconds == Settings().scrape_seconds


def test_what_is_given_is_taken() -> None:
    found = load(
        {
            "SPARK_OPERATOR_NAMESPACES": "b, a,,b",
            "SPARK_OPERATOR_PORT": "9090",
            "SPARK_OPERATOR_SCRAPE_SECONDS": "0.5",
            "SPARK_OPERATOR_LOG_LEVEL": "debug",
            "POD_NAME": "operator-1",
            "POD_NAMESPACE": "spark-system",
        }
    )
    assert (found.namespaces, found.port, found.log_level) == (("a", "b"), 9090, "DEBUG")
    assert (found.identity, found.lease_namespace) == ("operator-1", "spark-system")
    assert found.scrape_seconds == 0.5


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1", "80", "65536", "port"])
def test_a_port_that_cannot_be(text: str) -> None:
    with pytest.raises(
        SettingsError, match=r"SPARK_OPERATOR_PORT=.*give a number from 1024 to 65535"
    ):
        load({"SPARK_OPERATOR_PORT": text})


def test_all_problems_are_listed() -> None:
    wrong = {
        "SPARK_OPERATOR_PORT": "1",
        "SPARK_OPERATOR_REQUEST_SECONDS": "0",
        "SPARK_OPERATOR_SCRAPE_SECONDS": "x",
        "SPARK_OPERATOR_LOG_LEVEL": "LOUD",
    }
    with pytest.raises(SettingsError) as caught:
        load(wrong)
    assert all(name in str(caught.value) for name in wrong)
