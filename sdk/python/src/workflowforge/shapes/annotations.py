"""Reads an annotation into a shape."""

import collections.abc
import dataclasses
import types
import typing
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, Required, Union

from .bounds import Bounds
from .parts import ListOf, MapOf, Noted, OneOf, member_of
from .records import Field, Record
from .scalars import Anything, Boolean, Choice, Null, Number, Text, Whole
from .shape import Misfit, Shape

SCALARS: dict[Any, type[Shape]] = {
    str: Text,
    int: Whole,
    float: Number,
    bool: Boolean,
    None: Null,
    type(None): Null,
    Any: Anything,
    object: Anything,
}
LISTS = (list, collections.abc.Sequence, collections.abc.Iterable)
MAPS = (dict, collections.abc.Mapping)
KNOWN = (
    "dataclasses, TypedDict, Enum, Literal, unions, list, tuple[T, ...], dict[str, T], str, int, "
    "float, bool, None and Any"
)


def shape_of(annotation: Any, place: str) -> Shape:
    """The shape of an annotation. One without JSON is a ``TypeError`` that names the place."""
    return _Reader().shape(annotation, place)


class _Reader:
    """Knows which records are being read, so that one may contain itself."""

    def __init__(self) -> None:
        self._open: dict[type, Record] = {}

    def shape(self, annotation: Any, place: str) -> Shape:
        origin = typing.get_origin(annotation)
        if origin is not None:
            return self._composed(annotation, origin, typing.get_args(annotation), place)
        if _is_hashable(annotation) and annotation in SCALARS:
            return SCALARS[annotation]()
        if annotation in LISTS or annotation is tuple:
            return ListOf(Anything(), tuple if annotation is tuple else list)
        if annotation in MAPS:
            return MapOf(Anything())
        if isinstance(annotation, type):
            return self._class(annotation, place)
        # A name for another type: ``NewType``, or the statement ``type``.
        for meant in ("__supertype__", "__value__"):
            if hasattr(annotation, meant):
                return self.shape(getattr(annotation, meant), place)
        raise _no_json(annotation, place)

    def _composed(self, annotation: Any, origin: Any, args: Any, place: str) -> Shape:
        if origin in (Union, types.UnionType):
            return OneOf([self.shape(arg, place) for arg in args])
        if origin is Annotated:
            return self._noted(args[0], args[1:], place)
        if origin is Literal:
            return _choice([(said, said) for said in args], annotation, place)
        if origin in (Required, NotRequired):
            return self.shape(args[0], place)
        if origin in LISTS:
            return ListOf(self.shape(args[0], f"{place}[]"), list)
        if origin is tuple and len(args) == 2 and args[1] is ...:
            return ListOf(self.shape(args[0], f"{place}[]"), tuple)
        if origin in MAPS and args[0] is str:
            return MapOf(self.shape(args[1], f"{place}[…]"))
        raise _no_json(annotation, place)

    def _noted(self, annotation: Any, notes: tuple[Any, ...], place: str) -> Shape:
        inner = self.shape(annotation, place)
        description = next((note for note in notes if isinstance(note, str)), None)
        bounds = next((note for note in notes if isinstance(note, Bounds)), Bounds())
        return Noted(inner, description, bounds)

    def _class(self, kind: type, place: str) -> Shape:
        if issubclass(kind, Enum):
            members = [(member.value, member) for member in kind]
            return _choice(members, kind, place)
        if not dataclasses.is_dataclass(kind) and not typing.is_typeddict(kind):
            raise _no_json(kind, place)
        if kind in self._open:
            self._open[kind].is_recursive = True
            return self._open[kind]
        record = self._open[kind] = Record(kind)
        hints = hints_of(kind, place)
        if dataclasses.is_dataclass(kind):
            fields = [field for field in dataclasses.fields(kind) if field.init]
            for field in fields:
                record.fields[field.name] = self._field(field, hints[field.name], place)
        else:
            for name, hint in hints.items():
                shape = self.shape(hint, member_of(place, name))
                record.fields[name] = Field(name, shape, _is_required(kind, name, hint))
        del self._open[kind]
        return record

    def _field(self, field: "dataclasses.Field[Any]", hint: Any, place: str) -> Field:
        place = member_of(place, field.name)
        shape = self.shape(hint, place)
        if field.default_factory is not dataclasses.MISSING:
            return Field(field.name, shape, is_required=False)
        if field.default is dataclasses.MISSING:
            return Field(field.name, shape, is_required=True)
        try:
            shape.write(field.default, place)
        except Misfit as misfit:
            raise TypeError(f"the default of {misfit}") from misfit
        return Field(field.name, shape, is_required=False, default=field.default)


def hints_of(annotated: Any, place: str) -> dict[str, Any]:
    """The annotations of a class or function, with what they name."""
    try:
        return typing.get_type_hints(annotated, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"{place}: an annotation cannot be read, as {error}: define or import it at the top of "
            "the module, and not under TYPE_CHECKING"
        ) from error


def _is_required(kind: Any, name: str, hint: Any) -> bool:
    """Beside the annotation itself, as before Python 3.14 a class does not know it of one that is
    written as a text.
    """
    origin = typing.get_origin(hint)
    if origin in (Required, NotRequired):
        return origin is Required
    return name in kind.__required_keys__


def _choice(choices: list[tuple[Any, Any]], annotation: Any, place: str) -> Shape:
    if not choices or not all(isinstance(said, str | int | float | None) for said, _ in choices):
        raise _no_json(annotation, place)
    return Choice(choices)


def _is_hashable(annotation: Any) -> bool:
    return getattr(annotation, "__hash__", None) is not None


def _no_json(annotation: Any, place: str) -> TypeError:
    named = annotation.__name__ if isinstance(annotation, type) else repr(annotation)
    return TypeError(f"{place}: {named} has no JSON Schema; those that have one are {KNOWN}")
