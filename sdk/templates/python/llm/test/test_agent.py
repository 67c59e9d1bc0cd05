import unittest

from agent import main
from workflowforge import Denied
from workflowforge.testing import MockHost

INPUT = {"text": "A long text.", "model": "fast"}


class Summary(unittest.TestCase):
    def test_it_gives_back_what_the_model_says(self):
        host = MockHost().llm(" It is short.\n")
        self.assertEqual(host.run(main, INPUT).output, {"summary": "It is short."})
        self.assertEqual(host.done(), ["llm fast A long text."])

    def test_without_the_grant_it_is_denied(self):
        with self.assertRaises(Denied):
            MockHost().deny("llm").run(main, INPUT)
