"""A real kube-apiserver for the session, the CRD in it, and kubectl to speak to it as users do."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from dev.cluster.node.apiserver import RunningApiServer, apiserver
from dev.kubectl import ESTABLISHED

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
CRD: Final = "sparkdeployments.spark.dev"
KUBECTL_SECONDS: Final = 60.0
PUBLISHED_SECONDS: Final = 30.0
_NUMBERS = count(1)


@dataclass(frozen=True)
class Kubectl:
    """kubectl as the cluster's administrator, or as whom ``--as`` names."""

    program: Path
    kubeconfig: Path
    cache: Path

    def try_run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it; its exit code and both outputs are the caller's to judge."""
        own = (f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.cache}")
        return subprocess.run(  # noqa: S603
            [str(self.program), *own, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=KUBECTL_SECONDS,
            check=False,
        )

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Run it and return what it prints; a failure fails the test with kubectl's own words."""
        done = self.try_run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def json(self, *arguments: str, stdin: str = "") -> dict[str, Any]:
        """Run it with JSON output."""
        found: dict[str, Any] = json.loads(self(*arguments, "-o", "json", stdin=stdin))
        return found


@pytest.fixture(scope="session")
def api_server() -> Iterator[RunningApiServer]:
    """The apiserver; no controller runs, so nothing happens by itself."""
    with apiserver() as running:
        yield running


@pytest.fixture(scope="session")
def kubectl(api_server: RunningApiServer, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """Kubectl for the session's apiserver, with the CRD established and published."""
    found = Kubectl(api_server.kubectl, api_server.kubeconfig, tmp_path_factory.mktemp("kubectl"))
    found("apply", "--kustomize", str(ROOT / "crds"))
    for state in ESTABLISHED:
        found("wait", state, f"crd/{CRD}", "--timeout=20s")
    deadline = time.monotonic() + PUBLISHED_SECONDS
    while found.try_run("get", "--raw", "/openapi/v3/apis/spark.dev/v1alpha1").returncode != 0:
        assert time.monotonic() < deadline, f"the apiserver does not publish {CRD}"
        time.sleep(0.1)
    # What kubectl knew before the CRD was there must not be remembered.
    return replace(found, cache=tmp_path_factory.mktemp("kubectl"))


@pytest.fixture
def namespace(kubectl: Kubectl) -> str:
    """A namespace for one test alone."""
    name = f"test-{next(_NUMBERS)}"
    kubectl("create", "namespace", name)
    return name
