"""The agent through the SDK: what it asks the host for, and what it makes of the answers."""

import unittest

from agent import main
from workflowforge import Denied, Upstream, llm
from workflowforge.testing import MockHost

SEARCH = {
    "description": "Searches.",
    "input_schema": {"type": "object", "properties": {"folder": {}, "query": {}}},
}
BUSY = Upstream("busy", "try later")


def thinking(*messages):
    """A host whose model answers so, at ten tokens an answer."""
    return MockHost().llm(*(answered(parts) for parts in messages))


def answered(parts):
    if isinstance(parts, Upstream):
        return parts
    return llm.Response(llm.Message("assistant", parts), "stop", llm.Usage(7, 3), "fast")


def searching(*answers):
    """A host with the search, and a model that wants it once before it answers."""
    return thinking([search("x")], ["Done."]).tool("wforge__search", *answers, **SEARCH)


def ran(host, config=None, **input):
    return host.config(config).run(main, {"question": "Why?", **input}).output


def search(query):
    return llm.ToolCall("c1", "wforge__search", {"query": query})


class Agent(unittest.TestCase):
    def test_without_tools_none_are_listed(self):
        host = thinking(["Because."])
        self.assertEqual(ran(host)["answer"], "Because.")
        self.assertEqual(host.done(), ["llm mock Why?"])
        [request] = host.llm_requests()
        self.assertEqual((request.model, request.stream_to, request.tools), ("mock", "tokens", []))
        self.assertEqual([message.role for message in request.messages], ["system", "user"])

    def test_a_tool_gets_what_is_bound_and_the_model_its_result(self):
        host = searching({"hits": []})
        config = {"model": "fast", "tools": ["wforge__search"], "stream_to": "words"}
        folder = {"files": []}
        output = ran(host, config, bound={"wforge__search": {"folder": folder}})
        self.assertEqual(output["used"], {"turns": 2, "calls": 1, "tokens": 20})
        self.assertEqual(host.tool_calls(), [("wforge__search", {"query": "x", "folder": folder})])
        first, second = host.llm_requests()
        [tool] = first.tools
        self.assertEqual(tool.parameters["properties"], {"query": {}})
        call, result = second.messages[-2:]
        self.assertEqual(call.tool_calls[0].id, "c1")
        self.assertEqual(result.parts, [llm.ToolResult("c1", {"hits": []}, False)])
        self.assertEqual(first.stream_to, "words")
        [(topic, step)] = host.events()
        self.assertEqual((topic, step), ("step", output["steps"][0]))

    def test_a_person_approves_what_is_dangerous(self):
        config = {"tools": ["*"], "dangerous": ["wforge__*"]}
        for approve, outcome, called in ((True, "answered", 1), (False, "refused", 0)):
            host = searching({"hits": []}).ask({"approve": approve, "note": "so"})
            output = ran(host, config)
            self.assertEqual(output["steps"][0]["outcome"], outcome)
            self.assertEqual(len(host.tool_calls()), called)

    def test_a_tool_that_fails_is_told_to_the_model(self):
        host = searching(BUSY)
        self.assertEqual(ran(host, {"tools": ["*"]})["steps"][0]["outcome"], "failed")
        [result] = host.llm_requests()[1].messages[-1].parts
        self.assertEqual((result.is_error, result.content), (True, {"error": "busy: try later"}))

    def test_what_is_denied_ends_the_agent(self):
        for host in (thinking(["So."]), searching({"hits": []}).deny("tool:wforge__search")):
            with self.assertRaises(Denied):
                ran(host, {"tools": ["*"]})

    def test_a_model_that_fails_ends_the_agent_so_that_it_is_retried(self):
        with self.assertRaises(Upstream):
            ran(thinking(BUSY))


if __name__ == "__main__":
    unittest.main()
