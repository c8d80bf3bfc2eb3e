"""A ``.unitypackage``: a tar.gz with ``<guid>/{asset,asset.meta,pathname}`` for each asset.

Equal input gives equal bytes: the GUID is a UUIDv5 of the asset's path, so that a second import
updates the first one's asset, and every time stamp is zero.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import uuid
from typing import Final

SCRIPTS_FOLDER: Final = "Assets/Scripts"
_NAMESPACE: Final = uuid.UUID("7c0d2f0e-5a51-5e0c-9a30-6a5b8f2f6d11")
_META: Final = """fileFormatVersion: 2
guid: {guid}
MonoImporter:
  externalObjects: {{}}
  serializedVersion: 2
  defaultReferences: []
  executionOrder: 0
  icon: {{instanceID: 0}}
  userData:
  assetBundleName:
  assetBundleVariant:
"""


def asset_guid(path: str) -> str:
    """Return the asset's GUID: 32 hexadecimal digits that depend on its path only."""
    return uuid.uuid5(_NAMESPACE, path).hex


def write_unitypackage(script_name: str, code: str) -> bytes:
    """Pack one script, to be imported as ``Assets/Scripts/<script_name>.cs``."""
    path = f"{SCRIPTS_FOLDER}/{script_name}.cs"
    guid = asset_guid(path)
    files = {
        "asset": code.encode(),
        "asset.meta": _META.format(guid=guid).encode(),
        "pathname": path.encode(),
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        folder = tarfile.TarInfo(guid)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{guid}/{name}")
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    packed = io.BytesIO()
    # gzip's header carries a time and a name; neither may vary.
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=6, mtime=0) as stream:
        stream.write(archive.getvalue())
    return packed.getvalue()
