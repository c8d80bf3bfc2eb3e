"""The operator's own settings, from its environment."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark_operator.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """How this operator runs.

    Attributes:
        namespaces: namespaces to watch; empty: all.
        port: TCP port of /livez, /readyz and /metrics.
        request_seconds: longest time one request to the API server may take.
        scrape_seconds: longest time one round of reading pods' metrics may take.
        scrape_bytes: longest answer of one pod's metrics endpoint.
        lease_namespace: where the leader's Lease lives; empty: no election, this process leads.
        identity: this process among its replicas, the pod's name.
        stall_seconds: a reconcile that takes longer than this makes /livez fail.
        log_level: name of a level of the standard library's logging.
        secrets_dir: directory with the notification channels' credentials, as NAME/KEY.
        ca_file: certificates of authorities that channels' servers are trusted by, beside the
            system's; empty: none.
        alert_token_file: file with the bearer token of those who may push alerts in; empty: alerts
            are not received.
        alert_port: TCP port that alerts are received on.
        alert_tls_dir: directory with tls.crt and tls.key for that port; empty: plain HTTP.
        pagerduty_url: address that takes PagerDuty's events instead of PagerDuty; empty: none.
    """

    namespaces: tuple[str, ...] = ()
    port: int = 8080
    request_seconds: float = 5.0
    scrape_seconds: float = 0.7
    scrape_bytes: int = 1_048_576
    lease_namespace: str = ""
    identity: str = ""
    stall_seconds: float = 120.0
    log_level: str = "INFO"
    secrets_dir: str = "/etc/spark-operator/secrets"
    ca_file: str = ""
    alert_token_file: str = ""
    alert_port: int = 8081
    alert_tls_dir: str = ""
    pagerduty_url: str = ""


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a variable has a value it cannot have; all such are listed.
    """
    problems: list[str] = []

    def number(name: str, default: float, low: float, high: float) -> float:
        text = environment.get(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            problems.append(f"{name}={text!r}: give a number from {low:g} to {high:g}")
        return value

    default = Settings()
    level = environment.get("SPARK_OPERATOR_LOG_LEVEL", default.log_level).upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        problems.append(f"SPARK_OPERATOR_LOG_LEVEL={level!r}: give DEBUG, INFO, WARNING or ERROR")
    port = number("SPARK_OPERATOR_PORT", default.port, 1024, 65535)
    alert_port = number("SPARK_OPERATOR_ALERT_PORT", default.alert_port, 1024, 65535)
    request = number("SPARK_OPERATOR_REQUEST_SECONDS", default.request_seconds, 0.1, 60)
    scrape = number("SPARK_OPERATOR_SCRAPE_SECONDS", default.scrape_seconds, 0.05, 10)
    if problems:
        raise SettingsError("correct these environment variables:\n  " + "\n  ".join(problems))
    names = environment.get("SPARK_OPERATOR_NAMESPACES", "")
    return Settings(
        namespaces=tuple(sorted({name.strip() for name in names.split(",") if name.strip()})),
        port=int(port),
        request_seconds=request,
        scrape_seconds=scrape,
        lease_namespace=environment.get("POD_NAMESPACE", ""),
        identity=environment.get("POD_NAME", "") or platform.node(),
        log_level=level,
        secrets_dir=environment.get("SPARK_OPERATOR_SECRETS_DIR", default.secrets_dir),
        ca_file=environment.get("SPARK_OPERATOR_CA_FILE", ""),
        alert_token_file=environment.get("SPARK_OPERATOR_ALERT_TOKEN_FILE", ""),
        alert_port=int(alert_port),
        alert_tls_dir=environment.get("SPARK_OPERATOR_ALERT_TLS_DIR", ""),
        pagerduty_url=environment.get("SPARK_OPERATOR_PAGERDUTY_URL", ""),
    )
