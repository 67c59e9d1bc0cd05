"""Answers an agent as its test scripted it: the other side of ``MockHost``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..answers import Answer
from ..blobs import Blob
from ..failure import Denied, Failure, InvalidInput
from ..host import Host
from ..http import Request, Response
from ..human import Question
from ..kv import Entry, Page
from ..llm import Message, Usage
from ..llm import Request as LlmRequest
from ..llm import Response as LlmResponse
from ..secret import Secret
from ..tools import Tool
from ..values import to_json
from .memory import Memory
from .script import WRITES, Script, to_write
from .shelf import Shelf

RESPONSE = ("status", "headers", "body")
"""What a test says of a response."""


class MockSecret(Secret):
    """A secret that the test set."""

    def __init__(self, script: Script, name: str):
        self._script = script
        self.name = name

    def reveal(self) -> str:
        self._script.done.append(f"reveal {self.name}")
        self._script.require("secret", f"{self.name}:reveal")
        return self._script.secrets[self.name]


class Scripted(Host):
    """The host that an agent sees."""

    def __init__(self, script: Script, memory: Memory, shelf: Shelf, sleep: Callable[[int], None]):
        self._script = script
        self._memory = memory
        self._shelf = shelf
        self._sleep = sleep
        self.has_thread = True

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        words = [level, message, *(f"{name}={value}" for name, value in fields)]
        self._script.logs.append(" ".join(words))

    def emit(self, topic: str, payload: str) -> None:
        self._note(f"emit {topic} {payload}")
        self._script.events.append((topic, json.loads(payload)))

    def sleep(self, ms: int) -> None:
        self._note(f"sleep {ms}")
        self._sleep(ms)

    def ask(self, questions: list[Question]) -> list[Answer[Any]]:
        return [self._ask(asked) for asked in questions]

    def list_tools(self) -> list[Tool]:
        self._note("tools")
        self._script.require("tool", "*")
        if not self._script.tools:
            raise _unscripted("tool", "*", 'host.tool("name", answer)')
        return list(self._script.tools.values())

    def call_tools(self, calls: list[tuple[str, Any]]) -> list[Answer[Any]]:
        return [self._call(name, input) for name, input in calls]

    def complete(self, requests: list[LlmRequest]) -> list[Answer[LlmResponse]]:
        return [self._complete(request) for request in requests]

    def fetch(self, requests: list[Request]) -> list[Answer[Response]]:
        return [self._fetch(request) for request in requests]

    def kv_get(self, scope: str, key: str) -> Entry | None:
        self._at(scope, ":ro", f"kv get {scope} {key}")
        return self._memory.get(scope, key)

    def kv_set(self, scope: str, key: str, value: Any, ttl_ms: int | None) -> Entry:
        self._at(scope, WRITES, f"kv set {scope} {key} {to_json('value', value)}")
        return self._memory.set(scope, key, value, ttl_ms)

    def kv_delete(self, scope: str, key: str) -> bool:
        self._at(scope, WRITES, f"kv delete {scope} {key}")
        return self._memory.delete(scope, key)

    def kv_list(self, scope: str, prefix: str, limit: int, cursor: str | None) -> Page:
        self._at(scope, ":ro", f"kv list {scope} {prefix}")
        return self._memory.list(scope, prefix, limit, cursor)

    def kv_swap(self, scope: str, key: str, expected: int | None, value: Any) -> bool:
        self._at(scope, WRITES, f"kv swap {scope} {key} {to_json('value', value)}")
        return self._memory.swap(scope, key, expected, value)

    def blob_write(self, media_type: str, data: bytes) -> Blob:
        self._note(f"blob write {media_type} {len(data)}")
        self._script.require("blobs", media_type)
        return self._shelf.write(media_type, data)

    def blob_read(self, blob: Mapping[str, object], offset: int, length: int) -> bytes:
        digest = str(blob.get("$blob"))
        self._note(f"blob read {digest} {offset} {length}")
        self._script.require("blobs", digest)
        return self._shelf.read(blob, offset, length)

    def secret(self, name: str) -> Secret:
        self._note(f"secret {name}")
        self._script.require("secret", f"{name}:hold")
        if name not in self._script.secrets:
            raise _unscripted("secret", f"{name}:hold", f'host.secret("{name}", "value")')
        return MockSecret(self._script, name)

    def _ask(self, asked: Question) -> Answer[Any]:
        self._script.questions.append(asked)
        self._note(f"ask {asked.prompt}")
        return _json(self._script.next("ask", "", "host.ask(answer)"))

    def _call(self, name: str, input: Any) -> Answer[Any]:
        self._script.tool_calls.append((name, input))
        self._note(f"tool {name}")
        return _json(self._script.next("tool", name, f'host.tool("{name}", answer)'))

    def _complete(self, request: LlmRequest) -> Answer[LlmResponse]:
        self._script.llm_requests.append(request)
        last = request.messages[-1].text if request.messages else ""
        self._note(f"llm {request.model} {last}")
        answer = self._script.next("llm", request.model, 'host.llm("the answer")', of="")
        if isinstance(answer, Failure | LlmResponse):
            return answer
        message = _message(answer)
        finish = "tool_calls" if message.tool_calls else "stop"
        return LlmResponse(message, finish, Usage(), request.model)

    def _fetch(self, request: Request) -> Answer[Response]:
        self._script.http_requests.append(request)
        line = f"http {request.method} {request.url}"
        if isinstance(request.body, bytes):
            line += f" {request.body.decode(errors='replace')}"
        self._note(line)
        how = f'host.http("{request.url}", {{"status": 200, "body": …}})'
        answer: Answer[Response] = self._script.next("http", request.url, how)
        return answer

    def _at(self, scope: str, how: str, line: str) -> None:
        self._note(line)
        self._script.require("kv", f"{scope}{how}")
        if scope == "thread" and not self.has_thread:
            message = "the run belongs to no thread, so it has no memory of one"
            raise InvalidInput("no_thread", message)

    def _note(self, line: str) -> None:
        self._script.done.append(line)


def _unscripted(capability: str, resource: str, how: str) -> Denied:
    return Denied(capability, resource, f"nothing is scripted for it: {to_write(how)}")


def _json(answer: Any) -> Any:
    """A copy by way of JSON, as one that crossed into a sandbox is."""
    return answer if isinstance(answer, Failure) else json.loads(to_json("answer", answer))


def _message(answer: Any) -> Message:
    if isinstance(answer, Message):
        return answer
    return Message("assistant", answer if isinstance(answer, list) else [_text(answer)])


def to_response(answer: Any) -> Response | Failure:
    """Of a body, or of ``{"status", "headers", "body"}``, where each may be left out."""
    if isinstance(answer, Failure | Response):
        return answer
    if isinstance(answer, str | bytes):
        answer = {"body": answer}
    unknown = [name for name in answer if name not in RESPONSE]
    if unknown:
        raise ValueError(f'a response has no "{unknown[0]}"; it has {", ".join(RESPONSE)}')
    headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
    body = answer.get("body", "")
    if not isinstance(body, str | bytes):
        headers.setdefault("content-type", "application/json")
    data = body if isinstance(body, bytes) else _text(body).encode()
    return Response(answer.get("status", 200), list(headers.items()), data)


def _text(answer: Any) -> str:
    """A text as it is, any other value as JSON."""
    return answer if isinstance(answer, str) else to_json("answer", answer)
