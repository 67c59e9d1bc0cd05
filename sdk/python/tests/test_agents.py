"""Functions become agents: what their annotations say, and how they are called."""

import unittest
from dataclasses import dataclass
from typing import Any

from test_serve import call, serve
from workflowforge import Ctx, Failed, InvalidInput, Reply, agent, define_agent
from workflowforge.agents import AGENTS
from workflowforge.definition import Definition
from workflowforge.serve import DESCRIBE
from workflowforge.testing import MockHost


@dataclass
class Text:
    text: str


@dataclass
class Count:
    words: int


@dataclass(frozen=True)
class Settings:
    least: int = 0


@dataclass
class Strict:
    model: str


COUNT = {
    "type": "object",
    "required": ["words"],
    "properties": {"words": {"type": "integer"}},
    "additionalProperties": False,
}
SETTINGS = {
    "type": ["object", "null"],
    "properties": {"least": {"type": "integer", "default": 0}},
    "additionalProperties": False,
}


def described(run, **given) -> dict[str, Any]:
    return Definition.of(run, **given).described()


class Agents(unittest.TestCase):
    def setUp(self):
        self.addCleanup(AGENTS.clear)
        AGENTS.clear()

    def test_a_decorated_function_is_an_agent_and_stays_a_function(self):
        @agent
        def one(ctx, input):
            return 1

        @agent(name="other")
        def two(ctx, input):
            return 2

        self.assertEqual(list(AGENTS), ["main", "other"])
        self.assertEqual((one(None, {}), two(None, {})), (1, 2))

    def test_two_agents_of_one_name_are_refused(self):
        define_agent(print)
        define_agent(print)
        with self.assertRaisesRegex(ValueError, 'two agents "main"'):
            define_agent(repr)

    def test_an_asynchronous_agent_is_refused(self):
        async def run(ctx, input):
            return 1

        with self.assertRaisesRegex(TypeError, "must be synchronous"):
            define_agent(run)

    def test_an_agent_takes_context_and_input(self):
        for run, said in [(lambda: 1, r"not \(\)"), (lambda ctx, a, b: 1, r"not \(ctx, a, b\)")]:
            with self.assertRaisesRegex(TypeError, rf"must take \(ctx, input\) .*{said}"):
                define_agent(run)
        define_agent(lambda ctx, input, verbose=False: 1)

    def test_the_build_hears_what_the_code_knows(self):
        @agent(description="Counts words.")
        def main(ctx: Ctx[Settings], input: Text) -> Count:
            return Count(1)

        define_agent(print, "plain")
        reply = serve(AGENTS, call(agent=DESCRIBE, input="no JSON"), host=None)
        text = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
        known = {"description": "Counts words.", "output": COUNT, "config": SETTINGS}
        known["input"] = {**text, "additionalProperties": False}
        self.assertEqual(reply, Reply({"agents": {"main": known, "plain": {}}}))


class Schemas(unittest.TestCase):
    def test_what_says_no_more_than_an_object_claims_nothing(self):
        def run(ctx: Ctx, input: dict[str, Any]) -> Any:
            return 1

        self.assertEqual(described(run), {})
        self.assertEqual(described(lambda ctx, input: 1), {})

    def test_a_reply_is_described_by_its_output(self):
        def plain(ctx, input) -> Reply: ...
        def typed(ctx, input) -> Reply[Count]: ...
        def either(ctx, input) -> Count | Reply[Count]: ...
        def open(ctx, input) -> Count | Reply: ...

        self.assertEqual(described(plain), {})
        self.assertEqual(described(open), {})
        for run in (typed, either):
            self.assertEqual(described(run), {"output": COUNT})

    def test_the_configuration_may_be_a_parameter(self):
        def third(ctx, input, config: Settings): ...
        def named(ctx, input, *, config: Settings): ...
        def both(ctx: Ctx[Settings], input, config: Settings): ...
        def strict(ctx: Ctx[Strict], input): ...

        for run in (third, named, both):
            self.assertEqual(described(run), {"config": SETTINGS})
        self.assertEqual(described(strict)["config"]["type"], "object")

        def differs(ctx: Ctx[Strict], input, config: Settings): ...

        with self.assertRaisesRegex(TypeError, '"main" has two types of configuration'):
            described(differs)

    def test_a_docstring_describes_an_agent_that_says_nothing_else(self):
        def run(ctx, input):
            """Counts
            words.

            Slowly.
            """

        self.assertEqual(described(run), {"description": "Counts words."})
        self.assertEqual(described(run, description="Mine."), {"description": "Mine."})

    def test_types_and_schemas_given_by_name_win(self):
        def run(ctx, input: Text) -> Count: ...

        schema = {"type": "object", "minProperties": 1}
        known = described(run, input=schema, output=list[Count], config=Settings)
        listed = {"type": "array", "items": COUNT}
        self.assertEqual(known, {"input": schema, "output": listed, "config": SETTINGS})

    def test_an_annotation_that_cannot_be_read_names_the_way_out(self):
        def run(ctx, input: "Nowhere"): ...  # noqa: F821

        said = 'agent "main": an annotation cannot be read, .*Nowhere.*not under TYPE_CHECKING'
        with self.assertRaisesRegex(TypeError, said):
            described(run)

        def bad(ctx, input: bytes): ...

        with self.assertRaisesRegex(TypeError, 'agent "main", input: bytes has no JSON Schema'):
            described(bad)


class Calls(unittest.TestCase):
    def test_input_and_output_are_converted(self):
        def run(ctx: Ctx, input: Text) -> Count:
            return Count(len(input.text.split()))

        self.assertEqual(MockHost().run(run, {"text": "a b"}).output, {"words": 2})

    def test_the_configuration_is_converted_and_null_stands_for_none(self):
        def run(ctx: Ctx[Settings], input, config):
            return [config.least, ctx.config is config]

        self.assertEqual(MockHost().config({"least": 3}).run(run).output, [3, True])
        for nothing in (None, {}):
            self.assertEqual(MockHost().config(nothing).run(run).output, [0, True])

    def test_an_untyped_configuration_is_handed_on_too(self):
        host = MockHost().config({"a": 1})
        self.assertEqual(host.run(lambda ctx, input, config: config).output, {"a": 1})

    def test_an_input_that_does_not_fit_is_the_callers_fault(self):
        def run(ctx: Ctx[Strict], input: Text): ...

        with self.assertRaises(InvalidInput) as wrong:
            MockHost().config({"model": "m"}).run(run, {"text": 7})
        self.assertEqual(str(wrong.exception), "bad_input: input.text must be a string, not 7")
        self.assertEqual(wrong.exception.details, {"place": "input.text"})
        with self.assertRaisesRegex(InvalidInput, "bad_input: config.model is missing"):
            MockHost().run(run, {"text": ""})

    def test_an_output_that_does_not_fit_is_the_agents_fault(self):
        def run(ctx, input) -> Count:
            return Count("two")

        with self.assertRaisesRegex(Failed, "bad_output: output.words must be a whole number"):
            MockHost().run(run)

    def test_exits_stay_with_a_converted_output(self):
        def run(ctx, input) -> Reply[Count]:
            return Reply(Count(1)).goto("again")

        reply = MockHost().run(run)
        self.assertEqual((reply.output, reply.exits[0].name), ({"words": 1}, "again"))
