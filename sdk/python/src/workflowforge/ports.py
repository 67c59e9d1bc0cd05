"""Where values pass between JSON and an agent: its input, its output and its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .shapes import Record, Schema, Shape, nullable, schema_of, shape_of


@dataclass(frozen=True)
class Port:
    """One of the three. What says nothing about the value has neither shape nor schema."""

    name: str
    shape: Shape | None = None
    schema: Schema | None = None

    @classmethod
    def of(cls, name: str, given: Any, agent: str) -> Port:
        """Of a type or a JSON Schema; of nothing where an agent says nothing."""
        if given is None:
            return cls(name)
        if isinstance(given, dict):
            return cls(name, schema=given)
        shape = shape_of(given, f'agent "{agent}", {name}')
        schema = schema_of(shape)
        # plugin.toml may say more than "an object" does, so that claims nothing.
        if schema in ({}, {"type": "object"}):
            return cls(name, shape)
        return cls(name, shape, schema)

    @classmethod
    def of_config(cls, given: Any, agent: str) -> Port:
        """A node without a configuration hands in null, which stands for an empty one."""
        port = cls.of("config", given, agent)
        if not isinstance(port.shape, Record) or not port.shape.can_be_empty or not port.schema:
            return port
        return cls(port.name, port.shape, nullable_record(port.schema))

    def read(self, value: Any) -> Any:
        """The author's value; ``Misfit`` where the JSON does not fit."""
        if self.shape is None:
            return value
        if value is None and self.name == "config" and isinstance(self.shape, Record):
            value = {}
        return self.shape.read(value, self.name)

    def write(self, value: Any) -> Any:
        """The JSON value; ``Misfit`` where the author's does not fit."""
        return value if self.shape is None else self.shape.write(value, self.name)


def nullable_record(schema: Schema) -> Schema:
    """Definitions stay at the top, where ``$ref`` looks for them."""
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    own = {key: value for key, value in schema.items() if key != "$defs"}
    return {**nullable(own), **definitions}
