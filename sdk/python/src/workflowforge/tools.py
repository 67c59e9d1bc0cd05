"""Other agents and the tools of MCP servers. Need: ``tool:<name>``."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .answers import Answer, only

if TYPE_CHECKING:
    from .host import Host


@dataclass
class Tool:
    """A tool that this node may call, with JSON Schemas of what it takes and gives."""

    name: str
    description: str = ""
    input_schema: dict[str, Any] = field(default_factory=dict)
    output_schema: dict[str, Any] = field(default_factory=dict)


class Tools:
    """``ctx.tools``."""

    def __init__(self, host: Host):
        self._host = host

    def list(self) -> builtins.list[Tool]:
        """The tools that this node may call."""
        return self._host.list_tools()

    def call(self, name: str, input: Any = None) -> Any:
        """Calls a tool."""
        return only(self.call_all([(name, input)]))

    def call_all(self, calls: Iterable[tuple[str, Any]]) -> builtins.list[Answer[Any]]:
        """Calls several tools at once, each with its input."""
        return self._host.call_tools(
            [(name, {} if input is None else input) for name, input in calls]
        )
