"""A finished script, in the form in which it is answered, cached and recorded."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_core import from_json

from spark_app.jsontext import encode

__all__ = ["Script"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A checked script and where it came from; `hit_body` is the answer to a cache hit."""

    code: str
    script_name: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    warnings: tuple[str, ...]
    hit_body: bytes

    @classmethod
    def make(
        cls,
        *,
        code: str,
        script_name: str,
        provider: str,
        model: str,
        input_tokens: int,
        output_tokens: int,
        warnings: tuple[str, ...],
    ) -> Script:
        """Make one, with its body."""
        document = {
            "code": code,
            "scriptName": script_name,
            "provider": provider,
            "model": model,
            "cached": True,
            "usage": {"inputTokens": input_tokens, "outputTokens": output_tokens},
            "warnings": list(warnings),
        }
        return cls(
            code=code,
            script_name=script_name,
            provider=provider,
            model=model,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            warnings=warnings,
            hit_body=_encode(document),
        )

    @classmethod
    def from_body(cls, body: bytes) -> Script:
        """Read a cached body again.

        Raises:
            ValueError, KeyError, TypeError: it is not one of ours.
        """
        document = from_json(body)
        usage = document["usage"]
        return cls.make(
            code=str(document["code"]),
            script_name=str(document["scriptName"]),
            provider=str(document["provider"]),
            model=str(document["model"]),
            input_tokens=int(usage["inputTokens"]),
            output_tokens=int(usage["outputTokens"]),
            warnings=tuple(str(warning) for warning in document["warnings"]),
        )

    def body(self, *, cached: bool) -> bytes:
        """The answer's JSON."""
        if cached:
            return self.hit_body
        return _encode(from_json(self.hit_body) | {"cached": False})


def _encode(document: dict[str, object]) -> bytes:
    return encode(document)
