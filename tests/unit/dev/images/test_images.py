"""What an image is made of, what it borrows from the machine, and what is sent to a cluster."""

from __future__ import annotations

import configparser
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from dev.cluster.config import CLONE
from dev.cluster.errors import CommandError
from dev.images import archive, base, pip, specs
from dev.images.builders import MOST_KEPT, Buildah, Made, arguments
from dev.images.loading import snapshot

if TYPE_CHECKING:
    from pathlib import Path

BASE = "base"


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("operator", "localhost/spark-operator:dev"),
        ("dev", "localhost/spark-dev:dev"),
        ("services", "localhost/spark-services:dev"),
        ("app:1.0.0", "localhost/spark-app:1.0.0"),
        ("app:3.0.0-errors", "localhost/spark-app:3.0.0-errors"),
        ("app:3.0.0-never-ready", "localhost/spark-app:3.0.0-never-ready"),
        ("app:2.0.0-migration", "localhost/spark-app:2.0.0-migration"),
    ],
)
def test_names(name: str, reference: str) -> None:
    assert specs.parse(name).reference == reference


@pytest.mark.parametrize(
    "name", ["", "app", "app:", "app:latest", "app:1.0", "app:1.0.0-nonsense", "../app:1.0.0"]
)
def test_wrong_names_are_explained(name: str) -> None:
    with pytest.raises(specs.UnknownImageError, match=r"errors"):
        specs.parse(name)


def test_a_fault_is_the_images_environment_and_the_product_knows_nothing_of_it() -> None:
    faulty = specs.parse("app:3.0.0-errors")
    assert faulty.dockerfile == "dev/Dockerfile"
    assert faulty.arguments["FAULT_RATE"] == "0.4"
    assert "FAULT" not in (CLONE / "Dockerfile").read_text()


def test_every_fault_is_one_that_the_faulty_release_knows() -> None:
    declared = (CLONE / "dev/Dockerfile").read_text()
    for fault in specs.FAULTS.values():
        for variable in fault:
            assert f"ARG {variable}\n" in declared


def test_every_schema_version_of_a_release_is_there() -> None:
    named = {name for it in specs.FAULTS.values() for name in it.get("MIGRATIONS", "").split()}
    assert named == {path.stem for path in (CLONE / "dev/releases/versions").glob("[a-z]*.py")}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("operator", "app:1.0.0", "dev"):
        for each in specs.parse(name).inputs:
            path = tmp_path / each
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
    return tmp_path


def test_the_digest_changes_with_the_sources_and_with_nothing_else(clone: Path) -> None:
    app, operator = specs.parse("app:1.0.0"), specs.parse("operator")
    before = specs.digest(app, clone, BASE), specs.digest(operator, clone, BASE)
    (clone / "README.md").write_text("x")
    assert (specs.digest(app, clone, BASE), specs.digest(operator, clone, BASE)) == before
    (clone / "requirements/app.lock").write_text("y")
    assert specs.digest(app, clone, BASE) != before[0]
    assert specs.digest(operator, clone, BASE) == before[1]
    assert specs.digest(operator, clone, "another base") != before[1]


def test_versions_and_faults_are_images_of_their_own(clone: Path) -> None:
    names = ["app:1.0.0", "app:2.0.0", "app:2.0.0-errors", "app:2.0.0-slow", "dev"]
    assert len({specs.digest(specs.parse(name), clone, BASE) for name in names}) == len(names)


def test_a_change_of_the_service_changes_what_stands_on_it(clone: Path) -> None:
    faulty = specs.parse("app:3.0.0-errors")
    before = Made.of(faulty, BASE, clone)
    (clone / "spark_app").write_text("y")
    after = Made.of(faulty, BASE, clone)
    assert before.digest != after.digest
    assert [each for each in arguments(after, clone) if each.startswith("--build-arg=APP=")] != [
        each for each in arguments(before, clone) if each.startswith("--build-arg=APP=")
    ]


def test_a_snapshot_has_the_same_digest_as_the_sources(tmp_path: Path) -> None:
    image = specs.parse("app:3.0.0-errors")
    context = snapshot([image], tmp_path / "context")
    assert specs.digest(image, context, BASE) == specs.digest(image, CLONE, BASE)
    assert not list(context.rglob("__pycache__"))


def test_the_bases_version_is_short_and_stable() -> None:
    assert base.version() == base.version()
    assert len(base.version()) == 12


LISTING = """:env:.cert='/env/ca.pem'
:env:.find-links='/opt/wheels'
global.cert='/file/ca.pem'
global.index-url='https://index.example/simple'
global.timeout='60'
install.trusted-host='index.example'
"""


def test_the_machines_pip_settings_are_read_as_pip_reads_them() -> None:
    options = pip.parse(LISTING)
    assert options["cert"] == "/env/ca.pem"
    assert options["index-url"] == "https://index.example/simple"
    assert options["trusted-host"] == "index.example"


def test_only_what_an_image_can_use_is_lent(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("certificate")
    options = {**pip.parse(LISTING), "cert": str(tmp_path / "ca.pem")}
    settings = pip.lent(options, {})
    written = configparser.RawConfigParser()
    written.read_string(settings.configuration)
    assert settings.authority == tmp_path / "ca.pem"
    assert written["global"]["cert"] == pip.AUTHORITY
    assert "find-links" not in written["global"]
    assert written["global"]["index-url"] == "https://index.example/simple"


def test_a_machine_without_an_authority_lends_none() -> None:
    settings = pip.lent({}, {"SSL_CERT_FILE": "/no/such/file"})
    assert settings.authority is None
    assert "cert" not in settings.configuration


def test_an_archive_leaves_out_what_the_cluster_has(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new layer")
    manifest = {
        "config": {"digest": "sha256:c"},
        "layers": [{"digest": "sha256:old"}, {"digest": "sha256:new"}],
    }
    image = archive.StoredImage("localhost/x:1", json.dumps(manifest).encode(), b"{}")
    archive.write([image, image], {"sha256:new": tmp_path / "new"}, tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        names = tar.getnames()
    assert "blobs/sha256/new" in names
    assert "blobs/sha256/old" not in names
    assert len(names) == len(set(names))
    assert image.layers == ["sha256:old", "sha256:new"]


class _Full(Buildah):
    """Keeps too many images, one of which a build that was killed still holds."""

    removed: tuple[str, ...] = ()

    def _run(self, *arguments: str) -> str:
        if arguments[0] == "images":
            return "\n".join(f"2026-01-01 localhost/spark-build:{n}" for n in range(MOST_KEPT + 1))
        self.removed += arguments[1:]
        raise CommandError("image is in use by a container")


def test_an_image_that_is_still_held_stops_no_build(tmp_path: Path) -> None:
    full = _Full(tmp_path)
    full.prune()
    assert "--prune" in full.removed
