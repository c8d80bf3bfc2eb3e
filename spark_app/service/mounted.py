"""What each mounted file changes, and what is told about them.

A list of keys that cannot be read shuts the door: who is refused by it must not come in meanwhile.
For the list of revocations that holds at any time, for the keys themselves until they were read
once; after that the last good ones stay.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from spark_app.core.keys import parse_keys, parse_masters
from spark_app.core.revocations import read_revocations
from spark_app.live.documents import Maintenance, RoutingDocument
from spark_app.live.files import FileWatch, LiveFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import SecretStr

    from spark_app.core.keys import KeyRing
    from spark_app.live.files import FileName
    from spark_app.providers.gateway import Gateway
    from spark_app.settings import Settings
    from spark_app.web.gate import State

_log = logging.getLogger(__name__)


class Mounted(Collector):
    """The files that the settings name, each with what takes it up.

    Attributes:
        files: to be watched.
    """

    def __init__(self, settings: Settings, keys: KeyRing, state: State, gateway: Gateway) -> None:
        self._keys = keys
        self._state = state
        self._gateway = gateway
        self._lists = {"master": _text(settings.master_key), "users": _text(settings.api_keys)}
        self._malformed = 0
        self._replace(self._lists)
        # The keys come behind the revocations: nobody is let in who is refused.
        wanted: tuple[tuple[FileName, str | None, Callable[[str], None]], ...] = (
            ("master_key", settings.master_key_file, partial(self._take_keys, "master")),
            ("revocations", settings.revocations_file, self._take_revocations),
            ("api_keys", settings.api_keys_file, partial(self._take_keys, "users")),
            ("providers", settings.providers_file, self._take_providers),
            ("maintenance", settings.maintenance_file, self._take_maintenance),
        )
        self.files = FileWatch([LiveFile(n, path, take) for n, path, take in wanted if path])
        keys.in_doubt = self._in_doubt

    def collect(self) -> Iterator[Metric]:
        """Return what is in force, as metrics."""
        good = GaugeMetricFamily(
            "spark_live_file_good",
            "1 while the content of a mounted file is in force, else 0",
            labels=["file"],
        )
        revision = GaugeMetricFamily(
            "spark_live_file_revision",
            "Always 1; the content in force, by the first 12 digits of its SHA-256",
            labels=["file", "revision"],
        )
        for file in self.files.files:
            good.add_metric([file.name], float(file.good is True))
            if file.revision is not None:
                revision.add_metric([file.name, file.revision], 1.0)
        yield good
        yield revision
        entries = GaugeMetricFamily(
            "spark_revocations", "Entries of the list of revocations", labels=["state"]
        )
        entries.add_metric(["in_force"], float(len(self._keys.listed)))
        entries.add_metric(["malformed"], float(self._malformed))
        yield entries

    def _in_doubt(self) -> bool:
        return any(
            file.good is not True if file.name == "revocations" else file.revision is None
            for file in self.files.files
            if file.name in {"revocations", "api_keys", "master_key"}
        )

    def _take_keys(self, which: str, text: str) -> None:
        wanted = self._lists | {which: text}
        self._replace(wanted)
        self._lists = wanted

    def _replace(self, lists: dict[str, str]) -> None:
        self._keys.replace(parse_masters(lists["master"]), parse_keys(lists["users"]))

    def _take_revocations(self, text: str) -> None:
        found = read_revocations(text)
        self._keys.revoke_listed(found.key_ids)
        self._malformed = len(found.malformed)
        if found.malformed:
            # By number only: what stands there may be a key.
            numbers = ", ".join(map(str, found.malformed[:20]))
            _log.error("entry %s of the list of revocations can name no key", numbers)

    def _take_providers(self, text: str) -> None:
        self._gateway.routing = RoutingDocument.model_validate_json(text).routing()

    def _take_maintenance(self, text: str) -> None:
        self._state.maintenance = Maintenance.model_validate_json(text)


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""
