"""Objects with known fields: dataclasses and TypedDicts."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..words import first_paragraph
from .parts import member_of
from .shape import Definitions, Misfit, Schema, Shape

NOTHING: Any = object()
"""Stands for a default that is not there."""


@dataclass
class Field:
    """A field of a record."""

    name: str
    shape: Shape
    is_required: bool
    default: Any = NOTHING


class Record(Shape):
    """An object with fields of its own.

    A dataclass has no room for other fields, so they are refused. A ``TypedDict`` may have more, as
    it may have in Python; they are handed on.
    """

    wanted = "an object"

    def __init__(self, kind: type):
        self._kind = kind
        self._is_open = not dataclasses.is_dataclass(kind)
        self.fields: dict[str, Field] = {}
        self.is_recursive = False

    @property
    def can_be_empty(self) -> bool:
        """Whether ``{}`` is one."""
        return not any(field.is_required for field in self.fields.values())

    def schema(self, definitions: Definitions) -> Schema:
        if not self.is_recursive:
            return self._schema(definitions)
        name = definitions.name_of(self._kind)
        if name is None:
            name = definitions.begin(self._kind)
            definitions.schemas[name] = self._schema(definitions)
        return {"$ref": f"#/$defs/{name}"}

    def _schema(self, definitions: Definitions) -> Schema:
        schema: Schema = {"type": "object"}
        described = _described(self._kind)
        if described:
            schema["description"] = described
        required = [field.name for field in self.fields.values() if field.is_required]
        if required:
            schema["required"] = required
        schema["properties"] = {
            field.name: _property(field, definitions) for field in self.fields.values()
        }
        if not self._is_open:
            schema["additionalProperties"] = False
        return schema

    def read(self, value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise self.misfit(value, place)
        self._check_names(value, place)
        known = {
            name: field.shape.read(value[name], member_of(place, name))
            for name, field in self.fields.items()
            if name in value
        }
        if self._is_open:
            return {**value, **known}
        try:
            return self._kind(**known)
        except ValueError as error:
            # What a __post_init__ refuses is the caller's to mend.
            raise Misfit(place, f"is refused: {error}") from error

    def write(self, value: Any, place: str) -> dict[str, Any]:
        if not self._is_open and isinstance(value, self._kind):
            value = {name: getattr(value, name) for name in self.fields}
        if not isinstance(value, Mapping):
            raise self.misfit(value, place)
        self._check_names(value, place)
        known = {
            name: field.shape.write(value[name], member_of(place, name))
            for name, field in self.fields.items()
            if name in value
        }
        return {**value, **known}

    def misfit(self, value: Any, place: str) -> Misfit:
        if isinstance(value, dict | str | int | float | list | tuple) or value is None:
            return super().misfit(value, place)
        return Misfit(place, f"must be a {self._kind.__name__}, not a {type(value).__name__}")

    def _check_names(self, value: Mapping[str, Any], place: str) -> None:
        for name, field in self.fields.items():
            if field.is_required and name not in value:
                raise Misfit(member_of(place, name), "is missing")
        stranger = next((key for key in value if key not in self.fields), None)
        if stranger is not None and not self._is_open:
            known = ", ".join(self.fields) or "none"
            raise Misfit(member_of(place, stranger), f"is not known; the fields are: {known}")


def _property(field: Field, definitions: Definitions) -> Schema:
    schema = field.shape.schema(definitions)
    if field.default is NOTHING or field.default is None:
        return schema
    return {**schema, "default": field.shape.write(field.default, field.name)}


def _described(kind: type) -> str | None:
    """By its docstring. A dataclass without one shows its signature there."""
    doc = kind.__doc__
    is_signature = doc is not None and doc.startswith(f"{kind.__name__}(")
    return None if is_signature else first_paragraph(doc)
