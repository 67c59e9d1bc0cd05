import assert from "node:assert/strict";
import { test } from "node:test";
import { makeConsole } from "../src/console.js";
import { failed } from "../src/failure.js";
import { Host } from "../src/host.js";
import { Reply } from "../src/reply.js";
import { serve } from "../src/serve.js";

const host = new Host({});

const call = (change = {}) => ({
  agent: "main",
  task: "task_1",
  run: "run_1",
  workflow: "w@1.0.0",
  node: "n",
  step: 1,
  attempt: 1,
  input: "{}",
  config: "null",
  context: "{}",
  ...change,
});
const check = (run, expected, change) =>
  assert.deepEqual(serve({ main: { run } }, call(change), host), expected);
const refusal = (run, change) => {
  try {
    serve({ main: { run } }, call(change), host);
  } catch (payload) {
    return payload;
  }
  return assert.fail("it did not fail");
};

test("what an agent returns is its output", () => {
  check(
    (input) => ({ twice: input.n * 2 }),
    { output: '{"twice":4}', goto: [], extra: "{}" },
    {
      input: '{"n":2}',
    },
  );
});

test("nothing returned is null", () => {
  check(() => {}, { output: "null", goto: [], extra: "{}" });
});

test("exits are taken in their order", () => {
  const goto = [
    { tag: "name", val: "again" },
    { tag: "send", val: { name: "other", input: '{"n":1}' } },
  ];
  check(() => new Reply(1).goto("again").send("other", { n: 1 }), {
    output: "1",
    goto,
    extra: "{}",
  });
});

test("an exception becomes failed with file and line", () => {
  const { tag, val } = refusal((input) => input.missing.field);
  assert.equal(tag, "failed");
  assert.equal(val.code, "exception");
  assert.match(val.message, /^TypeError: .*serve\.test\.js:\d+\)$/);
  assert.ok(JSON.parse(val.details).line > 0);
});

test("a failure of the agent or of the host is handed on as it is", () => {
  const failure = failed("no_luck", "no luck", { retryable: true });
  assert.equal(
    refusal(() => {
      throw failure;
    }),
    failure.payload,
  );
});

test("an unknown agent and broken input are the caller's fault", () => {
  assert.equal(refusal(() => 1, { agent: "toString" }).val.code, "unknown_agent");
  assert.equal(refusal(() => 1, { input: "{" }).tag, "invalid-input");
});

test("a promise is refused instead of lost", () => {
  assert.equal(refusal(async () => 1).val.code, "async_agent");
});

test("chance is the same for a rerun and another for each task and attempt", () => {
  const draw = (change) => serve({ main: { run: () => Math.random() } }, call(change), host).output;
  assert.equal(draw(), draw());
  assert.notEqual(draw(), draw({ task: "task_2" }));
  assert.notEqual(draw(), draw({ attempt: 2 }));
});

test("the console writes log lines and survives anything", () => {
  const lines = [];
  const console = makeConsole((level, message) => lines.push(`${level} ${message}`));
  const loop = {};
  loop.self = loop;
  console.log("a", 1, { b: 2 }, undefined);
  console.error(loop);
  assert.deepEqual(lines, ['info a 1 {"b":2} undefined', "error [object Object]"]);
});
