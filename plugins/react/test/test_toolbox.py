"""Tools as the host lists them in, tools as the model sees them out."""

import unittest

from settings import Settings
from toolbox import Listed, Toolbox

SEARCH = Listed(
    "wforge__search",
    "Searches.",
    {
        "type": "object",
        "required": ["folder", "query"],
        "properties": {"folder": {"type": "object"}, "query": {"type": "object"}},
        "$defs": {"x": {}},
    },
)
FILES = [Listed("mcp__files__read"), Listed("mcp__files__write"), Listed("other")]


def box(listed, bound=None, **config):
    return Toolbox.of(listed, Settings.of(config), bound or {})


class Offers(unittest.TestCase):
    def test_only_what_is_wanted_is_offered_in_the_order_of_the_patterns(self):
        offered = box([*FILES, SEARCH], tools=["wforge__search", "mcp__files__*"]).offered
        names = [tool.name for tool in offered]
        self.assertEqual(names, ["wforge__search", "mcp__files__read", "mcp__files__write"])

    def test_without_patterns_there_are_no_tools(self):
        self.assertEqual(box(FILES).offered, [])
        self.assertFalse(box(FILES).has("other"))

    def test_a_model_may_call_what_it_was_offered_alone(self):
        toolbox = box(FILES, tools=["mcp__*"])
        self.assertTrue(toolbox.has("mcp__files__read"))
        self.assertFalse(toolbox.has("other"))
        self.assertFalse(toolbox.has("mcp__files__delete"))

    def test_a_tool_without_a_schema_takes_an_object(self):
        [tool] = box([Listed("other")], tools=["other"]).offered
        self.assertEqual(tool.parameters, {"type": "object", "properties": {}})


class Bound(unittest.TestCase):
    def test_what_is_bound_is_hidden_from_the_model_and_put_into_the_input(self):
        bound = {"*search": {"folder": {"files": []}}}
        toolbox = box([SEARCH], bound, tools=["*"])
        [tool] = toolbox.offered
        self.assertEqual(tool.parameters["properties"], {"query": {"type": "object"}})
        self.assertEqual(tool.parameters["required"], ["query"])
        self.assertEqual(tool.parameters["$defs"], {"x": {}})
        filled = toolbox.filled(tool.name, {"query": {"kind": "path"}, "folder": "mine"})
        self.assertEqual(filled, {"query": {"kind": "path"}, "folder": {"files": []}})
        self.assertIn("folder", SEARCH.input_schema["properties"])

    def test_arguments_that_are_no_object_are_none(self):
        toolbox = box([SEARCH], {"wforge__search": {"max": 3}}, tools=["*"])
        for arguments in (None, "x", [1], 7):
            self.assertEqual(toolbox.filled("wforge__search", arguments), {"max": 3})


class Danger(unittest.TestCase):
    def test_patterns_say_what_is_dangerous(self):
        toolbox = box(FILES, tools=["*"], dangerous=["mcp__*__write"])
        self.assertTrue(toolbox.is_dangerous("mcp__files__write"))
        self.assertFalse(toolbox.is_dangerous("mcp__files__read"))


class Configured(unittest.TestCase):
    def test_nothing_said_is_a_model_without_tools(self):
        for config in (None, {}):
            settings = Settings.of(config)
            self.assertEqual((settings.model, settings.tools, settings.turns_max), ("mock", (), 8))

    def test_what_the_input_says_wins(self):
        config = {"model": "a", "dangerous": ["x"]}
        settings = Settings.of(config, {"model": "b", "dangerous": ["y"], "tools": ["z"]})
        self.assertEqual((settings.model, settings.dangerous, settings.tools), ("b", ("y",), ()))
        settings = Settings.of(config, {"model": None, "dangerous": None})
        self.assertEqual((settings.model, settings.dangerous), ("a", ("x",)))


if __name__ == "__main__":
    unittest.main()
