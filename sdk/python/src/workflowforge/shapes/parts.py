"""Values made of others: lists, maps, one of several, and what is said beside a type."""

from collections.abc import Mapping, Sequence
from typing import Any

from .bounds import Bounds
from .scalars import Null
from .shape import Definitions, Misfit, Schema, Shape, nullable


class ListOf(Shape):
    """``list[T]``, or ``tuple[T, ...]``, which the author sees as a tuple."""

    wanted = "a list"

    def __init__(self, item: Shape, made: type):
        self._item = item
        self._made = made

    def schema(self, definitions: Definitions) -> Schema:
        items = self._item.schema(definitions)
        return {"type": "array", "items": items} if items else {"type": "array"}

    def read(self, value: Any, place: str) -> Any:
        if not isinstance(value, list):
            raise self.misfit(value, place)
        return self._made(self._item.read(v, f"{place}[{at}]") for at, v in enumerate(value))

    def write(self, value: Any, place: str) -> list[Any]:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise self.misfit(value, place)
        return [self._item.write(v, f"{place}[{at}]") for at, v in enumerate(value)]


class MapOf(Shape):
    """``dict[str, T]``."""

    wanted = "an object"

    def __init__(self, member: Shape):
        self._member = member

    def schema(self, definitions: Definitions) -> Schema:
        members = self._member.schema(definitions)
        return {"type": "object", "additionalProperties": members} if members else OBJECT.copy()

    def read(self, value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.misfit(value, place)
        return {key: self._member.read(v, member_of(place, key)) for key, v in value.items()}

    def write(self, value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self.misfit(value, place)
        for key in value:
            if not isinstance(key, str):
                raise Misfit(place, f"has the key {key!r}, which is no string")
        return {key: self._member.write(v, member_of(place, key)) for key, v in value.items()}


class OneOf(Shape):
    """``A | B``: the first that fits, in the order in which they are written."""

    def __init__(self, members: Sequence[Shape]):
        self._members = members
        self.wanted = " or ".join(member.wanted for member in members)

    def schema(self, definitions: Definitions) -> Schema:
        solid = [member for member in self._members if not isinstance(member, Null)]
        schemas = [member.schema(definitions) for member in solid]
        joined = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        if len(solid) == len(self._members):
            return joined
        if len(schemas) == 1:
            return nullable(joined)
        return {"anyOf": [*schemas, {"type": "null"}]}

    def read(self, value: Any, place: str) -> Any:
        return self._first(lambda member: member.read(value, place), value, place)

    def write(self, value: Any, place: str) -> Any:
        return self._first(lambda member: member.write(value, place), value, place)

    def _first(self, attempt: Any, value: Any, place: str) -> Any:
        misfits = []
        for member in self._members:
            try:
                return attempt(member)
            except Misfit as misfit:
                misfits.append(misfit)
        # Whoever got further into the value is the one that was meant.
        furthest = max(misfits, key=lambda misfit: len(misfit.place))
        raise self.misfit(value, place) if furthest.place == place else furthest


class Noted(Shape):
    """``Annotated[T, "what it is", Bounds(…)]``."""

    def __init__(self, inner: Shape, description: str | None, bounds: Bounds):
        self._inner = inner
        self._description = description
        self._bounds = bounds
        self.wanted = inner.wanted

    def schema(self, definitions: Definitions) -> Schema:
        schema = {**self._inner.schema(definitions), **self._bounds.schema()}
        return schema if self._description is None else {**schema, "description": self._description}

    def read(self, value: Any, place: str) -> Any:
        self._bounds.check(value, place)
        return self._inner.read(value, place)

    def write(self, value: Any, place: str) -> Any:
        written = self._inner.write(value, place)
        self._bounds.check(written, place)
        return written


OBJECT: Schema = {"type": "object"}


def member_of(place: str, key: str) -> str:
    """``input.lines``, or ``input["two words"]``."""
    return f"{place}.{key}" if key.isidentifier() else f'{place}["{key}"]'
