"""Every way in which a request can end badly, as RFC 9457 problem details.

One HTTP status means one thing, and ``code`` is stable: clients may branch on it. ``origin`` says
who is to blame, so that the operator does not blame a release for its provider or its clients.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Origin = Literal["none", "client", "app", "provider"]


class SparkError(Exception):
    """A problem that a client is told about.

    Args:
        detail: what happened and what to do next, for a person.
        retry_after: seconds after which a repetition makes sense.
        extra: further members of the problem document.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    origin: ClassVar[Origin] = "app"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
        *,
        retry_after: float | None = None,
        extra: dict[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.extra = extra or {}

    @property
    def type(self) -> str:
        """The problem's type URI."""
        return f"urn:spark:problem:{self.code}"


class InternalError(SparkError):
    """A defect of the service."""


class BadRequestError(SparkError):
    """The request is not what HTTP or JSON call well-formed."""

    status = 400
    code = "bad_request"
    title = "The request cannot be read"
    origin: ClassVar[Origin] = "client"


class NotFoundError(SparkError):
    """No such path."""

    status = 404
    code = "not_found"
    title = "No such resource"
    origin: ClassVar[Origin] = "client"


class MethodNotAllowedError(SparkError):
    """The path is there, the method is not."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    origin: ClassVar[Origin] = "client"

    def __init__(self, detail: str, *, allow: str) -> None:
        super().__init__(detail)
        self.allow = allow


class RequestTimeoutError(SparkError):
    """The body did not come in time."""

    status = 408
    code = "request_timeout"
    title = "The body did not come in time"
    origin: ClassVar[Origin] = "client"
    retryable = True


class PayloadTooLargeError(SparkError):
    """The body exceeds the limit."""

    status = 413
    code = "payload_too_large"
    title = "The body is too large"
    origin: ClassVar[Origin] = "client"


class RequestInvalidError(SparkError):
    """Well-formed JSON whose content breaks the schema."""

    status = 422
    code = "request_invalid"
    title = "The request does not fit the schema"
    origin: ClassVar[Origin] = "client"


class CodeInvalidError(SparkError):
    """The C# that a client wants exported is not what Unity takes."""

    status = 422
    code = "code_invalid"
    title = "The code is not a valid Unity script"
    origin: ClassVar[Origin] = "client"


class ModelRejectedError(SparkError):
    """A model was asked for by name that no provider serves."""

    status = 422
    code = "model_rejected"
    title = "The model is not available"
    origin: ClassVar[Origin] = "client"


class RefusedError(SparkError):
    """The model, or its provider's filter, refuses what the prompt asks for."""

    status = 422
    code = "refused"
    title = "The AI provider refuses this request"
    origin: ClassVar[Origin] = "client"


class PromptTooLongError(SparkError):
    """Prompt and context do not fit into the model's window."""

    status = 422
    code = "prompt_too_long"
    title = "The prompt is too long for the model"
    origin: ClassVar[Origin] = "client"


class OutputTooLongError(SparkError):
    """The model used up its tokens before it was done."""

    status = 422
    code = "output_too_long"
    title = "The answer would be too long"
    origin: ClassVar[Origin] = "client"


class NotCodeError(SparkError):
    """The model answered, but not with a script: it was not asked for one."""

    status = 422
    code = "not_code"
    title = "The answer is no script"
    origin: ClassVar[Origin] = "client"


class UnauthenticatedError(SparkError):
    """No key, or none that is known."""

    status = 401
    code = "unauthenticated"
    title = "A valid API key is needed"
    origin: ClassVar[Origin] = "client"


class ForbiddenError(SparkError):
    """The key is known, but may not do this."""

    status = 403
    code = "forbidden"
    title = "The API key may not do this"
    origin: ClassVar[Origin] = "client"


class RateLimitedError(SparkError):
    """The key's requests are used up for now."""

    status = 429
    code = "rate_limited"
    title = "Rate limit exceeded"
    origin: ClassVar[Origin] = "client"
    retryable = True

    @property
    def type(self) -> str:
        """The registered type of draft-ietf-httpapi-ratelimit-headers."""
        return "https://iana.org/assignments/http-problem-types#quota-exceeded"


class OverloadedError(SparkError):
    """The process has more to do than it can; turned away before it collapses."""

    status = 503
    code = "overloaded"
    title = "The service is at its limit"
    origin: ClassVar[Origin] = "app"
    retryable = True

    @property
    def type(self) -> str:
        """The registered type of draft-ietf-httpapi-ratelimit-headers."""
        return "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"


class RevocationsUnknownError(SparkError):
    """A list of keys cannot be read: whoever is refused by it must not come in meanwhile."""

    status = 503
    code = "revocations_unknown"
    title = "It is not known which keys are valid"
    origin: ClassVar[Origin] = "app"
    retryable = True

    def __init__(self) -> None:
        super().__init__(
            "the service cannot read its lists of keys; try again later, and tell its operator",
            retry_after=5.0,
        )


class MaintenanceError(SparkError):
    """Closed on purpose: nobody is to blame."""

    status = 503
    code = "maintenance"
    title = "The service is in maintenance"
    origin: ClassVar[Origin] = "none"
    retryable = True


class ProviderBadOutputError(SparkError):
    """A provider answered, but with nothing usable."""

    status = 502
    code = "provider_bad_output"
    title = "The AI provider's answer was unusable"
    origin: ClassVar[Origin] = "provider"
    retryable = True


class ProviderUnavailableError(SparkError):
    """No provider takes calls now."""

    status = 503
    code = "provider_unavailable"
    title = "No AI provider is available"
    origin: ClassVar[Origin] = "provider"
    retryable = True


class ProviderTimeoutError(SparkError):
    """No provider answered before the deadline."""

    status = 504
    code = "provider_timeout"
    title = "The AI provider took too long"
    origin: ClassVar[Origin] = "provider"
    retryable = True
