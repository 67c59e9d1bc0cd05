"""Values of an author, checked before the engine sees them: it ends the sandbox where one has
another type than the contract's.
"""

import dataclasses
import json
from enum import Enum
from typing import Any

from .failure import Failed, InvalidInput


def to_json(what: str, value: Any) -> str:
    """JSON text. A dataclass is written as the object of its fields, an enum as its value."""
    try:
        text = json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain
        )
        # A lone surrogate is a character to Python and none to JSON.
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Failed("unwritable_json", f"the {what} is no JSON: {error}") from error
    return text


def from_json(what: str, text: str) -> Any:
    """The value of JSON that the caller handed in."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("invalid_json", f"the {what} is no JSON: {error}") from error


def string(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise bad_argument(what, "a string")
    return value


def unsigned(what: str, value: object, bits: int = 64) -> int:
    """A whole number from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise bad_argument(what, f"a whole number from 0 to {(1 << bits) - 1}")
    return value


def one_of(what: str, value: str, wanted: tuple[str, ...]) -> str:
    if value not in wanted:
        raise bad_argument(what, f"one of {', '.join(wanted)}")
    return value


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no JSON")


def bad_argument(what: str, wanted: str) -> InvalidInput:
    """What an author handed to the SDK is another kind of value than it takes."""
    return InvalidInput("bad_argument", f"{what} must be {wanted}")
