"""An agent's tests without a host: what is rehearsed, and what is denied."""

import unittest

from workflowforge import Ctx, Denied, Question, Upstream
from workflowforge.http import Request
from workflowforge.llm import Message
from workflowforge.llm import Request as LlmRequest

BLOB = {"$blob": "sha256:00", "size": 2, "media_type": "text/plain"}


def rehearsed(*answers) -> Ctx:
    ctx = Ctx.for_test({"n": 1})
    ctx.rehearsal.answer(*answers)
    return ctx


class Rehearsed(unittest.TestCase):
    def check(self, ctx, *done):
        self.assertEqual(ctx.rehearsal.done, list(done))

    def test_answers_come_in_their_order_and_then_denials(self):
        ctx = rehearsed({"approve": True})
        self.assertEqual(ctx.ask("Publish?"), {"approve": True})
        with self.assertRaises(Denied):
            ctx.ask(Question("Again?", assignee="me"))
        self.check(ctx, "ask Publish?", "ask Again?")

    def test_a_failure_in_a_list_stands_in_its_place(self):
        failure = Upstream("deadline", "nobody answered")
        ctx = rehearsed(1, failure)
        self.assertEqual(ctx.ask_all(["a?", "b?"]), [1, failure])

    def test_a_model_says_what_was_rehearsed(self):
        ctx = rehearsed("fine", "well")
        self.assertEqual(ctx.llm.prompt("fast", "how are you?"), "fine")
        messages = [Message("system", "be kind"), Message("user", "and you?")]
        self.assertEqual(ctx.llm.complete(LlmRequest("slow", messages)).text, "well")
        self.check(ctx, "llm fast how are you?", "llm slow and you?")

    def test_a_server_says_what_was_rehearsed(self):
        ctx = rehearsed({"status": 404, "body": {"n": 1}}, {"body": "ok"})
        posted, got = ctx.http.fetch_all(
            [
                Request("POST", "https://a.example", json={"q": 1}),
                Request("GET", "https://b.example"),
            ]
        )
        self.assertEqual((posted.status, posted.json()), (404, {"n": 1}))
        self.assertEqual((got.status, got.text()), (200, "ok"))
        self.check(ctx, 'http POST https://a.example {"q":1}', "http GET https://b.example")

    def test_memory_answers_as_it_was_rehearsed(self):
        ctx = rehearsed(None, 7, None, True, {"a": 1}, True)
        self.assertEqual(ctx.kv.set("run", "a", [1]), 1)
        self.assertEqual(ctx.kv.get("run", "a"), 7)
        self.assertEqual(ctx.kv.get("run", "b", "none"), "none")
        self.assertTrue(ctx.kv.swap("run", "a", 1, 2))
        self.assertEqual(ctx.kv.list("run").entries[0].value, 1)
        self.assertTrue(ctx.kv.delete("run", "a"))
        self.check(
            ctx,
            "kv set run a [1]",
            "kv get run a",
            "kv get run b",
            "kv swap run a 2",
            "kv list run ",
            "kv delete run a",
        )

    def test_tools_and_blobs_answer_as_they_were_rehearsed(self):
        ctx = rehearsed([{"name": "t"}], {"x": 1}, BLOB, "hi")
        self.assertEqual(ctx.tools.list()[0].name, "t")
        self.assertEqual(ctx.tools.call("t", {"q": 1}), {"x": 1})
        blob = ctx.blobs.write("text/plain", "hi")
        self.assertEqual(ctx.blobs.read(blob), b"hi")
        self.check(ctx, "tools", "tool t", "blob write text/plain 2", "blob read sha256:00 0 2")

    def test_what_needs_no_grant_needs_no_answer(self):
        ctx = rehearsed()
        ctx.info("hello", n=1)
        ctx.emit("progress", {"done": 0.5})
        ctx.sleep(250)
        self.check(ctx, 'emit progress {"done":0.5}', "sleep 250")

    def test_without_answers_everything_that_needs_a_grant_is_denied(self):
        for ask in [
            lambda ctx: ctx.llm.prompt("fast", "hello"),
            lambda ctx: ctx.http.fetch(Request("GET", "https://a.example")),
            lambda ctx: ctx.kv.set("run", "k", 1),
            lambda ctx: ctx.kv.get("run", "k"),
            lambda ctx: ctx.tools.list(),
            lambda ctx: ctx.tools.call("t"),
            lambda ctx: ctx.secret("token"),
            lambda ctx: ctx.blobs.write("text/plain", b""),
        ]:
            with self.assertRaises(Denied):
                ask(rehearsed())
