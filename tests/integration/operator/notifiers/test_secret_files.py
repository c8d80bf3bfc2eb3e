"""Mounted credentials, laid out as the kubelet does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark_operator.adapters.secret_files import MAX_BYTES, SecretFileError, SecretFiles
from spark_operator.api.notifications import MountedSecretRef

if TYPE_CHECKING:
    from pathlib import Path

REF = MountedSecretRef(name="alerts", key="url")


def mount(root: Path, version: str, **content: str) -> None:
    """Put a version of the Secret ``alerts`` in place, atomically, as the kubelet does."""
    folder = root / "alerts"
    (folder / version).mkdir(parents=True)
    for key, value in content.items():
        (folder / version / key).write_text(value)
        if not (folder / key).is_symlink():
            (folder / key).symlink_to(f"..data/{key}")
    (folder / "..new").symlink_to(version)
    (folder / "..new").replace(folder / "..data")


def test_a_rotation_is_seen_at_the_next_read(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path)
    mount(tmp_path, "..2026_01", url="https://one.example\n")
    assert files.read(REF, "production") == "https://one.example"
    mount(tmp_path, "..2026_02", url="https://two.example\n")
    assert files.read(REF, "production") == "https://two.example"


def ref(name: str, key: str) -> MountedSecretRef:
    """A reference that no schema has checked."""
    return MountedSecretRef.model_construct(name=name, key=key)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("..", "outside"),
        ("alerts", ".."),
        ("alerts", "../../outside"),
        ("../secrets/alerts", "url"),
        ("", "url"),
        (".", "url"),
        ("alerts", "a\0b"),
        ("alerts", "/etc/hostname"),
    ],
)
def test_nothing_outside_of_the_directory_is_read(tmp_path: Path, name: str, key: str) -> None:
    (tmp_path / "outside").write_text("no")
    root = tmp_path / "secrets"
    mount(root, "..1", url="yes")
    with pytest.raises(SecretFileError, match="no plain NAME/KEY"):
        SecretFiles(root).read(ref(name, key), "production")


def test_a_link_out_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("SENTINEL")
    root = tmp_path / "secrets"
    mount(root, "..1", url="yes")
    (root / "alerts" / "out").symlink_to(tmp_path / "outside")
    with pytest.raises(SecretFileError, match="links out of the directory"):
        SecretFiles(root).read(MountedSecretRef(name="alerts", key="out"), "production")


def test_what_is_missing_is_named_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(SecretFileError, match="alerts/url is missing: mount Secret alerts"):
        SecretFiles(tmp_path).read(REF, "production")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"x" * (MAX_BYTES + 1), "larger than 8192 bytes"),
        (b"SENTINEL\xff", "no UTF-8"),
    ],
)
def test_what_is_no_credential_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts" / "url").write_bytes(content)
    with pytest.raises(SecretFileError, match=says) as caught:
        SecretFiles(tmp_path).read(REF, "production")
    assert "SENTINEL" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "alerts" / "url").mkdir(parents=True)
    with pytest.raises(SecretFileError, match="cannot be read: IsADirectoryError"):
        SecretFiles(tmp_path).read(REF, "production")


def test_a_secret_may_be_kept_to_namespaces(tmp_path: Path) -> None:
    mount(tmp_path, "..1", url="https://one.example")
    (tmp_path / "alerts" / "allowed-namespaces").write_text("production\nstaging\n")
    files = SecretFiles(tmp_path)
    assert files.read(REF, "staging") == "https://one.example"
    with pytest.raises(SecretFileError, match="not for namespace prod: add the namespace"):
        files.read(REF, "prod")


@pytest.mark.parametrize("name", ["..", ".hidden", "a/b", "", "a b", "ü"])
def test_the_schema_refuses_such_names(name: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        MountedSecretRef(name=name, key="url")
