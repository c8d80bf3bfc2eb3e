"""The bodies of requests and answers: the only source of the API's shapes."""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from spark_app.core.rules.filenames import is_reserved
from spark_app.errors import BadRequestError, RequestInvalidError

MAX_ERRORS: Final = 20
"""Mistakes of one document that are told."""
MAX_TEXT: Final = 100
"""Characters of what names one of them: a client chooses the names of members."""


def _free_on_windows(name: str) -> str:
    if is_reserved(name):
        raise PydanticCustomError("reserved_name", "Windows keeps this name for a device")
    return name


Identifier = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"),
    AfterValidator(_free_on_windows),
]
_Model = TypeVar("_Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GenerateRequest(_Strict):
    """What to write a script for."""

    prompt: Annotated[str, Field(min_length=1, max_length=8000, pattern=r"\S")]
    context: Annotated[str, Field(max_length=32_000)] | None = None
    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:/-]{1,128}$")] | None = None
    stream: bool = False


class ExportRequest(_Strict):
    """A script to make a file of."""

    code: Annotated[str, Field(min_length=1, max_length=200_000)]
    scriptName: Identifier  # noqa: N815 - the API's name
    format: Literal["cs", "unitypackage"] = "cs"


class Usage(BaseModel):
    """Tokens that the providers bill, all rounds together."""

    inputTokens: int  # noqa: N815
    outputTokens: int  # noqa: N815


class Script(BaseModel):
    """A script that passed the checks."""

    code: str
    scriptName: Identifier  # noqa: N815
    provider: Literal["claude", "openai"]
    model: str
    cached: bool
    usage: Usage
    warnings: list[str]


def parse(model: type[_Model], body: bytes) -> _Model:
    """Read a JSON body.

    Raises:
        BadRequestError: it is no JSON.
        RequestInvalidError: it does not fit the schema; ``errors`` lists where and why.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problem = error
    wrong = problem.errors(include_url=False, include_input=False, include_context=False)
    found = [
        {"pointer": _pointer(item["loc"]), "message": item["msg"][:MAX_TEXT]}
        for item in wrong[:MAX_ERRORS]
    ]
    if any(item["type"] == "json_invalid" for item in wrong):
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            raise BadRequestError("the body must be one JSON document in UTF-8") from None
        # JSON by the letter, such as half a surrogate pair, that no text can hold.
    names = ", ".join(item["pointer"] or "the document" for item in found)
    if len(wrong) > MAX_ERRORS:
        names += f" and {len(wrong) - MAX_ERRORS} more"
    raise RequestInvalidError(f"correct {names}", extra={"errors": found})


def _pointer(location: tuple[int | str, ...]) -> str:
    pointer = "".join(f"/{part}" for part in location)
    return pointer if len(pointer) <= MAX_TEXT else pointer[: MAX_TEXT - 1] + "…"
