"""A real Prometheus and a real Alertmanager for tests, on free ports of this machine.

Debian's Prometheus knows no Kubernetes, so its targets stand in a file that may be rewritten.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dev.services import Service, ensure, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

METRICS_PATH = "/api/metrics"


@dataclass(slots=True)
class Monitoring:
    """A Prometheus; ``url`` is what is asked."""

    service: Service
    folder: Path

    @property
    def url(self) -> str:
        """Address of its API."""
        return self.service.url

    def scrape(self, targets: Mapping[str, Mapping[str, str]]) -> None:
        """Say what it scrapes: labels by ``HOST:PORT``; it looks at the file again by itself."""
        groups = [{"targets": [target], "labels": dict(own)} for target, own in targets.items()]
        made = self.folder / "targets.new"
        made.write_text(json.dumps(groups))
        made.rename(self.folder / "targets.json")


@contextlib.contextmanager
def prometheus(
    *,
    interval: str = "1s",
    rules: Iterable[Path] = (),
    alertmanager: str = "",
    targets: Mapping[str, Mapping[str, str]] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[Monitoring]:
    """Run a Prometheus with an empty store.

    Args:
        interval: between two scrapes, and between two looks at the rules.
        rules: files of rules.
        alertmanager: ``HOST:PORT`` that alerts are sent to; empty: nowhere.
        targets: what it scrapes from the start.
        host: address of this machine that it listens on.
    """
    folder = Path(tempfile.mkdtemp(prefix="spark-prometheus-"))
    port = free_port()
    configuration = _configuration(folder, interval, rules, alertmanager)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    command = [
        ensure("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={host}:{port}",
        "--log.level=warn",
    ]
    service = Service(
        "prometheus",
        f"http://{host}:{port}",
        port,
        command,
        _answers(port, "/-/ready", host),
        folder / "log",
    )
    made = Monitoring(service, folder)
    made.scrape(targets or {})
    with _running(service, folder):
        yield made


@contextlib.contextmanager
def alertmanager(configuration: Path) -> Iterator[Service]:
    """Run an Alertmanager alone, without a cluster."""
    folder = Path(tempfile.mkdtemp(prefix="spark-alertmanager-"))
    port = free_port()
    command = [
        ensure("prometheus-alertmanager"),
        f"--config.file={configuration}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    service = Service(
        "alertmanager",
        f"http://127.0.0.1:{port}",
        port,
        command,
        _answers(port, "/-/ready"),
        folder / "log",
    )
    with _running(service, folder):
        yield service


def _configuration(
    folder: Path, interval: str, rules: Iterable[Path], alertmanager: str
) -> dict[str, object]:
    configuration: dict[str, object] = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "scrape_configs": [
            {
                "job_name": "spark",
                "metrics_path": METRICS_PATH,
                "file_sd_configs": [{"files": [str(folder / "targets.json")]}],
            }
        ],
        "rule_files": [str(path) for path in rules],
    }
    if alertmanager:
        configuration["alerting"] = {
            "alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]
        }
    return configuration


@contextlib.contextmanager
def _running(service: Service, folder: Path) -> Iterator[None]:
    try:
        service.start()
        yield
    finally:
        service.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _answers(port: int, path: str, host: str = "127.0.0.1") -> Callable[[], bool]:
    def look() -> bool:
        asking = http.client.HTTPConnection(host, port, timeout=1)
        try:
            asking.request("GET", path)
            return asking.getresponse().status == 200
        except OSError:
            return False
        finally:
            asking.close()

    return look
