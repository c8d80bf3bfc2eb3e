"""The package as Unity reads it: GUID folders with asset, asset.meta and pathname."""

import gzip
import io
import re
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from spark_app.core.unitypackage import asset_guid, write_unitypackage

GUID = re.compile(r"[0-9a-f]{32}")


def read(data: bytes) -> dict[str, dict[str, bytes]]:
    """Import a package as Unity does; returns, by path in the project, the asset and its meta."""
    found: dict[str, dict[str, bytes]] = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        folders: dict[str, dict[str, bytes]] = {}
        for member in tar:
            guid, _, name = member.name.partition("/")
            assert GUID.fullmatch(guid), member.name
            if member.isdir():
                assert not name
                continue
            assert member.isfile()
            assert name in {"asset", "asset.meta", "pathname"}
            content = tar.extractfile(member)
            assert content is not None
            folders.setdefault(guid, {})[name] = content.read()
    for guid, files in folders.items():
        assert set(files) == {"asset", "asset.meta", "pathname"}
        path = files["pathname"].decode().split("\n")[0]
        assert path.startswith("Assets/")
        assert ".." not in path
        assert f"guid: {guid}\n".encode() in files["asset.meta"]
        assert files["asset.meta"].startswith(b"fileFormatVersion: 2\n")
        assert b"MonoImporter:" in files["asset.meta"]
        found[path] = {"asset": files["asset"], "meta": files["asset.meta"]}
    return found


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,60}", fullmatch=True), st.text(max_size=500))
def test_what_goes_in_comes_out(name: str, code: str) -> None:
    code = code.encode("utf-8", "ignore").decode()
    assets = read(write_unitypackage(name, code))
    assert list(assets) == [f"Assets/Scripts/{name}.cs"]
    assert assets[f"Assets/Scripts/{name}.cs"]["asset"] == code.encode()


def test_equal_input_gives_equal_bytes_without_time_or_name() -> None:
    first, second = (write_unitypackage("Mover", "class") for _ in range(2))
    assert first == second
    assert first[4:8] == b"\0\0\0\0"
    assert not first[3] & 8
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(first))) as tar:
        assert {(m.mtime, m.uid, m.gid, m.uname) for m in tar} == {(0, 0, 0, "")}


def test_a_second_import_updates_the_first() -> None:
    old, new = (read(write_unitypackage("Mover", code)) for code in ("a", "b"))
    assert [asset["meta"] for asset in old.values()] == [asset["meta"] for asset in new.values()]
    assert asset_guid("Assets/Scripts/Mover.cs") != asset_guid("Assets/Scripts/Other.cs")
