"""The host of a native test: what it answers, and what the agent did."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Self

from ..agents import AGENTS
from ..blobs import Blob
from ..ctx import Call, Ctx
from ..definition import Definition
from ..failure import Failure
from ..http import Request, Response
from ..human import Question
from ..kv import SCOPES
from ..llm import Message, Part
from ..llm import Request as LlmRequest
from ..llm import Response as LlmResponse
from ..reply import Reply
from ..serve import serve
from ..tools import Tool
from ..values import from_json, one_of, to_json
from .memory import Memory
from .script import Script, check_kind
from .scripted import Scripted, to_response
from .shelf import Shelf

STARTED_MS = 1_767_225_600_000
"""When a test happens where it does not say so: the first of January 2026, UTC."""

LlmAnswer = str | dict[str, Any] | list[Part] | Message | LlmResponse | Failure
HttpAnswer = str | bytes | dict[str, Any] | Response | Failure


class MockHost:
    """Stands in for the host.

    Answers are queued: each serves one question, request or call, in the order in which they were
    given. An answer that is a ``Failure`` is what went wrong. Memory, blobs and the clock are real
    ones that begin empty. What else is not scripted is denied, with a hint that says what to write;
    ``log``, ``emit`` and ``sleep`` need nothing.
    """

    def __init__(self) -> None:
        self._script = Script()
        self._clock_ms = STARTED_MS
        self._memory = Memory(lambda: self._clock_ms)
        self._shelf = Shelf()
        self._host = Scripted(self._script, self._memory, self._shelf, self._sleep)
        self._call = Call(thread="thread_mock")
        self._config: Any = {}
        self._context: Any = {}

    # What the test prepares.

    def config(self, config: Any) -> Self:
        """The node's configuration."""
        self._config = config
        return self

    def context(self, context: Any) -> Self:
        """What whoever started the run handed in."""
        self._context = context
        return self

    def call(self, **changes: Any) -> Self:
        """Changes the call: ``call(attempt=2)``, or ``call(thread=None)`` for a run without one."""
        self._call = dataclasses.replace(self._call, **changes)
        self._host.has_thread = self._call.thread is not None
        return self

    def llm(self, *answers: LlmAnswer) -> Self:
        """What the models say next: a text, JSON, the parts of a message, or a whole response."""
        self._script.add("llm", "", answers)
        return self

    def http(self, url: str, *responses: HttpAnswer) -> Self:
        """What is at that URL, which may end in ``*``: a body, or
        ``{"status": 200, "headers": {…}, "body": …}``, of which each may be left out.
        """
        self._script.add("http", url, tuple(map(to_response, responses)))
        return self

    def tool(
        self,
        name: str,
        *answers: Any,
        description: str = "",
        input_schema: dict[str, Any] | None = None,
        output_schema: dict[str, Any] | None = None,
    ) -> Self:
        """A tool and what it answers next; without answers it is only there to be listed."""
        known = Tool(name, description, input_schema or {}, output_schema or {})
        if name not in self._script.tools or known != Tool(name):
            self._script.tools[name] = known
        self._script.add("tool", name, answers)
        return self

    def ask(self, *answers: Any) -> Self:
        """What people answer next."""
        self._script.add("ask", "", answers)
        return self

    def kv(self, scope: str, key: str, value: Any) -> Self:
        """Something that is remembered already. The scope is ``run``, ``thread`` or ``plugin``."""
        self._memory.set(one_of("the scope", scope, SCOPES), key, value, None)
        return self

    def secret(self, name: str, value: str) -> Self:
        """A secret of the operator."""
        self._script.secrets[name] = value
        return self

    def blob(self, media_type: str, content: bytes | str) -> Blob:
        """A blob that is there already; the reference is for the input."""
        data = content.encode() if isinstance(content, str) else content
        return self._shelf.write(media_type, data)

    def deny(self, *capabilities: str) -> Self:
        """Denies what is scripted, and memory: ``"kv"``, ``"kv:plugin"``, ``"llm:slow"``,
        ``"http:a.example"``. ``"kv:run:rw"`` denies writing alone.
        """
        self._script.denied += map(check_kind, capabilities)
        return self

    def clock_ms(self, ms: int) -> Self:
        """The time in milliseconds since 1970. It stands still but for ``sleep``; ``time.time()``
        and ``time.time_ns()`` show it while an agent runs.
        """
        self._clock_ms = ms
        return self

    # The run.

    def run(self, agent: Callable[..., Any] | str, input: Any = None) -> Reply[Any]:
        """Calls an agent as the host does, from JSON to JSON; a failure is raised.

        The agent is the function, or its name. What one run left behind, the next one finds.
        """
        definition = _definition(agent)
        call = SimpleNamespace(
            **dataclasses.asdict(dataclasses.replace(self._call, agent=definition.name)),
            input=to_json("input", {} if input is None else input),
            config=to_json("configuration", self._config),
            context=to_json("context", self._context),
        )
        with self._time():
            reply = serve({definition.name: definition}, call, self._host)
        return Reply(from_json("output", to_json("output", reply.output)), reply.exits)

    def ctx(self) -> Ctx[Any]:
        """A context for code that is called by itself; its configuration is not converted."""
        return Ctx(self._call, self._host, self._config, self._context)

    # What the agent did.

    def done(self) -> list[str]:
        """Its effects, one line each, such as ``ask Publish?`` or ``sleep 250``."""
        return list(self._script.done)

    def logs(self) -> list[str]:
        """Its log lines with their fields, such as ``info counting words=3``."""
        return list(self._script.logs)

    def events(self) -> list[tuple[str, Any]]:
        """What it emitted: topics and payloads."""
        return list(self._script.events)

    def questions(self) -> list[Question]:
        """What it asked people."""
        return list(self._script.questions)

    def llm_requests(self) -> list[LlmRequest]:
        """What it asked models."""
        return list(self._script.llm_requests)

    def http_requests(self) -> list[Request]:
        """What it sent to servers."""
        return list(self._script.http_requests)

    def tool_calls(self) -> list[tuple[str, Any]]:
        """The tools that it called, each with its input."""
        return list(self._script.tool_calls)

    def stored(self, scope: str, key: str) -> Any:
        """What is remembered now; none where it is not there."""
        entry = self._memory.get(one_of("the scope", scope, SCOPES), key)
        return None if entry is None else entry.value

    def _sleep(self, ms: int) -> None:
        self._clock_ms += ms

    @contextmanager
    def _time(self) -> Iterator[None]:
        """Shows the clock of the test to whoever asks Python for the time."""
        kept = {name: getattr(time, name) for name in ("time", "time_ns")}
        setattr(time, "time", lambda: self._clock_ms / 1000)  # noqa: B010
        setattr(time, "time_ns", lambda: self._clock_ms * 1_000_000)  # noqa: B010
        try:
            yield
        finally:
            for name, function in kept.items():
                setattr(time, name, function)


def _definition(agent: Callable[..., Any] | str) -> Definition:
    if isinstance(agent, str):
        if agent in AGENTS:
            return AGENTS[agent]
        known = ", ".join(AGENTS) or "none"
        raise ValueError(f'there is no agent "{agent}"; there are {known}')
    known_as = (definition for definition in AGENTS.values() if definition.run is agent)
    return next(known_as, None) or Definition.of(agent)
