"""The machine's own pip settings, lent to a build so that it reaches the same index.

They are mounted while ``pip`` runs and are no part of any layer.
"""

from __future__ import annotations

import ast
import configparser
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.machine import shell

if TYPE_CHECKING:
    from collections.abc import Mapping

LENT = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
AUTHORITY = "/run/spark-ca.pem"
AUTHORITY_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class PipSettings:
    """A pip.conf for the build, and the file of the authority that it names, if there is one."""

    configuration: str
    authority: Path | None


def read(environment: Mapping[str, str] = os.environ) -> PipSettings:
    """Return this machine's settings, from pip's files and environment."""
    listing = shell.run([sys.executable, "-m", "pip", "config", "list"], env=dict(environment))
    return lent(parse(listing), environment)


def parse(listing: str) -> dict[str, str]:
    """Return the options in the output of ``pip config list``; the environment's win."""
    found: dict[str, str] = {}
    for line in sorted(listing.splitlines(), key=lambda line: line.startswith(":env:")):
        name, separator, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if separator and section in {"global", "install", ":env:"}:
            found[option] = str(ast.literal_eval(value))
    return found


def lent(options: Mapping[str, str], environment: Mapping[str, str]) -> PipSettings:
    """Return what of the options a build inside an image can use."""
    variables = [environment[name] for name in AUTHORITY_VARIABLES if environment.get(name)]
    paths = [Path(value) for value in (options.get("cert", ""), *variables) if value]
    authority = next((path for path in paths if path.is_file()), None)
    values = {name: options[name] for name in LENT if name in options}
    if authority is not None:
        values["cert"] = AUTHORITY
    writer = configparser.RawConfigParser()
    writer["global"] = values
    text = io.StringIO()
    writer.write(text)
    return PipSettings(text.getvalue(), authority)
