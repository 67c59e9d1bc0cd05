"""Bounds of a value, written beside its type: ``Annotated[int, Bounds(minimum=1)]``."""

import re
from dataclasses import dataclass
from typing import Any

from .shape import Misfit, Schema


@dataclass(frozen=True)
class Bounds:
    """Whichever are given hold: the first two for numbers, the next three for texts, and the last
    two for lists.
    """

    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    min_items: int | None = None
    max_items: int | None = None

    def schema(self) -> Schema:
        """The keywords of JSON Schema."""
        keywords = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "pattern": self.pattern,
            "minItems": self.min_items,
            "maxItems": self.max_items,
        }
        return {keyword: value for keyword, value in keywords.items() if value is not None}

    def check(self, value: Any, place: str) -> None:
        """Refuses a JSON value that is out of bounds."""
        match value:
            case bool() | None:
                return
            case int() | float():
                _within(value, self.minimum, self.maximum, "", place)
            case str():
                _within(len(value), self.min_length, self.max_length, "characters", place)
                if self.pattern is not None and re.search(self.pattern, value) is None:
                    raise Misfit(place, f"must match {self.pattern}")
            case list():
                _within(len(value), self.min_items, self.max_items, "items", place)


def _within(found: float, least: float | None, most: float | None, unit: str, place: str) -> None:
    has = "have" if unit else "be"
    if least is not None and found < least:
        raise Misfit(place, f"must {has} at least {least} {unit}".rstrip() + f", not {found}")
    if most is not None and found > most:
        raise Misfit(place, f"must {has} at most {most} {unit}".rstrip() + f", not {found}")
