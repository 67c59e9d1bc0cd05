"""The agent through the SDK: what it asks the host for, and what it makes of the answers."""

import unittest
from collections import deque

from agent import main
from workflowforge import Call, Ctx, Denied, Rehearsal, Upstream, llm

SEARCH = {
    "name": "wforge__search",
    "description": "Searches.",
    "input_schema": {"type": "object", "properties": {"folder": {}, "query": {}}},
}


class Host(Rehearsal):
    """A rehearsal whose model calls tools as well, and that keeps what it was asked."""

    def __init__(self, *messages):
        super().__init__()
        self.messages = deque(messages)
        self.requests, self.inputs = [], []

    def complete(self, requests):
        self.requests += requests
        message = self.messages.popleft()
        if isinstance(message, list):
            message = llm.Message("assistant", message)
        if isinstance(message, llm.Message):
            return [llm.Response(message, "stop", llm.Usage(7, 3), "fast")]
        return [message]

    def call_tools(self, calls):
        self.inputs += calls
        return super().call_tools(calls)


def ran(host, config=None, **input):
    return main(Ctx(Call(), host, config), {"question": "Why?", **input})


def search(query):
    return llm.ToolCall("c1", "wforge__search", {"query": query})


class Agent(unittest.TestCase):
    def test_without_tools_none_are_listed(self):
        host = Host(["Because."])
        self.assertEqual(ran(host)["answer"], "Because.")
        self.assertEqual(host.done, [])
        [request] = host.requests
        self.assertEqual((request.model, request.stream_to, request.tools), ("mock", "tokens", []))
        self.assertEqual([message.role for message in request.messages], ["system", "user"])

    def test_a_tool_gets_what_is_bound_and_the_model_its_result(self):
        host = Host([search("x")], ["Found."])
        host.answer([SEARCH], {"hits": []})
        config = {"model": "fast", "tools": ["wforge__search"], "stream_to": "words"}
        output = ran(host, config, bound={"wforge__search": {"folder": {"files": []}}})
        self.assertEqual(output["used"], {"turns": 2, "calls": 1, "tokens": 20})
        self.assertEqual(host.inputs, [("wforge__search", {"query": "x", "folder": {"files": []}})])
        [tool] = host.requests[0].tools
        self.assertEqual(tool.parameters["properties"], {"query": {}})
        call, result = host.requests[1].messages[-2:]
        self.assertEqual(call.tool_calls[0].id, "c1")
        self.assertEqual(result.parts, [llm.ToolResult("c1", {"hits": []}, False)])
        self.assertEqual(host.requests[0].stream_to, "words")
        self.assertTrue(host.done[-1].startswith('emit step {"turn"'), host.done[-1])

    def test_a_person_approves_what_is_dangerous(self):
        config = {"tools": ["*"], "dangerous": ["wforge__*"]}
        for approve, outcome, called in ((True, "answered", 1), (False, "refused", 0)):
            host = Host([search("x")], ["Done."])
            host.answer([SEARCH], {"approve": approve, "note": "so"}, {"hits": []})
            output = ran(host, config)
            self.assertEqual(output["steps"][0]["outcome"], outcome)
            self.assertEqual(len(host.inputs), called)

    def test_a_tool_that_fails_is_told_to_the_model(self):
        host = Host([search("x")], ["It is busy."])
        host.answer([SEARCH], Upstream("busy", "try later"))
        self.assertEqual(ran(host, {"tools": ["*"]})["steps"][0]["outcome"], "failed")
        [result] = host.requests[1].messages[-1].parts
        self.assertEqual((result.is_error, result.content), (True, {"error": "busy: try later"}))

    def test_what_is_denied_ends_the_agent(self):
        with self.assertRaises(Denied):
            ran(Host(), {"tools": ["*"]})
        host = Host([search("x")])
        host.answer([SEARCH], Denied("tool", "wforge__search", "grant it"))
        with self.assertRaises(Denied):
            ran(host, {"tools": ["*"]})

    def test_a_model_that_fails_ends_the_agent_so_that_it_is_retried(self):
        with self.assertRaises(Upstream):
            ran(Host(Upstream("busy", "try later")))


if __name__ == "__main__":
    unittest.main()
