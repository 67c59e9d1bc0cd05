"""An agent's tests without a host: what is scripted, what is remembered, and what is denied."""

import time
import unittest

from workflowforge import Denied, InvalidInput, Limit, Question, Upstream, define_agent
from workflowforge.agents import AGENTS
from workflowforge.http import Request
from workflowforge.llm import Message, ToolCall
from workflowforge.llm import Request as LlmRequest
from workflowforge.testing import MockHost

BUSY = Upstream("busy", "try later")


def denied(test, ask) -> Denied:
    with test.assertRaises(Denied) as caught:
        ask()
    return caught.exception


class Scripted(unittest.TestCase):
    def test_people_answer_in_their_order(self):
        host = MockHost().ask({"approve": True}, "no")
        ctx = host.ctx()
        self.assertEqual(ctx.ask("Publish?"), {"approve": True})
        self.assertEqual(ctx.ask(Question("Again?", assignee="me")), "no")
        self.assertEqual(host.done(), ["ask Publish?", "ask Again?"])
        self.assertEqual(host.questions()[1].assignee, "me")

    def test_a_failure_in_a_list_stands_in_its_place(self):
        ctx = MockHost().ask(1, BUSY).ctx()
        self.assertEqual(ctx.ask_all(["a?", "b?"]), [1, BUSY])
        with self.assertRaises(Upstream):
            MockHost().llm(BUSY).ctx().llm.prompt("fast", "hi")

    def test_a_model_says_texts_json_and_parts(self):
        call = ToolCall("1", "look", {"at": "x"})
        host = MockHost().llm("fine", {"n": 1}, ["so: ", call])
        ctx = host.ctx()
        self.assertEqual(ctx.llm.prompt("fast", "how are you?"), "fine")
        messages = [Message("system", "be kind"), Message("user", "and you?")]
        self.assertEqual(ctx.llm.complete(LlmRequest("slow", messages)).text, '{"n":1}')
        answer = ctx.llm.complete(LlmRequest("slow", messages))
        self.assertEqual((answer.text, answer.tool_calls), ("so: ", [call]))
        self.assertEqual(answer.finish, "tool_calls")
        self.assertEqual(host.done()[:2], ["llm fast how are you?", "llm slow and you?"])
        self.assertEqual(host.llm_requests()[1].messages, messages)

    def test_a_server_answers_by_its_url(self):
        host = MockHost().http("https://b.example", "ok")
        host.http("https://a.example", {"status": 404, "body": {"n": 1}}, BUSY)
        posted, got = host.ctx().http.fetch_all(
            [
                Request("POST", "https://a.example", json={"q": 1}),
                Request("GET", "https://b.example"),
            ]
        )
        self.assertEqual((posted.status, posted.json()), (404, {"n": 1}))
        self.assertEqual((got.status, got.text), (200, "ok"))
        with self.assertRaises(Upstream):
            host.ctx().http.get("https://a.example")
        host.http("https://c.example/*", {"status": 204})
        self.assertEqual(host.ctx().http.get("https://c.example/x?y=1").status, 204)
        sent = ['http POST https://a.example {"q":1}', "http GET https://b.example"]
        self.assertEqual(host.done()[:2], sent)

    def test_tools_are_listed_and_answer_by_their_names(self):
        host = MockHost().tool("add", 3, 4, description="Adds.", input_schema={"type": "object"})
        ctx = host.tool("idle").ctx()
        self.assertEqual([tool.name for tool in ctx.tools.list()], ["add", "idle"])
        self.assertEqual(ctx.tools.list()[0].description, "Adds.")
        self.assertEqual([ctx.tools.call("add", {"a": 1}), ctx.tools.call("add")], [3, 4])
        self.assertEqual(host.tool_calls(), [("add", {"a": 1}), ("add", {})])
        self.assertEqual(host.done(), ["tools", "tools", "tool add", "tool add"])

    def test_a_secret_is_held_and_revealed(self):
        host = MockHost().secret("token", "s3cret")
        self.assertEqual(host.ctx().secret("token").reveal(), "s3cret")
        self.assertEqual(host.done(), ["secret token", "reveal token"])

    def test_blobs_are_real_ones(self):
        host = MockHost()
        ctx = host.ctx()
        blob = ctx.blobs.write("text/plain", "hello")
        self.assertEqual((blob["size"], ctx.blobs.read(blob, 1, 3)), (5, b"ell"))
        self.assertEqual(ctx.blobs.read(host.blob("text/plain", "given")), b"given")
        self.assertEqual(host.done()[0], "blob write text/plain 5")

    def test_what_is_logged_and_emitted_is_kept(self):
        host = MockHost()
        host.ctx().info("counting", n=1)
        host.ctx().emit("progress", {"done": 0.5})
        self.assertEqual(host.logs(), ["info counting n=1"])
        self.assertEqual(host.events(), [("progress", {"done": 0.5})])
        self.assertEqual(host.done(), ['emit progress {"done":0.5}'])


class Remembered(unittest.TestCase):
    def test_versions_grow_with_every_write_and_never_come_again(self):
        host = MockHost().kv("run", "a", [1])
        kv = host.ctx().kv
        self.assertEqual((kv.entry("run", "a").version, kv.get("run", "a")), (1, [1]))
        self.assertEqual(kv.set("run", "a", 2), 2)
        self.assertTrue(kv.delete("run", "a"))
        self.assertFalse(kv.delete("run", "a"))
        self.assertEqual(kv.get("run", "a", "none"), "none")
        self.assertEqual(kv.set("run", "a", 3), 4)
        self.assertEqual((host.stored("run", "a"), host.stored("run", "b")), (3, None))
        writes = ["kv set run a 2", "kv delete run a", "kv delete run a", "kv get run a"]
        self.assertEqual(host.done()[2:6], writes)

    def test_a_swap_writes_where_the_version_is_still_the_one_that_was_read(self):
        kv = MockHost().ctx().kv
        self.assertTrue(kv.swap("plugin", "k", None, "first"))
        self.assertFalse(kv.swap("plugin", "k", None, "late"))
        self.assertFalse(kv.swap("plugin", "k", 7, "wrong"))
        self.assertTrue(kv.swap("plugin", "k", 1, "second"))
        self.assertEqual(kv.get("plugin", "k"), "second")
        self.assertIsNone(kv.get("run", "k"))

    def test_a_listing_comes_in_pages(self):
        host = MockHost()
        for key in ("b2", "a", "b1", "b3"):
            host.kv("thread", key, key)
        kv = host.ctx().kv
        page = kv.list("thread", "b", limit=2)
        self.assertEqual([entry.key for entry in page.entries], ["b1", "b2"])
        page = kv.list("thread", "b", limit=2, cursor=page.cursor)
        self.assertEqual(([entry.key for entry in page.entries], page.cursor), (["b3"], None))

    def test_what_has_expired_is_not_seen_any_more(self):
        ctx = MockHost().ctx()
        ctx.kv.set("run", "k", 1, ttl_ms=100)
        ctx.sleep(99)
        self.assertEqual(ctx.kv.get("run", "k"), 1)
        ctx.sleep(1)
        self.assertIsNone(ctx.kv.get("run", "k"))
        self.assertEqual(ctx.kv.list("run").entries, [])

    def test_the_hosts_limits_hold(self):
        kv = MockHost().ctx().kv
        for wrong, code in [
            (lambda: kv.get("run", "k" * 513), "kv_key_bytes"),
            (lambda: kv.set("run", "k", "x" * (256 << 10)), "kv_value_bytes"),
        ]:
            with self.assertRaisesRegex(Limit, code):
                wrong()
        for wrong, code in [
            (lambda: kv.list("run", limit=0), "kv_page_entries"),
            (lambda: kv.list("run", cursor="?"), "kv_cursor"),
            (lambda: MockHost().call(thread=None).ctx().kv.get("thread", "k"), "no_thread"),
        ]:
            with self.assertRaisesRegex(InvalidInput, code):
                wrong()


class Denials(unittest.TestCase):
    def test_what_is_not_scripted_is_denied_and_says_what_to_write(self):
        for ask, capability, hint in [
            (lambda ctx: ctx.ask("Go on?"), "ask", "host.ask(answer)"),
            (lambda ctx: ctx.llm.prompt("fast", "hi"), "llm", 'host.llm("the answer")'),
            (
                lambda ctx: ctx.http.get("https://a.example"),
                "http",
                'host.http("https://a.example"',
            ),
            (lambda ctx: ctx.tools.list(), "tool", 'host.tool("name", answer)'),
            (lambda ctx: ctx.tools.call("t"), "tool", 'host.tool("t", answer)'),
            (lambda ctx: ctx.secret("token"), "secret", 'host.secret("token", "value")'),
            (lambda ctx: ctx.blobs.read({"$blob": "sha256:00", "size": 1}), "blobs", "host.blob("),
        ]:
            denial = denied(self, lambda ask=ask: ask(MockHost().ctx()))
            self.assertEqual(denial.capability, capability)
            self.assertIn(f"write {hint}", denial.hint)

    def test_a_script_that_is_used_up_or_for_others_says_so(self):
        host = MockHost().llm("one").http("https://a.example", {})
        host.ctx().llm.prompt("fast", "hi")
        used_up = denied(self, lambda: host.ctx().llm.prompt("fast", "again"))
        self.assertIn("every scripted answer was taken", used_up.hint)
        other = denied(self, lambda: host.ctx().http.get("https://b.example"))
        self.assertIn("what is scripted is for https://a.example", other.hint)

    def test_what_is_denied_is_denied_whatever_is_scripted(self):
        for capability, ask in [
            ("ask", lambda ctx: ctx.ask("Go on?")),
            ("llm:slow", lambda ctx: ctx.llm.prompt("slow", "hi")),
            ("llm:*", lambda ctx: ctx.llm.prompt("slow", "hi")),
            ("http:a.example", lambda ctx: ctx.http.get("https://a.example/x")),
            ("http:https://a.example", lambda ctx: ctx.http.get("https://a.example/x")),
            ("tool", lambda ctx: ctx.tools.list()),
            ("tool:t", lambda ctx: ctx.tools.call("t")),
            ("secret:token", lambda ctx: ctx.secret("token")),
            ("secret:token:reveal", lambda ctx: ctx.secret("token").reveal()),
            ("kv", lambda ctx: ctx.kv.get("run", "k")),
            ("kv:run", lambda ctx: ctx.kv.get("run", "k")),
            ("kv:run:rw", lambda ctx: ctx.kv.set("run", "k", 1)),
            ("blobs", lambda ctx: ctx.blobs.write("text/plain", "")),
        ]:
            host = MockHost().ask(1).llm("a").tool("t", 1).secret("token", "x").deny(capability)
            host.http("https://a.example/x", {})
            with self.subTest(capability):
                denial = denied(self, lambda host=host, ask=ask: ask(host.ctx()))
                self.assertEqual(denial.hint, f'the test denies it with deny("{capability}")')

    def test_a_denial_leaves_the_others_alone(self):
        host = MockHost().llm("a").deny("llm:slow", "kv:run:rw")
        self.assertEqual(host.ctx().llm.prompt("fast", "hi"), "a")
        self.assertIsNone(host.ctx().kv.get("run", "k"))
        self.assertEqual(host.ctx().kv.set("plugin", "k", 1), 1)

    def test_denying_what_is_no_capability_is_refused(self):
        with self.assertRaisesRegex(ValueError, '"htp:x" is no capability; they are ask, blobs'):
            MockHost().deny("htp:x")

    def test_a_response_with_a_slip_in_it_is_refused(self):
        with self.assertRaisesRegex(ValueError, 'a response has no "stauts"; it has status, '):
            MockHost().http("https://a.example", {"stauts": 404})

    def test_a_denial_of_what_has_no_resources_names_it_alone(self):
        denial = denied(self, lambda: MockHost().deny("ask").ctx().ask("Go on?"))
        self.assertEqual(str(denial), 'ask is denied: the test denies it with deny("ask")')


class Runs(unittest.TestCase):
    def setUp(self):
        self.addCleanup(AGENTS.clear)
        AGENTS.clear()

    def test_an_agent_is_called_from_json_to_json(self):
        def run(ctx, input):
            return [input, ctx.config, ctx.context, ctx.call.attempt]

        host = MockHost().config({"c": 1}).context([2]).call(attempt=3)
        self.assertEqual(host.run(run, ("a",)).output, [["a"], {"c": 1}, [2], 3])

    def test_an_agent_is_found_by_its_name(self):
        define_agent(lambda ctx, input: ctx.call.agent, "other")
        self.assertEqual(MockHost().run("other").output, "other")
        with self.assertRaisesRegex(ValueError, 'there is no agent "main"; there are other'):
            MockHost().run("main")

    def test_the_clock_stands_still_but_for_sleep(self):
        def run(ctx, input):
            before = time.time()
            ctx.sleep(250)
            return [before, time.time(), time.time_ns()]

        real = time.time
        output = MockHost().clock_ms(5_000).run(run).output
        self.assertEqual(output, [5.0, 5.25, 5_250_000_000])
        self.assertIs(time.time, real)

    def test_an_exception_is_a_failure_and_the_clock_is_put_back(self):
        real = time.time_ns
        with self.assertRaisesRegex(Exception, "exception: ZeroDivisionError"):
            MockHost().run(lambda ctx, input: 1 / 0)
        self.assertIs(time.time_ns, real)
