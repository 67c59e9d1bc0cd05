"""Values without parts: texts, numbers, and choices among them."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

from .shape import Definitions, Misfit, Schema, Shape, named

QUOTED_CHARACTERS_MAX = 60
"""How much of a wrong text a message shows."""


class Anything(Shape):
    """``Any``: whatever JSON can say."""

    wanted = "any JSON"

    def schema(self, definitions: Definitions) -> Schema:
        return {}

    def read(self, value: Any, place: str) -> Any:
        return value


class Text(Shape):
    """``str``."""

    wanted = "a string"

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "string"}

    def read(self, value: Any, place: str) -> str:
        if not isinstance(value, str):
            raise self.misfit(value, place)
        return value


class Whole(Shape):
    """``int``. A JSON number without a fraction is one, however it is written."""

    wanted = "a whole number"

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "integer"}

    def read(self, value: Any, place: str) -> int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.misfit(value, place)
        return value


class Number(Shape):
    """``float``."""

    wanted = "a number"

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "number"}

    def read(self, value: Any, place: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.misfit(value, place)
        return float(value)


class Boolean(Shape):
    """``bool``."""

    wanted = "true or false"

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "boolean"}

    def read(self, value: Any, place: str) -> bool:
        if not isinstance(value, bool):
            raise self.misfit(value, place)
        return value


class Null(Shape):
    """``None``."""

    wanted = "null"

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "null"}

    def read(self, value: Any, place: str) -> None:
        if value is not None:
            raise self.misfit(value, place)


class Choice(Shape):
    """An ``Enum`` by its values, or a ``Literal``."""

    def __init__(self, choices: Sequence[tuple[Any, Any]]):
        """Each choice is what JSON says, and what the author sees."""
        self._choices = choices
        self._said = [said for said, _ in choices]
        self.wanted = "one of " + ", ".join(map(_quoted, self._said))

    def schema(self, definitions: Definitions) -> Schema:
        schema: Schema = {"enum": list(self._said)}
        return (
            {"type": "string", **schema} if all(isinstance(s, str) for s in self._said) else schema
        )

    def read(self, value: Any, place: str) -> Any:
        for said, seen in self._choices:
            if _same(said, value):
                return seen
        raise Misfit(place, f"must be {self.wanted}, not {_quoted(value)}")

    def write(self, value: Any, place: str) -> Any:
        said = value.value if isinstance(value, Enum) else value
        self.read(said, place)
        return said


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON has it: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _quoted(value: Any) -> str:
    if not isinstance(value, str):
        return named(value)
    cut = len(value) > QUOTED_CHARACTERS_MAX
    return f'"{value[:QUOTED_CHARACTERS_MAX]}{"…" if cut else ""}"'
