"""A call of the contract in, what the agent answers out. No bindings."""

import types
import unittest

from workflowforge import Failed, Failure, InvalidInput, Reply
from workflowforge.definition import Definition
from workflowforge.serve import serve


def call(**change):
    known = dict(agent="main", task="task_1", run="run_1", thread=None, workflow="w@1.0.0")
    known |= dict(node="n", step=1, attempt=1, timeout_ms=0, input="{}", config="null")
    return types.SimpleNamespace(**(known | {"context": "{}"} | change))


def served(run, **change):
    return serve({"main": Definition.of(run)}, call(**change), host=None)


def refused(test, run, **change) -> Failure:
    with test.assertRaises(Failure) as caught:
        served(run, **change)
    return caught.exception


class Serve(unittest.TestCase):
    def test_what_an_agent_returns_is_its_output(self):
        reply = served(lambda ctx, input: {"twice": input["n"] * 2}, input='{"n":2}')
        self.assertEqual(reply, Reply({"twice": 4}))

    def test_exits_are_taken_in_their_order(self):
        reply = served(lambda ctx, input: Reply(1).goto("again").send("other", None))
        taken = [(exit.name, exit.has_sent) for exit in reply.exits]
        self.assertEqual(taken, [("again", False), ("other", True)])

    def test_the_call_and_its_configuration_are_read(self):
        reply = served(lambda ctx, _: [ctx.call.task, ctx.config], config='{"n":1}')
        self.assertEqual(reply.output, ["task_1", {"n": 1}])

    def test_an_exception_becomes_failed_with_file_and_line(self):
        failure = refused(self, lambda ctx, input: input["missing"])
        self.assertIsInstance(failure, Failed)
        self.assertEqual(failure.code, "exception")
        self.assertRegex(failure.message, r"^KeyError: 'missing' \(test_serve\.py:\d+\)$")
        self.assertEqual(failure.details["file"], "test_serve.py")

    def test_an_exception_in_a_library_names_the_line_that_called_it(self):
        def run(ctx, input):
            return unittest.TestCase().assertEqual(1, 2)

        self.assertRegex(refused(self, run).message, r"\(test_serve\.py:\d+\)$")

    def test_an_exit_of_the_interpreter_and_endless_recursion_are_exceptions(self):
        def endless(ctx, input):
            return endless(ctx, input)

        self.assertRegex(refused(self, endless).message, "^RecursionError")
        self.assertRegex(refused(self, lambda ctx, input: exit(3)).message, "^SystemExit: 3")

    def test_a_failure_is_handed_on_as_it_is(self):
        failure = Failed("no_luck", "no luck", retryable=True)

        def run(ctx, input):
            raise failure

        self.assertIs(refused(self, run), failure)

    def test_an_unknown_agent_and_broken_input_are_the_callers_fault(self):
        unknown = refused(self, print, agent="other")
        self.assertEqual(unknown.message, 'the plugin has no agent "other"; it has main')
        self.assertIsInstance(refused(self, print, input="{"), InvalidInput)
        self.assertIsInstance(refused(self, print, input="[" * 100_000), InvalidInput)
