"""What a test prepared, and what the agent did with it."""

from __future__ import annotations

from collections import deque
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from ..failure import Denied
from ..http import Request
from ..human import Question
from ..llm import Request as LlmRequest
from ..tools import Tool

KINDS = ("ask", "blobs", "http", "kv", "llm", "secret", "tool")
"""The capabilities that a test can deny."""


class Script:
    """Answers by capability and resource, denials, and notes."""

    def __init__(self) -> None:
        self.queues: dict[tuple[str, str], deque[Any]] = {}
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

    def add(self, capability: str, resource: str, answers: tuple[Any, ...]) -> None:
        """Adds answers to what is asked there next."""
        self.queues.setdefault((capability, resource), deque()).extend(answers)

    def next(self, capability: str, resource: str, queue: str, how: str) -> Any:
        """The next answer, or the denial that stands in its place; ``how`` says what to write."""
        denial = self.denial(capability, resource)
        if denial is not None:
            return denial
        answers = self.queues.get((capability, queue))
        if answers:
            return answers.popleft()
        why = "nothing is scripted for it" if answers is None else "every scripted answer was taken"
        left = [name for (kind, name), rest in self.queues.items() if kind == capability and rest]
        others = f"; what is scripted is for {', '.join(left)}" if any(left) else ""
        return Denied(capability, resource, f"{why}: {to_write(how)}{others}")

    def denial(self, capability: str, resource: str) -> Denied | None:
        """What a host says that did not grant it, where the test denies it."""
        if not any(_covers(pattern, capability, resource) for pattern in self.denied):
            return None
        wanted = f"{capability}:{resource}" if resource else capability
        return Denied(
            capability,
            resource,
            f"to grant it: wforge grants approve test/plugin {wanted}; the plugin's manifest must "
            "name it among its needs",
        )

    def require(self, capability: str, resource: str) -> None:
        """Raises the denial, if the test denies it."""
        denial = self.denial(capability, resource)
        if denial is not None:
            raise denial


def to_write(how: str) -> str:
    """The end of a hint."""
    return f"write {how} before the agent runs"


def check_kind(pattern: str) -> str:
    """Refuses to deny what is no capability, since that would deny nothing."""
    if pattern.partition(":")[0] not in KINDS:
        raise ValueError(f'"{pattern}" is no capability; they are {", ".join(KINDS)}')
    return pattern


def _covers(pattern: str, capability: str, resource: str) -> bool:
    kind, _, denied = pattern.partition(":")
    if kind != capability:
        return False
    if not denied or fnmatchcase(resource, denied):
        return True
    if capability == "http":
        return resource.startswith(denied) or urlsplit(resource).hostname == denied
    # ``kv:run`` covers ``kv:run:ro``, and ``secret:token`` both ways to use it.
    return resource.startswith(f"{denied}:")
