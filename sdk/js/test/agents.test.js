// Agents as authors define them, and what they say of themselves to the build.

import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { Failure, defineAgent, defineAgents } from "../src/index.js";
import { MockHost } from "../src/testing.js";

const CALL = { task: "t", attempt: 1, input: "no JSON", config: "{}", context: "{}" };
const described = (agent) =>
  JSON.parse(agent.invoke({ ...CALL, agent: "workflowforge:describe" }).output);
const main = (agent) => described(agent).agents.main;
const run = () => null;
const refused = (define, message) => assert.throws(define, { name: "TypeError", message });

test("a function says its name alone", () => {
  assert.deepEqual(described(defineAgent(run)), { agents: { main: {} } });
});

test("an agent says its description and schemas, and no input is read for that", () => {
  const input = { type: "object", required: ["text"] };
  const said = { description: "Counts.", input, output: true, config: {} };
  assert.deepEqual(main(defineAgent({ ...said, run })), said);
});

test("several agents are functions and objects under their names", () => {
  const agents = defineAgents({ one: run, two: { description: "Second.", run } });
  assert.deepEqual(described(agents), { agents: { one: {}, two: { description: "Second." } } });
});

test("an agent may have a name of its own", () => {
  assert.deepEqual(described(defineAgent({ name: "count", run })), { agents: { count: {} } });
});

test("zod says what goes in and what comes out", () => {
  const schema = z.object({ n: z.number().default(1) });
  const { input, output } = main(defineAgent({ input: schema, output: schema, run }));
  const properties = { n: { default: 1, type: "number" } };
  const dialect = "https://json-schema.org/draft/2020-12/schema";
  assert.deepEqual(input, { $schema: dialect, type: "object", properties });
  assert.deepEqual(output, {
    $schema: dialect,
    type: "object",
    properties,
    required: ["n"],
    additionalProperties: false,
  });
});

test("zod reads input and configuration, with its defaults", () => {
  const input = z.object({ n: z.coerce.number() });
  const config = z.object({ by: z.number().default(2) });
  const agent = defineAgent({ input, config, run: ({ n }, ctx) => n * ctx.config.by });
  assert.equal(new MockHost().run(agent, { n: "21" }).output, 42);
});

test("what zod refuses is the caller's fault, with the place", () => {
  const input = z.object({ list: z.array(z.number()) });
  const agent = defineAgent({ input, run });
  assert.throws(
    () => new MockHost().run(agent, { list: [1, "x"] }),
    (failure) => {
      assert.ok(failure instanceof Failure);
      assert.equal(`${failure.tag} ${failure.code}`, "invalid-input invalid_input");
      assert.match(failure.message, /^input\.list\.1: /);
      assert.equal(failure.details.issues[0].place, "input.list.1");
      return true;
    },
  );
});

test("any object with toJSONSchema is a schema", () => {
  const schema = { toJSONSchema: ({ io }) => ({ title: io, hidden: undefined }) };
  const { input, output } = main(defineAgent({ input: schema, output: schema, run }));
  assert.deepEqual([input, output], [{ title: "input" }, { title: "output" }]);
});

test("a library that speaks Standard JSON Schema is asked by it", () => {
  const schema = { "~standard": { jsonSchema: { input: ({ target }) => ({ $comment: target }) } } };
  assert.deepEqual(main(defineAgent({ input: schema, run })).input, { $comment: "draft-2020-12" });
});

test("a library that cannot say its JSON Schema is told what to do", () => {
  const agent = defineAgent({ input: { "~standard": { validate: () => ({ value: 1 }) } }, run });
  assert.throws(
    () => described(agent),
    ({ tag, val }) => tag === "failed" && /cannot say its JSON Schema/.test(val.message),
  );
});

test("a mistake in a definition is said while the plugin is built", () => {
  refused(() => defineAgent({ handler: run }), /agent "main" has the field "handler"/);
  refused(() => defineAgent({}), /agent "main" has no function run/);
  refused(() => defineAgent(null), /must be a function/);
  refused(() => defineAgent({ run, input: "text" }), /the input of agent "main" must be/);
  refused(() => defineAgents({}), /an agent under each name/);
  refused(() => defineAgents({ a: { name: "b", run } }), /agent "a" calls itself "b"/);
});

test("an async agent is refused while the plugin is built", () => {
  refused(() => defineAgent(async () => 1), /agents are synchronous/);
  refused(() => defineAgents({ a: { run: async () => 1 } }), /agent "a" is an async function/);
});
