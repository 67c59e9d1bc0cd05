// MockHost: what a test scripts is answered, memory is real, and the rest is denied with the fix.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure, Reply, defineAgent, defineAgents, limit, upstream } from "../src/index.js";
import { MockHost } from "../src/testing.js";

const run = (mock, agent, ...more) => mock.run(agent, ...more);

/** What is thrown, as `tag code message`. */
function refused(mock, agent, expected) {
  try {
    mock.run(agent);
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, String(thrown));
    return assert.match(`${thrown.tag} ${thrown.code ?? ""} ${thrown.message}`, expected);
  }
  return assert.fail("it did not fail");
}

test("what an agent does is a line each, in its order", () => {
  const mock = new MockHost()
    .config({ model: "fast" })
    .context({ who: "me" })
    .llm("fine")
    .http("https://a.example/*", { status: 201, body: "made" })
    .tool("acme__search", { hits: 1 })
    .ask({ yes: true });
  const { output, exits } = mock.run(
    (input, ctx) => {
      const said = ctx.llm.prompt(ctx.config.model, `hi ${ctx.context.who} ${input.n}`);
      const made = ctx.http.fetch({ method: "POST", url: "https://a.example/x", json: { said } });
      ctx.emit("step", { at: 1 });
      ctx.sleep(250);
      const answers = [ctx.ask("Go on?"), ctx.tools.call("acme__search", { q: 1 })];
      const version = ctx.kv.set("run", "k", [1]);
      return new Reply({ made: made.text(), answers, version }).goto("again").send("one", { n: 2 });
    },
    { n: 1 },
  );
  assert.deepEqual(output, { made: "made", answers: [{ yes: true }, { hits: 1 }], version: 1 });
  assert.deepEqual(exits, ["again", { name: "one", input: { n: 2 } }]);
  assert.deepEqual(mock.done(), [
    "llm fast hi me 1",
    'http POST https://a.example/x {"said":"fine"}',
    'emit step {"at":1}',
    "sleep 250",
    "ask Go on?",
    "tool acme__search",
    "kv set run k [1]",
  ]);
  assert.deepEqual(mock.events(), [["step", { at: 1 }]]);
  assert.deepEqual(mock.stored("run", "k"), [1]);
});

test("what is not scripted is denied, and the hint names the method to call", () => {
  const hint = (agent, method) =>
    refused(new MockHost(), agent, new RegExp(`^denied .*nothing is scripted: call ${method}`));
  hint((_, ctx) => ctx.llm.prompt("fast", "hi"), 'llm\\("the answer"\\)');
  hint((_, ctx) => ctx.ask("Go?"), "ask\\(answer\\)");
  hint((_, ctx) => ctx.tools.call("t"), 'tool\\("t", answer\\)');
  hint((_, ctx) => ctx.secret("token"), 'secret\\("token", "value"\\)');
  hint(() => fetch("https://a.example"), 'http\\("https://a.example/", ');
});

test("answers are used up in their order, each by what it is for", () => {
  const mock = new MockHost().tool("b", 1).tool("a", 2).tool("a", 3).llm("x").llm({ json: true });
  const { output } = mock.run((_, ctx) => {
    const calls = ctx.tools.callAll([{ name: "a" }, { name: "a" }, { name: "b" }, { name: "b" }]);
    const last = calls.pop();
    return [...calls, last.tag, ctx.llm.prompt("m", "1"), ctx.llm.prompt("m", "2")];
  });
  assert.deepEqual(output, [2, 3, 1, "denied", "x", '{"json":true}']);
});

test("an answer may be a failure", () => {
  const mock = new MockHost().llm(upstream("busy", "try later", { retryable: true }));
  refused(mock, (_, ctx) => ctx.llm.prompt("m", "hi"), /^upstream busy try later$/);
  const broken = new MockHost().http("*", upstream("timeout", "no answer"));
  refused(broken, () => fetch("https://a.example"), /^upstream timeout/);
  const answers = new MockHost().ask(1).ask(limit("budget", "no more"));
  const asked = answers.run((_, ctx) => ctx.askAll(["a", "b"]).map((one) => one.code ?? one));
  assert.deepEqual(asked.output, [1, "budget"]);
});

test("a model may call tools and say what it used", () => {
  const mock = new MockHost().llm({
    toolCalls: [{ name: "search", arguments: { q: 1 } }],
    usage: { inputTokens: 5, outputTokens: 2 },
  });
  const { output } = mock.run((_, ctx) => {
    const { toolCalls, finish, usage } = ctx.llm.complete({ model: "m", messages: [] });
    return { toolCalls, finish, usage };
  });
  assert.deepEqual(output, {
    toolCalls: [{ id: "call_1", name: "search", arguments: { q: 1 } }],
    finish: "tool_calls",
    usage: { inputTokens: 5, outputTokens: 2 },
  });
});

test("a response with a slip in it is refused", () => {
  const scripted = () => new MockHost().http("https://a.example/", { stauts: 404 });
  assert.throws(scripted, /a response has no "stauts"; it has status, headers, body, json/);
});

test("what the test denies is denied, in all or in part", () => {
  const set = (scope) => (_, ctx) => ctx.kv.set(scope, "k", 1);
  const mock = new MockHost().deny("kv:plugin").deny("llm:slow").llm("yes");
  assert.equal(mock.run(set("run")).output, 1);
  refused(mock, set("plugin"), /^denied .*the test denies it with deny\("kv:plugin"\)/);
  refused(mock, (_, ctx) => ctx.llm.prompt("slow", "hi"), /^denied .*deny\("llm:slow"\)/);
  assert.equal(mock.run((_, ctx) => ctx.llm.prompt("fast", "hi")).output, "yes");
  assert.throws(() => new MockHost().deny("htp:x"), /"htp:x" is no capability; they are ask, /);
});

test("a denial is named as in the other languages", () => {
  const get = () => fetch("https://a.example:8443/x").text();
  const ask = (_, ctx) => ctx.ask("Go on?");
  const read = (_, ctx) => ctx.kv.get("run", "k") ?? null;
  const write = (_, ctx) => ctx.kv.set("run", "k", 1);
  const hold = (_, ctx) => ctx.secret("token") && 1;
  const prompt = (_, ctx) => ctx.llm.prompt("slow", "hi");
  for (const [capability, agent, named] of [
    ["ask", ask, "ask"],
    ["llm:*", prompt, "llm slow"],
    ["http:a.example", get, "http https://a.example:8443/x"],
    ["http:https://a.example", get, "http https://a.example:8443/x"],
    ["kv:run", read, "kv run:ro"],
    ["kv:run:ro", read, "kv run:ro"],
    ["kv:run:rw", write, "kv run"],
    ["secret:token", hold, "secret token:hold"],
    ["blobs", (_, ctx) => ctx.blobs.write("text/plain", ""), "blobs text/plain"],
  ]) {
    const mock = new MockHost().ask(1).llm("a").http("*", "x").secret("token", "x");
    const said = `denied  ${named} is denied: the test denies it with deny("${capability}")`;
    refused(mock.deny(capability), agent, new RegExp(said.replace(/[*()]/g, "\\$&")));
  }
  const mock = new MockHost().deny("kv:run:rw").deny("http:b.example").http("*", "x");
  assert.equal(mock.run(read).output, null);
  assert.equal(mock.run(get).output, "x");
});

test("memory has versions that never come again, and is there in the next run", () => {
  const mock = new MockHost().kv("thread", "k", { n: 1 });
  const { output } = mock.run((_, ctx) => {
    const first = ctx.kv.entry("thread", "k");
    const wasThere = ctx.kv.delete("thread", "k");
    const gone = ctx.kv.get("thread", "k") ?? null;
    const made = ctx.kv.swap("thread", "k", undefined, 2);
    const late = ctx.kv.swap("thread", "k", first.version, 3);
    return { first: first.version, wasThere, gone, made, late, now: ctx.kv.entry("thread", "k") };
  });
  const now = { key: "k", value: 2, version: 3 };
  assert.deepEqual(output, { first: 1, wasThere: true, gone: null, made: true, late: false, now });
  assert.equal(mock.run((_, ctx) => ctx.kv.get("thread", "k")).output, 2);
  const unknown = (_, ctx) => [ctx.kv.delete("run", "new"), ctx.kv.set("run", "new", 1)];
  assert.deepEqual(mock.run(unknown).output, [false, 1]);
});

test("a listing comes in pages, in the order of keys", () => {
  const mock = new MockHost();
  for (const key of ["b2", "a", "b1", "b3"]) mock.kv("run", key, key);
  const { output } = mock.run((_, ctx) => {
    const one = ctx.kv.list("run", "b", { limit: 2 });
    const two = ctx.kv.list("run", "b", { limit: 2, cursor: one.cursor });
    return [...one.entries, ...two.entries].map(({ value }) => value).concat(two.cursor ?? "end");
  });
  assert.deepEqual(output, ["b1", "b2", "b3", "end"]);
  for (const limit of [0, 1_001]) {
    refused(mock, (_, ctx) => ctx.kv.list("run", "", { limit }), /^invalid-input kv_page_entries/);
  }
});

test("a key and a value that a host refuses are refused", () => {
  const mock = new MockHost();
  const long = "k".repeat(513);
  for (const call of ["get", "set", "delete", "list"]) {
    refused(mock, (_, ctx) => ctx.kv[call]("run", long, {}), /^limit kv_key_bytes/);
  }
  const large = "v".repeat(256 << 10);
  refused(mock, (_, ctx) => ctx.kv.set("run", "k", large), /^limit kv_value_bytes/);
  assert.equal(mock.run((_, ctx) => ctx.kv.get("run", "k") ?? null).output, null);
});

test("the clock stands still but for sleeping, and memory expires by it", () => {
  const mock = new MockHost().clockMs(1_000);
  const before = Date.now();
  const { output } = mock.run((_, ctx) => {
    ctx.kv.set("run", "k", 1, { ttlMs: 50 });
    const seen = [Date.now(), new Date().toISOString(), ctx.kv.get("run", "k")];
    ctx.sleep(50);
    return [...seen, Date.now(), ctx.kv.get("run", "k") ?? null, new Date(5) instanceof Date];
  });
  assert.deepEqual(output, [1_000, "1970-01-01T00:00:01.000Z", 1, 1_050, null, true]);
  assert.ok(Date.now() >= before);
});

test("the console goes to the log, and node's is back afterwards", () => {
  const { console: own, fetch: theirs } = globalThis;
  const { random } = Math;
  const mock = new MockHost();
  run(mock, (_, ctx) => {
    console.warn("careful", { n: 1 });
    ctx.log("debug", "detail", { n: 2 });
    return Math.random();
  });
  assert.deepEqual(mock.logs(), ['warn careful {"n":1}', "debug detail n=2"]);
  assert.equal(globalThis.console, own);
  assert.equal(globalThis.fetch, theirs);
  assert.equal(Math.random, random);
});

test("chance is the same in each run and another for another attempt", () => {
  const agent = () => [Math.random(), crypto.randomUUID()];
  const draw = (call) => new MockHost().run(agent, {}, call).output;
  assert.deepEqual(draw(), draw());
  assert.notEqual(draw()[0], draw({ attempt: 2 })[0]);
});

test("blobs are kept, and a reference that nobody made opens nothing", () => {
  const mock = new MockHost();
  const blob = mock.blob("text/plain", "hello");
  const { output } = mock.run(
    ({ blob }, ctx) => {
      const text = new TextDecoder().decode(ctx.blobs.read(blob, 1));
      return { text, made: ctx.blobs.write("text/plain", text) };
    },
    { blob },
  );
  assert.equal(output.text, "ello");
  assert.match(output.made.$blob, /^sha256:[0-9a-f]{64}$/);
  assert.equal(mock.done().at(-1), "blob write text/plain 4");
  const other = { ...blob, $blob: "sha256:00" };
  refused(mock, (_, ctx) => ctx.blobs.read(other), /^denied .*no such blob is here/);
});

test("a secret is held and revealed, unless that is denied", () => {
  const reveal = (_, ctx) => ctx.secret("token").reveal();
  const mock = new MockHost().secret("token", "s3cret");
  assert.equal(mock.run(reveal).output, "s3cret");
  assert.deepEqual(mock.done(), ["secret token", "reveal token"]);
  const held = new MockHost().secret("token", "s3cret").deny("secret:token:reveal");
  refused(held, reveal, /^denied .*deny\("secret:token:reveal"\)/);
});

test("agents are taken as they are exported, and one of several by its name", () => {
  const one = defineAgent(({ n }) => n + 1);
  assert.equal(run(new MockHost(), one, { n: 1 }).output, 2);
  const several = defineAgents({ a: () => "a", b: { run: () => "b" } });
  assert.equal(run(new MockHost(), several, {}, { agent: "b" }).output, "b");
  refused(new MockHost(), several, /^invalid-input unknown_agent .*it has a, b$/);
});

test("code that takes a context is called by itself", () => {
  const mock = new MockHost().config({ model: "fast" }).ask("yes");
  const ctx = mock.ctx();
  assert.deepEqual([ctx.config.model, ctx.ask("Go on?")], ["fast", "yes"]);
  assert.throws(() => ctx.ask("And on?"), { tag: "denied" });
  assert.deepEqual(mock.done(), ["ask Go on?", "ask And on?"]);
});

test("an exception is the failure that a host would see", () => {
  const broken = () => undefined.field;
  refused(new MockHost(), broken, /^failed exception TypeError: .*mock\.test\.js:\d+\)$/);
});

test("tools that are scripted are listed", () => {
  const { output } = new MockHost().tool("t", 1).run((_, ctx) => ctx.tools.list());
  assert.deepEqual(
    output.map(({ name }) => name),
    ["t"],
  );
});
