"""The way to the host: the interfaces of the plugin's world. Needs the bindings.

The bindings are another package for each plugin, so their values have no types here; what comes in
is checked by ``values``, and what goes out is made by ``wire``.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from componentize_py_types import Err

from . import wire
from .answers import Answer
from .blobs import Blob
from .failure import Denied
from .host import Host
from .http import Credential, Request, Response
from .human import Question
from .kv import Entry, Page
from .llm import Request as LlmRequest
from .llm import Response as LlmResponse
from .secret import Secret
from .tools import Tool
from .values import bad_argument, from_json, string, to_json, unsigned

NEEDS = {
    "http": "http:https://api.example.com",
    "human": "ask",
    "kv": "kv:run",
    "llm": "llm:fast",
    "secrets": "secret:name:hold",
    "tools": "tool:name",
}
"""What to write in plugin.toml for an interface, as an example."""

PIECE_BYTES_MAX = 1 << 20
"""How much of a blob is handed over at once."""


class HeldSecret(Secret):
    """A secret behind a handle of the host's."""

    def __init__(self, handle: Any):
        self.handle = handle

    def reveal(self) -> str:
        return _text(_guarded(self.handle.reveal))


class World(Host):
    """The interfaces of the plugin's world, by their names in the contract."""

    def __init__(self, interfaces: dict[str, ModuleType]):
        self._interfaces = interfaces

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        log = self._interface("log")
        log.write(log.Level[level.upper()], message, fields)

    def emit(self, topic: str, payload: str) -> None:
        _guarded(self._interface("events").emit, topic, payload)

    def sleep(self, ms: int) -> None:
        _guarded(self._interface("timer").sleep, ms)

    def ask(self, questions: list[Question]) -> list[Answer[Any]]:
        human = self._interface("human")
        requests = [
            human.Request(
                string("the prompt", asked.prompt),
                _optional(asked.schema, lambda schema: to_json("schema", schema)),
                _optional(asked.deadline_ms, lambda ms: unsigned("deadline_ms", ms)),
                _optional(asked.assignee, lambda name: string("the assignee", name)),
                to_json("options", asked.options),
            )
            for asked in questions
        ]
        return self._all(human.ask, requests, lambda text: from_json("answer", text))

    def list_tools(self) -> list[Tool]:
        tools = _guarded(self._interface("tools").list)
        return [
            Tool(
                tool.name,
                tool.description,
                from_json("tool's schema", tool.input_schema),
                from_json("tool's schema", tool.output_schema),
            )
            for tool in tools
        ]

    def call_tools(self, calls: list[tuple[str, Any]]) -> list[Answer[Any]]:
        tools = self._interface("tools")
        requests = [
            tools.Request(string("the tool's name", name), to_json("tool's input", input), "{}")
            for name, input in calls
        ]
        return self._all(tools.call, requests, lambda text: from_json("tool's answer", text))

    def complete(self, requests: list[LlmRequest]) -> list[Answer[LlmResponse]]:
        llm = self._interface("llm")
        return self._all(
            llm.complete,
            [_llm_request(llm, request) for request in requests],
            lambda response: wire.response_from_wit(llm, response),
        )

    def fetch(self, requests: list[Request]) -> list[Answer[Response]]:
        http = self._interface("http")
        return self._all(
            http.fetch,
            [_http_request(http, request) for request in requests],
            lambda response: _http_response(http, response),
        )

    def kv_get(self, scope: str, key: str) -> Entry | None:
        found = self._kv("get", scope, key)
        return None if found is None else _entry(found)

    def kv_set(self, scope: str, key: str, value: Any, ttl_ms: int | None) -> Entry:
        return _entry(self._kv("set", scope, key, to_json("value", value), ttl_ms))

    def kv_delete(self, scope: str, key: str) -> bool:
        return bool(self._kv("delete", scope, key))

    def kv_list(self, scope: str, prefix: str, limit: int, cursor: str | None) -> Page:
        page = self._kv("list", scope, prefix, limit, cursor)
        return Page([_entry(entry) for entry in page.entries], page.cursor)

    def kv_swap(self, scope: str, key: str, expected: int | None, value: Any) -> bool:
        return bool(self._kv("compare_and_swap", scope, key, expected, to_json("value", value)))

    def blob_write(self, media_type: str, data: bytes) -> Blob:
        with _guarded(self._interface("blobs").create, media_type) as writer:
            for at in range(0, len(data), PIECE_BYTES_MAX):
                _guarded(writer.append, data[at : at + PIECE_BYTES_MAX])
            return wire.blob_from_wit(_guarded(writer.finish))

    def blob_read(self, blob: Mapping[str, object], offset: int, length: int) -> bytes:
        read = self._interface("blobs").read
        return bytes(_guarded(read, wire.blob_to_wit(blob), offset, length))

    def secret(self, name: str) -> Secret:
        return HeldSecret(_guarded(self._interface("secrets").get, name))

    def _kv(self, method: str, scope: str, *values: Any) -> Any:
        kv = self._interface("kv")
        return _guarded(getattr(kv, method), kv.Scope[scope.upper()], *values)

    def _all(
        self, call: Callable[..., Any], requests: list[Any], read: Callable[[Any], Any]
    ) -> list[Any]:
        return wire.answers_from_wit(_guarded(call, requests), read)

    def _interface(self, name: str) -> ModuleType:
        if name in self._interfaces:
            return self._interfaces[name]
        raise _missing(name)


def _text(value: Any) -> str:
    return string("the host's answer", value)


def _guarded(call: Callable[..., Any], *values: Any) -> Any:
    """Calls the host. What it fails with is raised as a ``Failure``."""
    try:
        return call(*values)
    except Err as error:
        raise wire.failure_from_wit(error.value) from None


def _missing(name: str) -> Denied:
    """Said as the host says a denial: by the need's kind."""
    need = NEEDS.get(name)
    if need is None:
        return Denied(name, "*", f'add "{name}" to build.uses in plugin.toml')
    hint = f'add [[needs]] with capability = "{need}" or the like, and a reason, to plugin.toml'
    return Denied(need.partition(":")[0], "*", hint)


def _optional(value: Any, read: Callable[[Any], Any]) -> Any:
    return None if value is None else read(value)


def _entry(entry: Any) -> Entry:
    return Entry(entry.key, from_json("stored value", entry.value), entry.version)


def _llm_request(llm: Any, request: LlmRequest) -> Any:
    return llm.Request(
        string("the model", request.model),
        [wire.message_to_wit(llm, message) for message in request.messages],
        [
            llm.Tool(tool.name, tool.description, to_json("parameters", tool.parameters))
            for tool in request.tools
        ],
        _optional(request.response_schema, lambda schema: to_json("response_schema", schema)),
        _optional(request.max_tokens, lambda tokens: unsigned("max_tokens", tokens, bits=32)),
        _optional(request.temperature, float),
        _optional(request.stream_to, lambda topic: string("stream_to", topic)),
        to_json("options", request.options),
    )


def _http_request(http: Any, request: Request) -> Any:
    body = request.body
    return http.Request(
        string("the method", request.method),
        string("the url", request.url),
        [(string("a header", name), string(name, value)) for name, value in request.headers],
        [_credential(http, given) for given in request.credentials],
        http.Body_Bytes(body) if isinstance(body, bytes) else _optional(body, _blob_body(http)),
        _optional(request.timeout_ms, lambda ms: unsigned("timeout_ms", ms)),
        to_json("options", request.options),
    )


def _credential(http: Any, given: Credential) -> Any:
    if not isinstance(given.secret, HeldSecret):
        raise bad_argument("a credential's secret", "one that ctx.secret(name) gave")
    header, template = string("a header", given.header), string("a template", given.template)
    return http.Credential(header, template, given.secret.handle)


def _blob_body(http: Any) -> Any:
    return lambda blob: http.Body_Blob(wire.blob_to_wit(blob))


def _http_response(http: Any, response: Any) -> Response:
    body = response.body.value
    if isinstance(response.body, http.Body_Blob):
        body = wire.blob_from_wit(body)
    extra = from_json("response's extra", response.extra)
    return Response(response.status, response.headers, body, extra)
