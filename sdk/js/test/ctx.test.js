// What an agent asks, as the contract has it, and what the host answers, as the agent sees it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeCtx } from "../src/ctx.js";
import { Failure } from "../src/failure.js";
import { Host } from "../src/host.js";

const CALL = { agent: "main", config: '{"n":1}', context: "{}", timeoutMs: 0 };
const BLOB = { $blob: "sha256:00", size: 2, media_type: "text/plain" };
const WIRE_BLOB = { digest: "sha256:00", size: 2, mediaType: "text/plain", extra: "{}" };
const problem = (tag, code) => ({
  tag,
  val: { code, message: "no", retryable: true, details: "{}" },
});
const ok = (val) => ({ tag: "ok", val });
const err = (val) => ({ tag: "err", val });

/** A context over interfaces that note what they were called with. */
function rehearse(name, methods) {
  const calls = [];
  const noted = Object.entries(methods).map(([method, run]) => [
    method,
    (...values) => {
      calls.push(values);
      return run(...values);
    },
  ]);
  return { calls, ctx: makeCtx(CALL, new Host({ [name]: Object.fromEntries(noted) })) };
}

/** What is thrown, as `tag code`. */
function refused(run, expected) {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, String(thrown));
    return assert.equal(`${thrown.tag} ${thrown.code ?? thrown.payload.val.hint}`, expected);
  }
  return assert.fail("it did not fail");
}

test("the configuration is read", () => {
  assert.deepEqual(makeCtx(CALL, new Host({})).config, { n: 1 });
});

test("an interface that the world lacks is a denial that says what to write", () => {
  const ctx = makeCtx(CALL, new Host({}));
  const hint = (need) =>
    `denied add [[needs]] with capability = "${need}" or the like, and a reason, to plugin.toml`;
  refused(() => ctx.ask("Go on?"), hint("ask"));
  refused(() => ctx.llm.prompt("fast", "hi"), hint("llm:fast"));
  refused(() => ctx.kv.get("run", "k"), hint("kv:run"));
  refused(() => ctx.sleep(1), 'denied add "timer" to build.uses in plugin.toml');
});

test("one question is a list of one", () => {
  const { ctx, calls } = rehearse("human", { ask: () => [ok('{"yes":true}')] });
  const schema = { type: "object" };
  assert.deepEqual(ctx.ask("Go on?", { schema, deadlineMs: 5 }), { yes: true });
  assert.deepEqual(calls, [
    [
      [
        {
          prompt: "Go on?",
          schema: '{"type":"object"}',
          deadlineMs: 5,
          assignee: undefined,
          options: "{}",
        },
      ],
    ],
  ]);
});

test("a failure in a list stands in its place", () => {
  const { ctx } = rehearse("human", {
    ask: () => [ok("1"), err(problem("upstream", "deadline"))],
  });
  const [one, other] = ctx.askAll(["a?", { prompt: "b?" }]);
  assert.equal(one, 1);
  refused(() => {
    throw other;
  }, "upstream deadline");
});

test("a failure of one is thrown, and handed on as the host gave it", () => {
  const payload = problem("limit", "budget");
  const { ctx } = rehearse("tools", { call: () => [err(payload)] });
  refused(() => ctx.tools.call("t"), "limit budget");
  const thrower = rehearse("kv", {
    get: () => {
      throw Object.assign(new Error("the engine's"), { payload });
    },
  });
  assert.throws(() => thrower.ctx.kv.get("run", "k"), { payload });
});

test("a model is asked with text and answers with text and calls of tools", () => {
  const message = {
    role: "assistant",
    parts: [
      { tag: "text", val: "fine" },
      { tag: "tool-call", val: { id: "1", name: "t", arguments: '{"a":1}' } },
    ],
  };
  const usage = { inputTokens: 1, outputTokens: 2, extra: "{}" };
  const response = { message, finish: "stop", usage, model: "m", extra: "{}" };
  const { ctx, calls } = rehearse("llm", { complete: () => [ok(response)] });
  const answer = ctx.llm.complete({ model: "m", messages: [{ role: "user", text: "hi" }] });
  assert.equal(answer.text, "fine");
  assert.deepEqual(answer.toolCalls, [{ id: "1", name: "t", arguments: { a: 1 } }]);
  const result = { toolResult: { id: "1", content: { b: 2 } } };
  const messages = [answer.message, { role: "tool", parts: [result, { blob: BLOB }] }];
  ctx.llm.complete({ model: "m", messages, maxTokens: 9 });
  assert.deepEqual(calls[0][0][0].messages, [
    { role: "user", parts: [{ tag: "text", val: "hi" }] },
  ]);
  assert.deepEqual(calls[1][0][0].messages, [
    message,
    {
      role: "tool",
      parts: [
        { tag: "tool-result", val: { id: "1", content: '{"b":2}', isError: false } },
        { tag: "blob", val: WIRE_BLOB },
      ],
    },
  ]);
  assert.equal(calls[1][0][0].maxTokens, 9);
});

test("a request's JSON goes out as bytes and a response's text comes back", () => {
  const bytes = new TextEncoder().encode('{"né":"ü"}');
  const response = { status: 200, headers: [], body: { tag: "bytes", val: bytes }, extra: "{}" };
  const { ctx, calls } = rehearse("http", { fetch: () => [ok(response)] });
  const answer = ctx.http.fetch({ method: "POST", url: "u", json: { né: "ü" } });
  assert.deepEqual(answer.json(), { né: "ü" });
  const [{ headers, body }] = calls[0][0];
  assert.deepEqual(headers, [["content-type", "application/json"]]);
  assert.deepEqual(body, { tag: "bytes", val: bytes });
});

test("a body by reference is no text", () => {
  const response = {
    status: 200,
    headers: [],
    body: { tag: "blob", val: WIRE_BLOB },
    extra: "{}",
  };
  const { ctx } = rehearse("http", { fetch: () => [ok(response)] });
  const answer = ctx.http.fetch({ url: "u", headers: { accept: "*/*" } });
  assert.deepEqual(answer.body, BLOB);
  refused(() => answer.text(), "failed large_body");
});

test("memory is values and versions", () => {
  const entry = { key: "k", value: "[1]", version: 3 };
  const { ctx, calls } = rehearse("kv", {
    get: (scope) => (scope === "run" ? entry : undefined),
    set: () => entry,
    delete: () => true,
    list: () => ({ entries: [entry], cursor: "c" }),
    compareAndSwap: () => false,
  });
  assert.deepEqual(ctx.kv.get("run", "k"), [1]);
  assert.equal(ctx.kv.get("thread", "k"), undefined);
  assert.equal(ctx.kv.set("run", "k", [1], { ttlMs: 5 }), 3);
  assert.equal(ctx.kv.delete("run", "k"), true);
  const listed = { entries: [{ key: "k", value: [1], version: 3 }], cursor: "c" };
  assert.deepEqual(ctx.kv.list("run", "k"), listed);
  assert.equal(ctx.kv.swap("run", "k", undefined, 2), false);
  assert.deepEqual(calls[2], ["run", "k", "[1]", 5]);
  assert.deepEqual(calls[5], ["run", "k", undefined, "2"]);
});

test("a blob is written in pieces and read to its end", () => {
  const pieces = [];
  const writer = { append: (piece) => pieces.push(piece.length), finish: () => WIRE_BLOB };
  const { ctx, calls } = rehearse("blobs", { create: () => writer, read: () => "bytes" });
  assert.deepEqual(ctx.blobs.write("text/plain", new Uint8Array((1 << 20) + 1)), BLOB);
  assert.deepEqual(pieces, [1 << 20, 1]);
  assert.equal(ctx.blobs.read(BLOB, 1), "bytes");
  assert.deepEqual(calls[1], [WIRE_BLOB, 1, 1]);
});

test("tools are listed with their schemas and called at once", () => {
  const tool = { name: "t", description: "d", inputSchema: '{"a":1}', outputSchema: "{}" };
  const { ctx, calls } = rehearse("tools", {
    list: () => [tool],
    call: () => [ok("1"), ok("null")],
  });
  assert.deepEqual(ctx.tools.list()[0].inputSchema, { a: 1 });
  assert.deepEqual(ctx.tools.callAll([{ name: "t", input: 1 }, { name: "u" }]), [1, null]);
  assert.deepEqual(calls[1][0][0], { name: "t", input: "1", options: "{}" });
});

test("a value of another type is refused before the engine ends the sandbox", () => {
  const { ctx, calls } = rehearse("timer", { sleep: () => {} });
  for (const ms of [-1, 1.5, "5", 5n, NaN]) refused(() => ctx.sleep(ms), BAD);
  const memory = rehearse("kv", { get: () => {}, set: () => {} });
  refused(() => memory.ctx.kv.get("everywhere", "k"), BAD);
  refused(() => memory.ctx.kv.get("run", 1), BAD);
  refused(() => memory.ctx.kv.set("run", "k", undefined), BAD);
  refused(() => memory.ctx.log("loud", "x"), BAD);
  assert.deepEqual([...calls, ...memory.calls], []);
});
const BAD = "invalid-input bad_argument";

test("a secret is revealed by its handle, and what the host refuses is a Failure", () => {
  const answers = [
    () => "s3cret",
    () => {
      throw { payload: problem("failed", "secret_gone") };
    },
  ];
  const handle = { reveal: () => answers.shift()() };
  const { ctx, calls } = rehearse("secrets", { get: () => handle });
  const secret = ctx.secret("token");
  assert.deepEqual(calls, [["token"]]);
  assert.equal(secret.reveal(), "s3cret");
  refused(() => secret.reveal(), "failed secret_gone");
  assert.equal(JSON.stringify(secret), "{}");
});

test("a credential goes out with the secret's handle and never with its text", () => {
  const handle = { reveal: () => assert.fail("nobody asked to see it") };
  const response = { status: 204, headers: [], body: { tag: "bytes", val: new Uint8Array() } };
  const sent = [];
  const fetch = (requests) => {
    sent.push(...requests);
    return [ok({ ...response, extra: "{}" })];
  };
  const ctx = makeCtx(CALL, new Host({ secrets: { get: () => handle }, http: { fetch } }));
  const credential = { header: "authorization", template: "Bearer {}", secret: ctx.secret("t") };
  ctx.http.fetch({ url: "https://a.example", credentials: [credential] });
  assert.deepEqual(sent[0].credentials, [
    { header: "authorization", template: "Bearer {}", secret: handle },
  ]);
});
