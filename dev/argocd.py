"""Argo CD's settings for SparkDeployments, put together from the Lua files that hold the logic."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).resolve().parent.parent / "manifests/gitops/argocd/SparkDeployment"
KEY: Final = "spark.dev_SparkDeployment"


class _Dumper(yaml.SafeDumper):
    """Text of several lines as it stands."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def settings() -> str:
    """Return the ConfigMap ``argocd-cm`` with nothing but the health check and the actions."""
    return _dump(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "argocd-cm",
                "namespace": "argocd",
                "labels": {"app.kubernetes.io/part-of": "argocd"},
            },
            "data": {
                f"resource.customizations.health.{KEY}": _read("health.lua"),
                f"resource.customizations.actions.{KEY}": _dump(
                    {
                        "discovery.lua": _read("actions/discovery.lua"),
                        "definitions": [
                            {"name": path.parent.name, "action.lua": path.read_text("utf-8")}
                            for path in sorted(FOLDER.glob("actions/*/action.lua"))
                        ],
                    }
                ),
            },
        }
    )


def _read(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


def _dump(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=100)
    return text
