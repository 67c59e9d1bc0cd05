// The README's code, run as it is written.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MockHost } from "../src/testing.js";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const [HELLO, TYPED, TESTS] = [...README.matchAll(/^```[jt]s\n(.*?)^```$/gms)].map(
  ([, code]) => code,
);

/** What the tests that are shown are about. */
const SHOWN = `
  import { defineAgent } from "@workflowforge/sdk";
  export const agent = defineAgent(({ text }, ctx) => {
    const summary = ctx.llm.prompt(ctx.config.model, text);
    if (ctx.ask("Keep it?")) ctx.kv.set("run", "summary", summary);
    return { summary };
  });
`;

/** The address of a module with that code. */
function address(code, own = {}) {
  const found = code.replace(/ from "([^":]+)";/g, (_, name) => {
    return ` from "${own[name] ?? import.meta.resolve(name)}";`;
  });
  return `data:text/javascript,${encodeURIComponent(found)}`;
}

test("hello has at most ten lines and counts", async () => {
  assert.ok(HELLO.trimEnd().split("\n").length <= 10);
  const { agent } = await import(address(HELLO));
  const mock = new MockHost();
  assert.deepEqual(mock.run(agent, { text: "a b" }).output, { words: 2 });
  assert.deepEqual(mock.logs(), ["info counting"]);
});

test("the agent with schemas reads its input by them", async () => {
  const { agent } = await import(address(TYPED));
  assert.deepEqual(new MockHost().run(agent, { text: "a b c", most: 2 }).output, { words: 2 });
  assert.deepEqual(new MockHost().run(agent, { text: "a b c" }).output, { words: 3 });
});

// The import registers the test that is shown, which then runs as one of this file.
await import(address(TESTS, { "../src/agent.js": address(SHOWN) }));
