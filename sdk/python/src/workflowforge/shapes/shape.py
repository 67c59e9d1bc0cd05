"""What every shape can do, and what it says where a value does not fit."""

from abc import ABC, abstractmethod
from typing import Any

Schema = dict[str, Any]
"""A JSON Schema."""


class Misfit(ValueError):
    """A value that does not fit, with its place, such as ``input.lines[3].text``."""

    def __init__(self, place: str, message: str):
        super().__init__(f"{place} {message}")
        self.place = place


class Definitions:
    """The schemas of the types that contain themselves, by the names that ``$ref`` has for them."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._names: dict[type, str] = {}

    def name_of(self, kind: type) -> str | None:
        """The name under which the type is defined already, if it is."""
        return self._names.get(kind)

    def begin(self, kind: type) -> str:
        """A name for the type, which no other type has."""
        name = kind.__name__
        while name in self.schemas:
            name += "_"
        self._names[kind] = name
        self.schemas[name] = {}
        return name


class Shape(ABC):
    """One annotation, read."""

    wanted: str = ""
    """In words: ``a string``."""

    @abstractmethod
    def schema(self, definitions: Definitions) -> Schema:
        """Its JSON Schema."""

    @abstractmethod
    def read(self, value: Any, place: str) -> Any:
        """The author's value of a JSON value."""

    def write(self, value: Any, place: str) -> Any:
        """The JSON value of an author's value."""
        return self.read(value, place)

    def misfit(self, value: Any, place: str) -> Misfit:
        """Says what is wanted there and what there is instead."""
        return Misfit(place, f"must be {self.wanted}, not {named(value)}")


def schema_of(shape: Shape) -> Schema:
    """The shape's schema by itself."""
    definitions = Definitions()
    schema = shape.schema(definitions)
    return {**schema, "$defs": definitions.schemas} if definitions.schemas else schema


def nullable(schema: Schema) -> Schema:
    """The schema that takes null as well."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def named(value: Any) -> str:
    """What a value is, in a few words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value}"
        case str():
            return "a string"
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
    return f"a {type(value).__name__}"
