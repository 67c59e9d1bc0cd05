import unittest

from agent import lookup, main
from workflowforge import llm
from workflowforge.testing import MockHost

ASKED = {"question": "What is an agent?", "model": "fast"}
CALLING = [llm.ToolCall("1", "glossary", {"word": "agent"})]


class React(unittest.TestCase):
    def test_it_calls_a_tool_and_then_answers(self):
        host = MockHost().llm(CALLING, "A plugin.").tool("glossary", {"meaning": "…"})
        self.assertEqual(host.run(main, ASKED).output, {"answer": "A plugin.", "turns": 2})
        self.assertIn("tool glossary", host.done())

    def test_it_answers_in_its_last_turn_whatever_the_model_wants(self):
        host = MockHost().config({"turns_max": 1}).llm(CALLING).tool("glossary", {})
        self.assertEqual(host.run(main, ASKED).output["turns"], 1)

    def test_the_glossary_knows_a_word_whatever_its_case(self):
        def meaning(word):
            return MockHost().run(lookup, {"word": word}).output["meaning"]

        self.assertIn("plugin", meaning("Agent"))
        self.assertIsNone(meaning("xyzzy"))
