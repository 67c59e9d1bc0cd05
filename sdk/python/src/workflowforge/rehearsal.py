"""Answers for a native test, in the order in which the agent asks."""

from collections import deque
from typing import Any

from .failure import Denied, Failure
from .http import Request, Response
from .kv import Entry, Page
from .llm import Message, Usage
from .llm import Request as LlmRequest
from .llm import Response as LlmResponse
from .tools import Tool
from .values import to_json


class Rehearsal:
    """Stands in for the host.

    One answer serves one question, tool, model, request or access to memory, whatever is next. A
    model says the text; a server says ``{"status", "body"}``; memory gives the value, none for
    ``None``, and takes any answer to a write as done. A ``Failure`` is what went wrong. Without
    answers everything is denied, as by a host that granted nothing.
    """

    def __init__(self):
        self._answers = deque()
        self._done = []

    def answer(self, *answers: Any) -> None:
        """Adds the answers to what the agent asks next."""
        self._answers.extend(answers)

    @property
    def done(self) -> list[str]:
        """What the agent did so far, one line each, such as ``ask Publish?`` or ``sleep 250``."""
        return list(self._done)

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        pass

    def emit(self, topic: str, payload: str) -> None:
        self._done.append(f"emit {topic} {payload}")

    def sleep(self, ms: int) -> None:
        self._done.append(f"sleep {ms}")

    def ask(self, questions):
        return [self._next("ask", asked.prompt, f"ask {asked.prompt}") for asked in questions]

    def list_tools(self) -> list[Tool]:
        return [Tool(**tool) for tool in self._raised("tool", "*", "tools")]

    def call_tools(self, calls):
        return [self._next("tool", name, f"tool {name}") for name, _ in calls]

    def complete(self, requests):
        return [self._complete(request) for request in requests]

    def fetch(self, requests):
        return [self._fetch(request) for request in requests]

    def kv_get(self, scope: str, key: str) -> Entry | None:
        value = self._raised("kv", key, f"kv get {scope} {key}")
        return None if value is None else Entry(key, value, 1)

    def kv_set(self, scope: str, key: str, value: Any, ttl_ms: int | None) -> Entry:
        self._raised("kv", key, f"kv set {scope} {key} {to_json('value', value)}")
        return Entry(key, value, 1)

    def kv_delete(self, scope: str, key: str) -> bool:
        return self._raised("kv", key, f"kv delete {scope} {key}") is True

    def kv_list(self, scope: str, prefix: str, limit: int, cursor: str | None) -> Page:
        found = self._raised("kv", prefix, f"kv list {scope} {prefix}")
        return Page([Entry(key, value, 1) for key, value in found.items()])

    def kv_swap(self, scope: str, key: str, expected: int | None, value: Any) -> bool:
        line = f"kv swap {scope} {key} {to_json('value', value)}"
        return self._raised("kv", key, line) is True

    def blob_write(self, media_type: str, data: bytes) -> dict[str, Any]:
        return self._raised("blobs", media_type, f"blob write {media_type} {len(data)}")

    def blob_read(self, blob: dict[str, Any], offset: int, length: int) -> bytes:
        digest = blob["$blob"]
        return _text(
            self._raised("blobs", digest, f"blob read {digest} {offset} {length}")
        ).encode()

    def secret(self, name: str) -> Any:
        # A handle is the host's to make, so there is none to rehearse with.
        self._done.append(f"secret {name}")
        raise _denied("secret", name)

    def _complete(self, request: LlmRequest) -> LlmResponse | Failure:
        last = request.messages[-1].text if request.messages else ""
        answer = self._next("llm", request.model, f"llm {request.model} {last}")
        if isinstance(answer, Failure):
            return answer
        return LlmResponse(Message("assistant", [_text(answer)]), "stop", Usage(), request.model)

    def _fetch(self, request: Request) -> Response | Failure:
        line = f"http {request.method} {request.url}"
        if isinstance(request.body, bytes):
            line += f" {request.body.decode(errors='replace')}"
        answer = self._next("http", request.url, line)
        if isinstance(answer, Failure):
            return answer
        return Response(answer.get("status", 200), [], _text(answer.get("body", "")).encode())

    def _raised(self, capability: str, resource: str, line: str) -> Any:
        answer = self._next(capability, resource, line)
        if isinstance(answer, Failure):
            raise answer
        return answer

    def _next(self, capability: str, resource: str, line: str) -> Any:
        self._done.append(line)
        return self._answers.popleft() if self._answers else _denied(capability, resource)


def _denied(capability: str, resource: str) -> Denied:
    hint = "no host is here; a native test hands in answers through ctx.rehearsal"
    return Denied(capability, resource, hint)


def _text(answer: Any) -> str:
    """A text as it is, any other value as JSON."""
    return answer if isinstance(answer, str) else to_json("answer", answer)
