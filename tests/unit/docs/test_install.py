"""The rights that the installation page lists are those that the manifests give."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "install.md"
ROLES = ("manifests/rbac/operator.yaml", "manifests/operator/lease.yaml")


def _listed() -> dict[str, set[str]]:
    section = PAGE.read_text().split("## What the operator may do\n")[1].split("\n## ")[0]
    found: dict[str, set[str]] = {}
    for row in re.findall(r"^\| (`.*?) \| ([a-z, ]+) \|", section, re.MULTILINE):
        for resource in re.findall(r"`([a-z/]+)`", row[0]):
            found[resource] = set(row[1].split(", "))
    return found


def _given() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in ROLES:
        for document in yaml.safe_load_all((ROOT / path).read_text()):
            for rule in document.get("rules", ()):
                for resource in rule["resources"]:
                    found.setdefault(resource, set()).update(rule["verbs"])
    return found


def test_the_page_lists_every_right_that_the_operator_is_given() -> None:
    assert _listed() == _given()
