"""What a test prepared, and what the agent did with it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ..failure import Denied
from ..http import Request
from ..human import Question
from ..llm import Request as LlmRequest
from ..tools import Tool

KINDS = ("ask", "blobs", "http", "kv", "llm", "secret", "tool")
"""The capabilities that a test can deny."""
WRITES = ":rw"
"""What ``deny("kv:run:rw")`` names; a host has no word for writing alone."""


class Script:
    """Answers by capability and resource, denials, and notes."""

    def __init__(self) -> None:
        self._answers: list[tuple[str, str, Any]] = []
        self._taken: set[tuple[str, str]] = set()
        self.tools: dict[str, Tool] = {}
        self.secrets: dict[str, str] = {}
        self.denied: list[str] = []
        self.done: list[str] = []
        self.logs: list[str] = []
        self.events: list[tuple[str, Any]] = []
        self.questions: list[Question] = []
        self.llm_requests: list[LlmRequest] = []
        self.http_requests: list[Request] = []
        self.tool_calls: list[tuple[str, Any]] = []

    def add(self, capability: str, pattern: str, answers: tuple[Any, ...]) -> None:
        """Adds answers to what is asked there next. A pattern may end in ``*``."""
        self._answers += [(capability, pattern, answer) for answer in answers]

    def next(self, capability: str, resource: str, how: str, *, of: str | None = None) -> Any:
        """The next answer, or the denial that stands in its place; ``how`` says what to write.

        Answers are queued for the resource, or for ``of`` where it is another.
        """
        denial = self.denial(capability, resource)
        if denial is not None:
            return denial
        wanted = resource if of is None else of
        for at, (kind, pattern, answer) in enumerate(self._answers):
            if kind == capability and _fits(pattern, wanted):
                self._taken.add((kind, pattern))
                del self._answers[at]
                return answer
        return Denied(capability, resource, f"{self._why(capability, wanted)}: {to_write(how)}")

    def denial(self, capability: str, resource: str) -> Denied | None:
        """What a host says that did not grant it, where the test denies it."""
        by = next((denied for denied in self.denied if _covers(denied, capability, resource)), None)
        if by is None:
            return None
        hint = f'the test denies it with deny("{by}")'
        return Denied(capability, resource.removesuffix(WRITES), hint)

    def require(self, capability: str, resource: str) -> None:
        """Raises the denial, if the test denies it."""
        denial = self.denial(capability, resource)
        if denial is not None:
            raise denial

    def _why(self, capability: str, wanted: str) -> str:
        if any(kind == capability and _fits(pattern, wanted) for kind, pattern in self._taken):
            return "every scripted answer was taken"
        others = {pattern for kind, pattern, _ in self._answers if kind == capability}
        if not others:
            return "nothing is scripted for it"
        return f"what is scripted is for {', '.join(sorted(others))}"


def to_write(how: str) -> str:
    """The end of a hint."""
    return f"write {how} before the agent runs"


def check_kind(pattern: str) -> str:
    """Refuses to deny what is no capability, since that would deny nothing."""
    if pattern.partition(":")[0] not in KINDS:
        raise ValueError(f'"{pattern}" is no capability; they are {", ".join(KINDS)}')
    return pattern


def _fits(pattern: str, resource: str) -> bool:
    if pattern.endswith("*"):
        return resource.startswith(pattern[:-1])
    return resource == pattern


def _covers(pattern: str, capability: str, resource: str) -> bool:
    kind, _, denied = pattern.partition(":")
    if kind != capability:
        return False
    if not denied or _fits(denied, resource):
        return True
    if capability == "http":
        return resource.startswith(denied) or urlsplit(resource).hostname == denied
    # ``kv:run`` covers ``kv:run:ro``, and ``secret:token`` both ways to use it.
    return resource.startswith(f"{denied}:")
