"""What an agent asks, as the contract has it, through the bindings that the build generates."""

import random
import unittest
from unittest.mock import Mock, patch

from componentize_py_types import Err, Ok
from wit_world.exports import agent as wit
from wit_world.imports import blobs, http, human, kv, llm, log, secrets, timer, tools, types
from workflowforge import Call, Ctx, Denied, Failed, Failure, InvalidInput, Question, Reply, export
from workflowforge import http as sdk_http
from workflowforge import llm as sdk_llm
from workflowforge.agents import AGENTS, define_agent
from workflowforge.serve import DESCRIBE
from workflowforge.testing import MockHost
from workflowforge.world import World

WORLD = {module.__name__.rsplit(".")[-1]: module for module in (blobs, http, human, kv, llm)}
WORLD |= {"log": log, "secrets": secrets, "timer": timer, "tools": tools}
BLOB = {"$blob": "sha256:00", "size": 2, "media_type": "text/plain"}
WIT_BLOB = types.BlobRef("sha256:00", 2, "text/plain", "{}")
LIMIT = types.Failure_Limit(types.Problem("budget", "no", True, 7, '{"a":1}'))


class Asked(unittest.TestCase):
    """Each test lets one function of the host answer, and sees what it was called with."""

    def setUp(self):
        self.ctx = Ctx(Call(), World(WORLD))

    def host(self, module, function, *answers):
        patched = patch.object(module, function, side_effect=answers)
        self.addCleanup(patched.stop)
        return patched.start()

    def test_one_question_is_a_list_of_one(self):
        ask = self.host(human, "ask", [Ok('{"yes":true}')])
        question = Question("Go on?", schema={"type": "object"}, deadline_ms=5)
        self.assertEqual(self.ctx.ask(question), {"yes": True})
        ask.assert_called_once_with([human.Request("Go on?", '{"type":"object"}', 5, None, "{}")])

    def test_a_failure_in_a_list_stands_in_its_place(self):
        self.host(human, "ask", [Ok("1"), Err(LIMIT)])
        one, other = self.ctx.ask_all(["a?", "b?"])
        self.assertEqual(one, 1)
        self.assertEqual((other.tag, other.code, other.details), ("limit", "budget", {"a": 1}))
        self.assertEqual((other.retryable, other.retry_after_ms), (True, 7))

    def test_a_denial_of_the_host_is_raised(self):
        self.host(llm, "complete", Err(types.Failure_Denied(types.Denial("llm", "fast", "hint"))))
        with self.assertRaises(Denied) as denied:
            self.ctx.llm.prompt("fast", "hi")
        self.assertEqual(denied.exception.hint, "hint")

    def test_a_model_is_asked_with_parts_and_answers_with_parts(self):
        said = llm.Message(
            "assistant",
            [llm.Part_Text("fine"), llm.Part_ToolCall(llm.ToolCall("1", "t", '{"a":1}'))],
        )
        usage = llm.Usage(1, 2, "{}")
        complete = self.host(
            llm, "complete", *[[Ok(llm.Response(said, "stop", usage, "m", "{}"))]] * 2
        )
        asked = sdk_llm.Message("user", "hi")
        answer = self.ctx.llm.complete(sdk_llm.Request("m", [asked], max_tokens=9))
        self.assertEqual(answer.text, "fine")
        self.assertEqual(answer.tool_calls, [sdk_llm.ToolCall("1", "t", {"a": 1})])
        result = sdk_llm.Message("tool", [sdk_llm.ToolResult("1", {"b": 2}), BLOB])
        self.ctx.llm.complete(sdk_llm.Request("m", [answer.message, result]))
        first, second = (call.args[0][0] for call in complete.call_args_list)
        self.assertEqual(first.messages, [llm.Message("user", [llm.Part_Text("hi")])])
        self.assertEqual((first.max_tokens, first.temperature), (9, None))
        told = llm.Part_ToolResult(llm.ToolResult("1", '{"b":2}', False))
        self.assertEqual(
            second.messages, [said, llm.Message("tool", [told, llm.Part_Blob(WIT_BLOB)])]
        )

    def test_a_request_goes_out_with_its_body_and_credentials(self):
        self.host(secrets, "get", "handle")
        response = http.Response(200, [], http.Body_Bytes('{"né":"ü"}'.encode()), "{}")
        fetch = self.host(http, "fetch", [Ok(response)])
        token = sdk_http.Credential("authorization", "Bearer {}", self.ctx.secret("token"))
        request = sdk_http.Request("POST", "u", json={"né": "ü"}, credentials=[token])
        self.assertEqual(self.ctx.http.fetch(request).json(), {"né": "ü"})
        [sent] = fetch.call_args.args[0]
        self.assertEqual(sent.headers, [("content-type", "application/json")])
        self.assertEqual(sent.body, http.Body_Bytes('{"né":"ü"}'.encode()))
        self.assertEqual(
            sent.credentials, [http.Credential("authorization", "Bearer {}", "handle")]
        )

    def test_a_secret_is_revealed_by_its_handle(self):
        gone = types.Failure_Failed(types.Problem("secret_gone", "no", False, None, "{}"))
        handle = Mock(**{"reveal.side_effect": ["s3cret", Err(gone)]})
        get = self.host(secrets, "get", handle)
        secret = self.ctx.secret("token")
        get.assert_called_once_with("token")
        self.assertEqual(secret.reveal(), "s3cret")
        with self.assertRaises(Failed):
            secret.reveal()

    def test_a_secret_of_a_test_is_none_that_a_host_could_fill(self):
        secret = MockHost().secret("token", "s3cret").ctx().secret("token")
        with self.assertRaisesRegex(InvalidInput, "one that ctx.secret"):
            self.ctx.http.get("u", bearer=secret)

    def test_a_body_by_reference_is_a_blob_both_ways(self):
        fetch = self.host(
            http, "fetch", [Ok(http.Response(200, [], http.Body_Blob(WIT_BLOB), "{}"))]
        )
        answer = self.ctx.http.fetch(sdk_http.Request("PUT", "u", body=BLOB))
        self.assertEqual(answer.body, BLOB)
        self.assertEqual(fetch.call_args.args[0][0].body, http.Body_Blob(WIT_BLOB))
        with self.assertRaisesRegex(Failure, "unreadable_body"):
            _ = answer.text

    def test_memory_is_values_and_versions(self):
        entry = kv.Entry("k", "[1]", 3)
        set_ = self.host(kv, "set", entry)
        self.host(kv, "get", entry, None)
        self.host(kv, "list", kv.Page([entry], "c"))
        swap = self.host(kv, "compare_and_swap", False)
        self.assertEqual(self.ctx.kv.set("run", "k", [1], ttl_ms=5), 3)
        set_.assert_called_once_with(kv.Scope.RUN, "k", "[1]", 5)
        self.assertEqual(self.ctx.kv.get("thread", "k"), [1])
        self.assertEqual(self.ctx.kv.get("plugin", "k", 0), 0)
        self.assertEqual(self.ctx.kv.list("run").cursor, "c")
        self.assertFalse(self.ctx.kv.swap("run", "k", None, 2))
        swap.assert_called_once_with(kv.Scope.RUN, "k", None, "2")

    def test_a_blob_is_written_in_pieces_and_read_to_its_end(self):
        pieces = []

        class Writer(blobs.Writer):
            def append(self, bytes):
                pieces.append(len(bytes))

            def finish(self):
                return WIT_BLOB

            def __exit__(self, *_):
                pieces.append("closed")

        self.host(blobs, "create", Writer())
        read = self.host(blobs, "read", b"bytes")
        self.assertEqual(self.ctx.blobs.write("text/plain", bytes((1 << 20) + 1)), BLOB)
        self.assertEqual(pieces, [1 << 20, 1, "closed"])
        self.assertEqual(self.ctx.blobs.read(BLOB, 1), b"bytes")
        read.assert_called_once_with(WIT_BLOB, 1, 1)

    def test_tools_are_listed_with_their_schemas_and_called_at_once(self):
        self.host(tools, "list", [tools.Tool("t", "d", '{"a":1}', "{}")])
        call = self.host(tools, "call", [Ok("1"), Ok("null")])
        self.assertEqual(self.ctx.tools.list()[0].input_schema, {"a": 1})
        self.assertEqual(self.ctx.tools.call_all([("t", 1), ("u", None)]), [1, None])
        call.assert_called_once_with(
            [tools.Request("t", "1", "{}"), tools.Request("u", "{}", "{}")]
        )

    def test_a_log_line_has_its_level_and_fields(self):
        write = self.host(log, "write", None)
        self.ctx.log("warn", "slow", ms=7)
        write.assert_called_once_with(log.Level.WARN, "slow", [("ms", "7")])

    def test_a_value_of_another_type_is_refused_before_the_engine_ends_the_sandbox(self):
        ctx = self.ctx
        for wrong in [
            lambda: ctx.sleep(-1),
            lambda: ctx.sleep(1.5),
            lambda: ctx.sleep(True),
            lambda: ctx.sleep(1 << 64),
            lambda: ctx.kv.get("everywhere", "k"),
            lambda: ctx.kv.get("run", 1),
            lambda: ctx.log("loud", "x"),
            lambda: ctx.ask(Question(None)),
            lambda: ctx.blobs.read({"$blob": 1, "size": 1}),
        ]:
            with self.assertRaisesRegex(InvalidInput, "bad_argument"):
                wrong()
        for wrong in [{1}, float("nan"), "\ud800"]:
            with self.assertRaisesRegex(Failed, "unwritable_json"):
                ctx.kv.set("run", "k", wrong)


class Missing(unittest.TestCase):
    def test_an_interface_that_the_world_lacks_is_a_denial_that_says_what_to_write(self):
        ctx = Ctx(Call(), World({"log": log}))
        for ask, hint in [
            (lambda: ctx.ask("a?"), '[[needs]] with capability = "ask"'),
            (lambda: ctx.llm.prompt("fast", "hi"), '[[needs]] with capability = "llm:fast"'),
            (lambda: ctx.kv.get("run", "k"), '[[needs]] with capability = "kv:run"'),
            (lambda: ctx.sleep(1), 'add "timer" to build.uses in plugin.toml'),
        ]:
            with self.assertRaises(Denied) as denied:
                ask()
            self.assertIn(hint, denied.exception.hint)

    def test_a_missing_need_is_named_by_its_kind_as_the_host_names_it(self):
        with self.assertRaises(Denied) as denied:
            Ctx(Call(), World({"log": log})).ask("a?")
        self.assertEqual((denied.exception.capability, denied.exception.resource), ("ask", "*"))


class Exported(unittest.TestCase):
    def setUp(self):
        self.addCleanup(AGENTS.clear)
        AGENTS.clear()
        self.addCleanup(random.setstate, random.getstate())

    def invoke(self, run, agent="main"):
        AGENTS.clear()
        define_agent(run)
        text = dict(workflow="w@1.0.0", node="n", input="{}", config="{}", context="{}", extra="{}")
        numbers = dict(step=1, attempt=1, timeout_ms=0)
        call = wit.Call(agent=agent, task="t", run="r", thread=None, **text, **numbers)
        return export.Agent().invoke(call)

    def failure(self, run):
        with self.assertRaises(Err) as caught:
            self.invoke(run)
        return caught.exception.value

    def test_a_reply_is_the_contracts(self):
        reply = self.invoke(lambda ctx, _: Reply({"é": 1}).goto("a").send("b", None))
        goto = [wit.Exit_Name("a"), wit.Exit_Send(wit.SentExit("b", "null"))]
        self.assertEqual(reply, wit.Reply('{"é":1}', goto, "{}"))

    def test_what_the_code_knows_is_told_to_the_build(self):
        def run(ctx, input: str): ...

        told = self.invoke(run, DESCRIBE)
        self.assertEqual(told.output, '{"agents":{"main":{"input":{"type":"string"}}}}')

    def test_a_failure_is_the_contracts(self):
        def run(ctx, input):
            raise InvalidInput("bad\ud800", "no", details={"a": 1})

        failure = self.failure(run)
        self.assertIsInstance(failure, types.Failure_InvalidInput)
        self.assertEqual(failure.value, types.Problem("bad\\ud800", "no", False, None, '{"a":1}'))

    def test_a_failure_without_a_kind_is_the_agents_own(self):
        def run(ctx, input):
            raise Failure("no luck")

        told = self.failure(run).value
        self.assertEqual((told.code, told.message), ("failed", "no luck"))

    def test_an_output_or_details_without_json_are_failures(self):
        self.assertEqual(self.failure(lambda ctx, _: {1}).value.code, "unwritable_json")

        def run(ctx, input):
            raise Failed("a", "b", details={"set": {1}})

        self.assertEqual(self.failure(run).value.code, "unwritable_json")

    def test_chance_is_drawn_anew_from_the_host_for_each_call(self):
        def draw(seed):
            with patch("os.urandom", return_value=seed):
                return self.invoke(lambda ctx, _: random.random()).output

        self.assertEqual(draw(b"one"), draw(b"one"))
        self.assertNotEqual(draw(b"one"), draw(b"other"))

    def test_agents_that_are_not_those_of_the_manifest_end_the_build(self):
        define_agent(print, "one")
        export.check_agents(["one"])
        with self.assertRaisesRegex(RuntimeError, r"the code has the agents \[one\], plugin.toml"):
            export.check_agents(["one", "two"])
