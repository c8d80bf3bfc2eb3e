"""A SparkDeployment from a file, which no API server has checked yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import ValidationError

from spark_operator.api.base import API_VERSION, KIND
from spark_operator.api.resource import InvalidResourceError, SparkDeployment, parse
from spark_operator.replay import PlanError, check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES: Final = 1_048_576


class ManifestError(Exception):
    """A manifest file holds no SparkDeployment; the message says what is wrong."""


def read(path: Path) -> tuple[SparkDeployment, tuple[str, ...]]:
    """Read the first SparkDeployment of a YAML or JSON file, and the fields nobody knows.

    Its status and its annotations belong to the cluster it comes from and are left out.

    Raises:
        ManifestError: there is none, or its fields are wrong.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ManifestError(f"{path}: more than {MAX_BYTES} bytes is no manifest")
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise ManifestError(f"{path}: cannot be read as YAML or JSON: {error}") from error
    for body in _objects(documents):
        if body.get("kind") == KIND:
            try:
                return _parsed(body), _unknown(body)
            except (InvalidResourceError, PlanError) as error:
                raise ManifestError(f"{path}: {error}") from error
    raise ManifestError(f"{path}: holds no object of kind {KIND}")


def _objects(documents: list[Any]) -> Iterator[dict[str, Any]]:
    """Every object, those of a ``List`` one by one."""
    for body in documents:
        if not isinstance(body, dict):
            continue
        items = body.get("items")
        if body.get("kind") == "List" and isinstance(items, list):
            yield from (item for item in items if isinstance(item, dict))
        else:
            yield body


def _parsed(body: dict[str, Any]) -> SparkDeployment:
    if body.get("apiVersion", API_VERSION) != API_VERSION:
        raise InvalidResourceError(
            f"its apiVersion is {body['apiVersion']!r}: this operator knows {API_VERSION}"
        )
    meta = body.get("metadata")
    kept = ("name", "namespace")
    named = {key: meta[key] for key in kept if key in meta} if isinstance(meta, dict) else meta
    resource = parse({"metadata": named, "spec": body.get("spec"), "status": {}})
    check(resource.spec.strategy.canary)
    return resource


def _unknown(body: dict[str, Any]) -> tuple[str, ...]:
    """Fields of the spec that are in no model: the API server would drop them."""
    try:
        SparkDeployment.model_validate({**body, "status": {}}, extra="forbid")
    except ValidationError as error:
        found = (item for item in error.errors() if item["type"] == "extra_forbidden")
        names = (".".join(str(part) for part in item["loc"]) for item in found)
        return tuple(name for name in names if name.startswith("spec."))[:5]
    return ()
