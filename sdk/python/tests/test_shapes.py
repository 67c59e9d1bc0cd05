"""Annotations in; JSON Schemas and converted values out."""

import unittest
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NewType, NotRequired, Optional, TypedDict

from workflowforge import Bounds
from workflowforge.shapes import Misfit, schema_of, shape_of


class Level(Enum):
    LOW = "low"
    HIGH = "high"


class Rank(IntEnum):
    FIRST = 1
    SECOND = 2


@dataclass
class Line:
    text: str
    number: int = 1


@dataclass(frozen=True)
class Page:
    """A page
    of lines.

    The rest is for whoever reads the code.
    """

    lines: list[Line]
    level: Level = Level.LOW
    tags: tuple[str, ...] = ()
    note: str | None = None
    by_name: dict[str, Line] = field(default_factory=dict)


class Options(TypedDict):
    model: str
    top: NotRequired[Annotated[int, "how many", Bounds(minimum=1, maximum=9)]]


@dataclass
class Tree:
    name: str
    children: "list[Tree]" = field(default_factory=list)


@dataclass
class Square:
    kind: Literal["square"]
    side: float


@dataclass
class Circle:
    kind: Literal["circle"]
    radius: float


@dataclass
class Even:
    n: int

    def __post_init__(self):
        if self.n % 2:
            raise ValueError(f"{self.n} is odd")


Name = NewType("Name", str)


class Schemas(unittest.TestCase):
    maxDiff = None

    def check(self, annotation, expected):
        self.assertEqual(schema_of(shape_of(annotation, "input")), expected)

    def test_scalars_have_their_types(self):
        kinds = {str: "string", int: "integer", float: "number", bool: "boolean", None: "null"}
        for annotation, kind in kinds.items():
            self.check(annotation, {"type": kind})
        self.check(Name, {"type": "string"})
        self.check(Any, {})

    def test_lists_and_maps_say_what_is_in_them(self):
        strings = {"type": "array", "items": {"type": "string"}}
        for annotation in (list[str], Sequence[str], tuple[str, ...]):
            self.check(annotation, strings)
        self.check(list, {"type": "array"})
        self.check(dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}})
        for annotation in (dict, dict[str, Any], Mapping[str, Any]):
            self.check(annotation, {"type": "object"})

    def test_choices_are_enums(self):
        self.check(Level, {"type": "string", "enum": ["low", "high"]})
        self.check(Literal["a", "b"], {"type": "string", "enum": ["a", "b"]})
        self.check(Rank, {"enum": [1, 2]})

    def test_what_may_be_missing_takes_null(self):
        self.check(Optional[str], {"type": ["string", "null"]})  # noqa: UP045
        self.check(Level | None, {"anyOf": [{"type": "string", "enum": ["low", "high"]}, NULL]})
        self.check(int | str | None, {"anyOf": [{"type": "integer"}, {"type": "string"}, NULL]})

    def test_a_dataclass_is_a_closed_object(self):
        line = {
            "type": "object",
            "required": ["text"],
            "properties": {"text": {"type": "string"}, "number": {"type": "integer", "default": 1}},
            "additionalProperties": False,
        }
        levels = {"type": "string", "enum": ["low", "high"], "default": "low"}
        properties = {
            "lines": {"type": "array", "items": line},
            "level": levels,
            "tags": {"type": "array", "items": {"type": "string"}, "default": []},
            "note": {"type": ["string", "null"]},
            "by_name": {"type": "object", "additionalProperties": line},
        }
        expected = {
            "type": "object",
            "description": "A page of lines.",
            "required": ["lines"],
            "properties": properties,
            "additionalProperties": False,
        }
        self.check(Page, expected)

    def test_a_typed_dict_is_an_open_object(self):
        top = {"type": "integer", "minimum": 1, "maximum": 9, "description": "how many"}
        properties = {"model": {"type": "string"}, "top": top}
        self.check(Options, {"type": "object", "required": ["model"], "properties": properties})

    def test_a_type_that_contains_itself_is_a_definition(self):
        reference = {"$ref": "#/$defs/Tree"}
        tree = {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": reference},
            },
            "additionalProperties": False,
        }
        self.check(Tree, {**reference, "$defs": {"Tree": tree}})

    def test_what_has_no_json_is_refused_with_its_place(self):
        @dataclass
        class Bad:
            data: bytes

        @dataclass
        class Wrong:
            n: int = "one"

        for annotation, said in [
            (
                list[bytes],
                r"input\[\]: bytes has no JSON Schema; those that have one are dataclasses",
            ),
            (Bad, r"input\.data: bytes has no JSON Schema"),
            (dict[int, str], r"input: dict\[int, str\] has no JSON Schema"),
            (object(), "has no JSON Schema"),
            (Wrong, r"the default of input\.n must be a whole number, not a string"),
        ]:
            with self.assertRaisesRegex(TypeError, said):
                shape_of(annotation, "input")


class Values(unittest.TestCase):
    def both(self, annotation, said, seen):
        shape = shape_of(annotation, "input")
        self.assertEqual(shape.read(said, "input"), seen)
        self.assertEqual(shape.write(seen, "input"), said)

    def test_json_becomes_the_authors_types_and_comes_back(self):
        said = {"lines": [{"text": "a", "number": 2}], "level": "high", "tags": ["x"], "note": None}
        said["by_name"] = {"b c": {"text": "b", "number": 1}}
        lines = [Line("a", 2)]
        self.both(Page, said, Page(lines, Level.HIGH, ("x",), None, {"b c": Line("b")}))
        self.both(Rank, 2, Rank.SECOND)
        self.both(Square | Circle, {"kind": "circle", "radius": 2.5}, Circle("circle", 2.5))
        self.both(Tree, {"name": "a", "children": []}, Tree("a"))
        self.both(int | str | None, None, None)

    def test_what_is_left_out_is_the_default(self):
        self.assertEqual(shape_of(Page, "input").read({"lines": []}, "input"), Page([]))

    def test_a_whole_number_may_be_written_with_a_point(self):
        read = shape_of(int, "input").read(3.0, "input")
        self.assertEqual((read, type(read)), (3, int))
        self.assertIs(type(shape_of(float, "input").read(3, "input")), float)

    def test_a_typed_dict_keeps_what_else_it_has(self):
        self.both(Options, {"model": "m", "more": 1}, {"model": "m", "more": 1})

    def test_what_does_not_fit_is_named_with_its_place(self):
        for annotation, said, message in [
            (Page, [], "input must be an object, not a list"),
            (Page, {}, "input.lines is missing"),
            (Page, {"lines": [{"text": 7}]}, "input.lines[0].text must be a string, not 7"),
            (Line, {"text": "", "n": 1}, "input.n is not known; the fields are: text, number"),
            (
                Page,
                {"lines": [], "level": "mid"},
                'input.level must be one of "low", "high", not "mid"',
            ),
            (dict[str, int], {"a b": None}, 'input["a b"] must be a whole number, not null'),
            (int, True, "input must be a whole number, not true"),
            (Rank, True, "input must be one of 1, 2, not true"),
            (int | str | None, [], "input must be a whole number or a string or null, not a list"),
            (Square | Circle, {"kind": "circle", "radius": "x"}, "input.radius must be a number"),
            (Options, {"model": "m", "top": 10}, "input.top must be at most 9, not 10"),
            (
                Annotated[str, Bounds(min_length=2)],
                "a",
                "input must have at least 2 characters, not 1",
            ),
            (Annotated[str, Bounds(pattern="^a")], "b", "input must match ^a"),
            (
                Annotated[list[int], Bounds(max_items=1)],
                [1, 2],
                "input must have at most 1 items, not 2",
            ),
            (Even, {"n": 3}, "input is refused: 3 is odd"),
        ]:
            with self.subTest(message), self.assertRaises(Misfit) as misfit:
                shape_of(annotation, "input").read(said, "input")
            self.assertTrue(str(misfit.exception).startswith(message), misfit.exception)

    def test_an_output_that_does_not_fit_is_named_too(self):
        for annotation, seen, message in [
            (Line, Line(7), "output.text must be a string, not 7"),
            (Line, Level.LOW, "output must be a Line, not a Level"),
            (list[str], "ab", "output must be a list, not a string"),
            (dict[str, int], {1: 1}, "output has the key 1, which is no string"),
        ]:
            with self.subTest(message), self.assertRaises(Misfit) as misfit:
                shape_of(annotation, "output").write(seen, "output")
            self.assertEqual(str(misfit.exception), message)

    def test_a_dict_will_do_where_a_dataclass_is_said(self):
        self.assertEqual(shape_of(Line, "output").write({"text": "a"}, "output"), {"text": "a"})


NULL = {"type": "null"}
