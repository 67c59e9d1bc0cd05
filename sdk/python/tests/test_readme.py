"""The README's code, run as it is written."""

import pathlib
import re
import sys
import types
import unittest

from workflowforge.agents import AGENTS
from workflowforge.testing import MockHost

README = pathlib.Path(__file__).parent.parent.joinpath("README.md").read_text()
HELLO, TYPED, CLIENT, TESTS = re.findall(r"^```python\n(.*?)^```$", README, re.M | re.S)


def module(name, text):
    made = types.ModuleType(name)
    sys.modules[name] = made
    exec(compile(text, f"{name}.py", "exec"), made.__dict__)
    return made


class Readme(unittest.TestCase):
    def setUp(self):
        AGENTS.clear()
        self.addCleanup(AGENTS.clear)
        self.addCleanup(sys.modules.pop, "agent", None)

    def test_hello_has_at_most_ten_lines_and_greets(self):
        self.assertLessEqual(len(HELLO.splitlines()), 10)
        reply = MockHost().run(module("agent", HELLO).main, {"name": "Ada"})
        self.assertEqual(reply.output, {"greeting": "Hello, Ada!"})

    def test_the_typed_agent_passes_the_tests_that_are_shown(self):
        module("agent", TYPED)
        tests = unittest.defaultTestLoader.loadTestsFromModule(module("shown", TESTS))
        self.addCleanup(sys.modules.pop, "shown")
        result = unittest.TestResult()
        tests.run(result)
        self.assertEqual((result.testsRun, result.errors + result.failures), (2, []))

    def test_the_client_works_as_it_is_shown(self):
        url = "https://a.example"
        host = MockHost().http(f"{url}?q=a+b", {"body": {"n": 1}}).secret("token", "s3cret")
        exec(CLIENT, {"ctx": host.ctx(), "url": url})
        self.assertEqual(len(host.http_requests()), 1)
