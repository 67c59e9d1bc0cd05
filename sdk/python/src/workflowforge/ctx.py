"""What an agent may do beside computing: read its call, log, and ask the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from .answers import Answer, only
from .blobs import Blobs
from .http import Http
from .human import Question
from .kv import Kv
from .llm import Llm
from .secret import Secret
from .tools import Tools
from .values import from_json, one_of, string, to_json, unsigned

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from .host import Host

    C = TypeVar("C", default=Any)
else:
    from typing import TypeVar

    C = TypeVar("C")

LEVELS = ("trace", "debug", "info", "warn", "error")


@dataclass(frozen=True)
class Call:
    """The call that an agent serves, without its input."""

    agent: str = "main"
    task: str = "task_mock"
    run: str = "run_mock"
    thread: str | None = None
    workflow: str = "mock@0.0.0"
    node: str = "mock"
    step: int = 1
    attempt: int = 1
    timeout_ms: int = 0


class Ctx(Generic[C]):
    """The way to the host. Every effect goes through it; each may be denied, which is a failure
    like any other. ``Ctx[Settings]`` has a configuration of that type.

    What asks for several things at once ends in ``_all``: its elements run side by side, and its
    answers are in the order of the requests, each an answer or a ``Failure`` in its place.
    """

    call: Call
    config: C
    context: Any

    def __init__(self, call: Call, host: Host, config: Any = None, context: Any = None):
        self.call = call
        self.config = {} if config is None else config
        self.context = {} if context is None else context
        self.blobs = Blobs(host)
        self.http = Http(host)
        self.kv = Kv(host)
        self.llm = Llm(host)
        self.tools = Tools(host)
        self._host = host

    @classmethod
    def of(cls, call: Any, host: Host, read_config: Callable[[Any], Any]) -> Ctx[Any]:
        """The context of a call of the contract."""
        known = Call(**{name: getattr(call, name) for name in Call.__dataclass_fields__})
        config = read_config(from_json("configuration", call.config))
        return Ctx(known, host, config, from_json("context", call.context))

    def log(self, level: str, message: str, **fields: Any) -> None:
        """Writes a log line with fields."""
        pairs = [(name, str(value)) for name, value in fields.items()]
        self._host.log(one_of("the level", level, LEVELS), string("the message", message), pairs)

    def info(self, message: str, **fields: Any) -> None:
        """Writes a log line for whoever watches the run."""
        self.log("info", message, **fields)

    def emit(self, topic: str, payload: Any) -> None:
        """Publishes progress under a topic of the run's event stream."""
        self._host.emit(string("the topic", topic), to_json("payload", payload))

    def sleep(self, ms: int) -> None:
        """Waits; the sandbox is gone meanwhile, and the function runs from its top again."""
        self._host.sleep(unsigned("ms", ms))

    def ask(self, question: Question | str) -> Any:
        """Asks a person; the run waits without a sandbox until the answer is there."""
        return only(self.ask_all([question]))

    def ask_all(self, questions: Iterable[Question | str]) -> list[Answer[Any]]:
        """Asks several questions at once."""
        return self._host.ask(
            [Question(asked) if isinstance(asked, str) else asked for asked in questions]
        )

    def secret(self, name: str) -> Secret:
        """Takes hold of a secret, for credentials or to ``reveal()``."""
        return self._host.secret(string("the secret's name", name))
