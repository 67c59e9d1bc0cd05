"""Why an agent did not succeed: one exception for each case of the contract's ``failure``.

Raise one to fail with a code of your own. Those that the host raises are handed on as they are
where nobody catches them.
"""

from typing import Any, ClassVar


class Failure(Exception):
    """What all of them are."""

    tag: ClassVar[str]


class Problem(Failure):
    """A failure with a code, which programs read; the message is for people."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after_ms: int | None = None,
        details: dict[str, Any] | None = None,
    ):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.details = details or {}


class InvalidInput(Problem):
    """The input cannot be worked on; never retried."""

    tag = "invalid-input"


class Limit(Problem):
    """A budget is used up."""

    tag = "limit"


class Upstream(Problem):
    """A system outside the host failed."""

    tag = "upstream"


class Cancelled(Problem):
    """The run was cancelled meanwhile."""

    tag = "cancelled"


class Failed(Problem):
    """The agent itself failed."""

    tag = "failed"


class Denied(Failure):
    """A capability that was asked for and not granted; the hint says how to grant it."""

    tag = "denied"

    def __init__(self, capability: str, resource: str, hint: str):
        # Of what has no resources, such as ``ask``, its name alone.
        super().__init__(f"{f'{capability} {resource}'.rstrip()} is denied: {hint}")
        self.capability = capability
        self.resource = resource
        self.hint = hint


PROBLEMS = {kind.tag: kind for kind in (InvalidInput, Limit, Upstream, Cancelled, Failed)}
"""The cases that are a problem, by the names that the contract has for them."""
