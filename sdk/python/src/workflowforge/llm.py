"""Language models. Need: ``llm:<model>``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .answers import Answer, only
from .blobs import Blob

if TYPE_CHECKING:
    from .host import Host


@dataclass
class ToolCall:
    """A tool that the model wants called."""

    id: str
    name: str
    arguments: Any


@dataclass
class ToolResult:
    """What that tool answered."""

    id: str
    content: Any
    is_error: bool = False


@dataclass
class Other:
    """A part as the provider writes it."""

    value: Any


Part = str | Blob | dict[str, Any] | ToolCall | ToolResult | Other
"""A text, a blob (``{"$blob": …}``), a call of a tool or its result, or something else."""


@dataclass
class Message:
    """One message of a conversation, by ``system``, ``user``, ``assistant`` or ``tool``."""

    role: str
    parts: list[Part]

    def __init__(self, role: str, parts: str | Iterable[Part]):
        self.role = role
        self.parts = [parts] if isinstance(parts, str) else list(parts)

    @property
    def text(self) -> str:
        """Its texts, one after another."""
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that it wants called."""
        return [part for part in self.parts if isinstance(part, ToolCall)]


@dataclass
class Tool:
    """A tool that the model may ask for; its parameters are a JSON Schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass
class Request:
    """One question to a model."""

    model: str
    messages: list[Message]
    tools: list[Tool] = field(default_factory=list)
    response_schema: dict[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    stream_to: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Usage:
    """What a call used, in tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Response:
    """The model's answer. The model is another than asked for where a fallback took over."""

    message: Message
    finish: str
    usage: Usage
    model: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The texts of the message."""
        return self.message.text

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that the model wants called."""
        return self.message.tool_calls


class Llm:
    """``ctx.llm``."""

    def __init__(self, host: Host):
        self._host = host

    def complete(self, request: Request) -> Response:
        """Asks a model."""
        return only(self.complete_all([request]))

    def complete_all(self, requests: Iterable[Request]) -> list[Answer[Response]]:
        """Asks several questions at once."""
        return self._host.complete(list(requests))

    def prompt(self, model: str, text: str) -> str:
        """Asks a model with one text and gives back the text of its answer."""
        return self.complete(Request(model, [Message("user", [text])])).text
